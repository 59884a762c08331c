//! Audit log: one line and one count for each request.
//!
//! No token, link, cookie or key is ever in it.

use std::net::IpAddr;

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
    pub(super) organization: Option<OrgKey>,
    pub(super) intent: Option<Intent>,
    pub(super) subject: Option<String>,
    /// State of the intent, on the return page.
    pub(super) state: Option<&'static str>,
}

impl AuditRecord {
    pub(super) const fn new(route: Route, peer: IpAddr) -> Self {
        Self {
            route,
            peer,
            organization: None,
            intent: None,
            subject: None,
            state: None,
        }
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
                "refused"
            );
        }
    }

    fn subject(&self) -> Option<String> {
        self.subject.as_deref().map(|it| escape(it).into_owned())
    }
}
