//! Runs the main workflow against the official emulator of WorkOS, which checks the client and the
//! sandbox.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::cli::{Run, TestEnv};
use crate::support::emulator::{EMULATOR_KEY, Emulator};
use crate::support::manifests::customer;
use crate::support::wait;

const CUSTOMERS: usize = 60;

/// Creates a folder with a file for each customer.
fn folder(customers: usize) -> TestEnv {
    let env = TestEnv::new();
    env.write(
        "portal/all.yaml",
        "version: 1\nmanifest: emulated\nenvironment: { api_key: test }\n",
    );
    for number in 0..customers {
        let text = format!("organizations:\n{}", customer(number));
        env.write(&format!("portal/customers/{number:03}.yaml"), &text);
    }
    env
}

fn run(env: &TestEnv, emulator: &Emulator, line: &str) -> Run {
    env.run(line)
        .env("WORKOS_API_URL", &emulator.url())
        .env("WORKOS_API_KEY", EMULATOR_KEY)
}

#[test]
fn the_main_job() {
    let env = folder(CUSTOMERS);
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    let plan = run(&env, &emulator, "plan -o json --detailed-exitcode")
        .exits(2)
        .json_of("plan");
    assert_eq!(plan["summary"]["create"], CUSTOMERS);

    let apply = "apply --yes -o json --requests-per-second 1000";
    let account = run(&env, &emulator, apply).exits(0).json_of("apply");
    assert_eq!(account["summary"]["done"], CUSTOMERS, "{account:#}");
    let ids = emulator.external_ids();
    assert_eq!(ids.len(), CUSTOMERS);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), CUSTOMERS);

    // Nothing to do, at the price of one page: a plan reads no evidence that decides nothing.
    let line = "plan -o json --detailed-exitcode -v --log-format json";
    let output = run(&env, &emulator, line).exits(0);
    let plan = output.json_of("plan");
    assert_eq!(plan["summary"]["unchanged"], CUSTOMERS);
    assert_eq!(plan["changes"], json!([]));
    assert!(output.methods().iter().all(|method| method == "GET"));
    let used = plan["requests_used"].as_u64().unwrap();
    assert_eq!(used, 1, "{used} requests");

    // One thing is changed by hand.
    let id = emulator.id_of("customer-007");
    let _ = emulator.send(
        "PUT",
        &format!("/organizations/{id}"),
        &json!({ "name": "Bond" }),
    );
    let plan = run(&env, &emulator, "plan -o json")
        .exits(0)
        .json_of("plan");
    assert_eq!(plan["summary"]["update"], 1);
    assert_eq!(plan["summary"]["unchanged"], CUSTOMERS - 1);
    assert_eq!(plan["changes"][0]["key"], "customer-007");
    let expected = json!([{ "path": "name", "before": "Bond", "after": "Customer 007" }]);
    assert_eq!(plan["changes"][0]["fields"], expected, "{plan:#}");
    let text = run(&env, &emulator, "plan").exits(0);
    assert!(text.stdout.contains("1 to update"), "{text}");
    let account = run(&env, &emulator, apply).exits(0).json_of("apply");
    assert_eq!(account["summary"]["done"], 1);
    let _ = run(&env, &emulator, "plan --detailed-exitcode").exits(0);

    // One customer finishes single sign-on.
    let connection = json!({ "organization_id": id, "connection_type": "OktaSAML" });
    let _ = emulator.send("POST", "/connections", &connection);
    let line = "status -o json --only customer-007";
    let status = run(&env, &emulator, line).exits(0).json_of("status");
    assert_eq!(
        status["organizations"][0]["intents"][0]["state"], "configured",
        "{status:#}"
    );
    let status = run(&env, &emulator, "status").exits(0);
    assert!(status.stdout.contains("59 unconfigured"), "{status}");
    assert!(status.stdout.contains("1 configured"), "{status}");

    let ids = run(&env, &emulator, "ids").exits(0).json_of("ids");
    assert_eq!(ids["ids"]["customer-007"], id);
}

/// The emulator replaces metadata and keeps null values, which read as absent.
#[test]
fn metadata_is_set_and_removed_by_one_request() {
    let manifest = "\
version: 1
organizations:
  acme: {name: Acme, metadata: {old: null, tier: gold}}
";
    let env = TestEnv::with_manifest(manifest);
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    let metadata = json!({ "old": "x", "theirs": "kept", "tier": "trial" });
    let body = json!({ "name": "Acme", "external_id": "acme", "metadata": metadata });
    let made = emulator.send("POST", "/organizations", &body);
    let line = "apply --yes -v --log-format json";
    let output = run(&env, &emulator, line).exits(0);
    let methods = output.methods();
    let puts = methods.iter().filter(|method| *method == "PUT").count();
    assert_eq!(puts, 1, "{output}");
    let path = format!("/organizations/{}", made["id"].as_str().unwrap());
    let kept = emulator.send("GET", &path, &json!(null));
    let expected = json!({ "old": null, "theirs": "kept", "tier": "gold" });
    assert_eq!(kept["metadata"], expected);
    let _ = run(&env, &emulator, "plan --detailed-exitcode").exits(0);
}

