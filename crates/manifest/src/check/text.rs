//! Text that people are shown, and words from a fixed list.

use super::placeholder;
use crate::diagnostic::Findings;
use crate::quote::{quote, suggest};
use crate::raw::{Field, Text, accepted};
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;
use portalctl_model::name::{self, InvalidName, MAX_NAME_LENGTH};
use portalctl_model::text::is_plain;
use portalctl_model::words::Word;

/// Text without control, newline or bidirectional characters.
pub(super) fn plain(text: &str, spot: Spot, what: &str, findings: &mut Findings) -> bool {
    let Some(bad) = text.chars().find(|c| !is_plain(*c)) else {
        return true;
    };
    hidden(bad, spot, what, findings);
    false
}

/// Reports a character that cannot be seen.
fn hidden(bad: char, spot: Spot, what: &str, findings: &mut Findings) {
    let name = match bad {
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        other => format!("the invisible character {}", other.escape_unicode()),
    };
    findings.error(
        codes::INVALID_TEXT,
        spot,
        format!("{what} holds {name}"),
        "remove it: it can make text look like something else than it is",
    );
}

/// The display name of an organization.
pub(super) fn display_name(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<String> {
    let (text, spot) = accepted(field)?;
    match name::check(text) {
        Ok(()) => {
            placeholder::warn(text, spot, "the name", findings);
            return Some(text.to_string());
        }
        Err(InvalidName::Blank) => findings.error(
            codes::BLANK,
            spot,
            "the name is blank",
            "write it, or remove the field",
        ),
        Err(InvalidName::Hidden(bad)) => hidden(bad, spot, "the name", findings),
        Err(InvalidName::OuterWhiteSpace) => findings.error(
            codes::DISPLAY_NAME,
            spot,
            "the name begins or ends with white space",
            format!(
                "write {}: WorkOS removes white space at the ends",
                quote(text.trim())
            ),
        ),
        Err(InvalidName::TooLong(length)) => findings.error(
            codes::DISPLAY_NAME,
            spot,
            format!("the name has {length} characters"),
            format!("shorten it to {MAX_NAME_LENGTH}"),
        ),
    }
    None
}

/// Text that is plain and not blank.
pub(super) fn required(
    field: Option<&Field<Text>>,
    what: &str,
    findings: &mut Findings,
) -> Option<String> {
    let (text, spot) = accepted(field)?;
    if text.trim().is_empty() {
        findings.error(
            codes::BLANK,
            spot,
            format!("{what} is blank"),
            "write it, or remove the field",
        );
        return None;
    }
    if !plain(text, spot, what, findings) {
        return None;
    }
    placeholder::warn(text, spot, what, findings);
    Some(text.to_string())
}

/// Reads one of a few words.
pub(super) fn word<W: Word>(
    field: Option<&Field<Text>>,
    what: &str,
    findings: &mut Findings,
) -> Option<W> {
    let (text, spot) = accepted(field)?;
    if let Some((_, value)) = W::WORDS.iter().find(|(word, _)| **word == **text) {
        return Some(*value);
    }
    let known: Vec<&str> = W::WORDS.iter().map(|(word, _)| *word).collect();
    findings.error(
        codes::UNKNOWN_VALUE,
        spot,
        format!("{} is no value of {}", quote(text), findings.spell(what)),
        suggest(text, &known),
    );
    None
}
