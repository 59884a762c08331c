//! Token buckets in bounded memory: rate limits for each person and each organization.
//!
//! Pure: the caller passes the time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use portalctl_model::OrgKey;

/// Most keys that are remembered; those idle for a minute are forgotten first.
const MAX_REMEMBERED: usize = 20_000;
/// Period of most limits.
const WINDOW: Duration = Duration::from_mins(1);

/// Requests of each key in the last minute or hour; the caller says how many there may be.
pub(super) struct Limit<K> {
    window: Duration,
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    left: f64,
    since: Instant,
}

impl<K: Eq + Hash> Limit<K> {
    /// Creates a limit for a minute, of which nothing is used.
    pub(super) fn per_minute() -> Self {
        Self::within(WINDOW)
    }

    /// Creates a limit for an hour, of which nothing is used.
    pub(super) fn per_hour() -> Self {
        Self::within(60 * WINDOW)
    }

    fn within(window: Duration) -> Self {
        Self {
            window,
            buckets: Mutex::default(),
        }
    }

    /// Takes one request of `most` in the time of the limit, or returns the time to wait for the next.
    pub(super) fn take(&self, who: K, most: u32, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_REMEMBERED && !buckets.contains_key(&who) {
            // After a whole window a bucket is full, and as good as a new one.
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.since) < self.window);
            if buckets.len() >= MAX_REMEMBERED {
                return Err(self.window);
            }
        }
        let most = f64::from(most);
        let bucket = buckets.entry(who).or_insert(Bucket {
            left: most,
            since: now,
        });
        let passed = now.saturating_duration_since(bucket.since);
        let refilled = passed.as_secs_f64() / self.window.as_secs_f64() * most;
        bucket.left = (bucket.left + refilled).min(most);
        bucket.since = now;
        if bucket.left < 1.0 {
            return Err(self.window.mul_f64((1.0 - bucket.left) / most));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

/// Returns the rate limit key of a person at one organization: requests for one organization use up
/// nothing of another's.
pub(super) fn visitor_key(subject: &str, key: &OrgKey) -> String {
    format!("{key} {subject}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_platform::clock::{Clock, SystemClock};

    #[test]
    fn each_has_their_own_share_and_gets_it_back_with_time() {
        let limit = Limit::per_minute();
        let now = SystemClock.instant();
        assert_eq!(limit.take("ada", 2, now), Ok(()));
        assert_eq!(limit.take("ada", 2, now), Ok(()));
        assert_eq!(limit.take("ada", 2, now), Err(Duration::from_secs(30)));
        assert_eq!(limit.take("bob", 2, now), Ok(()));
        let later = now + Duration::from_secs(30);
        assert_eq!(limit.take("ada", 2, later), Ok(()));
        assert!(limit.take("ada", 2, later).is_err());
    }

    #[test]
    fn those_who_have_not_asked_for_long_make_room() {
        let limit = Limit::per_minute();
        let now = SystemClock.instant();
        for who in 0..MAX_REMEMBERED {
            assert_eq!(limit.take(who, 2, now), Ok(()));
        }
        assert!(limit.take(MAX_REMEMBERED, 2, now).is_err());
        assert_eq!(limit.take(0, 2, now), Ok(()));
        assert_eq!(limit.take(MAX_REMEMBERED, 2, now + WINDOW), Ok(()));
    }

    #[test]
    fn the_limit_of_a_person_is_one_for_each_organization() {
        let limit = Limit::per_minute();
        let now = SystemClock.instant();
        let at = |organization: &str| visitor_key("ada", &OrgKey::undeclared(organization));
        assert_eq!(limit.take(at("acme"), 1, now), Ok(()));
        assert!(limit.take(at("acme"), 1, now).is_err());
        assert_eq!(limit.take(at("globex"), 1, now), Ok(()));
    }
}
