//! Tests the operator's limits in a real API server: missing permissions, obstacles, and how people
//! resolve them.

use serde_json::{Value, json};

use crate::support::cli::KEY;
use crate::support::operator::{self, World, condition};
use crate::support::wait::until;

#[test]
fn of_two_that_claim_one_organization_the_holder_keeps_it() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({ "domains": [{ "domain": "acme.com" }] }));
    let _operator = world.operator("");
    world.is_in_sync("acme");
    world.environment_named("other", json!({}));
    world.organization("acme-2", json!({ "externalId": "acme" }));
    world.organization("globex", json!({ "domains": [{ "domain": "acme.com" }] }));
    world.organization("pinned", json!({ "id": world.sandbox.id_of("acme") }));
    let elsewhere = json!({ "environmentRef": { "name": "other" }, "key": "acme" });
    world.organization("elsewhere", elsewhere);
    for name in ["acme-2", "globex", "pinned", "elsewhere"] {
        let object = world.waits_for(name, "Synced", "False", "Conflict");
        assert_eq!(condition(&object, "Ready").unwrap()["status"], "False");
        let stalled = condition(&object, "Stalled").unwrap();
        let message = stalled["message"].as_str().unwrap();
        let holder = format!("PortalOrganization {}/acme", world.namespace);
        assert!(message.contains(&holder), "{name}: {message}");
    }
    world.is_in_sync("acme");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
    assert_eq!(world.sandbox.organizations()[0]["name"], "acme Corp");
    world.is_told("globex", "Conflict");
}

#[test]
fn a_wrong_resource_is_told_on_itself_and_the_others_go_on() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let hosts = json!({ "returnUrls": { "allowedHosts": ["app.example.com"] } });
    world.environment(hosts);
    world.organization("acme", json!({ "returnUrl": "https://evil.example.org/" }));
    world.organization("globex", json!({}));
    let nowhere = json!({ "environmentRef": { "name": "nowhere" } });
    world.organization("initech", nowhere);
    let _operator = world.operator("");
    world.is_in_sync("globex");
    let object = world.waits_for("acme", "Synced", "False", "Invalid");
    let message = condition(&object, "Stalled").unwrap()["message"].as_str();
    assert!(
        message.unwrap().contains("manifest/host-not-allowed"),
        "{message:?}"
    );
    world.waits_for("initech", "Ready", "False", "EnvironmentMissing");
    world.is_told("initech", "EnvironmentMissing");
    assert_eq!(world.sandbox.external_ids(), ["globex"]);

    world.organization("acme", json!({}));
    world.is_in_sync("acme");

    // Objects that violate the definition are refused at once.
    let plain = json!({ "name": "No", "returnUrl": "http://app.example.com/" });
    let object = json!({
        "apiVersion": "portalctl.dev/v1alpha1", "kind": "PortalOrganization",
        "metadata": { "name": "refused", "namespace": world.namespace },
        "spec": { "environmentRef": { "name": "production" }, "name": plain["name"],
                  "returnUrl": plain["returnUrl"] },
    });
    let said = world
        .cluster
        .try_kubectl("apply --server-side -f -", &object.to_string());
    assert!(
        !said.done && said.stderr.contains("https"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_paused_organization_is_watched_and_not_written() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({}));
    world.organization("watched", json!({ "managementPolicy": "Observe" }));
    let _operator = world.operator("");
    world.is_in_sync("acme");
    world.waits_for("watched", "Ready", "False", "NotFound");
    world.annotate("acme", "portalctl.dev/paused=true");
    world.waits_for("acme", "Synced", "True", "Paused");
    let row = world.kubectl("get portalorganization acme --no-headers", "");
    assert!(row.contains(" true "), "{row}");
    world.sandbox.change("acme", &json!({ "name": "Drifted" }));
    let object = world.waits_for("acme", "Synced", "False", "Paused");
    assert_eq!(condition(&object, "Ready").unwrap()["status"], "True");
    assert_eq!(condition(&object, "Stalled"), None);
    assert_eq!(world.sandbox.organizations()[0]["name"], "Drifted");
    world.is_told("acme", "Paused");
    world.annotate("acme", "portalctl.dev/paused-");
    world.is_in_sync("acme");
    world.is_told("acme", "Resumed");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
}

