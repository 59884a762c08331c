//! Text from outside: escaping, masking and trimming before people see it.

use std::borrow::Cow;

/// Returns whether a character may stand in a name or other one-line text.
///
/// Control characters (newlines and terminal escapes among them) and the bidirectional
/// overrides can make text look like something else than it is.
pub fn is_plain(c: char) -> bool {
    !c.is_control() && !is_deceptive(c)
}

/// Returns whether a character changes how its neighbours are shown, or breaks the line, unseen.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200e}' | '\u{200f}'      // direction marks
        | '\u{202a}'..='\u{202e}'                 // embeddings and overrides
        | '\u{2066}'..='\u{2069}'                 // isolates
        | '\u{2028}' | '\u{2029}'                 // line and paragraph separators
        | '\u{feff}')
}

/// Shows text on one line: every character that is not [plain](is_plain) becomes `\u{…}`.
///
/// ```
/// use portalctl_model::text::escape;
/// assert_eq!(escape("Acme"), "Acme");
/// assert_eq!(escape("Acme\u{1b}[2J"), "Acme\\u{1b}[2J");
/// ```
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_plain(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    Cow::Owned(shown)
}

/// Returns the content of a file of one line: without a byte-order mark in front, and without the line
/// breaks at the end.
pub fn single_line(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.trim_end_matches(['\n', '\r'])
}

/// Hides all of an e-mail address but its first letter and its domain: `a***@acme.com`.
pub fn mask_email(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}

/// Path of an IT contact's field, which an address follows.
const CONTACT_PATH: &str = "it_contacts.";

/// Masks every e-mail address in a text, as [`mask_email`] does.
///
/// ```
/// use portalctl_model::text::mask_addresses;
/// assert_eq!(mask_addresses("no answer from ada@acme.com"), "no answer from a***@acme.com");
/// ```
pub fn mask_addresses(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices('@') {
        let local = text[copied..at]
            .char_indices()
            .rev()
            .take_while(|(_, c)| is_local(*c))
            .last()
            .map(|(index, _)| copied + index)
            .map(|start| match text[start..at].strip_prefix(CONTACT_PATH) {
                Some(local) if !local.is_empty() => at - local.len(),
                _ => start,
            });
        let domain = text[at + 1..].split(|c: char| !is_domain(c)).next();
        let is_domain = domain.is_some_and(|domain| domain.trim_end_matches('.').contains('.'));
        if let (Some(local), true) = (local, is_domain)
            && !text[local..at].ends_with("***")
        {
            masked.push_str(&text[copied..local]);
            masked.push_str(&mask_email(&text[local..=at]));
            copied = at + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

/// Returns whether a character may stand before the `@` of an address. Quotes and brackets are left
/// out: they stand around an address more often than in one.
fn is_local(c: char) -> bool {
    c.is_alphanumeric() || ".!#$%&*+-=?^_{|}~".contains(c)
}

fn is_domain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        assert_eq!(escape("a\nb\tc"), "a\\u{a}b\\u{9}c");
        assert_eq!(escape("\u{202e}evil"), "\\u{202e}evil");
        assert_eq!(escape("Łódź 株式会社 شركة"), "Łódź 株式会社 شركة");
    }

    #[test]
    fn masks_the_local_part_of_an_address() {
        assert_eq!(mask_email("ada@acme.com"), "a***@acme.com");
        assert_eq!(mask_email("not an address"), "***");
    }

    #[test]
    fn masks_addresses_wherever_they_stand() {
        for (text, masked) in [
            ("ada@acme.com", "a***@acme.com"),
            (
                "<ada+x@acme.com>, (bob@b.co.uk).",
                "<a***@acme.com>, (b***@b.co.uk).",
            ),
            ("it_contacts.ada@acme.com", "it_contacts.a***@acme.com"),
            (
                "https://user:secret@host.example/",
                "https://user:s***@host.example/",
            ),
            (
                "it_contacts.a***@acme.com and b@b.de",
                "it_contacts.a***@acme.com and b***@b.de",
            ),
            ("a@b@c.de", "a@b***@c.de"),
            ("größe@straße.de", "g***@straße.de"),
        ] {
            assert_eq!(mask_addresses(text), masked);
        }
        for text in ["@org/team", "a@b", "a @acme.com", "@", "", "no address."] {
            assert!(matches!(mask_addresses(text), Cow::Borrowed(same) if same == text));
        }
    }
}
