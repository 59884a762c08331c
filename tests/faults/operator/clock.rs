//! A replica's clock, whose wall time jumps and whose monotonic time does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use portalctl_platform::clock::{Clock, FixedClock};
use tokio::time::Instant;

/// A clock that somebody can set.
#[derive(Debug, Clone)]
pub(crate) struct JumpingClock {
    true_time: FixedClock,
    /// Seconds that the clock is ahead of true time.
    ahead: Arc<AtomicI64>,
}

impl JumpingClock {
    /// Creates a clock that shows true time.
    pub(crate) fn new(true_time: FixedClock) -> Self {
        Self {
            true_time,
            ahead: Arc::default(),
        }
    }

    /// Sets it so many seconds ahead of the true time, or behind.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        let now = self.true_time.now();
        now.checked_add(ahead).unwrap_or(now)
    }

    fn instant(&self) -> Instant {
        self.true_time.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.true_time.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.true_time.sleep_until(deadline)
    }
}
