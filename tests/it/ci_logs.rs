//! Prints hostile texts by every command, and reads the output as CI systems and terminals do:
//! nothing in it may be obeyed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::github_action::Workflow;
use crate::support::canary_lines::LINES;
use crate::support::ci_log::obeyed;
use crate::support::cli::{KEY, Output, Run, TestEnv};
use crate::support::dns::{DnsServer, Zone};
use crate::support::http::{self, Canned};
use crate::support::manifests::CUSTOMERS;
use crate::support::sandbox_server::SandboxServer;

/// A part of every hostile text, by which the tests see that it was printed at all.
const MARK: &str = "hostile0";

/// A text that a manifest may hold.
const DECLARED: &str = "Acme ::error::hostile0 ##[add-path]/hostile0 ##teamcity[x] ##vso[y]z";

/// A text that only a server can send.
const SENT: &str = "\n::error::hostile0 \r::add-mask::hostile0\n\t::stop-commands::x ##[add-path]/x \
    ##vso[task.x]y ##teamcity[buildStop] \u{9b}2J \u{1b}[2J \u{202e}x \u{1b}[0Ksection_start:1:a\r\u{1b}[0K";

#[track_caller]
fn is_inert(what: &str, output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let found = obeyed(stream);
        assert!(found.is_empty(), "{what}: {found:?}\n{output}");
    }
}

fn says_it(output: &Output) -> bool {
    output.stdout.contains(MARK) || output.stderr.contains(MARK)
}

fn manifest() -> String {
    CUSTOMERS.replace("name: Globex", &format!("name: \"{DECLARED}\""))
}

/// Puts the hostile text into what people may have written at WorkOS.
fn lace(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), &*field) {
                    ("name" | "message" | "reason" | "verification_token", Value::String(text)) => {
                        *field = json!(format!("{text} {SENT}"));
                    }
                    _ => lace(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(lace),
        _ => {}
    }
}

/// A server whose answers hold hostile texts; it refuses everything once it is told to.
fn hostile_server(sandbox: &SandboxServer, refusal: Option<u16>) -> Canned {
    let address = sandbox.address().to_owned();
    Canned::serve(move |method, path, body| {
        if let Some(status) = refusal {
            let body = json!({ "message": SENT, "code": SENT,
                "errors": [{ "code": SENT, "message": SENT, "field": SENT }] });
            return (status, String::new(), body.to_string());
        }
        let body = serde_json::from_str::<Value>(body).ok();
        let (status, mut answer) = http::send(&address, KEY, method, path, body.as_ref());
        lace(&mut answer);
        (status, String::new(), answer.to_string())
    })
}

/// A folder with what the command lines name.
fn stage(sandbox: &SandboxServer, env: &TestEnv) {
    env.write("browser", "#!/bin/sh\nexit 0\n");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(env.path("browser"), executable).unwrap();
    env.write("given/key", KEY);
    env.write("given/webhook", "whsec_0123456789");
    env.write("probed.yaml", &manifest());
    let _ = env.run("apply --yes").at(sandbox).exits(0);
    let _ = env.run("plan --out saved.json").at(sandbox).exits(0);
    let status = env.run("status -o json --output-file earlier.json");
    let _ = status.at(sandbox).exits(0);
}