#[test]
fn a_paused_environment_says_what_differs_and_writes_nothing() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.annotate_environment("portalctl.dev/paused=true");
    world.organization("acme", json!({}));
    let operator = world.operator("");
    let object = world.waits_for("acme", "Synced", "False", "Paused");
    let message = condition(&object, "Synced").unwrap()["message"].as_str();
    assert!(message.unwrap().contains("to be created"), "{message:?}");
    assert_eq!(condition(&object, "Stalled"), None);
    let (_, metrics) = operator.text("/metrics");
    assert!(!metrics.contains("method=\"POST\""), "{metrics}");
    let paused = format!(
        "portalctl_organizations_paused{{environment=\"{}/production\"}}",
        world.namespace
    );
    assert!((operator.metric(&paused) - 1.0).abs() < f64::EPSILON);
    world.annotate_environment("portalctl.dev/paused-");
    world.is_in_sync("acme");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
}

#[test]
fn what_is_only_observed_is_reported_and_never_written() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({}));
    let operator = world.operator("");
    world.is_in_sync("acme");
    let observed =
        json!({ "managementPolicy": "Observe", "name": "Another", "deletionPolicy": "Delete" });
    world.organization("acme", observed);
    let object = world.waits_for("acme", "Synced", "False", "ObserveOnly");
    let message = condition(&object, "Synced").unwrap()["message"].as_str();
    assert!(message.unwrap().contains("differs in name"), "{message:?}");
    world.finish("acme", "sso");
    world.waits_for("acme", "Onboarded", "True", "AllConfigured");
    assert_eq!(world.sandbox.organizations()[0]["name"], "acme Corp");
    let (_, metrics) = operator.text("/metrics");
    assert!(!metrics.contains("method=\"PUT\""), "{metrics}");
    world.delete("acme");
    world.is_gone("acme");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
}

#[test]
fn invitations_that_are_held_stay_so_when_another_process_asks_little_by_little() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    // One more than are sent unasked.
    let names: Vec<String> = (0..11)
        .map(|number| format!("customer-{number:02}"))
        .collect();
    for name in &names {
        let contact = format!("ada@{name}.com");
        let invited = json!({ "itContacts": [contact], "invite": "once" });
        world.organization(name, invited);
    }
    let first = world.operator("");
    for name in &names {
        world.waits_for(name, "Synced", "False", "Held");
    }
    assert_eq!(first.stop(), Some(0));

    // So slow that it knows of ten of them before it knows of the last.
    world.environment(json!({ "requestsPerSecond": 10 }));
    let second = world.operator("");
    let answered = |route: &str| {
        second.metric(&format!(
            "portalctl_workos_requests_total{{method=\"GET\",route=\"{route}\",status=\"200\"}}"
        ))
    };
    until("some looks", || (answered("/events") > 5.5).then_some(()));
    for name in &names {
        world.waits_for(name, "Synced", "False", "Held");
    }
    let (_, metrics) = second.text("/metrics");
    assert!(!metrics.contains("/invite"), "{metrics}");
    // A state that stays the same causes no further event.
    let events = world.kubectl("get events.events.k8s.io -o json", "");
    let events: Value = serde_json::from_str(&events).unwrap();
    let events = events["items"].as_array().unwrap().iter();
    let held = events.filter(|event| event["reason"] == "Held").count();
    assert_eq!(held, names.len());
}

