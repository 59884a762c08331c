//! State that all tasks of the operator share, and the inputs of one pass.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::claims::Registry;
use super::clients::{Clients, Connect};
use super::events::EventRecorder;
use super::lease::Term;
use super::metrics::Metrics;
use super::resource::Name;
use super::store::{EnvironmentObjects, Environments, InitialLists, Organizations};
use portalctl_platform::clock::SharedClock;

/// Outside world of an operator: API server, WorkOS and time.
#[derive(Clone)]
pub struct Dependencies {
    /// Client of the API server.
    pub client: kube::Client,
    /// Source of transports to WorkOS.
    pub connect: Arc<dyn Connect>,
    /// Clock of all waits and timestamps.
    pub clock: SharedClock,
}

/// State that all tasks of the operator share.
pub(super) struct Context {
    /// Client of the API server, whose writes stop when the lease is lost.
    pub(super) client: kube::Client,
    /// Clock of all waits and timestamps.
    pub(super) clock: SharedClock,
    /// Prometheus metrics.
    pub(super) metrics: Arc<Metrics>,
    /// Writer of Kubernetes Events.
    pub(super) events: EventRecorder,
    /// Clients of WorkOS.
    pub(super) clients: Clients,
    /// Claims of all environments on organizations without a holder.
    pub(super) registry: Registry,
    /// Id of the cluster in holder marks.
    pub(super) cluster_id: String,
    /// Only namespace to watch; all namespaces without it.
    pub(super) namespace: Option<String>,
    /// Lease of this release of the operator, as `namespace/name`.
    pub(super) release: String,
    /// Watched `PortalOrganization`s.
    pub(super) organizations: Organizations,
    /// Watched `PortalEnvironment`s.
    pub(super) environments: Environments,
    /// Completion of the first list of each kind.
    pub(super) listed: InitialLists,
    /// Current term, if this process leads.
    pub(super) term: watch::Receiver<Term>,
    /// Poll interval that replaces the one of every environment.
    pub(super) poll: Option<Duration>,
}

/// Inputs of one pass over one environment.
pub(super) struct Pass<'a> {
    /// State that all tasks share.
    pub(super) context: &'a Arc<Context>,
    /// Name of the environment.
    pub(super) name: &'a Name,
    /// Environment and its organizations as the watches show them.
    pub(super) objects: &'a EnvironmentObjects,
    /// Term in which the pass began.
    pub(super) term: &'a CancellationToken,
    /// Cancelled when this environment's task has to end.
    pub(super) stop: &'a CancellationToken,
}

impl Pass<'_> {
    /// Returns whether the findings of the pass may still be written: not after the lease was lost,
    /// even if it was won back since.
    pub(super) fn may_report(&self) -> bool {
        self.stop.is_cancelled() || !self.term.is_cancelled()
    }
}
