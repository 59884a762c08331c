//! JSON for machines, format version 1: fields are added, never renamed or removed.
//!
//! The types here are the published schemas (`portalctl schema plan`, `apply`, `status`).

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use std::collections::BTreeMap;

use super::{ApplyReportView, Headline, PlanReport, StatusReport};
use crate::apply::{AppliedChange, OutcomeKind, OutcomeTotals};
use crate::codes::Code;
use crate::model::Intent;
use crate::plan::digest::Digest;
use crate::plan::{ActionKind, Change, Conflict, Held, HeldReason, Plan, Warning};
use crate::readiness::{
    Evidence, IntentReadiness, OrganizationReadiness, Readiness, State, Totals, Turn,
};

/// The version of every document here.
const FORMAT_VERSION: &str = "1";

/// The JSON Schema of a document: every field that is always written is required.
pub fn schema<T: JsonSchema>() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().into()
}

/// What `portalctl plan -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl plan")]
pub struct PlanDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// What the plan was made against.
    pub target: TargetItem,
    /// What a review approves; `null` when there is no plan because of `errors`.
    #[schemars(extend("pattern" = "^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// How many requests the run used.
    pub requests_used: u64,
    /// How many there are of each.
    pub summary: PlanSummary,
    /// What will be done, in order.
    pub changes: Vec<ChangeItem>,
    /// What is wanted, but not allowed in this run.
    pub held: Vec<HeldItem>,
    /// What a person must decide.
    pub conflicts: Vec<ConflictItem>,
    /// What is worth knowing.
    pub warnings: Vec<WarningItem>,
    /// Remarks without consequence.
    pub notes: Vec<String>,
    /// Why there is no plan.
    pub errors: Vec<ErrorItem>,
    /// How far every customer is.
    pub readiness: Vec<OrganizationItem>,
}

/// What a plan was made against; a saved plan is applied to nothing else.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct TargetItem {
    /// The host of the endpoint.
    pub endpoint: String,
    /// `test`, `live`, or `null` when the key's shape does not say.
    pub key_kind: Option<String>,
    /// The manifest's name.
    pub manifest: Option<String>,
}

/// What `portalctl status -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl status")]
pub struct StatusDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests the run used.
    pub requests_used: u64,
    /// How many intents are in each state.
    pub summary: Totals,
    /// Every organization of the manifest, by key.
    pub organizations: Vec<OrganizationItem>,
    /// Why there is no report.
    pub errors: Vec<ErrorItem>,
}

/// What `portalctl apply -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl apply")]
pub struct ApplyDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// The digest of the plan that was applied.
    #[schemars(extend("pattern" = "^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// How many requests the run used.
    pub requests_used: u64,
    /// How many changes ended in each way.
    pub summary: OutcomeTotals,
    /// Every change of the plan with what became of it.
    pub changes: Vec<AppliedItem>,
    /// What is wanted, but was not allowed in this run.
    pub held: Vec<HeldItem>,
    /// What a person must decide.
    pub conflicts: Vec<ConflictItem>,
    /// What is worth knowing.
    pub warnings: Vec<WarningItem>,
    /// How far every customer is after the run.
    pub readiness: Vec<OrganizationItem>,
    /// Why nothing, or not everything, was done.
    pub errors: Vec<ErrorItem>,
}

/// What `portalctl validate -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl validate")]
pub struct ValidateDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// Whether there are no errors.
    pub valid: bool,
    /// How many organizations the manifest declares.
    pub organizations: usize,
    /// How many files it stands in.
    pub files: usize,
    /// What keeps it from being used.
    pub errors: Vec<ErrorItem>,
    /// What is worth knowing.
    pub warnings: Vec<ErrorItem>,
}

impl ValidateDocument {
    /// The document of a manifest without errors.
    pub fn valid(organizations: usize, files: usize, warnings: Vec<ErrorItem>) -> Self {
        let errors = Vec::new();
        Self {
            format_version: FORMAT_VERSION,
            valid: true,
            organizations,
            files,
            errors,
            warnings,
        }
    }
}

