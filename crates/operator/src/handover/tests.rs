//! Tests of `handover`.

use std::sync::Arc;

use serde_json::json;

use super::*;
use portalctl_model::{OrganizationId, mark};

/// Returns whether a resource takes over the organization of `portal/old`, or of `namespace/old`.
fn inherits(old: &str, live: &Value, object: &Value) -> bool {
    let environment = json!({
        "metadata": { "name": "production", "namespace": "portal" },
        "spec": {
            "secretRef": { "name": "workos", "key": "api-key" },
            "allowedNamespaces": ["team"],
        },
    });
    let environment: PortalEnvironment = serde_json::from_value(environment).unwrap();
    let (namespace, name) = old.split_once('/').unwrap();
    let leaving = json!({
        "metadata": { "name": name, "namespace": namespace, "uid": "old" },
        "spec": { "environmentRef": { "name": "production" }, "name": "Acme" },
    });
    let live = Organization {
        id: OrganizationId::from_api("org_1".to_owned()),
        name: "Acme".to_owned(),
        external_id: live.as_str().map(str::to_owned),
        domains: Vec::new(),
        metadata: [(mark::HOLDER.to_owned(), format!("here/{old}"))].into(),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        created_at: None,
        updated_at: None,
    };
    let leaving = Entry::of(Arc::new(serde_json::from_value(leaving).unwrap()), "here");
    let mut new = json!({
        "apiVersion": "portalctl.dev/v1alpha1", "kind": "PortalOrganization",
        "metadata": { "name": "new", "namespace": namespace, "uid": "new" },
        "spec": { "environmentRef": { "name": "production", "namespace": "portal" } },
    });
    for part in ["metadata", "spec"] {
        for (field, value) in object[part].as_object().into_iter().flatten() {
            new[part][field] = value.clone();
        }
    }
    SuccessorCheck {
        cluster: "here",
        environment: &environment,
        manifest: None,
        transfers: &[],
        live: &live,
        deleted: &leaving,
    }
    .is_successor(&serde_json::from_value(new).unwrap())
}

#[test]
fn whoever_claims_by_key_id_external_id_or_previous_key_inherits() {
    for spec in [
        json!({ "key": "acme" }),
        json!({ "id": "org_1" }),
        json!({ "externalId": "acme" }),
        json!({ "previousKeys": ["other", "acme"] }),
        json!({ "externalId": "new", "previousKeys": ["acme"] }),
    ] {
        let object = json!({ "spec": spec });
        assert!(inherits("portal/old", &json!("acme"), &object), "{object}");
    }
}

#[test]
fn whoever_does_not_claim_it_or_may_not_hold_it_inherits_nothing() {
    let key = json!({ "key": "acme" });
    for object in [
        json!({ "spec": {} }),
        json!({ "spec": { "id": "org_2", "key": "acme" } }),
        json!({ "spec": { "externalId": "new", "key": "acme" } }),
        json!({ "spec": { "key": "acme", "environmentRef": { "name": "other" } } }),
        json!({ "spec": key, "metadata": { "uid": "old" } }),
        json!({ "spec": key, "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z" } }),
        json!({ "spec": key, "metadata": { "namespace": "elsewhere" } }),
        // A tenant takes nothing from another namespace.
        json!({ "spec": { "previousKeys": ["acme"] }, "metadata": { "namespace": "team" } }),
    ] {
        assert!(!inherits("portal/old", &json!("acme"), &object), "{object}");
    }
    let object = json!({ "spec": key });
    assert!(!inherits("portal/old", &Value::Null, &object));
}

#[test]
fn a_tenant_inherits_within_its_namespace_by_qualified_and_plain_keys() {
    for (live, spec) in [
        ("team.acme", json!({ "key": "acme" })),
        ("team.acme", json!({ "previousKeys": ["acme"] })),
        ("team.acme", json!({ "previousKeys": ["team.acme"] })),
        ("acme", json!({ "key": "acme" })),
    ] {
        let object = json!({ "spec": spec });
        assert!(
            inherits("team/old", &json!(live), &object),
            "{live} {object}"
        );
    }
    let object = json!({ "spec": { "externalId": "acme" } });
    assert!(!inherits("team/old", &json!("team.acme"), &object));
}
