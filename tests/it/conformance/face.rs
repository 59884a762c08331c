//! What the judges have in common: a client of plain HTTP, and where the official packages are.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

/// The folder of the official packages. Without it a test has nothing to do, which fails only where
/// `PORTALCTL_REQUIRE_NODE=1` says that it must be there.
#[track_caller]
pub(crate) fn node_modules() -> Option<PathBuf> {
    let folder = std::env::var_os("PORTALCTL_NODE_MODULES").map(PathBuf::from);
    if folder.is_none() {
        let required = std::env::var("PORTALCTL_REQUIRE_NODE").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "PORTALCTL_NODE_MODULES is not set, and the official packages are required"
        );
        println!(
            "skipped: set PORTALCTL_NODE_MODULES to the node_modules folder made by \
             `npm ci --ignore-scripts` in tests/node"
        );
    }
    folder
}

/// What speaks to a server.
#[derive(Clone)]
pub(crate) struct Face {
    http: reqwest::Client,
    url: String,
    key: &'static str,
}

impl Face {
    pub(crate) fn new(url: String, key: &'static str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(Duration::from_secs(20));
        Self {
            http: http.build().unwrap(),
            url,
            key,
        }
    }

    /// The same server, with another key.
    pub(crate) fn with_key(&self, key: &'static str) -> Self {
        Self {
            key,
            ..self.clone()
        }
    }

    /// Sends a request that is answered.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        match self.try_send(method, path, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    /// Sends a request; the body is none if it is null. Answers what is not JSON as null.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key));
        if !body.is_null() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, Value::Null).await
    }
}
