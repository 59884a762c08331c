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

/// Rate limit of a number of requests a minute for each key.
pub(super) struct Limit<K> {
    per_minute: u32,
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    left: f64,
    since: Instant,
}

impl<K: Eq + Hash> Limit<K> {
    /// Creates a limit of which nothing is used.
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            buckets: Mutex::default(),
        }
    }

    /// Takes one request, or returns the time to wait for the next.
    pub(super) fn take(&self, who: K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_REMEMBERED && !buckets.contains_key(&who) {
            // After a whole window a bucket is full, and as good as a new one.
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.since) < WINDOW);
            if buckets.len() >= MAX_REMEMBERED {
                return Err(WINDOW);
            }
        }
        let most = f64::from(self.per_minute);
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
        let limit = Limit::new(2);
        let now = SystemClock.instant();
        assert_eq!(limit.take("ada", now), Ok(()));
        assert_eq!(limit.take("ada", now), Ok(()));
        assert_eq!(limit.take("ada", now), Err(Duration::from_secs(30)));
        assert_eq!(limit.take("bob", now), Ok(()));
        let later = now + Duration::from_secs(30);
        assert_eq!(limit.take("ada", later), Ok(()));
        assert!(limit.take("ada", later).is_err());
    }

    #[test]
    fn those_who_have_not_asked_for_long_make_room() {
        let limit = Limit::new(2);
        let now = SystemClock.instant();
        for who in 0..MAX_REMEMBERED {
            assert_eq!(limit.take(who, now), Ok(()));
        }
        assert!(limit.take(MAX_REMEMBERED, now).is_err());
        assert_eq!(limit.take(0, now), Ok(()));
        assert_eq!(limit.take(MAX_REMEMBERED, now + WINDOW), Ok(()));
    }

    #[test]
    fn the_limit_of_a_person_is_one_for_each_organization() {
        let limit = Limit::new(1);
        let now = SystemClock.instant();
        let at = |organization: &str| visitor_key("ada", &OrgKey::undeclared(organization));
        assert_eq!(limit.take(at("acme"), now), Ok(()));
        assert!(limit.take(at("acme"), now).is_err());
        assert_eq!(limit.take(at("globex"), now), Ok(()));
    }
}
