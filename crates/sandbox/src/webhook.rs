//! Webhooks: each event, signed as WorkOS signs it, to every endpoint. Decisions only: what is
//! sent is carried by a [`Deliver`].
//!
//! The signature stands in `WorkOS-Signature: t=<milliseconds>, v1=<hex>`, the HMAC-SHA256 of
//! `<milliseconds>.<body>`; the official SDKs check it. Endpoints are on this machine only: events
//! of a sandbox have no business elsewhere.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::Sha256;
use url::{Host, Url};

use super::wire;
use super::world::Event;

/// The header that carries the signature.
pub const SIGNATURE: &str = "workos-signature";
/// How often an event is sent before it is given up, and how long is waited in between. WorkOS
/// tries for days; a sandbox that is worked with must not stand still that long.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// How many events wait to be sent; more than that are dropped.
const MAX_WAITING: usize = 10_000;
/// How many deliveries are remembered.
const MAX_REMEMBERED: usize = 10_000;

/// Carries a webhook to its endpoint.
pub trait Deliver: Send + Sync {
    /// Sends a request, and says what was answered, or why nothing was.
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, String>>;
}

/// Why an address cannot be an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is none on this machine.
    #[error("an address on this machine is wanted, such as http://127.0.0.1:8080/webhooks")]
    NotLoopback,
    /// There is no secret.
    #[error("the secret that webhooks are signed with is empty")]
    NoSecret,
}

/// Where events are sent, and what they are signed with.
#[derive(Clone)]
pub struct Endpoint {
    url: Uri,
    mac: Hmac<Sha256>,
    /// Id and events of an endpoint that was made by the API; others get every event.
    subscription: Option<(String, BTreeSet<String>)>,
}

impl Endpoint {
    /// An endpoint on this machine.
    pub fn new(url: &str, secret: &SecretString) -> Result<Self, EndpointError> {
        let parsed = Url::parse(url).map_err(|_| EndpointError::NotLoopback)?;
        let local = match parsed.host() {
            Some(Host::Domain(host)) => host == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let bare = parsed.username().is_empty() && parsed.password().is_none();
        if parsed.scheme() != "http" || !local || !bare {
            return Err(EndpointError::NotLoopback);
        }
        let secret = secret.expose_secret();
        if secret.is_empty() {
            return Err(EndpointError::NoSecret);
        }
        let mac = Hmac::new_from_slice(secret.as_bytes()).map_err(|_| EndpointError::NoSecret)?;
        let url = parsed.as_str().parse();
        let url = url.map_err(|_| EndpointError::NotLoopback)?;
        Ok(Self {
            url,
            mac,
            subscription: None,
        })
    }

    /// Returns the same endpoint, with an id and only these events.
    #[must_use]
    pub fn subscribed(self, id: &str, events: &[String]) -> Self {
        let events = events.iter().cloned().collect();
        Self {
            subscription: Some((id.to_owned(), events)),
            ..self
        }
    }

    fn takes(&self, event: &Event) -> bool {
        let subscription = self.subscription.as_ref();
        subscription.is_none_or(|(_, events)| events.contains(&event.event))
    }

    /// The value of the signature header for a body.
    pub fn sign(&self, now: Timestamp, body: &[u8]) -> String {
        let time = now.as_millisecond();
        let mut mac = self.mac.clone();
        mac.update(format!("{time}.").as_bytes());
        mac.update(body);
        let mut header = format!("t={time}, v1=");
        for byte in mac.finalize().into_bytes() {
            header.push_str(&format!("{byte:02x}"));
        }
        header
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.url)
    }
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It will be sent, perhaps again.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// The endpoint did not take it, as often as it was tried.
    Failed,
    /// Too many were waiting.
    Dropped,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Which event.
    pub event_id: String,
    /// Its name.
    pub event: String,
    /// Which endpoint.
    pub url: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: usize,
    /// What the endpoint answered last.
    pub status: Option<u16>,
    /// Why it did not answer.
    pub error: Option<String>,
    #[serde(skip)]
    number: u64,
}

/// An event that is to be sent.
#[derive(Clone)]
struct Waiting {
    number: u64,
    endpoint: Arc<Endpoint>,
    body: Bytes,
    attempts: usize,
}

/// An event that is being sent.
pub(super) struct Attempt {
    waiting: Waiting,
    signature: String,
}

