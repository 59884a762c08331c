//! The document of `portalctl invite`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorItem, FORMAT_VERSION};
use crate::{InviteOutcome, InviteReport};
use portalctl_core::plan::Invitation;
use portalctl_model::Intent;

/// What `portalctl invite -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl invite")]
pub struct InviteDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests the run used.
    pub requests_used: u64,
    /// The organization's key in the manifest; `null` when there is no result because of `errors`.
    pub key: Option<String>,
    /// The organization's id; `null` likewise.
    pub organization_id: Option<String>,
    /// Address of the contact that is invited; `null` where an invitation was ended.
    pub contact: Option<String>,
    /// IT contacts that WorkOS did not have and that were added first.
    pub contacts_added: Vec<String>,
    /// What the contact is invited to set up.
    pub intents: Vec<Intent>,
    /// What is to be set up too and cannot be invited to.
    pub not_invitable: Vec<Intent>,
    /// What became of it; `null` when there is no result because of `errors`.
    pub outcome: Option<InviteOutcome>,
    /// Why nothing, or not everything, was done.
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
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        key: Some(key.to_string()),
        organization_id: Some(organization.to_string()),
        contact: contact.map(str::to_owned),
        contacts_added: added.iter().map(ToString::to_string).collect(),
        intents: intents(|invitation| &invitation.intents),
        not_invitable: intents(|invitation| &invitation.not_invitable),
        outcome: Some(outcome),
        ..failed_invite(Vec::new())
    }
}

/// The document of a run that got no result.
pub fn failed_invite(errors: Vec<ErrorItem>) -> InviteDocument {
    InviteDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        key: None,
        organization_id: None,
        contact: None,
        contacts_added: Vec::new(),
        intents: Vec::new(),
        not_invitable: Vec::new(),
        outcome: None,
        errors,
    }
}
