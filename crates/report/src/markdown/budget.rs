//! Size limit of a comment: which items are left out, in which order, with a remark that says so.
//!
//! GitHub refuses a comment of more than 65,536 characters. It has counted bytes, characters and
//! UTF-16 units at different times and places; bytes of UTF-8 are never fewer than either, so bytes
//! are counted here.

use super::escape;

/// Most bytes of a report; the rest of GitHub's limit is left for the tool that posts it.
pub const LIMIT: usize = 60_000;
/// Most bytes of the remark about left-out items.
const REMARK: usize = 200;

/// Priority of a section's items when not everything fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// Left out last: decisions and problems.
    List,
    /// Left out when no details are left.
    Row,
    /// Left out first.
    Detail,
}

impl Rank {
    const LAST_TO_GO_FIRST: [Self; 3] = [Self::List, Self::Row, Self::Detail];
}

/// Items of one kind, with the text before and after them.
#[derive(Debug)]
pub(super) struct Section {
    /// Priority of the items.
    pub(super) rank: Rank,
    /// Text before the first item.
    pub(super) open: String,
    /// Text behind the last item.
    pub(super) close: String,
    /// Plural noun of the items, for the remark.
    pub(super) things: &'static str,
    /// Command that shows all items.
    pub(super) elsewhere: &'static str,
    items: Vec<String>,
    size: usize,
    unwritten: usize,
}

impl Section {
    /// Creates a section without items, which is not written until it has some.
    pub(super) fn new(rank: Rank, things: &'static str, elsewhere: &'static str) -> Self {
        Self {
            rank,
            open: String::new(),
            close: "\n".to_owned(),
            things,
            elsewhere,
            items: Vec::new(),
            size: 0,
            unwritten: 0,
        }
    }

    /// Sets the text before the first item.
    pub(super) fn open(mut self, open: impl Into<String>) -> Self {
        self.open = open.into();
        self
    }

    /// Sets the text behind the last item, which is a blank line by default.
    pub(super) fn close(mut self, close: impl Into<String>) -> Self {
        self.close = close.into();
        self
    }

    /// Adds an item; one that cannot fit any more is counted and not written.
    pub(super) fn item(&mut self, write: impl FnOnce() -> String) {
        if self.size > LIMIT {
            self.unwritten += 1;
            return;
        }
        let item = write();
        self.size += item.len();
        self.items.push(item);
    }

    /// Returns the number of items.
    pub(super) fn len(&self) -> usize {
        self.items.len() + self.unwritten
    }

    fn frame(&self) -> usize {
        self.open.len() + self.close.len()
    }

    /// Returns the size of the whole section in bytes; 0 without items.
    fn whole(&self) -> usize {
        if self.items.is_empty() {
            0
        } else {
            self.frame() + self.size
        }
    }

    /// Returns how many items fit into `bytes`, and their size.
    fn fit(&self, bytes: usize) -> (usize, usize) {
        let mut used = self.frame();
        let mut count = 0;
        for item in &self.items {
            if used + item.len() > bytes {
                break;
            }
            used += item.len();
            count += 1;
        }
        if count == 0 { (0, 0) } else { (count, used) }
    }

    fn write(&self, count: usize, out: &mut String) {
        if count > 0 {
            out.push_str(&self.open);
            self.items[..count]
                .iter()
                .for_each(|item| out.push_str(item));
            out.push_str(&self.close);
        }
        let left_out = self.len() - count;
        if left_out > 0 {
            out.push_str(&format!(
                "_{left_out} {} left out here: {} has them all._\n\n",
                self.things,
                escape::code(self.elsewhere)
            ));
        }
    }
}

/// Part of a document.
#[derive(Debug)]
enum Part {
    /// Text that is always written.
    Fixed(String),
    /// Section that is written as far as it fits.
    Section(Section),
}

/// Document of parts, in reading order.
#[derive(Debug, Default)]
pub(super) struct Document(Vec<Part>);

impl Document {
    /// Adds text that is always written: short, whatever the data.
    pub(super) fn fixed(&mut self, text: impl Into<String>) {
        self.0.push(Part::Fixed(text.into()));
    }

    /// Adds a section, unless it is empty.
    pub(super) fn section(&mut self, section: Section) {
        if section.len() > 0 {
            self.0.push(Part::Section(section));
        }
    }

    /// Writes as much as fits into [`LIMIT`], one newline at the end.
    pub(super) fn render(&self) -> String {
        let counts = self.fit(LIMIT);
        let mut out = String::with_capacity(LIMIT);
        for (part, count) in self.0.iter().zip(counts) {
            match part {
                Part::Fixed(text) => out.push_str(text),
                Part::Section(section) => section.write(count, &mut out),
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }

    /// Returns how many items of each part fit.
    fn fit(&self, limit: usize) -> Vec<usize> {
        let sections = || {
            self.0
                .iter()
                .enumerate()
                .filter_map(|(index, part)| match part {
                    Part::Section(section) => Some((index, section)),
                    Part::Fixed(_) => None,
                })
        };
        let fixed = self.0.iter().map(|part| match part {
            Part::Fixed(text) => text.len(),
            Part::Section(_) => 0,
        });
        let mut room = limit.saturating_sub(fixed.sum());
        let mut counts = vec![0; self.0.len()];
        let is_whole = sections().all(|(_, section)| section.unwritten == 0)
            && sections()
                .map(|(_, section)| section.whole())
                .sum::<usize>()
                <= room;
        if !is_whole {
            room = room.saturating_sub(REMARK * sections().count());
        }
        for rank in Rank::LAST_TO_GO_FIRST {
            for (index, section) in sections().filter(|(_, section)| section.rank == rank) {
                let (count, used) = section.fit(room);
                counts[index] = count;
                room -= used;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(rank: Rank, count: usize, size: usize) -> Section {
        let mut section = Section::new(rank, "things", "portalctl plan")
            .open("(\n")
            .close(")\n");
        (0..count).for_each(|_| section.item(|| "x".repeat(size - 1) + "\n"));
        section
    }

    fn counts(sections: Vec<Section>) -> Vec<usize> {
        let mut document = Document::default();
        for section in sections {
            document.section(section);
        }
        assert!(document.render().len() <= LIMIT);
        document.fit(LIMIT)
    }

    #[test]
    fn what_fits_is_whole() {
        let sections = vec![section(Rank::List, 1, LIMIT - 4)];
        assert_eq!(counts(sections), [1]);
    }

    #[test]
    fn details_go_first_then_rows_then_lists() {
        let all = |size| {
            vec![
                section(Rank::Detail, 10, size),
                section(Rank::Row, 10, size),
                section(Rank::List, 10, size),
            ]
        };
        assert_eq!(counts(all(1_900)), [10, 10, 10]);
        assert_eq!(counts(all(2_500)), [3, 10, 10]);
        assert_eq!(counts(all(5_000)), [0, 1, 10]);
        assert_eq!(counts(all(8_000)), [0, 0, 7]);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut document = Document::default();
        document.section(section(Rank::Row, 5_000, 100));
        let text = document.render();
        let left_out = 5_000 - text.lines().filter(|line| line.starts_with('x')).count();
        let remark = format!("_{left_out} things left out here: `portalctl plan` has them all._\n");
        assert!(text.ends_with(&remark), "{}", &text[text.len() - 300..]);
        assert!(text.len() > LIMIT - 500, "{}", text.len());
    }
}
