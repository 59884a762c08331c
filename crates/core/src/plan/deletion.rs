//! Deletion of one organization: the change, its evidence, and the marks that forbid it.
//!
//! Takes a live organization and what was read of its use. Returns a change that shows all that the
//! deletion takes along, or the mark that keeps the organization whatever the policy says. The flags and
//! limits of a run are in `policy.rs`.

use super::change::{Action, Change, Reason, Warning};
use super::field_change::FieldChange;
use super::in_use::{Evidence, in_use};
use crate::identity::ownership::{Ownership, Undeletable};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::Source;
use portalctl_model::observed::{Observed, Organization, Usage};
use portalctl_model::{Holder, HolderMark, ManifestName, OrgKey, mark};

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
pub fn is_marked(live: &Organization, manifest: &ManifestName) -> bool {
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
