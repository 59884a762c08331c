//! Memory of one environment's task between its passes.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::FailedWrites;
use super::cache::Cache;
use super::claims::Refusal;
use super::clients::{Connection, Fingerprint};
use super::conditions::BlockedReason;
use super::kube_api::Statuses;
use super::limits::{DeletionDelays, HourlyQuota, RepeatedWrites};
use super::resolved_spec::Reader;
use super::resource::Uid;
use super::schedule::{Intervals, Schedule};
use portalctl_manifest::kubernetes::OperatorSettings;

/// Memory of one environment's task between its passes.
pub(super) struct State {
    /// Last resolved specs.
    pub(super) reader: Reader,
    /// Last connection to WorkOS.
    pub(super) connection: ConnectionState,
    /// Observed state of WorkOS.
    pub(super) observation: Observation,
    /// Writes that failed, and the limits on writes.
    pub(super) writes: WriteState,
    /// Statuses that the watches do not show yet.
    pub(super) statuses: Statuses,
    /// Claims that were refused in the last pass.
    pub(super) refusals: Vec<Refusal>,
    /// Other release of the operator that keeps the environment.
    pub(super) other_release: Option<String>,
}

/// Last connection of an environment to WorkOS.
#[derive(Default)]
pub(super) struct ConnectionState {
    /// Connection of the environment with this uid. Its end needs it after the Secret is gone.
    pub(super) last: Option<(Uid, Connection)>,
    /// Time at which the API key was last read from its Secret.
    pub(super) key_read: Option<Instant>,
    /// Key and endpoint whose account was found to be the right one in this term.
    pub(super) verified: Option<Fingerprint>,
    /// Generation of the environment in the last pass.
    pub(super) generation: Option<i64>,
}

/// Observed state of WorkOS with its schedule.
pub(super) struct Observation {
    /// Cache, once WorkOS was read.
    pub(super) cache: Option<Cache>,
    /// Key and endpoint that the cache is of.
    pub(super) of: Option<Fingerprint>,
    /// Due times of the next requests.
    pub(super) schedule: Schedule,
    /// Error of the last read, if it failed.
    pub(super) error: Option<BlockedReason>,
}

impl Observation {
    /// Forgets what was observed, so that everything is read again.
    pub(super) fn reset(&mut self) {
        self.cache = None;
        self.schedule.reset();
    }
}

/// Writes that failed, and the limits on writes.
#[derive(Default)]
pub(super) struct WriteState {
    /// Writes that failed and wait for their next retry.
    pub(super) failed: FailedWrites,
    /// Writes of each field, to notice another writer.
    pub(super) repeated: RepeatedWrites,
    /// Creations and deletions of the last hour.
    pub(super) quota: HourlyQuota,
    /// Delays of deletions.
    pub(super) delays: DeletionDelays,
}

impl State {
    /// Creates an empty memory. `poll` replaces the poll interval of the environment.
    pub(super) fn new(poll: Option<Duration>) -> Self {
        let intervals = Intervals::of(&OperatorSettings::default(), poll);
        Self {
            reader: Reader::default(),
            connection: ConnectionState::default(),
            observation: Observation {
                cache: None,
                of: None,
                schedule: Schedule::new(intervals),
                error: None,
            },
            writes: WriteState::default(),
            statuses: Statuses::default(),
            refusals: Vec::new(),
            other_release: None,
        }
    }

    /// Forgets everything that another process may have changed while it led.
    ///
    /// The counts of writes go on: this process made them, whoever led since. The statuses that were
    /// written are still newer than those of a watch that has not caught up.
    pub(super) fn end_term(&mut self) {
        self.observation.reset();
        self.observation.of = None;
        self.connection.verified = None;
        self.connection.last = None;
        self.writes.delays = DeletionDelays::default();
        self.writes.quota = HourlyQuota::default();
    }
}
