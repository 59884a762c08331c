//! JSON for machines, format version 1: fields are added, never renamed or removed.
//!
//! The types here are the published schemas (`portalctl schema plan`, `apply`, `status`).

mod build;
mod changed;
mod doctor;
mod domains;
mod import;
mod invite;
mod link;
mod revoke_link;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use portalctl_core::plan::ActionKind;
use portalctl_core::readiness::{MissingDomain, State, Totals, Turn};
use portalctl_model::Intent;
use portalctl_model::codes::Code;
use portalctl_model::mark::InvitationMark;
use portalctl_workos::apply::{OutcomeKind, OutcomeTotals};

pub use build::{
    apply, failed_apply, failed_ids, failed_plan, failed_status, failed_validate, ids, plan, status,
};
pub(super) use build::{held_reason, plan_summary};
pub use changed::{
    ChangedDocument, ChangedIntentItem, ChangedOrganizationItem, changed, changed_document,
};
pub use doctor::{CheckItem, DoctorDocument, doctor, failed_doctor};
pub use domains::{DnsItem, DomainItem, DomainsDocument, RecordItem, domains, failed_domains};
pub use import::{ImportDocument, failed_import, import};
pub use invite::{InviteDocument, failed_invite, invite};
pub use link::{
    LinkDocument, UrlItem, WaitDocument, WaitItem, failed_link, failed_wait, link, wait,
};
pub use revoke_link::{RevokeLinkDocument, failed_revoke_link, revoke_link};

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
    /// Warnings about the manifest itself, skipped files among them.
    pub manifest_warnings: Vec<ErrorItem>,
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
    /// The client id of the environment, where the manifest says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
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
    /// What could not be read; what rests on it is `unknown`.
    pub warnings: Vec<ReadWarningItem>,
    /// Warnings about the manifest itself, skipped files among them.
    pub manifest_warnings: Vec<ErrorItem>,
    /// Every organization of the manifest, by key.
    pub organizations: Vec<OrganizationItem>,
    /// What changed since the report of `--compare`, by key; absent without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<ChangedOrganizationItem>>,
    /// Why there is no report, or what went wrong with the command of `--on-change`.
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
    pub summary: ApplySummary,
    /// Every change of the plan with what became of it.
    pub changes: Vec<AppliedItem>,
    /// What is wanted, but was not allowed in this run.
    pub held: Vec<HeldItem>,
    /// What a person must decide.
    pub conflicts: Vec<ConflictItem>,
    /// What is worth knowing.
    pub warnings: Vec<WarningItem>,
    /// Warnings about the manifest itself, skipped files among them; none where a saved plan was
    /// applied, which reads no manifest.
    pub manifest_warnings: Vec<ErrorItem>,
    /// How far every customer is after the run.
    pub readiness: Vec<OrganizationItem>,
    /// Why nothing, or not everything, was done.
    pub errors: Vec<ErrorItem>,
}

/// How many changes of an apply ended in each way.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ApplySummary {
    /// Counts by outcome.
    #[serde(flatten)]
    pub outcomes: OutcomeTotals,
    /// Intents of `readiness` that were not read in this run; `portalctl status` reads them.
    pub not_read: usize,
}

/// Something that could not be read, and that keeps nothing else from being reported.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReadWarningItem {
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// What could not be read, and WorkOS's answer.
    pub message: String,
    /// Keys of the organizations that it leaves unknown.
    pub keys: Vec<String>,
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
    /// Warnings about the manifest itself, skipped files among them: their keys are missing here.
    pub manifest_warnings: Vec<ErrorItem>,
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
    /// Updates that only write marks that portalctl keeps for itself; not among the others.
    pub bookkeeping: usize,
    /// Invitations to send.
    pub invite: usize,
    /// Organizations to delete.
    pub delete: usize,
    /// Changes that lack their flag or exceed a limit.
    pub held: usize,
    /// Conflicts that stop a whole entry until a person decides.
    pub conflict: usize,
    /// Conflicts that stop one domain of an entry; they change no exit code.
    pub contested_domain: usize,
    /// Warnings.
    pub warning: usize,
    /// Entries that are already as declared.
    pub unchanged: usize,
    /// Intents of `readiness` that were not read, because they decide no change; `portalctl status`
    /// reads them.
    pub not_read: usize,
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
    /// Who is invited to what; only of invitations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationItem>,
    /// True for an update that only writes marks that portalctl keeps for itself: nobody has to
    /// review it, and the digest does not cover it.
    #[serde(skip_serializing_if = "is_false")]
    pub bookkeeping: bool,
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
    /// What became of it; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeKind>,
    /// Why it was not done, where it was not; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorItem>,
}

/// An e-mail that WorkOS sends to an IT contact.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvitationItem {
    /// The contact's address.
    pub contact: String,
    /// What the contact is invited to set up.
    pub intents: Vec<Intent>,
    /// What is to be set up too and cannot be invited to.
    pub not_invitable: Vec<Intent>,
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
    /// Who would be invited to what; only of invitations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationItem>,
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Why it is wanted, and why it is held.
    pub reason: String,
    /// The flag that would allow it.
    pub allow: String,
    /// The line that would allow it for good, to be written in the entry; absent where there is
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
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
    /// `entry`: nothing is done for the entry. `domain` and `metadata`: its other fields are written.
    pub scope: &'static str,
    /// The contested domain; absent where the scope is `entry` or `metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
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
    /// Invitation of an IT contact; `null` while the organization is not marked with one.
    pub invitation: Option<InvitationStatusItem>,
}

/// Invitation of one organization, as its mark tells.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvitationStatusItem {
    /// How far it is.
    pub state: InvitationStateName,
    /// Time of the mark; `null` where it does not tell.
    #[schemars(extend("format" = "date-time"))]
    pub at: Option<String>,
    /// Id of the IT contact; `null` where it is not known.
    pub contact_id: Option<String>,
}

/// How far an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStateName {
    /// The answer to sending it was lost, or it is being sent: an e-mail may be on its way.
    MayBeSent,
    /// WorkOS sent it, or another contact has one.
    Sent,
    /// It was ended by command.
    Ended,
}

impl InvitationStateName {
    /// Returns the state that a mark tells of.
    pub(crate) const fn of(mark: &InvitationMark) -> Self {
        match mark {
            InvitationMark::Sending { .. } => Self::MayBeSent,
            InvitationMark::Sent { .. } => Self::Sent,
            InvitationMark::Ended { .. } => Self::Ended,
        }
    }

    /// Returns the name in JSON and in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MayBeSent => "may_be_sent",
            Self::Sent => "sent",
            Self::Ended => "ended",
        }
    }
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
    /// Whether the evidence was not asked for in this run, so that the state is `unknown`;
    /// `portalctl status` asks for it. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_read: bool,
    /// For `sso`: `missing` where it needs a verified domain and the organization has none,
    /// `not_known` where WorkOS does not tell whether it needs one. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_domain: Option<MissingDomain>,
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

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}
