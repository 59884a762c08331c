//! Check that WorkOS sends webhooks to the URL that a PortalEnvironment expects.

use std::collections::BTreeSet;

use url::Url;

use super::{Asked, Check, Facts, Subject};
use crate::view::first_few;
use portalctl_model::codes::doctor as codes;
use portalctl_model::observed::Answer;
use portalctl_model::text::escape;
use portalctl_workos::WebhookEndpoint;

/// Most events that are named.
const NAMED: usize = 5;

/// Webhook that a PortalEnvironment expects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedWebhook {
    /// Namespace of the PortalEnvironment, where it is known.
    pub namespace: Option<String>,
    /// Name of the PortalEnvironment.
    pub environment: String,
    /// Names of the events after which the operator reads an organization.
    pub events: BTreeSet<String>,
}

impl ExpectedWebhook {
    /// Returns the path of the operator's webhook endpoint.
    fn path(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or("NAMESPACE");
        format!("/webhooks/{namespace}/{}", self.environment)
    }

    /// Returns whether a URL ends with the path; a proxy may have put something in front.
    fn is_at(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let Some(segments) = url.path_segments() else {
            return false;
        };
        let segments: Vec<&str> = segments.filter(|segment| !segment.is_empty()).collect();
        let [.., "webhooks", namespace, environment] = segments.as_slice() else {
            return false;
        };
        let is_namespace = self
            .namespace
            .as_deref()
            .is_none_or(|own| own == *namespace);
        is_namespace && *environment == self.environment
    }
}

pub(super) fn webhook(facts: &Facts) -> Check {
    let subject = Subject::Webhook;
    let Some(expected) = &facts.expected_webhook else {
        let why = "no PortalEnvironment with `spec.webhook` is declared, so none is expected";
        return Check::skip(subject, why);
    };
    let endpoints = match &facts.webhooks {
        Asked::Not(why) => return Check::skip(subject, why),
        Asked::Answered(Err(error)) => return Check::skip(subject, error.to_string()),
        Asked::Answered(Ok(Answer::Found(endpoints))) => endpoints,
        Asked::Answered(Ok(Answer::Absent)) => {
            let why = "this endpoint has no list of webhook endpoints (404)";
            return Check::skip(subject, why);
        }
        Asked::Answered(Ok(Answer::NotEntitled(said))) => {
            let why = format!(
                "the key may not read webhook endpoints (403): {}",
                escape(said)
            );
            return Check::skip(subject, why);
        }
        Asked::Answered(Ok(Answer::Failed(why))) => return Check::skip(subject, why.to_string()),
    };
    let path = expected.path();
    let at = endpoints.iter().filter(|one| expected.is_at(&one.url));
    let at: Vec<&WebhookEndpoint> = at.collect();
    let enabled: Vec<&&WebhookEndpoint> = at.iter().filter(|one| one.status == "enabled").collect();
    if at.is_empty() {
        let detail = format!(
            "none of {} webhook endpoints ends with {path}",
            endpoints.len()
        );
        return Check::fail(subject, codes::WEBHOOK_MISSING, detail);
    }
    if enabled.is_empty() {
        let status = at
            .first()
            .map(|one| escape(&one.status))
            .unwrap_or_default();
        let detail = format!("the endpoint {path} has the status `{status}`");
        return Check::fail(subject, codes::WEBHOOK_DISABLED, detail);
    }
    let sent: BTreeSet<&str> = enabled
        .iter()
        .flat_map(|one| one.events.iter().map(String::as_str))
        .collect();
    let wanted = expected.events.iter().map(String::as_str);
    let missing: Vec<&str> = wanted.filter(|name| !sent.contains(name)).collect();
    if missing.is_empty() {
        let detail = format!(
            "{path} is enabled and is sent all {} events that the operator looks after",
            expected.events.len()
        );
        return Check::pass(subject, detail);
    }
    let detail = format!("{path} is not sent {}", first_few(&missing, NAMED));
    Check::warn(subject, codes::WEBHOOK_EVENTS, detail)
}
