//! Durations on the command line: `90s`, `30m`, `1h 30m`, `2d`.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// The longest duration that anything waits.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Reads a duration, longer than nothing and at most a year; the error reads as a sentence.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wanted = || "a time such as 90s, 30m or 2h, at most 365d, is wanted".to_owned();
    let span: Span = text.parse().map_err(|_| wanted())?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wanted())?;
    let duration = Duration::try_from(duration).map_err(|_| wanted())?;
    if duration.is_zero() || duration > LONGEST {
        return Err(wanted());
    }
    Ok(duration)
}

/// Says a duration as a person would write it, in whole seconds, rounded up: `1m 30s`, `30m`.
pub(super) fn say(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if said.is_empty() {
        "0s".to_owned()
    } else {
        said.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_do() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("30m", 1800),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("2d", 172_800),
            ("5 minutes", 300),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0s", "-5s", "5", "soon", "1 month", "366d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_said_can_be_read_again() {
        for (seconds, said) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (90, "1m 30s"),
            (5400, "1h 30m"),
        ] {
            assert_eq!(say(Duration::from_secs(seconds)), said);
        }
        assert_eq!(say(Duration::from_millis(100)), "1s");
        assert_eq!(parse("1h 30m").map(say), Ok("1h 30m".to_owned()));
    }
}
