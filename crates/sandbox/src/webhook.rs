//! Webhooks: signed events for every endpoint. Pure: a [`Deliver`] sends them.
//!
//! The signature is `WorkOS-Signature: t=<milliseconds>, v1=<hex>`, the HMAC-SHA256 of
//! `<milliseconds>.<body>`; the official SDKs check it. Only endpoints on this machine are allowed:
//! a sandbox sends nothing elsewhere.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use jiff::Timestamp;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::{Host, Url};

use super::wire;
use super::world::Event;

/// Header of the signature.
pub const SIGNATURE: &str = "workos-signature";
/// Delays between the attempts of a delivery. WorkOS retries for days; a sandbox must not stand
/// still that long.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// Most events that wait for delivery; further ones are dropped.
const MAX_WAITING: usize = 10_000;
/// Most deliveries that are remembered.
const MAX_REMEMBERED: usize = 10_000;

/// Transport of webhooks.
pub trait Deliver: Send + Sync {
    /// Sends a request; returns the status of the answer, or the reason why there is none.
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, String>>;
}

/// Reason why an endpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an address on this machine.
    #[error("an address on this machine is wanted, such as http://127.0.0.1:8080/webhooks")]
    NotLoopback,
    /// Empty secret.
    #[error("the secret that webhooks are signed with is empty")]
    NoSecret,
}

/// Endpoint of webhooks, with the secret that signs them.
#[derive(Clone)]
pub struct Endpoint {
    url: Uri,
    key: hmac::Key,
    /// Id and events of an endpoint that was created by the API; others receive every event.
    subscription: Option<(String, BTreeSet<String>)>,
}

impl Endpoint {
    /// Creates an endpoint on this machine.
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
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let url = parsed.as_str().parse();
        let url = url.map_err(|_| EndpointError::NotLoopback)?;
        Ok(Self {
            url,
            key,
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

    /// Signs a body; returns the value of the header.
    pub fn sign(&self, now: Timestamp, body: &[u8]) -> String {
        let time = now.as_millisecond();
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{time}.").as_bytes());
        context.update(body);
        format!("t={time}, v1={}", HEXLOWER.encode(context.sign().as_ref()))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.url)
    }
}

/// State of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waiting for the first or another attempt.
    Waiting,
    /// Accepted by the endpoint.
    Delivered,
    /// Given up after the last attempt.
    Failed,
    /// Dropped, because too many were waiting.
    Dropped,
}

/// Delivery of one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Id of the event.
    pub event_id: String,
    /// Name of the event.
    pub event: String,
    /// URL of the endpoint.
    pub url: String,
    /// State of the delivery.
    pub state: DeliveryState,
    /// Number of attempts.
    pub attempts: usize,
    /// Status of the last answer.
    pub status: Option<u16>,
    /// Reason for a missing answer.
    pub error: Option<String>,
    #[serde(skip)]
    number: u64,
}

/// Event that waits for delivery.
#[derive(Clone)]
struct Waiting {
    number: u64,
    endpoint: Arc<Endpoint>,
    body: Bytes,
    attempts: usize,
}

/// Event that is being delivered.
pub(super) struct Attempt {
    waiting: Waiting,
    signature: String,
}

impl Attempt {
    /// Builds the request.
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

/// Endpoints of a sandbox with their deliveries.
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

    /// Adds an endpoint, for future events.
    pub(super) fn add(&mut self, endpoint: Endpoint) {
        self.endpoints.push(Arc::new(endpoint));
    }

    /// Removes the endpoint that the API created with this id.
    pub(super) fn remove(&mut self, id: &str) {
        self.endpoints.retain(|endpoint| {
            let subscription = endpoint.subscription.as_ref();
            subscription.is_none_or(|(known, _)| known != id)
        });
    }

    /// Removes every endpoint and its waiting deliveries.
    pub(super) fn clear(&mut self) {
        self.endpoints.clear();
        self.queue.clear();
        self.deliveries.clear();
    }

    /// Returns the URLs of the endpoints.
    pub(super) fn urls(&self) -> Vec<String> {
        let endpoints = self.endpoints.iter();
        endpoints.map(|endpoint| endpoint.url.to_string()).collect()
    }

    /// Returns all deliveries, oldest first.
    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.iter().cloned().collect()
    }

    /// Queues events for every endpoint; returns whether any is waiting.
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

    /// Takes the next delivery, signed for this moment.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Attempt> {
        let waiting = self.queue.pop_front()?;
        let signature = waiting.endpoint.sign(now, &waiting.body);
        Some(Attempt { waiting, signature })
    }

    /// Records the result of an attempt; returns the delay before the next one, if there is to be
    /// one.
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
