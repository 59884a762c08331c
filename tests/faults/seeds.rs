//! Selects the seeds to play, the threads, and the time limit.

use std::env;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The longest that one schedule may take on the slowest machine: one that takes longer spins.
const LONGEST: Duration = Duration::from_mins(10);

/// A number that somebody asks for in the environment.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// So many seeds, from the first that is asked for on.
pub(crate) fn seeds(count: u64) -> Vec<u64> {
    let first = number("PORTALCTL_FIRST").unwrap_or(0);
    (first..first + count).collect()
}

/// Plays a schedule, and ends the process with its seed where it never ends.
#[expect(clippy::exit, reason = "nothing else ends a thread that spins")]
pub(crate) fn watched<T>(seed: u64, play: impl FnOnce() -> T) -> T {
    let (ended, ends) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if ends.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
                println!("PORTALCTL_SEED={seed} does not end within {LONGEST:?}");
                process::exit(101);
            }
        });
        // Dropped in the end, which is what is waited for.
        let _ended = ended;
        play()
    })
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
