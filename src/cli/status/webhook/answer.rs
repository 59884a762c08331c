//! Meaning of an answer for a delivery, and the wait before the next attempt. Pure.
//!
//! ```text
//! answer                                     meaning       next attempt
//! 2xx                                        accepted      –
//! 408, 409, 425, 429, 5xx, none              unavailable   1 s, doubled up to 10 min
//! any other, such as a redirect, 404 or 410  refused       10 min
//! ```
//!
//! `Retry-After`, at most two minutes of it, may make a wait longer, and never shorter.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use jiff::Timestamp;

use portalctl_platform::backoff::Backoff;
use portalctl_workos::{TransportError, retry_after};

/// The first wait after a failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait after failures.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// Outcome of an attempt that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    /// Description of the failure; reads behind the receiver's name.
    pub(super) message: String,
    /// Wait that the receiver asks for.
    retry_after: Option<Duration>,
}

/// Prospect of a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// The receiver may accept the same delivery soon.
    Unavailable,
    /// A repeat is refused again until something is corrected.
    Refused,
}

/// Finds the meaning of an answer that came at `now`.
pub(super) fn judge(
    answer: &Result<Response<Bytes>, TransportError>,
    now: Timestamp,
) -> Result<(), Failure> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return Err(Failure {
                kind: FailureKind::Unavailable,
                message: format!("gave no answer: {}", error.one_line()),
                retry_after: None,
            });
        }
    };
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let also = if status.is_redirection() {
        ", and redirects are not followed"
    } else {
        ""
    };
    Err(Failure {
        kind: kind(status),
        message: format!("answered {}{also}", status.as_u16()),
        retry_after: retry_after(answer.headers(), now),
    })
}

fn kind(status: StatusCode) -> FailureKind {
    match status.as_u16() {
        408 | 409 | 425 | 429 | 500.. => FailureKind::Unavailable,
        _ => FailureKind::Refused,
    }
}

impl Failure {
    /// Returns the wait before the next attempt, after a number of earlier failures. `random` is at
    /// least 0 and less than 1.
    pub(super) fn wait(&self, failures: u32, random: f64) -> Duration {
        let first = match self.kind {
            FailureKind::Unavailable => FIRST_WAIT,
            FailureKind::Refused => LONGEST_WAIT,
        };
        let backoff = Backoff::doubling(first, LONGEST_WAIT).jitter(0.9, 1.1);
        let wait = backoff.wait(failures, random);
        wait.max(self.retry_after.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_workos::TransportErrorKind;

    fn answer(status: u16, retry_after: Option<&str>) -> Result<(), Failure> {
        let mut answer = Response::builder().status(status);
        if let Some(value) = retry_after {
            answer = answer.header("retry-after", value);
        }
        judge(
            &Ok(answer.body(Bytes::new()).unwrap()),
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn two_hundreds_accept_and_what_a_repeat_cannot_change_is_refused() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(answer(status, None), Ok(()), "{status}");
        }
        for status in [408, 409, 425, 429, 500, 502, 503, 504] {
            let kind = answer(status, None).unwrap_err().kind;
            assert_eq!(kind, FailureKind::Unavailable, "{status}");
        }
        for status in [
            301, 302, 307, 308, 304, 400, 401, 403, 404, 405, 410, 413, 422,
        ] {
            let kind = answer(status, None).unwrap_err().kind;
            assert_eq!(kind, FailureKind::Refused, "{status}");
        }
        let broken = TransportError::new(TransportErrorKind::Broken, "the connection broke");
        let failure = judge(&Err(broken), Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert_eq!(failure.message, "gave no answer: the connection broke");
    }

    #[test]
    fn waits_grow_up_to_ten_minutes_and_a_refusal_waits_as_long_at_once() {
        let seconds = |status, after, failures| {
            let failure = answer(status, after).unwrap_err();
            failure.wait(failures, 0.5).as_secs()
        };
        let waits: Vec<u64> = (0..12).map(|n| seconds(503, None, n)).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(seconds(410, None, 0), 600);
        assert_eq!(seconds(429, Some("30"), 0), 30);
        assert_eq!(seconds(429, Some("30"), 6), 64);
        assert_eq!(seconds(503, Some("86400"), 0), 120);
    }
}
