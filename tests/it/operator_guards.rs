//! Tests the operator's safeguards in a real API server: no action on doubt, and deletions in any
//! order.

use serde_json::{Value, json};

use crate::support::chart;
use crate::support::operator::{self, Access, World, condition};
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait::until;

/// An environment that lets organizations be deleted, and two whose organizations go with them.
fn with_two_that_are_deleted(world: &World<'_>) {
    world.environment(json!({ "allowDeletion": true }));
    for name in ["acme", "globex"] {
        world.organization(name, json!({ "deletionPolicy": "Delete" }));
    }
}

fn are_held(world: &World<'_>) {
    for name in ["acme", "globex"] {
        world.is_in_sync(name);
        world.is_held(name);
    }
    until("the finalizer of the environment", || {
        let finalizers = environment(world)?["metadata"]["finalizers"].clone();
        (finalizers == json!(["portalctl.dev/environment-in-use"])).then_some(())
    });
}

fn environment(world: &World<'_>) -> Option<Value> {
    let namespace = &world.namespace;
    let what = format!("--namespace {namespace} portalenvironment production");
    world.cluster.get(&what)
}

fn synced(world: &World<'_>) -> Option<(String, String)> {
    let environment = environment(world)?;
    let synced = condition(&environment, "Synced")?;
    let text = |field: &str| synced[field].as_str().map(str::to_owned);
    Some((text("reason")?, text("message")?))
}

fn is_no_more(world: &World<'_>) {
    for name in ["acme", "globex"] {
        world.is_gone(name);
    }
    until("the environment to be gone", || {
        environment(world).is_none().then_some(())
    });
}

#[test]
fn environment_secret_and_resources_are_deleted_together_in_any_order() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let secret = "secret workos";
    let environment = "portalenvironment production";
    let resources = "portalorganization acme globex";
    for order in [
        [secret, environment, resources],
        [environment, secret, resources],
        [resources, secret, environment],
    ] {
        let world = World::new(cluster);
        with_two_that_are_deleted(&world);
        let _operator = world.operator("");
        are_held(&world);
        for what in order {
            world.kubectl(&format!("delete {what} --wait=false"), "");
        }
        is_no_more(&world);
        assert_eq!(world.sandbox.external_ids(), [""; 0], "{order:?}");
    }
}

#[test]
fn a_namespace_that_is_deleted_ends_by_itself() {
    let Some(cluster) = operator::own_cluster() else {
        return;
    };
    cluster.start_controllers();
    let world = World::new(&cluster);
    // The operator lives in a namespace of its own, as it does by the chart.
    let home = cluster.namespace();
    let account = "portalctl-operator";
    let secrets = format!(
        "secrets: [{{namespace: {}, name: workos}}]",
        world.namespace
    );
    world.grant(&Access {
        rules: chart::access(&home, &format!("fullnameOverride: {account}\n{secrets}\n")),
        account: account.to_owned(),
        namespace: home.clone(),
    });
    with_two_that_are_deleted(&world);
    let line = format!(
        "operator --listen 127.0.0.1:0 --lease-duration 3s --poll-interval 1s --lease-namespace {home}"
    );
    let _operator = world.spawn(world.env.run(&line));
    are_held(&world);
    let namespace = &world.namespace;
    cluster.kubectl(&format!("delete namespace {namespace} --wait=false"), "");
    until("the namespace to be gone", || {
        cluster
            .get(&format!("namespace {namespace}"))
            .is_none()
            .then_some(())
    });
    assert_eq!(world.sandbox.external_ids(), [""; 0]);
}

#[test]
fn an_environment_that_is_still_needed_says_by_what_and_can_be_freed() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    with_two_that_are_deleted(&world);
    let _operator = world.operator("");
    are_held(&world);
    world.kubectl("delete portalenvironment production --wait=false", "");
    let message = until("what the environment waits for", || {
        synced(&world)
            .filter(|(reason, _)| reason == "InUse")
            .map(|(_, message)| message)
    });
    assert!(
        message.contains("PortalOrganization acme, globex") && message.contains("force-release"),
        "{message}"
    );
    world.is_told("production", "InUse");
    // Nothing is created or changed for it any more.
    world.organization("late", json!({}));
    world.waits_for("late", "Synced", "False", "EnvironmentTerminating");
    world.annotate_environment("portalctl.dev/force-release=true");
    until("the environment to be gone", || {
        environment(&world).is_none().then_some(())
    });
    world.is_told("production", "Released");
    assert_eq!(world.sandbox.external_ids(), ["acme", "globex"]);
    world.waits_for("acme", "Synced", "False", "EnvironmentMissing");
}

