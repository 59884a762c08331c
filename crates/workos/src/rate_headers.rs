//! Rate-limit headers of an answer.
//!
//! Pure. Tolerant: a header that cannot be read is as good as absent.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Longer than this nobody waits; whoever asks for more is asked again after it.
pub(super) const MAX_PAUSE: Duration = Duration::from_mins(2);
/// A reset beyond this is a point in time (the emulator's), below it a number of seconds.
const EPOCH_FROM: u64 = 1_000_000_000;

/// Rate-limit headers of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RateHeaders {
    /// Wait that the server asks for, at most [`MAX_PAUSE`].
    pub(super) retry_after: Option<Duration>,
    /// The budget, when all of it is told.
    pub(super) budget: Option<Budget>,
}

/// Budget of requests of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The whole budget.
    pub limit: u32,
    /// Requests that are left of it.
    pub remaining: u32,
    /// Time until it is full again.
    pub reset_in: Duration,
}

impl RateHeaders {
    /// Reads the headers of an answer that came at `now`.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        Self {
            retry_after: retry_after(headers, now),
            budget: budget(headers, "x-ratelimit-", now)
                .or_else(|| budget(headers, "ratelimit-", now)),
        }
    }
}

/// Reads how long a server asks to wait, at most two minutes: seconds or an HTTP date, by RFC 9110,
/// section 10.2.3.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        until_then(now, until)
    };
    Some(wait.min(MAX_PAUSE))
}

fn budget(headers: &HeaderMap, prefix: &str, now: Timestamp) -> Option<Budget> {
    let number = |name: &str| -> Option<u64> {
        let text = headers.get(format!("{prefix}{name}"))?.to_str().ok()?;
        let text = text.trim();
        // `100, 100;w=60`: drafts of the standard put the policy behind the number.
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        text.get(..end)?.parse().ok()
    };
    let reset = number("reset")?;
    let reset_in = if reset >= EPOCH_FROM {
        let then = Timestamp::from_second(i64::try_from(reset).ok()?).ok()?;
        until_then(now, then)
    } else {
        Duration::from_secs(reset)
    };
    Some(Budget {
        limit: u32::try_from(number("limit")?).ok()?,
        remaining: u32::try_from(number("remaining")?).ok()?,
        reset_in,
    })
}

fn until_then(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn read(pairs: &[(&'static str, &str)]) -> RateHeaders {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        RateHeaders::read(&headers, Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wait = |text| read(&[("retry-after", text)]).retry_after;
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("0"), Some(Duration::ZERO));
        assert_eq!(wait("86400"), Some(MAX_PAUSE));
        assert_eq!(
            wait("Fri, 15 Jan 2027 08:00:30 GMT"),
            Some(Duration::from_secs(30))
        );
        let in_a_year = "Sat, 15 Jan 2028 08:00:30 GMT";
        assert_eq!(
            wait(in_a_year),
            Some(MAX_PAUSE),
            "no date is believed for so long"
        );
        assert_eq!(wait("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        for bad in ["soon", "-1", "", "99999999999999999999999"] {
            assert_eq!(wait(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_reset_is_a_time_or_a_number_of_seconds() {
        let expected = Some(Budget {
            limit: 1000,
            remaining: 990,
            reset_in: Duration::from_mins(1),
        });
        let epoch = (NOW + 60).to_string();
        let emulator = [
            ("x-ratelimit-limit", "1000"),
            ("x-ratelimit-remaining", "990"),
            ("x-ratelimit-reset", epoch.as_str()),
        ];
        assert_eq!(read(&emulator).budget, expected);
        let draft = [
            ("ratelimit-limit", "1000, 1000;w=60"),
            ("ratelimit-remaining", "990"),
            ("ratelimit-reset", "60"),
        ];
        assert_eq!(read(&draft).budget, expected);
        assert_eq!(read(&draft[..2]).budget, None);
    }
}
