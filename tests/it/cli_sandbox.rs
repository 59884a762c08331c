//! Tests the sandbox as a server, and inside another command.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::cli::{KEY, TestEnv};
use crate::support::http::{self, Canned};
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
    assert!(plan.stdout.contains("are neither declared here"), "{plan}");
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

/// An address of this machine that is not on loopback, and still reaches it.
#[cfg(target_os = "linux")]
const EVERYWHERE: &str = "0.0.0.0:0";

#[cfg(target_os = "linux")]
#[test]
fn other_machines_reach_it_only_where_both_sides_say_so() {
    let env = TestEnv::with_manifest(ONE);
    let output = env.args(["sandbox", "--listen", EVERYWHERE]).exits(3);
    assert!(output.stderr.contains("--allow-remote"), "{output}");
    let sandbox = SandboxServer::listening(&env, EVERYWHERE, "--allow-remote");
    let url = sandbox.url();
    let at = |line: &str| env.run(line).at_url(&url);
    let output = at("apply --yes").exits(3);
    assert!(
        output.stderr.contains("error[cli/invalid-endpoint]"),
        "{output}"
    );
    assert!(output.stderr.contains("--allow-plain-http"), "{output}");
    let off = at("plan").env("PORTALCTL_ALLOW_PLAIN_HTTP", "0").exits(3);
    assert!(off.stderr.contains("error[cli/invalid-endpoint]"), "{off}");
    let output = at("apply --yes --allow-plain-http").exits(0);
    assert!(output.stderr.contains("are not encrypted"), "{output}");
    let plan = at("plan -o json").env("PORTALCTL_ALLOW_PLAIN_HTTP", "1");
    let plan = plan.exits(0).json_of("plan");
    assert_eq!(plan["summary"]["unchanged"], 1, "{plan:#}");
    // The link leads to the sandbox, and is handed over.
    let link = at("link acme sso --allow-non-tty --allow-plain-http").exits(0);
    assert!(link.stdout.starts_with(&format!("{url}/portal/")), "{link}");
}

#[cfg(target_os = "linux")]
#[test]
fn only_a_test_key_is_sent_in_the_clear() {
    let env = TestEnv::with_manifest("version: 1\norganizations:\n  acme: { name: Acme }\n");
    let arrived = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&arrived);
    let server = Canned::serve(move |_, _, _| {
        count.fetch_add(1, Ordering::SeqCst);
        (404, String::new(), r#"{"message":"Not found"}"#.to_owned())
    });
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    let with_live_key = |line: &str| {
        let run = env.run(&format!("{line} -o json --allow-plain-http"));
        run.at_url(&url)
            .env("WORKOS_API_KEY", "sk_live_0123456789canary")
    };
    let plan = with_live_key("plan").exits(4);
    assert!(plan.stdout.contains("cli/key-in-the-clear"), "{plan}");
    assert_eq!(arrived.load(Ordering::SeqCst), 0);
    // The checks that `doctor` makes without a key are allowed.
    let doctor = with_live_key("doctor").exits(2);
    assert!(doctor.stdout.contains("cli/key-in-the-clear"), "{doctor}");
    arrived.store(0, Ordering::SeqCst);
    let _ = env.run("plan --allow-plain-http").at_url(&url).output();
    assert_ne!(arrived.load(Ordering::SeqCst), 0, "the test key is sent");
}

#[cfg(target_os = "linux")]
#[test]
fn a_live_key_is_none_for_a_sandbox_that_others_reach() {
    let env = TestEnv::new();
    env.write("key", "sk_live_0123456789canary\n");
    let line = "sandbox --listen 0.0.0.0:0 --allow-remote --key-file key";
    let output = env.run(line).exits(3);
    assert!(
        output.stderr.contains("only the key of a test environment"),
        "{output}"
    );
    assert!(!output.stderr.contains("canary"), "{output}");
}

/// The compose example: the sandbox's own command, and the job's with its variables.
#[cfg(target_os = "linux")]
#[test]
fn the_compose_example_works_with_one_machine_for_its_network() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ci/compose");
    let text = std::fs::read_to_string(format!("{folder}/compose.yaml")).unwrap();
    let compose: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let command = |service: &str| {
        let words = compose["services"][service]["command"].as_array().unwrap();
        let words = words.iter().map(|word| word.as_str().unwrap().to_owned());
        words.collect::<Vec<String>>()
    };
    let env =
        TestEnv::with_manifest(&std::fs::read_to_string(format!("{folder}/portal.yaml")).unwrap());
    let mut sandbox = command("sandbox");
    let listen = sandbox
        .iter()
        .position(|word| word == "0.0.0.0:4100")
        .unwrap();
    EVERYWHERE.clone_into(&mut sandbox[listen]);
    assert_eq!(sandbox.remove(0), "sandbox");
    let options = sandbox
        .join(" ")
        .replacen(&format!("--listen {EVERYWHERE}"), "", 1);
    let server = SandboxServer::listening(&env, EVERYWHERE, &options);
    let mut job = env.args(command("portalctl"));
    let variables = compose["services"]["portalctl"]["environment"]
        .as_object()
        .unwrap();
    for (name, value) in variables {
        let value = value
            .as_str()
            .unwrap()
            .replace("http://sandbox:4100", &server.url());
        job = job.env(name, &value);
    }
    let _ = job.exits(0);
    assert!(!server.external_ids().is_empty());
}
