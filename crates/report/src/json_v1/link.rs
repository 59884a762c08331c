//! Documents of `link` and `wait`. Neither holds a portal link, which is a credential.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use super::readiness::{IntentItem, intent};
use crate::{ErrorItem, LinkReport, WaitReport};
use portalctl_core::link::{Origin, ResolvedUrl, WaitOutcome};
use portalctl_model::Intent;

/// Output of `portalctl link -o json`, which never holds the link itself.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl link")]
pub struct LinkDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Key of the organization in the manifest.
    pub key: Option<String>,
    /// Id of the organization.
    pub organization_id: Option<String>,
    /// Intent of the link.
    pub intent: Option<Intent>,
    /// Destination of the portal's logo; `null` leaves it to WorkOS's dashboard.
    pub return_url: Option<UrlItem>,
    /// Destination after the portal: the declared success URL, else the return URL; `null` leaves
    /// it to WorkOS's dashboard.
    pub success_url: Option<UrlItem>,
    /// User id that `--user` gave the link, by which it is revoked.
    pub external_user_id: Option<String>,
    /// IT contacts that got access with the link, and get WorkOS's alerts from then on.
    pub contacts_granted: Vec<String>,
    /// True when a link was made and handed to the browser.
    pub opened: bool,
    /// Expiry of the link; `null` when none was made.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: Option<String>,
    /// Readiness of the intent, as last read.
    pub readiness: Option<IntentItem>,
    /// End of the wait; `null` without `--wait`.
    pub wait: Option<WaitItem>,
    /// Reasons why no link was made, or why the wait did not end as hoped.
    pub errors: Vec<ErrorItem>,
}

/// Output of `portalctl wait -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl wait")]
pub struct WaitDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Key of the organization in the manifest.
    pub key: Option<String>,
    /// Id of the organization.
    pub organization_id: Option<String>,
    /// Intent that was waited for.
    pub intent: Option<Intent>,
    /// End of the wait; `null` when it did not begin, or was broken off by an error.
    pub wait: Option<WaitItem>,
    /// Readiness of the intent, as last read.
    pub readiness: Option<IntentItem>,
    /// Reasons why the wait did not begin, or did not end as hoped.
    pub errors: Vec<ErrorItem>,
}

/// URL with the place in the manifest that it comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UrlItem {
    /// Value of the URL.
    pub url: String,
    /// Source of the URL.
    pub origin: Origin,
}

/// End of a wait.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WaitItem {
    /// Reason for the end.
    pub outcome: WaitOutcome,
    /// Duration of the wait, in seconds.
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
    // The last reading is the most recent one, and its header counts all requests.
    let (headline, readiness) = match waited {
        Some(waited) => (waited.headline, waited.readiness),
        None => (headline, readiness),
    };
    LinkDocument {
        envelope: Envelope::new(headline),
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

/// Builds the document of a wait that ended.
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
        envelope: Envelope::new(headline),
        requests_used: headline.requests,
        key: Some(key.to_string()),
        organization_id: Some(organization.to_string()),
        intent: Some(readiness.intent),
        wait: Some(wait_item(report)),
        readiness: Some(intent(readiness)),
        errors,
    }
}

/// Builds the document of a run without a link; `asked` is the key and intent, if they were
/// understood.
pub fn failed_link(asked: Option<(&str, Intent)>, errors: Vec<ErrorItem>) -> LinkDocument {
    LinkDocument {
        key: asked.map(|(key, _)| key.to_owned()),
        intent: asked.map(|(_, intent)| intent),
        errors,
        ..LinkDocument::default()
    }
}

/// Builds the document of a wait that did not begin, or was broken off by an error.
pub fn failed_wait(asked: Option<(&str, Intent)>, errors: Vec<ErrorItem>) -> WaitDocument {
    WaitDocument {
        key: asked.map(|(key, _)| key.to_owned()),
        intent: asked.map(|(_, intent)| intent),
        errors,
        ..WaitDocument::default()
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
