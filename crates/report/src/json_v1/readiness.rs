//! Readiness of organizations, as several documents hold it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::view::InvitationStateName;
use portalctl_core::readiness::{
    Evidence, IntentReadiness, InvitationReadiness, MissingDomain, OrganizationReadiness,
    Readiness, State, Turn,
};
use portalctl_model::Intent;

/// Readiness of one organization.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrganizationItem {
    /// Key in the manifest.
    pub key: String,
    /// Name of the organization.
    pub name: Option<String>,
    /// Id of the organization; `null` while it does not exist.
    pub organization_id: Option<String>,
    /// Declared intents.
    pub intents: Vec<IntentItem>,
    /// Invitation of an IT contact; `null` while the organization is not marked with one.
    pub invitation: Option<InvitationStatusItem>,
}

/// Invitation of one organization, as its mark tells.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvitationStatusItem {
    /// State of the invitation.
    pub state: InvitationStateName,
    /// Time of the mark; `null` where it does not tell.
    #[schemars(extend("format" = "date-time"))]
    pub at: Option<String>,
    /// Id of the IT contact; `null` where it is not known.
    pub contact_id: Option<String>,
}

/// Readiness of one intent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IntentItem {
    /// Name of the intent.
    pub intent: Intent,
    /// State of the intent.
    pub state: State,
    /// Time since when the intent is in its state, by the evidence's own time; `null` when WorkOS
    /// does not tell.
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Party that has to act.
    pub turn: Turn,
    /// True when the evidence was not read in this run, so that the state is `unknown`; `portalctl
    /// status` reads it. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_read: bool,
    /// Verified domain that `sso` needs: `missing` where the organization has none, `not_known`
    /// where WorkOS does not tell whether one is needed. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_domain: Option<MissingDomain>,
    /// Reason for the state.
    pub reason: String,
    /// Next step, if there is one.
    pub next_step: Option<String>,
    /// Evidence found at WorkOS.
    pub evidence: Vec<EvidenceItem>,
}

/// Object at WorkOS that a state rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceItem {
    /// Type of the object: `connection`, `directory`, `domain`, `audit_log_configuration`,
    /// `log_stream` or `event`.
    pub object: &'static str,
    /// Id of the object, or the domain's name.
    pub id: Option<String>,
    /// Kind of the object, as WorkOS spells it.
    pub kind: Option<String>,
    /// State of the object, as WorkOS spells it.
    pub state: String,
    /// Time of its last change.
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
}

/// Builds the items of all organizations.
pub(super) fn organizations(readiness: &Readiness) -> Vec<OrganizationItem> {
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
        invitation: organization.invitation.as_ref().map(invitation_status),
    }
}

fn invitation_status(invitation: &InvitationReadiness) -> InvitationStatusItem {
    let mark = &invitation.mark;
    InvitationStatusItem {
        state: InvitationStateName::of(mark),
        at: mark.time().map(|at| at.to_string()),
        contact_id: mark.contact().map(str::to_owned),
    }
}

/// Builds the item of one intent.
pub(super) fn intent(intent: &IntentReadiness) -> IntentItem {
    IntentItem {
        intent: intent.intent,
        state: intent.state,
        since: intent.since.map(|since| since.to_string()),
        turn: intent.turn,
        not_read: intent.is_not_read(),
        verified_domain: intent.missing_domain,
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
