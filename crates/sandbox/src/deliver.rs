//! HTTP delivery of webhooks to endpoints on this machine.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, StatusCode};
use reqwest::redirect::Policy;

use super::webhook::Deliver;

/// Timeout of one delivery.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Delivery over HTTP.
#[derive(Debug, Clone)]
pub struct HttpDeliver {
    client: reqwest::Client,
}

impl HttpDeliver {
    /// Creates a client without proxy, which follows no redirect to another machine.
    pub fn new() -> Result<Self, reqwest::Error> {
        // Fails only when a provider is installed already, which then is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            // Endpoints on this machine use no TLS, so no authority is trusted.
            .tls_certs_only([])
            .build()?;
        Ok(Self { client })
    }
}

impl Deliver for HttpDeliver {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, String>> {
        Box::pin(async move {
            let sent = async {
                let request = reqwest::Request::try_from(request)?;
                self.client.execute(request).await
            };
            sent.await
                .map(|answer| answer.status())
                .map_err(|error| reason(&error))
        })
    }
}

/// Returns the root cause of an error.
fn reason(error: &reqwest::Error) -> String {
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
