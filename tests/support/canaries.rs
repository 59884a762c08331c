//! Marked secrets, servers that return them, and checks that no output contains them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::cli::KEY;
use super::http::{self, Canned, CannedAnswer};
use super::sandbox_server::SandboxServer;

pub(crate) const LINK: &str = "https://setup.workos.com?token=canarylink0123456789";
/// The record that proves a domain, as [`laced`] makes it.
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
pub(crate) fn laced(sandbox: &SandboxServer) -> Canned {
    let address = sandbox.address().to_owned();
    Canned::serve(move |method, path, body| laced_answer(&address, method, path, body))
}

fn laced_answer(address: &str, method: &str, path: &str, body: &str) -> CannedAnswer {
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
pub(crate) enum Rudeness {
    /// The server answers with an error status.
    Status(u16),
    /// The connection ends in the middle of the answer.
    CutOff,
    /// The connection ends without an answer.
    Silent,
}

impl Rudeness {
    /// Repeats what it was told, and more.
    fn answer(self) -> CannedAnswer {
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

/// A server that refuses everything.
pub(crate) fn rude(status: u16) -> Canned {
    Canned::serve(move |_, _, _| Rudeness::Status(status).answer())
}

/// Requests that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    Nothing,
    Everything,
    Writes,
}

/// A server as [`laced`] makes them that can be made rude, where it is and with what it holds.
pub(crate) struct Moody {
    server: Canned,
    mood: Arc<Mutex<Wrong>>,
    refused: Arc<AtomicUsize>,
}

impl Moody {
    pub(crate) fn new(sandbox: &SandboxServer, rudeness: Rudeness) -> Self {
        let address = sandbox.address().to_owned();
        let mood = Arc::new(Mutex::new(Wrong::Nothing));
        let refused = Arc::new(AtomicUsize::new(0));
        let (asked, counted) = (Arc::clone(&mood), Arc::clone(&refused));
        let server = Canned::serve(move |method, path, body| {
            let goes_wrong = match *asked.lock().unwrap() {
                Wrong::Nothing => false,
                Wrong::Everything => true,
                Wrong::Writes => method != "GET",
            };
            if goes_wrong {
                counted.fetch_add(1, Ordering::Relaxed);
                return rudeness.answer();
            }
            laced_answer(&address, method, path, body)
        });
        Self {
            server,
            mood,
            refused,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn turn(&self, mood: Wrong) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Returns the number of requests that have failed so far.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}
