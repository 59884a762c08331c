//! Tests the operator in a real API server, with the sandbox as WorkOS: the organizations it
//! creates, and the statuses it writes.

use serde_json::{Value, json};

use crate::support::emulator::{EMULATOR_KEY, Emulator};
use crate::support::operator::{self, World, condition};
use crate::support::wait::until;

#[test]
fn an_organization_is_created_and_told_to_be_ready() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization(
        "acme",
        json!({ "domains": [{ "domain": "acme.test.example.org" }] }),
    );
    let _operator = world.operator("");

    let object = world.is_in_sync("acme");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
    let status = &object["status"];
    assert_eq!(
        status["observedGeneration"],
        object["metadata"]["generation"]
    );
    assert_eq!(status["organizationId"], world.sandbox.id_of("acme"));
    assert_eq!(status["externalId"], "acme");
    assert_eq!(status["configured"], "0/1");
    assert_eq!(condition(&object, "Ready").unwrap()["status"], "True");
    let onboarded = condition(&object, "Onboarded").unwrap();
    assert_eq!(onboarded["status"], "False");
    assert_eq!(onboarded["reason"], "AwaitingCustomer");
    for absent in ["Reconciling", "Stalled"] {
        assert_eq!(condition(&object, absent), None);
    }
    assert!(
        world
            .is_told("acme", "OrganizationCreated")
            .contains("org_")
    );
    let organizations = world.sandbox.organizations();
    assert_eq!(organizations[0]["metadata"]["portalctl_owner"], "customers");

    let environment = || {
        let what = format!(
            "--namespace {} portalenvironment production",
            world.namespace
        );
        world.cluster.get(&what).unwrap()
    };
    until("the environment to count it", || {
        let environment = environment();
        let totals = environment["status"]["organizations"].clone();
        (totals == json!({ "declared": 1, "ready": 1, "onboarded": 0, "unmanaged": 0 }))
            .then_some(())
    });
    for kind in ["Ready", "Synced"] {
        let environment = environment();
        assert_eq!(condition(&environment, kind).unwrap()["status"], "True");
    }
}

#[test]
fn what_has_to_be_asked_of_each_organization_is_asked_as_soon_as_it_exists() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({ "intents": [{ "intent": "audit_logs" }] }));
    // Longer than anything here is waited for.
    let _operator = world.operator_that_looks_every("10m", "");
    until("audit logs to be known", || {
        let object = world.find("acme")?;
        (object["status"]["intents"][0]["state"] == "unconfigured").then_some(())
    });
}

#[test]
fn what_others_say_in_a_status_is_theirs() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({}));
    let _operator = world.operator("");
    world.is_in_sync("acme");
    let theirs = json!({
        "apiVersion": "portalctl.dev/v1alpha1", "kind": "PortalOrganization",
        "metadata": { "name": "acme" },
        "status": { "conditions": [{
            "type": "Billed", "status": "True", "reason": "Paid", "message": "",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
        }] },
    });
    world.kubectl(
        "apply --server-side --subresource=status --field-manager=billing -f -",
        &theirs.to_string(),
    );
    world.finish("acme", "sso");
    let object = world.waits_for("acme", "Onboarded", "True", "AllConfigured");
    assert_eq!(condition(&object, "Billed").unwrap()["reason"], "Paid");
}

#[test]
fn drift_is_written_over_and_what_is_not_declared_is_left_alone() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({ "metadata": { "tier": "enterprise" } }));
    let _operator = world.operator("");
    world.is_in_sync("acme");

    let drift = json!({ "name": "Somebody else's", "metadata": { "tier": "free", "theirs": "1" } });
    world.sandbox.change("acme", &drift);
    until("the name to be as declared", || {
        (world.sandbox.organizations()[0]["name"] == "acme Corp").then_some(())
    });
    let metadata = &world.sandbox.organizations()[0]["metadata"];
    assert_eq!(metadata["tier"], "enterprise");
    assert_eq!(metadata["theirs"], "1");
    assert!(
        world
            .is_told("acme", "OrganizationUpdated")
            .contains("name")
    );

    world.organization("acme", json!({ "name": "Acme Inc." }));
    until("the edit to be written", || {
        (world.sandbox.organizations()[0]["name"] == "Acme Inc.").then_some(())
    });
}

