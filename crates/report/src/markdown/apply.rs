//! Markdown of an apply, for a pull request: failures first.

use super::budget::{Document, Rank, Section};
use super::escape::{code, prose};
use super::{JSON, facts, failed, head, item, marker, names, row, status, title, undone};
use crate::ApplyReportView;
use crate::view::{apply_counts, apply_end, joined};
use portalctl_core::plan::digest::Digest;
use portalctl_model::OrganizationId;
use portalctl_workos::apply::{AppliedChange, Outcome, OutcomeKind, Problem};

/// Renders the account of a run and the readiness after it.
pub fn apply(view: &ApplyReportView<'_>) -> Document {
    let ApplyReportView {
        headline,
        plan,
        report,
        readiness,
    } = *view;
    let names = names(&headline.target);
    let digest = Digest::of(plan);
    let outcome = joined(&apply_counts(report, plan));
    let mut document = Document::default();
    document.fixed(marker::key("apply", &names));
    document.fixed(marker::digest(&digest));
    document.fixed(title(headline, "apply", &outcome));
    document.remark_on_cut();
    if let Some(end) = apply_end(report) {
        document.fixed(format!("**{end}**\n\n"));
    }
    document.fixed(facts(headline, Some(&digest)));
    failures(&mut document, &report.changes);
    undone::decisions(&mut document, plan);
    done(&mut document, &report.changes);
    document.fixed(status::counts("Readiness after it", readiness));
    document.section(failed::manifest_warnings(headline));
    undone::remarks(&mut document, plan, readiness);
    document
}

/// Adds the changes that were not done: failed ones first, then those that were not tried.
fn failures(document: &mut Document, changes: &[AppliedChange]) {
    let mut section = Section::new(Rank::List, "changes", JSON).open("#### Not done\n\n");
    let is_untried = |applied: &AppliedChange| applied.outcome.kind() == OutcomeKind::NotTried;
    for untried in [false, true] {
        let mut last = None;
        for applied in changes
            .iter()
            .filter(|applied| is_untried(applied) == untried)
        {
            let Some(problem) = applied.outcome.problem() else {
                continue;
            };
            // A problem that stops a run keeps many changes from being tried, and is written once.
            let is_new = last != Some(problem);
            section.item(|| failure(applied, problem, is_new.then_some(&problem.message)));
            last = Some(problem);
        }
    }
    document.section(section);
}

fn failure(applied: &AppliedChange, problem: &Problem, message: Option<&String>) -> String {
    let message = message.map_or_else(String::new, |text| format!(": {}", prose(text)));
    let said = format!(
        "{}: {} **{}** ({}){message}",
        code(applied.change.key.as_str()),
        applied.change.action.kind(),
        applied.outcome.kind().as_str().replace('_', " "),
        code(problem.code.as_str())
    );
    item(&said, None)
}

/// Adds the changes that took effect.
fn done(document: &mut Document, changes: &[AppliedChange]) {
    let mut section = Section::new(Rank::Row, "changes that were done", JSON).open(format!(
        "#### Done\n\n{}",
        head(["Change", "Organization", "WorkOS id"])
    ));
    for applied in changes {
        let id = match &applied.outcome {
            Outcome::Done(organization) => Some(&organization.id),
            Outcome::Gone => applied.change.action.organization(),
            Outcome::Refused(_) | Outcome::Unknown(_) | Outcome::NotTried(_) => continue,
        };
        section.item(|| {
            row([
                applied.change.action.kind().as_str(),
                &code(applied.change.key.as_str()),
                &code(id.map_or("", OrganizationId::as_str)),
            ])
        });
    }
    document.section(section);
}
