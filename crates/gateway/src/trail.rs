//! The account of one request: who asked for what, and what came of it. One line of the log and one
//! step of a counter; never a token, a link, a cookie or a key.

use std::net::IpAddr;

use super::metrics::Metrics;
use super::refusal::{Face, Refusal};
use portalctl_model::text::escape;
use portalctl_model::{Intent, OrgKey};

/// Which page it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Portal,
    Return,
    Other,
}

impl Route {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Return => "return",
            Self::Other => "other",
        }
    }
}

/// What is known so far. A subject is set only once it is proven.
#[derive(Debug)]
pub(super) struct Trail {
    route: Route,
    peer: IpAddr,
    pub(super) organization: Option<OrgKey>,
    pub(super) intent: Option<Intent>,
    pub(super) subject: Option<String>,
    /// How far the intent is, for those who came back.
    pub(super) state: Option<&'static str>,
}

impl Trail {
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

    /// Tells what was done: `linked`, `shown`, `forwarded`.
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

    /// Tells what was not done, and why.
    pub(super) fn refused(&self, refusal: &Refusal, metrics: &Metrics) {
        let code = refusal.code.as_str();
        metrics.answered(self.route.as_str(), code);
        let detail = refusal.detail.as_deref();
        // What somebody has to repair stands out from what people get wrong.
        if refusal.face == Face::Failed {
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
