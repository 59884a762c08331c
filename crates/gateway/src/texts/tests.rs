//! Tests of the texts: every language has every text, with the same values.

use super::*;

fn texts() -> Texts {
    Texts::new(&BTreeMap::new(), None).unwrap()
}

fn own(pairs: &[(&str, &str)]) -> BTreeMap<LanguageIdentifier, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(tag, text)| (tag.parse().unwrap(), (*text).to_owned()))
        .collect()
}

/// The mistakes of a team's own texts.
fn problems(tag: &str, text: &str) -> Vec<String> {
    let built = Texts::new(&own(&[(tag, text)]), None);
    built.err().unwrap_or_default()
}

#[test]
fn every_language_has_every_text_with_as_many_paragraphs() {
    let texts = texts();
    let values = [("title", "TITLE"), ("app", "APP")];
    for (tag, resource) in BUILT_IN {
        assert!(
            FluentResource::try_new(resource.to_owned()).is_ok(),
            "{tag}"
        );
        assert_eq!(messages_of(resource), messages_of(BUILT_IN[0].1), "{tag}");
        let language = &texts.languages[BUILT_IN.iter().position(|it| it.0 == tag).unwrap()];
        assert_eq!(
            unusable(language, &messages_of(resource)),
            Vec::<String>::new()
        );
        for name in messages_of(resource) {
            let english = texts.locale(None).message(name, &values);
            let said = texts.locale(Some(tag)).message(name, &values);
            assert_eq!(
                said.paragraphs.len(),
                english.paragraphs.len(),
                "{tag} {name}"
            );
            assert!(
                said.paragraphs.iter().all(|it| !it.is_empty()),
                "{tag} {name}"
            );
            for value in ["TITLE", "APP"] {
                let has = |text: &str| text.contains(value);
                assert_eq!(has(&said.heading), has(&english.heading), "{tag} {name}");
            }
        }
    }
}

#[test]
fn a_visitor_reads_the_first_of_their_languages_that_is_there() {
    let texts = texts();
    for (header, tag) in [
        (None, "en"),
        (Some(""), "en"),
        (Some("de-AT,de;q=0.9,en;q=0.8"), "de"),
        (Some("pt-BR,es;q=0.8"), "es"),
        (Some("ja-JP"), "ja"),
        (Some("tlh"), "en"),
        (Some("*"), "en"),
        (Some("\u{202e},;;q=,=,-_-"), "en"),
    ] {
        assert_eq!(texts.locale(header).tag(), tag, "{header:?}");
    }
    let long = "de,".repeat(MAX_HEADER);
    assert_eq!(texts.locale(Some(&long)).tag(), "en");
}

#[test]
fn own_texts_are_laid_over_and_languages_are_added() {
    let own = own(&[
        ("de", "the-app = Beispiel\n"),
        ("pt", "the-app = o aplicativo\n"),
        ("he", "back-to = חזרה אל { $app }\n"),
    ]);
    let german = "de".parse().unwrap();
    let texts = Texts::new(&own, Some(&german)).unwrap();
    assert_eq!(texts.locale(Some("de")).label("the-app", &[]), "Beispiel");
    assert_eq!(texts.locale(Some("fr")).label("continue", &[]), "Continuer");
    // A text that the language lacks is in the team's default language.
    let portuguese = texts.locale(Some("pt-BR"));
    assert_eq!(portuguese.label("the-app", &[]), "o aplicativo");
    assert_eq!(portuguese.label("continue", &[]), "Weiter");
    let hebrew = texts.locale(Some("he"));
    assert_eq!(hebrew.direction(), "rtl");
    assert_eq!(
        hebrew.label("back-to", &[("app", "Example")]),
        "חזרה אל \u{2068}Example\u{2069}"
    );
    assert_eq!(texts.locale(None).tag(), "de");
}

#[test]
fn every_mistake_of_own_texts_is_told() {
    assert_eq!(problems("de", "done = Fertig\n"), Vec::<String>::new());
    for (text, wanted) in [
        ("dnoe = Fertig\n", "de: there is no text `dnoe`"),
        ("done = { $name } fertig\n", "name"),
        ("done =\n    .first = x\n", "has no heading"),
        ("done = x\n\nthis is nothing\n", "de: line 3:"),
    ] {
        let problems = problems("de", text).join("\n");
        assert!(problems.contains(wanted), "{text}: {problems}");
    }
    let unknown = "tlh".parse().unwrap();
    let missing = Texts::new(&BTreeMap::new(), Some(&unknown)).err().unwrap();
    assert_eq!(missing, ["there are no texts in the language tlh"]);
}