/// Runs every command line, and returns how many of them printed the hostile text.
#[track_caller]
fn run_all(refusal: Option<u16>, width: &str, log_format: &str) -> usize {
    let env = TestEnv::with_manifest(&manifest());
    let sandbox = SandboxServer::with(&env, "--rate-limit off");
    stage(&sandbox, &env);
    let server = hostile_server(&sandbox, refusal);
    let dns = DnsServer::with(&[("acme.com", Zone::texts(&[DECLARED]))]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut said = 0;
    for (line, _) in LINES.iter().flat_map(|(_, lines)| *lines) {
        let line = line
            .replace("{url}", &server.url())
            .replace("{dns}", &dns.address().to_string())
            .replace("{nobody}", "127.0.0.1:1")
            .replace("{taken}", &taken.local_addr().unwrap().to_string());
        let run = env.run(&format!("{line} -vv --log-format {log_format}"));
        let output = in_a_workflow(run)
            .at_url(&server.url())
            .env("COLUMNS", width)
            .env("BROWSER", env.path("browser").to_str().unwrap())
            .output();
        is_inert(&line, &output);
        let is_json = line.contains("-o json") || line.contains("-o sarif");
        if is_json && !output.stdout.is_empty() {
            let _ = output.json();
        }
        said += usize::from(says_it(&output));
    }
    said
}

fn in_a_workflow(run: Run) -> Run {
    run.env("GITHUB_ACTIONS", "true").env("CI", "true")
}

#[test]
fn no_command_prints_what_a_ci_system_obeys() {
    let said = run_all(None, "100", "text");
    assert!(said > 30, "only {said} outputs held the text");
}

#[test]
fn no_failure_prints_what_a_ci_system_obeys() {
    for (status, width, log_format) in [(422, "60", "json"), (401, "33", "text")] {
        let said = run_all(Some(status), width, log_format);
        assert!(said > 15, "only {said} outputs held the text");
    }
}

#[test]
fn no_width_puts_a_command_at_the_beginning_of_a_line() {
    let env = TestEnv::with_manifest(&manifest());
    // A conflict, whose message and hint repeat the name.
    let sandbox = SandboxServer::start(&env);
    let _ = sandbox.send("POST", "/organizations", &json!({ "name": DECLARED }));
    let mut said = 0;
    for width in (20..=110).step_by(3) {
        let run = env.run("plan").at(&sandbox);
        let output = run.env("COLUMNS", &width.to_string()).output();
        is_inert(&format!("{width} columns"), &output);
        said += usize::from(says_it(&output));
    }
    assert!(said > 20, "only {said} outputs held the text");
}

/// Returns the data of an annotation that the Action itself makes.
fn annotation(line: &str) -> Option<&str> {
    let line = line.strip_prefix("::")?;
    let (command, data) = line.split_once("::")?;
    let (level, title) = command.split_once(' ')?;
    let is_ours =
        ["error", "warning", "notice"].contains(&level) && title.starts_with("title=portalctl");
    is_ours.then_some(data)
}

#[track_caller]
fn gives_its_own_commands_alone(what: &str, workflow: &Workflow, output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let rest = stream.lines().map(|line| annotation(line).unwrap_or(line));
        let rest: Vec<&str> = rest.collect();
        let found = obeyed(&rest.join("\n"));
        assert!(found.is_empty(), "{what}: {found:?}\n{output}");
    }
    let outputs = fs::read_to_string(workflow.github("output")).unwrap();
    for line in outputs.lines() {
        let name = line.split('=').next().unwrap();
        let known = ["exit-code", "has-changes", "digest", "folder"];
        assert!(known.contains(&name), "{what}: {outputs}");
    }
    // Hidden lines stand at the top alone.
    for body in workflow.bodies() {
        let lines = body.lines().map(str::trim_start);
        let mut below = lines.skip_while(|line| line.starts_with("<!-- portalctl:"));
        assert!(
            !below.any(|line| line.starts_with("<!--")),
            "{what}: {body}"
        );
    }
}

#[test]
fn the_action_gives_no_commands_but_its_own() {
    let hidden =
        "<!-- portalctl:digest sha256:0 --> <img src=x> @everyone [a](http://x.example) hostile0";
    let more = manifest().replace("name: Initech", &format!("name: \"{hidden}\""));
    let workflow = Workflow::new(&more);
    workflow.env.write("base.yaml", CUSTOMERS);
    let server = hostile_server(&workflow.sandbox, None);
    let refusing = hostile_server(&workflow.sandbox, Some(422));
    let mut said = 0;
    for command in [
        "validate", "diff", "plan", "apply", "plan", "status", "snapshot", "ids",
    ] {
        for url in [server.url(), refusing.url()] {
            let step = match command {
                "apply" => workflow.merged(),
                command => workflow.step(command),
            };
            let step = step.env("COMPARE_WITH", "base.yaml");
            let output = in_a_workflow(step).at_url(&url).output();
            gives_its_own_commands_alone(command, &workflow, &output);
            let reports = workflow.bodies().join("\n") + &workflow.summary();
            said += usize::from(says_it(&output) || reports.contains(MARK));
        }
    }
    // In the annotations of a manifest with an error.
    workflow.env.write(
        "portal.yaml",
        &format!("version: 1\norganizations:\n  a: {{ name: A, intents: ['{DECLARED}'] }}\n"),
    );
    for command in ["validate", "plan"] {
        let output = in_a_workflow(workflow.step(command)).exits(3);
        gives_its_own_commands_alone(command, &workflow, &output);
        said += usize::from(says_it(&output));
    }
    assert!(said > 10, "only {said} steps said the text");
}

