//! Errors of requests to WorkOS.

use std::fmt;
use std::time::Duration;

use http::Method;

use portalctl_model::codes::{Code, api, upstream};
use portalctl_model::observed::FailedRead;
use portalctl_model::text::escape;

/// A request that WorkOS did not answer as asked.
///
/// Names the call, never the key, a portal link or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The request's method.
    pub method: Method,
    /// The request's path, without its query.
    pub path: String,
    /// Kind of the error.
    pub kind: ApiErrorKind,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// WorkOS's own error code.
    pub upstream_code: Option<String>,
    /// WorkOS's message, or what the network said; one line.
    pub message: String,
    /// WorkOS's id of the request, for its support.
    pub request_id: Option<String>,
    /// Number of attempts.
    pub attempts: u32,
    /// Wait that WorkOS asks for.
    pub retry_after: Option<Duration>,
}

/// Kind of an error.
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
    /// 503 `concurrent_request`: surely not carried out.
    Concurrent,
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
    /// A portal link that must not be shown or followed.
    InvalidLink,
    /// 3xx.
    Redirected,
    /// A list that did not come to an end.
    UnstableList,
    /// A write that was not sent, because its permission was taken back meanwhile.
    Withheld,
}

impl ApiError {
    /// The code that `portalctl explain` knows: by kind, and finer where WorkOS's own code or the
    /// request tells more.
    pub fn code(&self) -> Code {
        match self.kind {
            ApiErrorKind::NotFound if self.is_about_one_organization() => {
                api::ORGANIZATION_NOT_FOUND
            }
            ApiErrorKind::Rejected => {
                let known = self.upstream_code.as_deref().and_then(upstream::find);
                known.unwrap_or(api::REJECTED)
            }
            ApiErrorKind::Unauthorized => api::UNAUTHORIZED,
            ApiErrorKind::Forbidden => api::FORBIDDEN,
            ApiErrorKind::NotFound => api::NOT_FOUND,
            ApiErrorKind::ExternalIdTaken => api::EXTERNAL_ID_TAKEN,
            ApiErrorKind::RateLimited => api::RATE_LIMITED,
            ApiErrorKind::Concurrent => api::CONCURRENT_REQUEST,
            ApiErrorKind::Server => api::SERVER_ERROR,
            ApiErrorKind::Unreachable | ApiErrorKind::Broken => api::UNREACHABLE,
            ApiErrorKind::Timeout => api::TIMEOUT,
            ApiErrorKind::InvalidAnswer | ApiErrorKind::InvalidLink => api::INVALID_ANSWER,
            ApiErrorKind::Redirected => api::REDIRECTED,
            ApiErrorKind::UnstableList => api::UNSTABLE_LIST,
            ApiErrorKind::Withheld => api::WITHHELD,
        }
    }

    /// Returns whether WorkOS refused the metadata of a request.
    pub fn is_about_metadata(&self) -> bool {
        const CODE: &str = "invalid_metadata";
        self.kind == ApiErrorKind::Rejected
            && (self.upstream_code.as_deref() == Some(CODE)
                || self.message.to_ascii_lowercase().contains("metadata"))
    }

    /// Returns whether a 404 can only mean the organization itself.
    fn is_about_one_organization(&self) -> bool {
        match self.path.strip_prefix("/organizations/") {
            Some(id) => !id.contains('/'),
            None => self.path == "/portal/generate_link",
        }
    }

    /// Returns whether the request may have taken effect although it failed.
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

    /// Returns whether the same request may do better later: the failure is not about what was
    /// sent.
    pub const fn is_transient(&self) -> bool {
        match self.kind {
            ApiErrorKind::RateLimited
            | ApiErrorKind::Concurrent
            | ApiErrorKind::Server
            | ApiErrorKind::Unreachable
            | ApiErrorKind::Broken
            | ApiErrorKind::Timeout
            | ApiErrorKind::InvalidAnswer
            | ApiErrorKind::UnstableList
            | ApiErrorKind::Withheld => true,
            // 408 Request Timeout, 425 Too Early.
            ApiErrorKind::Rejected => matches!(self.status, Some(408 | 425)),
            ApiErrorKind::Unauthorized
            | ApiErrorKind::Forbidden
            | ApiErrorKind::NotFound
            | ApiErrorKind::ExternalIdTaken
            | ApiErrorKind::InvalidLink
            | ApiErrorKind::Redirected => false,
        }
    }

