//! Markdown of a plan, for the review of a pull request.

use super::budget::Document;
use super::changes::Changes;
use super::escape::code;
use super::{destinations, facts, failed, marker, names, status, title, undone};
use crate::PlanReport;
use crate::view::{joined, plan_counts};
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
    document.fixed(status::counts("Intents before this plan", readiness));
    document.section(failed::manifest_warnings(headline));
    undone::remarks(&mut document, plan, readiness);
    document.fixed(how_to_go_on(report, &digest));
    document
}

fn how_to_go_on(report: &PlanReport<'_>, digest: &Digest) -> String {
    let PlanReport { headline, plan, .. } = *report;
    if plan.changes.is_empty() {
        return String::new();
    }
    let mut apply = vec!["portalctl apply"];
    apply.extend(headline.arguments.iter().map(String::as_str));
    let apply = apply.join(" ");
    format!(
        "To do exactly this, or nothing if it is no longer true: {}. To go on after an interruption, with this \
         comment in a file: {}.\n",
        code(&format!("{apply} --expect-digest {digest}")),
        code(&format!("{apply} --expect-digest comment.md"))
    )
}
