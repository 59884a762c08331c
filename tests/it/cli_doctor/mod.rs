//! Tests `doctor` with one fault at a time, as a person would meet it.

mod credentials;
mod network;
mod portal;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::support::cli::{KEY, Output, Run, TestEnv, snapshot};
use crate::support::emulator::{EMULATOR_KEY, Emulator};
use crate::support::http::Canned;
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

/// A manifest without findings.
const SOUND: &str = "\
version: 1
manifest: customers
environment: { name: staging, api_key: test, client_id: client_01HXYZ }
return_urls:
  default: https://app.example.com/settings/portal
  allowed_hosts: [app.example.com]
organizations:
  acme: { name: Acme Corp, intents: [sso, dsync] }
  globex: { name: Globex, intents: [sso] }
";

/// An empty list, as an environment without organizations gives it.
const NOBODY: &str = r#"{"data":[],"list_metadata":{"before":null,"after":null}}"#;

/// Returns the verdict and the code of one check in a report.
#[track_caller]
fn found(report: &Value, id: &str) -> (String, Value) {
    let check = check(report, id);
    let verdict = check["verdict"].as_str().unwrap().to_owned();
    (verdict, check["code"].clone())
}

#[track_caller]
fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let mut checks = report["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["id"] == id);
    check.unwrap_or_else(|| panic!("{id} is not in {report:#}"))
}

/// Runs a command and returns its JSON report, which has to match the schema and the exit code.
#[track_caller]
fn report(run: Run) -> Value {
    let output = run.output();
    let report = output.json_of("doctor");
    let failed = report["summary"]["fail"] != 0;
    assert_eq!(output.code, Some(if failed { 2 } else { 0 }), "{output}");
    assert_eq!(report["errors"], json!([]));
    report
}

#[track_caller]
fn fails(report: &Value, id: &str, code: &str) {
    assert_eq!(
        found(report, id),
        ("fail".to_owned(), code.into()),
        "{report:#}"
    );
}

#[track_caller]
fn warns(report: &Value, id: &str, code: &str) {
    assert_eq!(
        found(report, id),
        ("warn".to_owned(), code.into()),
        "{report:#}"
    );
}

#[track_caller]
fn is(report: &Value, id: &str, verdict: &str) {
    assert_eq!(
        found(report, id),
        (verdict.to_owned(), Value::Null),
        "{report:#}"
    );
}

