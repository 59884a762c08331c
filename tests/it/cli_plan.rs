//! Tests the output of `plan`, `status` and `ids` for a sandbox, in text and in JSON.

use serde_json::{Value, json};

use crate::support::cli::{TestEnv, snapshot};
use crate::support::manifests::{CUSTOMERS, ONE};
use crate::support::sandbox_server::SandboxServer;

/// An applied manifest in a sandbox file.
fn applied() -> TestEnv {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    env
}

#[test]
fn a_first_plan_creates_everything() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let output = env.run("plan --sandbox").exits(0);
    assert_eq!(output.stderr, "");
    snapshot!(output.stdout);
}

#[test]
fn a_plan_is_narrow_on_a_narrow_terminal() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let output = env.run("status --sandbox").env("COLUMNS", "60").exits(0);
    snapshot!(output.stdout);
}

#[test]
fn the_plan_document_holds_to_its_schema() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = env.run("plan --sandbox -o json").exits(0).json_of("plan");
    assert_eq!(plan["format_version"], "1");
    assert_eq!(plan["environment"], "staging");
    assert_eq!(plan["sandbox"], true);
    assert_eq!(plan["summary"]["create"], 3);
    assert_eq!(plan["errors"], json!([]));
    let acme = &plan["changes"][0];
    assert_eq!(acme["key"], "acme");
    assert_eq!(acme["action"], "create");
    assert_eq!(acme["organization_id"], Value::Null);
    assert_eq!(acme["source"], json!({ "file": "portal.yaml", "line": 10 }));
    let name = json!({ "path": "name", "before": null, "after": "Acme Corp" });
    assert!(
        acme["fields"].as_array().unwrap().contains(&name),
        "{acme:#}"
    );
    assert_eq!(plan["readiness"].as_array().unwrap().len(), 3);
}

#[test]
fn one_field_changed_out_of_band_is_exactly_one_update() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    server.change("acme", &json!({ "name": "Acme Inc" }));
    let plan = env
        .run("plan -o json --detailed-exitcode")
        .at(&server)
        .exits(2);
    let plan = plan.json_of("plan");
    assert_eq!(plan["summary"]["update"], 1, "{plan:#}");
    assert_eq!(plan["summary"]["unchanged"], 2);
    let changes = plan["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["organization_id"], server.id_of("acme"));
    let expected = json!([{ "path": "name", "before": "Acme Inc", "after": "Acme Corp" }]);
    assert_eq!(changes[0]["fields"], expected);
    snapshot!(env.run("plan").at(&server).exits(0).stdout);
}

#[test]
fn metadata_that_nobody_declared_is_left_alone() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    let metadata = json!({ "metadata": { "tier": "free", "crm": "4711" } });
    server.change("acme", &metadata);
    let _ = env.run("apply --yes").at(&server).exits(0);
    let organizations = server.organizations();
    let acme = organizations
        .iter()
        .find(|o| o["external_id"] == "acme")
        .unwrap();
    assert_eq!(acme["metadata"]["tier"], "enterprise");
    assert_eq!(acme["metadata"]["crm"], "4711");
    let _ = env.run("plan --detailed-exitcode").at(&server).exits(0);
}

#[test]
fn an_active_connection_is_a_configured_customer() {
    let env = TestEnv::with_manifest(ONE);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    let state = |output: Value| output["organizations"][0]["intents"][0]["state"].clone();
    let before = env
        .run("status -o json")
        .at(&server)
        .exits(0)
        .json_of("status");
    assert_eq!(state(before), "unconfigured");
    server.connect("acme");
    let after = env
        .run("status -o json")
        .at(&server)
        .exits(0)
        .json_of("status");
    assert_eq!(after["summary"]["configured"], 1);
    assert_eq!(after["organizations"][0]["intents"][0]["turn"], "none");
    assert_eq!(
        after["organizations"][0]["intents"][0]["evidence"][0]["state"],
        "active"
    );
    assert_eq!(state(after), "configured");
    snapshot!(env.run("status --all").at(&server).exits(0).stdout);
}

#[test]
fn a_plan_sends_nothing_but_reads() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::start(&env);
    for _ in 0..2 {
        let output = env.run("plan -v --log-format json").at(&server).exits(0);
        let methods = output.methods();
        assert!(!methods.is_empty(), "{output}");
        assert!(methods.iter().all(|method| method == "GET"), "{methods:?}");
        let _ = env.run("apply --yes").at(&server).exits(0);
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    let env = applied();
    env.edit("portal.yaml", "Globex", "Globex Ltd");
    let first = env.run("plan --sandbox=s.json -o json").exits(0);
    let second = env.run("plan --sandbox=s.json -o json").exits(0);
    assert_eq!(first.stdout, second.stdout);
}