impl Attempt {
    /// What is sent.
    pub(super) fn request(&self) -> Request<Bytes> {
        let mut request = Request::new(self.waiting.body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.waiting.endpoint.url.clone();
        let headers = request.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Ok(signature) = HeaderValue::from_str(&self.signature) {
            headers.insert(SIGNATURE, signature);
        }
        request
    }
}

/// The endpoints of a sandbox, and what is on its way to them.
#[derive(Default)]
pub(super) struct Webhooks {
    endpoints: Vec<Arc<Endpoint>>,
    queue: VecDeque<Waiting>,
    deliveries: VecDeque<Delivery>,
    count: u64,
}

impl Webhooks {
    pub(super) fn new(endpoints: Vec<Endpoint>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Arc::new).collect(),
            ..Self::default()
        }
    }

    /// Adds an endpoint, for what happens from now on.
    pub(super) fn add(&mut self, endpoint: Endpoint) {
        self.endpoints.push(Arc::new(endpoint));
    }

    /// Removes the endpoint that was made by the API with an id.
    pub(super) fn remove(&mut self, id: &str) {
        self.endpoints.retain(|endpoint| {
            let subscription = endpoint.subscription.as_ref();
            subscription.is_none_or(|(known, _)| known != id)
        });
    }

    /// Removes every endpoint, and what waits for it.
    pub(super) fn clear(&mut self) {
        self.endpoints.clear();
        self.queue.clear();
        self.deliveries.clear();
    }

    /// The addresses of the endpoints.
    pub(super) fn urls(&self) -> Vec<String> {
        let endpoints = self.endpoints.iter();
        endpoints.map(|endpoint| endpoint.url.to_string()).collect()
    }

    /// What was, or is to be, sent, oldest first.
    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.iter().cloned().collect()
    }

    /// Lines events up for every endpoint, and says whether there is anything to send.
    pub(super) fn enqueue(&mut self, events: &[Event]) -> bool {
        if self.endpoints.is_empty() {
            return false;
        }
        for event in events {
            let body = Bytes::from(wire::event(event).to_string());
            let endpoints = self.endpoints.clone();
            for endpoint in endpoints.into_iter().filter(|one| one.takes(event)) {
                self.line_up(event, endpoint, body.clone());
            }
        }
        !self.queue.is_empty()
    }

    fn line_up(&mut self, event: &Event, endpoint: Arc<Endpoint>, body: Bytes) {
        self.count += 1;
        let full = self.queue.len() >= MAX_WAITING;
        if self.deliveries.len() >= MAX_REMEMBERED {
            self.deliveries.pop_front();
        }
        self.deliveries.push_back(Delivery {
            event_id: event.id.clone(),
            event: event.event.clone(),
            url: endpoint.url.to_string(),
            state: if full {
                DeliveryState::Dropped
            } else {
                DeliveryState::Waiting
            },
            attempts: 0,
            status: None,
            error: None,
            number: self.count,
        });
        if !full {
            self.queue.push_back(Waiting {
                number: self.count,
                endpoint,
                body,
                attempts: 0,
            });
        }
    }

    /// What is to be sent next, signed for this very moment.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Attempt> {
        let waiting = self.queue.pop_front()?;
        let signature = waiting.endpoint.sign(now, &waiting.body);
        Some(Attempt { waiting, signature })
    }

    /// Writes down what became of an attempt, and says how long to wait before the next if it is
    /// to be made again.
    pub(super) fn settle(
        &mut self,
        attempt: Attempt,
        answer: Result<StatusCode, String>,
    ) -> Option<Duration> {
        let mut waiting = attempt.waiting;
        waiting.attempts += 1;
        let taken = answer.as_ref().is_ok_and(StatusCode::is_success);
        let pause = PAUSES.get(waiting.attempts - 1).filter(|_| !taken);
        let mut deliveries = self.deliveries.iter_mut();
        if let Some(delivery) = deliveries.find(|delivery| delivery.number == waiting.number) {
            delivery.attempts = waiting.attempts;
            delivery.state = match (taken, pause) {
                (true, _) => DeliveryState::Delivered,
                (false, Some(_)) => DeliveryState::Waiting,
                (false, None) => DeliveryState::Failed,
            };
            (delivery.status, delivery.error) = match answer {
                Ok(status) => (Some(status.as_u16()), None),
                Err(why) => (None, Some(why)),
            };
        }
        let pause = pause.copied()?;
        self.queue.push_front(waiting);
        Some(pause)
    }
}
