//! Time to wait between two readings of the same thing.

use std::time::Duration;

use portalctl_platform::backoff::{Backoff, fraction};

/// Waits between readings.
const WAITS: Backoff = Backoff::doubling(Duration::from_secs(2), Duration::from_secs(30))
    .growth(1.5)
    .jitter(0.8, 1.2);

/// The time between readings: short after a change, then longer and longer, never in step with
/// others who wait.
pub(super) struct Pause {
    seed: u64,
    round: u64,
    since_change: u32,
}

impl Pause {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            round: 0,
            since_change: 0,
        }
    }

    pub(super) fn begin_again(&mut self) {
        self.since_change = 0;
    }

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
    fn pauses_grow_to_a_bound_and_begin_again_after_a_change() {
        let mut pause = Pause::new(7);
        let pauses: Vec<f64> = (0..12).map(|_| pause.next().as_secs_f64()).collect();
        assert!((1.6..=2.4).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses.iter().all(|seconds| (1.6..=36.0).contains(seconds)));
        assert!((24.0..=36.0).contains(&pauses[11]), "{pauses:?}");
        let mut same = Pause::new(7);
        assert!((same.next().as_secs_f64() - pauses[0]).abs() < f64::EPSILON);
        pause.begin_again();
        assert!(pause.next() < Duration::from_secs(3));
    }
}
