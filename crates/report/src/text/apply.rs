//! What apply did, for people: failures first, then how far the customers are.

use std::fmt::Write as _;

use super::plan::{Extent, more, undone};
use super::status::{self, Listing};
use super::{Layout, counted, headline, notes, write_counts, write_notes};
use crate::width::hanging;
use crate::{ApplyReportView, StatusReport};
use portalctl_core::plan::Change;
use portalctl_model::OrganizationId;
use portalctl_model::text::escape;
use portalctl_workos::apply::{
    AppliedChange, ApplyReport, Outcome, OutcomeKind, OutcomeTotals, Repeat,
};

/// How many of each kind are listed: the plan was shown in full, JSON holds everything.
const LISTED: usize = 50;

/// Renders the account of a run, and the readiness after it.
pub fn apply(view: &ApplyReportView<'_>, now: jiff::Timestamp, layout: &Layout) -> String {
    let paint = layout.paint;
    let mut out = headline("apply", view.headline, layout);
    undone(&mut out, view.plan, Extent::Short(LISTED), layout);
    failures(&mut out, view, layout);
    done(&mut out, view, layout);
    write_notes(&mut out, notes(view.plan), layout);
    if !view.readiness.organizations.is_empty() {
        out.push('\n');
        let report = StatusReport {
            headline: view.headline,
            readiness: view.readiness,
            now,
        };
        out.push_str(&status::body(&report, Listing::Brief, layout));
    }
    let counts = summary(view, layout);
    write_counts(&mut out, &counts, view.headline, layout);
    if let Some(end) = how_it_ended(view.report) {
        let _ = writeln!(out, "{}", paint.notice(end));
    }
    out
}

/// What there is to say of a run that was stopped, or did not do everything.
pub(crate) fn how_it_ended(report: &ApplyReport) -> Option<&'static str> {
    match (report.interrupted, report.is_complete()) {
        (false, true) => None,
        (true, true) => Some("interrupted after the last change; everything was done"),
        (true, false) => Some("interrupted; run apply again to go on"),
        (false, false) => Some(match report.repeat() {
            Repeat::Helps => "run apply again: it goes on where it stopped",
            Repeat::HelpsInPart => {
                "run apply again for what was lost or not tried; what was refused has to be \
                 corrected first"
            }
            Repeat::IsRefused => "correct what was refused: a repeat would be refused likewise",
        }),
    }
}

/// The changes that were not done: what failed first, then what was not tried.
fn failures(out: &mut String, view: &ApplyReportView<'_>, layout: &Layout) {
    let (untried, failed): (Vec<_>, Vec<_>) = view
        .report
        .changes
        .iter()
        .filter(|applied| applied.outcome.problem().is_some())
        .partition(|applied| applied.outcome.kind() == OutcomeKind::NotTried);
    if failed.is_empty() && untried.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", layout.paint.strong("not done"));
    for failures in [failed, untried] {
        let mut listed = failures.iter().take(LISTED).peekable();
        while let Some(failure) = listed.next() {
            // What stops a run keeps many changes from being tried, and is told once.
            let next = listed.peek().and_then(|next| next.outcome.problem());
            let is_told = next != failure.outcome.problem();
            write_failure(out, failure, is_told, layout);
        }
        more(out, failures.len(), LISTED, layout);
    }
}

/// The changes that took effect; beyond a screenful, their number.
fn done(out: &mut String, view: &ApplyReportView<'_>, layout: &Layout) {
    let paint = layout.paint;
    let changes = view.report.changes.iter();
    let done: Vec<&AppliedChange> = changes
        .filter(|applied| applied.outcome.kind() == OutcomeKind::Done)
        .collect();
    if done.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.strong("done"));
    for applied in done.iter().take(LISTED) {
        let AppliedChange { change, .. } = applied;
        let kind = change.action.kind();
        let id = applied.done_to().map_or("", OrganizationId::as_str);
        let id = paint.quiet(escape(id));
        let before = if view.report.is_already_done(applied) {
            format!("  {}", paint.quiet("already done"))
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "  {} {}  {kind}  {id}{before}",
            paint.good("✓"),
            paint.strong(&change.key)
        );
    }
    more(out, done.len(), LISTED, layout);
}

/// One line about a change as it ends, for a log.
pub fn applied_line(change: &Change, outcome: &Outcome, layout: &Layout) -> String {
    let paint = layout.paint;
    let word = match outcome.kind() {
        OutcomeKind::Done => paint.good("done"),
        OutcomeKind::Refused => paint.bad("refused"),
        OutcomeKind::Unknown => paint.unsure("unknown"),
        OutcomeKind::NotTried => paint.notice("not tried"),
    };
    let mut line = format!("{word}  {}  {}", change.action.kind(), change.key);
    match outcome {
        Outcome::Done(organization) => {
            let _ = write!(line, "  {}", escape(organization.id.as_str()));
        }
        Outcome::Gone => {}
        Outcome::Refused(problem) | Outcome::Unknown(problem) | Outcome::NotTried(problem) => {
            let _ = write!(line, "  {}", escape(&problem.to_string()));
        }
    }
    line
}

fn write_failure(out: &mut String, failure: &AppliedChange, is_told: bool, layout: &Layout) {
    let paint = layout.paint;
    let Some(problem) = failure.outcome.problem() else {
        return;
    };
    let sign = match failure.outcome.kind() {
        OutcomeKind::Done | OutcomeKind::Refused => paint.bad("✗"),
        OutcomeKind::Unknown => paint.unsure("?"),
        OutcomeKind::NotTried => paint.notice("-"),
    };
    let _ = writeln!(
        out,
        "  {sign} {}  {} {}  {}",
        paint.strong(&failure.change.key),
        failure.change.action.kind(),
        failure.outcome.kind().as_str().replace('_', " "),
        paint.quiet(problem.code)
    );
    if is_told {
        hanging(out, "      ", &escape(&problem.to_string()), layout.width);
    }
}

/// The counts, on one line.
pub(crate) fn summary(view: &ApplyReportView<'_>, layout: &Layout) -> String {
    let paint = layout.paint;
    let OutcomeTotals {
        done,
        refused,
        unknown,
        not_tried,
    } = view.report.totals();
    let mut parts = match view.report.changes.as_slice() {
        [] if view.plan.is_settled() => vec![paint.good("nothing to do")],
        changes => {
            let before = changes.iter();
            let before = before.filter(|applied| view.report.is_already_done(applied));
            match before.count() {
                0 => vec![paint.good(format!("{done} done"))],
                before if before == done => vec![paint.good(format!("{before} already done"))],
                before => vec![
                    paint.good(format!("{} done", done - before)),
                    paint.good(format!("{before} already done")),
                ],
            }
        }
    };
    if refused > 0 {
        parts.push(paint.bad(format!("{refused} refused")));
    }
    if unknown > 0 {
        parts.push(paint.unsure(format!("{unknown} unknown")));
    }
    if not_tried > 0 {
        parts.push(paint.notice(format!("{not_tried} not tried")));
    }
    let plan = view.plan;
    if !plan.held.is_empty() {
        parts.push(paint.notice(format!("{} held", plan.held.len())));
    }
    let conflicts = plan.open_conflicts().count();
    if conflicts > 0 {
        parts.push(paint.bad(counted(conflicts, "conflict")));
    }
    let contested = plan.contested_domains().count();
    if contested > 0 {
        parts.push(paint.bad(counted(contested, "contested domain")));
    }
    parts.push(format!("{} unchanged", view.plan.unchanged));
    parts.join(", ")
}
