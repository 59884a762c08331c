//! The client: one request at a time, paced, tried again where that is safe, told in errors.
//!
//! Goes in: a call and how to read its answer. Comes out: the value, or an [`ApiError`] that names
//! the call and holds no credential. The endpoints stand in `calls.rs`. Every wait ends when the
//! future is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::endpoint::Endpoint;
use super::key::{ApiKey, KeySource};
use super::key_ring::KeyRing;
use super::pace::{Pace, Rate};
use super::paging::Page;
use super::rate_headers::RateHeaders;
use super::redact::one_line;
use super::retry::{self, Attempt, Decision, Failure};
use super::transport::{ConnectFailure, Transport, TransportError, TransportErrorKind};
use super::wire::{self, FromWire, Unreadable};
use super::write_gate;
use super::{ApiError, ApiErrorKind, ApiResult, PortalLink, refusal};
use portalctl_platform::backoff::fraction;
use portalctl_platform::clock::SharedClock;

/// Most requests that are on their way at once.
pub const MAX_IN_FLIGHT: usize = 32;

/// Longest time that a body may wait for its turn, or be sent again by itself, after it was merged
/// from a read: what somebody else writes meanwhile would be lost.
const MAX_MERGED_AGE: Duration = Duration::from_secs(1);

/// Most keys that one call is tried with, where each is refused and another is there by then.
const MAX_KEYS: u32 = 3;

const AGENT: &str = concat!("portalctl/", env!("CARGO_PKG_VERSION"));

/// Settings of a client.
pub struct Settings {
    /// Base URL of the API.
    pub endpoint: Endpoint,
    /// The key; the in-process sandbox needs none.
    pub key: Option<ApiKey>,
    /// Transport of the requests.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: SharedClock,
    /// Most requests a second.
    pub rate: Rate,
    /// Seeds the jitter of retries, so that tests replay.
    pub seed: u64,
}

/// A client of the WorkOS API; see [`ReadPortal`](super::ReadPortal) and
/// [`WritePortal`](super::WritePortal) for what it can do.
pub struct Client {
    endpoint: Endpoint,
    keys: KeyRing,
    transport: Arc<dyn Transport>,
    clock: SharedClock,
    pace: Pace,
    in_flight: Semaphore,
    sent: AtomicU64,
    /// In microseconds.
    waited: AtomicU64,
    jitter: Jitter,
}

/// One request to the API.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Begins with a slash; its segments are percent-encoded.
    pub(super) path: String,
    /// Without the question mark; empty when there is none.
    pub(super) query: String,
    pub(super) body: Option<Value>,
    /// Sent without the key: anybody may ask.
    pub(super) is_public: bool,
    /// Merged from a read: it is not sent again once that read is old.
    pub(super) is_merged: bool,
    /// A write that has no further effect when it is sent again.
    pub(super) is_idempotent: bool,
}

/// An attempt that failed, and how.
struct Failed {
    failure: Failure,
    error: Box<ApiError>,
    /// At which step a connection failed.
    at: Option<ConnectFailure>,
}

impl Client {
    /// A client that has not sent anything yet.
    pub fn new(settings: Settings) -> Self {
        let Settings {
            endpoint,
            key,
            transport,
            clock,
            rate,
            seed,
        } = settings;
        Self {
            endpoint,
            keys: KeyRing::new(key, Arc::clone(&clock)),
            transport,
            pace: Pace::new(rate, Arc::clone(&clock)),
            clock,
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
            sent: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            jitter: Jitter::new(seed),
        }
    }

    /// Reads the key again from a source: at most once a second, and when WorkOS refuses it.
    #[must_use]
    pub fn with_key_source(mut self, source: Arc<dyn KeySource>) -> Self {
        self.keys.set_source(source);
        self
    }

    /// Reads the key again now; returns whether it is another one than before.
    pub async fn read_key_again(&self) -> bool {
        self.keys.read().await
    }

    /// Returns whether WorkOS refused the key when it was used last.
    pub fn is_key_refused(&self) -> bool {
        self.keys.is_refused()
    }

    /// Returns the number of requests that were sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Returns the time that requests have waited for their turn so far, all together.
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// Makes a call and reads its answer.
    pub(super) async fn call<T: FromWire>(&self, call: &Call) -> ApiResult<T> {
        self.call_with(call, wire::decode).await
    }

    /// Makes a call for a page of a list, and measures it.
    pub(super) async fn call_for_page<T: FromWire>(&self, call: &Call) -> ApiResult<Page<T>> {
        self.call_with(call, wire::decode_page).await
    }

