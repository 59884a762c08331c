//! Text for terminals: aligned, coloured by meaning, readable without colour, the summary last.

/// Appends formatted text to a string.
macro_rules! push {
    ($out:expr, $($arg:tt)*) => {
        $out.push_str(&format!($($arg)*))
    };
}

/// Appends a formatted line to a string.
macro_rules! push_line {
    ($out:expr, $($arg:tt)*) => {{
        $out.push_str(&format!($($arg)*));
        $out.push('\n');
    }};
}

mod apply;
mod changed;
mod diff;
mod doctor;
mod domains;
mod import;
mod inline_diff;
mod invite;
mod link;
mod matrix;
mod plan;
mod status;

use crate::Headline;
use crate::paint::Paint;
use crate::view::{Emails, moment, requests};
use crate::width::{counts, hanging};
use portalctl_model::text::escape;

pub use crate::view::{counted, rounded as duration};
pub use apply::{applied_line, apply};
pub use changed::{changed, changed_lines};
pub use diff::diff;
pub use doctor::doctor;
pub use domains::domains;
pub use import::import;
pub use invite::{invitation, invite, revocation};
pub use link::{link, link_is_open, link_is_valid, revoke_link, wait, wait_problem, waiting_line};
pub use plan::{plan, plan_summary, plan_title};
pub use status::{Listing, status, summary};

pub(super) use changed::rows as changed_rows;

/// Terminal layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Colours.
    pub paint: Paint,
    /// Number of columns.
    pub width: usize,
    /// Display of e-mail addresses.
    pub emails: Emails,
}

impl Layout {
    /// Returns the layout of text that stands in another format: no colours, masked addresses.
    pub(crate) const fn plain() -> Self {
        Self {
            paint: Paint { colour: false },
            width: usize::MAX,
            emails: Emails::Masked,
        }
    }
}

/// Writes the skipped files; other warnings about the manifest go to standard error.
fn write_skipped_files(out: &mut String, headline: &Headline, layout: &Layout) {
    let mut skipped = headline.skipped_files().peekable();
    if skipped.peek().is_none() {
        return;
    }
    let paint = layout.paint;
    let title = "skipped: what these files declare is missing here";
    push_line!(out, "\n{}", paint.strong(title));
    for warning in skipped {
        push_line!(out, "  {} {}", paint.notice("*"), paint.quiet(warning.code));
        hanging(out, "      ", &escape(&warning.message), layout.width);
    }
}

/// Returns the first line: the command and its target.
fn headline(command: &str, headline: &Headline, layout: &Layout) -> String {
    let target = &headline.target;
    let mut parts = vec![layout.paint.strong(format!("portalctl {command}"))];
    if headline.sandbox {
        parts.push(layout.paint.notice("sandbox"));
    }
    parts.extend(
        target
            .environment
            .as_deref()
            .map(|name| layout.paint.strong(escape(name))),
    );
    if !headline.sandbox && !target.endpoint.is_empty() {
        parts.push(escape(&target.endpoint).into_owned());
    }
    parts.extend(target.key_kind.as_deref().map(|kind| format!("{kind} key")));
    parts.extend(headline.snapshot.map(|taken| {
        let said = format!("snapshot of {}", moment(taken));
        layout.paint.notice(said)
    }));
    format!("{}\n", parts.join(" · "))
}

/// Writes notes behind a blank line.
fn write_notes(out: &mut String, notes: &[String], layout: &Layout) {
    if !notes.is_empty() {
        out.push('\n');
    }
    for note in notes {
        hanging(out, "note: ", &escape(note), layout.width);
    }
}

/// Writes the last line: the counts and the cost of the run.
fn write_counts(out: &mut String, said: &str, headline: &Headline, layout: &Layout) {
    let said = format!("{said}, {}", requests(headline));
    out.push_str(&format!("\n{}\n", counts(&said, layout.width)));
}

/// Writes a heading behind a blank line.
fn heading(out: &mut String, title: &str, layout: &Layout) {
    push_line!(out, "\n{}", layout.paint.strong(title));
}

/// Writes the number of entries that a list leaves out.
fn more(out: &mut String, count: usize, limit: usize, layout: &Layout) {
    if count > limit {
        let more = format!("  and {} more", count - limit);
        push_line!(out, "{}", layout.paint.quiet(more));
    }
}

/// Writes what to do next; later lines are indented like the first.
fn write_hint(out: &mut String, indent: &str, hint: &str, layout: &Layout) {
    let hint = format!("hint: {}", escape(hint));
    hanging(out, indent, &hint, layout.width);
}
