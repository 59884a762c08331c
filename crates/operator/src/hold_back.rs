//! Changes that differ and may be written, but not now: what was deleted outside, what somebody else
//! keeps writing, creations beyond the hourly limit, and all of an environment that is being deleted.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::Trouble;
use super::entries::Entry;
use super::objects::is_leaving;
use super::quota::most_creations;
use super::reason::Reason;
use super::reconcile::Reconciler;
use super::recreation;
use super::resource::PortalEnvironment;
use portalctl_core::plan::{ActionKind, Change};
use portalctl_model::OrgKey;
use portalctl_model::observed::Observed;

/// Why changes are held back, by entry.
pub(super) type HeldBack = BTreeMap<OrgKey, Trouble>;

impl Reconciler {
    /// Takes the changes out of a plan that are not made now.
    pub(super) fn hold_back(
        &mut self,
        changes: &mut Vec<Change>,
        by_key: &BTreeMap<&OrgKey, &Entry>,
        environment: &PortalEnvironment,
        observed: &Observed,
    ) -> HeldBack {
        if is_leaving(&environment.metadata) {
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
            let trouble = recreation::trouble(entry, &self.before(entry), observed)?;
            Some((change.key.clone(), trouble))
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
            self.repairs.learn(entry, &before);
            if let Some(trouble) = self.repairs.hold(entry, change, now) {
                held.insert(change.key.clone(), trouble);
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
    let trouble = Trouble::new(
        Reason::EnvironmentTerminating,
        "the PortalEnvironment is being deleted: nothing is created or changed any more",
    );
    let held = changes
        .drain(..)
        .map(|change| (change.key, trouble.clone()));
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
    let trouble = Trouble::new(
        Reason::CreateLimit,
        format!(
            "{most} organizations are created within an hour at most, and this one waits for its \
             turn; spec.limits.create of the PortalEnvironment allows more"
        ),
    );
    beyond
        .into_iter()
        .map(|key| (key, trouble.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_core::plan::{Action, Reason as Why};
    use portalctl_model::OrganizationId;
    use portalctl_model::desired::Source;

    fn change(key: &str, action: Action) -> Change {
        Change {
            key: OrgKey::parse(key).unwrap(),
            action,
            fields: Vec::new(),
            reason: Why::Missing,
            source: Source::nowhere(),
        }
    }

    #[test]
    fn creations_beyond_the_limit_wait_with_all_that_is_to_be_done_for_them() {
        let id = OrganizationId::from_api("org_1".to_owned());
        let mut changes = vec![
            change("a", Action::Create),
            change("b", Action::Create),
            change("c", Action::Update(id)),
            change("b", Action::Create),
        ];
        let held = beyond_limit(&mut changes, 1, 1);
        let left: Vec<&str> = changes.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(left, ["a", "c"]);
        let held: Vec<(&str, Reason)> = held
            .iter()
            .map(|(key, trouble)| (key.as_str(), trouble.reason))
            .collect();
        assert_eq!(held, [("b", Reason::CreateLimit)]);
    }

    #[test]
    fn an_environment_that_is_being_deleted_changes_nothing() {
        let mut changes = vec![change("a", Action::Create)];
        let held = held_by_end(&mut changes);
        assert!(changes.is_empty());
        let reasons: Vec<Reason> = held.values().map(|trouble| trouble.reason).collect();
        assert_eq!(reasons, [Reason::EnvironmentTerminating]);
    }
}
