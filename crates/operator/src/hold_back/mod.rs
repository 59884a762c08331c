//! Changes that differ and may be written, but not now: what was deleted dependencies, what somebody else
//! keeps writing, creations beyond the hourly limit, and all of an environment that is being deleted.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::entries::Entry;
use super::limits::most_creations;
use super::reconcile::Reconciler;
use super::resource::PortalEnvironment;
use super::store::is_being_deleted;
use portalctl_core::plan::{ActionKind, Change};
use portalctl_manifest::kubernetes::PortalOrganizationStatus;
use portalctl_model::observed::Observed;
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, OrganizationId};

/// Why changes are held back, by entry.
pub(super) type HeldBack = BTreeMap<OrgKey, BlockedReason>;

impl Reconciler {
    /// Takes the changes out of a plan that are not made now.
    pub(super) fn hold_back(
        &mut self,
        changes: &mut Vec<Change>,
        by_key: &BTreeMap<&OrgKey, &Entry>,
        environment: &PortalEnvironment,
        observed: &Observed,
    ) -> HeldBack {
        if is_being_deleted(&environment.metadata) {
            return held_by_end(changes);
        }
        let mut held = self.held_as_gone(changes, by_key, observed);
        changes.retain(|change| !held.contains_key(&change.key));
        held.extend(self.held_as_fights(changes, by_key));
        let left = self.quota.creations_left(&environment.spec);
        held.extend(beyond_limit(
            changes,
            left,
            most_creations(&environment.spec),
        ));
        held
    }

    fn held_as_gone(
        &self,
        changes: &[Change],
        by_key: &BTreeMap<&OrgKey, &Entry>,
        observed: &Observed,
    ) -> HeldBack {
        let creates = changes
            .iter()
            .filter(|change| change.action.kind() == ActionKind::Create);
        let held = creates.filter_map(|change| {
            let entry = by_key.get(&change.key)?;
            let blocked = not_created_again(entry, &self.before(entry), observed)?;
            Some((change.key.clone(), blocked))
        });
        held.collect()
    }

    fn held_as_fights(
        &mut self,
        changes: &mut Vec<Change>,
        by_key: &BTreeMap<&OrgKey, &Entry>,
    ) -> HeldBack {
        let now = self.context.clock.now();
        let mut held = HeldBack::new();
        for change in changes.iter_mut().filter(|change| is_repair(change)) {
            let Some(entry) = by_key.get(&change.key) else {
                continue;
            };
            let before = self.before(entry);
            self.repeated_writes.learn(entry, &before);
            if let Some(blocked) = self.repeated_writes.hold(entry, change, now) {
                held.insert(change.key.clone(), blocked);
            }
        }
        changes.retain(|change| !is_repair(change) || !change.fields.is_empty());
        held
    }
}

/// Returns whether a change writes fields of an organization that exists.
pub(super) fn is_repair(change: &Change) -> bool {
    matches!(change.action.kind(), ActionKind::Update | ActionKind::Adopt)
}

/// Holds everything: the environment is being deleted.
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

/// Holds the creations beyond a number, with what else is to be done for their organizations.
fn beyond_limit(changes: &mut Vec<Change>, left: usize, most: u32) -> HeldBack {
    let creates = changes
        .iter()
        .filter(|change| change.action.kind() == ActionKind::Create);
    let beyond: BTreeSet<OrgKey> = creates
        .skip(left)
        .map(|change| change.key.clone())
        .collect();
    changes.retain(|change| !beyond.contains(&change.key));
    let blocked = BlockedReason::new(
        Reason::CreateLimit,
        format!(
            "{most} organizations are created within an hour at most, and this one waits for its \
             turn; spec.limits.create of the PortalEnvironment allows more"
        ),
    );
    beyond
        .into_iter()
        .map(|key| (key, blocked.clone()))
        .collect()
}

/// Returns why no organization is created for a resource that has none now, if it had one.
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

/// Returns whether `recreate: once` is used up, once a resource is about an organization.
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
