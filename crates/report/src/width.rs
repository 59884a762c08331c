//! Terminal width of text: measuring, padding and wrapping.

use std::borrow::Cow;

use anstream::adapter::strip_str;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Zero-width joiner, which glues emoji together; no line ends after one.
const JOINER: char = '\u{200d}';

/// Returns the number of columns of a text; escape sequences take none.
pub(super) fn width(text: &str) -> usize {
    strip_str(text).map(UnicodeWidthStr::width).sum()
}

/// Returns as much of a text as fits into so many columns, with an ellipsis where it was cut.
pub(super) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for c in text.chars() {
        shown.push(c);
        if width(&shown) >= columns {
            shown.pop();
            break;
        }
    }
    Cow::Owned(shown + "…")
}

/// Pads text with spaces on the right to a number of columns.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Breaks text into lines of at most `columns`: at spaces, and between wide characters, which
/// scripts without spaces consist of. A longer word gets a line of its own.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let lines = fill(text.split(' '), columns).into_iter();
    lines.flat_map(|line| wide(line, columns)).collect()
}

/// Breaks a line that is too long before wide characters.
fn wide(line: String, columns: usize) -> Vec<String> {
    if width(&line) <= columns {
        return vec![line];
    }
    let mut lines = vec![String::new()];
    for c in line.chars() {
        let columns_of = |c: char| c.width().unwrap_or(0);
        if let Some(last) = lines.last_mut() {
            let is_full = columns_of(c) == 2 && width(last) + 2 > columns;
            if is_full && !last.is_empty() && !last.ends_with(JOINER) {
                lines.push(c.to_string());
            } else {
                last.push(c);
            }
        }
    }
    lines
}

/// Wraps counts, separated by `, `, to lines of at most `columns`.
pub(super) fn counts(text: &str, columns: usize) -> String {
    fill(text.split_inclusive(", ").map(str::trim_end), columns).join("\n")
}

/// Joins items by spaces into lines of at most `columns`; breaks no item.
pub(super) fn fill<'a>(items: impl Iterator<Item = &'a str>, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in items {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Wraps text to lines of at most `columns`, each ended by a newline.
pub fn wrapped(text: &str, columns: usize) -> String {
    let mut out = String::new();
    hanging(&mut out, "", text, columns);
    out
}

/// Writes `text` behind `first`, wrapped and indented to the same column.
pub(super) fn hanging(out: &mut String, first: &str, text: &str, columns: usize) {
    let indent = width(first);
    // A terminal too narrow to wrap in gets one long line, which it breaks itself.
    let room = match columns.checked_sub(indent) {
        Some(room) if room >= 20 => room,
        _ => usize::MAX,
    };
    for (index, line) in wrap(text, room).iter().enumerate() {
        if index == 0 {
            out.push_str(first);
        } else {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(line);
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(width("株式会社"), 8);
        assert_eq!(pad("株", 4), "株  ");
        assert_eq!(pad("too long", 3), "too long");
    }

    #[test]
    fn escape_sequences_take_no_columns() {
        assert_eq!(width("\u{1b}[1m株\u{1b}[0m"), 2);
        assert_eq!(pad("\u{1b}[1m株\u{1b}[0m", 4), "\u{1b}[1m株\u{1b}[0m  ");
    }

    #[test]
    fn text_without_spaces_is_broken_between_wide_characters() {
        assert_eq!(
            wrap("会社アクメ東京 is new", 8),
            ["会社アク", "メ東京", "is new"]
        );
        assert_eq!(wrap("https://acme.example", 8), ["https://acme.example"]);
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(wrap(family, 1), [family]);
        // Words of right-to-left scripts have spaces.
        assert_eq!(wrap("شركة أكمي المحدودة", 10), ["شركة أكمي", "المحدودة"]);
    }

    #[test]
    fn counts_are_broken_behind_their_commas() {
        assert_eq!(
            counts("1 done, 12 held, 3 more", 16),
            "1 done, 12 held,\n3 more"
        );
    }

    #[test]
    fn long_text_hangs_behind_its_first_column() {
        let mut out = String::new();
        hanging(&mut out, "  -> ", "one two three four five six", 25);
        assert_eq!(out, "  -> one two three four\n     five six\n");
    }
}
