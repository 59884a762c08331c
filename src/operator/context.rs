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
use crate::clock::SharedClock;

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
    /// What the environments claim.
    pub(super) registry: Registry,
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
