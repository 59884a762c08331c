//! The finalizer of an environment: it stays while resources of its namespace need it.
//!
//! A resource with `deletionPolicy: Delete` needs its environment to be deleted: where it is, and its
//! API key. When all of them are deleted together, in any order, the environment goes last.

use kube::Resource;
use kube::core::ObjectMeta;

use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::events::EventReason;
use super::kube_api;
use super::reconcile::Reconciler;
use super::resource::name_of;
use super::resource::{PortalEnvironment, PortalOrganization};
use super::store::{
    ENVIRONMENT_FINALIZER, EnvironmentObjects, has_finalizer, is_being_deleted, is_force_released,
    is_held,
};
use portalctl_manifest::kubernetes::{DeletionPolicy, Management};

/// How many resources are named that an environment waits for.
const NAMED: usize = 5;

impl Reconciler {
    /// Puts the finalizer on the environment while it is needed, and takes it off.
    pub(super) async fn keep_environment(&self, objects: &EnvironmentObjects) {
        let Some(held) = &objects.environment else {
            return;
        };
        let metadata = held.meta();
        let wanted = match wanted(metadata, objects) {
            Some(wanted) if wanted != has_finalizer(metadata, ENVIRONMENT_FINALIZER) => wanted,
            _ => return,
        };
        if is_being_deleted(metadata)
            && is_force_released(metadata)
            && let Ok(environment) = held.read()
        {
            let note = "freed by portalctl.dev/force-release; nothing is deleted at WorkOS";
            let events = &self.context.events;
            events
                .environment(environment, EventReason::Released, note)
                .await;
        }
        let client = &self.context.client;
        let written = kube_api::finalizer::<PortalEnvironment>(
            client,
            metadata,
            ENVIRONMENT_FINALIZER,
            wanted,
        );
        if let Err(error) = written.await {
            tracing::warn!(environment = %self.name, %error, "the finalizer was not written");
        }
    }
}

/// Returns whether the finalizer is to be there; nothing where it can no longer be put. Pure.
fn wanted(metadata: &ObjectMeta, objects: &EnvironmentObjects) -> Option<bool> {
    if !is_being_deleted(metadata) {
        return Some(objects.organizations.iter().any(|one| needs(one, metadata)));
    }
    if is_force_released(metadata) {
        return Some(false);
    }
    let is_needed = waited_for(metadata, objects).next().is_some();
    (!is_needed).then_some(false)
}

/// The resources that an environment waits for while it is being deleted.
fn waited_for<'a>(
    metadata: &'a ObjectMeta,
    objects: &'a EnvironmentObjects,
) -> impl Iterator<Item = &'a PortalOrganization> {
    let all = objects.organizations.iter().map(|object| &**object);
    all.filter(|object| needs(object, metadata) && is_held(&object.metadata))
}

/// Returns whether a resource needs its environment to be deleted.
fn needs(object: &PortalOrganization, environment: &ObjectMeta) -> bool {
    object.metadata.namespace == environment.namespace
        && object.spec.policies.deletion_policy == DeletionPolicy::Delete
        && object.spec.policies.management_policy == Management::Manage
}

/// Returns what an environment waits for that is being deleted. Pure.
pub(super) fn waits(
    environment: &PortalEnvironment,
    objects: &EnvironmentObjects,
) -> Option<BlockedReason> {
    let metadata = &environment.metadata;
    if !is_being_deleted(metadata) || is_force_released(metadata) {
        return None;
    }
    let names: Vec<String> = waited_for(metadata, objects)
        .map(|object| name_of(&object.metadata).name)
        .collect();
    let (first, more) = names.split_at(names.len().min(NAMED));
    if first.is_empty() {
        return None;
    }
    let more = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    Some(BlockedReason::new(
        Reason::InUse,
        format!(
            "being deleted, and still needed to delete the organizations of PortalOrganization \
             {}{more}; delete them, set deletionPolicy: Retain there, or annotate this environment \
             with portalctl.dev/force-release: \"true\"",
            first.join(", ")
        ),
    ))
}

#[cfg(test)]
mod tests;
