//! Random numbers that depend on a seed and a subject alone, so that one more organization or one
//! more request does not change the other draws.

use std::time::Duration;

/// Seed from which a schedule is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The draws of a subject.
    pub(crate) fn of(self, subject: &str) -> Dice {
        // FNV-1a: the same for every version of the compiler, so that old seeds keep their meaning.
        let hash = subject
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325 ^ self.0, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Dice(hash)
    }

    /// The seed of a part.
    pub(crate) fn part(self, name: &str) -> Self {
        Self(self.of(name).next())
    }
}

/// Draws of one subject: `SplitMix64`.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number less than another.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
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
