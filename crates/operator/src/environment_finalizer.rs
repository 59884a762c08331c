//! The finalizer of an environment: it stays while resources of its namespace need it.
//!
//! A resource with `deletionPolicy: Delete` needs its environment to be deleted: where it is, and its
//! API key. When all of them are deleted together, in any order, the environment goes last.

use super::announce::News;
use super::conditions::Trouble;
use super::kube_writes;
use super::names::name_of;
use super::objects::{
    ENVIRONMENT_FINALIZER, Objects, has_finalizer, is_force_released, is_held, is_leaving,
};
use super::reason::Reason;
use super::reconcile::Reconciler;
use super::resource::{PortalEnvironment, PortalOrganization};
use kube::Resource;
use kube::core::ObjectMeta;
use portalctl_manifest::kubernetes::{DeletionPolicy, ManagementPolicy};

/// How many resources are named that an environment waits for.
const NAMED: usize = 5;

impl Reconciler {
    /// Puts the finalizer on the environment while it is needed, and takes it off.
    pub(super) async fn keep_environment(&self, objects: &Objects) {
        let Some(held) = &objects.environment else {
            return;
        };
        let metadata = held.meta();
        let wanted = match wanted(metadata, objects) {
            Some(wanted) if wanted != has_finalizer(metadata, ENVIRONMENT_FINALIZER) => wanted,
            _ => return,
        };
        if is_leaving(metadata)
            && is_force_released(metadata)
            && let Ok(environment) = held.read()
        {
            let note = "freed by portalctl.dev/force-release; nothing is deleted at WorkOS";
            let announcer = &self.context.announcer;
            announcer
                .environment(environment, News::Released, note)
                .await;
        }
        let client = &self.context.client;
        let written = kube_writes::finalizer::<PortalEnvironment>(
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
fn wanted(metadata: &ObjectMeta, objects: &Objects) -> Option<bool> {
    if !is_leaving(metadata) {
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
    objects: &'a Objects,
) -> impl Iterator<Item = &'a PortalOrganization> {
    let all = objects.organizations.iter().map(|object| &**object);
    all.filter(|object| needs(object, metadata) && is_held(&object.metadata))
}

/// Returns whether a resource needs its environment to be deleted.
fn needs(object: &PortalOrganization, environment: &ObjectMeta) -> bool {
    object.metadata.namespace == environment.namespace
        && object.spec.deletion_policy == DeletionPolicy::Delete
        && object.spec.management_policy == ManagementPolicy::Manage
}

/// Returns what an environment waits for that is being deleted. Pure.
pub(super) fn waits(environment: &PortalEnvironment, objects: &Objects) -> Option<Trouble> {
    let metadata = &environment.metadata;
    if !is_leaving(metadata) || is_force_released(metadata) {
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
    Some(Trouble::new(
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
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::objects::FINALIZER;

    fn organization(name: &str, namespace: &str, policy: &str, is_held: bool) -> Value {
        let finalizers = if is_held {
            json!([FINALIZER])
        } else {
            json!([])
        };
        json!({
            "metadata": { "name": name, "namespace": namespace, "finalizers": finalizers },
            "spec": {
                "environmentRef": { "name": "production", "namespace": "portal" },
                "deletionPolicy": policy,
            },
        })
    }

    fn objects(all: &[Value]) -> Objects {
        let read = |one: &Value| Arc::new(serde_json::from_value(one.clone()).unwrap());
        Objects {
            environment: None,
            organizations: all.iter().map(read).collect(),
        }
    }

    fn environment(more: &Value) -> PortalEnvironment {
        let mut object = json!({
            "metadata": { "name": "production", "namespace": "portal" },
            "spec": { "secretRef": { "name": "workos", "key": "api-key" } },
        });
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.extend(more.as_object().unwrap().clone());
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn an_environment_is_held_by_resources_of_its_namespace_that_are_deleted_with_it() {
        let there = environment(&json!({})).metadata;
        for (all, is_held) in [
            (vec![], false),
            (vec![organization("kept", "portal", "Retain", false)], false),
            (vec![organization("team", "team", "Delete", true)], false),
            (vec![organization("acme", "portal", "Delete", false)], true),
        ] {
            assert_eq!(wanted(&there, &objects(&all)), Some(is_held), "{all:?}");
        }
    }

    #[test]
    fn one_that_is_being_deleted_says_what_it_waits_for_and_goes_last() {
        let leaving = json!({ "deletionTimestamp": "2026-01-02T03:04:05Z" });
        let leaving = environment(&leaving);
        let acme = objects(&[
            organization("acme", "portal", "Delete", true),
            organization("new", "portal", "Delete", false),
            organization("kept", "portal", "Retain", false),
        ]);
        assert_eq!(wanted(&leaving.metadata, &acme), None);
        let trouble = waits(&leaving, &acme).unwrap();
        assert_eq!(trouble.reason, Reason::InUse);
        assert!(
            trouble.message.contains("PortalOrganization acme;")
                && trouble.message.contains("force-release"),
            "{}",
            trouble.message
        );
        // A finalizer can no longer be put on it, so who has none yet is not waited for.
        let new = objects(&[organization("new", "portal", "Delete", false)]);
        assert_eq!(wanted(&leaving.metadata, &new), Some(false));
        assert_eq!(waits(&leaving, &new), None);

        let released = environment(&json!({
            "deletionTimestamp": "2026-01-02T03:04:05Z",
            "annotations": { "portalctl.dev/force-release": "true" },
        }));
        assert_eq!(wanted(&released.metadata, &acme), Some(false));
        assert_eq!(waits(&environment(&json!({})), &acme), None);
    }

    #[test]
    fn only_some_of_many_are_named() {
        let leaving = environment(&json!({ "deletionTimestamp": "2026-01-02T03:04:05Z" }));
        let all: Vec<Value> = (0..7)
            .map(|number| organization(&format!("c{number}"), "portal", "Delete", true))
            .collect();
        let message = waits(&leaving, &objects(&all)).unwrap().message;
        assert!(
            message.contains("c0, c1, c2, c3, c4 and 2 more"),
            "{message}"
        );
    }
}
