//! Why somebody gets no link, and what the page says of it. The code is for the log and the metric;
//! the page tells a person what to do, and an attacker nothing.

use std::time::Duration;

use http::StatusCode;

use portalctl_core::link;
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_workos::{ApiError, ApiErrorKind};

/// How long people are asked to wait when nothing says how long.
const WAIT: Duration = Duration::from_secs(5);

/// A request that got no link, or no state.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) face: Face,
    /// More about it, for the log; never a token, a link or a key.
    pub(super) detail: Option<String>,
}

/// What the page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// The same for everybody who may not, or may not like this.
    Denied,
    /// Somebody who came back, and whom this browser does not know.
    Unknown,
    /// There is no such page.
    NoPage,
    /// Another method than the page's.
    Method,
    /// An admin of a customer whose organization is not there yet.
    NotReady,
    /// An admin of a customer who has a connection already.
    AlreadyThere,
    /// Too often.
    TooMany(Duration),
    /// Not now.
    Busy(Duration),
    /// Not until somebody has repaired something.
    Failed,
}

impl Face {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Denied | Self::Unknown => StatusCode::FORBIDDEN,
            Self::NoPage => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotReady | Self::AlreadyThere => StatusCode::CONFLICT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::BAD_GATEWAY,
        }
    }

    /// The seconds of `Retry-After`.
    pub(super) fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooMany(wait) | Self::Busy(wait) => {
                Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
            }
            _ => None,
        }
    }
}

impl Refusal {
    pub(super) const fn new(code: Code, face: Face) -> Self {
        Self {
            code,
            face,
            detail: None,
        }
    }

    /// Everything is in use.
    pub(super) const fn busy() -> Self {
        Self::new(codes::BUSY, Face::Busy(WAIT))
    }

    /// WorkOS did not answer in time.
    pub(super) const fn late() -> Self {
        Self::new(codes::NO_ANSWER, Face::Busy(WAIT))
    }

    /// What WorkOS said instead of what it was asked for.
    pub(super) fn upstream(error: &ApiError) -> Self {
        let refusal = match error.kind {
            ApiErrorKind::RateLimited
            | ApiErrorKind::Concurrent
            | ApiErrorKind::Server
            | ApiErrorKind::Unreachable
            | ApiErrorKind::Broken
            | ApiErrorKind::Timeout
            | ApiErrorKind::InvalidAnswer
            | ApiErrorKind::UnstableList
            | ApiErrorKind::Withheld => {
                let wait = error.retry_after.unwrap_or(WAIT);
                Self::new(codes::NO_ANSWER, Face::Busy(wait))
            }
            ApiErrorKind::Unauthorized
            | ApiErrorKind::Forbidden
            | ApiErrorKind::NotFound
            | ApiErrorKind::ExternalIdTaken
            | ApiErrorKind::InvalidLink
            | ApiErrorKind::Rejected
            | ApiErrorKind::Redirected => Self::new(error.code(), Face::Failed),
        };
        Self {
            detail: Some(error.to_string()),
            ..refusal
        }
    }

    /// A link that may not be made as things are.
    pub(super) fn link(refusal: &link::Refusal) -> Self {
        match refusal {
            link::Refusal::Undeclared(_) => codes::UNDECLARED.into(),
            link::Refusal::NotCreated
            | link::Refusal::NotAdopted(_)
            | link::Refusal::Conflict(_) => Self::new(refusal.code(), Face::NotReady),
            link::Refusal::AlreadyConnected(_) => Self::new(refusal.code(), Face::AlreadyThere),
        }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        if code == codes::BUSY {
            return Self::busy();
        }
        Self::new(code, Face::Denied)
    }
}
