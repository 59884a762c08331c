//! Which seeds are played, and where.

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A number that somebody asks for in the environment.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Judges seeds on every core, in whatever order.
pub(crate) fn on_every_core(seeds: &[u64], judge: impl Fn(u64) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    judge(*seed);
                }
            });
        }
    });
}
