//! Random numbers that depend on a seed and a subject alone, so that one more organization, or
//! requests in another order, do not change the other draws.

use portalctl_platform::random::{SplitMix64, fnv1a, scramble};

/// The numbers of one subject.
#[derive(Debug, Clone)]
pub(crate) struct Random(SplitMix64);

impl Random {
    /// The numbers of a subject.
    pub(crate) fn of(seed: u64, subject: &str) -> Self {
        Self(SplitMix64::new(hash(scramble(seed), subject)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// At least 0, less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Folds a text into a hash.
pub(crate) fn hash(start: u64, text: &str) -> u64 {
    scramble(fnv1a(text, start))
}
