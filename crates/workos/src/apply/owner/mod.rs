//! Guard against writing an organization that somebody took since the plan was made.
//!
//! The owner and holder marks are compared with those that the plan saw, in every read right before
//! a write. A plan that was saved has seen nothing, and no plan has seen what it creates itself:
//! there, a mark has to be ours or one that the plan itself writes or replaces.

use std::borrow::Cow;

use super::outcome::{Outcome, Problem};
use portalctl_core::plan::{Action, Change, FieldChange, Ownership, Plan};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::observed::Organization;
use portalctl_model::{ManifestName, mark};

/// Returns whether the marks of an organization are neither those that the plan was made for nor
/// those that it writes.
pub(super) fn has_moved(plan: &Plan, live: &Organization) -> bool {
    let now = Ownership::of(live);
    if plan.seen.get(&live.id) == Some(&now) {
        return false;
    }
    let is_unseen = !plan.seen.contains_key(&live.id);
    [mark::OWNER, mark::HOLDER].into_iter().any(|key| {
        let value = live.metadata.get(key).map(String::as_str);
        let is_planned = fields(plan, live, key)
            .any(|field| [field.before(), field.after()].contains(&value.map(Cow::Borrowed)));
        let is_ours = match (value, key) {
            (None, _) => is_unseen,
            (Some(owner), mark::OWNER) => {
                let own = plan.target.manifest.as_ref().map(ManifestName::as_str);
                is_unseen && own == Some(owner)
            }
            (Some(_), _) => false,
        };
        !(is_planned || is_ours || was_seen(plan, live, key, value))
    })
}

/// Returns whether another took an organization since it was seen: one of its marks is neither as
/// it was nor as one of these fields makes it.
pub(super) fn was_taken(seen: &Ownership, now: &Organization, fields: &[FieldChange]) -> bool {
    if Ownership::of(now) == *seen {
        return false;
    }
    [mark::OWNER, mark::HOLDER].into_iter().any(|key| {
        let value = now.metadata.get(key);
        let mut own = fields.iter().filter(|field| field.is_mark_of(key));
        let value = value.map(String::as_str);
        let is_own =
            own.any(|field| [field.before(), field.after()].contains(&value.map(Cow::Borrowed)));
        !is_own && !is_value(seen, key, value)
    })
}

/// Returns whether the plan saw this value of one mark.
fn was_seen(plan: &Plan, live: &Organization, key: &str, value: Option<&str>) -> bool {
    let seen = plan.seen.get(&live.id);
    seen.is_some_and(|seen| is_value(seen, key, value))
}

fn is_value(seen: &Ownership, key: &str, value: Option<&str>) -> bool {
    if key == mark::OWNER {
        seen.owner() == value
    } else {
        seen.holder().map(ToString::to_string).as_deref() == value
    }
}

/// The changes of one mark that the plan makes to an organization.
fn fields<'a>(
    plan: &'a Plan,
    live: &'a Organization,
    key: &'a str,
) -> impl Iterator<Item = &'a FieldChange> {
    let changes = plan.changes.iter();
    let own = changes.filter(|change| match change.action.organization() {
        Some(id) => *id == live.id,
        None => change.action == Action::Create && is_created_by(change, live),
    });
    own.flat_map(|change| &change.fields)
        .filter(move |field| field.is_mark_of(key))
}

/// Returns whether an organization has the external id that a change creates one with.
fn is_created_by(change: &Change, live: &Organization) -> bool {
    let mut fields = change.fields.iter();
    fields.any(|field| {
        let path = field.path();
        path == FieldPath::ExternalId
            && path.is_same(field.after().as_deref(), live.external_id.as_deref())
    })
}

/// The outcome of a change that was not made, because another has the organization now.
pub(super) fn refused(live: Organization) -> Outcome {
    let message = "another manifest or an operator took the organization since the plan was made";
    Outcome::Refused(Problem::new(codes::HELD_BY_ANOTHER, message).leaving(live))
}

#[cfg(test)]
mod tests;
