//! The documents of `link` and `wait`. Neither holds a portal link: it is a credential.

use schemars::JsonSchema;
use serde::Serialize;

use super::build::intent;
use super::{ErrorItem, FORMAT_VERSION, IntentItem};
use crate::{LinkReport, WaitReport};
use portalctl_core::link::{Origin, ResolvedUrl, WaitOutcome};
use portalctl_model::Intent;

/// What `portalctl link -o json` prints. The link itself is never in it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl link")]
pub struct LinkDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests the run used.
    pub requests_used: u64,
    /// The organization's key in the manifest.
    pub key: Option<String>,
    /// The organization.
    pub organization_id: Option<String>,
    /// The one feature that the link is for.
    pub intent: Option<Intent>,
    /// Where the portal's logo leads; `null` leaves it to WorkOS's dashboard.
    pub return_url: Option<UrlItem>,
    /// Where the portal redirects on finishing: the declared success URL, else the return URL;
    /// `null` leaves it to WorkOS's dashboard.
    pub success_url: Option<UrlItem>,
    /// The user id that `--user` gave the link: what it is revoked by.
    pub external_user_id: Option<String>,
    /// IT contacts that got access with the link, and get WorkOS's alerts from then on.
    pub contacts_granted: Vec<String>,
    /// Whether a link was made and handed to the browser.
    pub opened: bool,
    /// Until when the link can be opened; `null` when none was made.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: Option<String>,
    /// How far the customer is, as last read.
    pub readiness: Option<IntentItem>,
    /// What became of waiting; `null` without `--wait`.
    pub wait: Option<WaitItem>,
    /// Why no link was made, or why waiting did not end as hoped.
    pub errors: Vec<ErrorItem>,
}

/// What `portalctl wait -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl wait")]
pub struct WaitDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests the run used.
    pub requests_used: u64,
    /// The organization's key in the manifest.
    pub key: Option<String>,
    /// The organization.
    pub organization_id: Option<String>,
    /// What was waited for.
    pub intent: Option<Intent>,
    /// What became of it; `null` when waiting did not begin, or was broken off by an error.
    pub wait: Option<WaitItem>,
    /// How far the customer is, as last read.
    pub readiness: Option<IntentItem>,
    /// Why waiting did not begin, or did not end as hoped.
    pub errors: Vec<ErrorItem>,
}

/// A URL with the place in the manifest that it comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UrlItem {
    /// The URL.
    pub url: String,
    /// Who says so.
    pub origin: Origin,
}

/// What became of waiting.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WaitItem {
    /// How it ended.
    pub outcome: WaitOutcome,
    /// How long it took.
    pub seconds: u64,
}

/// Builds the document of a link that was opened in the browser.
pub fn link(
    report: &LinkReport<'_>,
    expires_at: jiff::Timestamp,
    waited: Option<&WaitReport<'_>>,
    errors: Vec<ErrorItem>,
) -> LinkDocument {
    let LinkReport {
        headline,
        key,
        name: _,
        organization,
        intent: feature,
        urls,
        user,
        contacts,
        readiness,
    } = *report;
    // What was read last says most, and costs most.
    let (headline, readiness) = match waited {
        Some(waited) => (waited.headline, waited.readiness),
        None => (headline, readiness),
    };
    LinkDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        key: Some(key.to_string()),
        organization_id: Some(organization.to_string()),
        intent: Some(feature),
        return_url: urls.return_url.as_ref().map(url),
        success_url: urls.success_url.as_ref().map(url),
        external_user_id: user.map(ToString::to_string),
        contacts_granted: contacts.iter().map(ToString::to_string).collect(),
        opened: true,
        expires_at: Some(expires_at.to_string()),
        readiness: Some(intent(readiness)),
        wait: waited.map(wait_item),
        errors,
    }
}

/// Builds the document of a wait that came to an end.
pub fn wait(report: &WaitReport<'_>, errors: Vec<ErrorItem>) -> WaitDocument {
    let WaitReport {
        headline,
        key,
        organization,
        readiness,
        outcome: _,
        took: _,
    } = *report;
    WaitDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        key: Some(key.to_string()),
        organization_id: Some(organization.to_string()),
        intent: Some(readiness.intent),
        wait: Some(wait_item(report)),
        readiness: Some(intent(readiness)),
        errors,
    }
}

/// The document of a run that opened no link; what was asked for is there if it was understood.
pub fn failed_link(asked: Option<(&str, Intent)>, errors: Vec<ErrorItem>) -> LinkDocument {
    LinkDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        key: asked.map(|(key, _)| key.to_owned()),
        organization_id: None,
        intent: asked.map(|(_, intent)| intent),
        return_url: None,
        success_url: None,
        external_user_id: None,
        contacts_granted: Vec::new(),
        opened: false,
        expires_at: None,
        readiness: None,
        wait: None,
        errors,
    }
}

/// The document of a wait that did not begin, or was broken off by an error.
pub fn failed_wait(asked: Option<(&str, Intent)>, errors: Vec<ErrorItem>) -> WaitDocument {
    WaitDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        key: asked.map(|(key, _)| key.to_owned()),
        organization_id: None,
        intent: asked.map(|(_, intent)| intent),
        wait: None,
        readiness: None,
        errors,
    }
}

fn url(resolved: &ResolvedUrl) -> UrlItem {
    UrlItem {
        url: resolved.url.to_string(),
        origin: resolved.origin,
    }
}

fn wait_item(report: &WaitReport<'_>) -> WaitItem {
    WaitItem {
        outcome: report.outcome,
        seconds: report.took.as_secs(),
    }
}
