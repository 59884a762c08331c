//! Printed text that is inert for terminals and for the logs of CI systems.
//!
//! Goes in: a whole text that is about to be printed. Comes out: the same text, with every character
//! escaped that a terminal or the reader of a log would obey. Text from outside is escaped where it
//! enters a message, too ([`text::escape`](crate::text::escape)); this is the last guard behind it,
//! and the only one that sees where a line begins after wrapping.
//!
//! | reader of the log | obeys |
//! |---|---|
//! | GitHub Actions | a line that begins with `::name`, white space in front ignored; `##[name` anywhere |
//! | Azure Pipelines | `##vso[` and `##[` anywhere |
//! | TeamCity | `##teamcity[` |
//! | GitLab CI | `section_start:…` followed by a carriage return and an escape sequence |
//!
//! Sources: `ActionCommand.cs` of actions/runner, `Gitlab::Regex.build_trace_section_regex` of GitLab,
//! and the documentation of TeamCity's service messages and of Azure's logging commands.

use std::borrow::Cow;

use super::text::is_plain;

const ESCAPE: char = '\u{1b}';

/// Makes a text inert: what a terminal or a log would obey becomes `\u{…}`.
///
/// Line breaks, tabs and escape sequences that only colour text stay.
///
/// ```
/// use portalctl_model::inert;
/// assert_eq!(inert::output("  ::error::x\n"), "  \\u{3a}:error::x\n");
/// assert_eq!(inert::output("Acme ##[add-path]/tmp"), "Acme ##\\u{5b}add-path]/tmp");
/// assert_eq!(inert::output("a\u{1b}[2J"), "a\\u{1b}[2J");
/// ```
pub fn output(text: &str) -> Cow<'_, str> {
    replace(text, Active::new(text), |c, shown| {
        shown.extend(c.escape_unicode());
    })
}

/// Makes a JSON text inert: what a terminal or a log would obey becomes `\uXXXX`, which has the same
/// value to every reader of JSON.
///
/// ```
/// use portalctl_model::inert;
/// assert_eq!(inert::json("\"##[x]\u{9b}\""), "\"##\\u005bx]\\u009b\"");
/// ```
pub fn json(text: &str) -> Cow<'_, str> {
    // Where JSON is well-formed, these characters stand within strings only.
    let active = text
        .char_indices()
        .filter(|(at, c)| (*c != '\n' && !is_plain(*c)) || opens_command(text, *at, *c));
    replace(text, active, |c, shown| {
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            shown.push_str(&format!("\\u{unit:04x}"));
        }
    })
}

/// Returns a text with some of its characters written by a function.
fn replace(
    text: &str,
    active: impl Iterator<Item = (usize, char)>,
    mut write: impl FnMut(char, &mut String),
) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut copied = 0;
    for (at, c) in active {
        shown.push_str(&text[copied..at]);
        write(c, &mut shown);
        copied = at + c.len_utf8();
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[copied..]);
    Cow::Owned(shown)
}

/// Returns whether a bracket completes `##[`, `##vso[`, `##teamcity[` or the like.
fn opens_command(text: &str, at: usize, c: char) -> bool {
    c == '['
        && text[..at]
            .trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .ends_with("##")
}

/// Characters of a text that a terminal or the reader of a log would obey.
struct Active<'t> {
    text: &'t str,
    at: usize,
    /// True while only white space, colours and invisible characters were seen in the line.
    begins: bool,
}

impl<'t> Active<'t> {
    const fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            begins: true,
        }
    }

    /// Returns whether the character is to be escaped, and keeps track of the line.
    fn is_active(&mut self, at: usize, c: char) -> bool {
        let rest = &self.text[at..];
        if c == '\n' {
            self.begins = true;
            return false;
        }
        if c == '\t' || rest.starts_with("\r\n") {
            return false;
        }
        let is_active = !is_plain(c)
            || (self.begins && rest.starts_with("::"))
            || opens_command(self.text, at, c);
        // Readers differ in what they take for white space.
        let is_skipped = c == ' ' || !(c.is_ascii() || c.is_alphanumeric());
        self.begins &= is_skipped && !is_active;
        is_active
    }
}

impl Iterator for Active<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(c) = self.text[self.at..].chars().next() {
            let at = self.at;
            if let Some(length) = colour(&self.text[at..]) {
                self.at += length;
                continue;
            }
            self.at += c.len_utf8();
            if self.is_active(at, c) {
                return Some((at, c));
            }
        }
        None
    }
}

/// Returns the length of the escape sequence at the beginning of a text, if it only colours text.
fn colour(text: &str) -> Option<usize> {
    let sequence = text.strip_prefix(ESCAPE)?.strip_prefix('[')?;
    let is_parameter = |c: char| c.is_ascii_digit() || c == ';' || c == ':';
    let end = sequence.trim_start_matches(is_parameter);
    end.strip_prefix('m')
        .map(|behind| text.len() - behind.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn workflow_commands_are_escaped_wherever_they_are_obeyed() {
        for (text, shown) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("\n \t ::add-mask::x", "\n \t \\u{3a}:add-mask::x"),
            ("\u{a0}\u{200b}::a::x", "\u{a0}\u{200b}\\u{3a}:a::x"),
            ("\u{1b}[1m::a::x", "\u{1b}[1m\\u{3a}:a::x"),
            ("a\r\n::a::x", "a\r\n\\u{3a}:a::x"),
            ("a\r::a::x", "a\\u{d}::a::x"),
            ("##[add-path]x", "##\\u{5b}add-path]x"),
            ("a###[x]##[y]", "a###\\u{5b}x]##\\u{5b}y]"),
            ("##vso[task.x]", "##vso\\u{5b}task.x]"),
            ("##teamcity[x]", "##teamcity\\u{5b}x]"),
        ] {
            assert_eq!(output(text), shown);
        }
    }

    #[test]
    fn terminals_obey_colours_alone() {
        for (text, shown) in [
            ("\u{1b}[1;31mred\u{1b}[0m", "\u{1b}[1;31mred\u{1b}[0m"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("\u{202e}x", "\\u{202e}x"),
        ] {
            assert_eq!(output(text), shown);
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "",
            "crate::module",
            "a ::b",
            "# x\n## [y]\n- [z]",
            "##\nx[",
            "Łódź 株式会社 شركة 👩‍🚀\n",
        ] {
            assert!(matches!(output(text), Cow::Borrowed(same) if same == text));
            assert!(matches!(json(text), Cow::Borrowed(same) if same == text));
        }
    }

    /// Texts made of pieces that commands are made of.
    fn hostile() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            ":", "::", "#", "##", "[", "error", "vso", "]", " ", "\n", "\r", "\t", "\u{1b}", "[0m",
            "\u{9b}", "\u{202e}", "\u{a0}", "\u{200b}", "\u{feff}", "\\", "\"", "é",
        ]);
        prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_inert_stays_as_it_is(text in hostile()) {
            let once = output(&text).into_owned();
            prop_assert_eq!(&*output(&once), &once);
            prop_assert!(!once.contains("##["));
            for line in once.split(['\n', '\r']) {
                prop_assert!(!line.trim_start().starts_with("::"), "{:?}", once);
            }
        }

        #[test]
        fn json_keeps_its_value_and_is_inert(text in hostile()) {
            let written = serde_json::to_string_pretty(&[&text]).unwrap();
            let shown = json(&written);
            prop_assert_eq!(&*output(&shown), &*shown);
            let read: Vec<String> = serde_json::from_str(&shown).unwrap();
            prop_assert_eq!(read, [text]);
        }
    }
}
