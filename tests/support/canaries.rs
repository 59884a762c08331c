//! Marked secrets, servers that return them, and checks that no output contains them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::cli::KEY;
use super::http::{self, Canned, CannedAnswer};
use super::sandbox_server::SandboxServer;

pub(crate) const LINK: &str = "https://setup.workos.com?token=canarylink0123456789";
/// The record that proves a domain, as [`with_canaries`] makes it.
pub(crate) const RECORD: &str = "sandbox-domain-verification-abcdef=canaryrecord0123456789";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_canarywebhook0123456789";
/// Texts that no output may contain: parts of the key, of links, of TXT records and of webhook
/// secrets.
pub(crate) const CANARIES: [&str; 4] = [
    "canary0123456789",
    "canarylink0123456789",
    "canaryrecord0123456789",
    "canarywebhook0123456789",
];

/// A sandbox behind a server that puts canaries into its answers.
pub(crate) fn with_canaries(sandbox: &SandboxServer) -> Canned {
    let address = sandbox.address().to_owned();
    Canned::serve(move |method, path, body| answer_with_canaries(&address, method, path, body))
}

fn answer_with_canaries(address: &str, method: &str, path: &str, body: &str) -> CannedAnswer {
    let body = serde_json::from_str::<Value>(body).ok();
    let (status, mut answer) = http::send(address, KEY, method, path, body.as_ref());
    if path == "/portal/generate_link" && status < 300 {
        answer = json!({ "link": LINK });
    }
    lace(&mut answer);
    let headers = format!("X-Request-ID: {KEY}\r\n");
    (status, headers, answer.to_string())
}

fn lace(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let (prefix, token) = RECORD.split_once('=').unwrap();
            for (name, field) in fields {
                match name.as_str() {
                    "verification_prefix" if !field.is_null() => *field = json!(prefix),
                    "verification_token" if !field.is_null() => *field = json!(token),
                    _ => lace(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(lace),
        _ => {}
    }
}

/// Failure of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RequestFailure {
    /// The server answers with an error status.
    Status(u16),
    /// The connection ends in the middle of the answer.
    CutOff,
    /// The connection ends without an answer.
    Silent,
}

impl RequestFailure {
    /// Returns an answer that repeats secrets in every part.
    pub(crate) fn answer(self) -> CannedAnswer {
        let message = format!("bad key {KEY}; see {LINK}");
        let body = json!({ "message": message, "code": KEY, "errors": [{ "code": KEY, "message": LINK }] });
        let headers = format!("X-Request-ID: {KEY}\r\nLocation: {LINK}\r\n");
        match self {
            Self::Status(status) => (status, headers, body.to_string()),
            Self::CutOff => {
                let headers = headers + "Content-Length: 100000\r\n";
                (200, headers, body.to_string())
            }
            Self::Silent => (http::NO_ANSWER, String::new(), String::new()),
        }
    }
}

/// A server that refuses every request with this status.
#[cfg(feature = "operator")]
pub(crate) fn refusing_server(status: u16) -> Canned {
    Canned::serve(move |_, _, _| RequestFailure::Status(status).answer())
}

/// Requests that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailingRequests {
    Nothing,
    Everything,
    Writes,
}

/// A server as [`with_canaries`] makes it, in which requests can be made to fail.
pub(crate) struct FailingServer {
    server: Canned,
    failing: Arc<Mutex<FailingRequests>>,
    refused: Arc<AtomicUsize>,
}

impl FailingServer {
    pub(crate) fn new(sandbox: &SandboxServer, failure: RequestFailure) -> Self {
        let address = sandbox.address().to_owned();
        let failing = Arc::new(Mutex::new(FailingRequests::Nothing));
        let refused = Arc::new(AtomicUsize::new(0));
        let (asked, counted) = (Arc::clone(&failing), Arc::clone(&refused));
        let server = Canned::serve(move |method, path, body| {
            let goes_wrong = match *asked.lock().unwrap() {
                FailingRequests::Nothing => false,
                FailingRequests::Everything => true,
                FailingRequests::Writes => method != "GET",
            };
            if goes_wrong {
                counted.fetch_add(1, Ordering::Relaxed);
                return failure.answer();
            }
            answer_with_canaries(&address, method, path, body)
        });
        Self {
            server,
            failing,
            refused,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn set_failing(&self, failing: FailingRequests) {
        *self.failing.lock().unwrap() = failing;
    }

    /// Returns the number of requests that have failed so far.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}
