//! Document of `portalctl plan`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use super::readiness::{OrganizationItem, organizations};
use crate::view::{all_notes, held_reason};
use crate::{ErrorItem, PlanReport};
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{ActionKind, Change, Conflict, Destinations, Held, Plan, Warning};
use portalctl_model::desired::Source;
use portalctl_model::{Intent, OrgKey};
use portalctl_workos::apply::OutcomeKind;

/// Output of `portalctl plan -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl plan")]
pub struct PlanDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Target that the plan was made against.
    pub target: TargetItem,
    /// Digest that a review approves; `null` when there is no plan because of `errors`. It covers the
    /// target, the changes, what is held or in conflict, and the destinations.
    #[schemars(extend("pattern" = "^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Time of the snapshot that the plan was made against; such a plan cannot be applied. Absent
    /// where WorkOS was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_taken_at: Option<String>,
    /// Number of items by kind.
    pub summary: PlanSummary,
    /// Changes to make, in order.
    pub changes: Vec<ChangeItem>,
    /// Changes that are wanted, but not allowed in this run.
    pub held: Vec<HeldItem>,
    /// Conflicts that need a decision.
    pub conflicts: Vec<ConflictItem>,
    /// Addresses to which the portal sends people.
    pub destinations: DestinationsItem,
    /// Warnings about the plan.
    pub warnings: Vec<WarningItem>,
    /// Warnings about the manifest itself, skipped files among them.
    pub manifest_warnings: Vec<ErrorItem>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Reasons why there is no plan.
    pub errors: Vec<ErrorItem>,
    /// Readiness of every organization.
    pub readiness: Vec<OrganizationItem>,
}

/// Target of a plan; a saved plan is applied to no other one.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct TargetItem {
    /// Host of the endpoint.
    pub endpoint: String,
    /// Kind of the API key: `test`, `live`, or `null` when its shape does not tell.
    pub key_kind: Option<String>,
    /// Client id of the environment, where the manifest names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Name of the manifest.
    pub manifest: Option<String>,
}

/// Addresses to which the portal sends people, and the hosts that they may name.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct DestinationsItem {
    /// Hosts that the URLs may name; any host where the list is empty.
    pub allowed_hosts: Vec<String>,
    /// Declared return and success URLs: those of the manifest, then those of the entries.
    pub urls: Vec<DestinationItem>,
}

/// One declared URL.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DestinationItem {
    /// Key of the entry that declares it; `null` for the manifest's own.
    pub key: Option<String>,
    /// Path of the setting, below the entry or in the manifest.
    pub setting: String,
    /// The URL.
    pub url: String,
}

/// Number of items of a plan by kind.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct PlanSummary {
    /// Organizations to create.
    pub create: usize,
    /// Organizations to take over.
    pub adopt: usize,
    /// Updates of organizations.
    pub update: usize,
    /// Updates that only write portalctl's own marks; not counted among the others.
    pub bookkeeping: usize,
    /// Invitations to send.
    pub invite: usize,
    /// Organizations to delete.
    pub delete: usize,
    /// Changes that lack their flag or exceed a limit.
    pub held: usize,
    /// Conflicts that stop a whole entry until somebody decides.
    pub conflict: usize,
    /// Conflicts that stop one domain of an entry; they change no exit code.
    pub contested_domain: usize,
    /// Warnings.
    pub warning: usize,
    /// Entries that are as declared.
    pub unchanged: usize,
    /// Intents of `readiness` that were not read, because they decide no change; `portalctl status`
    /// reads them.
    pub not_read: usize,
}

/// One change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeItem {
    /// Key of the organization in the manifest.
    pub key: String,
    /// Name of the organization: the live one where it exists already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Kind of the change.
    pub action: ActionKind,
    /// Id of the organization, when it exists already.
    pub organization_id: Option<String>,
    /// Fields that are set.
    pub fields: Vec<FieldItem>,
    /// Contact and intents of an invitation; absent for other changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationItem>,
    /// True for an update that only writes portalctl's own marks: it needs no review, and the
    /// digest does not cover it. Absent otherwise.
    #[serde(skip_serializing_if = "is_false")]
    pub bookkeeping: bool,
    /// Reason for the change.
    pub reason: String,
    /// Place of the entry in the manifest; `null` for an entry that is not declared any more.
    pub source: Option<SourceItem>,
}

