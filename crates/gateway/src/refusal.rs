//! Refused requests: the code is for the log and the metrics, the page is for the visitor.
//!
//! A page says what to do next, and tells an attacker nothing.

use std::time::Duration;

use http::StatusCode;

use super::token::Rejected;
use portalctl_core::link;
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_workos::{ApiError, ApiErrorKind};

/// Default of `Retry-After`.
const WAIT: Duration = Duration::from_secs(5);

/// Refused request.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) page: ErrorPage,
    /// Detail for the log; never a token, a link or a key.
    pub(super) detail: Option<String>,
}

/// Page that a refused visitor sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorPage {
    /// Not authenticated: one page for every reason.
    Denied,
    /// Proven by the app, which says that the person has no role for this.
    NeedsRole,
    /// Proven, and for another organization.
    OtherOrganization,
    /// Proven, and this intent is not theirs to set up.
    NotOffered,
    /// The browser that came back has no valid session.
    Unknown,
    /// Another site sent the person here, who has to agree first.
    Confirm,
    /// Request whose answer no person would see.
    NoNavigation,
    /// Unknown path.
    NoPage,
    /// Method that the path does not support.
    Method,
    /// The organization does not exist yet.
    NotReady,
    /// The organization has an active connection already.
    AlreadyThere,
    /// Rate limit exceeded.
    TooMany(Duration),
    /// Temporarily unavailable.
    Busy(Duration),
    /// The gateway has just started and cannot judge the token.
    Restarted(Duration),
    /// Failure that an operator has to repair.
    Failed,
}

impl ErrorPage {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Confirm => StatusCode::OK,
            Self::NoNavigation => StatusCode::BAD_REQUEST,
            Self::Denied
            | Self::NeedsRole
            | Self::OtherOrganization
            | Self::NotOffered
            | Self::Unknown => StatusCode::FORBIDDEN,
            Self::NoPage => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotReady | Self::AlreadyThere => StatusCode::CONFLICT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) | Self::Restarted(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::BAD_GATEWAY,
        }
    }

    /// Returns the value of `Retry-After`, in whole seconds, rounded up.
    pub(super) fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooMany(wait) | Self::Busy(wait) | Self::Restarted(wait) => {
                Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
            }
            _ => None,
        }
    }
}

impl Refusal {
    pub(super) const fn new(code: Code, page: ErrorPage) -> Self {
        Self {
            code,
            page,
            detail: None,
        }
    }

    /// Adds a detail for the log.
    pub(super) fn with_detail(self, detail: String) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    /// Creates the refusal for exhausted capacity.
    pub(super) const fn busy() -> Self {
        Self::new(codes::BUSY, ErrorPage::Busy(WAIT))
    }

    /// Creates the refusal for a request that WorkOS did not answer in time.
    pub(super) const fn late() -> Self {
        Self::new(codes::NO_ANSWER, ErrorPage::Busy(WAIT))
    }

    /// Maps an error of WorkOS to a refusal.
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
                Self::new(codes::NO_ANSWER, ErrorPage::Busy(wait))
            }
            ApiErrorKind::Unauthorized
            | ApiErrorKind::Forbidden
            | ApiErrorKind::NotFound
            | ApiErrorKind::ExternalIdTaken
            | ApiErrorKind::InvalidLink
            | ApiErrorKind::Rejected
            | ApiErrorKind::Redirected => Self::new(error.code(), ErrorPage::Failed),
        };
        Self {
            detail: Some(error.to_string()),
            ..refusal
        }
    }

    /// Maps a link that must not be made to a refusal.
    pub(super) fn link(refusal: &link::Refusal) -> Self {
        match refusal {
            link::Refusal::Undeclared(_) => codes::UNDECLARED.into(),
            link::Refusal::NotCreated
            | link::Refusal::NotAdopted { .. }
            | link::Refusal::Conflict(_) => Self::new(refusal.code(), ErrorPage::NotReady),
            link::Refusal::AlreadyConnected(_) => {
                Self::new(refusal.code(), ErrorPage::AlreadyThere)
            }
        }
    }
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Self {
        Self {
            detail: rejected.detail,
            ..Self::from(rejected.code)
        }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        let page = if [codes::BUSY, codes::TOKEN_STORE].contains(&code) {
            ErrorPage::Busy(WAIT)
        } else if code == codes::NO_NAVIGATION {
            ErrorPage::NoNavigation
        } else if code == codes::CROSS_SITE {
            ErrorPage::Confirm
        } else if code == codes::BEFORE_START {
            ErrorPage::Restarted(WAIT)
        } else if code == codes::ROLE {
            ErrorPage::NeedsRole
        } else if code == codes::PROVISION {
            ErrorPage::NotReady
        } else if code == codes::OTHER_ORGANIZATION {
            ErrorPage::OtherOrganization
        } else if [codes::OTHER_INTENT, codes::UNDECLARED].contains(&code) {
            ErrorPage::NotOffered
        } else {
            ErrorPage::Denied
        };
        Self::new(code, page)
    }
}
