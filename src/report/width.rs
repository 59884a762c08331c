//! How wide text is on a terminal, and how it is made to fit.

use unicode_width::UnicodeWidthStr;

/// The number of columns that text without escape sequences takes.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Pads text with spaces on the right to a number of columns.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Breaks text into lines of at most a number of columns, at spaces; a longer word stands alone.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    fill(text.split(' '), columns)
}

/// Puts items behind one another into lines of at most a number of columns; breaks none.
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

/// Breaks text into lines of at most a number of columns, each ended by a newline.
pub fn wrapped(text: &str, columns: usize) -> String {
    let mut out = String::new();
    hanging(&mut out, "", text, columns);
    out
}

/// Writes `text` behind `first`, wrapped, later lines indented to the same column.
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
    fn long_text_hangs_behind_its_first_column() {
        let mut out = String::new();
        hanging(&mut out, "  -> ", "one two three four five six", 25);
        assert_eq!(out, "  -> one two three four\n     five six\n");
    }
}
