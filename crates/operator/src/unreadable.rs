//! EnvironmentObjects that the API server keeps and this version cannot read: told on themselves, once for
//! each edit.

use std::collections::BTreeSet;

use kube::core::{ApiResource, DynamicObject, ObjectMeta};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::conditions::Reason;
use super::conditions::{self, BlockedReason, merge};
use super::context::Context;
use super::kube_api::{self, Status};
use super::resource::{Name, Uid, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use super::status::same_conditions;
use portalctl_manifest::kubernetes::{PortalEnvironmentStatus, PortalOrganizationStatus};
use portalctl_model::text::escape;

/// An edit of an object.
pub(super) type ObjectVersion = (Uid, Option<i64>);

/// An object that cannot be read, and why.
struct Unreadable {
    metadata: ObjectMeta,
    error: String,
    is_organization: bool,
}

/// Tells every unreadable object that it is one; whether all of them know.
pub(super) async fn tell(context: &Context, told: &mut BTreeSet<ObjectVersion>) -> bool {
    let mut there = BTreeSet::new();
    let mut all_told = true;
    for object in all(context) {
        let edit = (Uid::of(&object.metadata), object.metadata.generation);
        there.insert(edit.clone());
        if told.contains(&edit) {
            continue;
        }
        match write(context, &object).await {
            Ok(()) => {
                told.insert(edit);
            }
            Err(error) => {
                all_told = false;
                let name = name_of(&object.metadata);
                tracing::warn!(object = %name, %error, "a status was not written");
            }
        }
    }
    told.retain(|edit| there.contains(edit));
    all_told
}

/// The objects that cannot be read, in one order.
fn all(context: &Context) -> Vec<Unreadable> {
    let organizations = context.organizations.state();
    let organizations = organizations.iter().filter_map(|object| {
        let error = object.read().err()?.to_owned();
        Some((object.meta().clone(), error, true))
    });
    let environments = context.environments.state();
    let environments = environments.iter().filter_map(|object| {
        let error = object.read().err()?.to_owned();
        Some((object.meta().clone(), error, false))
    });
    let all = organizations.chain(environments);
    let mut all: Vec<Unreadable> = all
        .map(|(metadata, error, is_organization)| Unreadable {
            metadata,
            error,
            is_organization,
        })
        .collect();
    all.sort_by_cached_key(|object| (object.is_organization, name_of(&object.metadata)));
    all
}

async fn write(context: &Context, object: &Unreadable) -> kube::Result<()> {
    if object.is_organization {
        write_status::<PortalOrganization, PortalOrganizationStatus>(context, object).await
    } else {
        write_status::<PortalEnvironment, PortalEnvironmentStatus>(context, object).await
    }
}

async fn write_status<K, S>(context: &Context, object: &Unreadable) -> kube::Result<()>
where
    K: Resource<DynamicType = ()>,
    S: Status + DeserializeOwned,
{
    let metadata = &object.metadata;
    let before: S = before::<K, S>(context, metadata).await?;
    let message = format!("this version cannot read it: {}", escape(&object.error));
    let conditions_set = conditions::not_observed(&BlockedReason::new(Reason::Invalid, message));
    let generation = metadata.generation;
    let now = context.clock.now();
    let conditions = merge(before.conditions(), &conditions_set, generation, now);
    if same_conditions(before.conditions(), &conditions) {
        return Ok(());
    }
    let status = before.of_generation(generation).with_conditions(conditions);
    kube_api::status(&context.client, metadata, status).await
}

/// What an object was told before, by whichever process: that, and its times, stands.
async fn before<K, S>(context: &Context, metadata: &ObjectMeta) -> kube::Result<S>
where
    K: Resource<DynamicType = ()>,
    S: DeserializeOwned + Default,
{
    let Name { namespace, name } = name_of(metadata);
    let resource = ApiResource::erase::<K>(&());
    let client = context.client.clone();
    let objects: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &resource);
    let object = objects.get_opt(&name).await?;
    let status = object.map(|mut object| object.data["status"].take());
    // What cannot be read was not written by this version.
    Ok(status
        .and_then(|status| serde_json::from_value(status).ok())
        .unwrap_or_default())
}