#[test]
fn another_account_is_not_filled() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    // One is deleted below, and three that are missing are the fewest that tell another account.
    let names = ["acme", "globex", "initech", "umbrella"];
    for name in names {
        world.organization(name, json!({}));
    }
    let operator = world.operator("");
    for name in names {
        world.is_in_sync(name);
    }
    let another = SandboxServer::with(&world.env, "--rate-limit off");
    world.environment(json!({ "apiUrl": another.url() }));
    for name in names {
        let object = world.waits_for(name, "Synced", "False", "WrongAccount");
        assert!(object["status"]["organizationId"].is_string(), "{object}");
        assert_eq!(condition(&object, "Ready").unwrap()["status"], "False");
    }
    world.is_told("production", "WrongAccount");
    assert!(operator.metric("portalctl_reconcile_errors_total{reason=\"WrongAccount\"}") > 0.5);
    world.delete("initech");
    world.is_gone("initech");
    // The next process does not fill it either.
    assert_eq!(operator.stop(), Some(0));
    let _next = world.operator("");
    until("the next process to say so", || {
        synced(&world).filter(|(reason, _)| reason == "WrongAccount")
    });
    assert_eq!(another.external_ids(), [""; 0]);
    world.environment(json!({}));
    for name in ["acme", "globex", "umbrella"] {
        world.is_in_sync(name);
    }
    assert_eq!(world.sandbox.external_ids(), names);
    assert_eq!(another.external_ids(), [""; 0]);
}

#[test]
fn what_was_deleted_outside_is_created_again_once_and_only_when_asked_for() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({}));
    let operator = world.operator("");
    let first = world.is_in_sync("acme")["status"]["organizationId"].clone();
    let delete = |id: &Value| {
        let path = format!("/organizations/{}", id.as_str().unwrap());
        world.sandbox.send("DELETE", &path, &Value::Null);
    };
    delete(&first);
    let object = world.waits_for("acme", "Synced", "False", "DeletedOutside");
    assert_eq!(object["status"]["organizationId"], first);
    world.is_told("acme", "DeletedOutside");
    assert_eq!(operator.stop(), Some(0));
    let _next = world.operator("");
    world.annotate_environment("portalctl.dev/reconcile-requested-at=now");
    world.waits_for("acme", "Synced", "False", "DeletedOutside");
    assert_eq!(world.sandbox.external_ids(), [""; 0]);

    world.organization("acme", json!({ "recreate": "once" }));
    let object = world.is_in_sync("acme");
    let second = object["status"]["organizationId"].clone();
    assert_ne!(second, first);
    assert_eq!(object["status"]["recreated"], true);
    delete(&second);
    let object = world.waits_for("acme", "Synced", "False", "DeletedOutside");
    let message = condition(&object, "Stalled").unwrap()["message"].as_str();
    assert!(message.unwrap().contains("used up"), "{message:?}");

    // Another time is another request.
    world.organization("acme", json!({}));
    until("the request to be forgotten", || {
        world.get("acme")["status"]["recreated"]
            .is_null()
            .then_some(())
    });
    world.organization("acme", json!({ "recreate": "once" }));
    world.is_in_sync("acme");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
}

#[test]
fn creations_beyond_the_hour_wait_whichever_process_leads() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.environment(json!({ "limits": { "create": 2 } }));
    for name in ["acme", "globex", "initech"] {
        world.organization(name, json!({}));
    }
    let operator = world.operator("");
    world.is_in_sync("acme");
    world.is_in_sync("globex");
    let object = world.waits_for("initech", "Synced", "False", "CreateLimit");
    assert_eq!(condition(&object, "Reconciling").unwrap()["status"], "True");
    world.is_told("initech", "CreateLimit");
    assert_eq!(operator.stop(), Some(0));
    let next = world.operator("");
    until("the next process to look", || {
        (next.metric("portalctl_leader") > 0.5).then_some(())
    });
    world.organization("umbrella", json!({}));
    world.waits_for("umbrella", "Synced", "False", "CreateLimit");
    assert_eq!(world.sandbox.external_ids(), ["acme", "globex"]);
    world.environment(json!({ "limits": { "create": 4 } }));
    world.is_in_sync("initech");
    world.is_in_sync("umbrella");
}

