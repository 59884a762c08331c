//! Changes that may be written, but not now.
//!
//! Goes in: the changes of a plan. Comes out: those that are written now, and a reason for each entry
//! that waits: the organization was deleted outside, somebody else keeps writing the same field, the
//! hourly limit is reached, or the environment is being deleted.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::{BlockedReason, Reason};
use super::context::Pass;
use super::entries::Entry;
use super::limits::max_creations;
use super::resolve::Resolved;
use super::state::State;
use super::store::is_being_deleted;
use portalctl_core::plan::{ActionKind, Change};
use portalctl_manifest::kubernetes::PortalOrganizationStatus;
use portalctl_model::observed::Observed;
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, OrganizationId};

/// Reasons why changes are held back, by entry.
pub(super) type HeldBack = BTreeMap<OrgKey, BlockedReason>;

/// Removes the changes from a plan that are not made now. Returns the reasons.
pub(super) fn hold_back(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
    observed: &Observed,
    changes: &mut Vec<Change>,
) -> HeldBack {
    let environment = &resolved.environment;
    if is_being_deleted(&environment.metadata) {
        return held_by_end(changes);
    }
    let mut held = held_as_gone(state, resolved, observed, changes);
    changes.retain(|change| !held.contains_key(&change.key));
    held.extend(held_as_fights(pass, state, resolved, changes));
    let left = state.writes.quota.creations_left(&environment.spec);
    let max = max_creations(&environment.spec);
    held.extend(beyond_limit(changes, left, max));
    held
}

/// Finds creations for resources whose organization is gone.
fn held_as_gone(
    state: &State,
    resolved: &Resolved,
    observed: &Observed,
    changes: &[Change],
) -> HeldBack {
    let by_key = resolved.by_key();
    let creates = changes.iter().filter(|change| is_create(change));
    let held = creates.filter_map(|change| {
        let entry = by_key.get(&change.key)?;
        let before = state.statuses.organization(&entry.object);
        let blocked = not_created_again(entry, &before, observed)?;
        Some((change.key.clone(), blocked))
    });
    held.collect()
}

/// Removes the fields from changes that somebody else keeps writing.
fn held_as_fights(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
    changes: &mut Vec<Change>,
) -> HeldBack {
    let by_key = resolved.by_key();
    let now = pass.context.clock.now();
    let mut held = HeldBack::new();
    for change in changes.iter_mut().filter(|change| is_repair(change)) {
        let Some(entry) = by_key.get(&change.key) else {
            continue;
        };
        let before = state.statuses.organization(&entry.object);
        let repeated = &mut state.writes.repeated;
        repeated.load(entry, &before);
        if let Some(blocked) = repeated.hold(entry, change, now) {
            held.insert(change.key.clone(), blocked);
        }
    }
    changes.retain(|change| !is_repair(change) || !change.fields.is_empty());
    held
}

/// Returns whether a change writes fields of an organization that exists.
pub(super) fn is_repair(change: &Change) -> bool {
    matches!(change.action.kind(), ActionKind::Update | ActionKind::Adopt)
}

/// Returns whether a change creates an organization.
pub(super) fn is_create(change: &Change) -> bool {
    change.action.kind() == ActionKind::Create
}

/// Holds all changes of an environment that is being deleted.
fn held_by_end(changes: &mut Vec<Change>) -> HeldBack {
    let blocked = BlockedReason::new(
        Reason::EnvironmentTerminating,
        "the PortalEnvironment is being deleted: nothing is created or changed any more",
    );
    let held = changes
        .drain(..)
        .map(|change| (change.key, blocked.clone()));
    held.collect()
}

/// Holds the creations beyond a number, with all other changes of their organizations.
fn beyond_limit(changes: &mut Vec<Change>, left: usize, most: u32) -> HeldBack {
    let beyond: BTreeSet<OrgKey> = changes
        .iter()
        .filter(|change| is_create(change))
        .skip(left)
        .map(|change| change.key.clone())
        .collect();
    changes.retain(|change| !beyond.contains(&change.key));
    let blocked = BlockedReason::new(
        Reason::CreateLimit,
        format!(
            "at most {most} organizations are created within an hour, so this one waits; raise \
             spec.limits.create of the PortalEnvironment to allow more"
        ),
    );
    beyond
        .into_iter()
        .map(|key| (key, blocked.clone()))
        .collect()
}

/// Returns why no new organization is created for a resource that had one.
pub(super) fn not_created_again(
    entry: &Entry,
    before: &PortalOrganizationStatus,
    observed: &Observed,
) -> Option<BlockedReason> {
    let had = OrganizationId::from_api(before.organization_id.clone()?);
    let shown = escape(had.as_str()).into_owned();
    if observed.organizations.contains_key(&had) {
        let message = format!(
            "the organization {shown}, which is this resource's, has another external id now; give \
             it back at WorkOS, or pin the organization with spec.id"
        );
        return Some(BlockedReason::new(Reason::Conflict, message));
    }
    if entry.object.spec.policies.recreate.is_some() && !before.recreated {
        return None;
    }
    let message = format!(
        "the organization {shown} was deleted at WorkOS, and is not created again by itself; set \
         spec.recreate: once to create it anew, or delete this resource"
    );
    let used_up = "; the recreate: once that is set is used up: remove it first";
    let message = if before.recreated {
        message + used_up
    } else {
        message
    };
    Some(BlockedReason::new(Reason::DeletedOutside, message))
}

/// Returns whether the organization that a resource had is not there any more.
pub(super) fn is_gone(before: &PortalOrganizationStatus, observed: &Observed) -> bool {
    let had = before.organization_id.clone().map(OrganizationId::from_api);
    had.is_some_and(|had| !observed.organizations.contains_key(&had))
}

/// Returns whether `recreate: once` is used up. `now` is the organization of the resource.
pub(super) fn is_recreate_used_up(
    entry: &Entry,
    before: &PortalOrganizationStatus,
    now: Option<&OrganizationId>,
) -> bool {
    let had = before.organization_id.as_deref();
    let is_another = had.zip(now).is_some_and(|(had, now)| had != now.as_str());
    entry.object.spec.policies.recreate.is_some() && (before.recreated || is_another)
}

#[cfg(test)]
mod tests;
