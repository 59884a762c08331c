//! Organizations whose use has to be read, because this run may delete them.

use std::collections::BTreeSet;

use super::policy::Policy;
use super::prune::Marked;
use crate::identity::Identities;
use portalctl_model::desired::Desired;
use portalctl_model::observed::Observed;
use portalctl_model::{OrganizationId, Selection};

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
    let mut candidates = absent(desired, observed, identities, selection);
    let Some(manifest) = desired.manifest.as_ref().filter(|_| policy.prune) else {
        return candidates;
    };
    let marked = Marked::of(manifest, observed, identities);
    if marked.doubt(desired).is_none() || policy.allow_bulk {
        candidates.extend(marked.deletable().map(|live| live.id.clone()));
    }
    candidates
}

/// Returns the organizations of selected entries whose use decides whether they are deleted.
fn absent(
    desired: &Desired,
    observed: &Observed,
    identities: &Identities,
    selection: &Selection,
) -> BTreeSet<OrganizationId> {
    let entries = desired.absent.iter();
    let entries = entries.filter(|(key, entry)| {
        selection.has_key(key)
            && !identities.absent_conflicts.contains_key(*key)
            && observed.organizations.contains_key(&entry.id)
    });
    entries.map(|(_, entry)| entry.id.clone()).collect()
}
