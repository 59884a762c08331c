//! Texts of a manifest's files, kept so that findings can show lines.
//!
//! Goes in: file names and contents. Comes out: places in them. Reads no file itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

/// The number of a file within [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(u32);

/// A place as the stages carry it around: small, and without the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) file: FileId,
    /// From 1.
    pub(super) line: u32,
    /// From 1, in characters.
    pub(super) column: u32,
    /// In characters; 0 where it is not known.
    pub(super) length: u32,
}

impl Spot {
    /// Returns the beginning of a file.
    pub(super) fn start_of(file: FileId) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
            length: 0,
        }
    }

    /// Returns a file as a whole, with no line to show.
    pub(super) fn whole(file: FileId) -> Self {
        Self {
            file,
            line: 0,
            column: 0,
            length: 0,
        }
    }
}

/// A value with the place it was written at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spotted<T> {
    pub(super) value: T,
    pub(super) spot: Spot,
}

/// A place in a file, for people and machines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The line, from 1; 0 when the finding is about the file as a whole.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// Number of characters that it covers; 0 where that is unknown.
    #[serde(skip)]
    pub length: u32,
}

/// The files of one manifest, by name and text.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

#[derive(Debug, Clone)]
struct SourceFile {
    name: Arc<str>,
    text: Arc<str>,
}

impl Sources {
    /// Adds a file whose text is still to come; it stays empty when it cannot be read.
    pub(super) fn reserve(&mut self, name: Arc<str>) -> FileId {
        let number = u32::try_from(self.files.len());
        let id = FileId(number.expect("the loader bounds the number of files"));
        let text = Arc::from("");
        self.files.push(SourceFile { name, text });
        id
    }

    /// Gives a file its text.
    pub(super) fn fill(&mut self, file: FileId, text: String) {
        if let Some(file) = self.files.get_mut(file.0 as usize) {
            file.text = Arc::from(text);
        }
    }

    /// Returns the text of a file, by the name in locations.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files
            .iter()
            .find(|file| &*file.name == name)
            .map(|file| &*file.text)
    }

    /// Returns the files' names and texts, in the order of reading.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &str)> {
        self.files.iter().map(|file| (&file.name, &*file.text))
    }

    /// Returns the file, if there is exactly one.
    pub(super) fn only(&self) -> Option<FileId> {
        (self.files.len() == 1).then_some(FileId(0))
    }

    pub(super) fn name_of(&self, file: FileId) -> Arc<str> {
        self.file(file)
            .map_or_else(|| Arc::from(""), |file| Arc::clone(&file.name))
    }

    pub(super) fn text_of(&self, file: FileId) -> Arc<str> {
        self.file(file)
            .map_or_else(|| Arc::from(""), |file| Arc::clone(&file.text))
    }

    pub(super) fn location(&self, spot: Spot) -> Location {
        Location {
            file: self.name_of(spot.file),
            line: spot.line,
            column: spot.column,
            length: spot.length,
        }
    }

    fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }
}

/// Returns lines of a text, counted from 1, in one walk and without their line breaks.
pub(super) fn pick_lines<'t>(text: &'t str, wanted: &BTreeSet<u32>) -> BTreeMap<u32, &'t str> {
    let mut picked = BTreeMap::new();
    let mut starts = std::iter::once(0).chain(line_starts(text, 0)).peekable();
    let mut number = 0;
    for line in wanted {
        let Some(skip) = line.checked_sub(number + 1) else {
            continue;
        };
        let Some(start) = starts.nth(skip as usize) else {
            break;
        };
        number = *line;
        let end = starts.peek().copied().unwrap_or(text.len());
        picked.insert(*line, text[start..end].trim_end_matches(['\n', '\r']));
    }
    picked
}

/// Returns the beginnings of all lines after the one that begins at `from`.
fn line_starts(text: &str, from: usize) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    bytes[from..]
        .iter()
        .enumerate()
        .filter_map(move |(index, byte)| {
            let next = from + index + 1;
            // YAML breaks lines at \n, \r\n and a lone \r.
            let breaks = match byte {
                b'\n' => true,
                b'\r' => bytes.get(next) != Some(&b'\n'),
                _ => false,
            };
            breaks.then_some(next)
        })
}

/// The line and column of ascending byte positions, found in one walk over the text.
pub(super) struct Positions<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    line_start: usize,
    column: usize,
}

impl<'a> Positions<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
            line_start: 0,
            column: 1,
        }
    }

    /// Returns the line and column, both from 1, of a position that is not before the last one.
    pub(super) fn at(&mut self, offset: usize) -> (u32, u32) {
        let walked = self.text.get(..offset).unwrap_or(self.text);
        for start in line_starts(walked, self.offset) {
            self.line += 1;
            self.line_start = start;
        }
        if self.line_start > self.offset {
            self.offset = self.line_start;
            self.column = 1;
        }
        let more = walked.get(self.offset..).unwrap_or_default();
        self.column += more.chars().count();
        self.offset = walked.len();
        (saturate(self.line), saturate(self.column))
    }
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_yaml_says() {
        let text = "a\r\nbü\rc\n";
        let all = pick_lines(text, &BTreeSet::from([0, 1, 2, 3, 4, 5]));
        assert_eq!(
            all,
            BTreeMap::from([(1, "a"), (2, "bü"), (3, "c"), (4, "")])
        );
        let some = pick_lines(text, &BTreeSet::from([2, 4]));
        assert_eq!(some, BTreeMap::from([(2, "bü"), (4, "")]));
    }

    #[test]
    fn positions_ascend() {
        let mut positions = Positions::new("a\r\nbü\rc\n\nd");
        assert_eq!(positions.at(0), (1, 1));
        assert_eq!(positions.at(3), (2, 1));
        assert_eq!(positions.at(6), (2, 3));
        assert_eq!(positions.at(6), (2, 3));
        assert_eq!(positions.at(7), (3, 1));
        assert_eq!(positions.at(10), (5, 1));
    }
}
