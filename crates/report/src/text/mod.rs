//! Text for people: aligned, coloured by meaning, readable without colour, the summary last.

mod apply;
mod changed;
mod doctor;
mod domains;
mod import;
mod inline_diff;
mod invite;
mod link;
mod plan;
mod status;

use std::fmt::Write as _;

use super::Headline;
use super::paint::Paint;
use super::width::{counts, hanging};
use portalctl_core::plan::Plan;
use portalctl_model::text::escape;

pub use apply::{applied_line, apply};
pub use changed::{changed, changed_lines};
pub use doctor::doctor;
pub use domains::domains;
pub use import::import;
pub use invite::{invitation, invite, revocation};
pub use link::{
    duration, link, link_is_open, link_is_valid, revoke_link, wait, wait_problem, waiting_line,
};
pub use plan::plan;
pub use status::{Listing, invitation_told, invited, status, summary};

pub(super) use apply::{how_it_ended, summary as apply_summary};
pub(super) use changed::rows as changed_rows;
pub(super) use plan::{summary as plan_summary, surprising_reason};
pub(super) use status::{
    age, shown, sign, summary as status_summary, unread, whose, without_domain, words,
};

/// The terminal that text is laid out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Whether and how colour is used.
    pub paint: Paint,
    /// How many columns there are.
    pub width: usize,
    /// Whether e-mail addresses are masked.
    pub mask_emails: bool,
}

/// Layout of sentences that Markdown and HTML share with text: no colour, no width.
pub(super) const WORDS: Layout = Layout {
    paint: Paint { colour: false },
    width: usize::MAX,
    mask_emails: true,
};

/// Writes the files that were skipped; other warnings about the manifest are on standard error.
fn write_skipped_files(out: &mut String, headline: &Headline, layout: &Layout) {
    let mut skipped = headline.skipped_files().peekable();
    if skipped.peek().is_none() {
        return;
    }
    let paint = layout.paint;
    let title = "skipped: what these files declare is missing here";
    let _ = writeln!(out, "\n{}", paint.strong(title));
    for warning in skipped {
        let _ = writeln!(out, "  {} {}", paint.notice("*"), paint.quiet(warning.code));
        hanging(out, "      ", &escape(&warning.message), layout.width);
    }
}

/// The first line: what ran, against what.
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
    format!("{}\n", parts.join(" · "))
}

/// Writes the remarks of a plan behind a blank line.
fn write_notes(out: &mut String, notes: Vec<String>, layout: &Layout) {
    if !notes.is_empty() {
        out.push('\n');
    }
    for note in notes {
        hanging(out, "note: ", &escape(&note), layout.width);
    }
}

/// Remarks without consequence.
pub(super) fn notes(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    match plan.bookkeeping() {
        0 => {}
        count => notes.push(format!(
            "{} a mark that portalctl keeps for itself, and no other change",
            if count == 1 {
                "1 organization gets".to_owned()
            } else {
                format!("{count} organizations get")
            }
        )),
    }
    if let Some(count) = plan.unmanaged.count.filter(|count| *count > 0) {
        notes.push(format!(
            "{} at WorkOS {} not in this manifest; portalctl does not touch {}",
            counted(count, "organization"),
            if count == 1 { "is" } else { "are" },
            if count == 1 { "it" } else { "them" }
        ));
    }
    let former = &plan.unmanaged.formerly_declared;
    if !former.is_empty() {
        let named = former.iter().map(|it| format!("{} ({})", it.name, it.id));
        let named: Vec<String> = named.collect();
        notes.push(format!(
            "{} created by this manifest and not declared any more (--prune deletes what is not \
             protected): {}",
            if former.len() == 1 {
                "one of them was"
            } else {
                "some of them were"
            },
            named.join(", ")
        ));
    }
    notes
}

/// `1 request`, `2 requests`.
pub fn counted(count: usize, thing: &str) -> String {
    if count == 1 {
        format!("1 {thing}")
    } else {
        format!("{count} {thing}s")
    }
}

/// The cost of the run.
pub(super) fn requests(headline: &Headline) -> String {
    let count = usize::try_from(headline.requests).unwrap_or(usize::MAX);
    counted(count, "request")
}

/// Writes the last line: the counts, and the cost of the run.
fn write_counts(out: &mut String, said: &str, headline: &Headline, layout: &Layout) {
    let said = format!("{said}, {}", requests(headline));
    out.push_str(&format!("\n{}\n", counts(&said, layout.width)));
}