/// Returns a run's text with placeholders for the parts that differ between runs.
fn told(output: &Output) -> String {
    let mut text = String::new();
    for line in output.stdout.lines() {
        let cut = |word: &str| line.split_once(word).map(|(before, _)| before);
        let line = match (cut("answered in "), cut("rate limit       ")) {
            (Some(before), _) => format!("{before}answered in [N] ms"),
            (_, Some(before)) => format!("{before}rate limit       [BUDGET]"),
            (None, None) => line.to_owned(),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[test]
fn a_healthy_set_up_passes() {
    let env = TestEnv::with_manifest(SOUND);
    let server = SandboxServer::with(&env, "--client-id client_01HXYZ");
    let _ = env.run("apply --yes").at(&server).exits(0);
    let output = env.run("doctor --link-test acme").at(&server).exits(0);
    assert_eq!(output.stderr, "");
    snapshot!(told(&output));
    let report = report(env.run("doctor --link-test acme -o json").at(&server));
    assert_eq!(report["environment"], "staging");
    assert_eq!(report["requests_used"], 6);
    assert_eq!(report["summary"]["warn"], 0);
}

#[test]
fn a_sick_set_up_is_told_what_to_do() {
    let env = TestEnv::with_manifest(SOUND);
    env.edit("portal.yaml", "  allowed_hosts: [app.example.com]\n", "");
    env.edit(
        "portal.yaml",
        "globex: { name",
        "globex: { id: org_01GONE, name",
    );
    let server = SandboxServer::with(&env, "--client-id client_01OTHER");
    let output = env
        .run("doctor --link-test acme")
        .at(&server)
        .env("WORKOS_CLIENT_ID", "sk_test_in_the_wrong_place")
        .exits(2);
    snapshot!(told(&output));
    let narrow = env.run("doctor").at(&server).env("COLUMNS", "40").exits(2);
    for line in narrow.stdout.lines().skip(1) {
        let is_a_word = !line.trim_start().contains(' ') || line.contains("explain");
        assert!(is_a_word || line.chars().count() <= 40, "{line}");
    }
}

#[test]
fn without_a_manifest_the_rest_is_checked() {
    let env = TestEnv::new();
    let server = SandboxServer::start(&env);
    let report = report(env.run("doctor -o json").at(&server));
    warns(&report, "manifest", "cli/no-manifest");
    is(&report, "api-key-accepted", "pass");
    is(&report, "clock", "pass");
    is(&report, "return-urls", "skip");
}

#[test]
fn problems_of_the_manifest_are_counted_and_the_rest_is_checked() {
    let env = TestEnv::with_manifest(SOUND);
    env.edit(
        "portal.yaml",
        "https://app.example.com",
        "http://app.example.com",
    );
    env.edit("portal.yaml", "name: Globex", "nmae: Globex");
    let server = SandboxServer::start(&env);
    let report = report(env.run("doctor -o json").at(&server));
    let detail = check(&report, "manifest")["detail"].as_str().unwrap();
    assert!(detail.starts_with("3 problems: "), "{detail}");
    assert!(detail.contains("portal.yaml:5:"), "{detail}");
    fails(&report, "manifest", "manifest/url-not-https");
    fails(&report, "return-urls", "manifest/url-not-https");
    is(&report, "api-key-accepted", "pass");
}

/// Starts a server that answers 401 to every request and hands over each request's head.
fn eavesdrop() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (heard, heads) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            if heard.send(request.join("\n")).is_err() {
                break;
            }
            let body = r#"{"message":"Unauthorized"}"#;
            let length = body.len();
            // A client that has gone does not concern the next one.
            let _ = write!(
                stream,
                "HTTP/1.1 401 X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    (url, heads)
}

#[test]
fn organizations_of_another_environment() {
    let env = TestEnv::with_manifest(SOUND);
    let server = SandboxServer::start(&env);
    let run = || report(env.run("doctor -o json").at(&server));
    is(&run(), "organizations", "pass");
    let _ = server.send(
        "POST",
        "/organizations",
        &json!({ "name": "Somebody else" }),
    );
    warns(&run(), "organizations", "doctor/nothing-found");
    env.edit(
        "portal.yaml",
        "acme: { name",
        "acme: { id: org_01GONE, name",
    );
    fails(&run(), "organizations", "plan/pinned-missing");
}

#[test]
fn in_the_sandbox_what_makes_no_sense_is_skipped() {
    let env = TestEnv::with_manifest(SOUND);
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    let report = report(env.run("doctor --sandbox=s.json --link-test acme -o json"));
    assert_eq!(report["sandbox"], true);
    for id in [
        "api-key",
        "api-key-kind",
        "endpoint",
        "reachable",
        "clock",
        "api-key-accepted",
    ] {
        is(&report, id, "skip");
    }
    is(&report, "organizations", "pass");
    is(&report, "portal-link", "pass");
}

#[test]
fn the_official_emulator_is_found_healthy() {
    let env = TestEnv::with_manifest(SOUND);
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    let run = || {
        env.run("doctor --link-test acme -o json")
            .at_url(&emulator.url())
    };
    let run = || run().env("WORKOS_API_KEY", EMULATOR_KEY);
    let _ = env
        .run("apply --yes")
        .at_url(&emulator.url())
        .env("WORKOS_API_KEY", EMULATOR_KEY)
        .exits(0);
    let report = report(run());
    assert_eq!(report["summary"]["fail"], 0, "{report:#}");
    is(&report, "client-id-known", "pass");
    is(&report, "clock", "pass");
    is(&report, "portal-link", "pass");
}
