//! Display names of organizations: allowed characters and comparison.
//!
//! A name is shown to customers, in reports and in dashboards. Characters that cannot be seen make
//! two names look alike, or one name look like another, so they are refused where they carry no
//! meaning. What scripts and emoji need is allowed.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{
    BidiControl, CanonicalCombiningClass, Emoji, EmojiModifier, ExtendedPictographic, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The longest name, in code points.
pub const MAX_NAME_LENGTH: usize = 512;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const TEXT_STYLE: char = '\u{fe0e}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';
const CANCEL_TAG: char = '\u{e007f}';

/// The reason why a text cannot be the name of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidName {
    /// Only white space.
    Blank,
    /// White space at the beginning or the end, which WorkOS removes.
    OuterWhiteSpace,
    /// More code points than [`MAX_NAME_LENGTH`].
    TooLong(usize),
    /// A character that cannot be seen, or that changes how others are shown.
    Hidden(char),
}

/// Checks a name.
///
/// # Errors
///
/// The first reason why it is refused.
pub fn check(text: &str) -> Result<(), InvalidName> {
    if text.trim().is_empty() {
        return Err(InvalidName::Blank);
    }
    let length = text.chars().count();
    if length > MAX_NAME_LENGTH {
        return Err(InvalidName::TooLong(length));
    }
    let chars: Vec<char> = text.chars().collect();
    if let Some(bad) = hidden(&chars) {
        return Err(InvalidName::Hidden(bad));
    }
    if text.trim() != text {
        return Err(InvalidName::OuterWhiteSpace);
    }
    Ok(())
}

/// Returns whether two names are the same: white space at the ends and the form of composed
/// characters (NFC or NFD) do not tell names apart.
pub fn same(one: &str, other: &str) -> bool {
    one == other || settled(one) == settled(other)
}

/// Folds a name for a loose comparison: case, spacing and the form of composed characters do not count.
pub fn folded(name: &str) -> String {
    let name = nfc(name).to_lowercase();
    let mut folded = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// Returns a text as servers store it: without white space at its ends, and in NFC.
pub fn settled(text: &str) -> Cow<'_, str> {
    nfc(text.trim())
}

fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Returns the first character that a name may not hold where it stands.
fn hidden(chars: &[char]) -> Option<char> {
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c == BLACK_FLAG {
            at += emoji_flag(chars.get(at..).unwrap_or_default());
            continue;
        }
        let (before, after) = chars.split_at(at);
        let after = after.get(1..).unwrap_or_default();
        let is_fine = match c {
            ZERO_WIDTH_NON_JOINER => follows_virama(before) || joins(before, after),
            ZERO_WIDTH_JOINER => follows_virama(before) || joins_emoji(before, after),
            TEXT_STYLE | EMOJI_STYLE => styles_emoji(before, after),
            _ => !is_hidden(c),
        };
        if !is_fine {
            return Some(c);
        }
        at += 1;
    }
    None
}

/// Returns whether a character is refused wherever it stands.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || CodePointSetData::new::<BidiControl>().contains(c)
        || matches!(
            c,
            '\u{ad}'                                                // soft hyphen
            | '\u{200b}' | '\u{2060}' | '\u{feff}'                  // without width
            | '\u{2028}' | '\u{2029}'                               // line and paragraph separators
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'     // Hangul fillers
            | '\u{e0001}' | '\u{e0020}'..='\u{e007f}'
        ) // tags
}

/// Returns the length of the flag that begins a text: a black flag, with its tags if it has any.
fn emoji_flag(chars: &[char]) -> usize {
    let tags = chars.iter().skip(1);
    let tags = tags
        .take_while(|c| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}'))
        .count();
    let ends = chars.get(1 + tags) == Some(&CANCEL_TAG);
    // Tags that nothing ends are no flag; each of them is refused by itself.
    if tags > 0 && ends { tags + 2 } else { 1 }
}

/// RFC 5892 A.1 and A.2: the character stands behind a virama.
fn follows_virama(before: &[char]) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new();
    before
        .last()
        .is_some_and(|c| class.get(*c) == CanonicalCombiningClass::Virama)
}

/// RFC 5892 A.1: the character breaks a connection between two letters that would join.
fn joins(before: &[char], after: &[char]) -> bool {
    let joining = CodePointMapData::<JoiningType>::new();
    let is_transparent = |c: &&char| joining.get(**c) == JoiningType::Transparent;
    let left = before.iter().rev().find(|c| !is_transparent(c));
    let right = after.iter().find(|c| !is_transparent(c));
    let (Some(left), Some(right)) = (left, right) else {
        return false;
    };
    let left = joining.get(*left);
    let right = joining.get(*right);
    (left == JoiningType::LeftJoining || left == JoiningType::DualJoining)
        && (right == JoiningType::RightJoining || right == JoiningType::DualJoining)
}

