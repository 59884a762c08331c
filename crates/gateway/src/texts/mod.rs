//! Texts of the pages in several languages: a visitor's languages go in, a [`Locale`] comes out.
//!
//! The texts are Fluent resources (<https://projectfluent.org>), one for each language. A team may
//! lay its own over them, and add languages. Reads no file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentMessage, FluentResource};
use fluent_langneg::{NegotiationStrategy, negotiate_languages, parse_accepted_languages};
use unic_langid::{CharacterDirection, LanguageIdentifier};

#[cfg(test)]
mod tests;

/// Languages that come with the gateway. English, the first, has every text, and is shown where a visitor
/// wants none of the others.
const BUILT_IN: [(&str, &str); 5] = [
    ("en", include_str!("en.ftl")),
    ("de", include_str!("de.ftl")),
    ("es", include_str!("es.ftl")),
    ("fr", include_str!("fr.ftl")),
    ("ja", include_str!("ja.ftl")),
];

/// Longest `Accept-Language` header that is read, in bytes.
const MAX_HEADER: usize = 1024;

/// Values that a text may name: `$title` and `$app`.
const VARIABLES: [&str; 2] = ["title", "app"];

/// Heading and paragraphs of a page, or a label without paragraphs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) heading: String,
    pub(super) paragraphs: Vec<String>,
}

/// Texts in all languages.
pub(super) struct Texts {
    /// English first.
    languages: Vec<Language>,
    /// Place of the language for visitors who want none of the others.
    default: usize,
}

struct Language {
    id: LanguageIdentifier,
    bundle: FluentBundle<FluentResource>,
}

/// Texts in the language of one visitor.
#[derive(Clone, Copy)]
pub(super) struct Locale<'a> {
    texts: &'a Texts,
    language: &'a Language,
}

impl Texts {
    /// Builds the texts, with a team's own ones laid over: Fluent resources by language.
    ///
    /// # Errors
    ///
    /// Returns every mistake of the team's own texts, each with its language.
    pub(super) fn new(
        own: &BTreeMap<LanguageIdentifier, String>,
        default: Option<&LanguageIdentifier>,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut languages: Vec<Language> = BUILT_IN.iter().map(built_in).collect();
        let known = messages_of(BUILT_IN[0].1);
        for (id, text) in own {
            let resource = match FluentResource::try_new(text.clone()) {
                Ok(resource) => resource,
                Err((_, errors)) => {
                    let errors = errors.iter().map(|error| {
                        let line = text[..error.pos.start.min(text.len())]
                            .matches('\n')
                            .count();
                        format!("{id}: line {}: {error}", line + 1)
                    });
                    problems.extend(errors);
                    continue;
                }
            };
            let names = messages_of(text);
            let unknown = names.difference(&known);
            problems.extend(unknown.map(|it| format!("{id}: there is no text `{it}`")));
            let at = place_of(id, &languages).unwrap_or_else(|| {
                languages.push(Language::new(id.clone()));
                languages.len() - 1
            });
            languages[at].bundle.add_resource_overriding(resource);
            problems.extend(unusable(&languages[at], &names));
        }
        let default = default.map_or(Some(0), |id| {
            let place = place_of(id, &languages);
            if place.is_none() {
                problems.push(format!("there are no texts in the language {id}"));
            }
            place
        });
        match default {
            Some(default) if problems.is_empty() => Ok(Self { languages, default }),
            _ => Err(problems),
        }
    }

    /// Chooses the language for a visitor by the value of their `Accept-Language` header.
    pub(super) fn locale(&self, accept_language: Option<&str>) -> Locale<'_> {
        let wanted = accept_language.filter(|header| header.len() <= MAX_HEADER);
        let wanted = parse_accepted_languages(wanted.unwrap_or_default());
        let available: Vec<&LanguageIdentifier> =
            self.languages.iter().map(|language| &language.id).collect();
        let chosen = negotiate_languages(&wanted, &available, None, NegotiationStrategy::Lookup);
        let chosen = chosen.first();
        let chosen = chosen.and_then(|id| place_of(id, &self.languages));
        Locale {
            texts: self,
            language: &self.languages[chosen.unwrap_or(self.default)],
        }
    }
}

