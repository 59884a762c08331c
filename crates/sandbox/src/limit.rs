//! Rate limit, counted as WorkOS documents it: for each API key, over all endpoints.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::{HeaderValue, Method, Response};
use jiff::{SignedDuration, Timestamp};

/// Rate limit of an API key. Source: the rate limits of the WorkOS documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// No limit.
    Off,
    /// Number of requests in each window of time.
    Requests {
        /// Number of requests.
        requests: u32,
        /// Length of a window.
        per: Duration,
    },
}

impl Default for RateLimit {
    /// Returns WorkOS's limit: 6,000 requests a minute.
    fn default() -> Self {
        Self::Requests {
            requests: 6_000,
            per: MINUTE,
        }
    }
}

const MINUTE: Duration = Duration::from_mins(1);
/// Limit of `DELETE /organizations/*` a minute.
const ORGANIZATION_DELETIONS: u32 = 50;
/// Most keys that are told apart; old windows are forgotten beyond that.
const MAX_WINDOWS: usize = 1_000;

/// Remaining budget of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    limit: u32,
    remaining: u32,
    resets_at: Timestamp,
    /// True when this request exceeds the limit.
    pub(crate) exceeded: bool,
}

impl Budget {
    /// Writes the budget into the headers of an answer, as the official emulator does.
    pub(crate) fn write<B>(&self, answer: &mut Response<B>, now: Timestamp) {
        let headers = answer.headers_mut();
        let reset = self.resets_at.as_second();
        headers.insert("x-ratelimit-limit", HeaderValue::from(self.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(self.remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
        if self.exceeded {
            // Rounded up, so that a client that waits this long is not too early.
            let wait = self.resets_at.duration_since(now).as_millis().max(0);
            let seconds = u64::try_from(wait).unwrap_or_default().div_ceil(1000);
            headers.insert("retry-after", HeaderValue::from(seconds));
        }
    }
}

/// Number of requests that a key may make in one scope and window.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    scope: Scope,
    requests: u32,
    per: Duration,
}

/// Counter of requests.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: RateLimit,
    windows: HashMap<(String, Scope), Window>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scope {
    All,
    OrganizationDeletions,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    resets_at: Timestamp,
    used: u32,
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            windows: HashMap::new(),
        }
    }

    /// Counts a request; returns the remaining budget, or `None` without a limit.
    pub(crate) fn count(
        &mut self,
        now: Timestamp,
        key: &str,
        method: &Method,
        path: &str,
    ) -> Option<Budget> {
        let RateLimit::Requests { requests, per } = self.limit else {
            return None;
        };
        let all = Allowance {
            scope: Scope::All,
            requests,
            per,
        };
        let budget = self.take(now, key, all);
        if !budget.exceeded && *method == Method::DELETE && path.starts_with("/organizations/") {
            let deletions = Allowance {
                scope: Scope::OrganizationDeletions,
                requests: ORGANIZATION_DELETIONS,
                per: MINUTE,
            };
            let deletions = self.take(now, key, deletions);
            if deletions.exceeded {
                return Some(deletions);
            }
        }
        Some(budget)
    }

    fn take(&mut self, now: Timestamp, key: &str, allowance: Allowance) -> Budget {
        let Allowance {
            scope,
            requests: limit,
            per,
        } = allowance;
        if self.windows.len() > MAX_WINDOWS {
            self.windows.retain(|_, window| window.resets_at > now);
        }
        let per = SignedDuration::try_from(per).unwrap_or(SignedDuration::MAX);
        let resets_at = now.checked_add(per).unwrap_or(Timestamp::MAX);
        let new = Window { resets_at, used: 0 };
        let window = self
            .windows
            .entry((key.to_owned(), scope))
            .and_modify(|window| {
                if window.resets_at <= now {
                    *window = new;
                }
            })
            .or_insert(new);
        let exceeded = window.used >= limit;
        window.used = window.used.saturating_add(1);
        Budget {
            limit,
            remaining: limit.saturating_sub(window.used),
            resets_at: window.resets_at,
            exceeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(requests: u32) -> Limiter {
        Limiter::new(RateLimit::Requests {
            requests,
            per: MINUTE,
        })
    }

    #[test]
    fn a_window_gives_its_requests_and_begins_again() {
        let mut limiter = limiter(2);
        let now = Timestamp::UNIX_EPOCH;
        let mut ask = |seconds: i64| {
            let at = now + SignedDuration::from_secs(seconds);
            let budget = limiter.count(at, "sk_test_a", &Method::GET, "/events");
            budget.map(|b| (b.remaining, b.exceeded))
        };
        assert_eq!(ask(0), Some((1, false)));
        assert_eq!(ask(59), Some((0, false)));
        assert_eq!(ask(59), Some((0, true)));
        assert_eq!(ask(60), Some((1, false)));
    }

    #[test]
    fn keys_do_not_share_a_budget_and_off_means_off() {
        let now = Timestamp::UNIX_EPOCH;
        let mut one = limiter(1);
        for key in ["sk_test_a", "sk_test_b"] {
            let budget = one.count(now, key, &Method::GET, "/events");
            assert!(!budget.unwrap().exceeded);
        }
        let mut off = Limiter::new(RateLimit::Off);
        assert_eq!(off.count(now, "sk_test_a", &Method::GET, "/events"), None);
    }

    #[test]
    fn a_fraction_of_a_second_to_wait_is_a_whole_one() {
        let mut limiter = limiter(1);
        let begin = Timestamp::UNIX_EPOCH;
        let mut wait = |millis: i64| {
            let now = begin + SignedDuration::from_millis(millis);
            let budget = limiter.count(now, "sk_test_a", &Method::GET, "/events");
            let mut answer = Response::new(());
            budget.unwrap().write(&mut answer, now);
            let wait = answer.headers().get("retry-after")?.to_str().ok()?;
            wait.parse::<u64>().ok()
        };
        assert_eq!(wait(0), None);
        assert_eq!(wait(1_000), Some(59));
        assert_eq!(wait(1_001), Some(59));
        assert_eq!(wait(58_999), Some(2));
        assert_eq!(wait(59_500), Some(1));
        assert_eq!(wait(59_999), Some(1));
    }

    #[test]
    fn deletions_of_organizations_are_limited_further() {
        let mut limiter = limiter(6_000);
        let now = Timestamp::UNIX_EPOCH;
        let mut delete = |path| {
            limiter
                .count(now, "sk_test_a", &Method::DELETE, path)
                .unwrap()
        };
        for _ in 0..ORGANIZATION_DELETIONS {
            assert!(!delete("/organizations/org_1").exceeded);
        }
        assert!(delete("/organizations/org_1").exceeded);
        assert!(!delete("/connections/conn_1").exceeded);
    }
}
