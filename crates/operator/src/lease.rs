//! Leader election by a Lease: one process writes, the others wait to take over.
//!
//! A candidate waits for the lease's whole duration after the last renewal that it has seen, by its
//! own clock; the clocks of two machines are never compared. The resource version decides between two
//! that take over at once. The `Fence` stops the writes of a process whose lease may have ended.

use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::client::Body;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use portalctl_platform::clock::SharedClock;
use portalctl_workos::{Transport, TransportError, TransportErrorKind};

/// Token of the term in which this process leads; none while another process leads. It is cancelled
/// when the lease is lost.
pub(super) type Term = Option<CancellationToken>;

/// Settings of the lease.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the Lease.
    pub name: String,
    /// Namespace of the Lease; by default the one of the pod or of KUBECONFIG.
    pub namespace: Option<String>,
    /// Name of this process in the Lease.
    pub identity: String,
    /// Time without a renewal after which another process may take over.
    pub duration: Duration,
}

impl Settings {
    fn api(&self, client: Client) -> Api<Lease> {
        match &self.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::default_namespaced(client),
        }
    }

    /// Returns the name of the Lease within the cluster, as `namespace/name`.
    pub(super) fn release(&self, default_namespace: &str) -> String {
        let namespace = self.namespace.as_deref().unwrap_or(default_namespace);
        format!("{namespace}/{}", self.name)
    }
}

/// Holder of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Us,
    Another,
    /// Unknown: the API server did not answer, or two processes wrote at the same time.
    Unclear,
}

/// Right to write, which the election grants and withdraws.
pub(super) struct Leadership {
    /// Sender of the current term.
    pub(super) term: watch::Sender<Term>,
    /// Fence of all writes.
    pub(super) fence: Fence,
}

/// Candidate for the lease.
pub(super) struct Election {
    api: Api<Lease>,
    settings: Settings,
    clock: SharedClock,
    leadership: Leadership,
    /// Cancelled at shutdown, with every term.
    stop: CancellationToken,
    /// Last lease of another holder, and the time at which it was first seen.
    seen: Option<(LeaseSpec, Instant)>,
    /// Time of the request for the last renewal; other candidates have seen the renewal later.
    renewed: Option<Instant>,
}

impl Election {
    /// Creates a candidate that has never acquired the lease.
    pub(super) fn new(
        client: Client,
        settings: Settings,
        clock: SharedClock,
        leadership: Leadership,
        stop: CancellationToken,
    ) -> Self {
        Self {
            api: settings.api(client),
            settings,
            clock,
            leadership,
            stop,
            seen: None,
            renewed: None,
        }
    }

    /// Acquires and renews the lease until it is told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let clock = Arc::clone(&self.clock);
        let duration = self.settings.duration;
        loop {
            let began = clock.instant();
            // A request that hangs must outlast neither the lease nor the right to write.
            let deadline = began + duration / 3;
            let deadline = self.writes_until().map_or(deadline, |at| at.min(deadline));
            let asked = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                asked = self.ask() => asked,
                () = clock.sleep_until(deadline) => Ok(Holder::Unclear),
            };
            let holder = asked.unwrap_or_else(|error| {
                tracing::warn!(%error, "the lease could not be renewed");
                Holder::Unclear
            });
            match holder {
                Holder::Us => self.renewed = Some(began),
                Holder::Another => self.renewed = None,
                Holder::Unclear => {}
            }
            self.update_leadership();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = clock.sleep_until(self.next()) => {}
            }
        }
    }

    /// Gives the lease back after the last write, so that no other process has to wait for it.
    pub(super) async fn release(client: Client, settings: &Settings) {
        let api = settings.api(client);
        let Ok(Some(mut lease)) = api.get_opt(&settings.name).await else {
            return;
        };
        let Some(spec) = lease.spec.as_mut() else {
            return;
        };
        if spec.holder_identity.as_deref() != Some(&settings.identity) {
            return;
        }
        spec.holder_identity = None;
        if let Err(error) = api
            .replace(&settings.name, &PostParams::default(), &lease)
            .await
        {
            tracing::warn!(%error, "the lease could not be given back");
        }
    }

    /// Returns the time of the next renewal or read: at the latest the time at which another holder's
    /// lease ends.
    fn next(&self) -> Instant {
        let duration = self.settings.duration;
        let now = self.clock.instant();
        let look = now + duration / 10;
        if let (Some(renewed), Some(until)) = (self.renewed, self.writes_until()) {
            // A renewal that failed is tried again soon.
            return look.max(renewed + duration / 3).min(until);
        }
        match &self.seen {
            Some((_, since)) => look.min(*since + duration).max(now + duration / 30),
            None => look,
        }
    }

    /// Returns the end of this process's right to write, some time before another may take over.
    fn writes_until(&self) -> Option<Instant> {
        let renewed = self.renewed.filter(|_| self.leads())?;
        Some(renewed + self.settings.duration * 2 / 3)
    }

    fn leads(&self) -> bool {
        self.leadership.term.borrow().is_some()
    }

    /// Opens the fence from the renewal until another process may take over, and begins or ends the
    /// term.
    fn update_leadership(&self) {
        let now = self.clock.instant();
        let until = self.renewed.map(|at| at + self.settings.duration * 2 / 3);
        let until = until.filter(|until| now < *until);
        self.leadership.fence.open_until(until);
        let is_ours = until.is_some();
        if is_ours == self.leads() {
            return;
        }
        self.leadership.term.send_modify(|term| {
            if let Some(over) = term.take() {
                tracing::warn!("this process no longer leads");
                over.cancel();
            }
            if is_ours {
                tracing::info!(identity = self.settings.identity, "this process leads now");
                *term = Some(self.stop.child_token());
            }
        });
    }

    /// Acquires or renews the lease.
    async fn ask(&mut self) -> kube::Result<Holder> {
        let Some(mut lease) = self.api.get_opt(&self.settings.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(self.settings.name.clone()),
                    ..ObjectMeta::default()
                },
                spec: Some(self.spec(0)),
            };
            let created = self.api.create(&PostParams::default(), &lease).await;
            return holder_after(created);
        };
        // A Lease without a spec has no holder.
        let before = lease.spec.take().unwrap_or_default();
        let is_ours = before.holder_identity.as_deref() == Some(&self.settings.identity);
        if !is_ours && !self.has_run_out(&before) {
            return Ok(Holder::Another);
        }
        let transitions = before.lease_transitions.unwrap_or(0);
        let mut spec = self.spec(transitions + i32::from(!is_ours));
        if is_ours {
            spec.acquire_time = before.acquire_time;
        }
        lease.spec = Some(spec);
        let replaced = self
            .api
            .replace(&self.settings.name, &PostParams::default(), &lease)
            .await;
        self.seen = None;
        holder_after(replaced)
    }

    /// Returns whether the holder gave the lease back, or has not renewed it for its duration.
    fn has_run_out(&mut self, before: &LeaseSpec) -> bool {
        if before.holder_identity.as_deref().is_none_or(str::is_empty) {
            return true;
        }
        let now = self.clock.instant();
        match &self.seen {
            Some((spec, since)) if spec == before => *since + self.settings.duration <= now,
            _ => {
                self.seen = Some((before.clone(), now));
                false
            }
        }
    }

    fn spec(&self, transitions: i32) -> LeaseSpec {
        let now = MicroTime(kube_time(self.clock.now()));
        let seconds = self.settings.duration.as_secs().max(1);
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        LeaseSpec {
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: Some(seconds),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}

/// Returns the holder after a write; a conflict means that another process was faster.
fn holder_after(written: kube::Result<Lease>) -> kube::Result<Holder> {
    match written {
        Ok(_) => Ok(Holder::Us),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Holder::Unclear),
        Err(error) => Err(error),
    }
}

