//! How long a watch that broke waits before it begins again: longer each time, until it has held for
//! a while.
//!
//! kube's own begins from the start with whatever succeeds, even with the word that a listing is
//! about to be tried, so that a listing that fails would be tried again and again without a pause
//! that grows.

use std::time::Duration;

use kube::runtime::utils::Backoff as KubeBackoff;
use tokio::time::Instant;

use portalctl_platform::backoff::{Backoff, fraction};
use portalctl_platform::clock::SharedClock;

/// The first wait, doubled by each failure.
const FIRST: Duration = Duration::from_millis(800);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// Waits between the tries.
const WAITS: Backoff = Backoff::doubling(FIRST, LONGEST).jitter(1.0, 2.0);
/// After this long without a failure the next is a first one.
const CALM: Duration = Duration::from_mins(2);

/// The waits of one watch.
pub(super) struct WatchBackoff {
    clock: SharedClock,
    /// Whose watch it is, so that two do not come back in step.
    who: String,
    failures: u32,
    last: Option<Instant>,
}

impl WatchBackoff {
    /// Of a watch that has not failed yet.
    pub(super) const fn new(clock: SharedClock, who: String) -> Self {
        Self {
            clock,
            who,
            failures: 0,
            last: None,
        }
    }
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let now = self.clock.instant();
        if self.last.is_none_or(|last| last + CALM <= now) {
            self.failures = 0;
        }
        let random = fraction((&self.who, self.clock.now().as_nanosecond()));
        let wait = WAITS.wait(self.failures, random);
        self.failures = self.failures.saturating_add(1);
        self.last = Some(now + wait);
        Some(wait)
    }
}

impl KubeBackoff for WatchBackoff {
    /// Called with every success, however small: only time calms.
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use portalctl_platform::clock::{Clock, SystemClock};

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_goes_on_failing_waits_longer_each_time_whatever_succeeds_between() {
        let mut backoff = WatchBackoff::new(Arc::new(SystemClock), "one".to_owned());
        let mut full = FIRST;
        for _ in 0..10 {
            let wait = backoff.next().unwrap();
            assert!(full <= wait && wait < 2 * full, "{wait:?}, not {full:?}");
            full = LONGEST.min(2 * full);
            SystemClock.sleep(wait).await;
            backoff.reset();
        }
        SystemClock.sleep(CALM).await;
        assert!(backoff.next().unwrap() < 2 * FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn calm_is_counted_from_the_end_of_a_wait_and_not_from_the_failure_before_it() {
        let mut backoff = WatchBackoff::new(Arc::new(SystemClock), "one".to_owned());
        let mut wait = Duration::ZERO;
        for _ in 0..10 {
            wait = backoff.next().unwrap();
            SystemClock.sleep(wait).await;
        }
        assert!(wait >= LONGEST);
        SystemClock
            .sleep(CALM.saturating_sub(Duration::from_secs(1)))
            .await;
        let next = backoff.next().unwrap();
        assert!(next >= LONGEST, "{next:?}");
    }
}
