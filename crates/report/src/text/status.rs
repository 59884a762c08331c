//! Text of a readiness: a matrix of organizations and intents, then the next steps.

use super::matrix::matrix;
use super::{Layout, headline, write_counts, write_hint, write_skipped_files};
use crate::StatusReport;
use crate::view::{
    self, age, by_urgency, counted, intent_sign, organizations_by_urgency, turn_label, unread_note,
    urgency,
};
use crate::width::hanging;
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, Readiness, Totals, Turn};
use portalctl_model::text::escape;

/// Amount of detail of a status report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Unsettled organizations, at most a screenful: behind the account of an apply.
    Brief,
    /// Unsettled organizations.
    Pending,
    /// Every organization, without a limit.
    All,
}

impl Listing {
    /// Returns the largest number of listed organizations.
    const fn organizations(self) -> usize {
        match self {
            Self::Brief => 10,
            Self::Pending => 50,
            Self::All => usize::MAX,
        }
    }

    /// Returns the largest number of listed next steps.
    const fn steps(self) -> usize {
        match self {
            Self::Brief => 5,
            Self::Pending => 20,
            Self::All => usize::MAX,
        }
    }
}

/// Renders a status report.
pub fn status(report: &StatusReport<'_>, listing: Listing, layout: &Layout) -> String {
    let mut out = headline("status", report.headline, layout);
    let body = body(report, listing, layout);
    if !body.is_empty() {
        out.push('\n');
        out.push_str(&body);
    }
    let totals = report.readiness.totals();
    let counts = summary(&totals, layout);
    write_counts(&mut out, &counts, report.headline, layout);
    out
}

/// Returns everything between the header and the summary.
pub(super) fn body(report: &StatusReport<'_>, listing: Listing, layout: &Layout) -> String {
    let mut out = String::new();
    let readiness = report.readiness;
    let rows = rows(readiness, listing);
    matrix(&mut out, &rows, layout);
    unlisted(&mut out, readiness, rows.len(), layout);
    invitations(&mut out, &rows, listing, layout);
    if let Some(note) = unread_note(readiness) {
        hanging(&mut out, "note: ", &note, layout.width);
    }
    next_steps(&mut out, report, listing, layout);
    warnings(&mut out, readiness, layout);
    write_skipped_files(&mut out, report.headline, layout);
    out
}

/// Returns the organizations to list, most urgent first.
fn rows(readiness: &Readiness, listing: Listing) -> Vec<&OrganizationReadiness> {
    let mut rows = organizations_by_urgency(readiness);
    rows.retain(|organization| listing == Listing::All || urgency(organization).is_some());
    rows.truncate(listing.organizations());
    rows
}

/// Writes how many organizations are not listed.
fn unlisted(out: &mut String, readiness: &Readiness, listed: usize, layout: &Layout) {
    let organizations = &readiness.organizations;
    let rest = organizations.len() - listed;
    if rest == 0 {
        return;
    }
    let settled = organizations.iter().filter(|one| view::is_settled(one));
    let text = if settled.count() == rest {
        format!("{} with nothing to do", counted(rest, "organization"))
    } else {
        counted(rest, "more organization")
    };
    see_all(out, &text, layout);
}

/// Writes a remark about entries that are left out, with the option that shows them.
fn see_all(out: &mut String, text: &str, layout: &Layout) {
    let remark = format!("{text} (see status --all)");
    push_line!(out, "{}", layout.paint.quiet(remark));
}

/// Writes the reads that failed.
fn warnings(out: &mut String, readiness: &Readiness, layout: &Layout) {
    if readiness.warnings.is_empty() {
        return;
    }
    let paint = layout.paint;
    push_line!(out, "\n{}", paint.strong("warnings"));
    for warning in &readiness.warnings {
        push_line!(out, "  {} {}", paint.notice("*"), paint.quiet(warning.code));
        hanging(out, "      ", &escape(&warning.message), layout.width);
    }
}

/// Writes the invitations of the listed organizations, pending ones first.
fn invitations(
    out: &mut String,
    rows: &[&OrganizationReadiness],
    listing: Listing,
    layout: &Layout,
) {
    let invitations = view::invitations(rows.iter().copied());
    if invitations.is_empty() {
        return;
    }
    push_line!(out, "\n{}", layout.paint.strong("invitations"));
    for (key, invitation) in invitations.iter().take(listing.steps()) {
        let text = view::invitation_text(key, invitation, layout.emails);
        push_line!(out, "  {}", layout.paint.strong(key));
        hanging(out, "      ", &text, layout.width);
    }
    let more = invitations.len().saturating_sub(listing.steps());
    if more > 0 {
        see_all(out, &format!("{more} more"), layout);
    }
}

/// Writes the next steps of all organizations, most urgent first.
fn next_steps(out: &mut String, report: &StatusReport<'_>, listing: Listing, layout: &Layout) {
    let mut steps = by_urgency(&report.readiness.organizations);
    steps.retain(|(_, intent)| intent.next_step.is_some());
    if steps.is_empty() {
        return;
    }
    push_line!(out, "\n{}", layout.paint.strong("next, most urgent first"));
    for (organization, intent) in steps.iter().take(listing.steps()) {
        write_step(out, organization, intent, report, layout);
    }
    let more = steps.len().saturating_sub(listing.steps());
    if more > 0 {
        see_all(out, &format!("{more} more"), layout);
    }
}

fn write_step(
    out: &mut String,
    organization: &OrganizationReadiness,
    intent: &IntentReadiness,
    report: &StatusReport<'_>,
    layout: &Layout,
) {
    let paint = layout.paint;
    let mut line = format!(
        "  {} {}  {}",
        paint.toned(intent.state, intent_sign(intent)),
        paint.strong(&organization.key),
        intent.intent
    );
    if let Some(since) = intent.since {
        let age = format!("for {}", age(since, report.now));
        push!(line, "  {}", paint.quiet(age));
    }
    if intent.turn != Turn::None {
        push!(line, "  {}", paint.quiet(turn_label(intent.turn)));
    }
    push_line!(out, "{line}");
    hanging(out, "      ", &escape(&intent.reason), layout.width);
    if let Some(next) = &intent.next_step {
        write_hint(out, "      ", next, layout);
    }
}

/// Returns the counts of a readiness, on one line.
pub fn summary(totals: &Totals, layout: &Layout) -> String {
    match view::status_counts(totals).as_slice() {
        [] => "no intents declared".to_owned(),
        counts => layout.paint.counts(counts),
    }
}