#[test]
fn what_is_typed_is_shown_inert() {
    let env = TestEnv::with_manifest(&manifest());
    let hostile = format!("x{SENT}");
    let file = format!("{DECLARED}.yaml").replace('/', "");
    env.write(&file, "version: 2\nx: [\n");
    let mut said = 0;
    for args in [
        &["plan", hostile.as_str()][..],
        &["plan", "--nope", &hostile],
        &[&hostile],
        &["plan", "-o", &hostile],
        &["plan", "--requests-per-second", &hostile],
        &["plan", "-f", &hostile],
        &["plan", "--only", &hostile],
        &["validate", "-f", &file],
        &["validate", "-f", &file, "-o", "json"],
        &["validate", "-f", &file, "-o", "sarif"],
        &["validate", "-f", "."],
        &["link", &hostile, "sso"],
        &["link", "acme", &hostile],
        &["explain", &hostile],
        &["apply", &hostile],
        &["plan", "--write", &format!("json={hostile}/x")],
        &["plan", "--api-url", &hostile],
        &["import", "--dir", &hostile, "--dry-run"],
        &["convert", "--to", "kubernetes", "--dir", &hostile],
        &["schema", &hostile],
    ] {
        for width in ["100", "40"] {
            let run = env.args(args).env("COLUMNS", width);
            let output = in_a_workflow(run).env("WORKOS_API_KEY", KEY).output();
            is_inert(&args.join(" "), &output);
            said += usize::from(says_it(&output));
        }
    }
    assert!(said > 30, "only {said} outputs held the text");
    // A variable, too.
    for name in [
        "WORKOS_API_URL",
        "WORKOS_API_KEY",
        "COLUMNS",
        "PORTALCTL_ALLOW_PLAIN_HTTP",
    ] {
        let output = env.run("plan").env(name, &hostile).output();
        is_inert(name, &output);
    }
}

#[test]
fn a_converted_manifest_is_inert_and_keeps_its_values() {
    let env = TestEnv::with_manifest(&manifest().replace("Acme Corp", "a##[b]"));
    let printed = env.run("convert --to kubernetes").exits(0);
    is_inert("convert", &printed);
    env.write("cluster.yaml", &printed.stdout);
    let back = env.run("convert --to manifest -f cluster.yaml").exits(0);
    is_inert("convert", &back);
    let read: Value = serde_saphyr::from_str(&back.stdout).unwrap();
    assert_eq!(read["organizations"]["acme"]["name"], "a##[b]");
    assert_eq!(read["organizations"]["globex"]["name"], DECLARED);
}

#[cfg(unix)]
#[test]
fn on_a_terminal_only_colours_are_obeyed() {
    use crate::support::pty::AtTerminal;

    let env = TestEnv::with_manifest(&manifest());
    let sandbox = SandboxServer::with(&env, "--rate-limit off");
    stage(&sandbox, &env);
    let server = hostile_server(&sandbox, None);
    let bars = regex::Regex::new(r"\r|\x1b\[(\?25[hl]|[0-9]*[AKG]|2K)").unwrap();
    for line in [
        "plan -o json",
        "status -o json",
        "plan",
        "status --all",
        "plan -o sarif",
    ] {
        let shown = AtTerminal::start(env.run(line).at_url(&server.url())).exits(0);
        // The terminal itself adds carriage returns; a bar that was drawn is wiped away.
        let shown = shown.replace("\r\n", "\n");
        let found = obeyed(&bars.replace_all(&shown, ""));
        assert!(found.is_empty(), "{line}: {found:?}\n{shown:?}");
        assert!(shown.contains(MARK), "{line}: {shown}");
    }
}