#[test]
fn a_wrong_key_ends_with_what_to_check() {
    let env = folder(1);
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    for line in ["plan", "apply --yes", "status"] {
        let run = run(&env, &emulator, line).env("WORKOS_API_KEY", "sk_test_mistyped0123");
        let output = run.exits(4);
        assert!(
            output.stderr.contains("error[api/unauthorized]"),
            "{output}"
        );
        assert!(output.stderr.contains("Copy the key again"), "{output}");
        assert!(!output.stderr.contains("mistyped"), "{output}");
    }
}

#[test]
fn killed_in_mid_apply_and_started_again_empty() {
    let env = folder(CUSTOMERS);
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    // Slow enough to have a middle.
    let apply = "apply --yes -o json --concurrency 4 --requests-per-second";
    let running = run(&env, &emulator, &format!("{apply} 15")).spawn();
    running.wait_for_lines("done", 10);
    wait::until("ten of them", || {
        (emulator.external_ids().len() >= 10).then_some(())
    });
    emulator.kill();
    let output = running.finish();
    assert_eq!(output.code, Some(6), "{output}");
    let account = output.json_of("apply");
    let changes = account["changes"].as_array().unwrap();
    assert_eq!(changes.len(), CUSTOMERS);
    let summary = account["summary"].as_object().unwrap();
    let told: u64 = summary.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(told, CUSTOMERS as u64, "{account:#}");
    assert!(account["summary"]["done"].as_u64().unwrap() >= 10);
    assert!(account["summary"]["not_tried"].as_u64().unwrap() > 0);

    let emulator = Emulator::start(&env).unwrap();
    let again = run(&env, &emulator, &format!("{apply} 1000"))
        .exits(0)
        .json_of("apply");
    assert_eq!(again["summary"]["done"], CUSTOMERS);
    let ids = emulator.external_ids();
    assert_eq!(ids.len(), CUSTOMERS);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), CUSTOMERS);
    let _ = run(&env, &emulator, "plan --detailed-exitcode").exits(0);
}

/// The emulator has no IT contacts. The missing endpoint does not keep apply from the other
/// changes.
#[test]
fn contacts_that_it_does_not_know_are_a_warning() {
    let env = TestEnv::with_manifest(
        "version: 1\norganizations:\n  acme:\n    name: Acme\n    intents: [sso]\n    \
         it_contacts: [ada@acme.com]\n    invite: once\n",
    );
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    let apply = "apply --yes -o json";
    let account = run(&env, &emulator, apply).exits(6).json_of("apply");
    let [create, invite] = [0, 1].map(|n| &account["changes"][n]);
    assert_eq!(create["outcome"], "done");
    let code = &account["warnings"][0]["code"];
    assert_eq!(code, "plan/contacts-unavailable");
    assert_eq!(invite["outcome"], "refused");
    assert_eq!(invite["error"]["code"], "plan/contacts-unavailable");
    env.edit("portal.yaml", "name: Acme", "name: Acme Corp");
    let account = run(&env, &emulator, apply).exits(0).json_of("apply");
    assert_eq!(account["summary"]["done"], 1, "{account:#}");
    let code = &account["warnings"][0]["code"];
    assert_eq!(code, "plan/contacts-unavailable");
    let _ = run(&env, &emulator, "plan --detailed-exitcode").exits(0);
    let invite = run(&env, &emulator, "invite acme --yes -o json").exits(7);
    let document = invite.json_of("invite");
    assert_eq!(document["errors"][0]["code"], "plan/contacts-unavailable");
}

#[test]
fn the_emulator_cannot_revoke_links_and_says_so() {
    let env = folder(1);
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    let _ = run(&env, &emulator, "apply --yes").exits(0);
    let line = "link customer-000 sso --undeclared --allow-non-tty --user user-1";
    let _ = run(&env, &emulator, line).exits(0);
    let output = run(&env, &emulator, "revoke-link customer-000 user-1").exits(7);
    assert!(
        output.stderr.contains("error[link/cannot-revoke]"),
        "{output}"
    );
}
