//! Rules for resources that are being deleted while the finalizer is on them. Pure.
//!
//! Goes in: an entry, what the environment allows, and the observed state. Comes out: the next step.
//! An organization is deleted only where the environment and the resource allow it, it carries the
//! environment's owner mark, and the hourly limit has room.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::conditions::{BlockedReason, ReadOnly, Reason};
use super::entries::{ClaimState, Entry};
use super::store::is_force_released;
use portalctl_core::identity::{Identities, Identity};
use portalctl_core::plan::{Change, Evidence, FieldChange, Kept, in_use, removal};
use portalctl_manifest::kubernetes::PortalEnvironmentSpec;
use portalctl_model::ManifestName;
use portalctl_model::desired::FieldPath;
use portalctl_model::observed::{Observed, Organization, Usage};

/// Next step for a resource that is being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Remove the finalizer and keep the organization, for this reason.
    Release(&'static str),
    /// Delete the organization, then remove the finalizer.
    Delete(Box<Change>),
    /// Wait, for this reason.
    Wait(BlockedReason),
}

/// Way out, in the message of every deletion that waits.
const HOW_TO_RELEASE: &str = "to free the resource and keep the organization, annotate it with \
                              portalctl.dev/force-release: \"true\"";

/// Returns the step that needs no answer of WorkOS.
pub(super) fn without_workos(entry: &Entry, blocked: &BlockedReason) -> Step {
    match released(entry) {
        Some(why) => Step::Release(why),
        None => Step::Wait(not_deleted(&blocked.message)),
    }
}

/// Returns why an entry is released without a look at WorkOS.
fn released(entry: &Entry) -> Option<&'static str> {
    if is_force_released(&entry.object.metadata) {
        return Some("freed by portalctl.dev/force-release; the organization stays");
    }
    (!entry.wants_deletion()).then_some("deletionPolicy is Retain; the organization stays")
}

fn not_deleted(why: &str) -> BlockedReason {
    BlockedReason::new(
        Reason::DeletionBlocked,
        format!("the organization is not deleted: {why}; {HOW_TO_RELEASE}"),
    )
}

/// Permissions of an environment.
#[derive(Debug)]
pub(super) struct Allowance<'a> {
    /// Spec of the environment.
    pub(super) spec: &'a PortalEnvironmentSpec,
    /// Owner mark of the environment.
    pub(super) manifest: Option<&'a ManifestName>,
    /// Deletions that the hourly limit still allows.
    pub(super) left: usize,
}

impl<'a> Allowance<'a> {
    /// Returns the permissions after the deletions of the last hour.
    pub(super) fn new(
        spec: &'a PortalEnvironmentSpec,
        manifest: Option<&'a ManifestName>,
        recent: &[Timestamp],
    ) -> Self {
        let most = spec.operator.max_deletes_per_hour as usize;
        Self {
            spec,
            manifest,
            left: most.saturating_sub(recent.len()),
        }
    }
}

/// Returns the next step for an entry that is being deleted.
pub(super) fn step(
    entry: &Entry,
    allowance: &Allowance<'_>,
    observed: &Observed,
    identities: &Identities,
) -> Step {
    if let Some(why) = released(entry) {
        return Step::Release(why);
    }
    if entry.claim_state == ClaimState::Refused {
        return Step::Release("this resource does not hold the organization, which stays");
    }
    let key = match &entry.resolved_key {
        Ok(key) => key,
        Err(blocked) => return Step::Wait(not_deleted(&blocked.message)),
    };
    if entry.read_only == Some(ReadOnly::Paused) {
        return Step::Wait(BlockedReason::new(
            Reason::Paused,
            format!("paused, so the organization is not deleted; {HOW_TO_RELEASE}"),
        ));
    }
    let id = match identities.entries.get(key).unwrap_or(&Identity::Missing) {
        Identity::Matched { organization, .. } => organization,
        // An organization that was not taken over is not the resource's to delete.
        Identity::Missing | Identity::Adoptable { .. } => {
            return Step::Release("there is no organization to delete");
        }
        Identity::Conflicted(conflicts) => {
            let told: Vec<&str> = conflicts.iter().map(|one| one.message.as_str()).collect();
            return Step::Wait(not_deleted(&told.join("; ")));
        }
    };
    if !allowance.spec.operator.allow_deletion {
        return Step::Wait(not_deleted(
            "the PortalEnvironment does not set allowDeletion",
        ));
    }
    let Some(manifest) = allowance.manifest else {
        return Step::Wait(not_deleted("the PortalEnvironment has no manifest"));
    };
    let Some(live) = observed.organizations.get(id) else {
        return Step::Release("there is no organization to delete");
    };
    match removal(live, observed, manifest, entry.holder.as_ref()) {
        Err(Kept::NotOurs) => Step::Wait(not_deleted(
            "it does not carry this environment's owner mark, so it was not created here",
        )),
        Err(Kept::Protected) => Step::Wait(not_deleted("it is protected")),
        Err(Kept::HeldBy(_)) => {
            Step::Release("this resource does not hold the organization, which stays")
        }
        Ok(_) if allowance.left == 0 => Step::Wait(BlockedReason::new(
            Reason::Deleting,
            format!(
                "maxDeletesPerHour ({}) is reached: the deletion waits",
                allowance.spec.operator.max_deletes_per_hour
            ),
        )),
        Ok(mut change) => {
            change.key = key.clone();
            Step::Delete(Box::new(change))
        }
    }
}

/// Refuses the deletion of an organization that is in use. Where it is allowed all the same, the
/// evidence is added to the change.
pub(super) fn guard_use(
    change: &mut Change,
    live: &Organization,
    usage: &Usage,
    spec: &PortalEnvironmentSpec,
) -> Result<(), BlockedReason> {
    let evidence = in_use(live, Some(usage));
    if evidence.is_empty() || spec.operator.allow_active_deletion {
        let seen = change.fields.iter().map(FieldChange::path);
        let seen: BTreeSet<FieldPath> = seen.collect();
        let new = evidence.iter().map(Evidence::field);
        change
            .fields
            .extend(new.filter(|field| !seen.contains(&field.path())));
        change.fields.sort();
        return Ok(());
    }
    let told: Vec<String> = evidence.iter().map(Evidence::to_string).collect();
    Err(not_deleted(&format!(
        "it is in use: {}; it is deleted once nothing uses it, or set allowActiveDeletion on the \
         PortalEnvironment",
        told.join("; ")
    )))
}

#[cfg(test)]
mod tests;
