//! Tests that `doctor` reports whether WorkOS sends the expected webhooks, and shows no secret.

use serde_json::{Value, json};

use crate::support::cli::TestEnv;
use crate::support::stand_in::{EPOCH, StandIn, WEBHOOK_SECRET};

const ENVIRONMENT: &str = "\
apiVersion: portalctl.dev/v1alpha1
kind: PortalEnvironment
metadata: { name: prod, namespace: portal }
spec:
  secretRef: { name: workos, key: api-key }
  apiKey: test
  webhook: { secretRef: { name: hooks, key: secret } }
---
apiVersion: portalctl.dev/v1alpha1
kind: PortalOrganization
metadata: { name: acme, namespace: portal }
spec: { environmentRef: { name: prod }, name: Acme }
";

/// The events after which the operator looks, without those that cannot be subscribed to.
const EVENTS: [&str; 15] = [
    "connection.activated",
    "connection.deactivated",
    "connection.deleted",
    "connection.saml_certificate_renewal_required",
    "connection.saml_certificate_renewed",
    "dsync.activated",
    "dsync.deleted",
    "organization.created",
    "organization.deleted",
    "organization.updated",
    "organization_domain.created",
    "organization_domain.deleted",
    "organization_domain.updated",
    "organization_domain.verification_failed",
    "organization_domain.verified",
];

fn endpoint(status: &str, events: &[&str]) -> Value {
    json!({
        "object": "webhook_endpoint", "id": "we_1", "status": status, "events": events,
        "endpoint_url": "https://hooks.example.com/webhooks/portal/prod",
        "secret": WEBHOOK_SECRET, "created_at": EPOCH, "updated_at": EPOCH,
    })
}

/// The check of the webhook, in an account with these endpoints.
fn check(endpoints: Vec<Value>) -> Value {
    let workos = StandIn::of(|world| world.webhook_endpoints = endpoints);
    let env = TestEnv::with_manifest(ENVIRONMENT);
    for line in ["doctor -vv", "doctor -vv -o json"] {
        let output = env.run(line).at_url(&workos.url()).output();
        for said in [&output.stdout, &output.stderr] {
            assert!(!said.contains(WEBHOOK_SECRET), "{output}");
        }
    }
    let output = env.run("doctor -o json").at_url(&workos.url()).output();
    let document = output.json_of("doctor");
    let mut checks = document["checks"].as_array().unwrap().iter();
    let webhook = checks.find(|check| check["id"] == "webhook").unwrap();
    let failed = webhook["verdict"] == "fail";
    assert!(!failed || output.code == Some(2), "{output}");
    webhook.clone()
}

#[test]
fn an_endpoint_that_is_sent_everything_passes() {
    let webhook = check(vec![endpoint("enabled", &EVENTS)]);
    assert_eq!(webhook["verdict"], "pass", "{webhook}");
}

#[test]
fn what_is_wrong_with_an_endpoint_is_named() {
    let webhook = check(vec![]);
    assert_eq!(webhook["code"], "doctor/webhook-missing", "{webhook}");
    let webhook = check(vec![endpoint("disabled", &EVENTS)]);
    assert_eq!(webhook["code"], "doctor/webhook-disabled", "{webhook}");
    let webhook = check(vec![endpoint("enabled", &EVENTS[1..])]);
    assert_eq!(webhook["code"], "doctor/webhook-events", "{webhook}");
    assert_eq!(webhook["verdict"], "warn");
    let detail = webhook["detail"].as_str().unwrap();
    assert!(detail.contains("connection.activated"), "{webhook}");
}

#[test]
fn where_no_webhook_is_expected_none_is_asked_about() {
    let workos = StandIn::start();
    let env = TestEnv::with_manifest("version: 1\norganizations: { acme: { name: Acme } }\n");
    let _ = env.run("doctor").at_url(&workos.url()).output();
    let requests = workos.requests();
    assert!(!requests.is_empty());
    assert!(requests.iter().all(|one| one.path != "/webhook_endpoints"));
}

#[test]
fn an_account_without_such_a_list_is_told_so() {
    let workos = StandIn::start();
    let answer = json!({"message": "Not Found", "code": "not_found"});
    workos.answer("GET", "/webhook_endpoints", 404, answer);
    let env = TestEnv::with_manifest(ENVIRONMENT);
    let output = env.run("doctor -o json").at_url(&workos.url()).output();
    let document = output.json_of("doctor");
    let mut checks = document["checks"].as_array().unwrap().iter();
    let webhook = checks.find(|check| check["id"] == "webhook").unwrap();
    assert_eq!(webhook["verdict"], "skip", "{webhook}");
}
