//! Statuses of objects that the API server keeps and this version cannot read.
//!
//! Goes in: the watched resources. Each unreadable object gets one status for each edit that says so;
//! it stops no other object.

use std::collections::BTreeSet;

use kube::core::{ApiResource, DynamicObject, ObjectMeta};
use kube::runtime::reflector::Store;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::conditions::{self, BlockedReason, Reason, merge, same_conditions};
use super::context::Context;
use super::kube_api::{Status, write_status};
use super::resource::{Name, Uid, name_of};
use super::store::StoredObject;
use portalctl_manifest::kubernetes::{PortalEnvironmentStatus, PortalOrganizationStatus};
use portalctl_model::text::escape;

/// Version of an object.
type ObjectVersion = (Uid, Option<i64>);

/// Objects whose status says that they are unreadable.
#[derive(Debug, Default)]
pub(super) struct Reported(BTreeSet<ObjectVersion>);

impl Reported {
    /// Writes the status of every unreadable object that has none yet. Returns whether all of them have
    /// one now.
    pub(super) async fn update(&mut self, context: &Context) -> bool {
        let before = std::mem::take(&mut self.0);
        let environments = unreadable(&context.environments);
        let environments = self.report::<PortalEnvironmentStatus>(context, &before, environments);
        let environments = environments.await;
        let organizations = unreadable(&context.organizations);
        let organizations =
            self.report::<PortalOrganizationStatus>(context, &before, organizations);
        organizations.await && environments
    }

    async fn report<S>(
        &mut self,
        context: &Context,
        before: &BTreeSet<ObjectVersion>,
        objects: Vec<(ObjectMeta, String)>,
    ) -> bool
    where
        S: Status + DeserializeOwned,
    {
        let mut all_reported = true;
        for (metadata, error) in objects {
            let version = (Uid::of(&metadata), metadata.generation);
            if before.contains(&version) || report::<S>(context, &metadata, &error).await {
                self.0.insert(version);
            } else {
                all_reported = false;
            }
        }
        all_reported
    }
}

/// Lists the unreadable objects of one kind with their errors, by name.
fn unreadable<K>(store: &Store<StoredObject<K>>) -> Vec<(ObjectMeta, String)>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let objects = store.state();
    let unreadable = objects.iter().filter_map(|object| {
        let error = object.read().err()?.to_owned();
        Some((object.meta().clone(), error))
    });
    let mut unreadable: Vec<_> = unreadable.collect();
    unreadable.sort_by_cached_key(|(metadata, _)| name_of(metadata));
    unreadable
}

/// Writes the status of one object, and logs a failure.
async fn report<S>(context: &Context, metadata: &ObjectMeta, error: &str) -> bool
where
    S: Status + DeserializeOwned,
{
    let written = write::<S>(context, metadata, error).await;
    if let Err(error) = &written {
        let name = name_of(metadata);
        tracing::warn!(object = %name, %error, "a status was not written");
    }
    written.is_ok()
}

async fn write<S>(context: &Context, metadata: &ObjectMeta, error: &str) -> kube::Result<()>
where
    S: Status + DeserializeOwned,
{
    let before: S = read_status(context, metadata).await?;
    let message = format!("this version cannot read it: {}", escape(error));
    let conditions = conditions::not_observed(&BlockedReason::new(Reason::Invalid, message));
    let generation = metadata.generation;
    let now = context.clock.now();
    let conditions = merge(before.conditions(), &conditions, generation, now);
    if same_conditions(before.conditions(), &conditions) {
        return Ok(());
    }
    let status = before.of_generation(generation).with_conditions(conditions);
    write_status(&context.client, metadata, status).await
}

/// Reads the status that an object has, of whichever process: it stands, with its times. A status that
/// cannot be read either was not written by this version and counts as empty.
async fn read_status<S>(context: &Context, metadata: &ObjectMeta) -> kube::Result<S>
where
    S: Status + DeserializeOwned,
{
    let Name { namespace, name } = name_of(metadata);
    let resource = ApiResource::erase::<S::Object>(&());
    let client = context.client.clone();
    let objects: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &resource);
    let object = objects.get_opt(&name).await?;
    let status = object.map(|mut object| object.data["status"].take());
    let status = status.and_then(|status| serde_json::from_value(status).ok());
    Ok(status.unwrap_or_default())
}
