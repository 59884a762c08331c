//! Durations on the command line: `90s`, `30m`, `1h 30m`, `2d`.

use std::time::Duration;

use portalctl_model::duration;

/// The longest duration that anything waits.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Reads a duration, longer than nothing and at most a year; the error reads as a sentence.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wanted = || "a time such as 90s, 30m or 2h, at most 365d, is wanted".to_owned();
    let duration = duration::parse(text).filter(|duration| !duration.is_zero());
    duration
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(wanted)
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
}