    /// Makes a call whose answer has no content of interest.
    pub(super) async fn call_for_nothing(&self, call: &Call) -> ApiResult<()> {
        self.call_with(call, |_| Ok(())).await
    }

    /// Makes a call whose answer is a portal link.
    pub(super) async fn call_for_link(&self, call: &Call) -> ApiResult<PortalLink> {
        self.call_with(call, |body| wire::decode_link(body, &self.endpoint))
            .await
    }

    async fn call_with<T>(
        &self,
        call: &Call,
        read: impl Fn(&[u8]) -> Result<T, Unreadable>,
    ) -> ApiResult<T> {
        let mut elapsed = Duration::ZERO;
        let mut number = 0;
        let mut keys_tried = 1;
        loop {
            number += 1;
            let key = self.key_for(call).await;
            let (took, outcome) = self.attempt(call, number, key.as_ref()).await;
            elapsed += took;
            let failed = match outcome.and_then(|answer| self.read(call, number, &answer, &read)) {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            // A refused request had no effect, so it may be sent again whatever it was.
            if failed.error.kind == ApiErrorKind::Unauthorized
                && keys_tried < MAX_KEYS
                && !(call.is_merged && elapsed > MAX_MERGED_AGE)
                && self.keys.has_another(key.as_ref()).await
            {
                keys_tried += 1;
                continue;
            }
            let decision = retry::decide(Attempt {
                may_repeat: call.method.is_safe() || call.is_idempotent,
                failure: failed.failure,
                number,
                elapsed,
                retry_after: failed.error.retry_after,
                jitter: self.jitter.next(),
            });
            let Decision::Retry { after } = decision else {
                return Err(*failed.error);
            };
            if call.is_merged && elapsed.saturating_add(after) > MAX_MERGED_AGE {
                return Err(*failed.error);
            }
            self.clock.sleep(after).await;
            elapsed += after;
        }
    }

    /// Returns the key that a call is sent with; none where anybody may ask.
    async fn key_for(&self, call: &Call) -> Option<ApiKey> {
        if call.is_public {
            return None;
        }
        self.keys.key().await
    }

    /// Sends the request once, in its turn; says how long the exchange took.
    async fn attempt(
        &self,
        call: &Call,
        number: u32,
        key: Option<&ApiKey>,
    ) -> (Duration, Result<Response<Bytes>, Failed>) {
        let request = match self.request(call, key) {
            Ok(request) => request,
            Err(why) => {
                let error = self.error(call, number, ApiErrorKind::Rejected, &why.to_string());
                return (Duration::ZERO, Err(Failed::new(Failure::Refused, error)));
            }
        };
        let came = self.clock.instant();
        let _permit = self
            .in_flight
            .acquire()
            .await
            .expect("nobody closes the semaphore");
        self.pace.acquire().await;
        let waited = self.clock.instant().saturating_duration_since(came);
        if call.is_merged && waited > MAX_MERGED_AGE {
            let message = format!("not sent: its turn came after {} s", waited.as_secs());
            let error = self.error(call, number, ApiErrorKind::RateLimited, &message);
            return (waited, Err(Failed::new(Failure::Refused, error)));
        }
        if !call.method.is_safe()
            && let Some(why) = write_gate::refusal()
        {
            let message = format!("not sent: {why}");
            let error = self.error(call, number, ApiErrorKind::Withheld, &message);
            return (Duration::ZERO, Err(Failed::new(Failure::Refused, error)));
        }
        let began = self.clock.instant();
        let waited = began.saturating_duration_since(came).as_micros();
        let waited = u64::try_from(waited).unwrap_or(u64::MAX);
        self.waited.fetch_add(waited, Ordering::Relaxed);
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = self.transport.send(request).await;
        let took = self.clock.instant().saturating_duration_since(began);
        if let Ok(answer) = &answer {
            self.keys.note(key, answer.status());
        }
        let status = answer.as_ref().map(|answer| answer.status().as_u16()).ok();
        tracing::debug!(
            method = %call.method,
            path = %call.path,
            status,
            elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            attempt = number,
            request_id = answer.as_ref().ok().and_then(request_id),
            error = answer.as_ref().err().map(|error| self.shown(&error.message)),
            "request"
        );
        (
            took,
            answer.map_err(|error| self.unsent(call, number, &error)),
        )
    }

    /// Reads an answer of any status.
    fn read<T>(
        &self,
        call: &Call,
        number: u32,
        answer: &Response<Bytes>,
        read: impl Fn(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<T, Failed> {
        let mut headers = RateHeaders::read(answer.headers(), self.clock.now());
        let status = answer.status();
        // It is a refusal's, by RFC 9110, section 10.2.3: whoever says it with every page would
        // make a run of minutes one of days.
        if status.is_success() {
            headers.retry_after = None;
        }
        self.pace.learn(headers, status);
        let (failure, mut error) = if status.is_success() {
            let unreadable = match read(answer.body()) {
                Ok(value) => return Ok(value),
                Err(unreadable) => unreadable,
            };
            let invalid = ApiErrorKind::InvalidAnswer;
            let (failure, kind) = match unreadable {
                Unreadable::NotJson(_) => (Failure::Garbled, invalid),
                Unreadable::Lacks { .. } | Unreadable::Overlong(_) => (Failure::Unusable, invalid),
                Unreadable::Link(_) => (Failure::Unusable, ApiErrorKind::InvalidLink),
            };
            let message = format!("{unreadable} ({})", content_type(answer));
            let error = self.error(call, number, kind, &message);
            (failure, error)
        } else {
            let refusal = refusal::read(answer);
            let mut error = self.error(call, number, refusal.kind, &refusal.message);
            error.upstream_code = refusal.code;
            (refusal.failure, error)
        };
        error.status = Some(status.as_u16());
        error.request_id = request_id(answer);
        error.retry_after = headers.retry_after;
        Err(Failed::new(failure, error))
    }

    fn request(&self, call: &Call, key: Option<&ApiKey>) -> Result<Request<Bytes>, http::Error> {
        let mark = if call.query.is_empty() { "" } else { "?" };
        let address = self
            .endpoint
            .address(&format!("{}{mark}{}", call.path, call.query))?;
        let body = call.body.as_ref().map(Value::to_string);
        let mut request = Request::builder().method(&call.method).uri(address);
        if let Some(headers) = request.headers_mut() {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
            if body.is_some() {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            let key = key.filter(|key| key.may_be_sent_to(&self.endpoint));
            if let Some(authorization) = key.and_then(ApiKey::authorization) {
                headers.insert(AUTHORIZATION, authorization);
            }
        }
        request.body(body.map(Bytes::from).unwrap_or_default())
    }

    /// The error of a request that got no answer.
    fn unsent(&self, call: &Call, number: u32, error: &TransportError) -> Failed {
        let (kind, failure) = match error.kind {
            TransportErrorKind::Connect => {
                // Nothing was sent after all.
                self.sent.fetch_sub(1, Ordering::Relaxed);
                (ApiErrorKind::Unreachable, Failure::Connect)
            }
            TransportErrorKind::Timeout => (ApiErrorKind::Timeout, Failure::Timeout),
            TransportErrorKind::Broken => (ApiErrorKind::Broken, Failure::Broken),
            TransportErrorKind::TooLarge => (ApiErrorKind::InvalidAnswer, Failure::Unusable),
            TransportErrorKind::Invalid => (ApiErrorKind::InvalidAnswer, Failure::Garbled),
        };
        let told = self.error(call, number, kind, &error.message);
        Failed {
            at: error.at,
            ..Failed::new(failure, told)
        }
    }

    /// Returns the time by this machine's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An error of a call, with a message from outside.
    pub(super) fn error(
        &self,
        call: &Call,
        attempts: u32,
        kind: ApiErrorKind,
        message: &str,
    ) -> ApiError {
        ApiError {
            method: call.method.clone(),
            path: call.path.clone(),
            kind,
            status: None,
            upstream_code: None,
            message: self.shown(message),
            request_id: None,
            attempts,
            retry_after: None,
        }
    }

    /// Text from outside as it may be shown.
    fn shown(&self, text: &str) -> String {
        one_line(&self.keys.hide_in(text))
    }
}

impl Failed {
    fn new(failure: Failure, error: ApiError) -> Self {
        Self {
            failure,
            error: Box::new(error),
            at: None,
        }
    }
}

fn request_id(answer: &Response<Bytes>) -> Option<String> {
    let id = answer.headers().get("x-request-id")?.to_str().ok()?;
    Some(one_line(id))
}

fn content_type(answer: &Response<Bytes>) -> &str {
    answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no content type")
}

/// Random numbers that spread retries; the same for the same seed, and no secret.
struct Jitter {
    seed: u64,
    drawn: AtomicU64,
}

impl Jitter {
    const fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: AtomicU64::new(0),
        }
    }

    /// Draws a number of at least 0 and less than 1.
    fn next(&self) -> f64 {
        fraction((self.seed, self.drawn.fetch_add(1, Ordering::Relaxed)))
    }
}

mod probe;

pub use probe::{ApiProbe, ApiProbeFailure};

#[cfg(test)]
mod tests;
