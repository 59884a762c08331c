//! Finalizers of both resources.
//!
//! A PortalOrganization has one while its organization is to be deleted with it. Such a resource needs
//! its environment for that: the endpoint and the API key. So an environment has a finalizer while
//! resources of its own namespace need it, and goes last when all are deleted together.

use futures::stream::{self, StreamExt};
use kube::Resource;
use kube::core::ObjectMeta;

use super::conditions::{BlockedReason, Reason};
use super::context::{Context, Pass};
use super::entries::{Entry, wants_deletion};
use super::events::{EventReason, Notice};
use super::kube_api::{CONCURRENT_WRITES, Finalizer, write_finalizer};
use super::resource::{PortalEnvironment, PortalOrganization, name_of};
use super::store::{
    ENVIRONMENT_FINALIZER, EnvironmentObjects, FINALIZER, has_finalizer, is_being_deleted,
    is_force_released, is_held,
};

/// Most resources that the message of an environment in use names.
const MAX_NAMED: usize = 5;

/// Puts the finalizer on each resource whose organization is to be deleted with it, and takes it off
/// all others.
pub(super) async fn update_organizations(context: &Context, entries: &[Entry]) {
    let to_change = entries.iter().filter(|entry| !entry.is_being_deleted());
    let to_change = to_change.filter_map(|entry| {
        let is_held = is_held(&entry.object.metadata);
        match (entry.wants_deletion(), is_held) {
            (true, false) => Some((entry, Finalizer::Present)).filter(|_| entry.key().is_some()),
            (false, true) => Some((entry, Finalizer::Absent)),
            (true, true) | (false, false) => None,
        }
    });
    stream::iter(to_change)
        .map(|(entry, wanted)| update_organization(context, entry, wanted))
        .buffer_unordered(CONCURRENT_WRITES)
        .collect::<()>()
        .await;
}

async fn update_organization(context: &Context, entry: &Entry, wanted: Finalizer) {
    let (client, metadata) = (&context.client, &entry.object.metadata);
    let written = write_finalizer::<PortalOrganization>(client, metadata, FINALIZER, wanted);
    if let Err(error) = written.await {
        tracing::warn!(organization = %entry.name, %error, "the finalizer was not written");
    }
}

/// Takes the finalizer off a resource whose organization was deleted.
pub(super) async fn remove(context: &Context, entry: &Entry) {
    update_organization(context, entry, Finalizer::Absent).await;
}

/// Takes the finalizer off a resource whose organization is kept, and writes an event with the reason.
pub(super) async fn release(context: &Context, entry: &Entry, why: &str) {
    let notice = Notice::Event(EventReason::Released, why.to_owned());
    context.events.publish(&*entry.object, &notice).await;
    remove(context, entry).await;
}

/// Puts the finalizer on the environment while it is needed, and takes it off afterwards.
pub(super) async fn update_environment(pass: &Pass<'_>) {
    let Some(stored) = &pass.objects.environment else {
        return;
    };
    let (context, metadata) = (pass.context, stored.meta());
    let is_present = has_finalizer(metadata, ENVIRONMENT_FINALIZER);
    let wanted = match (wanted(metadata, pass.objects), is_present) {
        (Some(Finalizer::Present), false) => Finalizer::Present,
        (Some(Finalizer::Absent), true) => Finalizer::Absent,
        _ => return,
    };
    if is_being_deleted(metadata)
        && is_force_released(metadata)
        && let Ok(environment) = stored.read()
    {
        let note = "freed by portalctl.dev/force-release; nothing is deleted at WorkOS";
        let notice = Notice::Event(EventReason::Released, note.to_owned());
        context.events.publish(&**environment, &notice).await;
    }
    let written = write_finalizer::<PortalEnvironment>(
        &context.client,
        metadata,
        ENVIRONMENT_FINALIZER,
        wanted,
    );
    if let Err(error) = written.await {
        tracing::warn!(environment = %pass.name, %error, "the finalizer was not written");
    }
}

/// Returns whether the environment's finalizer has to be there; none where it can no longer be put on
/// the object. Pure.
fn wanted(metadata: &ObjectMeta, objects: &EnvironmentObjects) -> Option<Finalizer> {
    if !is_being_deleted(metadata) {
        let is_needed = objects.organizations.iter().any(|one| needs(one, metadata));
        return Some(if is_needed {
            Finalizer::Present
        } else {
            Finalizer::Absent
        });
    }
    let is_free = is_force_released(metadata) || waited_for(metadata, objects).next().is_none();
    is_free.then_some(Finalizer::Absent)
}

/// Lists the resources that an environment waits for while it is being deleted.
fn waited_for<'a>(
    metadata: &'a ObjectMeta,
    objects: &'a EnvironmentObjects,
) -> impl Iterator<Item = &'a PortalOrganization> {
    let all = objects.organizations.iter().map(|object| &**object);
    all.filter(|object| needs(object, metadata) && is_held(&object.metadata))
}

/// Returns whether a resource needs its environment to be deleted.
fn needs(object: &PortalOrganization, environment: &ObjectMeta) -> bool {
    object.metadata.namespace == environment.namespace && wants_deletion(object)
}

/// Returns why an environment that is being deleted is still there. Pure.
pub(super) fn in_use(
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
    let (first, more) = names.split_at(names.len().min(MAX_NAMED));
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
