//! Text of the changes since an earlier report: newly configured intents first, then problems.

use super::Layout;
use crate::view::{counted, state_label, state_sign};
use crate::width::{hanging, pad, width};
use portalctl_core::readiness::State;
use portalctl_core::readiness::compare::{IntentChange, Kind, OrganizationChange, StateName};
use portalctl_model::text::escape;

/// One intent's change with its organization's key.
pub(crate) struct Row<'a> {
    pub(crate) key: &'a str,
    pub(crate) change: &'a IntentChange,
}

/// Renders the changes since an earlier report, which `since` names, with their counts.
pub fn changed(changes: &[OrganizationChange], since: &str, layout: &Layout) -> String {
    if changes.is_empty() {
        return format!("nothing changed since {}\n", escape(since));
    }
    let title = format!("changed since {}", escape(since));
    let mut out = format!("{}\n", layout.paint.strong(title));
    let rows = rows(changes);
    let columns =
        |text: fn(&Row<'_>) -> String| rows.iter().map(|row| width(&text(row))).max().unwrap_or(0);
    let keys = columns(|row| escape(row.key).into_owned());
    let intents = columns(|row| escape(row.change.intent.as_str()).into_owned());
    for row in &rows {
        push_line!(
            out,
            "  {} {}  {}  {}",
            mark(row.change, layout),
            layout.paint.strong(pad(&escape(row.key), keys)),
            pad(&escape(row.change.intent.as_str()), intents),
            step(row.change, layout)
        );
        // A newly configured intent needs no explanation; every other change does.
        let reason = row.change.reason.as_deref().unwrap_or_default();
        if row.change.kind() != Kind::Configured && !reason.is_empty() {
            hanging(&mut out, "      ", &escape(reason), layout.width);
        }
    }
    push_line!(out, "{}", counts(&rows, layout));
    out
}

/// Renders one line for each change: `acme  sso  in progress -> configured: reason`.
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

/// Returns every change, newly configured intents first.
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
        Some(StateName::Known(state)) => layout.paint.toned(*state, state_sign(*state)),
        Some(StateName::Other(_)) => layout.paint.unsure(state_sign(State::Unknown)),
        None => layout.paint.quiet("-"),
    }
}

fn step(change: &IntentChange, layout: &Layout) -> String {
    let plain = |state: &StateName| match state {
        StateName::Known(state) => state_label(*state).to_owned(),
        StateName::Other(name) => escape(name).into_owned(),
    };
    let painted = |state: &StateName| match state {
        StateName::Known(known) => layout.paint.toned(*known, state_label(*known)),
        StateName::Other(_) => layout.paint.unsure(plain(state)),
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{} -> {}", plain(before), painted(after)),
        (None, Some(after)) => format!("newly declared, {}", painted(after)),
        (Some(before), None) => format!("no longer declared, was {}", plain(before)),
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
