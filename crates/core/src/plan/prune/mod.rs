//! Pruning: deleting what this manifest created and no longer declares.
//!
//! Only with `--prune`, only with the owner mark, never what is protected. Each deletion names what
//! shows that the organization is in use, and so does the plan's digest.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Flag, Held, HeldReason};
use super::in_use::in_use;
use super::{Plan, PlanInput, deletion};
use crate::identity::Identities;
use crate::identity::ownership::{OtherOwner, Ownership};
use portalctl_model::desired::Desired;
use portalctl_model::observed::{Observed, Organization};
use portalctl_model::{ManifestName, OrgKey, OrganizationId, mark};

/// Organizations that this manifest created, and how many of them it still declares.
pub(super) struct Marked<'a> {
    undeclared: Vec<&'a Organization>,
    declared: usize,
    /// Organizations that a contested domain names: a person decides about them first.
    contested: BTreeSet<&'a OrganizationId>,
}

impl<'a> Marked<'a> {
    /// Sorts the marked organizations; one that an entry in conflict may be about counts as
    /// declared.
    pub(super) fn of(
        manifest: &ManifestName,
        observed: &'a Observed,
        identities: &'a Identities,
    ) -> Self {
        let (declared, undeclared): (Vec<_>, Vec<_>) = observed
            .organizations
            .values()
            .filter(|live| deletion::is_marked(live, manifest))
            .partition(|live| identities.concerned.contains(&live.id));
        let contests = identities.contested.values().flat_map(BTreeMap::values);
        let rivals = contests
            .filter(|contest| contest.stops_writes())
            .flat_map(|contest| &contest.rivals);
        Self {
            undeclared,
            declared: declared.len(),
            contested: rivals.map(|rival| &rival.organization).collect(),
        }
    }

    const fn total(&self) -> usize {
        self.undeclared.len() + self.declared
    }

    /// Returns whether less than half of what was created is still declared.
    const fn is_mostly_undeclared(&self) -> bool {
        self.declared * 2 < self.total()
    }

    /// Returns the organizations to delete: the undeclared without the protected and those of a
    /// conflict.
    pub(super) fn deletable(&self) -> impl Iterator<Item = &'a Organization> {
        let undeclared = self.undeclared.iter().copied();
        undeclared.filter(|live| {
            !live.metadata.contains_key(mark::PROTECT) && !self.contested.contains(&live.id)
        })
    }

    /// Returns the reason why no organization is deleted without `--allow-bulk`, if there is one.
    pub(super) fn doubt(&self, desired: &Desired) -> Option<HeldReason> {
        if self.is_mostly_undeclared() {
            return Some(HeldReason::MostlyUndeclared {
                marked: self.total(),
                declared: self.declared,
            });
        }
        let first = desired.skipped.first()?;
        Some(HeldReason::FilesSkipped {
            first: first.clone(),
            more: desired.skipped.len() - 1,
        })
    }
}

/// The creations of a plan, of which each may be the other half of a rename.
fn possible_rename(plan: &Plan) -> Option<HeldReason> {
    let held = plan.held.iter().map(|held| &held.change);
    let creations: BTreeSet<&OrgKey> = plan
        .changes
        .iter()
        .chain(held)
        .filter(|change| change.action == Action::Create)
        .map(|change| &change.key)
        .collect();
    let first = creations.first()?;
    Some(HeldReason::PossibleRename {
        first: (*first).clone(),
        more: creations.len() - 1,
    })
}

/// Adds the deletions to a plan, as far as this run may make them.
pub(super) fn prune(plan: &mut Plan, input: PlanInput<'_>) {
    let PlanInput {
        desired,
        observed,
        identities,
        policy,
        ..
    } = input;
    let Some(manifest) = &desired.manifest else {
        return;
    };
    let marked = Marked::of(manifest, observed, identities);
    let doubt = marked.doubt(desired).or_else(|| possible_rename(plan));
    let doubt = doubt.filter(|_| !policy.allow_bulk);
    for live in marked.deletable() {
        plan.unmanaged.forget(&live.id);
        let usage = observed.usage.get(&live.id);
        let evidence = in_use(live, usage);
        let change = deletion::deletion(live, usage);
        plan.warnings
            .extend(deletion::unread(&change.key, usage, &evidence));
        let holder = Ownership::of(live).holder().cloned();
        if let Some(holder) = holder.filter(|_| !policy.adopt_owned) {
            plan.held.push(Held {
                change,
                reason: HeldReason::HeldByAnother(OtherOwner::Operator(holder)),
                flag: Flag::AdoptOwned,
                permission: None,
            });
        } else if let Some(reason) = doubt.clone() {
            plan.held.push(Held {
                change,
                reason,
                flag: Flag::AllowBulk,
                permission: None,
            });
        } else if !evidence.is_empty() && !policy.prune_active {
            let reason = HeldReason::NeedsFlag;
            plan.held.push(Held {
                change,
                reason,
                flag: Flag::PruneActive,
                permission: None,
            });
        } else {
            plan.changes.push(change);
        }
    }
}

#[cfg(test)]
mod tests;
