//! Retry delays of writes to WorkOS and of watches of the API server.
//!
//! Goes in: failures and the time. Comes out: the time of the next try. Sends nothing itself.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use kube::runtime::utils::Backoff as KubeBackoff;
use tokio::time::Instant;

use super::conditions::BlockedReason;
use portalctl_model::OrgKey;
use portalctl_platform::backoff::{Backoff, fraction};
use portalctl_platform::clock::SharedClock;

/// Longest delay before a failed write is tried again.
const MAX_WRITE_DELAY: Duration = Duration::from_mins(30);
/// First delay of a watch that broke.
const FIRST_WATCH_DELAY: Duration = Duration::from_millis(800);
/// Longest delay of a watch that broke, before jitter.
const MAX_WATCH_DELAY: Duration = Duration::from_secs(30);
/// Delays of a watch that breaks again and again.
const WATCH_DELAYS: Backoff =
    Backoff::doubling(FIRST_WATCH_DELAY, MAX_WATCH_DELAY).jitter(1.0, 2.0);
/// Time without a failure after which a watch starts again with its first delay.
const WATCH_RESET: Duration = Duration::from_mins(2);

/// Write that failed for one version of a resource.
#[derive(Debug, Clone)]
struct FailedWrite {
    generation: i64,
    attempts: u32,
    not_before: Instant,
    reason: BlockedReason,
}

/// Writes that failed and wait for their next retry, by entry.
#[derive(Debug, Clone, Default)]
pub(super) struct FailedWrites {
    by_key: BTreeMap<OrgKey, FailedWrite>,
}

impl FailedWrites {
    /// Returns why an entry is not written yet. An edit of the resource ends the wait.
    pub(super) fn waiting(
        &self,
        key: &OrgKey,
        generation: i64,
        now: Instant,
    ) -> Option<&BlockedReason> {
        self.by_key
            .get(key)
            .filter(|failed| failed.generation == generation && failed.not_before > now)
            .map(|failed| &failed.reason)
    }

    /// Records a failure. The delay starts at `interval` and doubles up to 30 minutes.
    pub(super) fn add(
        &mut self,
        key: &OrgKey,
        generation: i64,
        reason: BlockedReason,
        (interval, now): (Duration, Instant),
    ) {
        let before = self.by_key.get(key);
        let attempts = before
            .filter(|failed| failed.generation == generation)
            .map_or(0, |failed| failed.attempts);
        let wait = Backoff::doubling(interval, MAX_WRITE_DELAY).wait(attempts, 0.0);
        let failed = FailedWrite {
            generation,
            attempts: attempts + 1,
            not_before: now + wait,
            reason,
        };
        self.by_key.insert(key.clone(), failed);
    }

    /// Forgets the entries that have nothing left to write.
    pub(super) fn retain(&mut self, has_work: impl Fn(&OrgKey) -> bool) {
        self.by_key.retain(|key, _| has_work(key));
    }

    /// Forgets all failures.
    pub(super) fn clear(&mut self) {
        self.by_key.clear();
    }
}

/// Delays of one watch.
///
/// The back-off of kube resets with every success, even with the event that a listing is about to be
/// tried, so a listing that always fails would be retried without a growing delay.
pub(super) struct WatchBackoff {
    clock: SharedClock,
    /// Name of the watch, so that two watches do not retry in step.
    name: String,
    failures: u32,
    /// End of the last delay.
    last: Option<Instant>,
}

impl WatchBackoff {
    /// Creates the delays of a watch that has not failed yet.
    pub(super) const fn new(clock: SharedClock, name: String) -> Self {
        Self {
            clock,
            name,
            failures: 0,
            last: None,
        }
    }
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let now = self.clock.instant();
        if self.last.is_none_or(|last| last + WATCH_RESET <= now) {
            self.failures = 0;
        }
        let random = fraction((&self.name, self.clock.now().as_nanosecond()));
        let wait = WATCH_DELAYS.wait(self.failures, random);
        self.failures = self.failures.saturating_add(1);
        self.last = Some(now + wait);
        Some(wait)
    }
}

impl KubeBackoff for WatchBackoff {
    /// Does nothing: kube calls it with every success, and only time resets these delays.
    fn reset(&mut self) {}
}

/// Returns a number that no other process on this machine has.
pub fn instance_id(clock: &SharedClock) -> u64 {
    seed(clock, &std::process::id())
}

/// Returns a seed that depends on the time and on the name of its user.
pub(super) fn seed(clock: &SharedClock, name: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    clock.now().as_nanosecond().hash(&mut hasher);
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