#[test]
fn a_shorter_retention_of_audit_logs_waits_for_the_power_to_lose_data() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let declare = |days: u16| {
        world.organization("acme", json!({ "auditLogs": { "retentionDays": days } }));
    };
    let kept = || {
        let path = format!(
            "/organizations/{}/audit_logs_retention",
            world.sandbox.id_of("acme")
        );
        world.sandbox.send("GET", &path, &Value::Null)["retention_period_in_days"].clone()
    };
    declare(365);
    let _operator = world.operator("");
    world.is_in_sync("acme");
    assert_eq!(kept(), 365);

    declare(30);
    let object = world.waits_for("acme", "Synced", "False", "Held");
    let message = condition(&object, "Stalled").unwrap()["message"].as_str();
    assert!(message.unwrap().contains("allowDataLoss"), "{message:?}");
    assert_eq!(kept(), 365);
    world.environment(json!({ "allowDataLoss": true }));
    world.is_in_sync("acme");
    assert_eq!(kept(), 30);
}

#[test]
fn what_needs_a_power_is_held_until_the_environment_has_it() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let theirs = json!({
        "name": "Acme", "domain_data": [{ "domain": "acme.com", "state": "verified" }],
    });
    let theirs = world.sandbox.send("POST", "/organizations", &theirs);
    world.environment(json!({ "limits": { "create": 1 } }));
    world.organization("acme", json!({ "domains": [{ "domain": "acme.com" }] }));
    for name in ["globex", "initech"] {
        world.organization(name, json!({}));
    }
    let _operator = world.operator("");
    let object = world.waits_for("acme", "Synced", "False", "Held");
    let message = condition(&object, "Stalled").unwrap()["message"].as_str();
    assert!(message.unwrap().contains("allowAdoption"), "{message:?}");
    world.is_in_sync("globex");
    world.waits_for("initech", "Synced", "False", "CreateLimit");
    world.environment(json!({ "limits": { "create": 2 }, "allowAdoption": true }));
    for name in ["acme", "globex", "initech"] {
        world.is_in_sync(name);
    }
    assert_eq!(world.get("acme")["status"]["organizationId"], theirs["id"]);
    world.is_told("acme", "OrganizationAdopted");
    assert_eq!(world.sandbox.external_ids(), ["acme", "globex", "initech"]);
}

#[test]
fn a_resource_that_is_deleted_takes_its_organization_along_only_where_both_allow_it() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("kept", json!({}));
    world.organization("gone", json!({ "deletionPolicy": "Delete" }));
    let _operator = world.operator("");
    world.is_in_sync("kept");
    world.is_in_sync("gone");
    world.is_held("gone");
    assert_eq!(world.get("kept")["metadata"]["finalizers"], Value::Null);

    world.delete("kept");
    world.is_gone("kept");
    world.delete("gone");
    let why = world.is_told("gone", "DeletionBlocked");
    assert!(
        why.contains("allowDeletion") && why.contains("force-release"),
        "{why}"
    );
    assert_eq!(world.sandbox.external_ids(), ["gone", "kept"]);

    world.environment(json!({ "allowDeletion": true, "maxDeletesPerHour": 1 }));
    world.is_gone("gone");
    assert_eq!(world.sandbox.external_ids(), ["kept"]);
    world.is_told("gone", "OrganizationDeleted");

    // No more than so many an hour.
    world.organization("next", json!({ "deletionPolicy": "Delete" }));
    world.is_in_sync("next");
    world.is_held("next");
    world.delete("next");
    world.waits_for("next", "Synced", "False", "Deleting");
    assert_eq!(world.sandbox.external_ids(), ["kept", "next"]);
}

