//! Tests of `resolved_spec`.

use super::*;
use portalctl_model::ExternalId;

fn environment(spec: Value) -> PortalEnvironment {
    let mut object = json!({
        "metadata": { "name": "production", "namespace": "portal", "uid": "e" },
        "spec": { "secretRef": { "name": "workos", "key": "api-key" } },
    });
    extend(&mut object["spec"], spec);
    serde_json::from_value(object).unwrap()
}

fn organization(name: &str, second: u8, spec: Value) -> PortalOrganization {
    let mut object = json!({
        "metadata": {
            "name": name, "namespace": "portal", "uid": name, "generation": 1,
            "creationTimestamp": format!("2026-01-02T03:04:{second:02}Z"),
        },
        "spec": { "environmentRef": { "name": "production" }, "name": name },
    });
    extend(&mut object["spec"], spec);
    serde_json::from_value(object).unwrap()
}

fn extend(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!() };
    into.as_object_mut().unwrap().extend(more);
}

fn blocked_by(declared: &ResolvedSpec, name: &str) -> BlockedReason {
    let name = Name {
        namespace: "portal".to_owned(),
        name: name.to_owned(),
    };
    declared.keys[&name].clone().unwrap_err()
}

#[test]
fn resources_that_claim_the_same_are_all_kept_each_under_a_key_of_its_own() {
    let same = json!({ "key": "acme", "domains": [{ "domain": "acme.com" }] });
    let (one, other) = (
        organization("zeta", 1, same.clone()),
        organization("acme", 2, same),
    );
    let declared = read(&environment(json!({})), &[&one, &other]);
    let desired = declared.desired.as_ref().unwrap();
    assert_eq!(desired.organizations.len(), 2);
    for organization in desired.organizations.values() {
        assert_eq!(organization.external_id.as_ref().unwrap().as_str(), "acme");
    }
    let keys: std::collections::BTreeSet<&OrgKey> = declared
        .keys
        .values()
        .map(|key| key.as_ref().unwrap())
        .collect();
    assert_eq!(keys.len(), 2);
}

#[test]
fn a_tenant_gets_the_namespace_before_its_key_and_no_external_id_of_others() {
    let tenant = |name: &str, spec: Value| {
        let mut object = organization(name, 1, spec);
        object.metadata.namespace = Some("team".to_owned());
        object.spec.environment_ref.namespace = Some("portal".to_owned());
        object
    };
    let allowed = json!({
        "allowedNamespaces": ["team"],
        "externalIdPatterns": [{ "namespace": "team", "patterns": ["crm-*"] }],
    });
    let acme = tenant("acme", json!({ "previousKeys": ["old"] }));
    let crm = tenant("crm", json!({ "externalId": "crm-1" }));
    let thief = tenant("thief", json!({ "externalId": "globex" }));
    let own = organization("acme", 2, json!({}));
    let declared = read(&environment(allowed), &[&acme, &crm, &thief, &own]);
    let desired = declared.desired.as_ref().unwrap();
    let found = |key: &str| {
        let one = &desired.organizations[key];
        let ids: Vec<&str> = one.external_ids().map(ExternalId::as_str).collect();
        ids.join(" ")
    };
    assert_eq!(found("team.acme"), "team.acme old team.old acme");
    assert_eq!(found("team.crm"), "crm-1");
    assert_eq!(found("acme"), "acme");
    let name = Name {
        namespace: "team".to_owned(),
        name: "thief".to_owned(),
    };
    let blocked = declared.keys[&name].clone().unwrap_err();
    assert_eq!(blocked.reason, Reason::Invalid);
    let code = "manifest/external-id-not-allowed";
    assert!(blocked.message.contains(code), "{}", blocked.message);
}

#[test]
fn a_resource_with_an_error_stops_itself_only() {
    let bad = organization("acme", 1, json!({ "returnUrl": "http://app.example.com/" }));
    let good = organization("globex", 2, json!({}));
    let declared = read(&environment(json!({})), &[&bad, &good]);
    assert_eq!(declared.desired.as_ref().unwrap().organizations.len(), 1);
    assert_eq!(blocked_by(&declared, "acme").reason, Reason::Invalid);
}

#[test]
fn a_refused_environment_wants_nothing() {
    let declared = read(&environment(json!({ "clientId": "1" })), &[]);
    assert_eq!(declared.desired.unwrap_err().reason, Reason::Invalid);
}

#[test]
fn what_nobody_edited_is_not_read_again() {
    let (environment, mut acme) = (environment(json!({})), organization("acme", 1, json!({})));
    let mut reader = Reader::default();
    let first = reader.read(&environment, &[&acme]);
    assert!(Arc::ptr_eq(&first, &reader.read(&environment, &[&acme])));
    acme.metadata.generation = Some(2);
    assert!(!Arc::ptr_eq(&first, &reader.read(&environment, &[&acme])));
    assert!(!Arc::ptr_eq(&first, &reader.read(&environment, &[])));
}
