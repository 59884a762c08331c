//! One pace for all requests of a process.
//!
//! Requests get evenly spaced slots on an absolute schedule: who wakes up late does not move the
//! slots behind it, and there are no bursts. `Retry-After` stops everybody. With the default rate
//! the pace also slows down while the rate-limit headers say that the budget would run out.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use tokio::time::Instant;

use super::rate_headers::{Budget, MAX_PAUSE, RateHeaders};
use portalctl_platform::clock::SharedClock;

/// Most time that a slot may lie in the past when it is taken.
///
/// At 95 a second this adds three requests to a window of one second, which stays below 100.
const CATCH_UP: Duration = Duration::from_millis(40);
/// The pause after 429 when nothing says how long to wait.
const PAUSE: Duration = Duration::from_secs(1);
/// The smallest share of the rate that 429s lower it to.
const MIN_SHARE: f64 = 0.125;
/// The share of the rate that comes back per second.
const RECOVERY: f64 = 0.1;
/// The slowest pace that the rate-limit headers bring about.
const MAX_INTERVAL: Duration = Duration::from_secs(1);

/// Most requests that are sent a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
    /// Set by the user: only 429 and `Retry-After` lower it.
    is_ceiling: bool,
}

impl Rate {
    /// A rate that the user asked for.
    pub fn ceiling(per_second: NonZeroU32) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second.get(),
            is_ceiling: true,
        }
    }
}

impl Default for Rate {
    /// 50 a second, half of what WorkOS allows a key (6,000 requests in 60 seconds).
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(20),
            is_ceiling: false,
        }
    }
}

/// Hands out slots.
pub(super) struct Pace {
    rate: Rate,
    clock: SharedClock,
    /// Held by the one who waits for the next slot. It is fair, so slots go in order of arrival,
    /// and nobody but its holder waits on a slot computed before the pace changed.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: Option<Instant>,
    paused_until: Option<Instant>,
    stretched: Option<Stretched>,
    lowered: Option<Lowered>,
}

/// A slower pace until the budget is full again.
struct Stretched {
    interval: Duration,
    until: Instant,
}

/// A share of the rate, growing from a time on.
struct Lowered {
    share: f64,
    since: Instant,
}

impl Lowered {
    fn share_at(&self, now: Instant) -> f64 {
        let recovered = now.saturating_duration_since(self.since).as_secs_f64() * RECOVERY;
        (self.share + recovered).min(1.0)
    }
}

impl Pace {
    pub(super) fn new(rate: Rate, clock: SharedClock) -> Self {
        Self {
            rate,
            clock,
            turn: tokio::sync::Mutex::new(()),
            state: Mutex::default(),
        }
    }

    /// Waits for a slot. Dropping the future gives the turn to the next, and no slot is lost.
    pub(super) async fn acquire(&self) {
        let _turn = self.turn.lock().await;
        while let Err(then) = self.take(self.clock.instant()) {
            self.clock.sleep_until(then).await;
        }
    }

    /// Takes the next slot when it is due, or says when to ask again.
    fn take(&self, now: Instant) -> Result<(), Instant> {
        let mut state = self.state();
        if let Some(until) = state.paused_until.filter(|until| *until > now) {
            return Err(until);
        }
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        let slot = state.next.map_or(now, |next| next.max(earliest));
        if slot > now {
            return Err(slot);
        }
        state.next = Some(slot + self.interval(&state, now));
        Ok(())
    }

    /// The time between two slots.
    fn interval(&self, state: &State, now: Instant) -> Duration {
        let base = self.rate.interval;
        let stretched = state
            .stretched
            .as_ref()
            .filter(|stretched| stretched.until > now)
            .map_or(base, |stretched| stretched.interval.max(base));
        let lowered = state.lowered.as_ref().map_or(base, |lowered| {
            base.div_f64(lowered.share_at(now).max(MIN_SHARE))
        });
        stretched.max(lowered)
    }

    /// Learns from an answer.
    pub(super) fn learn(&self, headers: RateHeaders, status: StatusCode) {
        let is_limited = status == StatusCode::TOO_MANY_REQUESTS;
        let now = self.clock.instant();
        let mut state = self.state();
        let spent = headers.budget.filter(|budget| budget.remaining == 0);
        let pause = match headers.retry_after {
            Some(wait) => Some(wait),
            None if !is_limited => None,
            None => {
                lower(&mut state, now);
                Some(spent.map_or(PAUSE, |budget| budget.reset_in.min(MAX_PAUSE)))
            }
        };
        if let Some(until) = pause.map(|pause| now + pause) {
            // What was due meanwhile is not caught up with.
            state.paused_until = state.paused_until.max(Some(until));
            state.next = state.next.max(Some(until));
        }
        if let Some(budget) = headers.budget.filter(|_| !self.rate.is_ceiling) {
            state.stretched = self.stretch(budget).map(|interval| Stretched {
                interval,
                until: now + budget.reset_in,
            });
        }
    }

    /// The pace at which a tenth of the budget is left when it is full again; none when the rate
    /// as it is does no harm.
    ///
    /// While more than half is left nothing is slowed down: most runs are over long before.
    fn stretch(&self, budget: Budget) -> Option<Duration> {
        let Budget {
            limit,
            remaining,
            reset_in,
        } = budget;
        if remaining > limit / 2 || reset_in.is_zero() {
            return None;
        }
        let usable = remaining.saturating_sub(limit / 10);
        let even = reset_in.checked_div(usable).unwrap_or(MAX_INTERVAL);
        (even > self.rate.interval).then(|| even.min(MAX_INTERVAL))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Halves the rate. The answers to requests that were on their way together count as one.
fn lower(state: &mut State, now: Instant) {
    let share = match &state.lowered {
        Some(lowered) if now.saturating_duration_since(lowered.since) < PAUSE => return,
        Some(lowered) => lowered.share_at(now),
        None => 1.0,
    };
    state.lowered = Some(Lowered {
        share: (share / 2.0).max(MIN_SHARE),
        since: now,
    });
}

#[cfg(test)]
mod tests;
