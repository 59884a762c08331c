//! Tests `apply`: it makes the planned changes once, asks for consent, and accounts for every
//! change.

use serde_json::json;

use crate::support::cli::{TestEnv, snapshot};
use crate::support::manifests::{CUSTOMERS, ONE, many};
use crate::support::pty::AtTerminal;
use crate::support::sandbox_server::SandboxServer;

#[test]
fn apply_creates_and_then_there_is_nothing_to_do() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let output = env
        .run("apply --sandbox=s.json --yes --concurrency 1")
        .exits(0);
    snapshot!(output);
    snapshot!(
        env.run("plan --sandbox=s.json --detailed-exitcode")
            .exits(0)
            .stdout
    );
    let again = env.run("apply --sandbox=s.json --yes").exits(0);
    assert!(
        again.stdout.contains("nothing to do, 3 unchanged"),
        "{again}"
    );
}

#[test]
fn the_account_holds_to_its_schema() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::start(&env);
    let apply = env
        .run("apply --yes -o json")
        .at(&server)
        .exits(0)
        .json_of("apply");
    assert_eq!(apply["summary"]["done"], 3);
    assert_eq!(apply["sandbox"], false);
    for change in apply["changes"].as_array().unwrap() {
        assert_eq!(change["outcome"], "done");
        let key = change["key"].as_str().unwrap();
        assert_eq!(change["organization_id"], server.id_of(key));
    }
    let plan = env
        .run("plan -o json --detailed-exitcode")
        .at(&server)
        .exits(0);
    assert_eq!(plan.json_of("plan")["summary"]["unchanged"], 3);
}

#[test]
fn over_http_many_customers_arrive_once() {
    let env = TestEnv::with_manifest(&many(120));
    let server = SandboxServer::start(&env);
    let apply = env
        .run("apply --yes -o json --requests-per-second 1000 -v --log-format json")
        .at(&server)
        .exits(0);
    let account = apply.json_of("apply");
    assert_eq!(account["summary"]["done"], 120);
    assert_eq!(server.external_ids().len(), 120);
    let posts = apply.methods().iter().filter(|m| *m == "POST").count();
    assert_eq!(posts, 120);
    let plan = env
        .run("plan -o json --detailed-exitcode")
        .at(&server)
        .exits(0);
    let plan = plan.json_of("plan");
    assert_eq!(plan["summary"]["unchanged"], 120);
    // Two pages of organizations, from both ends; nothing else was asked for.
    let used = plan["requests_used"].as_u64().unwrap();
    assert!((2..=4).contains(&used), "{used} requests");
}

#[test]
fn one_apply_after_another_repairs_what_drifted() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    server.change("acme", &json!({ "name": "Acme Inc" }));
    let apply = env
        .run("apply --yes -o json")
        .at(&server)
        .exits(0)
        .json_of("apply");
    assert_eq!(apply["changes"].as_array().unwrap().len(), 1);
    assert_eq!(apply["changes"][0]["action"], "update");
    let names = server.organizations();
    assert!(names.iter().any(|o| o["name"] == "Acme Corp"));
}

#[test]
fn a_limit_of_the_server_slows_apply_down_and_loses_nothing() {
    let env = TestEnv::with_manifest(&many(30));
    let server = SandboxServer::with(&env, "--rate-limit 20/s");
    let output = env.run("apply --yes -o json").at(&server).exits(0);
    assert_eq!(output.json_of("apply")["summary"]["done"], 30);
    // The next window has begun, or will have been waited for.
    let plan = env.run("plan --detailed-exitcode").at(&server).exits(0);
    assert!(plan.stdout.contains("30 unchanged"), "{plan}");
}

#[test]
fn a_throwaway_sandbox_says_that_it_is_one() {
    let env = TestEnv::with_manifest(ONE);
    let output = env.run("apply --sandbox --yes").exits(0);
    assert!(
        output.stderr.contains("--sandbox=FILE keeps it"),
        "{output}"
    );
    let kept = env.run("apply --sandbox=s.json --yes").exits(0);
    assert!(!kept.stderr.contains("keeps it"), "{kept}");
}

#[test]
fn quiet_leaves_the_account_alone() {
    let env = TestEnv::with_manifest(ONE);
    let output = env.run("apply --sandbox=s.json --yes --quiet").exits(0);
    assert_eq!(output.stderr, "");
    assert!(output.stdout.contains("1 done"), "{output}");
}

/// Runs a command at a terminal, and types an answer when it asks for consent; an empty answer is
/// for a command that does not ask. Returns its exit code and its output.
#[track_caller]
fn answer(mut terminal: AtTerminal, answer: &str) -> (i32, String) {
    if !answer.is_empty() {
        terminal.wait_for("as consent: ");
        terminal.types(answer);
    }
    let (status, shown) = terminal.finish();
    (status.code().unwrap(), shown)
}

#[track_caller]
fn at_a_terminal(env: &TestEnv, line: &str, typed: &str) -> (i32, String) {
    answer(AtTerminal::start(env.run(line)), typed)
}

#[test]
fn only_yes_is_consent() {
    let env = TestEnv::with_manifest(ONE);
    for answer in ["no\n", "y\n", "\n", "yes please\n"] {
        let (code, shown) = at_a_terminal(&env, "apply --sandbox=s.json", answer);
        assert_eq!(code, 3, "{answer:?}: {shown}");
        assert!(shown.contains("nothing was changed"), "{shown}");
    }
    let (code, shown) = at_a_terminal(&env, "apply --sandbox=s.json", "yes\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("1 done"), "{shown}");
    // A plan without changes needs no consent.
    let (code, shown) = at_a_terminal(&env, "apply --sandbox=s.json", "");
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("consent"), "{shown}");
}

#[test]
fn ctrl_c_at_the_question_is_no() {
    let env = TestEnv::with_manifest(ONE);
    let run = env.run("apply --sandbox=s.json");
    let Some(terminal) = AtTerminal::start_in_session(run) else {
        return;
    };
    let (code, shown) = answer(terminal, "\u{3}");
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("nothing was changed"), "{shown}");
}

#[test]
fn nobody_is_asked_to_consent_to_what_was_not_shown() {
    let env = TestEnv::with_manifest(ONE);
    let (code, shown) = at_a_terminal(&env, "apply --quiet --sandbox=s.json", "no\n");
    assert_eq!(code, 3, "{shown}");
    assert!(shown.contains("1 to create"), "{shown}");
}
