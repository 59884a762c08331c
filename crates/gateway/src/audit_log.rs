//! Audit log: one line and one count for each request.
//!
//! No token, link, cookie or key is ever in it.

use std::net::IpAddr;

use data_encoding::BASE32_NOPAD;

use super::crypto;
use super::metrics::Metrics;
use super::refusal::{ErrorPage, Refusal};
use portalctl_model::text::escape;
use portalctl_model::{Intent, OrgKey};

/// Route of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Portal,
    Return,
    State,
    Other,
}

impl Route {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Return => "return",
            Self::State => "state",
            Self::Other => "other",
        }
    }
}

/// Audit record of one request under way. The subject is set once it is authenticated.
#[derive(Debug)]
pub(super) struct AuditRecord {
    route: Route,
    peer: IpAddr,
    /// Random name of the request, which a refusal shows, so that support finds its line.
    reference: String,
    pub(super) organization: Option<OrgKey>,
    pub(super) intent: Option<Intent>,
    pub(super) subject: Option<String>,
    /// State of the intent, on the return page.
    pub(super) state: Option<&'static str>,
}

impl AuditRecord {
    pub(super) fn new(route: Route, peer: IpAddr) -> Self {
        // Without randomness there is no secret either, and nobody is served.
        let name = crypto::random::<6>().unwrap_or_default();
        Self {
            route,
            peer,
            reference: BASE32_NOPAD.encode(&name),
            organization: None,
            intent: None,
            subject: None,
            state: None,
        }
    }

    /// Returns the name of the request.
    pub(super) fn reference(&self) -> &str {
        &self.reference
    }

    /// Records a completed request: `linked`, `shown` or `forwarded`.
    pub(super) fn done(&self, outcome: &'static str, metrics: &Metrics) {
        metrics.answered(self.route.as_str(), outcome);
        tracing::info!(
            target: "portalctl::audit",
            route = self.route.as_str(),
            outcome,
            organization = self.organization.as_ref().map(OrgKey::as_str),
            intent = self.intent.map(Intent::as_str),
            subject = self.subject(),
            state = self.state,
            peer = %self.peer,
            reference = self.reference,
            "answered"
        );
    }

    /// Records a refused request.
    pub(super) fn refused(&self, refusal: &Refusal, metrics: &Metrics) {
        let code = refusal.code.as_str();
        metrics.answered(self.route.as_str(), code);
        let detail = refusal.detail.as_deref();
        // Failures that an operator has to repair stand out from visitors' mistakes.
        if refusal.page == ErrorPage::Failed {
            tracing::error!(
                target: "portalctl::audit",
                route = self.route.as_str(),
                outcome = "failed",
                code,
                detail,
                organization = self.organization.as_ref().map(OrgKey::as_str),
                intent = self.intent.map(Intent::as_str),
                subject = self.subject(),
                peer = %self.peer,
                reference = self.reference,
                "refused"
            );
        } else {
            tracing::info!(
                target: "portalctl::audit",
                route = self.route.as_str(),
                outcome = "refused",
                code,
                detail,
                organization = self.organization.as_ref().map(OrgKey::as_str),
                intent = self.intent.map(Intent::as_str),
                subject = self.subject(),
                peer = %self.peer,
                reference = self.reference,
                "refused"
            );
        }
    }

    fn subject(&self) -> Option<String> {
        self.subject.as_deref().map(|it| escape(it).into_owned())
    }
}
