//! Size limit of a comment: which items are left out, in which order, with a remark that says so.
//!
//! GitHub refuses a comment of more than 65,536 characters. It has counted bytes, characters and
//! UTF-16 units at different times and places; bytes of UTF-8 are never fewer than either, so bytes
//! are counted here.

use super::escape;

/// Most bytes of a comment; the rest of GitHub's limit is left for the tool that posts it.
pub const LIMIT: usize = 60_000;
/// Most bytes of a job summary. GitHub takes 1 MiB from one step.
/// Source: <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>.
pub const SUMMARY_LIMIT: usize = 1_000_000;
/// Most bytes of the remark about left-out items.
const REMARK: usize = 200;

/// Remark below the title of a report that is cut.
const CUT: &str = "**Cut: not everything fits here. What is left out is less dangerous than the changes \
     that are shown; the full report of the run has all of it.**\n\n";
/// The same, where a dangerous change is left out.
const CUT_GRAVELY: &str = "**Cut: not even all dangerous changes fit here. Look at the full report of the run \
     before you approve.**\n\n";

/// Priority of a section's items when not everything fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Left out last: dangerous changes, and where people are sent.
    Grave,
    /// Fields of dangerous changes.
    GraveDetail,
    /// Decisions and problems.
    List,
    /// Left out when no details are left, and whenever a dangerous change is.
    Row,
    /// Left out first.
    Detail,
}

impl Rank {
    const LAST_TO_GO_FIRST: [Self; 5] = [
        Self::Grave,
        Self::GraveDetail,
        Self::List,
        Self::Row,
        Self::Detail,
    ];

    /// Returns whether no harmless item is shown while one of this rank is left out.
    fn is_grave(self) -> bool {
        self <= Self::GraveDetail
    }

    /// Returns whether the items are of harmless changes.
    fn is_harmless(self) -> bool {
        self >= Self::Row
    }
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
        if self.size > SUMMARY_LIMIT {
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
    /// Remark that is written where anything is left out.
    Cut,
}

/// Report of parts in reading order, not yet cut to a size.
#[derive(Debug, Default)]
pub struct Document(Vec<Part>);

impl Document {
    /// Adds text that is always written: short, whatever the data.
    pub(super) fn fixed(&mut self, text: impl Into<String>) {
        self.0.push(Part::Fixed(text.into()));
    }

    /// Adds the place of the remark that the report is cut, which is written only if it is.
    pub(super) fn remark_on_cut(&mut self) {
        self.0.push(Part::Cut);
    }

    /// Adds a section, unless it is empty.
    pub(super) fn section(&mut self, section: Section) {
        if section.len() > 0 {
            self.0.push(Part::Section(section));
        }
    }

    /// Returns as much as fits into a comment ([`LIMIT`]).
    pub fn comment(&self) -> String {
        self.render(LIMIT)
    }

    /// Returns as much as fits into a job summary ([`SUMMARY_LIMIT`]).
    pub fn job_summary(&self) -> String {
        self.render(SUMMARY_LIMIT)
    }

    /// Writes as much as fits, one newline at the end.
    fn render(&self, limit: usize) -> String {
        let counts = self.fit(limit);
        let mut out = String::new();
        let remark = self.cut(&counts);
        for (part, count) in self.0.iter().zip(counts) {
            match part {
                Part::Fixed(text) => out.push_str(text),
                Part::Section(section) => section.write(count, &mut out),
                Part::Cut => out.push_str(remark),
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }

    /// Returns the remark on what is left out with these numbers of items.
    fn cut(&self, counts: &[usize]) -> &'static str {
        let parts = self.0.iter().zip(counts);
        let cut = parts.filter_map(|(part, count)| match part {
            Part::Section(section) if section.len() > *count => Some(section.rank),
            Part::Section(_) | Part::Fixed(_) | Part::Cut => None,
        });
        match cut.min() {
            None => "",
            Some(rank) if rank.is_grave() => CUT_GRAVELY,
            Some(_) => CUT,
        }
    }

    /// Returns how many items of each part fit.
    fn fit(&self, limit: usize) -> Vec<usize> {
        let sections = || {
            self.0
                .iter()
                .enumerate()
                .filter_map(|(index, part)| match part {
                    Part::Section(section) => Some((index, section)),
                    Part::Fixed(_) | Part::Cut => None,
                })
        };
        let fixed = self.0.iter().map(|part| match part {
            Part::Fixed(text) => text.len(),
            Part::Section(_) | Part::Cut => 0,
        });
        let mut room = limit.saturating_sub(fixed.sum());
        let mut counts = vec![0; self.0.len()];
        let is_whole = sections().all(|(_, section)| section.unwritten == 0)
            && sections()
                .map(|(_, section)| section.whole())
                .sum::<usize>()
                <= room;
        if !is_whole {
            room = room.saturating_sub(REMARK * (sections().count() + 1));
        }
        let mut hides_danger = false;
        for rank in Rank::LAST_TO_GO_FIRST {
            for (index, section) in sections().filter(|(_, section)| section.rank == rank) {
                if rank.is_harmless() && hides_danger {
                    continue;
                }
                let (count, used) = section.fit(room);
                counts[index] = count;
                room -= used;
                hides_danger |= rank.is_grave() && count < section.len();
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
        assert!(document.comment().len() <= LIMIT);
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
    fn nothing_harmless_is_shown_while_something_dangerous_is_not() {
        let all = |size| {
            vec![
                section(Rank::Row, 10, size),
                section(Rank::Detail, 10, size),
                section(Rank::Grave, 10, size),
                section(Rank::GraveDetail, 10, size),
                section(Rank::List, 1, 100),
            ]
        };
        assert_eq!(counts(all(1_000)), [10, 10, 10, 10, 1]);
        assert_eq!(counts(all(2_000)), [9, 0, 10, 10, 1]);
        // There is room for one row, which has to stay empty.
        assert_eq!(counts(all(3_200)), [0, 0, 10, 8, 1]);
        assert_eq!(counts(all(7_000)), [0, 0, 8, 0, 1]);
    }

    #[test]
    fn a_cut_is_remarked_at_its_place_and_nowhere_else() {
        let text = |rank, count| {
            let mut document = Document::default();
            document.remark_on_cut();
            document.section(section(rank, count, 1_000));
            document.comment()
        };
        assert!(text(Rank::Grave, 10).starts_with('('));
        assert!(text(Rank::List, 100).starts_with(CUT));
        assert!(text(Rank::Grave, 100).starts_with(CUT_GRAVELY));
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut document = Document::default();
        document.section(section(Rank::Row, 5_000, 100));
        let text = document.comment();
        let left_out = 5_000 - text.lines().filter(|line| line.starts_with('x')).count();
        let remark = format!("_{left_out} things left out here: `portalctl plan` has them all._\n");
        assert!(text.ends_with(&remark), "{}", &text[text.len() - 300..]);
        assert!(text.len() > LIMIT - 500, "{}", text.len());
        let whole = document.job_summary();
        assert!(!whole.contains("left out"), "{}", whole.len());
    }
}