/// Field before and after; `null` is absent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldItem {
    /// Path of the field: `name`, `external_id`, `stripe_customer_id`, `metadata.KEY`,
    /// `domains.DOMAIN`, `it_contacts.EMAIL`.
    pub path: String,
    /// Live value.
    pub before: Option<String>,
    /// Value after the change.
    pub after: Option<String>,
    /// Outcome; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeKind>,
    /// Reason why it was not done; only after an apply, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorItem>,
}

/// E-mail that WorkOS sends to an IT contact.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvitationItem {
    /// Address of the contact.
    pub contact: String,
    /// Intents that the contact is invited to set up.
    pub intents: Vec<Intent>,
    /// Declared intents that cannot be part of an invitation.
    pub not_invitable: Vec<Intent>,
}

/// Place in the manifest.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceItem {
    /// File as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

impl SourceItem {
    /// Returns a place, if there is one to show.
    pub(super) fn of(source: &Source) -> Option<Self> {
        source.is_somewhere().then(|| Self {
            file: source.file.to_string(),
            line: source.line,
        })
    }
}

/// Change that is held.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HeldItem {
    /// Key of the organization in the manifest.
    pub key: String,
    /// Name of the organization: the live one where it exists already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Kind of the change.
    pub action: ActionKind,
    /// Id of the organization, when it exists already.
    pub organization_id: Option<String>,
    /// Fields that would be set.
    pub fields: Vec<FieldItem>,
    /// Contact and intents of an invitation; absent for other changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationItem>,
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Reason for the change, and for holding it.
    pub reason: String,
    /// Flag that would allow it.
    pub allow: String,
    /// Line that would allow it for good, to be written in the entry; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
    /// Place of the entry, where the line is written; `null` where no entry is declared.
    pub source: Option<SourceItem>,
}

/// Conflict that needs a decision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConflictItem {
    /// Key of the organization in the manifest.
    pub key: String,
    /// Name of the organization: the live one where it exists already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Description of the conflict.
    pub message: String,
    /// Hint on what to write to resolve it.
    pub help: String,
    /// Scope. `entry`: nothing is done for the entry. `domain` and `metadata`: its other fields are
    /// written.
    pub scope: &'static str,
    /// Contested domain; absent where the scope is `entry` or `metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// Warning about an entry.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WarningItem {
    /// Key of the organization in the manifest.
    pub key: String,
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Description of the warning.
    pub message: String,
}

/// Builds the plan's document.
pub fn plan(report: &PlanReport<'_>) -> PlanDocument {
    let PlanReport {
        headline,
        plan,
        readiness,
    } = *report;
    PlanDocument {
        envelope: Envelope::new(headline),
        target: TargetItem {
            endpoint: plan.target.endpoint.clone(),
            key_kind: plan.target.key_kind.clone(),
            client_id: plan.target.client_id.as_ref().map(ToString::to_string),
            manifest: plan.target.manifest.as_ref().map(ToString::to_string),
        },
        digest: Some(Digest::of(plan).to_string()),
        requests_used: headline.requests,
        snapshot_taken_at: headline.snapshot.map(|taken| taken.to_string()),
        summary: PlanSummary {
            not_read: readiness.totals().not_read,
            ..plan_summary(plan)
        },
        changes: plan.changes.iter().map(|it| change(plan, it)).collect(),
        held: plan.held.iter().map(|it| held(plan, it)).collect(),
        conflicts: plan.conflicts.iter().map(|it| conflict(plan, it)).collect(),
        destinations: destinations(&plan.destinations),
        warnings: plan.warnings.iter().map(warning).collect(),
        manifest_warnings: headline.manifest_warnings.clone(),
        notes: all_notes(plan, readiness),
        errors: Vec::new(),
        readiness: organizations(readiness),
    }
}

