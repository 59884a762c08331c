//! Durations as people write them: `90s`, `30m`, `1h 30m`, `2d`.
//!
//! Reading goes by the friendly format of the crate jiff; a day has 24 hours.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Reads a duration; `None` where the text is not a duration, or a negative one.
pub fn parse(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

/// Writes a duration in whole seconds, rounded up: `1m 30s`, `30m`.
pub fn shown(duration: Duration) -> String {
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
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("30m", 1800),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("2d", 172_800),
            ("5 minutes", 300),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "-5s", "5", "soon", "1 month"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_written_duration_can_be_read_again() {
        for (seconds, written) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (90, "1m 30s"),
            (5400, "1h 30m"),
        ] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(shown(duration), written);
            assert_eq!(parse(written), Some(duration));
        }
        assert_eq!(shown(Duration::from_millis(100)), "1s");
    }
}