/// What `portalctl ids -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl ids")]
pub struct IdsDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests the run used.
    pub requests_used: u64,
    /// The organization id of every key; `null` while it does not exist.
    pub ids: BTreeMap<String, Option<String>>,
    /// Why there are no ids.
    pub errors: Vec<ErrorItem>,
}

/// How many there are of each kind in a plan.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct PlanSummary {
    /// Organizations to create.
    pub create: usize,
    /// Organizations to take over.
    pub adopt: usize,
    /// Updates of organizations.
    pub update: usize,
    /// Invitations to send.
    pub invite: usize,
    /// Organizations to delete.
    pub delete: usize,
    /// Changes that lack their flag or exceed a limit.
    pub held: usize,
    /// Entries and findings that a person must decide.
    pub conflict: usize,
    /// Warnings.
    pub warning: usize,
    /// Entries that are already as declared.
    pub unchanged: usize,
}

/// One change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeItem {
    /// The organization's key in the manifest.
    pub key: String,
    /// What is done.
    pub action: ActionKind,
    /// The organization, when it exists already.
    pub organization_id: Option<String>,
    /// The fields that are set.
    pub fields: Vec<FieldItem>,
    /// Why.
    pub reason: String,
    /// Where the entry was declared; `null` for what is not declared any more.
    pub source: Option<SourceItem>,
}

/// One field before and after; `null` is absent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldItem {
    /// `name`, `external_id`, `stripe_customer_id`, `metadata.KEY`, `domains.DOMAIN`,
    /// `it_contacts.EMAIL`.
    pub path: String,
    /// Its live value.
    pub before: Option<String>,
    /// Its value once the change is made.
    pub after: Option<String>,
}

/// A place in the manifest.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceItem {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// A change that is held.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HeldItem {
    /// The organization's key in the manifest.
    pub key: String,
    /// What would be done.
    pub action: ActionKind,
    /// The organization, when it exists already.
    pub organization_id: Option<String>,
    /// The fields that would be set.
    pub fields: Vec<FieldItem>,
    /// Why it is wanted, and why it is held.
    pub reason: String,
    /// The flag that would allow it.
    pub allow: String,
}

/// Something a person must decide.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConflictItem {
    /// The organization's key in the manifest.
    pub key: String,
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// What was found.
    pub message: String,
    /// What to write to resolve it.
    pub help: String,
}

/// Something worth knowing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WarningItem {
    /// The organization's key in the manifest.
    pub key: String,
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// What was found.
    pub message: String,
}

/// An error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorItem {
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The manifest file it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// WorkOS's HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// WorkOS's own error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_code: Option<String>,
    /// WorkOS's id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One change with what became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppliedItem {
    /// The change as planned.
    #[serde(flatten)]
    pub change: ChangeItem,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// Why it was not done.
    pub error: Option<ErrorItem>,
}

/// How far one organization is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrganizationItem {
    /// Its key in the manifest.
    pub key: String,
    /// Its name.
    pub name: Option<String>,
    /// Its id; `null` while it does not exist.
    pub organization_id: Option<String>,
    /// Its declared intents.
    pub intents: Vec<IntentItem>,
}

/// How far one intent is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IntentItem {
    /// The intent.
    pub intent: Intent,
    /// How far it is.
    pub state: State,
    /// Since when, by the evidence's own time; `null` when WorkOS does not tell.
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Who has to do something.
    pub turn: Turn,
    /// Why the state is what it is.
    pub reason: String,
    /// What to do next, if anything.
    pub next_step: Option<String>,
    /// What was found at WorkOS.
    pub evidence: Vec<EvidenceItem>,
}

/// One object at WorkOS that a state rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceItem {
    /// `connection`, `directory`, `domain`, `audit_log_configuration`, `log_stream`, `event`.
    pub object: &'static str,
    /// Its id, or the domain's name.
    pub id: Option<String>,
    /// Its kind, as WorkOS spells it.
    pub kind: Option<String>,
    /// Its state, as WorkOS spells it.
    pub state: String,
    /// When it last changed.
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
}

