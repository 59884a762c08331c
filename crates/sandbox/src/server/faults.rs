//! Injection of the decided faults: in process an answer is marked as lost, over HTTP its body
//! breaks off, which ends the connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;

use super::answer::problem;
use crate::fault::{Effect, Fault, Lost};
use crate::shared::Core;

/// Largest answer that can be cut in two, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Passes a request on, or injects the fault that was decided for it.
pub(super) async fn befall(State(core): State<Core>, request: Request, next: Next) -> Response {
    match core.fault(request.method(), request.uri().path()) {
        None => next.run(request).await,
        Some(Fault::Slow(delay)) => {
            core.sleep(delay).await;
            next.run(request).await
        }
        Some(Fault::Limit { retry_after }) => limited(retry_after.as_secs().max(1)),
        Some(Fault::Status { status, effect }) => {
            if effect == Effect::After {
                next.run(request).await;
            }
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            problem(status, "internal_error", "A fault was asked for.")
        }
        Some(Fault::ResetBefore) => broken(Effect::Before, Bytes::new()),
        Some(Fault::LoseReply) => {
            next.run(request).await;
            broken(Effect::After, Bytes::new())
        }
        Some(Fault::Truncate) => truncated(next.run(request).await).await,
        Some(Fault::NotJson) => {
            next.run(request).await;
            page()
        }
    }
}

fn limited(seconds: u64) -> Response {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut answer = problem(status, "rate_limit_exceeded", "Rate limit exceeded.");
    let headers = answer.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

fn page() -> Response {
    let mut answer = Response::new(Body::from("<html><body>Please wait…</body></html>"));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, html);
    answer
}

/// Returns the first half of an answer, with the length of the whole.
async fn truncated(answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, MAX_ANSWER).await;
    let body = body.unwrap_or_default();
    let length = HeaderValue::from(body.len());
    let mut cut = broken(Effect::After, body.slice(..body.len() / 2));
    *cut.status_mut() = parts.status;
    *cut.headers_mut() = parts.headers;
    cut.headers_mut().insert(header::CONTENT_LENGTH, length);
    cut
}

/// Builds an answer whose body breaks off after a beginning.
fn broken(effect: Effect, beginning: Bytes) -> Response {
    let steps = if beginning.is_empty() {
        Steps::Break
    } else {
        Steps::Begin(beginning)
    };
    let mut answer = Response::new(Body::from_stream(BrokenOff(steps)));
    answer.extensions_mut().insert(Lost { effect });
    answer
}

/// Body that yields a beginning, waits until it was sent, and fails.
struct BrokenOff(Steps);

enum Steps {
    Begin(Bytes),
    Flush,
    Break,
}

impl Stream for BrokenOff {
    type Item = Result<Bytes, Lost>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match std::mem::replace(&mut self.0, Steps::Break) {
            Steps::Begin(bytes) => {
                self.0 = Steps::Flush;
                Poll::Ready(Some(Ok(bytes)))
            }
            Steps::Flush => {
                // The server flushes when there is nothing more for now.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Steps::Break => Poll::Ready(Some(Err(Lost {
                effect: Effect::After,
            }))),
        }
    }
}
