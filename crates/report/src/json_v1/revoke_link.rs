//! Document of `portalctl revoke-link`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;

use crate::{ErrorItem, RevokeLinkReport};

/// Output of `portalctl revoke-link -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl revoke-link")]
pub struct RevokeLinkDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Key of the organization in the manifest; `null` when there is no result because of `errors`.
    pub key: Option<String>,
    /// Id of the organization; `null` likewise.
    pub organization_id: Option<String>,
    /// User id whose links and sessions were ended; `null` likewise.
    pub external_user_id: Option<String>,
    /// True when WorkOS ended them. WorkOS does not tell whether there were any.
    pub revoked: bool,
    /// Reasons why nothing was done.
    pub errors: Vec<ErrorItem>,
}

/// Builds the document of links that were revoked.
pub fn revoke_link(report: &RevokeLinkReport<'_>) -> RevokeLinkDocument {
    let RevokeLinkReport {
        headline,
        key,
        organization,
        user,
    } = *report;
    RevokeLinkDocument {
        envelope: Envelope::new(headline),
        requests_used: headline.requests,
        key: Some(key.to_string()),
        organization_id: Some(organization.to_string()),
        external_user_id: Some(user.to_string()),
        revoked: true,
        errors: Vec::new(),
    }
}

/// Builds the document of a run that got no result.
pub fn failed_revoke_link(errors: Vec<ErrorItem>) -> RevokeLinkDocument {
    RevokeLinkDocument {
        errors,
        ..RevokeLinkDocument::default()
    }
}