/// Returns the place of a language.
fn place_of(id: &LanguageIdentifier, languages: &[Language]) -> Option<usize> {
    languages.iter().position(|language| language.id == *id)
}

impl Locale<'_> {
    /// Returns the language tag, as the page's `lang` names it.
    pub(super) fn tag(&self) -> String {
        self.language.id.to_string()
    }

    /// Returns the direction of the writing, as the page's `dir` names it.
    pub(super) fn direction(&self) -> &'static str {
        if self.language.is_right_to_left() {
            "rtl"
        } else {
            "ltr"
        }
    }

    /// Returns a text: in this language, else in the default one, else in English.
    pub(super) fn message(&self, id: &str, values: &[(&str, &str)]) -> Message {
        let mut arguments = FluentArgs::new();
        for (name, value) in values {
            arguments.set(*name, *value);
        }
        let Texts { languages, default } = self.texts;
        let said = [self.language, &languages[*default], &languages[0]]
            .into_iter()
            .find_map(|language| language.message(id, &arguments));
        // Every text that the code names is in the English resource: a test compares them.
        said.unwrap_or_else(|| Message {
            heading: id.to_owned(),
            paragraphs: Vec::new(),
        })
    }

    /// Returns a text of one line.
    pub(super) fn label(&self, id: &str, values: &[(&str, &str)]) -> String {
        self.message(id, values).heading
    }
}

impl Language {
    fn new(id: LanguageIdentifier) -> Self {
        let bundle = FluentBundle::new_concurrent(vec![id.clone()]);
        let mut language = Self { id, bundle };
        // Marks around values keep a Latin name in order inside a text from right to left.
        let is_right_to_left = language.is_right_to_left();
        language.bundle.set_use_isolating(is_right_to_left);
        language
    }

    fn is_right_to_left(&self) -> bool {
        self.id.character_direction() == CharacterDirection::RTL
    }

    fn message(&self, id: &str, arguments: &FluentArgs<'_>) -> Option<Message> {
        let message = self.bundle.get_message(id)?;
        let (said, _) = self.said(&message, arguments);
        said
    }

    /// Formats a message; returns it with the errors on the way.
    fn said(
        &self,
        message: &FluentMessage<'_>,
        arguments: &FluentArgs<'_>,
    ) -> (Option<Message>, Vec<FluentError>) {
        let mut errors = Vec::new();
        let mut say = |pattern| {
            let said = self
                .bundle
                .format_pattern(pattern, Some(arguments), &mut errors);
            said.into_owned()
        };
        let heading = message.value().map(&mut say);
        let paragraphs = message.attributes().map(|it| say(it.value())).collect();
        let said = heading.map(|heading| Message {
            heading,
            paragraphs,
        });
        (said, errors)
    }
}

fn built_in((tag, text): &(&str, &str)) -> Language {
    let mut language = Language::new(tag.parse().expect("a language tag"));
    let resource = FluentResource::try_new((*text).to_owned());
    let resource = resource.expect("a test reads every resource that comes with the gateway");
    language.bundle.add_resource_overriding(resource);
    language
}

/// Returns the names of the messages of a resource: words at the beginning of a line, before ` =`.
fn messages_of(text: &str) -> BTreeSet<&str> {
    let names = text.lines().filter_map(|line| {
        let name = line.split_once('=')?.0.trim_end();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !name.contains(char::is_whitespace);
        is_name.then_some(name)
    });
    names.collect()
}

/// Returns the mistakes of texts that cannot be shown: a missing heading, or a value that no page has.
fn unusable(language: &Language, names: &BTreeSet<&str>) -> Vec<String> {
    let mut arguments = FluentArgs::new();
    for name in VARIABLES {
        arguments.set(name, name);
    }
    let problems = names.iter().filter_map(|name| {
        let message = language.bundle.get_message(name)?;
        let (said, errors) = language.said(&message, &arguments);
        let mut why = String::new();
        if said.is_none() {
            why.push_str(" has no heading");
        }
        for error in errors {
            let _ = write!(why, " {error}");
        }
        (!why.is_empty()).then(|| format!("{}: `{name}`{why}", language.id))
    });
    problems.collect()
}
