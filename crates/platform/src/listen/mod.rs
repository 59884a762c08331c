//! HTTP listener: a bounded number of connections, a share for each peer, and an orderly end.
//!
//! A new connection is always taken while another one waits for its peer: the one that has waited
//! longest is closed for it. So whoever opens connections and sends nothing keeps nobody out, and a
//! probe is answered. A request without one valid `Host` is refused before the router sees it.

mod connections;
mod host;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::clock::SharedClock;
use connections::{Activity, Capacity, Connections};

/// Most connections that are open at a time, and most of them from one peer. A proxy in front is one
/// peer, so the rest is what remains for the probes beside it.
const CAPACITY: Capacity = Capacity {
    all: 1024,
    of_a_peer: 768,
};
/// Time limit for a request's head, and for an idle connection.
const MAX_HEAD: Duration = Duration::from_secs(15);
/// Most bytes of a request that are held at a time, its head included.
const MAX_BUFFER: usize = 32 * 1024;
/// Time for requests under way to finish at shutdown.
const MAX_CLOSING: Duration = Duration::from_secs(25);
/// Wait after the system could not open another connection.
const PAUSE: Duration = Duration::from_millis(100);
/// Connections that are closed when the system cannot open another one.
const CLOSED_AT_ONCE: usize = 64;

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Serves until `closing` is done, and finishes what is under way.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    closing: impl Future<Output = ()>,
    clock: &SharedClock,
) -> io::Result<()> {
    let connections = Connections::new(CAPACITY);
    serve_within(connections, listener, router, closing, clock).await
}

/// Serves within a capacity, which tests choose.
async fn serve_within(
    connections: Connections,
    listener: TcpListener,
    router: Router,
    closing: impl Future<Output = ()>,
    clock: &SharedClock,
) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let mut closing = std::pin::pin!(closing);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut closing => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            connections.close_waiting(CLOSED_AT_ONCE);
            clock.sleep(PAUSE).await;
            continue;
        };
        // Without a slot everybody is being served: the stream is closed.
        let Some(slot) = connections.enter(peer.ip()) else {
            continue;
        };
        let peer = Peer(peer.ip());
        let serving = connection(stream, peer, slot.activity(), router.clone());
        let serving = graceful.watch(serving);
        tokio::spawn(async move {
            tokio::select! {
                // A connection that broke has nobody left to be told.
                _ = serving => {}
                () = slot.closed() => {}
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = clock.sleep(MAX_CLOSING) => tracing::warn!("some were not finished in time"),
    }
    Ok(())
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    activity: Arc<Activity>,
    router: Router,
) -> http1::Connection<
    TokioIo<TcpStream>,
    impl hyper::service::Service<
        http::Request<Incoming>,
        Response = Response,
        Error = Infallible,
        Future = impl Future<Output = Result<Response, Infallible>>,
    >,
> {
    // Small answers must not wait for more. What cannot be set is merely slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (activity, router) = (Arc::clone(&activity), router.clone());
        activity.serves();
        async move {
            let answer = if host::is_valid(&request) {
                let mut request = request.map(|body| {
                    Body::new(Watched {
                        body,
                        activity: Arc::clone(&activity),
                    })
                });
                request.extensions_mut().insert(peer);
                router.oneshot(request).await
            } else {
                Ok(without_host())
            };
            // The peer has to take the answer now, and to send the next request.
            activity.waits();
            answer
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service)
}

/// Answers a request that does not name one host.
fn without_host() -> Response {
    let mut answer = Response::new(Body::from("a request names one host, in one header\n"));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Body of a request whose connection counts as waiting while bytes are missing.
struct Watched {
    body: Incoming,
    activity: Arc<Activity>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match frame {
            Poll::Pending => self.activity.waits(),
            Poll::Ready(_) => self.activity.serves(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
