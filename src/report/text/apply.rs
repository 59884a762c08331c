//! What apply did, for people: failures first, then how far the customers are.

use std::fmt::Write as _;

use super::plan::undone;
use super::status::{self, Listing};
use super::{Layout, headline, notes, requests};
use crate::apply::{AppliedChange, Outcome, OutcomeKind, OutcomeTotals};
use crate::model::text::escape;
use crate::plan::Change;
use crate::report::width::hanging;

use crate::report::{ApplyReportView, StatusReport};

/// How many done changes are listed.
const LISTED: usize = 50;

/// Renders the account of a run, and the readiness after it.
pub fn apply(view: &ApplyReportView<'_>, now: jiff::Timestamp, layout: &Layout) -> String {
    let paint = layout.paint;
    let mut out = headline("apply", view.headline, layout);
    undone(&mut out, view.plan, layout);
    let failures = || {
        view.report
            .changes
            .iter()
            .filter(|c| c.outcome.problem().is_some())
    };
    if failures().next().is_some() {
        let _ = writeln!(out, "\n{}", paint.strong("not done"));
        for failure in failures() {
            write_failure(&mut out, failure, layout);
        }
    }
    done(&mut out, view, layout);
    for note in notes(view.plan) {
        hanging(&mut out, "\nnote: ", &note, layout.width);
    }
    if !view.readiness.organizations.is_empty() {
        out.push('\n');
        let report = StatusReport {
            headline: view.headline,
            readiness: view.readiness,
            now,
        };
        out.push_str(&status::body(&report, Listing::Brief, layout));
    }
    let _ = writeln!(
        out,
        "\n{}, {}",
        summary(view, layout),
        requests(view.headline)
    );
    if view.report.interrupted {
        let _ = writeln!(
            out,
            "{}",
            paint.notice("interrupted; run apply again to go on")
        );
    } else if !view.report.is_complete() {
        let _ = writeln!(
            out,
            "{}",
            paint.notice("run apply again: it goes on where it stopped")
        );
    }
    out
}

/// The changes that took effect; beyond a screenful, their number.
fn done(out: &mut String, view: &ApplyReportView<'_>, layout: &Layout) {
    let paint = layout.paint;
    let done: Vec<_> = view
        .report
        .changes
        .iter()
        .filter_map(|applied| match &applied.outcome {
            Outcome::Done(organization) => Some((&applied.change, organization)),
            Outcome::Refused(_) | Outcome::Unknown(_) | Outcome::NotTried(_) => None,
        })
        .collect();
    if done.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.strong("done"));
    for (change, organization) in done.iter().take(LISTED) {
        let kind = change.action.kind();
        let id = paint.quiet(escape(organization.id.as_str()));
        let _ = writeln!(
            out,
            "  {} {}  {kind}  {id}",
            paint.good("✓"),
            paint.strong(&change.key)
        );
    }
    if done.len() > LISTED {
        let _ = writeln!(
            out,
            "{}",
            paint.quiet(format!("  and {} more", done.len() - LISTED))
        );
    }
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
        Outcome::Refused(problem) | Outcome::Unknown(problem) | Outcome::NotTried(problem) => {
            let _ = write!(line, "  {}", problem.message);
        }
    }
    line
}

fn write_failure(out: &mut String, failure: &AppliedChange, layout: &Layout) {
    let paint = layout.paint;
    let Some(problem) = failure.outcome.problem() else {
        return;
    };
    let sign = match failure.outcome.kind() {
        OutcomeKind::Done | OutcomeKind::Refused => paint.bad("x"),
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
    hanging(out, "      ", &problem.message, layout.width);
}

fn summary(view: &ApplyReportView<'_>, layout: &Layout) -> String {
    let paint = layout.paint;
    let OutcomeTotals {
        done,
        refused,
        unknown,
        not_tried,
    } = view.report.totals();
    if view.report.changes.is_empty() {
        return format!(
            "{}, {} unchanged",
            paint.good("nothing to do"),
            view.plan.unchanged
        );
    }
    let mut parts = vec![paint.good(format!("{done} done"))];
    if refused > 0 {
        parts.push(paint.bad(format!("{refused} refused")));
    }
    if unknown > 0 {
        parts.push(paint.unsure(format!("{unknown} unknown")));
    }
    if not_tried > 0 {
        parts.push(paint.notice(format!("{not_tried} not tried")));
    }
    parts.push(format!("{} unchanged", view.plan.unchanged));
    parts.join(", ")
}