    /// Returns whether the failure of a read ends the run, whatever was read: the key is refused.
    pub const fn ends_every_read(&self) -> bool {
        matches!(self.kind, ApiErrorKind::Unauthorized)
    }

    /// Returns whether every other request to this endpoint would fail, too.
    pub const fn is_fatal(&self) -> bool {
        matches!(
            self.kind,
            ApiErrorKind::Unauthorized | ApiErrorKind::Unreachable | ApiErrorKind::Redirected
        )
    }
}

impl From<&ApiError> for FailedRead {
    /// Keeps WorkOS's answer, and leaves out what differs from attempt to attempt.
    fn from(error: &ApiError) -> Self {
        Self {
            request: format!("{} {}", error.method, error.path),
            status: error.status,
            code: error.upstream_code.clone(),
            message: error.message.clone(),
            is_skipped: false,
        }
    }
}

/// Request behind an error: the details that differ from attempt to attempt, and WorkOS's verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailedRequest {
    /// The id that WorkOS gave the request, for its support.
    pub request_id: Option<String>,
    /// The HTTP status; absent without an answer.
    pub status: Option<u16>,
    /// WorkOS's own error code.
    pub upstream_code: Option<String>,
    /// Number of times that the request was sent.
    pub attempts: u32,
}

impl From<&ApiError> for FailedRequest {
    fn from(error: &ApiError) -> Self {
        Self {
            request_id: error.request_id.clone(),
            status: error.status,
            upstream_code: error.upstream_code.clone(),
            attempts: error.attempts,
        }
    }
}

impl fmt::Display for FailedRequest {
    /// Writes the number of attempts and the request id, each with a leading space; nothing for a
    /// request that was sent once and has no id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attempts > 1 {
            write!(f, " (tried {} times)", self.attempts)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request {}]", escape(id))?;
        }
        Ok(())
    }
}

impl ApiError {
    /// Returns the call, the status, WorkOS's code and its message: the same text for every attempt
    /// that fails alike.
    pub fn summary(&self) -> String {
        let mut text = format!("{} {}", self.method, escape(&self.path));
        match self.status {
            Some(status) => text.push_str(&format!(" answered {status}")),
            None => text.push_str(" failed"),
        }
        if let Some(code) = &self.upstream_code {
            text.push_str(&format!(" {}", escape(code)));
        }
        if !self.message.is_empty() {
            text.push_str(&format!(": {}", escape(&self.message)));
        }
        text
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.summary(), FailedRequest::from(self))
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_model::codes::domain;

    fn error(kind: ApiErrorKind, path: &str, upstream_code: Option<&str>) -> ApiError {
        ApiError {
            method: Method::POST,
            path: path.to_owned(),
            kind,
            status: None,
            upstream_code: upstream_code.map(str::to_owned),
            message: String::new(),
            request_id: None,
            attempts: 1,
            retry_after: None,
        }
    }

    #[test]
    fn workos_own_code_and_the_request_make_the_code_finer() {
        use ApiErrorKind::{Forbidden, NotFound, Rejected};
        for (kind, path, upstream_code, code) in [
            (
                Rejected,
                "/organizations",
                Some("invalid_metadata"),
                api::INVALID_METADATA,
            ),
            (
                Rejected,
                "/organizations",
                Some("domain_verified_by_other_organization"),
                domain::VERIFIED_ELSEWHERE,
            ),
            (
                Rejected,
                "/organization_domains",
                Some("domain_already_exists"),
                api::DOMAIN_EXISTS,
            ),
            (
                Rejected,
                "/organizations",
                Some("something_new"),
                api::REJECTED,
            ),
            (Rejected, "/organizations", None, api::REJECTED),
            (
                NotFound,
                "/organizations/org_1",
                None,
                api::ORGANIZATION_NOT_FOUND,
            ),
            (
                NotFound,
                "/portal/generate_link",
                None,
                api::ORGANIZATION_NOT_FOUND,
            ),
            (
                NotFound,
                "/organizations/org_1/it_contacts/c/invite",
                None,
                api::NOT_FOUND,
            ),
            (
                NotFound,
                "/organization_domains/org_domain_1",
                None,
                api::NOT_FOUND,
            ),
            (
                Forbidden,
                "/portal/generate_link",
                Some("invalid_metadata"),
                api::FORBIDDEN,
            ),
        ] {
            let error = error(kind, path, upstream_code);
            assert_eq!(error.code(), code, "{path} {upstream_code:?}");
        }
    }
}
