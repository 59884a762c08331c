//! Document of `portalctl apply`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use super::plan::{
    ChangeItem, ConflictItem, HeldItem, WarningItem, change, conflict, held, warning,
};
use super::readiness::{OrganizationItem, organizations};
use crate::{ApplyReportView, ErrorItem};
use portalctl_core::plan::Plan;
use portalctl_core::plan::digest::Digest;
use portalctl_workos::apply::{AppliedChange, OutcomeKind, OutcomeTotals};

/// Output of `portalctl apply -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl apply")]
pub struct ApplyDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Digest of the plan that was applied.
    #[schemars(extend("pattern" = "^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Number of changes by outcome.
    pub summary: ApplySummary,
    /// Changes of the plan with their outcomes.
    pub changes: Vec<AppliedItem>,
    /// Changes that are wanted, but were not allowed in this run.
    pub held: Vec<HeldItem>,
    /// Conflicts that need a decision.
    pub conflicts: Vec<ConflictItem>,
    /// Warnings about the plan.
    pub warnings: Vec<WarningItem>,
    /// Warnings about the manifest itself, skipped files among them.
    pub manifest_warnings: Vec<ErrorItem>,
    /// Readiness of every organization after the run.
    pub readiness: Vec<OrganizationItem>,
    /// Reasons why nothing, or not everything, was done.
    pub errors: Vec<ErrorItem>,
}

/// Number of changes of an apply by outcome.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ApplySummary {
    /// Counts by outcome.
    #[serde(flatten)]
    pub outcomes: OutcomeTotals,
    /// Intents of `readiness` that were not read in this run; `portalctl status` reads them.
    pub not_read: usize,
}

/// Change with its outcome.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppliedItem {
    /// Change as planned.
    #[serde(flatten)]
    pub change: ChangeItem,
    /// Outcome of the change.
    pub outcome: OutcomeKind,
    /// Reason why it was not done.
    pub error: Option<ErrorItem>,
}

/// Builds the apply document.
pub fn apply(view: &ApplyReportView<'_>) -> ApplyDocument {
    let ApplyReportView {
        headline,
        plan,
        report,
        readiness,
    } = *view;
    ApplyDocument {
        envelope: Envelope::new(headline),
        digest: Some(Digest::of(plan).to_string()),
        requests_used: headline.requests,
        summary: ApplySummary {
            outcomes: report.totals(),
            not_read: readiness.totals().not_read,
        },
        changes: report.changes.iter().map(|it| applied(plan, it)).collect(),
        held: plan.held.iter().map(|it| held(plan, it)).collect(),
        conflicts: plan.conflicts.iter().map(|it| conflict(plan, it)).collect(),
        warnings: plan.warnings.iter().map(warning).collect(),
        manifest_warnings: headline.manifest_warnings.clone(),
        readiness: organizations(readiness),
        errors: Vec::new(),
    }
}

/// Builds the apply document of a run that did nothing.
pub fn failed_apply(errors: Vec<ErrorItem>) -> ApplyDocument {
    ApplyDocument {
        errors,
        ..ApplyDocument::default()
    }
}

fn applied(plan: &Plan, applied: &AppliedChange) -> AppliedItem {
    let error = applied.outcome.problem();
    let mut item = change(plan, &applied.change);
    let kind = applied.outcome.kind();
    for (field, told) in applied.change.fields.iter().zip(&mut item.fields) {
        let known = error.filter(|problem| !problem.fields.is_empty());
        let ended = known.map(|problem| problem.field(&field.path()));
        told.outcome = Some(match ended {
            None => kind,
            Some(None) => OutcomeKind::Done,
            Some(Some(ended)) => ended.kind,
        });
        let problem = ended.flatten().and_then(|ended| ended.problem.as_ref());
        told.error = problem.map(|problem| ErrorItem::new(problem.code, problem.to_string(), None));
    }
    if let Some(organization) = applied.outcome.organization() {
        item.organization_id = Some(organization.id.to_string());
    }
    AppliedItem {
        change: item,
        outcome: applied.outcome.kind(),
        error: error.map(|problem| ErrorItem::new(problem.code, problem.to_string(), None)),
    }
}
