//! Due times of the requests to WorkOS for one environment, and the delay after errors.
//!
//! ```text
//! poll     events since the last poll            60 s
//! resync   all lists again                       1 h, up to a tenth earlier
//! sweep    questions about single objects        each once an hour, within a share of the pace
//! ```
//!
//! Goes in: intervals, the time and a random number. Sends nothing itself.

use std::time::Duration;

use tokio::time::Instant;

use portalctl_manifest::kubernetes::OperatorSettings;
use portalctl_model::duration;
use portalctl_platform::backoff::Backoff;

/// Longest delay after errors in a row.
const MAX_DELAY: Duration = Duration::from_mins(10);
/// Divisor of the pace that gives the share of the sweep.
const SWEEP_SHARE: u32 = 4;
/// Largest part of the interval by which a listing may be early, so that environments do not list
/// in step.
const SPREAD: f64 = 0.1;

/// Intervals and pace of one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Intervals {
    /// Time between two reads of the events.
    pub(super) poll: Duration,
    /// Time between two listings.
    pub(super) resync: Duration,
    /// Time between two questions about the same object.
    pub(super) sweep: Duration,
    /// Most requests a second, of all kinds together.
    pub(super) pace: u32,
}

impl Intervals {
    /// Reads the intervals of an environment. The CRD refuses a text that is no duration above zero;
    /// an object that is older than that rule gets the default.
    pub(super) fn of(settings: &OperatorSettings, poll: Option<Duration>) -> Self {
        let read = |text: &str, default: Duration| {
            duration::parse(text)
                .filter(|duration| !duration.is_zero())
                .unwrap_or(default)
        };
        let texts = &settings.intervals;
        Self {
            poll: poll.unwrap_or_else(|| read(&texts.poll, Duration::from_mins(1))),
            resync: read(&texts.resync, Duration::from_hours(1)),
            sweep: read(&texts.sweep, Duration::from_hours(1)),
            pace: settings.requests_per_second,
        }
    }
}

/// Due times of one environment.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    intervals: Intervals,
    polled: Option<Instant>,
    resync_at: Option<Instant>,
    sweep_at: Option<Instant>,
    /// Errors since the last success.
    errors: u32,
    /// End of the delay after the last error.
    not_before: Option<Instant>,
}

impl Schedule {
    /// Creates a schedule in which everything is due at once.
    pub(super) const fn new(intervals: Intervals) -> Self {
        Self {
            intervals,
            polled: None,
            resync_at: None,
            sweep_at: None,
            errors: 0,
            not_before: None,
        }
    }

    /// Returns the intervals in use.
    pub(super) const fn intervals(&self) -> &Intervals {
        &self.intervals
    }

    /// Replaces the intervals and keeps the times of what was done.
    pub(super) const fn set_intervals(&mut self, intervals: Intervals) {
        self.intervals = intervals;
    }

    /// Forgets what was done, so that everything is due at once.
    pub(super) const fn reset(&mut self) {
        *self = Self::new(self.intervals);
    }

    /// Returns whether no delay after an error forbids requests.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }

    /// Returns whether all lists are to be read.
    pub(super) fn is_resync_due(&self, now: Instant) -> bool {
        self.resync_at.is_none_or(|at| at <= now)
    }

    /// Returns whether the events are to be read.
    pub(super) fn is_poll_due(&self, now: Instant) -> bool {
        self.polled.is_none_or(|at| at + self.intervals.poll <= now)
    }

    /// Returns whether the next questions of the sweep may be sent.
    pub(super) fn is_sweep_due(&self, now: Instant) -> bool {
        self.sweep_at.is_none_or(|at| at <= now)
    }

    /// Returns the time at which a poll or a listing is due.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let poll = self.polled.map_or(now, |at| at + self.intervals.poll);
        let due = self.resync_at.map_or(now, |at| at.min(poll));
        self.not_before.map_or(due, |at| at.max(due))
    }

    /// Records a listing. `random` is at least 0 and less than 1.
    pub(super) fn listed(&mut self, now: Instant, random: f64) {
        let resync = self.intervals.resync;
        let early = resync.mul_f64(SPREAD * random);
        self.resync_at = Some(now + resync.saturating_sub(early));
        self.polled(now);
    }

    /// Records a read of the events.
    pub(super) const fn polled(&mut self, now: Instant) {
        self.polled = Some(now);
        self.reopen();
    }

    /// Makes the next poll due at once.
    pub(super) const fn request_poll(&mut self) {
        self.polled = None;
    }

    /// Ends the delay after errors: the key or the endpoint is another one.
    pub(super) const fn reopen(&mut self) {
        self.errors = 0;
        self.not_before = None;
    }

    /// Returns the most requests that the sweep may send at once.
    pub(super) fn sweep_size(&self) -> usize {
        self.intervals.pace.max(1) as usize
    }

    /// Records questions of the sweep and the number of those that are left. They follow as soon as
    /// the share of the sweep allows.
    pub(super) fn swept(&mut self, now: Instant, asked: usize, left: usize) {
        let asked = u32::try_from(asked).unwrap_or(u32::MAX);
        let share = f64::from(self.intervals.pace.max(1)) / f64::from(SWEEP_SHARE);
        let pause = Duration::from_secs_f64(f64::from(asked) / share);
        self.sweep_at = (left > 0).then(|| now + pause);
    }

    /// Returns the time of the next questions of the sweep, if any are left.
    pub(super) const fn sweep_at(&self) -> Option<Instant> {
        self.sweep_at
    }

    /// Records an error. The delay doubles with each one; it is never less than the poll interval,
    /// nor than WorkOS asked for.
    pub(super) fn failed(&mut self, now: Instant, retry_after: Option<Duration>, random: f64) {
        let backoff = Backoff::doubling(self.intervals.poll, MAX_DELAY).jitter(1.0, 1.2);
        let wait = backoff.wait(self.errors, random);
        let wait = retry_after.map_or(wait, |asked| asked.max(wait));
        self.errors = self.errors.saturating_add(1);
        self.not_before = Some(now + wait);
    }
}

#[cfg(test)]
mod tests;
