//! Shared parts of the conformance tests: a plain HTTP client, and the location of the official
//! packages.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Response, Url};
use serde_json::Value;

use super::live::account::Account;

/// Longest wait before a request that was limited is sent again.
const LONGEST_WAIT: u64 = 60;

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

/// A client of one server.
#[derive(Clone)]
pub(crate) struct ApiClient {
    http: reqwest::Client,
    url: String,
    key: String,
    /// The account behind the server, where others use it too.
    account: Option<Arc<Account>>,
}

/// Reason for a request without an answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The requests that a run may send are used up, or the run was ended.
    Budget,
    /// The connection failed.
    Broken(reqwest::Error),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget => f.write_str("the requests of this run are used up"),
            // Without its address, which may be a portal link.
            Self::Broken(error) => write!(f, "no answer ({})", kind_of(error)),
        }
    }
}

fn kind_of(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "no connection"
    } else {
        "broken connection"
    }
}

impl ApiClient {
    /// Creates a client of a server that is there for the test alone.
    pub(crate) fn new(url: String, key: &str) -> Self {
        Self::with_account(url, key, None)
    }

    /// Creates a client of an account that others use too.
    pub(crate) fn of_account(url: String, key: &str, account: Arc<Account>) -> Self {
        Self::with_account(url, key, Some(account))
    }

    fn with_account(url: String, key: &str, account: Option<Arc<Account>>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(20));
        if url.starts_with("http://") {
            http = http.no_proxy().tls_certs_only([]);
        }
        Self {
            http: http.build().unwrap(),
            url,
            key: key.to_owned(),
            account,
        }
    }

    /// The same server, with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// Returns a name that is the run's own, in an account that others use too.
    pub(crate) fn own(&self, name: &str) -> String {
        let account = self.account.as_ref();
        account.map_or_else(|| name.to_owned(), |account| account.name(name))
    }

    /// Returns an external id that is the run's own.
    pub(crate) fn own_id(&self, id: &str) -> String {
        let account = self.account.as_ref();
        account.map_or_else(|| id.to_owned(), |account| account.external_id(id))
    }

    /// Returns a domain that is the run's own; it is named `LABEL.example`.
    pub(crate) fn own_domain(&self, domain: &str) -> String {
        let account = self.account.as_ref();
        account.map_or_else(|| domain.to_owned(), |account| account.domain(domain))
    }

    /// Sends a request that is answered.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        match self.try_send(method, path, body).await {
            Ok(answer) => answer,
            Err(why) => panic!("{method} {path}: {why}"),
        }
    }

    /// Sends a request; the body is none if it is null. Answers what is not JSON as null.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<(u16, Value), Unanswered> {
        let mut answer = self.once(method, path, &body).await?;
        let is_limited = |answer: &Response| answer.status().as_u16() == 429;
        if self.account.is_some() && is_limited(&answer) {
            wait(&answer).await;
            answer = self.once(method, path, &body).await?;
        }
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(Unanswered::Broken)?;
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        if let Some(account) = &self.account {
            account.note(method, path, status, &answer);
        }
        Ok((status, answer))
    }

    async fn once(&self, method: &str, path: &str, body: &Value) -> Result<Response, Unanswered> {
        self.spend(method)?;
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
        request.send().await.map_err(Unanswered::Broken)
    }

    /// Opens a portal link as a browser does, without the key; returns the status.
    pub(crate) async fn open(&self, link: &Url) -> Result<u16, Unanswered> {
        self.spend("GET")?;
        let answer = self.http.get(link.clone()).send().await;
        let answer = answer.map_err(Unanswered::Broken)?;
        Ok(answer.status().as_u16())
    }

    /// Returns whether a portal link leads to the server itself, or to WorkOS where it is WorkOS.
    pub(crate) fn may_open(&self, link: &Url) -> bool {
        let host = link.host_str().unwrap_or_default();
        let own = Url::parse(&self.url).unwrap();
        let is_workos = |host: &str| host == "workos.com" || host.ends_with(".workos.com");
        own.host_str() == Some(host) || (own.host_str().is_some_and(is_workos) && is_workos(host))
    }

    fn spend(&self, method: &str) -> Result<(), Unanswered> {
        match &self.account {
            Some(account) if !account.spend(method) => Err(Unanswered::Budget),
            _ => Ok(()),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, Value::Null).await
    }
}

/// Waits as long as an answer of 429 says, within bounds.
async fn wait(answer: &Response) {
    let seconds = answer.headers().get("retry-after");
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    pause(seconds.unwrap_or(1_u64).min(LONGEST_WAIT)).await;
}

/// Waits for some seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the server's time passes by the machine's clock"
)]
pub(crate) async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
