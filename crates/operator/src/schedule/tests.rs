//! Tests of `schedule`.

use super::*;

const INTERVALS: Intervals = Intervals {
    poll: Duration::from_mins(1),
    resync: Duration::from_hours(1),
    sweep: Duration::from_hours(1),
    pace: 20,
};

/// Moment from which differences are measured.
fn now() -> Instant {
    use portalctl_platform::clock::{Clock, SystemClock};
    SystemClock.instant()
}

#[tokio::test(start_paused = true)]
async fn everything_is_due_at_first_and_nothing_right_after() {
    let now = now();
    let mut schedule = Schedule::new(INTERVALS);
    assert!(schedule.is_resync_due(now) && schedule.is_poll_due(now));
    schedule.listed(now, 0.0);
    assert!(!schedule.is_resync_due(now) && !schedule.is_poll_due(now));
    assert_eq!(schedule.next(now), now + INTERVALS.poll);
    assert!(schedule.is_resync_due(now + INTERVALS.resync));
}

#[tokio::test(start_paused = true)]
async fn a_listing_comes_a_little_early_by_chance() {
    let now = now();
    let mut schedule = Schedule::new(INTERVALS);
    schedule.listed(now, 0.5);
    assert!(!schedule.is_resync_due(now + Duration::from_mins(56)));
    assert!(schedule.is_resync_due(now + Duration::from_mins(57)));
}

#[tokio::test(start_paused = true)]
async fn errors_wait_longer_each_time_and_never_less_than_the_interval() {
    let now = now();
    let mut schedule = Schedule::new(INTERVALS);
    let mut last = Duration::ZERO;
    for errors in 0..20 {
        schedule.failed(now, None, 0.0);
        let wait = schedule.not_before.unwrap() - now;
        assert!(wait >= INTERVALS.poll && wait >= last, "{errors}: {wait:?}");
        assert!(wait <= MAX_DELAY, "{errors}: {wait:?}");
        last = wait;
    }
    assert_eq!(last, MAX_DELAY);
    schedule.polled(now);
    assert!(schedule.is_open(now));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_waits_as_told() {
    let now = now();
    let mut schedule = Schedule::new(INTERVALS);
    let told = Duration::from_mins(30);
    schedule.failed(now, Some(told), 0.9);
    assert!(!schedule.is_open(now + told - Duration::from_secs(1)));
    assert!(schedule.is_open(now + told));
    schedule.reopen();
    assert!(schedule.is_open(now));
}

#[tokio::test(start_paused = true)]
async fn the_sweep_takes_a_quarter_of_the_pace() {
    let now = now();
    let mut schedule = Schedule::new(INTERVALS);
    let size = schedule.sweep_size();
    schedule.swept(now, size, 1);
    assert!(!schedule.is_sweep_due(now + Duration::from_millis(3900)));
    assert!(schedule.is_sweep_due(now + Duration::from_secs(4)));
}
