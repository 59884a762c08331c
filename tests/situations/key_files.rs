//! Tests that a key that is rotated while a command runs is read again from its file.

use serde_json::json;

use crate::support::cli::{Run, TestEnv};
use crate::support::gateway::{CONFIG, GatewayServer, SECRET, claims, signed};
use crate::support::stand_in::StandIn;
use crate::support::wait;

const OLD: &str = "sk_test_old0123456789";
const NEW: &str = "sk_test_new0123456789";

const MANIFEST: &str = "\
version: 1
environment: { name: staging, api_key: test }
return_urls: { default: https://app.example.com/settings }
organizations:
  acme: { name: Acme, intents: [sso] }
";

/// An account that accepts the old key only, and a folder with that key in a file.
fn stage() -> (StandIn, TestEnv) {
    let workos = StandIn::of(|world| {
        world.organization("org_1", "Acme", &json!({"external_id": "acme"}));
    });
    workos.accept_only(OLD);
    let env = TestEnv::with_manifest(MANIFEST);
    env.write("key", &format!("{OLD}\n"));
    (workos, env)
}

fn run(env: &TestEnv, workos: &StandIn, line: &str) -> Run {
    let line = format!("{line} --api-key-file key");
    env.run(&line).env("WORKOS_API_URL", &workos.url())
}

fn serving(env: &TestEnv, workos: &StandIn) -> GatewayServer {
    env.write("gateway.yaml", CONFIG);
    env.write("handoff.secret", SECRET);
    let serve = "serve --listen 127.0.0.1:0 --config gateway.yaml";
    GatewayServer::of(run(env, workos, serve))
}

/// The status of a hand-over.
fn hand_over(gateway: &GatewayServer) -> u16 {
    let token = signed(&claims(&gateway.url()));
    let path = format!("/portal/acme/sso?token={token}");
    gateway.get(&path, &[]).status
}

fn key_is_accepted(gateway: &GatewayServer) -> bool {
    let metrics = gateway.get("/metrics", &[]).body;
    let gauge = "portalctl_gateway_api_key_is_accepted ";
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(gauge));
    value.unwrap_or_else(|| panic!("{metrics}")) == "1"
}

#[test]
fn a_key_that_is_rotated_while_the_gateway_serves_is_read_again() {
    let (workos, env) = stage();
    let gateway = serving(&env, &workos);
    assert_eq!(hand_over(&gateway), 303);
    // WorkOS has forgotten the old key before anybody has pressed the button again.
    env.write("key", NEW);
    workos.accept_only(NEW);
    assert_eq!(hand_over(&gateway), 303);
    assert!(key_is_accepted(&gateway));
    let log = gateway.log();
    let log = format!("{log:?}");
    assert!(!log.contains(OLD) && !log.contains(NEW), "{log}");
}

#[test]
fn a_refused_key_shows_until_another_one_is_there() {
    let (workos, env) = stage();
    let gateway = serving(&env, &workos);
    assert_eq!(gateway.get("/readyz", &[]).status, 200);
    assert!(key_is_accepted(&gateway));
    workos.accept_only(NEW);
    assert_eq!(hand_over(&gateway), 502);
    let ready = gateway.get("/readyz", &[]);
    assert_eq!(ready.status, 503);
    assert_eq!(ready.body, "not ready: WorkOS refuses the API key\n");
    assert!(!key_is_accepted(&gateway));
    // An unusable key file changes nothing.
    env.write("key", "sk_live_0123456789\n");
    wait::until("a complaint about the key", || {
        let log = format!("{:?}", gateway.log());
        log.contains("meant for a test environment").then_some(())
    });
    assert_eq!(gateway.get("/readyz", &[]).status, 503);
    // The new key is found without a restart.
    env.write("key", NEW);
    wait::until("readiness", || {
        (gateway.get("/readyz", &[]).status == 200).then_some(())
    });
    assert!(key_is_accepted(&gateway));
    assert_eq!(hand_over(&gateway), 303);
}

#[test]
fn a_command_that_waits_goes_on_with_the_key_that_is_there_now() {
    let (workos, env) = stage();
    let waiting = run(&env, &workos, "wait acme sso --timeout 2m -vv").spawn();
    waiting.wait_for_lines("", 3);
    let seen = workos.requests().len();
    env.write("key", NEW);
    workos.accept_only(NEW);
    workos.with(|world| world.connection("conn_1", "org_1", "active"));
    let output = waiting.finish();
    assert_eq!(output.code, Some(0), "{output}");
    let requests = workos.requests();
    assert!(requests.len() > seen, "{output}");
    assert_eq!(requests.last().unwrap().key.as_deref(), Some(NEW));
    for key in [OLD, NEW] {
        assert!(!output.stderr.contains(key), "{output}");
    }
}

#[test]
fn a_refused_key_that_does_not_change_is_tried_once() {
    let (workos, env) = stage();
    workos.accept_only(NEW);
    let output = run(&env, &workos, "plan").exits(4);
    assert!(
        output.stderr.contains("error[api/unauthorized]"),
        "{output}"
    );
    assert!(workos.requests().len() <= 2, "{:?}", workos.requests());
}

#[test]
fn a_pipe_is_read_once() {
    let (workos, env) = stage();
    let line = "status --api-key-file /dev/stdin";
    let run = env.run(line).env("WORKOS_API_URL", &workos.url());
    let _ = run.input(OLD).exits(0);
}
