//! `wait`: until the customer has finished, something went wrong, or nobody wants to wait any more.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::cli::{Output, TestEnv, snapshot};
use crate::support::http::{Canned, CannedAnswer};
use crate::support::manifests::ONE;
use crate::support::pty::AtTerminal;
use crate::support::sandbox_server::SandboxServer;

fn applied() -> (TestEnv, SandboxServer) {
    let env = TestEnv::with_manifest(ONE);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    (env, server)
}

/// Sends a request to the sandbox's control API, as the customer's actions.
fn customer(server: &SandboxServer, path: &str, body: &Value) -> Value {
    server.send(
        "POST",
        &format!("/_sandbox/organizations/acme/{path}"),
        body,
    )
}

fn outcome(output: &Output) -> (Value, Value) {
    let document = output.json_of("wait");
    (
        document["wait"]["outcome"].clone(),
        document["readiness"]["state"].clone(),
    )
}

#[test]
fn what_is_configured_already_is_not_waited_for() {
    let (env, server) = applied();
    server.connect("acme");
    let output = env.run("wait acme sso").at(&server).exits(0);
    snapshot!(format!("{}---\n{}", output.stdout, output.stderr));
}

#[test]
fn it_ends_when_the_customer_has_finished_and_tells_every_step() {
    let (env, server) = applied();
    let running = env.run("wait acme sso --timeout 1m").at(&server).spawn();
    running.wait_for_lines("acme sso  ○ unconfigured", 1);
    let _ = customer(&server, "connections", &json!({"state": "draft"}));
    running.wait_for_lines("acme sso  ◐ in progress", 1);
    let _ = customer(&server, "finish", &json!({"intent": "sso"}));
    let output = running.finish();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(
        output.stdout.contains("✓ acme  sso  configured"),
        "{output}"
    );
    assert!(
        output.stderr.contains("event connection.activated conn_"),
        "{output}"
    );
}

#[test]
fn what_goes_wrong_meanwhile_ends_it_with_the_next_step() {
    let (env, server) = applied();
    let connection = customer(&server, "connections", &json!({"state": "draft"}));
    let line = "wait acme sso --timeout 1m -o json";
    let running = env.run(line).at(&server).spawn();
    running.wait_for_lines("acme sso  ◐ in progress", 1);
    let path = format!(
        "/_sandbox/connections/{}",
        connection["id"].as_str().unwrap()
    );
    let _ = server.send("PUT", &path, &json!({"state": "inactive"}));
    let output = running.finish();
    assert_eq!(output.code, Some(7), "{output}");
    assert_eq!(outcome(&output), (json!("went_wrong"), json!("attention")));
    let error = &output.json()["errors"][0];
    assert_eq!(error["code"], "link/went-wrong");
    assert!(
        error["help"].as_str().unwrap().contains("activate it"),
        "{error:#}"
    );
}

#[test]
fn what_was_wrong_before_does_not_end_it_and_the_time_does() {
    let (env, server) = applied();
    let _ = customer(&server, "connections", &json!({"state": "inactive"}));
    let output = env.run("wait acme sso --timeout 3s").at(&server).exits(2);
    assert!(output.stderr.contains("(as before)"), "{output}");
    assert!(output.stderr.contains("error[link/timed-out]"), "{output}");
    assert!(
        output.stdout.contains("timed out after 3 seconds"),
        "{output}"
    );
    let output = env
        .run("wait acme sso --timeout 1s -o json")
        .at(&server)
        .exits(2);
    assert_eq!(outcome(&output), (json!("timed_out"), json!("attention")));
}

#[test]
fn who_asks_for_another_connection_waits_for_that_one() {
    let (env, server) = applied();
    server.connect("acme");
    let line = "link acme sso --again --allow-non-tty --wait --timeout 1m";
    let running = env.run(line).at(&server).spawn();
    running.wait_for_lines(
        "acme sso  ✓ configured: the OktaSAML connection is active",
        1,
    );
    let _ = customer(
        &server,
        "connections",
        &json!({"state": "active", "type": "EntraIDSAML"}),
    );
    let output = running.finish();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(
        output.stdout.contains("2 connections are active"),
        "{output}"
    );
}

