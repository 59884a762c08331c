//! Tests of `finalizer`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::store::FINALIZER;

fn organization(name: &str, namespace: &str, policy: &str, finalizers: &[&str]) -> Value {
    json!({
        "metadata": { "name": name, "namespace": namespace, "finalizers": finalizers },
        "spec": {
            "environmentRef": { "name": "production", "namespace": "portal" },
            "deletionPolicy": policy,
        },
    })
}

fn objects(all: &[Value]) -> EnvironmentObjects {
    let read = |one: &Value| Arc::new(serde_json::from_value(one.clone()).unwrap());
    EnvironmentObjects {
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
        (vec![organization("kept", "portal", "Retain", &[])], false),
        (
            vec![organization("team", "team", "Delete", &[FINALIZER])],
            false,
        ),
        (vec![organization("acme", "portal", "Delete", &[])], true),
    ] {
        assert_eq!(
            wanted(&there, &objects(&all)),
            Some(if is_held {
                Finalizer::Present
            } else {
                Finalizer::Absent
            }),
            "{all:?}"
        );
    }
}

#[test]
fn one_that_is_being_deleted_says_what_it_waits_for_and_goes_last() {
    let leaving = json!({ "deletionTimestamp": "2026-01-02T03:04:05Z" });
    let leaving = environment(&leaving);
    let acme = objects(&[
        organization("acme", "portal", "Delete", &[FINALIZER]),
        organization("new", "portal", "Delete", &[]),
        organization("kept", "portal", "Retain", &[]),
    ]);
    assert_eq!(wanted(&leaving.metadata, &acme), None);
    let blocked = in_use(&leaving, &acme).unwrap();
    assert_eq!(blocked.reason, Reason::InUse);
    assert!(
        blocked.message.contains("PortalOrganization acme;")
            && blocked.message.contains("force-release"),
        "{}",
        blocked.message
    );
    // A finalizer can no longer be put on it, so who has none yet is not waited for.
    let new = objects(&[organization("new", "portal", "Delete", &[])]);
    assert_eq!(wanted(&leaving.metadata, &new), Some(Finalizer::Absent));
    assert_eq!(in_use(&leaving, &new), None);

    let released = environment(&json!({
        "deletionTimestamp": "2026-01-02T03:04:05Z",
        "annotations": { "portalctl.dev/force-release": "true" },
    }));
    assert_eq!(wanted(&released.metadata, &acme), Some(Finalizer::Absent));
    assert_eq!(in_use(&environment(&json!({})), &acme), None);
}

#[test]
fn only_some_of_many_are_named() {
    let leaving = environment(&json!({ "deletionTimestamp": "2026-01-02T03:04:05Z" }));
    let all: Vec<Value> = (0..7)
        .map(|number| organization(&format!("c{number}"), "portal", "Delete", &[FINALIZER]))
        .collect();
    let message = in_use(&leaving, &objects(&all)).unwrap().message;
    assert!(
        message.contains("c0, c1, c2, c3, c4 and 2 more"),
        "{message}"
    );
}
