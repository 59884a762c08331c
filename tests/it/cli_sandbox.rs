//! `sandbox`: a server of its own, and the same thing inside another command.

use serde_json::json;

use crate::support::cli::{KEY, TestEnv};
use crate::support::http;
use crate::support::manifests::{CUSTOMERS, ONE};
use crate::support::sandbox_server::SandboxServer;

#[test]
fn the_address_alone_is_on_standard_output() {
    let env = TestEnv::new();
    let server = SandboxServer::start(&env);
    let (status, _) = http::send(server.address(), KEY, "GET", "/organizations", None);
    assert_eq!(status, 200);
    let (status, _) = http::send(server.address(), "nonsense", "GET", "/organizations", None);
    assert_eq!(status, 401);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn state_outlives_the_server() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::with(&env, "--state s.json");
    let _ = env.run("apply --yes").at(&server).exits(0);
    let ids = server.external_ids();
    assert_eq!(server.stop(), Some(0));
    let server = SandboxServer::with(&env, "--state s.json");
    assert_eq!(server.external_ids(), ids);
    assert_eq!(server.stop(), Some(0));
    // The same file works without a server.
    let _ = env
        .run("plan --sandbox=s.json --detailed-exitcode")
        .exits(0);
}

#[test]
fn a_state_file_has_one_sandbox_at_a_time() {
    let env = TestEnv::with_manifest(ONE);
    let server = SandboxServer::with(&env, "--state s.json");
    let output = env.run("plan --sandbox=s.json").exits(3);
    assert!(
        output.stderr.contains("in use by another sandbox"),
        "{output}"
    );
    drop(server);
    let _ = env.run("plan --sandbox=s.json").exits(0);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let env = TestEnv::new();
    let server = SandboxServer::start(&env);
    let output = env.args(["sandbox", "--listen", server.address()]).exits(3);
    assert!(output.stderr.contains("error[cli/address]"), "{output}");
    assert!(output.stderr.contains(server.address()), "{output}");
}

#[test]
fn a_damaged_state_file_is_left_alone() {
    let env = TestEnv::with_manifest(ONE);
    env.write("s.json", "{ nonsense");
    for line in [
        "plan --sandbox=s.json",
        "sandbox --listen 127.0.0.1:0 --state s.json",
    ] {
        let output = env.run(line).exits(3);
        assert!(
            output.stderr.contains("not the state file of a sandbox"),
            "{output}"
        );
    }
    assert_eq!(env.read("s.json"), "{ nonsense");
}

#[test]
fn scenarios_are_there_to_look_at() {
    let env =
        TestEnv::with_manifest("version: 1\norganizations:\n  unheard-of: { name: Unheard }\n");
    let server = SandboxServer::with(&env, "--load busy");
    assert!(server.organizations().len() > 3);
    let plan = env.run("plan").at(&server).exits(0);
    assert!(plan.stdout.contains("are not in this manifest"), "{plan}");
    env.write(
        "mine.yaml",
        "organizations: [{ name: Mine, external_id: mine }]",
    );
    let server = SandboxServer::with(&env, "--load mine.yaml");
    assert_eq!(server.external_ids(), ["mine"]);
}

#[test]
fn the_in_process_sandbox_needs_and_reads_no_key() {
    let env = TestEnv::with_manifest(ONE);
    env.edit("portal.yaml", "api_key: test", "api_key: live");
    let run = env
        .run("plan --sandbox")
        .env("WORKOS_API_KEY", "not even\u{7f} a key");
    let output = run.exits(0);
    assert!(
        output
            .stdout
            .starts_with("portalctl plan · sandbox · staging"),
        "{output}"
    );
}

#[test]
fn two_servers_have_two_worlds() {
    let env = TestEnv::new();
    let (one, two) = (SandboxServer::start(&env), SandboxServer::start(&env));
    let _ = one.send("POST", "/organizations", &json!({ "name": "Acme" }));
    assert_eq!(
        (one.organizations().len(), two.organizations().len()),
        (1, 0)
    );
}

#[test]
fn a_named_key_is_the_only_one() {
    let env = TestEnv::with_manifest(ONE);
    env.write("key", "sk_test_theonlykey\n");
    let server = SandboxServer::with(&env, "--key-file key");
    let output = env.run("plan").at(&server).exits(4);
    assert!(output.stderr.contains("api/unauthorized"), "{output}");
    let _ = env.run("plan --api-key-file key").at(&server).exits(0);
}