#[test]
fn a_field_that_somebody_else_keeps_writing_is_a_fight() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({}));
    let operator = world.operator("");
    world.is_in_sync("acme");
    let name = || world.sandbox.organizations()[0]["name"].clone();
    for count in 1..=3 {
        let theirs = format!("Theirs {count}");
        world.sandbox.change("acme", &json!({ "name": theirs }));
        until("the name to be repaired", || {
            (name() == "acme Corp").then_some(())
        });
        world.is_in_sync("acme");
    }
    world.sandbox.change("acme", &json!({ "name": "Theirs" }));
    let object = world.waits_for("acme", "Synced", "False", "Fighting");
    let message = condition(&object, "Stalled").unwrap()["message"].as_str();
    assert!(
        message.unwrap().contains("name was written 3 times"),
        "{message:?}"
    );
    assert_eq!(object["status"]["fieldWrites"][0]["field"], "name");
    world.is_told("acme", "Fighting");
    // Nor does the next process write it, and other fields go on.
    assert_eq!(operator.stop(), Some(0));
    let next = world.operator("");
    until("some passes of the next process", || {
        (next.metric("portalctl_reconcile_duration_seconds_count") > 2.5).then_some(())
    });
    world.waits_for("acme", "Synced", "False", "Fighting");
    assert_eq!(name(), "Theirs");
    // An edit begins anew.
    world.organization("acme", json!({ "metadata": { "tier": "gold" } }));
    world.is_in_sync("acme");
    assert_eq!(name(), "acme Corp");
}

#[test]
fn a_pause_in_the_middle_of_a_pass_stops_the_next_write() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    for is_annotated in [true, false] {
        let world = World::new(cluster);
        world.environment(json!({ "requestsPerSecond": 2 }));
        for number in 0..12 {
            world.organization(&format!("customer-{number:02}"), json!({}));
        }
        let _operator = world.operator("");
        until("the first of them", || {
            (!world.sandbox.organizations().is_empty()).then_some(())
        });
        if is_annotated {
            world.annotate_environment("portalctl.dev/paused=yes");
        } else {
            world.environment(json!({ "requestsPerSecond": 2, "suspend": true }));
        }
        let object = world.waits_for("customer-11", "Synced", "False", "Paused");
        assert_eq!(condition(&object, "Stalled"), None);
        let made = world.sandbox.organizations().len();
        assert!(made < 6, "{made} were created");
        // Writes that were held did not fail: they are made once the pause is over.
        world.annotate_environment("portalctl.dev/paused-");
        world.environment(json!({}));
        for number in 0..12 {
            world.is_in_sync(&format!("customer-{number:02}"));
        }
    }
}

#[test]
fn an_organization_in_use_is_not_deleted_unless_the_environment_allows_that_too() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.environment(json!({ "allowDeletion": true }));
    for name in ["acme", "globex"] {
        world.organization(name, json!({ "deletionPolicy": "Delete" }));
    }
    let _operator = world.operator("");
    for name in ["acme", "globex"] {
        world.is_in_sync(name);
        world.is_held(name);
    }
    // Right before it is deleted, and unknown to the operator.
    world.sandbox.connect("acme");
    world.delete("acme");
    world.delete("globex");
    world.is_gone("globex");
    let object = world.waits_for("acme", "Synced", "False", "DeletionBlocked");
    let message = condition(&object, "Stalled").unwrap()["message"].as_str();
    let message = message.unwrap();
    assert!(
        message.contains("in use: connection conn_") && message.contains("allowActiveDeletion"),
        "{message}"
    );
    let told = world.is_told("acme", "DeletionBlocked");
    assert!(told.contains("connection conn_"), "{told}");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
    world.environment(json!({ "allowDeletion": true, "allowActiveDeletion": true }));
    world.is_gone("acme");
    assert_eq!(world.sandbox.external_ids(), [""; 0]);
}

#[test]
fn an_invitation_whose_answer_was_lost_is_told_and_not_sent_again() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.fault(&json!({
        "method": "POST", "path": "/organizations/*/it_contacts/*/invite", "nth": 1,
        "fault": "lose_reply",
    }));
    world.organization(
        "acme",
        json!({ "itContacts": ["ada@acme.com"], "invite": "once" }),
    );
    let told = |name: &str| {
        until(
            "the resource to say that an invitation may be on its way",
            || {
                let object = world.find(name)?;
                let synced = condition(&object, "Synced")?;
                let message = synced["message"].as_str()?.to_owned();
                let is_told = synced["status"] == "True" && message.contains("invite/may-be-sent");
                is_told.then_some(message)
            },
        )
    };
    let sent = |operator: &operator::Operator| {
        let route = "/organizations/{id}/it_contacts/{id}/invite";
        operator.metric(&format!(
            "portalctl_workos_requests_total{{method=\"POST\",route=\"{route}\",status=\"none\"}}"
        ))
    };
    let operator = world.operator("");
    let message = told("acme");
    assert!(!message.contains("ada@"), "{message}");
    assert!(
        (sent(&operator) - 1.0).abs() < f64::EPSILON,
        "{}",
        sent(&operator)
    );
    assert_eq!(operator.stop(), Some(0));
    // The next process finds the mark, and sends nothing either.
    let next = world.operator("");
    until("some passes of the next process", || {
        (next.metric("portalctl_reconcile_duration_seconds_count") > 2.5).then_some(())
    });
    told("acme");
    world.faults_fired(1);
}