#[test]
fn status_lists_what_needs_somebody() {
    let env = applied();
    let output = env.run("status --sandbox=s.json").exits(0);
    assert_eq!(output.stderr, "");
    snapshot!(output.stdout);
    let document = env.run("status --sandbox=s.json -o json").exits(0);
    let document = document.json_of("status");
    let keys = document["organizations"].as_array().unwrap().iter();
    let keys: Vec<&str> = keys.map(|o| o["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["acme", "globex", "initech"]);
}

#[test]
fn only_and_intent_narrow_by_globs() {
    let env = applied();
    let status = |line: &str| {
        let output = env.run(&format!("status --sandbox=s.json -o json {line}"));
        let document = output.exits(0).json_of("status");
        let organizations = document["organizations"].as_array().unwrap().clone();
        let shown = organizations.iter().map(|o| {
            let intents = o["intents"].as_array().unwrap().iter();
            let intents: Vec<_> = intents.map(|i| i["intent"].as_str().unwrap()).collect();
            format!("{}: {}", o["key"].as_str().unwrap(), intents.join(" "))
        });
        shown.collect::<Vec<_>>()
    };
    assert_eq!(status("--only acme"), ["acme: sso domain_verification"]);
    assert_eq!(
        status("--only acme,g* --intent sso"),
        ["acme: sso", "globex: sso"]
    );
    assert_eq!(status("--only=*x --intent=*_logs"), ["globex: audit_logs"]);
}

#[test]
fn a_mistyped_key_is_not_nothing_to_do() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    for command in ["plan", "apply --yes", "status", "ids"] {
        let output = env
            .run(&format!("{command} --sandbox --only acem,globex"))
            .exits(3);
        assert!(
            output.stderr.contains("error[cli/nothing-selected]"),
            "{output}"
        );
        assert!(output.stderr.contains("did you mean `acme`?"), "{output}");
    }
    let output = env.run("plan --sandbox --intent ssso").exits(3);
    assert!(output.stderr.contains("did you mean `sso`?"), "{output}");
    let _ = env.run("validate --only acem").exits(3);
    // An intent that nobody declares is an answer, not a mistake.
    let _ = env
        .run("status --sandbox --intent bring_your_own_key")
        .exits(0);
}

#[test]
fn a_plan_of_one_customer_holds_only_that_one() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = env
        .run("plan --sandbox -o json --only in*")
        .exits(0)
        .json_of("plan");
    assert_eq!(plan["summary"]["create"], 1);
    assert_eq!(plan["changes"][0]["key"], "initech");
}

#[test]
fn ids_are_there_for_the_app_in_three_formats() {
    let env = applied();
    env.edit(
        "portal.yaml",
        "organizations:",
        "organizations:\n  new: { name: New }",
    );
    let json = env.run("ids --sandbox=s.json").exits(0);
    let document = json.json_of("ids");
    assert!(
        document["ids"]["acme"]
            .as_str()
            .unwrap()
            .starts_with("org_")
    );
    assert_eq!(document["ids"]["new"], Value::Null);
    snapshot!(json);
    snapshot!(env.run("ids --sandbox=s.json -o env").exits(0));
    snapshot!(env.run("ids --sandbox=s.json -o csv --quiet").exits(0));
}

#[test]
fn a_condition_that_holds_ends_status_with_two() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    let output = env
        .run("status --fail-on attention,unconfigured")
        .at(&server)
        .exits(2);
    assert!(
        output.stderr.contains("--fail-on unconfigured: acme sso"),
        "{output}"
    );
    let _ = env.run("status --fail-on attention").at(&server).exits(0);
    let _ = env.run("status --fail-on stalled:14d").at(&server).exits(0);
    let output = env.run("status --fail-on stalled").at(&server).exits(3);
    assert!(output.stderr.contains("stalled:14d"), "{output}");
}

#[test]
fn events_and_certificates_tell_what_objects_do_not() {
    let env = TestEnv::with_manifest(
        "version: 1\ndefaults: { intents: [domain_verification, certificate_renewal, \
         bring_your_own_key] }\norganizations:\n  oscorp: { name: Oscorp, domains: [acme.com], \
         allow_shared_domain: true }\n  wayne: { name: Wayne Enterprises }\n",
    );
    let server = SandboxServer::with(&env, "--load busy");
    let output = env.run("status -o json").at(&server).exits(0);
    let status = output.json_of("status");
    let told = |organization: usize, intent: usize| {
        let intent = &status["organizations"][organization]["intents"][intent];
        let (state, reason) = (&intent["state"], &intent["reason"]);
        format!("{} {}", state.as_str().unwrap(), reason.as_str().unwrap())
    };
    let intents = &status["organizations"][0]["intents"];
    let position = |name: &str| {
        let mut intents = intents.as_array().unwrap().iter();
        intents.position(|intent| intent["intent"] == name).unwrap()
    };
    let (domains, certificates, key) = (
        position("domain_verification"),
        position("certificate_renewal"),
        position("bring_your_own_key"),
    );
    assert_eq!(
        told(0, domains),
        "attention acme.com could not be verified: another organization has verified it"
    );
    assert!(
        told(0, certificates).ends_with("ran out 3 days ago"),
        "{output}"
    );
    assert_eq!(
        told(0, key),
        "attention the customer's key could not be verified"
    );
    assert!(
        told(1, certificates).starts_with("attention the certificate of conn_"),
        "{output}"
    );
    assert_eq!(told(1, key), "attention the customer's key was deleted");
}

#[test]
fn an_entry_can_be_left_out_of_a_run() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let line = "apply --sandbox=s.json --yes --except globex,init* -o json";
    let applied = env.run(line).exits(0).json_of("apply");
    let changes = applied["changes"].as_array().unwrap();
    let keys: Vec<&str> = changes
        .iter()
        .map(|it| it["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["acme"]);
    // A mistyped key would leave nothing out.
    let mistyped = env.run("plan --sandbox=s.json --except globx").exits(3);
    assert!(
        mistyped.stderr.contains("did you mean `globex`?"),
        "{mistyped}"
    );
    let pruned = env.run("plan --sandbox=s.json --prune --except globex");
    assert!(pruned.exits(3).stderr.contains("no --only, --except"));
}
