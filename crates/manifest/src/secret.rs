//! API keys in texts: search and redaction.
//!
//! Goes in: any text. Comes out: the places of keys, or the text without them.

use std::borrow::Cow;
use std::ops::Range;

/// Beginnings of WorkOS API keys.
const PREFIXES: [&str; 2] = ["sk_test_", "sk_live_"];

/// Characters of a key that are shown: its kind.
pub(super) const SHOWN: usize = PREFIXES[0].len();

/// Letters or digits that must follow; shorter texts are talk about keys.
const MIN_LENGTH: usize = 8;

/// Returns the byte ranges in a text that look like WorkOS API keys.
///
/// A key is `sk_test_` or `sk_live_` followed by eight or more letters or digits, and not
/// preceded by a letter or digit.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("sk_") {
        let Some(tail) = text.get(start..) else {
            continue;
        };
        let Some(prefix) = PREFIXES.iter().find(|prefix| tail.starts_with(**prefix)) else {
            continue;
        };
        let before = text.get(..start).and_then(|head| head.chars().next_back());
        if before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        let length = tail
            .bytes()
            .skip(prefix.len())
            .take_while(u8::is_ascii_alphanumeric)
            .count();
        if length >= MIN_LENGTH {
            found.push(start..start + prefix.len() + length);
        }
    }
    found
}

/// Replaces the secret characters of every key by as many stars.
///
/// The prefix stays, so that readers see the kind of the key; the width stays, so that columns still
/// point at the right place.
pub fn redact(text: &str) -> Cow<'_, str> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        let secret = range.start + SHOWN;
        shown.push_str(&text[done..secret]);
        shown.extend(std::iter::repeat_n('*', range.end - secret));
        done = range.end;
    }
    shown.push_str(&text[done..]);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_talk_about_keys() {
        for key in [
            "sk_test_12345678",
            "x: sk_live_abcdEFGH9",
            "_sk_test_aaaaaaaa",
            "# (sk_test_aaaaaaaaa)",
        ] {
            assert_eq!(find(key).len(), 1, "{key}");
        }
        for talk in [
            "sk_test_…",
            "sk_test_1234567",
            "risk_test_12345678",
            "sk_prod_12345678",
            "sk_",
        ] {
            assert!(find(talk).is_empty(), "{talk}");
        }
    }

    #[test]
    fn redaction_keeps_the_width() {
        let text = "a: sk_live_abcdEFGH9, b: sk_test_12345678";
        assert_eq!(redact(text), "a: sk_live_*********, b: sk_test_********");
        assert!(matches!(redact("nothing here"), Cow::Borrowed(_)));
    }
}
