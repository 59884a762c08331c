//! Document of `portalctl invite`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;

use crate::{ErrorItem, InviteOutcome, InviteReport};
use portalctl_core::plan::Invitation;
use portalctl_model::Intent;

/// Output of `portalctl invite -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl invite")]
pub struct InviteDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Key of the organization in the manifest; `null` when there is no result because of `errors`.
    pub key: Option<String>,
    /// Id of the organization; `null` likewise.
    pub organization_id: Option<String>,
    /// Address of the contact that is invited; `null` where an invitation was ended.
    pub contact: Option<String>,
    /// IT contacts that WorkOS did not have and that were added first.
    pub contacts_added: Vec<String>,
    /// Intents that the contact is invited to set up.
    pub intents: Vec<Intent>,
    /// Declared intents that cannot be part of an invitation.
    pub not_invitable: Vec<Intent>,
    /// Outcome; `null` when there is no result because of `errors`.
    pub outcome: Option<InviteOutcome>,
    /// Reasons why nothing, or not everything, was done.
    pub errors: Vec<ErrorItem>,
}

/// Builds the document of an invitation.
pub fn invite(report: &InviteReport<'_>) -> InviteDocument {
    let InviteReport {
        headline,
        key,
        organization,
        contact,
        added,
        invitation,
        outcome,
    } = *report;
    let intents = |of: fn(&Invitation) -> &BTreeSet<Intent>| {
        let intents = invitation.map(of).into_iter().flatten();
        intents.copied().collect()
    };
    InviteDocument {
        envelope: Envelope::new(headline),
        requests_used: headline.requests,
        key: Some(key.to_string()),
        organization_id: Some(organization.to_string()),
        contact: contact.map(str::to_owned),
        contacts_added: added.iter().map(ToString::to_string).collect(),
        intents: intents(|invitation| &invitation.intents),
        not_invitable: intents(|invitation| &invitation.not_invitable),
        outcome: Some(outcome),
        errors: Vec::new(),
    }
}

/// Builds the document of a run without a result.
pub fn failed_invite(errors: Vec<ErrorItem>) -> InviteDocument {
    InviteDocument {
        errors,
        ..InviteDocument::default()
    }
}
