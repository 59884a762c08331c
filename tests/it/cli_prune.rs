//! Tests `--prune`: it deletes the organizations that this manifest created and no longer declares,
//! and nothing else.

use crate::support::cli::TestEnv;
use crate::support::sandbox_server::SandboxServer;

const FOUR: &str = "\
version: 1
manifest: mine
organizations:
  a: { name: A }
  b: { name: B }
  c: { name: C }
  d: { name: D }
";

const WITHOUT_D: &str = "\
version: 1
manifest: mine
organizations:
  a: { name: A }
  b: { name: B }
  c: { name: C }
";

/// Counts the live organizations that the manifest does not declare.
fn undeclared(env: &TestEnv) -> usize {
    let output = env.run("plan --sandbox=s.json -o json").output();
    output.json_of("plan")["notes"].as_array().unwrap().len()
}

/// Applies a manifest of four organizations and then replaces it by another.
fn live(then: &str, now: &str) -> TestEnv {
    let env = TestEnv::with_manifest(then);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    env.write("portal.yaml", now);
    env
}

#[test]
fn nothing_is_deleted_by_default() {
    let env = live(FOUR, WITHOUT_D);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    let output = env.run("plan --sandbox=s.json -o json --detailed-exitcode");
    let notes = output.exits(0).json_of("plan")["notes"].to_string();
    assert!(
        notes
            .contains("unless a run has --prune, which deletes what is not protected: `d` D (org_"),
        "{notes}"
    );
}

#[test]
fn what_is_no_longer_declared_is_deleted_when_asked() {
    let env = live(FOUR, WITHOUT_D);
    let output = env
        .run("apply --sandbox=s.json --yes --prune -o json")
        .exits(0);
    let document = output.json_of("apply");
    assert_eq!(document["changes"][0]["action"], "delete");
    assert_eq!(document["changes"][0]["key"], "d");
    assert_eq!(document["changes"][0]["outcome"], "done");
    assert_eq!(undeclared(&env), 0);
    let _ = env
        .run("plan --sandbox=s.json --prune --detailed-exitcode")
        .exits(0);
}

#[test]
fn what_another_manifest_created_is_not_touched() {
    let env = live(
        FOUR,
        &WITHOUT_D.replace("manifest: mine", "manifest: other"),
    );
    let output = env.run("plan --sandbox=s.json --prune -o json").exits(0);
    assert_eq!(output.json_of("plan")["summary"]["delete"], 0);
}

#[test]
fn the_protected_stay() {
    let env = live(
        &FOUR.replace("name: D", "name: D, protect: true"),
        WITHOUT_D,
    );
    let output = env.run("plan --sandbox=s.json --prune -o json").exits(0);
    let summary = &output.json_of("plan")["summary"];
    assert_eq!(
        (&summary["delete"], &summary["held"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn deleting_most_of_what_was_created_is_held() {
    let env = live(
        FOUR,
        "version: 1\nmanifest: mine\norganizations:\n  a: { name: A }\n",
    );
    let output = env.run("plan --sandbox=s.json --prune").exits(7);
    assert!(output.stdout.contains("only 1 are declared"), "{output}");
    assert!(output.stdout.contains("needs --allow-bulk"), "{output}");
    let output = env.run("apply --sandbox=s.json --yes --prune").exits(7);
    assert!(output.stdout.contains("3 held"), "{output}");
    assert_ne!(undeclared(&env), 0);
    let _ = env
        .run("apply --sandbox=s.json --yes --prune --allow-bulk")
        .exits(0);
    assert_eq!(undeclared(&env), 0);
}

#[test]
fn the_limit_of_deletions_holds_all_of_them() {
    let limited = WITHOUT_D.replace(
        "manifest: mine\n",
        "manifest: mine\nlimits: { delete: 0 }\n",
    );
    let env = live(FOUR, &limited);
    let output = env.run("plan --sandbox=s.json --prune").exits(7);
    assert!(output.stdout.contains("limits allow 0"), "{output}");
}

#[test]
fn an_active_connection_needs_a_flag_and_is_named() {
    let env = TestEnv::with_manifest(FOUR);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    server.connect("d");
    env.write("portal.yaml", WITHOUT_D);
    let output = env.run("plan --prune").at(&server).exits(0);
    assert!(output.stdout.contains("needs --prune-active"), "{output}");
    let output = env.run("plan --prune --prune-active").at(&server).exits(0);
    assert!(output.stdout.contains("connections.conn_"), "{output}");
    let _ = env
        .run("apply --yes --prune --prune-active")
        .at(&server)
        .exits(0);
    let _ = env
        .run("plan --prune --detailed-exitcode")
        .at(&server)
        .exits(0);
}

#[test]
fn a_guard_that_no_longer_holds_stops_a_saved_plan() {
    let env = TestEnv::with_manifest(FOUR);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    env.write("portal.yaml", WITHOUT_D);
    let _ = env.run("plan --prune --out plan.json").at(&server).exits(0);
    server.connect("d");
    let line = "apply plan.json --prune -o json";
    let document = env.run(line).at(&server).exits(7).json_of("apply");
    assert_eq!(document["conflicts"][0]["code"], "plan/reviewed-held");
    assert_eq!(document["held"][0]["allow"], "--prune-active");
    // A saved plan is no power to prune.
    let output = env.run("apply plan.json").at(&server).exits(0);
    assert!(output.stderr.contains("such as --prune"), "{output}");
    assert_eq!(server.external_ids(), ["a", "b", "c", "d"]);
}

#[test]
fn a_renamed_key_is_a_conflict_and_not_a_deletion() {
    let with_domain = FOUR.replace("name: D", "name: D, domains: [d.com]");
    let renamed = with_domain.replace("  d: {", "  dd: {");
    let env = live(&with_domain, &renamed);
    let output = env.run("plan --sandbox=s.json --prune -o json").exits(7);
    let document = output.json_of("plan");
    assert_eq!(document["conflicts"][0]["code"], "plan/renamed-key");
    assert_eq!(document["summary"]["create"], 0);
    assert_eq!(document["summary"]["delete"], 0);
}

#[test]
fn pruning_takes_one_whole_manifest() {
    let env = TestEnv::with_manifest(FOUR);
    for line in [
        "plan --sandbox --prune --only a",
        "plan --sandbox --prune --intent sso",
        "plan --sandbox --prune -f portal.yaml -f portal.yaml",
        "plan --sandbox --prune-active",
    ] {
        let _ = env.run(line).exits(3);
    }
    env.write("portal.yaml", &FOUR.replace("manifest: mine\n", ""));
    let output = env.run("plan --sandbox --prune").exits(3);
    assert!(output.stderr.contains("needs `manifest:`"), "{output}");
}
