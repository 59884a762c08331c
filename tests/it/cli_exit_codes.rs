//! Tests every exit code, each in its own test. Code 1, for unexpected failures, is tested in
//! `cli_output`, which fills a disk.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::cli::TestEnv;
use crate::support::http::{Canned, CannedAnswer};
use crate::support::manifests::{CUSTOMERS, ONE};
use crate::support::sandbox_server::SandboxServer;

/// A manifest that takes a key of any kind.
const TWO: &str = "\
version: 1
organizations:
  acme: { name: Acme Corp }
  other: { name: Other }
";

/// A server that must not get any request.
struct UnusedServer(TcpListener);

impl UnusedServer {
    fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Checks that no client has connected.
    #[track_caller]
    fn assert_unused(&self) {
        self.0.set_nonblocking(true).unwrap();
        let accepted = self.0.accept().map(|(_, from)| from);
        assert_eq!(accepted.unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

#[test]
fn code_0_done() {
    let env = TestEnv::with_manifest(ONE);
    let _ = env.run("plan --sandbox").exits(0);
    let _ = env.run("apply --sandbox --yes").exits(0);
    let _ = env.run("--version").exits(0);
    let _ = env.run("--help").exits(0);
}

#[test]
fn code_2_changes_are_pending_when_asked_for() {
    let env = TestEnv::with_manifest(ONE);
    let _ = env.run("plan --sandbox --detailed-exitcode").exits(2);
    let _ = env
        .run("plan --sandbox --detailed-exitcode -o json")
        .exits(2);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    let _ = env
        .run("plan --sandbox=s.json --detailed-exitcode")
        .exits(0);
}

#[test]
fn code_2_a_check_of_the_doctor_failed() {
    let env = TestEnv::with_manifest(ONE);
    let _ = env.run("doctor --sandbox").exits(0);
    let output = env.run("doctor").exits(2);
    assert!(output.stdout.contains("cli/no-api-key"), "{output}");
}

#[test]
fn code_3_usage() {
    let env = TestEnv::with_manifest(ONE);
    for line in [
        "",
        "frobnicate",
        "plan --frobnicate",
        "plan -o toml",
        "plan --only",
        "plan --only [",
        "plan --sandbox --api-url https://api.workos.com",
        "plan --sandbox --requests-per-second 0",
        "apply --sandbox --yes --concurrency 0",
        "plan --quiet --verbose --sandbox",
        "explain plan/frobnicated",
        "sandbox --listen 0.0.0.0:0",
        "sandbox --listen 127.0.0.1:0 --load nowhere.yaml",
    ] {
        let output = env.run(line).exits(3);
        assert_eq!(output.stdout, "", "{line}");
        assert!(!output.stderr.is_empty(), "{line}");
    }
}

#[test]
fn code_3_manifest_without_any_request() {
    let nobody = UnusedServer::listen();
    let env = TestEnv::with_manifest("version: 1\norganizations:\n  acme: { nmae: Acme }\n");
    for command in ["plan", "apply --yes", "status", "ids", "validate"] {
        let output = env.run(command).at_url(&nobody.url()).exits(3);
        assert!(
            output.stderr.contains("error[manifest/unknown-field]"),
            "{output}"
        );
        assert!(output.stderr.contains("portal.yaml:3"), "{output}");
    }
    nobody.assert_unused();
}

#[test]
fn code_3_no_consent_and_no_request() {
    let nobody = UnusedServer::listen();
    let env = TestEnv::with_manifest(ONE);
    let output = env.run("apply").at_url(&nobody.url()).exits(3);
    assert!(output.stderr.contains("error[cli/no-consent]"), "{output}");
    assert!(output.stderr.contains("--yes"), "{output}");
    nobody.assert_unused();
}

#[test]
fn code_4_no_key() {
    let nobody = UnusedServer::listen();
    let env = TestEnv::with_manifest(ONE);
    for command in ["plan", "apply --yes", "status", "ids"] {
        let output = env
            .run(command)
            .env("WORKOS_API_URL", &nobody.url())
            .exits(4);
        assert!(
            output.stderr.contains("WORKOS_API_KEY is not set"),
            "{output}"
        );
        assert!(
            output.stderr.contains("hint: Set WORKOS_API_KEY"),
            "{output}"
        );
    }
    nobody.assert_unused();
}

#[test]
fn code_4_the_key_is_refused_by_the_server() {
    // Without `api_key` the manifest takes any key; the sandbox takes test keys only.
    let env = TestEnv::with_manifest(TWO);
    let server = SandboxServer::start(&env);
    let run = |command: &str| {
        let run = env.run(command).at(&server);
        run.env("WORKOS_API_KEY", "sk_live_rotatedaway12345")
            .exits(4)
    };
    for command in ["plan", "apply --yes", "status", "ids"] {
        let output = run(command);
        assert!(
            output.stderr.contains("error[api/unauthorized]"),
            "{output}"
        );
        assert!(output.stderr.contains("401"), "{output}");
        assert!(output.stderr.contains("Copy the key again"), "{output}");
        assert!(!output.stderr.contains("rotatedaway"), "{output}");
    }
    let document = run("plan -o json").json_of("plan");
    assert_eq!(document["errors"][0]["http_status"], 401);
}

#[test]
fn code_4_a_key_of_another_kind_makes_no_request() {
    let nobody = UnusedServer::listen();
    let env = TestEnv::with_manifest(ONE);
    for key in ["sk_live_0123456789abcdef", "something-else"] {
        for command in ["plan", "apply --yes", "status", "ids"] {
            let run = env.run(command).at_url(&nobody.url());
            let output = run.env("WORKOS_API_KEY", key).exits(4);
            assert!(
                output.stderr.contains("error[cli/wrong-key-kind]"),
                "{output}"
            );
            assert!(
                output.stderr.contains("test environment (staging)"),
                "{output}"
            );
            assert!(!output.stderr.contains(key), "{output}");
        }
    }
    nobody.assert_unused();
}

#[test]
fn code_4_the_client_id_is_of_another_environment() {
    let nobody = UnusedServer::listen();
    let env = TestEnv::with_manifest(ONE);
    env.edit(
        "portal.yaml",
        "api_key: test",
        "api_key: test, client_id: client_01A",
    );
    let run = env.run("plan").at_url(&nobody.url());
    let output = run.env("WORKOS_CLIENT_ID", "client_01B").exits(4);
    assert!(
        output.stderr.contains("error[cli/client-id-differs]"),
        "{output}"
    );
    nobody.assert_unused();
}

#[test]
fn code_5_nobody_answers() {
    let env = TestEnv::with_manifest(ONE);
    let url = UnusedServer::listen().url();
    let output = env.run("apply --yes -o json").at_url(&url).exits(5);
    assert!(output.stderr.contains("error[api/unreachable]"), "{output}");
    assert!(
        output.stderr.contains(url.trim_start_matches("http://")),
        "{output}"
    );
    assert_eq!(
        output.json_of("apply")["errors"][0]["code"],
        "api/unreachable"
    );
}

#[test]
fn code_5_the_answer_is_not_one_of_workos() {
    let env = TestEnv::with_manifest(ONE);
    for (status, body) in [(200, "<html>"), (302, "")] {
        let headers = "Location: https://elsewhere.example.com/\r\n".to_owned();
        let server = Canned::serve(move |_, _, _| (status, headers.clone(), body.to_owned()));
        let output = env.run("plan").at_url(&server.url()).exits(5);
        assert!(output.stderr.contains("GET /"), "{output}");
    }
}

#[test]
fn code_7_a_refusal_is_not_an_unreachable_workos() {
    let env = TestEnv::with_manifest(ONE);
    for status in [400, 404, 422] {
        let body = r#"{ "code": "nope", "message": "No." }"#;
        let server = Canned::serve(move |_, _, _| (status, String::new(), body.to_owned()));
        let output = env.run("plan").at_url(&server.url()).exits(7);
        assert!(output.stderr.contains("GET /"), "{output}");
    }
}

/// Answers as an empty environment that refuses to create one customer.
fn refuses_globex(method: &str, path: &str, body: &str) -> CannedAnswer {
    let list = r#"{ "data": [], "list_metadata": { "before": null, "after": null } }"#;
    let refusal = r#"{ "code": "name_not_allowed", "message": "Not this one." }"#;
    match (method, path) {
        // Read again before its marks are merged.
        ("GET", path) if path.starts_with("/organizations/org_") => {
            let organization = json!({ "id": "org_01HXYZ", "name": "Acme Corp", "domains": [] });
            (200, String::new(), organization.to_string())
        }
        ("GET", _) => (200, String::new(), list.to_owned()),
        (_, _) if body.contains("globex") => (422, String::new(), refusal.to_owned()),
        (_, _) => {
            let mut organization: Value = serde_json::from_str(body).unwrap();
            organization["id"] = "org_01HXYZ".into();
            organization["domains"] = json!([]);
            (201, String::new(), organization.to_string())
        }
    }
}

#[test]
fn code_6_not_everything_was_done() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = Canned::serve(refuses_globex);
    let output = env
        .run("apply --yes -o json --intent sso")
        .at_url(&server.url())
        .exits(6);
    let account = output.json_of("apply");
    assert_eq!(account["summary"]["done"], 2, "{account:#}");
    assert_eq!(account["summary"]["refused"], 1, "{account:#}");
    let changes = account["changes"].as_array().unwrap();
    let refused = changes
        .iter()
        .find(|change| change["outcome"] == "refused")
        .unwrap();
    assert_eq!(refused["key"], "globex");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("Not this one.") && message.contains("name_not_allowed"));
    let output = env
        .run("apply --yes --intent sso")
        .at_url(&server.url())
        .exits(6);
    assert!(output.stdout.contains("2 done, 1 refused"), "{output}");
    assert!(!output.stdout.contains("run apply again"), "{output}");
    assert!(
        output.stdout.contains("correct what was refused"),
        "{output}"
    );
}

#[test]
fn code_7_a_conflict_is_left_to_a_person() {
    let env = TestEnv::with_manifest(TWO);
    let server = SandboxServer::start(&env);
    let made_by_hand = json!({ "name": "Acme Corp" });
    let _ = server.send("POST", "/organizations", &made_by_hand);
    let plan = env.run("plan -o json").at(&server).exits(7).json_of("plan");
    assert_eq!(plan["conflicts"][0]["code"], "plan/same-name");
    let output = env.run("apply --yes").at(&server).exits(7);
    assert!(output.stdout.contains("1 done"), "{output}");
    assert!(output.stdout.contains("plan/same-name"), "{output}");
    assert_eq!(server.organizations().len(), 2);
}

#[test]
fn code_7_a_limit_is_exceeded() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    env.edit(
        "portal.yaml",
        "version: 1",
        "version: 1\nlimits: { create: 2 }",
    );
    let plan = env.run("plan --sandbox -o json").exits(7).json_of("plan");
    assert_eq!(plan["summary"]["held"], 3);
    assert_eq!(plan["held"][0]["allow"], "--allow-bulk");
    let _ = env.run("apply --sandbox=s.json --yes").exits(7);
    let _ = env
        .run("apply --sandbox=s.json --yes --allow-bulk")
        .exits(0);
}

