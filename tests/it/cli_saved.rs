//! Tests saved plans and expected digests: `apply` makes exactly the reviewed changes, or none.

use crate::support::cli::TestEnv;
use crate::support::manifests::CUSTOMERS;

fn saved() -> TestEnv {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("plan --sandbox=s.json --out plan.json").exits(0);
    env
}

#[test]
fn a_saved_plan_is_consent_and_can_be_applied_twice() {
    let env = saved();
    let first = env.run("apply plan.json --sandbox=s.json -o json").exits(0);
    assert_eq!(first.json_of("apply")["summary"]["done"], 3);
    // Half of it and all of it done before is the same: what is as planned counts as done.
    let again = env.run("apply plan.json --sandbox=s.json -o json").exits(0);
    assert_eq!(again.json_of("apply")["summary"]["done"], 3);
    assert_eq!(
        first.json_of("apply")["changes"],
        again.json_of("apply")["changes"]
    );
    // People are told that nothing was done now.
    let told = env.run("apply plan.json --sandbox=s.json").exits(0);
    assert!(told.stdout.contains("3 already done"), "{told}");
    assert_eq!(told.stdout.matches("  already done\n").count(), 3, "{told}");
    let _ = env
        .run("plan --sandbox=s.json --detailed-exitcode")
        .exits(0);
}

#[test]
fn a_saved_plan_is_the_json_of_the_plan() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = env
        .run("plan --sandbox=s.json --out plan.json -o json")
        .exits(0);
    assert_eq!(env.read("plan.json"), plan.stdout);
}

#[test]
fn a_saved_plan_that_was_changed_is_refused() {
    let env = saved();
    env.edit(
        "plan.json",
        "\"after\": \"Acme Corp\"",
        "\"after\": \"Evil Corp\"",
    );
    let output = env.run("apply plan.json --sandbox=s.json").exits(7);
    assert!(output.stderr.contains("error[plan/saved-plan]"), "{output}");
    assert!(!env.path("s.json").exists() || !env.read("s.json").contains("Evil"));
}

#[test]
fn a_saved_plan_is_for_the_account_it_was_made_for() {
    let env = saved();
    let output = env
        .run("apply plan.json")
        .at_url("http://127.0.0.1:1")
        .exits(7);
    assert!(
        output.stderr.contains("error[plan/other-target]"),
        "{output}"
    );
}

#[test]
fn a_saved_plan_knows_the_client_id_that_its_manifest_named() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let named = "api_key: test, client_id: client_01A";
    env.edit("portal.yaml", "api_key: test", named);
    let _ = env.run("plan --sandbox --out plan.json").exits(0);
    for (client_id, exit, code) in [
        ("client_01B", 4, "cli/client-id-differs"),
        ("client_01A", 7, "plan/other-target"),
    ] {
        let run = env.run("apply plan.json").at_url("http://127.0.0.1:1");
        let output = run.env("WORKOS_CLIENT_ID", client_id).exits(exit);
        assert!(output.stderr.contains(code), "{output}");
    }
}

#[test]
fn what_is_no_plan_is_refused_before_any_request() {
    let env = TestEnv::new();
    env.write("plan.json", "{ \"changes\": [] }");
    let output = env.run("apply plan.json --sandbox").exits(3);
    assert!(output.stderr.contains("error[plan/saved-plan]"), "{output}");
    let output = env.run("apply missing.json --sandbox").exits(3);
    assert!(output.stderr.contains("missing.json"), "{output}");
}

#[test]
fn a_field_that_moved_since_is_refused_by_name() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    env.edit("portal.yaml", "Acme Corp", "Acme One");
    let _ = env.run("plan --sandbox=s.json --out one.json").exits(0);
    env.edit("portal.yaml", "Acme One", "Acme Two");
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    let output = env.run("apply one.json --sandbox=s.json -o json").exits(6);
    let document = output.json_of("apply");
    let error = &document["changes"][0]["error"];
    assert_eq!(error["code"], "plan/stale");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("name is \"Acme Two\""),
        "{error}"
    );
}

#[test]
fn the_reviewed_digest_is_consent_to_that_plan_alone() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = env.run("plan --sandbox=s.json -o json").exits(0);
    let digest = plan.json_of("plan")["digest"].as_str().unwrap().to_owned();
    env.edit("portal.yaml", "Initech", "Initrode");
    let line = format!("apply --sandbox=s.json --expect-digest {digest}");
    let output = env.run(&line).exits(7);
    assert!(
        output.stderr.contains("error[plan/digest-differs]"),
        "{output}"
    );
    assert!(
        output.stderr.contains("Initrode"),
        "the new plan is shown: {output}"
    );
    env.edit("portal.yaml", "Initrode", "Initech");
    let _ = env.run(&line).exits(0);
    // The plan is another one now: it has nothing left to do.
    let _ = env.run(&line).exits(7);
}
