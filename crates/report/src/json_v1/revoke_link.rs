//! The document of `portalctl revoke-link`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorItem, FORMAT_VERSION};
use crate::RevokeLinkReport;

/// Output of `portalctl revoke-link -o json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl revoke-link")]
pub struct RevokeLinkDocument {
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
    /// The user id whose links and sessions were ended; `null` likewise.
    pub external_user_id: Option<String>,
    /// Whether WorkOS ended them. It does not tell whether there were any.
    pub revoked: bool,
    /// Why nothing was done.
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
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        key: Some(key.to_string()),
        organization_id: Some(organization.to_string()),
        external_user_id: Some(user.to_string()),
        revoked: true,
        ..failed_revoke_link(Vec::new())
    }
}

/// Builds the document of a run that got no result.
pub fn failed_revoke_link(errors: Vec<ErrorItem>) -> RevokeLinkDocument {
    RevokeLinkDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        key: None,
        organization_id: None,
        external_user_id: None,
        revoked: false,
        errors,
    }
}
