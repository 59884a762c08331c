//! Quotations and suggestions in messages.
//!
//! Goes in: text from a file. Comes out: short, escaped text without API keys for a message.

use super::secret;
use portalctl_model::text::escape;

/// Characters of a text that a message shows.
const MAX_SHOWN: usize = 60;

/// Returns a text in backticks, escaped, and cut where it is long.
pub(super) fn quote(text: &str) -> String {
    // Before it is cut: half a key is still half a key.
    let text = secret::redact(text);
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{}`", escape(&shown))
}

/// Returns a list in words: "`a`, `b` or `c`".
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

/// Returns the known word that was probably meant.
///
/// Case, `-` and `_` do not count; a third of the letters may differ, but not all.
pub(super) fn nearest<'k>(text: &str, known: &[&'k str]) -> Option<&'k str> {
    // A long text is no misspelling of a short word, and comparing it would take long.
    if text.len() > MAX_SHOWN {
        return None;
    }
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| !matches!(c, '-' | '_' | ' '))
            .flat_map(char::to_lowercase)
            .collect()
    };
    let wanted = plain(text);
    known
        .iter()
        .map(|word| (strsim::osa_distance(&wanted, &plain(word)), *word))
        .filter(|(distance, word)| {
            let longest = word.len().max(wanted.chars().count());
            *distance <= longest.div_ceil(3).min(3) && *distance < word.len()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Returns "did you mean …?" where a known word is near, else all known words.
pub(super) fn suggest(text: &str, known: &[&str]) -> String {
    match nearest(text, known) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("use {}", one_of(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_probably_meant() {
        let fields = ["intents", "it_contacts", "metadata", "id"];
        assert_eq!(nearest("intnets", &fields), Some("intents"));
        assert_eq!(nearest("itContacts", &fields), Some("it_contacts"));
        assert_eq!(nearest("Meta-Data", &fields), Some("metadata"));
        assert_eq!(nearest("colour", &fields), None);
        assert_eq!(nearest("xy", &fields), None);
        assert_eq!(suggest("zzzzzz", &["a", "b", "c"]), "use `a`, `b` or `c`");
    }

    #[test]
    fn long_and_strange_text_is_cut_and_escaped() {
        assert_eq!(quote("a\u{1b}b"), "`a\\u{1b}b`");
        assert_eq!(quote(&"x".repeat(100)).chars().count(), 63);
    }
}
