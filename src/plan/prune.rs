//! Pruning: deleting what this manifest created and no longer declares.
//!
//! Only with `--prune`, only with the owner mark, never what is protected. Each deletion names the
//! active connections and directories that go with it, and so does the plan's digest.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::change::{Action, Change, FieldChange, Flag, Held, HeldReason, Reason};
use super::policy::Policy;
use crate::identity::{Identities, Identity};
use crate::model::desired::{Desired, DesiredOrganization, FieldPath, Source};
use crate::model::observed::{ConnectionState, DirectoryState, Listing, Observed, Organization};
use crate::model::{ManifestName, OrgKey, OrganizationId, mark};

/// Adds the deletions to a plan, as far as this run may make them.
pub(super) fn prune(
    plan: &mut Plan,
    manifest: &ManifestName,
    desired: &Desired,
    observed: &Observed,
    identities: &Identities,
    policy: Policy,
) {
    let declared: BTreeSet<&OrganizationId> = identities
        .entries
        .values()
        .filter_map(Identity::organization)
        .collect();
    let undecided: Vec<&DesiredOrganization> = desired
        .organizations
        .iter()
        .filter(|(key, _)| matches!(identities.entries.get(*key), Some(Identity::Conflicted(_))))
        .map(|(_, entry)| entry)
        .collect();
    let marked: Vec<&Organization> = observed
        .organizations
        .values()
        .filter(|live| is_marked(live, manifest))
        .collect();
    let kept = marked
        .iter()
        .filter(|live| declared.contains(&live.id))
        .count();
    let is_mostly_undeclared = kept * 2 < marked.len();
    for live in marked.iter().filter(|live| !declared.contains(&live.id)) {
        let is_spoken_for = undecided.iter().any(|entry| may_be(entry, live));
        if is_spoken_for || live.metadata.contains_key(mark::PROTECT) {
            continue;
        }
        plan.unmanaged.forget(&live.id);
        let change = deletion(live, observed);
        let takes_active = change.fields.iter().any(is_active_object);
        if is_mostly_undeclared && !policy.allow_bulk {
            let reason = HeldReason::MostlyUndeclared {
                marked: marked.len(),
                declared: kept,
            };
            plan.held.push(Held {
                change,
                reason,
                allow: Flag::AllowBulk,
            });
        } else if takes_active && !policy.prune_active {
            let reason = HeldReason::NeedsFlag;
            plan.held.push(Held {
                change,
                reason,
                allow: Flag::PruneActive,
            });
        } else {
            plan.changes.push(change);
        }
    }
}

/// Whether this manifest created an organization.
pub(super) fn is_marked(live: &Organization, manifest: &ManifestName) -> bool {
    live.metadata
        .get(mark::OWNER)
        .is_some_and(|owner| owner == manifest.as_str())
}

/// Whether an entry in conflict may turn out to be about an organization: by anything they share.
fn may_be(entry: &DesiredOrganization, live: &Organization) -> bool {
    let by_id = entry.id.as_ref() == Some(&live.id);
    let by_external_id = live.external_id.as_deref().is_some_and(|external_id| {
        entry
            .external_id
            .iter()
            .chain(&entry.previous_keys)
            .any(|id| id.as_str() == external_id)
    });
    let by_domain = entry
        .domains
        .iter()
        .flat_map(BTreeMap::keys)
        .any(|domain| live.domain(domain).is_some());
    let by_name = entry
        .name
        .as_deref()
        .is_some_and(|name| name.eq_ignore_ascii_case(&live.name));
    by_id || by_external_id || by_domain || by_name
}

fn deletion(live: &Organization, observed: &Observed) -> Change {
    let gone = |path, before: &str| FieldChange {
        path,
        before: Some(before.to_owned()),
        after: None,
    };
    let mut fields = vec![gone(FieldPath::Name, &live.name)];
    fields.extend(
        live.external_id
            .iter()
            .map(|id| gone(FieldPath::ExternalId, id)),
    );
    for connection in objects(&observed.connections, &live.id) {
        if connection.state == ConnectionState::Active {
            fields.push(gone(FieldPath::Connection(connection.id.clone()), "active"));
        }
    }
    for directory in objects(&observed.directories, &live.id) {
        if matches!(
            directory.state,
            DirectoryState::Linked | DirectoryState::Active
        ) {
            let state = directory.state.as_str();
            fields.push(gone(FieldPath::Directory(directory.id.clone()), state));
        }
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

fn is_active_object(field: &FieldChange) -> bool {
    matches!(
        field.path,
        FieldPath::Connection(_) | FieldPath::Directory(_)
    )
}

fn objects<'a, T>(listing: &'a Listing<T>, id: &OrganizationId) -> &'a [T] {
    match listing {
        Listing::Read(all) => all.get(id).map_or(&[], Vec::as_slice),
        Listing::NotRead | Listing::NotEntitled(_) => &[],
    }
}
