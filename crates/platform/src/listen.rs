//! Takes connections for what serves: so many at a time, none that is slow to say what it wants,
//! and at the end until those under way are done.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::clock::SharedClock;

/// Most connections that are open at a time; the others wait.
const MAX_CONNECTIONS: usize = 1024;
/// Time limit for a request's head, and for an idle connection.
const MAX_HEAD: Duration = Duration::from_secs(15);
/// Most bytes of a request that are held at a time, its head included.
const MAX_BUFFER: usize = 32 * 1024;
/// Time for requests under way to finish at shutdown.
const MAX_CLOSING: Duration = Duration::from_secs(25);
/// Wait after the system could not open another connection.
const PAUSE: Duration = Duration::from_millis(100);

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
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut closing = std::pin::pin!(closing);
    loop {
        let accept = async {
            // Closed by nobody.
            let permit = Arc::clone(&connections).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            biased;
            () = &mut closing => break,
            next = accept => next,
        };
        let Ok((stream, peer)) = accepted else {
            clock.sleep(PAUSE).await;
            continue;
        };
        let serving = graceful.watch(connection(stream, Peer(peer.ip()), router.clone()));
        tokio::spawn(async move {
            // A connection that broke has nobody left to be told.
            let _ = serving.await;
            drop(permit);
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
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service)
}