/// Converts a time: the Kubernetes types use another version of jiff.
fn kube_time(time: jiff::Timestamp) -> k8s_openapi::jiff::Timestamp {
    k8s_openapi::jiff::Timestamp::from_microsecond(time.as_microsecond())
        .expect("both versions of jiff have the same range")
}

/// Error of a write that the fence refuses.
const CLOSED: &str = "not sent: another process leads, or may";

/// Barrier that every write passes right before it is sent, to WorkOS and to the API server. Clones
/// are the same fence.
///
/// A write may be sent long after its pass began: after its turn in the pace, after retries, after
/// others of the same pass. The fence refuses it once the lease was not renewed in time, whether or not
/// the process has noticed.
#[derive(Clone)]
pub(super) struct Fence {
    clock: SharedClock,
    until: Arc<Mutex<Option<Instant>>>,
}

impl Fence {
    /// Creates a fence that refuses all writes.
    pub(super) fn closed(clock: SharedClock) -> Self {
        Self {
            clock,
            until: Arc::default(),
        }
    }

    /// Allows writes until a time, or refuses them from now on.
    pub(super) fn open_until(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn is_open(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.instant() < until)
    }

    /// Wraps a Kubernetes client so that its writes pass the fence.
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

    /// Wraps a transport to WorkOS so that its writes pass the fence.
    pub(super) fn transport(&self, inner: Arc<dyn Transport>) -> impl Transport + use<> {
        FencedTransport {
            inner,
            fence: self.clone(),
        }
    }
}

struct FencedTransport {
    inner: Arc<dyn Transport>,
    fence: Fence,
}

impl Transport for FencedTransport {
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

    /// Transport that accepts every request.
    struct Open;

    impl Transport for Open {
        fn send(
            &self,
            _: Request<Bytes>,
        ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
            Box::pin(async { Ok(Response::new(Bytes::new())) })
        }
    }

    /// Returns whether a request gets through to WorkOS, and to the API server.
    async fn passes(fence: &Fence, method: Method) -> [bool; 2] {
        let request = |method| Request::builder().method(method).uri("/organizations");
        let connection = fence.transport(Arc::new(Open));
        let sent = connection.send(request(method.clone()).body(Bytes::new()).unwrap());
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
        // The time ends without a call.
        SystemClock.sleep(second).await;
        assert_eq!(passes(&fence, Method::PUT).await, [false; 2]);
        assert_eq!(passes(&fence, Method::GET).await, [true; 2]);
        fence.open_until(Some(SystemClock.instant() + second));
        fence.open_until(None);
        assert_eq!(passes(&fence, Method::DELETE).await, [false; 2]);
    }
}