/// Builds the plan's document.
pub fn plan(report: &PlanReport<'_>) -> PlanDocument {
    let PlanReport {
        headline,
        plan,
        readiness,
    } = *report;
    PlanDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        target: TargetItem {
            endpoint: plan.target.endpoint.clone(),
            key_kind: plan.target.key_kind.clone(),
            manifest: plan.target.manifest.as_ref().map(ToString::to_string),
        },
        digest: Some(Digest::of(plan).to_string()),
        requests_used: headline.requests,
        summary: plan_summary(plan),
        changes: plan.changes.iter().map(change).collect(),
        held: plan.held.iter().map(held).collect(),
        conflicts: plan.conflicts.iter().map(conflict).collect(),
        warnings: plan.warnings.iter().map(warning).collect(),
        notes: super::text::notes(plan),
        errors: Vec::new(),
        readiness: organizations(readiness),
    }
}

/// Builds the status document.
pub fn status(report: &StatusReport<'_>) -> StatusDocument {
    let StatusReport {
        headline,
        readiness,
        now: _,
    } = *report;
    StatusDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        summary: readiness.totals(),
        organizations: organizations(readiness),
        errors: Vec::new(),
    }
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
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        digest: Some(Digest::of(plan).to_string()),
        requests_used: headline.requests,
        summary: report.totals(),
        changes: report.changes.iter().map(applied).collect(),
        held: plan.held.iter().map(held).collect(),
        conflicts: plan.conflicts.iter().map(conflict).collect(),
        warnings: plan.warnings.iter().map(warning).collect(),
        readiness: organizations(readiness),
        errors: Vec::new(),
    }
}

/// The plan document of a run that got no plan.
pub fn failed_plan(errors: Vec<ErrorItem>) -> PlanDocument {
    PlanDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        target: TargetItem::default(),
        digest: None,
        requests_used: 0,
        summary: PlanSummary::default(),
        changes: Vec::new(),
        held: Vec::new(),
        conflicts: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        errors,
        readiness: Vec::new(),
    }
}

/// The status document of a run that got no readiness.
pub fn failed_status(errors: Vec<ErrorItem>) -> StatusDocument {
    StatusDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        summary: Totals::default(),
        organizations: Vec::new(),
        errors,
    }
}

/// The apply document of a run that did nothing.
pub fn failed_apply(errors: Vec<ErrorItem>) -> ApplyDocument {
    ApplyDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        digest: None,
        requests_used: 0,
        summary: OutcomeTotals::default(),
        changes: Vec::new(),
        held: Vec::new(),
        conflicts: Vec::new(),
        warnings: Vec::new(),
        readiness: Vec::new(),
        errors,
    }
}

/// Builds the document of ids.
pub fn ids(headline: &Headline, ids: BTreeMap<String, Option<String>>) -> IdsDocument {
    IdsDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        ids,
        errors: Vec::new(),
    }
}

/// The document of a run that got no ids.
pub fn failed_ids(errors: Vec<ErrorItem>) -> IdsDocument {
    IdsDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        ids: BTreeMap::new(),
        errors,
    }
}

/// The document of a manifest that cannot be used.
pub fn failed_validate(errors: Vec<ErrorItem>) -> ValidateDocument {
    ValidateDocument {
        format_version: FORMAT_VERSION,
        valid: false,
        organizations: 0,
        files: 0,
        errors,
        warnings: Vec::new(),
    }
}

impl ErrorItem {
    /// An error with nothing but its code, its message and what to do.
    pub fn new(code: Code, message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            code: code.as_str(),
            message: message.into(),
            help,
            file: None,
            line: None,
            column: None,
            http_status: None,
            upstream_code: None,
            request_id: None,
        }
    }
}

