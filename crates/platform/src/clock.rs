//! Time: the only place that reads it or sleeps.
//!
//! Waiting goes through tokio's timer, so a test that runs under `tokio::time::pause` gets virtual
//! time with the real clock type.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// The wall clock: what reports and evidence are dated by.
    fn now(&self) -> Timestamp;

    /// A monotonic reading: what durations are measured by.
    fn instant(&self) -> Instant;

    /// Waits for a duration.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Waits until a monotonic reading; returns at once when it has passed.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()>;
}

/// A clock that is shared between tasks.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep_until(deadline))
    }
}

/// A clock whose wall time starts where it is told and moves with tokio's timer.
///
/// Under `tokio::time::pause` nothing in it depends on the machine.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock {
    start: Timestamp,
    began: Option<Instant>,
}

impl FixedClock {
    /// A clock that stands still.
    pub const fn at(start: Timestamp) -> Self {
        Self { start, began: None }
    }

    /// A clock that starts at a time and moves with tokio's timer.
    pub fn from(start: Timestamp) -> Self {
        Self {
            start,
            began: Some(SystemClock.instant()),
        }
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        let passed = self
            .began
            .map(|began| SystemClock.instant().duration_since(began));
        self.start
            .checked_add(passed.unwrap_or_default())
            .unwrap_or(self.start)
    }

    fn instant(&self) -> Instant {
        SystemClock.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        SystemClock.sleep_until(deadline)
    }
}

/// Runs a future for at most a duration; `None` when it did not finish.
pub async fn within<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(duration, future).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn virtual_time_moves_the_wall_clock() {
        let clock = FixedClock::from(Timestamp::UNIX_EPOCH);
        clock.sleep(Duration::from_hours(1)).await;
        assert_eq!(clock.now().as_second(), 3600);
        assert_eq!(
            FixedClock::at(Timestamp::UNIX_EPOCH).now(),
            Timestamp::UNIX_EPOCH
        );
    }
}
