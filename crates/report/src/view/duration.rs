//! Durations for people, rounded down to one unit.

use std::time::Duration;

use jiff::Timestamp;

use super::counted;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Returns the age of a moment in its largest unit: `3 days`, `5 hours`.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0).unsigned_abs();
    match seconds {
        0..MINUTE => "less than a minute".to_owned(),
        MINUTE..HOUR => in_units(seconds / MINUTE, "minute"),
        HOUR..DAY => in_units(seconds / HOUR, "hour"),
        _ => in_units(seconds / DAY, "day"),
    }
}

/// Returns a duration in the largest unit of which there are two: `45 seconds`, `90 minutes`.
pub fn rounded(duration: Duration) -> String {
    const TWO_MINUTES: u64 = 2 * MINUTE;
    const TWO_HOURS: u64 = 2 * HOUR;
    const TWO_DAYS: u64 = 2 * DAY;
    let seconds = duration.as_secs();
    match seconds {
        0..TWO_MINUTES => in_units(seconds, "second"),
        TWO_MINUTES..TWO_HOURS => in_units(seconds / MINUTE, "minute"),
        TWO_HOURS..TWO_DAYS => in_units(seconds / HOUR, "hour"),
        _ => in_units(seconds / DAY, "day"),
    }
}

fn in_units(count: u64, unit: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_one_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7199, "119 minutes"),
            (7200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(rounded(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        for (seconds, text) in [
            (-5, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 minute"),
            (3600, "1 hour"),
            (86_400, "1 day"),
        ] {
            let now = Timestamp::from_second(seconds).unwrap();
            assert_eq!(age(Timestamp::UNIX_EPOCH, now), text);
        }
    }
}