pub(super) fn plan_summary(plan: &Plan) -> PlanSummary {
    PlanSummary {
        create: plan.count(ActionKind::Create),
        adopt: plan.count(ActionKind::Adopt),
        update: plan.count(ActionKind::Update),
        invite: 0,
        delete: plan.count(ActionKind::Delete),
        held: plan.held.len(),
        conflict: plan.conflicts.len(),
        warning: plan.warnings.len(),
        unchanged: plan.unchanged,
    }
}

fn change(change: &Change) -> ChangeItem {
    ChangeItem {
        key: change.key.to_string(),
        action: change.action.kind(),
        organization_id: change.action.organization().map(ToString::to_string),
        fields: fields(change),
        reason: change.reason.to_string(),
        source: change.source.is_somewhere().then(|| SourceItem {
            file: change.source.file.to_string(),
            line: change.source.line,
        }),
    }
}

fn fields(change: &Change) -> Vec<FieldItem> {
    change
        .fields
        .iter()
        .map(|field| FieldItem {
            path: field.path.to_string(),
            before: field.before.clone(),
            after: field.after.clone(),
        })
        .collect()
}

fn held(held: &Held) -> HeldItem {
    HeldItem {
        key: held.change.key.to_string(),
        action: held.change.action.kind(),
        organization_id: held.change.action.organization().map(ToString::to_string),
        fields: fields(&held.change),
        reason: held_reason(held),
        allow: held.allow.to_string(),
    }
}

/// Why a change is held, in one sentence.
pub(super) fn held_reason(held: &Held) -> String {
    match &held.reason {
        HeldReason::NeedsFlag => held.change.reason.to_string(),
        HeldReason::LimitExceeded { planned, allowed } => format!(
            "the manifest's limits allow {allowed} of these in one run, the plan has {planned}"
        ),
        HeldReason::MostlyUndeclared { marked, declared } => format!(
            "of {marked} organizations that this manifest created only {declared} are declared: \
             is this the whole manifest?"
        ),
    }
}

fn conflict(conflict: &Conflict) -> ConflictItem {
    ConflictItem {
        key: conflict.key.to_string(),
        code: conflict.code.as_str(),
        message: conflict.message.clone(),
        help: conflict.help.clone(),
    }
}

fn warning(warning: &Warning) -> WarningItem {
    WarningItem {
        key: warning.key.to_string(),
        code: warning.code.as_str(),
        message: warning.message.clone(),
    }
}

fn applied(applied: &AppliedChange) -> AppliedItem {
    let error = applied.outcome.problem();
    let mut item = change(&applied.change);
    if let Some(organization) = applied.outcome.organization() {
        item.organization_id = Some(organization.id.to_string());
    }
    AppliedItem {
        change: item,
        outcome: applied.outcome.kind(),
        error: error.map(|problem| ErrorItem::new(problem.code, &problem.message, None)),
    }
}

fn organizations(readiness: &Readiness) -> Vec<OrganizationItem> {
    readiness.organizations.iter().map(organization).collect()
}

fn organization(organization: &OrganizationReadiness) -> OrganizationItem {
    OrganizationItem {
        key: organization.key.to_string(),
        name: organization.name.clone(),
        organization_id: organization
            .organization_id
            .as_ref()
            .map(ToString::to_string),
        intents: organization.intents.iter().map(intent).collect(),
    }
}

fn intent(intent: &IntentReadiness) -> IntentItem {
    IntentItem {
        intent: intent.intent,
        state: intent.state,
        since: intent.since.map(|since| since.to_string()),
        turn: intent.turn,
        reason: intent.reason.clone(),
        next_step: intent.next_step.clone(),
        evidence: intent.evidence.iter().map(evidence).collect(),
    }
}

fn evidence(evidence: &Evidence) -> EvidenceItem {
    EvidenceItem {
        object: evidence.object,
        id: evidence.id.clone(),
        kind: evidence.kind.clone(),
        state: evidence.state.clone(),
        since: evidence.since.map(|since| since.to_string()),
    }
}
