//! Pruning: deleting what this manifest created and no longer declares.
//!
//! Only with `--prune`, only with the owner mark, never what is protected. Each deletion names the
//! active connections and directories that go with it, and so does the plan's digest.

use super::Plan;
use super::change::{Action, Change, FieldChange, Flag, Held, HeldReason, Reason};
use super::policy::Policy;
use crate::identity::Identities;
use crate::identity::ownership::{Ownership, Undeletable};
use crate::model::desired::{FieldPath, Source};
use crate::model::observed::{ConnectionState, Observed, Organization};
use crate::model::{Holder, HolderMark, ManifestName, OrgKey, mark};

/// Adds the deletions to a plan, as far as this run may make them.
///
/// What an entry in conflict may turn out to be about is not deleted either.
pub(super) fn prune(
    plan: &mut Plan,
    manifest: &ManifestName,
    observed: &Observed,
    identities: &Identities,
    policy: Policy,
) {
    let marked = || {
        observed
            .organizations
            .values()
            .filter(|live| is_marked(live, manifest))
    };
    let is_declared = |live: &Organization| identities.concerned.contains(&live.id);
    let (total, declared) = (
        marked().count(),
        marked().filter(|live| is_declared(live)).count(),
    );
    let is_mostly_undeclared = declared * 2 < total;
    for live in marked().filter(|live| !is_declared(live)) {
        if live.metadata.contains_key(mark::PROTECT) {
            continue;
        }
        plan.unmanaged.forget(&live.id);
        let change = deletion(live, observed);
        let takes_active = change.fields.iter().any(is_active_object);
        if is_mostly_undeclared && !policy.allow_bulk {
            let reason = HeldReason::MostlyUndeclared {
                marked: total,
                declared,
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

/// Why an organization is not deleted, whatever the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It does not carry the manifest's owner mark.
    NotOurs,
    /// It is protected.
    Protected,
    /// Another than whoever deletes holds it, by its mark.
    HeldBy(HolderMark),
}

/// The deletion of one organization, with the active connections and directories that go with it.
///
/// `holder` is the operator's resource that deletes. The change shows a holder mark that goes along,
/// and `apply` refuses to delete what carries another by then.
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
    Ok(deletion(live, observed))
}

/// Whether this manifest created an organization.
pub(super) fn is_marked(live: &Organization, manifest: &ManifestName) -> bool {
    live.metadata
        .get(mark::OWNER)
        .is_some_and(|owner| owner == manifest.as_str())
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
    if let Some(holder) = live.metadata.get(mark::HOLDER) {
        let path = FieldPath::Metadata(mark::HOLDER.to_owned());
        fields.push(gone(path, holder));
    }
    for connection in observed.connections_of(&live.id).known() {
        if connection.state == ConnectionState::Active {
            fields.push(gone(FieldPath::Connection(connection.id.clone()), "active"));
        }
    }
    for directory in observed.directories_of(&live.id).known() {
        if directory.state.is_linked() {
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