/// Returns whether the joiner between them makes one emoji of two.
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let pictographic = CodePointSetData::new::<ExtendedPictographic>();
    let modifier = CodePointSetData::new::<EmojiModifier>();
    let mut before = before.iter().rev().peekable();
    before.next_if(|c| **c == EMOJI_STYLE || modifier.contains(**c));
    before.next().is_some_and(|c| pictographic.contains(*c))
        && after.first().is_some_and(|c| pictographic.contains(*c))
}

/// Returns whether the style between them is that of an emoji, or of a keycap.
fn styles_emoji(before: &[char], after: &[char]) -> bool {
    let Some(base) = before.last() else {
        return false;
    };
    let is_emoji = CodePointSetData::new::<Emoji>().contains(*base);
    is_emoji && (!base.is_ascii() || after.first() == Some(&KEYCAP))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_all_scripts_are_fine() {
        for name in [
            "Acme",
            "Łódź 株式会社 شركة",
            "Acme (EU) & Søns, Inc.",
            "हिन्दी",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}💻 Labs",
            "👩🏽\u{200d}🚀",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3} First",
            "☎\u{fe0e} Support",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} Scotland",
            "🏴 Pirates",
            "🇩🇪 GmbH",
            "葛\u{e0100}城市",
            "Acme\u{a0}Corp",
        ] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
        assert_eq!(check(&"ü".repeat(512)), Ok(()));
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for (name, bad) in [
            ("a\nb", '\n'),
            ("a\u{85}b", '\u{85}'),
            ("a\u{202e}b", '\u{202e}'),
            ("a\u{200f}b", '\u{200f}'),
            ("a\u{ad}b", '\u{ad}'),
            ("a\u{200b}b", '\u{200b}'),
            ("a\u{2060}b", '\u{2060}'),
            ("\u{feff}Acme", '\u{feff}'),
            ("a\u{3164}b", '\u{3164}'),
            ("a\u{ffa0}b", '\u{ffa0}'),
            ("a\u{200d}b", '\u{200d}'),
            ("a\u{200c}b", '\u{200c}'),
            ("Acme\u{200d}", '\u{200d}'),
            ("👩\u{200d}b", '\u{200d}'),
            ("a\u{fe0f}", '\u{fe0f}'),
            ("1\u{fe0f}", '\u{fe0f}'),
            ("\u{fe0f}a", '\u{fe0f}'),
            ("a\u{e0067}", '\u{e0067}'),
            ("🏴\u{e0067}\u{e0062}", '\u{e0067}'),
            ("🏴\u{e007f}", '\u{e007f}'),
        ] {
            assert_eq!(check(name), Err(InvalidName::Hidden(bad)), "{name:?}");
        }
    }

    #[test]
    fn outer_white_space_blanks_and_long_names_are_refused() {
        for name in ["Acme ", " Acme", "Acme\u{a0}", "\u{3000}Acme"] {
            assert_eq!(check(name), Err(InvalidName::OuterWhiteSpace), "{name:?}");
        }
        assert_eq!(check(" \u{3000}"), Err(InvalidName::Blank));
        assert_eq!(check(&"ü".repeat(513)), Err(InvalidName::TooLong(513)));
    }

    #[test]
    fn forms_and_outer_white_space_do_not_tell_names_apart_and_case_does() {
        assert!(same("Müller", "Mu\u{308}ller"));
        assert!(same("Acme", " Acme\u{a0}"));
        assert!(!same("Acme", "ACME"));
        assert!(!same("Acme Corp", "Acme  Corp"));
        assert_eq!(folded(" MU\u{308}LLER   GmbH"), folded("müller gmbh"));
    }

    proptest! {
        #[test]
        fn a_settled_name_is_the_same_name(name in "\\PC{0,12}") {
            let settled = settled(&name).into_owned();
            prop_assert!(same(&name, &settled));
            prop_assert_eq!(super::settled(&settled).into_owned(), settled);
        }

        #[test]
        fn a_name_that_is_fine_is_sent_as_servers_settle_it(name in "\\PC{1,12}") {
            if check(&name).is_ok() {
                prop_assert_eq!(name.trim(), name.as_str());
                prop_assert!(!name.chars().any(char::is_control));
            }
        }
    }
}
