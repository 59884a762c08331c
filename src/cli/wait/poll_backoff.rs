//! Time between two readings of a wait.
//!
//! Takes a seed. Returns waits that are short after a change, then longer and longer, and never in step
//! with others who wait.

use std::time::Duration;

use portalctl_platform::backoff::{Backoff, fraction};

/// Waits between readings: from 2 to 30 seconds.
const WAITS: Backoff = Backoff::doubling(Duration::from_secs(2), Duration::from_secs(30))
    .growth(1.5)
    .jitter(0.8, 1.2);

/// Back-off between readings, begun again after each change.
pub(super) struct PollBackoff {
    seed: u64,
    round: u64,
    since_change: u32,
}

impl PollBackoff {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            round: 0,
            since_change: 0,
        }
    }

    /// Begins again with the shortest wait.
    pub(super) fn reset(&mut self) {
        self.since_change = 0;
    }

    /// Returns the next wait.
    pub(super) fn next(&mut self) -> Duration {
        self.round += 1;
        let wait = WAITS.wait(self.since_change, fraction((self.seed, self.round)));
        self.since_change += 1;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_reset_after_a_change() {
        let mut backoff = PollBackoff::new(7);
        let pauses: Vec<f64> = (0..12).map(|_| backoff.next().as_secs_f64()).collect();
        assert!((1.6..=2.4).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses.iter().all(|seconds| (1.6..=36.0).contains(seconds)));
        assert!((24.0..=36.0).contains(&pauses[11]), "{pauses:?}");
        let mut same = PollBackoff::new(7);
        assert!((same.next().as_secs_f64() - pauses[0]).abs() < f64::EPSILON);
        backoff.reset();
        assert!(backoff.next() < Duration::from_secs(3));
    }
}
