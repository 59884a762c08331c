//! Pruning: deleting what this manifest created and no longer declares.
//!
//! Only with `--prune`, only with the owner mark, never what is protected. Each deletion names what
//! shows that the organization is in use, and so does the plan's digest.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::absent;
use super::change::{Action, Change, Flag, Held, HeldReason, Reason, Warning};
use super::field_change::FieldChange;
use super::in_use::{Evidence, in_use};
use super::policy::Policy;
use crate::identity::Identities;
use crate::identity::ownership::{Ownership, Rival, Undeletable};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::{Desired, Source};
use portalctl_model::observed::{Observed, Organization, Usage};
use portalctl_model::{Holder, HolderMark, ManifestName, OrgKey, OrganizationId, Selection, mark};

/// Organizations that this manifest created, and how many of them it still declares.
struct Marked<'a> {
    undeclared: Vec<&'a Organization>,
    declared: usize,
    /// Organizations that a contested domain names: a person decides about them first.
    contested: BTreeSet<&'a OrganizationId>,
}

impl<'a> Marked<'a> {
    /// Sorts the marked organizations; one that an entry in conflict may be about counts as
    /// declared.
    fn of(manifest: &ManifestName, observed: &'a Observed, identities: &'a Identities) -> Self {
        let (declared, undeclared): (Vec<_>, Vec<_>) = observed
            .organizations
            .values()
            .filter(|live| is_marked(live, manifest))
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
    fn deletable(&self) -> impl Iterator<Item = &'a Organization> {
        let undeclared = self.undeclared.iter().copied();
        undeclared.filter(|live| {
            !live.metadata.contains_key(mark::PROTECT) && !self.contested.contains(&live.id)
        })
    }

    /// Returns the reason why no organization is deleted without `--allow-bulk`, if there is one.
    fn doubt(&self, desired: &Desired) -> Option<HeldReason> {
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

/// Returns the organizations whose use decides whether a run deletes them: those of selected
/// entries with `state: absent`, and with `--prune` what is pruned, unless all of that is held for
/// another reason.
pub fn candidates(
    desired: &Desired,
    observed: &Observed,
    identities: &Identities,
    policy: Policy,
    selection: &Selection,
) -> BTreeSet<OrganizationId> {
    let mut candidates = absent::candidates(desired, observed, identities, selection);
    let Some(manifest) = desired.manifest.as_ref().filter(|_| policy.prune) else {
        return candidates;
    };
    let marked = Marked::of(manifest, observed, identities);
    if marked.doubt(desired).is_none() || policy.allow_bulk {
        candidates.extend(marked.deletable().map(|live| live.id.clone()));
    }
    candidates
}

/// Adds the deletions to a plan, as far as this run may make them.
pub(super) fn prune(
    plan: &mut Plan,
    desired: &Desired,
    observed: &Observed,
    identities: &Identities,
    policy: Policy,
) {
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
        let change = deletion(live, usage);
        plan.warnings.extend(unread(&change.key, usage, &evidence));
        let holder = Ownership::of(live).holder().cloned();
        if let Some(holder) = holder.filter(|_| !policy.adopt_owned) {
            plan.held.push(Held {
                change,
                reason: HeldReason::HeldByAnother(Rival::Operator(holder)),
                allow: Flag::AdoptOwned,
                write: None,
            });
        } else if let Some(reason) = doubt.clone() {
            plan.held.push(Held {
                change,
                reason,
                allow: Flag::AllowBulk,
                write: None,
            });
        } else if !evidence.is_empty() && !policy.prune_active {
            let reason = HeldReason::NeedsFlag;
            plan.held.push(Held {
                change,
                reason,
                allow: Flag::PruneActive,
                write: None,
            });
        } else {
            plan.changes.push(change);
        }
    }
}

/// The warnings about what could not be read of an organization, and so counts as in use.
pub(super) fn unread(key: &OrgKey, usage: Option<&Usage>, evidence: &[Evidence]) -> Vec<Warning> {
    let unread = evidence
        .iter()
        .filter(|one| usage.is_some() && one.unread.is_some());
    unread
        .map(|one| Warning {
            key: key.clone(),
            code: codes::USAGE_NOT_READ,
            message: format!("{one}; so it counts as in use"),
        })
        .collect()
}

/// Reason why an organization is never deleted, whatever the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The manifest's owner mark is missing.
    NotOurs,
    /// The organization is protected.
    Protected,
    /// Another than whoever deletes holds it, by its mark.
    HeldBy(HolderMark),
}

/// The deletion of one organization, with the evidence of its use so far as that was read.
///
/// `holder` is the operator's resource that deletes. The change shows a holder mark that goes
/// along, and `apply` refuses to delete what carries another by then.
///
/// # Errors
///
/// Returns why the organization is kept, whatever the policy.
pub fn removal(
    live: &Organization,
    observed: &Observed,
    manifest: &ManifestName,
    holder: Option<&Holder>,
) -> Result<Change, Kept> {
    Ownership::of(live)
        .may_be_deleted_by(Some(manifest), holder)
        .map_err(|obstacle| match obstacle {
            Undeletable::NotOurs => Kept::NotOurs,
            Undeletable::HeldBy(holder) => Kept::HeldBy(holder),
        })?;
    if live.metadata.contains_key(mark::PROTECT) {
        return Err(Kept::Protected);
    }
    Ok(deletion(live, observed.usage.get(&live.id)))
}

/// Returns whether this manifest created an organization.
pub(super) fn is_marked(live: &Organization, manifest: &ManifestName) -> bool {
    live.metadata
        .get(mark::OWNER)
        .is_some_and(|owner| owner == manifest.as_str())
}

pub(super) fn deletion(live: &Organization, usage: Option<&Usage>) -> Change {
    let mut fields = vec![FieldChange::Name {
        before: Some(live.name.clone()),
        after: None,
    }];
    if let Some(id) = &live.external_id {
        fields.push(FieldChange::ExternalId {
            before: Some(id.clone()),
            after: None,
        });
    }
    if let Some(holder) = live.metadata.get(mark::HOLDER) {
        let holder = Some(holder.clone());
        fields.push(FieldChange::metadata(mark::HOLDER, holder, None));
    }
    // What was not asked for is read right before the deletion, and refused there.
    if let Some(usage) = usage {
        let evidence = in_use(live, Some(usage));
        fields.extend(evidence.iter().map(Evidence::field));
    }
    fields.sort();
    let key = live
        .external_id
        .clone()
        .unwrap_or_else(|| live.id.to_string());
    Change {
        key: OrgKey::undeclared(key),
        action: Action::Delete(live.id.clone()),
        fields,
        reason: Reason::NotDeclared,
        source: Source::nowhere(),
    }
}

#[cfg(test)]
mod tests;