/// Builds the plan document of a run without a plan.
pub fn failed_plan(errors: Vec<ErrorItem>) -> PlanDocument {
    PlanDocument {
        errors,
        ..PlanDocument::default()
    }
}

pub(crate) fn plan_summary(plan: &Plan) -> PlanSummary {
    PlanSummary {
        create: plan.count(ActionKind::Create),
        adopt: plan.count(ActionKind::Adopt),
        update: plan.count(ActionKind::Update),
        bookkeeping: plan.bookkeeping(),
        invite: plan.count(ActionKind::Invite),
        delete: plan.count(ActionKind::Delete),
        held: plan.held.len(),
        conflict: plan.open_conflicts().count(),
        contested_domain: plan.contested_domains().count(),
        warning: plan.warnings.len(),
        unchanged: plan.unchanged,
        not_read: 0,
    }
}

fn name(plan: &Plan, key: &OrgKey) -> Option<String> {
    plan.name_of(key).map(str::to_owned)
}

pub(super) fn change(plan: &Plan, change: &Change) -> ChangeItem {
    ChangeItem {
        key: change.key.to_string(),
        name: name(plan, &change.key),
        action: change.action.kind(),
        organization_id: change.action.organization().map(ToString::to_string),
        fields: fields(change),
        invitation: invitation(change),
        bookkeeping: change.is_bookkeeping(),
        reason: change.reason.to_string(),
        source: source(change),
    }
}

fn source(change: &Change) -> Option<SourceItem> {
    SourceItem::of(&change.source)
}

fn destinations(destinations: &Destinations) -> DestinationsItem {
    let Destinations {
        allowed_hosts,
        urls,
    } = destinations;
    let urls = urls.iter().map(|it| DestinationItem {
        key: it.key.as_ref().map(ToString::to_string),
        setting: it.setting.clone(),
        url: it.url.to_string(),
    });
    DestinationsItem {
        allowed_hosts: allowed_hosts.iter().map(str::to_owned).collect(),
        urls: urls.collect(),
    }
}

fn fields(change: &Change) -> Vec<FieldItem> {
    change
        .fields
        .iter()
        .map(|field| FieldItem {
            path: field.path().to_string(),
            before: field.before().map(Cow::into_owned),
            after: field.after().map(Cow::into_owned),
            outcome: None,
            error: None,
        })
        .collect()
}

fn invitation(change: &Change) -> Option<InvitationItem> {
    change.action.invitation().map(|invitation| InvitationItem {
        contact: invitation.contact.to_string(),
        intents: invitation.intents.iter().copied().collect(),
        not_invitable: invitation.not_invitable.iter().copied().collect(),
    })
}

pub(super) fn held(plan: &Plan, held: &Held) -> HeldItem {
    HeldItem {
        key: held.change.key.to_string(),
        name: name(plan, &held.change.key),
        action: held.change.action.kind(),
        organization_id: held.change.action.organization().map(ToString::to_string),
        fields: fields(&held.change),
        invitation: invitation(&held.change),
        code: held.reason.code().as_str(),
        reason: held_reason(held),
        allow: held.flag.to_string(),
        write: held.permission.map(|allow| format!("allow: [{allow}]")),
        source: source(&held.change),
    }
}

pub(super) fn conflict(plan: &Plan, conflict: &Conflict) -> ConflictItem {
    ConflictItem {
        key: conflict.key.to_string(),
        name: name(plan, &conflict.key),
        code: conflict.code.as_str(),
        message: conflict.message.clone(),
        help: conflict.help.clone(),
        scope: conflict.scope.as_str(),
        domain: conflict.scope.domain().map(ToString::to_string),
    }
}

pub(super) fn warning(warning: &Warning) -> WarningItem {
    WarningItem {
        key: warning.key.to_string(),
        code: warning.code.as_str(),
        message: warning.message.clone(),
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}
