//! Transport below the client: request bytes in, response bytes out.
//!
//! In life [`super::http::HttpTransport`] carries them; tests and the sandbox answer in process,
//! under virtual time. Pace, retry, paging and decoding stand above the seam, so they are the same
//! in both.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

pub use super::connect_failure::ConnectFailure;
use super::redact::one_line;

/// Carries one request to the API and its answer back.
///
/// The request's URI is absolute. An answer of any status is an `Ok`; redirects are not followed.
/// Dropping the future abandons the request.
pub trait Transport: Send + Sync {
    /// Sends a request and reads the whole answer.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>>;
}

/// Failure of an exchange without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Meaning of the failure for the request.
    pub kind: TransportErrorKind,
    /// Error text of the network; never a header or a body.
    pub message: String,
    /// At which step a connection failed, if it is known.
    pub at: Option<ConnectFailure>,
}

impl TransportError {
    /// An error of a kind.
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            at: None,
        }
    }

    /// Returns the message as one short line without credentials.
    pub fn one_line(&self) -> String {
        one_line(&self.message)
    }
}

/// Meaning of a failed exchange for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// No connection was made: nothing was sent.
    Connect,
    /// No complete answer in time; the request may have been carried out.
    Timeout,
    /// The connection broke; the request may have been carried out.
    Broken,
    /// The answer is larger than any of the API's.
    TooLarge,
    /// The answer is not HTTP, or its encoding is broken.
    Invalid,
}
