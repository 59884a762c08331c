//! What can go wrong with a request to WorkOS.

use std::fmt;
use std::time::Duration;

use http::Method;

use crate::codes::{Code, api};
use crate::model::text::escape;

/// A request that WorkOS did not answer as asked.
///
/// Names the call, never the key, a portal link or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The request's method.
    pub method: Method,
    /// The request's path, without its query.
    pub path: String,
    /// What went wrong.
    pub kind: ApiErrorKind,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// WorkOS's own error code.
    pub upstream_code: Option<String>,
    /// WorkOS's message, or what the network said; one line.
    pub message: String,
    /// WorkOS's id of the request, for its support.
    pub request_id: Option<String>,
    /// How often the request was tried.
    pub attempts: u32,
    /// How long WorkOS asks to wait.
    pub retry_after: Option<Duration>,
}

/// What went wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiErrorKind {
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 400 with `external_id_already_used`.
    ExternalIdTaken,
    /// Any other 4xx.
    Rejected,
    /// 429.
    RateLimited,
    /// 5xx.
    Server,
    /// No connection: the request was not sent.
    Unreachable,
    /// The connection broke after the request was sent, or may have been.
    Broken,
    /// No answer in time.
    Timeout,
    /// An answer that is not the API's.
    InvalidAnswer,
    /// 3xx.
    Redirected,
    /// A list that did not come to an end.
    UnstableList,
}

impl ApiError {
    /// The code that `portalctl explain` knows.
    pub const fn code(&self) -> Code {
        match self.kind {
            ApiErrorKind::Unauthorized => api::UNAUTHORIZED,
            ApiErrorKind::Forbidden => api::FORBIDDEN,
            ApiErrorKind::NotFound => api::NOT_FOUND,
            ApiErrorKind::ExternalIdTaken => api::EXTERNAL_ID_TAKEN,
            ApiErrorKind::Rejected => api::REJECTED,
            ApiErrorKind::RateLimited => api::RATE_LIMITED,
            ApiErrorKind::Server => api::SERVER_ERROR,
            ApiErrorKind::Unreachable | ApiErrorKind::Broken => api::UNREACHABLE,
            ApiErrorKind::Timeout => api::TIMEOUT,
            ApiErrorKind::InvalidAnswer => api::INVALID_ANSWER,
            ApiErrorKind::Redirected => api::REDIRECTED,
            ApiErrorKind::UnstableList => api::UNSTABLE_LIST,
        }
    }

    /// Whether the request may have taken effect although it failed.
    ///
    /// A write that fails this way is looked up before it is tried again.
    pub const fn is_ambiguous(&self) -> bool {
        matches!(
            self.kind,
            ApiErrorKind::Server
                | ApiErrorKind::Broken
                | ApiErrorKind::Timeout
                | ApiErrorKind::InvalidAnswer
        )
    }

    /// Whether no other request to this endpoint can be expected to do better.
    pub const fn is_fatal(&self) -> bool {
        matches!(
            self.kind,
            ApiErrorKind::Unauthorized | ApiErrorKind::Unreachable | ApiErrorKind::Redirected
        )
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, escape(&self.path))?;
        if let Some(status) = self.status {
            write!(f, " answered {status}")?;
        } else {
            f.write_str(" failed")?;
        }
        if let Some(code) = &self.upstream_code {
            write!(f, " {}", escape(code))?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", escape(&self.message))?;
        }
        if self.attempts > 1 {
            write!(f, " (tried {} times)", self.attempts)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request {}]", escape(id))?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}
