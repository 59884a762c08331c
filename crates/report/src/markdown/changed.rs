//! Markdown of the changes since an earlier report: newly configured intents first, then problems.

use super::budget::{Rank, Section};
use super::escape::{code, prose};
use super::{JSON, head, row};
use crate::text::changed_rows;
use crate::view::state_label;
use portalctl_core::readiness::compare::{OrganizationChange, StateName};

/// Renders the changes as a table, or a remark that there are none.
pub(super) fn changed(changes: &[OrganizationChange]) -> Section {
    let mut section = Section::new(Rank::List, "changes", JSON);
    let rows = changed_rows(changes);
    if rows.is_empty() {
        section.item(|| "Nothing changed since the earlier report.\n".to_owned());
        return section;
    }
    section = section.open(format!(
        "#### Changed: {}\n\n{}",
        rows.len(),
        head(["Organization", "Intent", "Before", "Now", "Why"])
    ));
    for changed in rows {
        let change = changed.change;
        section.item(|| {
            row([
                &code(changed.key),
                &prose(change.intent.as_str()),
                &state(change.before.as_ref()),
                &state(change.after.as_ref()),
                &prose(change.reason.as_deref().unwrap_or_default()),
            ])
        });
    }
    section
}

/// Returns a state's name; empty while the intent is not declared.
fn state(state: Option<&StateName>) -> String {
    match state {
        Some(StateName::Known(state)) => state_label(*state).to_owned(),
        Some(StateName::Other(name)) => code(name),
        None => String::new(),
    }
}
