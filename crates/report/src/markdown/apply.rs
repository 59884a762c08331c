//! What apply did, for a pull request: what failed first.

use super::budget::{Document, Rank, Section};
use super::escape::{code, prose};
use super::{JSON, WORDS, facts, failed, head, item, marker, names, row, status, title, undone};
use crate::ApplyReportView;
use crate::text;
use portalctl_core::plan::digest::Digest;
use portalctl_model::OrganizationId;
use portalctl_workos::apply::{AppliedChange, Outcome, OutcomeKind, Problem};

/// Renders the account of a run, and the readiness after it.
pub fn apply(view: &ApplyReportView<'_>) -> String {
    let ApplyReportView {
        headline,
        plan,
        report,
        readiness,
    } = *view;
    let names = names(&headline.target);
    let digest = Digest::of(plan);
    let outcome = text::apply_summary(view, &WORDS);
    let mut document = Document::default();
    document.fixed(marker::key("apply", &names));
    document.fixed(marker::digest(&digest));
    document.fixed(title("apply", headline.sandbox, &names, &outcome));
    if let Some(end) = text::how_it_ended(report) {
        document.fixed(format!("**{end}**\n\n"));
    }
    document.fixed(facts(headline, Some(&digest)));
    failures(&mut document, &report.changes);
    undone::decisions(&mut document, plan);
    done(&mut document, &report.changes);
    document.fixed(status::counts("Readiness after it", readiness));
    document.section(failed::manifest_warnings(headline));
    undone::remarks(&mut document, plan, readiness);
    document.render()
}

/// What was not done: what failed first, then what was not tried.
fn failures(document: &mut Document, changes: &[AppliedChange]) {
    let mut section = Section::new(Rank::List, "changes", JSON).open("#### Not done\n\n");
    let is_untried = |applied: &AppliedChange| applied.outcome.kind() == OutcomeKind::NotTried;
    for untried in [false, true] {
        let mut told = None;
        for applied in changes
            .iter()
            .filter(|applied| is_untried(applied) == untried)
        {
            let Some(problem) = applied.outcome.problem() else {
                continue;
            };
            // What stops a run keeps many changes from being tried, and is told once.
            let is_new = told != Some(problem);
            section.item(|| failure(applied, problem, is_new));
            told = Some(problem);
        }
    }
    document.section(section);
}

fn failure(applied: &AppliedChange, problem: &Problem, is_new: bool) -> String {
    let message = if is_new {
        format!(": {}", prose(&problem.to_string()))
    } else {
        String::new()
    };
    let said = format!(
        "{}: {} **{}** ({}){message}",
        code(applied.change.key.as_str()),
        applied.change.action.kind(),
        applied.outcome.kind().as_str().replace('_', " "),
        code(problem.code.as_str())
    );
    item(&said, None)
}

/// What took effect.
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
