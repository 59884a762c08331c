//! The part of a source line that a finding shows.
//!
//! Goes in: a line and the place in it. Comes out: a short piece of it around that place, escaped
//! and without API keys, and which bytes of the piece to mark. A line may be as long as a file:
//! nothing here walks all of it more than once.

use std::ops::Range;

use super::secret;
use super::source::Location;
use portalctl_model::text::is_plain;

/// Characters between two marks; a search for a column walks no further.
const STRIDE: usize = 512;
/// Characters around the piece that are searched, so that a key cut in two is found.
const MARGIN: usize = 200;

/// A line whose columns are found quickly.
pub(super) struct Line<'a> {
    text: &'a str,
    /// The byte offset of every 512th character.
    marks: Vec<usize>,
    /// Columns, from 0, that API keys cover. An escape in the text (`\u005f`) can hide a key from
    /// `secret`, but not from YAML.
    secrets: Vec<Range<usize>>,
}

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a str, secrets: Vec<Range<usize>>) -> Self {
        let marks = text
            .char_indices()
            .step_by(STRIDE)
            .map(|(offset, _)| offset)
            .collect();
        Self {
            text,
            marks,
            secrets,
        }
    }

    /// Returns the text from a column on, counted from 0.
    fn tail(&self, column: usize) -> &'a str {
        let Some(mark) = self.marks.get(column / STRIDE) else {
            return "";
        };
        let tail = &self.text[*mark..];
        match tail.char_indices().nth(column % STRIDE) {
            Some((offset, _)) => &tail[offset..],
            None => "",
        }
    }

    /// Returns some characters from a column on, with a star in place of each character of a key.
    fn piece(&self, from: usize, length: usize) -> String {
        let before = from.min(MARGIN);
        let start = from - before;
        let tail = self.tail(start);
        // Enough behind it, too, that a key which only begins here is long enough to be one.
        let end = tail
            .char_indices()
            .nth(before + length + MARGIN)
            .map_or(tail.len(), |(offset, _)| offset);
        let shown = secret::redact(&tail[..end]).into_owned();
        // A word that begins even before the margin may be a key that was not seen as one.
        let mut inside_word = start > 0;
        shown
            .chars()
            .enumerate()
            .map(|(index, c)| {
                inside_word &= c.is_alphanumeric() || c == '_';
                let hidden = inside_word || self.is_secret(start + index);
                if hidden && c.is_alphanumeric() {
                    '*'
                } else {
                    c
                }
            })
            .skip(before)
            .take(length)
            .collect()
    }

    fn is_secret(&self, column: usize) -> bool {
        // In the order of the text, as they were found.
        let next = self.secrets.partition_point(|key| key.end <= column);
        self.secrets
            .get(next)
            .is_some_and(|key| key.start + secret::SHOWN <= column)
    }
}

/// The part of a line that is shown, and the bytes of it that are marked.
pub(super) struct Excerpt {
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Excerpt {
    pub(super) fn new(line: &Line<'_>, location: &Location, width: usize) -> Self {
        let first = (location.column as usize).saturating_sub(1);
        let last = first + (location.length as usize).max(1);
        // Enough before the column to recognise the line, the rest after it.
        let from = if line.tail(width).is_empty() {
            0
        } else {
            first.saturating_sub(width / 3)
        };
        let mut excerpt = Self {
            text: String::new(),
            start: 0,
            end: 0,
        };
        if from > 0 {
            excerpt.text.push('…');
        }
        let mut column = from;
        for c in line.piece(from, width).chars() {
            if column == first {
                excerpt.start = excerpt.text.len();
            }
            excerpt.push(c);
            column += 1;
            if column <= last {
                excerpt.end = excerpt.text.len();
            }
        }
        if column <= first {
            // Past the end of the line: something is missing there.
            excerpt.start = excerpt.text.len();
        }
        excerpt.end = excerpt.end.max(excerpt.start);
        if !line.tail(from + width).is_empty() {
            excerpt.text.push('…');
        }
        excerpt
    }

    fn push(&mut self, c: char) {
        match c {
            '\t' => self.text.push(' '),
            c if is_plain(c) => self.text.push(c),
            c => self.text.extend(c.escape_unicode()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn excerpt(text: &str, column: u32, length: u32) -> (String, String) {
        let location = Location {
            file: Arc::from("a.yaml"),
            line: 1,
            column,
            length,
        };
        let line = Line::new(text, Vec::new());
        let Excerpt { text, start, end } = Excerpt::new(&line, &location, 30);
        let marked = text[start..end].to_owned();
        (text, marked)
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}here{}", "ü ".repeat(5_000), " x".repeat(5_000));
        let (shown, marked) = excerpt(&text, 10_001, 4);
        assert_eq!(shown, "…ü ü ü ü ü here x x x x x x x x…");
        assert_eq!(marked, "here");
    }

    #[test]
    fn a_key_cut_in_two_is_not_shown() {
        let key = format!("sk_{}{}", "live_", "a1".repeat(10));
        for before in [3, 15, 150, 600] {
            let text = format!("{}{key} here {}", "- ".repeat(before), "x ".repeat(50));
            let column = u32::try_from(text.find("here").unwrap() + 1).unwrap();
            let (shown, marked) = excerpt(&text, column, 4);
            assert!(!shown.contains("a1"), "{shown}");
            assert_eq!(marked, "here");
        }
        let endless = format!("sk_live_{} here {}", "a1".repeat(400), "x ".repeat(50));
        let (shown, _) = excerpt(&endless, 810, 4);
        assert!(!shown.contains("a1"), "{shown}");
    }

    #[test]
    fn a_place_past_the_end_is_marked_there() {
        let (shown, marked) = excerpt("ab", 9, 0);
        assert_eq!((shown.as_str(), marked.as_str()), ("ab", ""));
    }
}
