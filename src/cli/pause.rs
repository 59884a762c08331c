//! How long to wait between readings of the same thing.

use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

/// How long after a change the next reading comes, and how long it is at most.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// By how much each pause is longer than the one before.
const GROWTH: f64 = 1.5;
/// By which part a pause may be shorter or longer than its turn.
const SPREAD: f64 = 0.2;

/// The time between readings: short after a change, then longer and longer, never in step with
/// others who wait.
pub(super) struct Pause {
    seed: u64,
    round: u64,
    next: Duration,
}

impl Pause {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            round: 0,
            next: SHORTEST_PAUSE,
        }
    }

    pub(super) fn begin_again(&mut self) {
        self.next = SHORTEST_PAUSE;
    }

    pub(super) fn next(&mut self) -> Duration {
        let turn = self.next;
        self.next = turn.mul_f64(GROWTH).min(LONGEST_PAUSE);
        self.round += 1;
        turn.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * self.chance())
    }

    /// At least 0, at most 1; the same for the same seed and round.
    fn chance(&self) -> f64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_u64(self.round);
        let upper = u32::try_from(hasher.finish() >> 32).unwrap_or_default();
        f64::from(upper) / f64::from(u32::MAX)
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
