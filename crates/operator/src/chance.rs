//! Chance, for spreading things out: it guards nothing.

use std::hash::{DefaultHasher, Hash, Hasher};

use portalctl_platform::clock::SharedClock;

/// A number that no other process on this machine has.
pub fn instance(clock: &SharedClock) -> u64 {
    seed(clock, &std::process::id())
}

/// A seed that differs between moments, and between those who ask.
pub(super) fn seed(clock: &SharedClock, who: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    clock.now().as_nanosecond().hash(&mut hasher);
    who.hash(&mut hasher);
    hasher.finish()
}

/// At least 0, less than 1, from anything that differs.
pub(super) fn of(what: impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    // The upper half is enough, and fits a float exactly.
    let upper = u32::try_from(hasher.finish() >> 32).unwrap_or_default();
    f64::from(upper) / (f64::from(u32::MAX) + 1.0)
}
