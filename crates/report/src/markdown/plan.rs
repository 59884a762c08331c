//! Markdown of a plan, for the review of a pull request.

use super::budget::Document;
use super::changes::Changes;
use super::{destinations, facts, failed, marker, names, status, title, undone};
use crate::PlanReport;
use crate::view::{joined, plan_counts};
use portalctl_core::plan::Plan;
use portalctl_core::plan::digest::Digest;

/// Renders a plan.
pub fn plan(report: &PlanReport<'_>) -> Document {
    let PlanReport {
        headline,
        plan,
        readiness,
    } = *report;
    let names = names(&headline.target);
    let digest = Digest::of(plan);
    let outcome = joined(&plan_counts(plan));
    let mut document = Document::default();
    document.fixed(marker::key("plan", &names));
    document.fixed(marker::digest(&digest));
    document.fixed(marker::review(plan));
    document.fixed(title(headline, "plan", &outcome));
    document.remark_on_cut();
    document.fixed(facts(headline, Some(&digest)));
    if plan.is_settled() {
        document.fixed("Everything is as declared.\n\n");
    }
    let changes = Changes::of(plan);
    changes.grave(&mut document);
    destinations::table(&mut document, &plan.destinations);
    undone::decisions(&mut document, plan);
    changes.others(&mut document);
    changes.details(&mut document, plan);
    document.fixed(status::counts("Readiness now", readiness));
    document.section(failed::manifest_warnings(headline));
    undone::remarks(&mut document, plan, readiness);
    document.fixed(how_to_go_on(plan, &digest));
    document
}

fn how_to_go_on(plan: &Plan, digest: &Digest) -> String {
    if plan.changes.is_empty() {
        return String::new();
    }
    format!(
        "To do exactly this, or nothing if it is no longer true, with the flags of this plan: \
         `portalctl apply --expect-digest {digest}`. With this comment in a file instead of the \
         digest it goes on after an interruption.\n"
    )
}
