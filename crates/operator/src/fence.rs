//! The fence: what keeps a process from writing that does not lead any more.
//!
//! A pass looks whether it leads before it begins, and a write of it may come much later: after its
//! turn in the pace, after retries, after others of the same pass. So every write passes here right
//! before it is sent, to WorkOS and to the API server, and is refused once the time is over for which
//! the lease was renewed, whether or not anybody has noticed yet.

use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use tokio::time::Instant;

use portalctl_platform::clock::SharedClock;
use portalctl_workos::{Transport, TransportError, TransportErrorKind};

const CLOSED: &str = "not sent: another process leads, or may";

/// Until when this process may write. Clones are the same fence.
#[derive(Clone)]
pub(super) struct Fence {
    clock: SharedClock,
    until: Arc<Mutex<Option<Instant>>>,
}

impl Fence {
    /// One that lets nothing through.
    pub(super) fn closed(clock: SharedClock) -> Self {
        Self {
            clock,
            until: Arc::default(),
        }
    }

    /// Lets writes through until a time; from now on nothing, without one.
    pub(super) fn open_until(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn is_open(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.instant() < until)
    }

    /// The same client, whose writes pass here.
    pub(super) fn client(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let fence = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let (client, fence) = (client.clone(), fence.clone());
            async move {
                if !request.method().is_safe() && !fence.is_open() {
                    let refused = Error::new(ErrorKind::PermissionDenied, CLOSED);
                    return Err(kube::Error::Service(refused.into()));
                }
                client.send(request).await
            }
        });
        Client::new(service, namespace)
    }

    /// The same way to WorkOS, whose writes pass here.
    pub(super) fn transport(&self, inner: Arc<dyn Transport>) -> impl Transport + use<> {
        Fenced {
            inner,
            fence: self.clone(),
        }
    }
}

struct Fenced {
    inner: Arc<dyn Transport>,
    fence: Fence,
}

impl Transport for Fenced {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        if request.method().is_safe() || self.fence.is_open() {
            return self.inner.send(request);
        }
        let refused = TransportError::new(TransportErrorKind::Connect, CLOSED);
        Box::pin(std::future::ready(Err(refused)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;

    use super::*;
    use portalctl_platform::clock::{Clock, SystemClock};

    /// Takes everything.
    struct Open;

    impl Transport for Open {
        fn send(
            &self,
            _: Request<Bytes>,
        ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
            Box::pin(async { Ok(Response::new(Bytes::new())) })
        }
    }

    /// Whether a request gets through to WorkOS, and to the API server.
    async fn passes(fence: &Fence, method: Method) -> [bool; 2] {
        let request = |method| Request::builder().method(method).uri("/organizations");
        let portal = fence.transport(Arc::new(Open));
        let sent = portal.send(request(method.clone()).body(Bytes::new()).unwrap());
        let service = tower::service_fn(async |_: Request<Body>| {
            Ok::<_, Error>(Response::new(axum::body::Body::empty()))
        });
        let client = fence.client(Client::new(service, "portal"));
        let asked = client.send(request(method).body(Body::empty()).unwrap());
        [sent.await.is_ok(), asked.await.is_ok()]
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_passes_while_the_lease_holds_and_a_read_always() {
        let fence = Fence::closed(Arc::new(SystemClock));
        assert_eq!(passes(&fence, Method::PUT).await, [false; 2]);
        let second = Duration::from_secs(1);
        fence.open_until(Some(SystemClock.instant() + second));
        assert_eq!(passes(&fence, Method::PUT).await, [true; 2]);
        // Nobody has said that the time is over.
        SystemClock.sleep(second).await;
        assert_eq!(passes(&fence, Method::PUT).await, [false; 2]);
        assert_eq!(passes(&fence, Method::GET).await, [true; 2]);
        fence.open_until(Some(SystemClock.instant() + second));
        fence.open_until(None);
        assert_eq!(passes(&fence, Method::DELETE).await, [false; 2]);
    }
}