#[test]
fn an_interruption_ends_it_after_the_report() {
    let (env, server) = applied();
    let running = env.run("wait acme sso -o json").at(&server).spawn();
    running.wait_for_lines("acme sso", 1);
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    assert_eq!(
        outcome(&output),
        (json!("interrupted"), json!("unconfigured"))
    );
}

#[test]
fn on_a_terminal_there_is_one_live_line() {
    let (env, server) = applied();
    let run = env.run("wait acme sso --timeout 2s").at(&server);
    let shown = AtTerminal::start(run).exits(2);
    assert!(shown.contains("of 2 seconds"), "{shown}");
    assert!(shown.contains("timed out after 2 seconds"), "{shown}");
}

#[test]
fn the_customer_of_a_demo_finishes_by_themselves() {
    let env = TestEnv::with_manifest(&ONE.replace("intents", "domains: [acme.com], intents"));
    let server = SandboxServer::with(&env, "--rate-limit off --auto-finish 1");
    let _ = env.run("apply --yes").at(&server).exits(0);
    let line = "link acme sso --allow-non-tty --wait --timeout 1m";
    let output = env.run(line).at(&server).exits(0);
    assert!(
        output.stdout.contains("✓ acme  sso  configured"),
        "{output}"
    );
}

#[test]
fn what_cannot_be_waited_for_is_refused() {
    let env = TestEnv::with_manifest(ONE);
    let server = SandboxServer::start(&env);
    for (line, exit, code) in [
        ("wait acme sso -o json", 7, "link/no-organization"),
        ("wait acme dsync -o json", 7, "link/undeclared"),
        ("wait acme sso -o json --timeout 9000h", 3, "cli/usage"),
        ("wait nobody sso -o json", 3, "cli/nothing-selected"),
    ] {
        let output = env.run(line).at(&server).exits(exit);
        assert_eq!(output.json_of("wait")["errors"][0]["code"], code, "{line}");
    }
}

/// A WorkOS that knows one customer, and answers the list of connections as the round says.
fn rounds(answer: impl Fn(usize) -> Option<CannedAnswer> + Send + 'static) -> Canned {
    let round = AtomicUsize::new(0);
    Canned::serve(move |_, path, _| {
        let organization = json!({"id": "org_1", "name": "Acme Corp", "external_id": "acme"});
        let mut data = Vec::new();
        if path.starts_with("/organizations/external_id/") {
            return (200, String::new(), organization.to_string());
        }
        if path.starts_with("/connections") {
            let round = round.fetch_add(1, Ordering::Relaxed);
            if let Some(answer) = answer(round) {
                return answer;
            }
            if round > 1 {
                data.push(json!({"id": "conn_1", "organization_id": "org_1", "state": "active"}));
            }
        }
        let list = json!({"data": data, "list_metadata": {"before": null, "after": null}});
        (200, String::new(), list.to_string())
    })
}

fn refusal(status: u16) -> CannedAnswer {
    (status, String::new(), r#"{"message":"no"}"#.to_owned())
}

#[test]
fn a_reading_that_fails_is_told_and_tried_again() {
    let server = rounds(|round| (round == 1).then(|| refusal(400)));
    let env = TestEnv::with_manifest(ONE);
    let output = env
        .run("wait acme sso --timeout 1m")
        .at_url(&server.url())
        .exits(0);
    let told = "cannot read: GET /connections answered 400: no; trying again";
    assert!(output.stderr.contains(told), "{output}");
}

#[test]
fn a_key_that_is_refused_meanwhile_ends_it() {
    let server = rounds(|round| (round > 0).then(|| refusal(401)));
    let env = TestEnv::with_manifest(ONE);
    let output = env
        .run("wait acme sso -o json")
        .at_url(&server.url())
        .exits(4);
    assert_eq!(
        output.json_of("wait")["errors"][0]["code"],
        "api/unauthorized"
    );
}
