//! Random numbers that depend on a seed and a subject alone, so that one more organization or one
//! more request does not change the other draws.

use std::time::Duration;

use portalctl_platform::random::{SplitMix64, fnv1a};

/// Seed from which a schedule is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The draws of a subject.
    pub(crate) fn of(self, subject: &str) -> Dice {
        Dice(SplitMix64::new(fnv1a(subject, self.0)))
    }

    /// The seed of a part.
    pub(crate) fn part(self, name: &str) -> Self {
        Self(self.of(name).next())
    }
}

/// Draws of one subject.
#[derive(Debug, Clone)]
pub(crate) struct Dice(SplitMix64);

impl Dice {
    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number less than another.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// Returns true with a probability of so many percent.
    pub(crate) fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    /// One of several.
    pub(crate) fn among<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(all.len() as u64)).unwrap();
        &all[index]
    }

    /// So many milliseconds, the first of them included.
    pub(crate) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}
