//! Changes that failed: each is tried again later and later, and at once when its resource is
//! edited. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::conditions::Trouble;
use portalctl_model::OrgKey;
use portalctl_platform::backoff::Backoff;

/// The longest wait before a change is tried again.
const LONGEST: Duration = Duration::from_mins(30);

/// A change that failed.
#[derive(Debug, Clone)]
struct Setback {
    generation: i64,
    attempts: u32,
    not_before: Instant,
    trouble: Trouble,
}

/// The changes that failed, by entry.
#[derive(Debug, Clone, Default)]
pub(super) struct Setbacks {
    by_key: BTreeMap<OrgKey, Setback>,
}

impl Setbacks {
    /// What failed, while it is not to be tried again.
    pub(super) fn trouble(&self, key: &OrgKey, generation: i64, now: Instant) -> Option<&Trouble> {
        self.by_key
            .get(key)
            .filter(|setback| setback.generation == generation && setback.not_before > now)
            .map(|setback| &setback.trouble)
    }

    /// A change failed.
    pub(super) fn add(
        &mut self,
        key: &OrgKey,
        generation: i64,
        trouble: Trouble,
        interval: Duration,
        now: Instant,
    ) {
        let before = self.by_key.get(key);
        let attempts = before
            .filter(|setback| setback.generation == generation)
            .map_or(0, |setback| setback.attempts);
        let wait = Backoff::doubling(interval, LONGEST).wait(attempts, 0.0);
        let setback = Setback {
            generation,
            attempts: attempts + 1,
            not_before: now + wait,
            trouble,
        };
        self.by_key.insert(key.clone(), setback);
    }

    /// Forgets entries that have nothing left to do.
    pub(super) fn keep(&mut self, has_work: impl Fn(&OrgKey) -> bool) {
        self.by_key.retain(|key, _| has_work(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use portalctl_platform::clock::{Clock, SystemClock};

    #[tokio::test(start_paused = true)]
    async fn a_failed_change_waits_longer_each_time_and_an_edit_tries_at_once() {
        let now = SystemClock.instant();
        let minute = Duration::from_mins(1);
        let key = OrgKey::parse("acme").unwrap();
        let mut setbacks = Setbacks::default();
        for minutes in [1, 2, 4, 8, 16, 30, 30] {
            let trouble = Trouble::new(Reason::Refused, "no");
            setbacks.add(&key, 1, trouble, minute, now);
            let is_waiting = |at| setbacks.trouble(&key, 1, at).is_some();
            assert!(is_waiting(now + minute * minutes - Duration::from_secs(1)));
            assert!(!is_waiting(now + minute * minutes));
        }
        assert!(setbacks.trouble(&key, 2, now).is_none());
    }
}
