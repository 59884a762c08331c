//! Waits for conditions, never for a fixed time.

use std::fmt::Debug;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// Time limit of every condition, longer than any takes on a slow machine.
pub(crate) const LONG: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(10);

/// Polls until there is a value.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "other processes do not run on the clock of the tests"
)]
pub(crate) fn until<T>(what: impl Debug, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what:?}");
        std::thread::sleep(POLL);
    }
}

/// Waits for a process to end.
#[track_caller]
pub(crate) fn for_end(child: &mut Child) -> ExitStatus {
    until("the process to end", || child.try_wait().unwrap())
}
