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
/// Period of the limits.
const WINDOW: Duration = Duration::from_mins(1);

/// Requests of each key in the last minute; the caller says how many there may be.
pub(super) struct Limit<K> {
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    left: f64,
    since: Instant,
}

impl<K: Eq + Hash> Limit<K> {
    /// Creates a limit of which nothing is used.
    pub(super) fn new() -> Self {
        Self {
            buckets: Mutex::default(),
        }
    }

    /// Takes one request of so many a minute, or returns the time to wait for the next.
    pub(super) fn take(&self, who: K, per_minute: u32, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_REMEMBERED && !buckets.contains_key(&who) {
            // After a whole window a bucket is full, and as good as a new one.
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.since) < WINDOW);
            if buckets.len() >= MAX_REMEMBERED {
                return Err(WINDOW);
            }
        }
        let most = f64::from(per_minute);
        let bucket = buckets.entry(who).or_insert(Bucket {
            left: most,
            since: now,
        });
        let passed = now.saturating_duration_since(bucket.since);
        let refilled = passed.as_secs_f64() / WINDOW.as_secs_f64() * most;
        bucket.left = (bucket.left + refilled).min(most);
        bucket.since = now;
        if bucket.left < 1.0 {
            return Err(WINDOW.mul_f64((1.0 - bucket.left) / most));
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
        let limit = Limit::new();
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
        let limit = Limit::new();
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
        let limit = Limit::new();
        let now = SystemClock.instant();
        let at = |organization: &str| visitor_key("ada", &OrgKey::undeclared(organization));
        assert_eq!(limit.take(at("acme"), 1, now), Ok(()));
        assert!(limit.take(at("acme"), 1, now).is_err());
        assert_eq!(limit.take(at("globex"), 1, now), Ok(()));
    }
}
