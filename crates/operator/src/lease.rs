//! Leader election by a Lease: one process writes, the others wait to take over.
//!
//! A holder that stops renewing is given the lease's whole duration, as seen by the clock of the
//! one that waits; schedule of two machines are never compared. The resource version decides between
//! two that take over at once.

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

/// The token of the time that this process leads; nothing while another does. It is cancelled when
/// the lease is lost.
pub(super) type Term = Option<CancellationToken>;

/// What is held, and by whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Lease's name.
    pub name: String,
    /// The Lease's namespace; that of the pod, or of KUBECONFIG, without it.
    pub namespace: Option<String>,
    /// Who this process is.
    pub identity: String,
    /// How long a holder that does not renew is waited for.
    pub duration: Duration,
}

impl Settings {
    fn api(&self, client: Client) -> Api<Lease> {
        match &self.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::default_namespaced(client),
        }
    }

    /// The name of the Lease within the cluster, as `namespace/name`.
    pub(super) fn release(&self, default_namespace: &str) -> String {
        let namespace = self.namespace.as_deref().unwrap_or(default_namespace);
        format!("{namespace}/{}", self.name)
    }
}

/// Who holds the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Us,
    Another,
    /// The API server did not say, or somebody wrote at the same time: asked again soon.
    Unclear,
}

/// Runs for the lease.
pub(super) struct Election {
    api: Api<Lease>,
    settings: Settings,
    clock: SharedClock,
    term: watch::Sender<Term>,
    fence: Fence,
    /// Ends every term.
    stop: CancellationToken,
    /// What another holder's lease said last, and since when it has said so.
    seen: Option<(LeaseSpec, Instant)>,
    /// When it was asked for the renewal that was granted last: whoever waits for it to run out has
    /// seen that later.
    renewed: Option<Instant>,
}

impl Election {
    /// Somebody who has not asked yet.
    pub(super) fn new(
        client: Client,
        settings: Settings,
        clock: SharedClock,
        term: watch::Sender<Term>,
        fence: Fence,
        stop: CancellationToken,
    ) -> Self {
        Self {
            api: settings.api(client),
            settings,
            clock,
            term,
            fence,
            stop,
            seen: None,
            renewed: None,
        }
    }

    /// Runs until it is told to stop, then lets go of the lease so that another need not wait.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let clock = Arc::clone(&self.clock);
        let duration = self.settings.duration;
        loop {
            let began = clock.instant();
            // A request that hangs must outlast neither the lease nor the right to write.
            let patience = began + duration / 3;
            let patience = self.writes_until().map_or(patience, |at| at.min(patience));
            let asked = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                asked = self.ask() => asked,
                () = clock.sleep_until(patience) => Ok(Holder::Unclear),
            };
            let holder = asked.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot renew the lease");
                Holder::Unclear
            });
            match holder {
                Holder::Us => self.renewed = Some(began),
                Holder::Another => self.renewed = None,
                Holder::Unclear => {}
            }
            self.announce();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = clock.sleep_until(self.next()) => {}
            }
        }
    }

    /// Gives the lease back, once nothing is being written any more.
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
            tracing::warn!(%error, "cannot give the lease back");
        }
    }

    /// When the lease is renewed, or looked at again: at the latest when its holder has not renewed
    /// it for the whole duration.
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

    /// Until when this process may write while it leads: some time before anybody else may.
    fn writes_until(&self) -> Option<Instant> {
        let renewed = self.renewed.filter(|_| self.leads())?;
        Some(renewed + self.settings.duration * 2 / 3)
    }

    fn leads(&self) -> bool {
        self.term.borrow().is_some()
    }

    /// Leads from the renewal on, for as long as nobody else can have taken over.
    fn announce(&self) {
        let now = self.clock.instant();
        let until = self.renewed.map(|at| at + self.settings.duration * 2 / 3);
        let until = until.filter(|until| now < *until);
        self.fence.open_until(until);
        let is_ours = until.is_some();
        if is_ours == self.leads() {
            return;
        }
        self.term.send_modify(|term| {
            if let Some(over) = term.take() {
                tracing::warn!("no longer the leader");
                over.cancel();
            }
            if is_ours {
                tracing::info!(identity = self.settings.identity, "the leader now");
                *term = Some(self.stop.child_token());
            }
        });
    }

    /// Takes or renews the lease.
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
            return ours(created);
        };
        let held = lease.spec.take().unwrap_or_default();
        let is_ours = held.holder_identity.as_deref() == Some(&self.settings.identity);
        if !is_ours && !self.has_run_out(&held) {
            return Ok(Holder::Another);
        }
        let transitions = held.lease_transitions.unwrap_or_default();
        let mut spec = self.spec(transitions + i32::from(!is_ours));
        if is_ours {
            spec.acquire_time = held.acquire_time;
        }
        lease.spec = Some(spec);
        let replaced = self
            .api
            .replace(&self.settings.name, &PostParams::default(), &lease)
            .await;
        self.seen = None;
        ours(replaced)
    }

    /// Whether the holder has let go, or has not renewed for the whole duration.
    fn has_run_out(&mut self, held: &LeaseSpec) -> bool {
        if held
            .holder_identity
            .as_deref()
            .unwrap_or_default()
            .is_empty()
        {
            return true;
        }
        let now = self.clock.instant();
        match &self.seen {
            Some((spec, since)) if spec == held => *since + self.settings.duration <= now,
            _ => {
                self.seen = Some((held.clone(), now));
                false
            }
        }
    }

    fn spec(&self, transitions: i32) -> LeaseSpec {
        let now = MicroTime(kube_time(self.clock.now()));
        LeaseSpec {
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: i32::try_from(self.settings.duration.as_secs().max(1)).ok(),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}

/// Who holds the lease after a write; somebody else was faster if it did not go through.
fn ours(written: kube::Result<Lease>) -> kube::Result<Holder> {
    match written {
        Ok(_) => Ok(Holder::Us),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Holder::Unclear),
        Err(error) => Err(error),
    }
}

/// The time as the Kubernetes types have it: they use another version of the same library.
fn kube_time(time: jiff::Timestamp) -> k8s_openapi::jiff::Timestamp {
    k8s_openapi::jiff::Timestamp::from_microsecond(time.as_microsecond()).unwrap_or_default()
}

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
        // Nobody has said that the time is over.
        SystemClock.sleep(second).await;
        assert_eq!(passes(&fence, Method::PUT).await, [false; 2]);
        assert_eq!(passes(&fence, Method::GET).await, [true; 2]);
        fence.open_until(Some(SystemClock.instant() + second));
        fence.open_until(None);
        assert_eq!(passes(&fence, Method::DELETE).await, [false; 2]);
    }
}