#[test]
fn what_cannot_be_deleted_any_more_is_freed_by_an_annotation() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.environment(json!({ "allowDeletion": true }));
    world.organization("acme", json!({ "deletionPolicy": "Delete" }));
    let operator = world.operator("");
    world.is_in_sync("acme");
    world.is_held("acme");
    // The key goes, and with it the process that knew it.
    world.kubectl("delete secret workos", "");
    assert_eq!(operator.stop(), Some(0));
    let _next = world.operator("");
    world.waits_for("acme", "Synced", "False", "SecretMissing");
    world.kubectl("delete portalenvironment production --wait=false", "");
    world.delete("acme");
    let object = world.waits_for("acme", "Synced", "False", "DeletionBlocked");
    let message = condition(&object, "Stalled").unwrap()["message"].as_str();
    assert!(message.unwrap().contains("force-release"), "{message:?}");
    world.annotate("acme", "portalctl.dev/force-release=true");
    world.is_gone("acme");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
    // Nothing needs the environment any more.
    until("the environment to be gone", || {
        let what = format!(
            "--namespace {} portalenvironment production",
            world.namespace
        );
        world.cluster.get(&what).is_none().then_some(())
    });
}

#[test]
fn a_key_is_replaced_without_a_restart() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let mut world = World::new(cluster);
    world.env.write("key", "sk_test_rotated0123456789\n");
    let options = "--rate-limit off --key-file key";
    world.sandbox = crate::support::sandbox_server::SandboxServer::with(&world.env, options);
    world.environment(json!({}));
    world.secret("sk_live_0123456789abcdef");
    world.organization("acme", json!({}));
    let operator = world.operator("-vv");
    let object = world.waits_for("acme", "Synced", "False", "KeyInvalid");
    assert!(!object.to_string().contains("0123456789abcdef"));
    // The right kind, and not the right key.
    world.secret(KEY);
    let object = world.waits_for("acme", "Synced", "False", "Unauthorized");
    assert!(!object.to_string().contains(KEY));
    world.secret("sk_test_rotated0123456789");
    world.is_in_sync("acme");
    // At its most talkative, with every key that it ever held.
    let log = operator.log();
    assert!(log.contains("/organizations"), "{log}");
    for key in ["0123456789abcdef", KEY, "rotated0123456789"] {
        assert!(!log.contains(key), "{log}");
    }
}

#[test]
fn another_namespace_is_taken_only_where_the_environment_allows_it() {
    let Some(cluster) = operator::own_cluster() else {
        return;
    };
    let world = World::new(&cluster);
    let team = World::new(&cluster);
    let reference = json!({ "name": "production", "namespace": world.namespace });
    team.organization("acme", json!({ "environmentRef": reference }));
    world.organization("globex", json!({}));
    // An object that the API server keeps, and this version of the operator does not know.
    let loosened = json!([{ "op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/deletionPolicy/enum" }]);
    let line = "patch crd portalorganizations.portalctl.dev --type=json --patch-file=/dev/stdin";
    world.cluster.kubectl(line, &loosened.to_string());
    until("the API server to take it", || {
        let object = json!({
            "apiVersion": "portalctl.dev/v1alpha1", "kind": "PortalOrganization",
            "metadata": { "name": "unreadable", "namespace": world.namespace },
            "spec": { "environmentRef": { "name": "production" }, "name": "Later",
                      "deletionPolicy": "Archive" },
        });
        let line = "apply --server-side -f -";
        let said = world.cluster.try_kubectl(line, &object.to_string());
        said.done.then_some(())
    });
    let _operator = world.operator_of_all_namespaces();
    world.is_in_sync("globex");
    world.waits_for("unreadable", "Synced", "False", "Invalid");
    let object = team.waits_for("acme", "Synced", "False", "NotAllowed");
    let message = condition(&object, "Stalled").unwrap()["message"].as_str();
    assert!(
        message.unwrap().contains("allowedNamespaces"),
        "{message:?}"
    );
    assert_eq!(world.sandbox.external_ids(), ["globex"]);
    world.environment(json!({ "allowedNamespaces": [team.namespace] }));
    team.is_in_sync("acme");
    let mut external_ids = [format!("{}.acme", team.namespace), "globex".to_owned()];
    external_ids.sort();
    assert_eq!(world.sandbox.external_ids(), external_ids);
}
