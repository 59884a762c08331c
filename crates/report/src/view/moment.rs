//! Points in time, as reports write them.

use jiff::Timestamp;

/// Returns a time to the minute: `2026-12-01 03:00 UTC`.
pub(crate) fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
