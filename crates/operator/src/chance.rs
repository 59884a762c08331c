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
