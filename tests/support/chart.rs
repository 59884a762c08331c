//! The Helm chart, rendered by helm itself, which is found on the path.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The chart's folder, from the repository's root, where tests run.
pub(crate) const CHART: &str = "charts/portalctl";
/// The Kubernetes that charts are rendered for, where none is asked.
const KUBERNETES: &str = "1.35.0";

/// Returns whether a program of the Kubernetes tests is on the path. A test without it is skipped,
/// or fails if `PORTALCTL_REQUIRE_KUBERNETES=1`.
#[track_caller]
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !is_there {
        let required = std::env::var("PORTALCTL_REQUIRE_KUBERNETES").is_ok_and(|v| v == "1");
        assert!(!required, "{program} is not on the path, and required");
        println!("skipped: put {program} on the path, as `make test` does, to run this");
    }
    is_there
}

/// Output of a program.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) done: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program with a document on its standard input, and no settings of this machine's.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> CommandOutput {
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(program)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that does not read its input may have ended already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    CommandOutput {
        done: output.status.success(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Renders the release `portalctl` in a namespace, with values in YAML.
#[track_caller]
pub(crate) fn try_render(namespace: &str, values: &str) -> CommandOutput {
    let arguments = ["template", "portalctl", CHART, "--namespace", namespace];
    let more = ["--kube-version", KUBERNETES, "--values", "-"];
    run("helm", &[&arguments[..], &more].concat(), values)
}

/// The same; has to succeed.
#[track_caller]
pub(crate) fn render(namespace: &str, values: &str) -> String {
    let said = try_render(namespace, values);
    assert!(said.done, "{values}\n{}", said.stderr);
    said.stdout
}

/// The objects of a rendered chart.
#[track_caller]
pub(crate) fn objects(rendered: &str) -> Vec<Value> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(rendered).unwrap();
    objects.into_iter().filter(|it| !it.is_null()).collect()
}

/// One object of a rendered chart.
#[track_caller]
pub(crate) fn object(rendered: &str, kind: &str, name: &str) -> Value {
    let is_meant = |it: &Value| it["kind"] == kind && it["metadata"]["name"] == name;
    let found = objects(rendered).into_iter().find(is_meant);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// Renders the permissions that the chart grants the operator: service account, roles and bindings.
#[track_caller]
pub(crate) fn access(namespace: &str, values: &str) -> String {
    let is_access = |it: &Value| {
        let kind = it["kind"].as_str().unwrap_or_default();
        kind == "ServiceAccount" || kind.contains("Role")
    };
    let objects = objects(&render(namespace, values));
    let access: Vec<Value> = objects.into_iter().filter(is_access).collect();
    serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": access }).to_string()
}
