//! The transport that real requests go over: reqwest with rustls.
//!
//! In go request bytes, out come response bytes, both bounded in size and time. It decides nothing:
//! no retries of its own but for requests that surely were not handled, no redirects, no pace.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::{BoxFuture, FutureExt};
use http::{Request, Response};
use reqwest::redirect::Policy;

use super::endpoint::Endpoint;
use super::transport::{ConnectFailure, Transport, TransportError, TransportErrorKind};

/// Limits of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// For a connection to be made, TLS included.
    pub connect_timeout: Duration,
    /// For the whole exchange, the body included.
    pub timeout: Duration,
    /// The largest body, counted after decompression.
    pub max_body: usize,
}

impl Bounds {
    /// For requests that somebody waits for, and that need not get through.
    pub fn brief() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            ..Self::default()
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            // Four times what a hundred of the largest organizations take.
            max_body: 16 * 1024 * 1024,
        }
    }
}

/// Carries requests over HTTP.
///
/// Proxies come from the usual environment variables, except for loopback endpoints. On Linux
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's certificates; elsewhere the system's
/// own verifier decides.
pub struct HttpTransport {
    client: reqwest::Client,
    max_body: usize,
}

impl HttpTransport {
    /// A transport for an endpoint.
    pub fn new(endpoint: &Endpoint, bounds: Bounds) -> Result<Self, TransportError> {
        // Fails only when a provider is installed already, which then is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(bounds.connect_timeout)
            .timeout(bounds.timeout)
            .pool_max_idle_per_host(64)
            .http1_max_headers(100)
            .http2_max_header_list_size(64 * 1024)
            .tcp_nodelay(true)
            .referer(false);
        if endpoint.is_loopback() {
            builder = builder.no_proxy();
        }
        if endpoint.is_plain_http() {
            // No TLS, so no need to read the system's certificates, which may not be there.
            builder = builder.tls_certs_only([]);
        }
        let client = builder
            .build()
            .map_err(|error| failed(TransportErrorKind::Connect, error))?;
        Ok(Self {
            client,
            max_body: bounds.max_body,
        })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        // Nothing has been sent when the request cannot even be built.
        let request = reqwest::Request::try_from(request)
            .map_err(|error| failed(TransportErrorKind::Connect, error))?;
        let mut answer = self.client.execute(request).await.map_err(classify)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > self.max_body {
                return Err(TransportError::new(
                    TransportErrorKind::TooLarge,
                    format!("the answer is larger than {} bytes", self.max_body),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl Transport for HttpTransport {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.exchange(request).boxed()
    }
}

fn classify(error: reqwest::Error) -> TransportError {
    let kind = if error.is_connect() || error.is_builder() {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if is_broken_encoding(&error) {
        TransportErrorKind::Invalid
    } else {
        TransportErrorKind::Broken
    };
    failed(kind, error)
}

/// Returns whether the body arrived but cannot be decompressed.
///
/// reqwest calls every failure while a body is read a decoding error; only the decoder's own says
/// that the data is invalid.
fn is_broken_encoding(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                ErrorKind::InvalidData | ErrorKind::InvalidInput
            );
        }
        cause = error.source();
    }
    false
}

/// The error's causes, outermost first; they name hosts and addresses, never the request's URL.
fn failed(kind: TransportErrorKind, error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let at = ConnectFailure::of(&error);
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    TransportError {
        at,
        ..TransportError::new(kind, message)
    }
}

#[cfg(test)]
mod tests;
