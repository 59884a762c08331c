//! Transport of one client, which applies the drawn faults to its requests.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::json;

use portalctl_platform::clock::Clock;
use portalctl_workos::{Transport, TransportError, TransportErrorKind};

use super::call::Call;
use super::fault::{Effect, Fault};
use super::kinds::How;
use super::ledger::By;
use super::network::{Late, Network, Sent};
use super::random::hash;

/// Time that a client waits for an answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

type Answer = Result<Response<Bytes>, TransportError>;

/// Transport of one client's requests.
pub(super) struct FaultyTransport {
    pub(super) network: Network,
    pub(super) client: usize,
}

impl Transport for FaultyTransport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Answer> {
        Box::pin(self.carry(request))
    }
}

impl FaultyTransport {
    async fn carry(&self, request: Request<Bytes>) -> Answer {
        let network = &self.network;
        let clock = network.clock();
        let call = Call::of(&request);
        let spelling = network.kinds().spelling;
        let request = spelling.keep(smaller_pages(request, network.page()));
        let sent = network.take(self.client, &call, &request);
        network.arrive(Some(clock.instant())).await;
        if sent.waits {
            // The run is told to end: let it be polled before the request is carried out.
            clock.sleep(Duration::ZERO).await;
        }
        clock.sleep(sent.ways.0).await;
        let answer = self.befall(&call, &sent, request).await;
        let answer = answer.map(|answer| spelling.show(answer));
        clock.sleep(sent.ways.1).await;
        network.note(&sent, &call, self.client, &answer);
        answer
    }

    const fn by(&self) -> By {
        By {
            client: self.client,
            is_late: false,
        }
    }

    async fn befall(&self, call: &Call, sent: &Sent, request: Request<Bytes>) -> Answer {
        let page = page_key(self.client, call);
        let Some(fault) = sent.fault else {
            let answer = self
                .network
                .carry_out(sent.number, request, self.by())
                .await;
            self.network.keep_page(page, answer.body().clone());
            return Ok(answer);
        };
        let request = match self.on_the_way(fault, sent, request).await {
            Ok(request) => request,
            Err(answer) => return answer,
        };
        let seen = authorization(&request);
        let answer = self
            .network
            .carry_out(sent.number, request, self.by())
            .await;
        self.on_the_way_back(fault, page, &seen, answer).await
    }

    /// Applies the faults that keep a request from being carried out, or from arriving in time.
    async fn on_the_way(
        &self,
        fault: Fault,
        sent: &Sent,
        request: Request<Bytes>,
    ) -> Result<Request<Bytes>, Answer> {
        let clock = self.network.clock();
        Err(match fault {
            Fault::Limited(retry_after) => Ok(limited(retry_after)),
            Fault::Refused => failed(TransportErrorKind::Connect),
            Fault::Always(how) => Ok(useless(how)),
            Fault::Status(status, Effect::None) => {
                Ok(broken_down(status, &authorization(&request)))
            }
            Fault::Reset(Effect::None) => failed(TransportErrorKind::Broken),
            Fault::TimedOut(Effect::None) => {
                clock.sleep(RESPONSE_TIMEOUT).await;
                failed(TransportErrorKind::Timeout)
            }
            Fault::Late(after) => {
                self.network.delay(Late {
                    due: clock.instant() + RESPONSE_TIMEOUT + after,
                    client: self.client,
                    number: sent.number,
                    request,
                });
                clock.sleep(RESPONSE_TIMEOUT).await;
                failed(TransportErrorKind::Timeout)
            }
            Fault::Slow(duration) => {
                clock.sleep(duration).await;
                return Ok(request);
            }
            Fault::Status(..)
            | Fault::Reset(_)
            | Fault::TimedOut(_)
            | Fault::Truncated
            | Fault::Half
            | Fault::NotJson
            | Fault::Empty
            | Fault::RepeatedPage
            | Fault::CutShort => return Ok(request),
        })
    }

    /// Applies the faults of the answer to a request that was carried out.
    async fn on_the_way_back(
        &self,
        fault: Fault,
        page: u64,
        seen: &str,
        mut answer: Response<Bytes>,
    ) -> Answer {
        let body = answer.body().clone();
        *answer.body_mut() = match fault {
            Fault::Status(status, _) => return Ok(broken_down(status, seen)),
            Fault::Reset(_) | Fault::Truncated => return failed(TransportErrorKind::Broken),
            Fault::TimedOut(_) => {
                self.network.clock().sleep(RESPONSE_TIMEOUT).await;
                return failed(TransportErrorKind::Timeout);
            }
            Fault::Half => body.slice(..body.len() / 2),
            Fault::Empty => Bytes::new(),
            Fault::NotJson => {
                *answer.status_mut() = StatusCode::OK;
                Bytes::from(format!("<html>Please wait, {seen}</html>"))
            }
            Fault::RepeatedPage => self.network.last_page(page).unwrap_or(body),
            Fault::CutShort => {
                Bytes::from_static(br#"{"object":"list","data":[],"list_metadata":{}}"#)
            }
            Fault::Limited(_)
            | Fault::Refused
            | Fault::Late(_)
            | Fault::Slow(_)
            | Fault::Always(_) => body,
        };
        Ok(answer)
    }
}

/// Returns a key for the list, its subject and its direction.
fn page_key(client: usize, call: &Call) -> u64 {
    let parts = call.query.split('&');
    let parts: Vec<&str> = parts.filter(|part| !part.starts_with("after=")).collect();
    hash(0, &format!("{client} {} {}", call.path, parts.join("&")))
}

/// The same request at a WorkOS whose pages are smaller.
fn smaller_pages(mut request: Request<Bytes>, page: Option<usize>) -> Request<Bytes> {
    let Some(page) = page else { return request };
    let address = request.uri().to_string();
    let smaller = address.replace("limit=100", &format!("limit={page}"));
    *request.uri_mut() = smaller.parse().unwrap();
    request
}

/// Returns the authorization header, which a proxy in between may repeat in its answers.
fn authorization(request: &Request<Bytes>) -> String {
    let header = request.headers().get(header::AUTHORIZATION);
    let bytes = header.map(HeaderValue::as_bytes).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

fn failed(kind: TransportErrorKind) -> Answer {
    Err(TransportError::new(kind, format!("{kind:?}")))
}

fn limited(retry_after: Option<u64>) -> Response<Bytes> {
    let mut answer = told(429, "Rate limit exceeded.", "rate_limit_exceeded");
    let seconds = retry_after.map(HeaderValue::from);
    answer
        .headers_mut()
        .extend(seconds.map(|seconds| (header::RETRY_AFTER, seconds)));
    answer
}

fn broken_down(status: u16, seen: &str) -> Response<Bytes> {
    let message = format!("No upstream took the request of {seen}.");
    told(status, &message, "internal_error")
}

fn useless(how: How) -> Response<Bytes> {
    match how {
        How::Status(status) => told(status, "This cannot be had.", "not_to_be_had"),
        How::Undecodable => Response::new(Bytes::from_static(br#"{"data":"none","state":{}}"#)),
        How::NotJson => Response::new(Bytes::from_static(b"<html></html>")),
    }
}

fn told(status: u16, message: &str, code: &str) -> Response<Bytes> {
    let body = json!({ "message": message, "code": code }).to_string();
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}
