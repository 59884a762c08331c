//! When something is due: the three schedule of an environment, and how errors slow them. Pure.
//!
//! ```text
//! poll     the events since the last look        60 s
//! resync   every list again                      1 h, a little earlier or later
//! sweep    what is asked one by one              each once an hour, spread over a share of the pace
//! ```

use std::time::Duration;

use tokio::time::Instant;

use portalctl_platform::backoff::Backoff;

/// How often, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Intervals {
    /// Between two looks at the events.
    pub(super) poll: Duration,
    /// Between two listings.
    pub(super) resync: Duration,
    /// In which everything is asked once that is asked one by one.
    pub(super) sweep: Duration,
    /// The most requests a second, all together.
    pub(super) pace: u32,
}

/// The longest wait after errors in a row.
const LONGEST_BACKOFF: Duration = Duration::from_mins(10);
/// The part of the pace that the sweep may take.
const SWEEP_SHARE: u32 = 4;
/// How much earlier a listing may be than its interval says, so that environments do not list in
/// step.
const SPREAD: f64 = 0.1;

/// The schedule of one environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Schedule {
    polled: Option<Instant>,
    /// When the next listing is due.
    resync_at: Option<Instant>,
    sweep_at: Option<Instant>,
    errors: u32,
    not_before: Option<Instant>,
}

impl Schedule {
    /// Whether requests may be made at all.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }

    /// Whether everything is to be listed.
    pub(super) fn is_resync_due(&self, now: Instant) -> bool {
        self.resync_at.is_none_or(|at| at <= now)
    }

    /// Whether the events are to be looked at.
    pub(super) fn is_poll_due(&self, intervals: &Intervals, now: Instant) -> bool {
        self.polled.is_none_or(|at| at + intervals.poll <= now)
    }

    /// Whether the next part of the sweep may be asked.
    pub(super) fn is_sweep_due(&self, now: Instant) -> bool {
        self.sweep_at.is_none_or(|at| at <= now)
    }

    /// When to look at the schedule again.
    pub(super) fn next(&self, intervals: &Intervals, now: Instant) -> Instant {
        let poll = self.polled.map_or(now, |at| at + intervals.poll);
        let due = self.resync_at.map_or(now, |at| at.min(poll));
        self.not_before.map_or(due, |at| at.max(due))
    }

    /// Everything was listed. `chance` is at least 0, less than 1.
    pub(super) fn listed(&mut self, intervals: &Intervals, now: Instant, chance: f64) {
        let early = intervals.resync.mul_f64(SPREAD * chance);
        self.resync_at = Some(now + intervals.resync.saturating_sub(early));
        self.polled(now);
    }

    /// The events were looked at.
    pub(super) fn polled(&mut self, now: Instant) {
        self.polled = Some(now);
        self.errors = 0;
        self.not_before = None;
    }

    /// The events are to be looked at now.
    pub(super) fn trigger(&mut self) {
        self.polled = None;
    }

    /// Errors of the past say nothing any more: the key or the endpoint is another.
    pub(super) fn reopen(&mut self) {
        self.errors = 0;
        self.not_before = None;
    }

    /// How many requests the sweep may make at once.
    pub(super) fn sweep_size(intervals: &Intervals) -> usize {
        intervals.pace.max(1) as usize
    }

    /// The sweep made so many requests: more may follow once its share of the pace allows.
    pub(super) fn swept(
        &mut self,
        intervals: &Intervals,
        now: Instant,
        requests: usize,
        has_more: bool,
    ) {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        let share = f64::from(intervals.pace.max(1)) / f64::from(SWEEP_SHARE);
        let pause = Duration::from_secs_f64(f64::from(requests) / share);
        self.sweep_at = has_more.then(|| now + pause);
    }

    /// When the sweep may go on, if there is more to ask.
    pub(super) const fn sweep_at(&self) -> Option<Instant> {
        self.sweep_at
    }

    /// A request failed for good: waits longer each time, and never less than the interval.
    pub(super) fn failed(
        &mut self,
        intervals: &Intervals,
        now: Instant,
        retry_after: Option<Duration>,
        chance: f64,
    ) {
        let backoff = Backoff::doubling(intervals.poll, LONGEST_BACKOFF).jitter(1.0, 1.2);
        let wait = backoff.wait(self.errors, chance);
        let wait = retry_after.map_or(wait, |asked| asked.max(wait));
        self.errors = self.errors.saturating_add(1);
        self.not_before = Some(now + wait);
    }
}

#[cfg(test)]
mod tests;
