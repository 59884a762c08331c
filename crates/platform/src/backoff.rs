//! Exponential back-off: the time to wait before something is tried again.
//!
//! Goes in: the number of failures and a random number. Comes out: a duration. Reads no clock and
//! draws no number itself, so that callers stay testable.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Waits that grow from one try to the next up to a limit, and vary at random so that clients do
/// not retry in step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    growth: f64,
    jitter: (f64, f64),
}

impl Backoff {
    /// Creates a back-off that doubles each wait and has no jitter. A limit below the first wait
    /// counts as the first wait.
    pub const fn doubling(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            growth: 2.0,
            jitter: (1.0, 1.0),
        }
    }

    /// Sets the factor between two waits; 2 by default.
    #[must_use]
    pub const fn growth(mut self, factor: f64) -> Self {
        self.growth = factor;
        self
    }

    /// Sets the smallest and the largest factor by which a wait varies at random; 1 and 1 by
    /// default. The limit holds before this factor.
    #[must_use]
    pub const fn jitter(mut self, smallest: f64, largest: f64) -> Self {
        self.jitter = (smallest, largest);
        self
    }

    /// Returns the wait after a number of earlier failures: 0 gives the first wait. `random` is at
    /// least 0 and less than 1.
    pub fn wait(&self, failures: u32, random: f64) -> Duration {
        let factor = self.growth.powi(failures.min(64).cast_signed());
        let full = Duration::try_from_secs_f64(self.first.as_secs_f64() * factor);
        let longest = self.longest.max(self.first);
        let full = full.unwrap_or(longest).min(longest);
        let (smallest, largest) = self.jitter;
        full.mul_f64(smallest + (largest - smallest) * random.clamp(0.0, 1.0))
    }
}

/// Returns a number of at least 0 and less than 1 that looks random and depends on `seed` alone.
pub fn fraction(seed: impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    // The upper half is enough, and fits a float exactly.
    let [a, b, c, d, ..] = hasher.finish().to_be_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_the_limit() {
        let backoff = Backoff::doubling(SECOND, Duration::from_secs(30));
        let waits: Vec<u64> = (0..7).map(|n| backoff.wait(n, 0.5).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.wait(u32::MAX, 0.5), Duration::from_secs(30));
    }

    #[test]
    fn the_limit_is_never_below_the_first_wait() {
        let backoff = Backoff::doubling(Duration::from_hours(1), SECOND);
        assert_eq!(backoff.wait(5, 0.0), Duration::from_hours(1));
    }

    #[test]
    fn jitter_spans_its_two_factors() {
        let backoff = Backoff::doubling(SECOND, SECOND).jitter(0.5, 1.5);
        assert_eq!(backoff.wait(0, 0.0), SECOND / 2);
        assert_eq!(backoff.wait(0, 0.5), SECOND);
        assert_eq!(backoff.wait(0, 1.0), SECOND * 3 / 2);
    }

    #[test]
    fn a_fraction_depends_on_its_seed_alone() {
        assert!((fraction(("seed", 7)) - fraction(("seed", 7))).abs() < f64::EPSILON);
        assert!((fraction(("seed", 7)) - fraction(("seed", 8))).abs() > f64::EPSILON);
        assert!((0..100).all(|n| (0.0..1.0).contains(&fraction(n))));
    }
}
