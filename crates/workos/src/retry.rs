//! Retry decisions: a pure table.
//!
//! ```text
//! failure                                  may repeat   else
//! connect, limited, concurrent             retry        retry     (surely not carried out)
//! timeout, broken, garbled, server         retry        give up   (may have been carried out)
//! unusable                                 give up      give up   (may have been carried out)
//! refused                                  give up      give up
//! ```
//!
//! The error of a request that was given up says whether it may have been carried out:
//! [`ApiError::is_ambiguous`](crate::ApiError::is_ambiguous).
//!
//! Any other 503, also with `Retry-After`, is a server failure like any other: a proxy may have
//! given up on a request that the server went on to carry out.

use std::time::Duration;

use portalctl_platform::backoff::Backoff;

/// Most times that one request is sent.
const MAX_ATTEMPTS: u32 = 5;
/// Most times that one request is sent that was only told to come back later.
const MAX_LIMITED_ATTEMPTS: u32 = 10;
/// No new attempt after this long, counted without the time spent waiting for a turn.
const MAX_ELAPSED: Duration = Duration::from_secs(90);
/// The same for requests that were only told to come back later.
const MAX_LIMITED_ELAPSED: Duration = Duration::from_mins(5);
/// The same where no connection could be made: a person waits for the answer.
const MAX_UNREACHABLE_ELAPSED: Duration = Duration::from_secs(6);
/// The first wait, doubled by each attempt.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The first wait after 429 without `Retry-After`.
const FIRST_LIMITED_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that nobody asked for.
const MAX_WAIT: Duration = Duration::from_secs(8);

/// Failure of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection: nothing was sent.
    Connect,
    /// 429.
    Limited,
    /// 503 `concurrent_request`: WorkOS was busy with the same organization, and did nothing.
    Concurrent,
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Broken,
    /// An answer that cannot be read, such as half a JSON document.
    Garbled,
    /// 5xx.
    Server,
    /// A readable answer that lacks what cannot be done without.
    Unusable,
    /// Any other status but 2xx.
    Refused,
}

/// A failed attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// True where the request changes nothing, or nothing more when it is sent again.
    pub(super) may_repeat: bool,
    /// The failure.
    pub(super) failure: Failure,
    /// 1 for the first attempt.
    pub(super) number: u32,
    /// Time that the attempts and the waits between them took.
    pub(super) elapsed: Duration,
    /// Wait that WorkOS asks for.
    pub(super) retry_after: Option<Duration>,
    /// At least 0, less than 1.
    pub(super) jitter: f64,
}

/// Decision about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Try again after a wait.
    Retry {
        /// The wait.
        after: Duration,
    },
    /// Tell the caller.
    GiveUp,
}

/// Decides about a failed attempt.
pub(super) fn decide(attempt: Attempt) -> Decision {
    let Attempt {
        may_repeat,
        failure,
        number,
        elapsed,
        retry_after,
        jitter,
    } = attempt;
    let (attempts, time, first_wait) = match failure {
        Failure::Connect => (MAX_ATTEMPTS, MAX_UNREACHABLE_ELAPSED, FIRST_WAIT),
        Failure::Limited => (
            MAX_LIMITED_ATTEMPTS,
            MAX_LIMITED_ELAPSED,
            FIRST_LIMITED_WAIT,
        ),
        Failure::Concurrent => (MAX_LIMITED_ATTEMPTS, MAX_ELAPSED, FIRST_WAIT),
        Failure::Timeout | Failure::Broken | Failure::Garbled | Failure::Server if may_repeat => {
            (MAX_ATTEMPTS, MAX_ELAPSED, FIRST_WAIT)
        }
        Failure::Timeout
        | Failure::Broken
        | Failure::Garbled
        | Failure::Server
        | Failure::Unusable
        | Failure::Refused => return Decision::GiveUp,
    };
    let backoff = Backoff::doubling(first_wait, MAX_WAIT).jitter(0.5, 1.0);
    let after = retry_after.unwrap_or_else(|| backoff.wait(number.saturating_sub(1), jitter));
    if number >= attempts || elapsed.saturating_add(after) > time {
        return Decision::GiveUp;
    }
    Decision::Retry { after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(may_repeat: bool, failure: Failure) -> Attempt {
        Attempt {
            may_repeat,
            failure,
            number: 1,
            elapsed: Duration::ZERO,
            retry_after: None,
            jitter: 0.0,
        }
    }

    #[test]
    fn the_table_holds() {
        use Decision::{GiveUp, Retry};
        let soon = Retry {
            after: Duration::from_millis(125),
        };
        let later = Retry {
            after: Duration::from_millis(500),
        };
        for (failure, read, write) in [
            (Failure::Connect, soon, soon),
            (Failure::Limited, later, later),
            (Failure::Concurrent, soon, soon),
            (Failure::Timeout, soon, GiveUp),
            (Failure::Broken, soon, GiveUp),
            (Failure::Garbled, soon, GiveUp),
            (Failure::Server, soon, GiveUp),
            (Failure::Unusable, GiveUp, GiveUp),
            (Failure::Refused, GiveUp, GiveUp),
        ] {
            assert_eq!(decide(failed(true, failure)), read, "read, {failure:?}");
            assert_eq!(decide(failed(false, failure)), write, "write, {failure:?}");
        }
    }

    #[test]
    fn retry_after_makes_no_failed_write_safe() {
        let mut attempt = failed(false, Failure::Server);
        attempt.retry_after = Some(Duration::from_secs(1));
        assert_eq!(decide(attempt), Decision::GiveUp);
        attempt.may_repeat = true;
        let after = Duration::from_secs(1);
        assert_eq!(decide(attempt), Decision::Retry { after });
    }

    #[test]
    fn attempts_and_time_are_bounded() {
        for (failure, attempts) in [(Failure::Server, 5), (Failure::Limited, 10)] {
            let mut attempt = failed(true, failure);
            attempt.number = attempts - 1;
            assert!(matches!(decide(attempt), Decision::Retry { .. }));
            attempt.number = attempts;
            assert_eq!(decide(attempt), Decision::GiveUp);
        }
        let mut attempt = failed(true, Failure::Timeout);
        attempt.elapsed = MAX_ELAPSED;
        assert_eq!(decide(attempt), Decision::GiveUp);
    }

    #[test]
    fn each_class_of_failure_has_its_own_patience() {
        for (failure, seconds) in [
            (Failure::Connect, 6),
            (Failure::Limited, 5 * 60),
            (Failure::Concurrent, 90),
            (Failure::Timeout, 90),
            (Failure::Broken, 90),
            (Failure::Garbled, 90),
            (Failure::Server, 90),
        ] {
            let mut attempt = failed(true, failure);
            attempt.retry_after = Some(Duration::from_secs(1));
            attempt.elapsed = Duration::from_secs(seconds - 1);
            let after = Duration::from_secs(1);
            assert_eq!(decide(attempt), Decision::Retry { after }, "{failure:?}");
            attempt.elapsed += Duration::from_millis(1);
            assert_eq!(decide(attempt), Decision::GiveUp, "{failure:?}");
        }
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        let waits = [1.0, 0.0].map(|jitter| {
            let mut attempt = failed(true, Failure::Concurrent);
            attempt.jitter = jitter;
            let mut waits = Vec::new();
            for number in 1..8 {
                attempt.number = number;
                let Decision::Retry { after } = decide(attempt) else {
                    panic!("given up after {number}");
                };
                waits.push(after.as_millis());
            }
            waits
        });
        assert_eq!(waits[0], [250, 500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(waits[1], [125, 250, 500, 1000, 2000, 4000, 4000]);
    }
}
