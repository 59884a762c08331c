//! Tests of `backoff`.

mod failed_writes {
    use super::super::*;
    use crate::conditions::Reason;
    use portalctl_platform::clock::{Clock, SystemClock};

    #[tokio::test(start_paused = true)]
    async fn a_failed_change_waits_longer_each_time_and_an_edit_tries_at_once() {
        let now = SystemClock.instant();
        let minute = Duration::from_mins(1);
        let key = OrgKey::parse("acme").unwrap();
        let mut failed_writes = FailedWrites::default();
        for minutes in [1, 2, 4, 8, 16, 30, 30] {
            let blocked = BlockedReason::new(Reason::Refused, "no");
            failed_writes.add(&key, 1, blocked, (minute, now));
            let is_waiting = |at| failed_writes.waiting(&key, 1, at).is_some();
            assert!(is_waiting(now + minute * minutes - Duration::from_secs(1)));
            assert!(!is_waiting(now + minute * minutes));
        }
        assert!(failed_writes.waiting(&key, 2, now).is_none());
    }
}

mod backoff {
    use std::sync::Arc;

    use super::super::*;
    use portalctl_platform::clock::{Clock, SystemClock};

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_goes_on_failing_waits_longer_each_time_whatever_succeeds_between() {
        let mut backoff = WatchBackoff::new(Arc::new(SystemClock), "one".to_owned());
        let mut full = FIRST_WATCH_DELAY;
        for _ in 0..10 {
            let wait = backoff.next().unwrap();
            assert!(full <= wait && wait < 2 * full, "{wait:?}, not {full:?}");
            full = MAX_WATCH_DELAY.min(2 * full);
            SystemClock.sleep(wait).await;
            backoff.reset();
        }
        SystemClock.sleep(WATCH_RESET).await;
        assert!(backoff.next().unwrap() < 2 * FIRST_WATCH_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn calm_is_counted_from_the_end_of_a_wait_and_not_from_the_failure_before_it() {
        let mut backoff = WatchBackoff::new(Arc::new(SystemClock), "one".to_owned());
        let mut wait = Duration::ZERO;
        for _ in 0..10 {
            wait = backoff.next().unwrap();
            SystemClock.sleep(wait).await;
        }
        assert!(wait >= MAX_WATCH_DELAY);
        SystemClock
            .sleep(WATCH_RESET.saturating_sub(Duration::from_secs(1)))
            .await;
        let next = backoff.next().unwrap();
        assert!(next >= MAX_WATCH_DELAY, "{next:?}");
    }
}
