//! Text from outside, made safe for a page.

use std::fmt;

use jiff::Timestamp;

use portalctl_model::text::{escape, mask_addresses};

/// Text from outside: control and direction characters are escaped, e-mail addresses masked. The
/// templates take text from outside in this type alone, and escape its markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown(String);

impl Shown {
    pub(super) fn new(text: &str) -> Self {
        Self(mask_addresses(&escape(text)).into_owned())
    }

    /// Splits the text at backticks; true marks parts to type, such as `--adopt`.
    pub(super) fn parts(&self) -> Vec<(&str, bool)> {
        let parts: Vec<&str> = self.0.split('`').collect();
        if parts.len().is_multiple_of(2) {
            // An odd backtick has no partner, so none of them mark code.
            return vec![(&self.0, false)];
        }
        let parts = parts.into_iter().enumerate();
        parts.map(|(index, part)| (part, index % 2 == 1)).collect()
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Time as a page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub Timestamp);

impl Moment {
    /// Formats the day, `2026-01-03`, which HTML's `time` element understands.
    pub(super) fn day(&self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// Formats the minute, `2026-01-03 14:05 UTC`.
    pub(super) fn minute(&self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    /// Formats the time for the `datetime` attribute of HTML's `time` element.
    pub(super) fn machine(&self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked_wherever_they_stand() {
        let shown = |text| Shown::new(text).to_string();
        assert_eq!(
            shown("it_contacts.ada@acme.com"),
            "it_contacts.a***@acme.com"
        );
        assert_eq!(
            shown("invites ada@acme.com, \"grace.hopper+it@eu.acme.com\"."),
            "invites a***@acme.com, \"g***@eu.acme.com\"."
        );
        assert_eq!(shown("Write to ada@acme.com."), "Write to a***@acme.com.");
        assert_eq!(shown("Łukasz@łódź.pl"), "Ł***@łódź.pl");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["", "Acme", "@acme", "acme@", "A @ B", "--allow-rekey"] {
            assert_eq!(Shown::new(text).to_string(), text);
        }
    }

    #[test]
    fn what_stands_in_backticks_is_typed() {
        let shown = Shown::new("write `id: org_1` or not");
        let parts = [("write ", false), ("id: org_1", true), (" or not", false)];
        assert_eq!(shown.parts(), parts);
        assert_eq!(Shown::new("a ` b").parts(), [("a ` b", false)]);
    }

    #[test]
    fn what_a_reader_cannot_see_is_escaped() {
        assert_eq!(Shown::new("a\u{202e}b\n").to_string(), "a\\u{202e}b\\u{a}");
    }

    #[test]
    fn a_moment_has_a_form_for_people_and_one_for_machines() {
        let moment = Moment("2026-01-03T14:05:06.123456789Z".parse().unwrap());
        assert_eq!(moment.day(), "2026-01-03");
        assert_eq!(moment.minute(), "2026-01-03 14:05 UTC");
        assert_eq!(moment.machine(), "2026-01-03T14:05:06Z");
    }
}
