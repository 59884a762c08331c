//! What changed since an earlier report, for people: who finished first, then what went wrong.

use std::fmt::Write as _;

use super::status::{paint_state, sign, words};
use super::{Layout, counted};
use crate::width::{hanging, pad, width};
use portalctl_core::readiness::State;
use portalctl_core::readiness::compare::{IntentChange, Kind, OrganizationChange, StateName};
use portalctl_model::text::escape;

/// One intent's change with its organization's key.
pub(crate) struct Row<'a> {
    pub(crate) key: &'a str,
    pub(crate) change: &'a IntentChange,
}

/// Renders what changed since an earlier report, and how much of each kind.
///
/// `since` names the earlier report.
pub fn changed(changes: &[OrganizationChange], since: &str, layout: &Layout) -> String {
    if changes.is_empty() {
        return format!("nothing changed since {}\n", escape(since));
    }
    let title = format!("changed since {}", escape(since));
    let mut out = format!("{}\n", layout.paint.strong(title));
    let rows = rows(changes);
    let columns = |text: fn(&Row<'_>) -> String| {
        rows.iter()
            .map(|row| width(&text(row)))
            .max()
            .unwrap_or_default()
    };
    let keys = columns(|row| escape(row.key).into_owned());
    let intents = columns(|row| escape(row.change.intent.as_str()).into_owned());
    for row in &rows {
        let _ = writeln!(
            out,
            "  {} {}  {}  {}",
            mark(row.change, layout),
            layout.paint.strong(pad(&escape(row.key), keys)),
            pad(&escape(row.change.intent.as_str()), intents),
            step(row.change, layout)
        );
        // A customer who finished needs no explanation; everything else does.
        let reason = row.change.reason.as_deref().unwrap_or_default();
        if row.change.kind() != Kind::Configured && !reason.is_empty() {
            hanging(&mut out, "      ", &escape(reason), layout.width);
        }
    }
    let _ = writeln!(out, "{}", counts(&rows, layout));
    out
}

/// Renders one line for each change: `acme  sso  in progress -> configured: why`.
pub fn changed_lines(changes: &[OrganizationChange], layout: &Layout) -> Vec<String> {
    let line = |row: &Row<'_>| {
        let reason = match row.change.reason.as_deref() {
            Some(reason) if !reason.is_empty() => format!(": {}", escape(reason)),
            _ => String::new(),
        };
        format!(
            "{} {}  {}  {}{reason}",
            mark(row.change, layout),
            layout.paint.strong(escape(row.key)),
            escape(row.change.intent.as_str()),
            step(row.change, layout)
        )
    };
    rows(changes).iter().map(line).collect()
}

/// Every change, the ones that were waited for first.
pub(crate) fn rows(changes: &[OrganizationChange]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = changes
        .iter()
        .flat_map(|organization| {
            let key = organization.key.as_str();
            let intents = organization.intents.iter();
            intents.map(move |change| Row { key, change })
        })
        .collect();
    // The sort is stable: changes of a kind stay in the order of keys and intents.
    rows.sort_by_key(|row| row.change.kind());
    rows
}

fn mark(change: &IntentChange, layout: &Layout) -> String {
    match &change.after {
        Some(StateName::Known(state)) => paint_state(*state, sign(*state), layout),
        Some(StateName::Other(_)) => layout.paint.unsure(sign(State::Unknown)),
        None => layout.paint.quiet("-"),
    }
}

fn step(change: &IntentChange, layout: &Layout) -> String {
    let told = |state: &StateName| match state {
        StateName::Known(state) => words(*state).to_owned(),
        StateName::Other(name) => escape(name).into_owned(),
    };
    let painted = |state: &StateName| match state {
        StateName::Known(known) => paint_state(*known, words(*known), layout),
        StateName::Other(_) => layout.paint.unsure(told(state)),
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{} -> {}", told(before), painted(after)),
        (None, Some(after)) => format!("newly declared, {}", painted(after)),
        (Some(before), None) => format!("no longer declared, was {}", told(before)),
        (None, None) => String::new(),
    }
}

fn counts(rows: &[Row<'_>], layout: &Layout) -> String {
    let count = |kinds: &[Kind]| {
        rows.iter()
            .filter(|row| kinds.contains(&row.change.kind()))
            .count()
    };
    let configured = count(&[Kind::Configured]);
    let attention = count(&[Kind::Attention]);
    let others = count(&[Kind::Moved, Kind::Appeared, Kind::Disappeared]);
    let mut parts = Vec::new();
    if configured > 0 {
        parts.push(layout.paint.good(format!("{configured} newly configured")));
    }
    if attention > 0 {
        parts.push(layout.paint.bad(format!("{attention} newly in attention")));
    }
    if others > 0 {
        parts.push(counted(others, "other change"));
    }
    parts.join(", ")
}
