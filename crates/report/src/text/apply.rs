//! Text of an apply: failures first, then the readiness of the organizations.

use super::plan::{Extent, named, undone};
use super::status::{self, Listing};
use super::{Layout, heading, headline, more, write_counts, write_notes};
use crate::view::{apply_counts, apply_end, plan_notes};
use crate::width::hanging;
use crate::{ApplyReportView, StatusReport};
use portalctl_core::plan::{Change, Plan};
use portalctl_model::OrganizationId;
use portalctl_model::text::escape;
use portalctl_workos::apply::{AppliedChange, Outcome, OutcomeKind};

/// Most entries of each list: the plan was shown in full, and JSON holds everything.
const LISTED: usize = 50;

/// Renders the account of a run and the readiness after it.
pub fn apply(view: &ApplyReportView<'_>, now: jiff::Timestamp, layout: &Layout) -> String {
    let paint = layout.paint;
    let mut out = headline("apply", view.headline, layout);
    undone(&mut out, view.plan, Extent::Short(LISTED), layout);
    failures(&mut out, view, layout);
    done(&mut out, view, layout);
    write_notes(&mut out, &plan_notes(view.plan), layout);
    if !view.readiness.organizations.is_empty() {
        out.push('\n');
        let report = StatusReport {
            headline: view.headline,
            readiness: view.readiness,
            now,
        };
        out.push_str(&status::body(&report, Listing::Brief, layout));
    }
    let counts = layout.paint.counts(&apply_counts(view.report, view.plan));
    write_counts(&mut out, &counts, view.headline, layout);
    if let Some(end) = apply_end(view.report) {
        push_line!(out, "{}", paint.notice(end));
    }
    out
}

/// Writes the changes that were not done: failed ones first, then those that were not tried.
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
    heading(out, "not done", layout);
    for failures in [failed, untried] {
        let mut listed = failures.iter().take(LISTED).peekable();
        while let Some(failure) = listed.next() {
            // A problem that stops a run keeps many changes from being tried, and is written once.
            let next = listed.peek().and_then(|next| next.outcome.problem());
            write_failure(out, (view.plan, failure), layout);
            if let Some(problem) = failure.outcome.problem()
                && next != Some(problem)
            {
                hanging(out, "      ", &escape(&problem.message), layout.width);
            }
        }
        more(out, failures.len(), LISTED, layout);
    }
}

/// Writes the changes that took effect; beyond a screenful, their number.
fn done(out: &mut String, view: &ApplyReportView<'_>, layout: &Layout) {
    let paint = layout.paint;
    let changes = view.report.changes.iter();
    let done: Vec<&AppliedChange> = changes
        .filter(|applied| applied.outcome.kind() == OutcomeKind::Done)
        .collect();
    if done.is_empty() {
        return;
    }
    heading(out, "done", layout);
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
        push_line!(
            out,
            "  {} {}  {kind}  {id}{before}",
            paint.good("✓"),
            named(view.plan, &change.key, layout)
        );
    }
    more(out, done.len(), LISTED, layout);
}

/// Renders one line about a change as it ends, for a log.
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
            push!(line, "  {}", escape(organization.id.as_str()));
        }
        Outcome::Gone => {}
        Outcome::Refused(problem) | Outcome::Unknown(problem) | Outcome::NotTried(problem) => {
            push!(line, "  {}", escape(&problem.to_string()));
        }
    }
    line
}

fn write_failure(out: &mut String, (plan, failure): (&Plan, &AppliedChange), layout: &Layout) {
    let paint = layout.paint;
    let Some(problem) = failure.outcome.problem() else {
        return;
    };
    let sign = match failure.outcome.kind() {
        OutcomeKind::Done | OutcomeKind::Refused => paint.bad("✗"),
        OutcomeKind::Unknown => paint.unsure("?"),
        OutcomeKind::NotTried => paint.notice("-"),
    };
    push_line!(
        out,
        "  {sign} {}  {} {}  {}",
        named(plan, &failure.change.key, layout),
        failure.change.action.kind(),
        failure.outcome.kind().as_str().replace('_', " "),
        paint.quiet(problem.code)
    );
}
