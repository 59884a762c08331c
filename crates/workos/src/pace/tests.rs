//! Tests of the pace under virtual time: limits, bursts and what headers teach.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use super::*;
use portalctl_platform::clock::{Clock, FixedClock, SystemClock};

fn pace(rate: Rate) -> Arc<Pace> {
    let clock = FixedClock::from(Timestamp::UNIX_EPOCH);
    Arc::new(Pace::new(rate, Arc::new(clock)))
}

fn per_second(n: u32) -> Rate {
    Rate::ceiling(NonZeroU32::new(n).unwrap())
}

/// Takes `count` slots one after the other and says how long that took.
async fn time_to_take(pace: &Pace, count: u32) -> Duration {
    let start = SystemClock.instant();
    for _ in 0..count {
        pace.acquire().await;
    }
    SystemClock.instant() - start
}

fn budget(limit: u32, remaining: u32, reset_in: u64) -> RateHeaders {
    RateHeaders {
        retry_after: None,
        budget: Some(Budget {
            limit,
            remaining,
            reset_in: Duration::from_secs(reset_in),
        }),
    }
}

fn close(took: Duration, expected: f64, slack: f64) -> bool {
    (took.as_secs_f64() - expected).abs() <= slack
}

#[tokio::test(start_paused = true)]
async fn concurrent_waiters_with_latency_lose_no_slot() {
    let pace = pace(per_second(95));
    let start = SystemClock.instant();
    let taken = Arc::new(AtomicUsize::new(0));
    let times = Arc::new(Mutex::new(Vec::new()));
    let workers: Vec<_> = (0..20)
        .map(|_| {
            let (pace, taken, times) = (pace.clone(), taken.clone(), times.clone());
            tokio::spawn(async move {
                while taken.fetch_add(1, Ordering::Relaxed) < 1000 {
                    pace.acquire().await;
                    times.lock().unwrap().push(SystemClock.instant() - start);
                    SystemClock.sleep(Duration::from_millis(50)).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let times = times.lock().unwrap();
    assert_eq!(times.len(), 1000);
    let (slot, last) = (1.0 / 95.0, *times.last().unwrap());
    assert!(close(last, 999.0 * slot, slot), "{last:?}");
    // The densest second.
    let window = Duration::from_secs(1);
    let most = (0..times.len())
        .map(|i| {
            times[i..]
                .iter()
                .take_while(|t| **t < times[i] + window)
                .count()
        })
        .max();
    assert!(most <= Some(96), "{most:?}");
}

#[tokio::test(start_paused = true)]
async fn idle_time_is_not_saved_up() {
    let pace = pace(per_second(100));
    pace.acquire().await;
    SystemClock.sleep(Duration::from_mins(1)).await;
    let took = time_to_take(&pace, 101).await;
    assert!(close(took, 0.96, 0.01), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_stops_everybody_and_then_goes_on_evenly() {
    let pace = pace(per_second(10));
    pace.acquire().await;
    let headers = RateHeaders {
        retry_after: Some(Duration::from_secs(7)),
        budget: None,
    };
    pace.learn(headers, StatusCode::TOO_MANY_REQUESTS);
    let took = time_to_take(&pace, 11).await;
    assert!(close(took, 8.0, 0.01), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_429_that_says_nothing_halves_the_pace_for_a_while() {
    let pace = pace(per_second(10));
    // A volley counts as one.
    for _ in 0..5 {
        pace.learn(RateHeaders::default(), StatusCode::TOO_MANY_REQUESTS);
    }
    let took = time_to_take(&pace, 6).await;
    assert!(took > Duration::from_millis(1_700), "{took:?}");
    SystemClock.sleep(Duration::from_secs(10)).await;
    let took = time_to_take(&pace, 11).await;
    assert!(close(took, 1.0, 0.05), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_429_of_a_spent_budget_waits_for_its_reset() {
    let pace = pace(per_second(10));
    pace.learn(budget(1000, 0, 30), StatusCode::TOO_MANY_REQUESTS);
    let took = time_to_take(&pace, 1).await;
    assert!(close(took, 30.0, 0.01), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_default_pace_leaves_a_tenth_of_the_budget() {
    let pace = pace(Rate::default());
    // 300 usable in 60 s: five a second.
    pace.learn(budget(1000, 400, 60), StatusCode::OK);
    let took = time_to_take(&pace, 51).await;
    assert!(close(took, 10.0, 0.05), "{took:?}");
    // The next answer says that others have stopped.
    pace.learn(budget(1000, 900, 50), StatusCode::OK);
    let took = time_to_take(&pace, 51).await;
    assert!(close(took, 1.0, 0.25), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stretched_pace_ends_with_the_reset() {
    let pace = pace(Rate::default());
    pace.learn(budget(1000, 50, 5), StatusCode::OK);
    let took = time_to_take(&pace, 6 + 50).await;
    assert!(close(took, 6.0, 0.05), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn headers_do_not_lower_a_rate_that_the_user_set() {
    let pace = pace(per_second(50));
    pace.learn(budget(1000, 5, 60), StatusCode::OK);
    let took = time_to_take(&pace, 51).await;
    assert!(close(took, 1.0, 0.01), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_wait_costs_nobody_a_slot() {
    let pace = pace(per_second(10));
    pace.acquire().await;
    let waiting =
        portalctl_platform::clock::within(Duration::from_millis(50), pace.acquire()).await;
    assert_eq!(waiting, None);
    let took = time_to_take(&pace, 10).await;
    assert!(close(took, 0.95, 0.01), "{took:?}");
}

/// A clock whose sleepers wake up late, as those of a busy machine do.
struct LateClock(FixedClock);

impl Clock for LateClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn instant(&self) -> Instant {
        self.0.instant()
    }

    fn sleep(&self, duration: Duration) -> futures::future::BoxFuture<'static, ()> {
        self.0.sleep(duration + Duration::from_millis(30))
    }

    fn sleep_until(&self, deadline: Instant) -> futures::future::BoxFuture<'static, ()> {
        self.0.sleep_until(deadline + Duration::from_millis(30))
    }
}

#[tokio::test(start_paused = true)]
async fn waking_up_late_does_not_lower_the_rate() {
    let clock = LateClock(FixedClock::from(Timestamp::UNIX_EPOCH));
    let pace = Pace::new(per_second(95), Arc::new(clock));
    let took = time_to_take(&pace, 1000).await;
    assert!(close(took, 999.0 / 95.0, 0.04), "{took:?}");
}