#[test]
fn what_merely_lacks_its_flag_is_held_and_not_a_failure() {
    let env = TestEnv::with_manifest(
        "version: 1\norganizations:\n  acme: { name: Acme Corp, domains: [acme.com] }\n",
    );
    let server = SandboxServer::start(&env);
    let by_hand = json!({
        "name": "Acme", "domain_data": [{ "domain": "acme.com", "state": "verified" }],
    });
    let _ = server.send("POST", "/organizations", &by_hand);
    let output = env.run("apply --yes").at(&server).exits(0);
    assert!(output.stdout.contains("needs --adopt"), "{output}");
    let _ = env.run("plan --detailed-exitcode").at(&server).exits(2);
    let output = env.run("apply --yes --adopt").at(&server).exits(0);
    assert!(output.stdout.contains("1 done"), "{output}");
    let _ = env.run("plan --detailed-exitcode").at(&server).exits(0);
    assert_eq!(server.external_ids(), ["acme"]);
}

#[test]
fn failures_are_one_json_document_too() {
    let env = TestEnv::with_manifest("version: 1\norganizations: { acme: { name: A, nmae: B } }\n");
    let none = TestEnv::new();
    for (command, schema) in [
        ("plan -o json", "plan"),
        ("apply --yes -o json", "apply"),
        ("status -o json", "status"),
        ("ids", "ids"),
        ("validate -o json", "validate"),
    ] {
        let document = env.run(command).exits(3).json_of(schema);
        let error = &document["errors"][0];
        assert_eq!(error["code"], "manifest/unknown-field", "{command}");
        assert_eq!(
            (&error["file"], &error["line"]),
            (&"portal.yaml".into(), &2.into())
        );
        let document = none.run(command).exits(3).json_of(schema);
        assert_eq!(
            document["errors"][0]["code"], "cli/no-manifest",
            "{command}"
        );
        let document = none
            .run(&format!("{command} --frobnicate"))
            .exits(3)
            .json_of(schema);
        assert_eq!(document["errors"][0]["code"], "cli/usage", "{command}");
    }
}