#[test]
fn a_customer_who_finishes_is_seen_and_nothing_is_asked_or_written_while_nothing_happens() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    for name in ["acme", "globex", "initech"] {
        world.organization(name, json!({}));
    }
    let operator = world.operator("");
    for name in ["acme", "globex", "initech"] {
        world.is_in_sync(name);
    }
    world.finish("acme", "sso");
    let object = world.waits_for("acme", "Onboarded", "True", "AllConfigured");
    assert_eq!(object["status"]["configured"], "1/1");
    assert_eq!(object["status"]["intents"][0]["state"], "configured");
    assert!(
        world
            .is_told("acme", "IntentConfigured")
            .contains("single sign-on")
    );

    let polls = || {
        operator.metric(
            "portalctl_workos_requests_total{method=\"GET\",route=\"/events\",status=\"200\"}",
        )
    };
    let settled = polls() + 2.0;
    until("two more polls", || (polls() >= settled).then_some(()));
    let (_, before) = operator.text("/metrics");
    let wanted = polls() + 3.0;
    until("three more polls", || (polls() >= wanted).then_some(()));
    let (_, after) = operator.text("/metrics");
    let others = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| {
                line.starts_with("portalctl_workos_requests_total")
                    || line.starts_with("portalctl_status_writes_total")
            })
            .filter(|line| !line.contains("/events"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(others(&before), others(&after));
    assert_eq!(operator.text("/healthz").0, 200);
    assert_eq!(operator.text("/readyz").0, 200);
    let name = format!(
        "portalctl_intents{{environment=\"{}/production\",intent=\"sso\",state=\"configured\"}}",
        world.namespace
    );
    assert!((operator.metric(&name) - 1.0).abs() < f64::EPSILON);
    assert!((operator.metric("portalctl_leader") - 1.0).abs() < f64::EPSILON);
    // However many customers there are, the number of series has a bound.
    for customer in ["acme", "globex", "org_"] {
        assert!(!after.contains(customer), "{after}");
    }
}

#[test]
fn an_it_contact_is_added_and_invited_once() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.organization("acme", json!({}));
    let operator = world.operator("");
    world.is_in_sync("acme");
    world.organization(
        "acme",
        json!({ "itContacts": ["ada@acme.com"], "invite": "once" }),
    );
    let note = world.is_told("acme", "InvitationSent");
    assert!(!note.contains("ada@"), "{note}");
    world.is_in_sync("acme");
    let state = world.sandbox.send("GET", "/_sandbox/state", &Value::Null);
    let acme = &state["organizations"][0];
    let contacts = acme["it_contacts"]["data"].as_array().unwrap();
    assert_eq!(contacts.len(), 1, "{contacts:?}");
    assert_eq!(contacts[0]["email"], "ada@acme.com");
    let sent = || {
        let route = "/organizations/{id}/it_contacts/{id}/invite";
        operator.metric(&format!(
            "portalctl_workos_requests_total{{method=\"POST\",route=\"{route}\",status=\"204\"}}"
        ))
    };
    assert!((sent() - 1.0).abs() < f64::EPSILON);
}

#[test]
fn the_official_emulator_is_kept_as_declared_too() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let Some(emulator) = Emulator::start(&world.env) else {
        return;
    };
    world.secret(EMULATOR_KEY);
    // The emulator's audit-log configuration has no state, and what cannot be told counts as in use.
    let environment = json!({
        "apiUrl": emulator.url(), "allowDeletion": true, "allowActiveDeletion": true,
    });
    world.environment(environment);
    // The test's own server has no IT contacts either.
    let acme = json!({ "deletionPolicy": "Delete", "itContacts": ["ada@acme.com"] });
    world.organization("acme", acme);
    let _operator = world.operator("");

    let object = world.is_in_sync("acme");
    world.is_told("acme", "ContactsUnavailable");
    until("words about contacts", || {
        let object = world.get("acme");
        let synced = condition(&object, "Synced")?;
        let message = synced["message"].as_str()?;
        message.contains("except for IT contacts").then_some(())
    });
    let id = emulator.id_of("acme");
    assert_eq!(object["status"]["organizationId"], id.as_str());
    let onboarded = condition(&object, "Onboarded").unwrap();
    assert_eq!(onboarded["reason"], "AwaitingCustomer");

    let path = format!("/organizations/{id}");
    emulator.send("PUT", &path, &json!({ "name": "Somebody else's" }));
    until("the name to be as declared", || {
        let live = emulator.send("GET", &path, &Value::Null);
        (live["name"] == "acme Corp").then_some(())
    });
    world.delete("acme");
    world.is_gone("acme");
    assert_eq!(emulator.external_ids(), Vec::<String>::new());
}

#[test]
fn the_guides_example_becomes_a_customer() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let example = std::fs::read_to_string("examples/operator/portal.yaml").unwrap();
    let example = example
        .replace("http://127.0.0.1:4100", &world.sandbox.url())
        .replace(
            "namespace: portal",
            &format!("namespace: {}", world.namespace),
        );
    world.cluster.apply(&example);
    let _operator = world.operator("");
    let object = world.is_in_sync("acme");
    assert_eq!(object["status"]["configured"], "0/2");
    world.finish("acme", "sso");
    until("the customer to be seen", || {
        (world.get("acme")["status"]["configured"] == "1/2").then_some(())
    });
}

#[test]
fn moving_from_the_command_line_and_back_changes_nothing() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.env.write(
        "portal.yaml",
        "version: 1
manifest: customers
environment: { name: production, api_key: test }
organizations:
  acme: { name: Acme Corp, domains: [acme.com], intents: [sso], metadata: { tier: gold } }
  globex: { name: Globex, intents: [sso, dsync], it_contacts: [ada@globex.com] }
",
    );
    let run = |line: &str| world.env.run(line).at(&world.sandbox).exits(0).stdout;
    run("apply --yes");
    let resources = run("convert --to kubernetes");
    world.kubectl("apply --server-side --force-conflicts -f -", &resources);
    // What the test's own server needs, and a manifest does not say.
    world.environment(json!({}));
    let operator = world.operator("");
    for name in ["acme", "globex"] {
        world.is_in_sync(name);
    }
    let (_, metrics) = operator.text("/metrics");
    for write in ["POST", "DELETE"] {
        assert!(
            !metrics.contains(&format!("method=\"{write}\"")),
            "{metrics}"
        );
    }
    // Each is held now, and is as it was otherwise.
    let updates = "portalctl_workos_requests_total{method=\"PUT\",route=\"/organizations/{id}\",status=\"200\"} 2";
    assert!(metrics.contains(updates), "{metrics}");
    for name in ["acme", "globex"] {
        world.delete(name);
        world.is_gone(name);
    }
    let plan = run("plan --detailed-exitcode");
    assert!(plan.contains("2 unchanged"), "{plan}");
}
