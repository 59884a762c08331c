//! What all tasks of the operator share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::announce::Announcer;
use super::claims::Registry;
use super::lease::Term;
use super::metrics::Metrics;
use super::objects::{Environments, Organizations};
use super::portals::Portals;
use super::watches::Listed;
use portalctl_platform::clock::SharedClock;

/// What all tasks of the operator share.
pub(super) struct Context {
    /// The API server.
    pub(super) client: kube::Client,
    /// The time.
    pub(super) clock: SharedClock,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    /// Kubernetes Events.
    pub(super) announcer: Announcer,
    /// Clients of WorkOS.
    pub(super) portals: Portals,
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
    pub(super) listed: Listed,
    /// Whether this process leads.
    pub(super) term: watch::Receiver<Term>,
    /// An interval in place of every environment's own, for trying things out.
    pub(super) poll: Option<Duration>,
}
