//! What all tasks of the operator share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::claims::Registry;
use super::clients::Clients;
use super::events::EventRecorder;
use super::lease::Term;
use super::metrics::Metrics;
use super::store::InitialLists;
use super::store::{Environments, Organizations};
use portalctl_platform::clock::SharedClock;
use portalctl_workos::{Bounds, Endpoint, HttpTransport, Transport, TransportError};

/// What all tasks of the operator share.
pub(super) struct Context {
    /// The API server.
    pub(super) client: kube::Client,
    /// The time.
    pub(super) clock: SharedClock,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    /// Kubernetes Events.
    pub(super) events: EventRecorder,
    /// Clients of WorkOS.
    pub(super) clients: Clients,
    /// The claims of the environments.
    pub(super) registry: Registry,
    /// The cluster's id in holder marks.
    pub(super) cluster_id: String,
    /// The only namespace that is looked at; all of them without it.
    pub(super) namespace: Option<String>,
    /// This release of the operator: its Lease, as `namespace/name`.
    pub(super) release: String,
    /// The organizations that the API server has.
    pub(super) organizations: Organizations,
    /// The environments that the API server has.
    pub(super) environments: Environments,
    /// Whether both of them are complete.
    pub(super) listed: InitialLists,
    /// Whether this process leads.
    pub(super) term: watch::Receiver<Term>,
    /// An interval in place of every environment's own, for trying things out.
    pub(super) poll: Option<Duration>,
}

/// What an operator is given from dependencies.
#[derive(Clone)]
pub struct Dependencies {
    /// The API server.
    pub client: kube::Client,
    /// The way to WorkOS.
    pub connect: Arc<dyn Connect>,
    /// The time.
    pub clock: SharedClock,
}

/// The way to WorkOS: HTTP in life, in process with virtual time in tests.
pub trait Connect: Send + Sync {
    /// What carries requests to an endpoint.
    fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Transport>, TransportError>;
}

/// Over HTTP.
pub(super) struct HttpConnect;

impl Connect for HttpConnect {
    fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Transport>, TransportError> {
        Ok(Arc::new(HttpTransport::new(endpoint, Bounds::default())?))
    }
}
