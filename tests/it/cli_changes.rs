//! Tests `status --compare`, `--on-change` and `--watch`, by which a team's own database learns
//! that a customer has finished a setup.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::support::cli::{KEY, TestEnv, snapshot};
use crate::support::github::assert_inert;
use crate::support::http::{Canned, CannedAnswer};
use crate::support::manifests::{CUSTOMERS, ONE, many};
#[cfg(unix)]
use crate::support::pty::AtTerminal;
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

/// Applies a manifest and saves its status in `old.json`.
fn reported(manifest: &str) -> (TestEnv, SandboxServer) {
    let env = TestEnv::with_manifest(manifest);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    let save = "status -o json --output-file old.json";
    let _ = env.run(save).at(&server).exits(0);
    (env, server)
}

/// Plays the customer who finishes an intent behind the portal's button.
fn finish(server: &SandboxServer, external_id: &str, intent: &str) {
    let path = format!("/_sandbox/organizations/{external_id}/finish");
    let _ = server.send("POST", &path, &json!({ "intent": intent }));
}

/// Arguments of a comparison with `old.json` that runs a command on changes.
fn telling(command: &str) -> [&str; 5] {
    ["status", "--compare", "old.json", "--on-change", command]
}

#[test]
fn compare_says_who_finished_and_what_went_wrong() {
    let (env, server) = reported(CUSTOMERS);
    let same = env.run("status --compare old.json").at(&server).exits(0);
    let (first, _) = same.stdout.split_once('\n').unwrap();
    assert_eq!(first, "nothing changed since old.json");
    finish(&server, "acme", "sso");
    finish(&server, "globex", "dsync");
    let path = "/_sandbox/organizations/globex/connections";
    let _ = server.send("POST", path, &json!({ "state": "inactive" }));
    env.edit("portal.yaml", "initech:", "hooli:");
    let output = env.run("status --compare old.json").at(&server).exits(0);
    let (changed, _) = output.stdout.split_once("\n\n").unwrap();
    snapshot!(changed);

    let line = "status --compare old.json -o json";
    let document = env.run(line).at(&server).exits(0).json_of("status");
    let changed = document["changed"].as_array().unwrap();
    let keys: Vec<_> = changed.iter().map(|o| o["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["acme", "globex", "hooli", "initech"]);
    assert_eq!(changed[0]["organization_id"], server.id_of("acme"));
    let acme = &changed[0]["intents"];
    assert_eq!(acme.as_array().unwrap().len(), 1, "{acme:#}");
    assert_eq!(acme[0]["intent"], "sso");
    assert_eq!(acme[0]["before"], "unconfigured");
    assert_eq!(acme[0]["after"], "configured");
    assert_eq!(acme[0]["turn"], "none");
    assert!(acme[0]["since"].is_string());
    assert_eq!(changed[2]["intents"][0]["before"], Value::Null);
    assert_eq!(changed[3]["intents"][0]["after"], Value::Null);
    // Without --compare there is nothing to say of it.
    let plain = env.run("status -o json").at(&server).exits(0);
    assert_eq!(plain.json_of("status").get("changed"), None);
}

#[test]
fn a_narrowed_comparison_does_not_take_the_others_for_gone() {
    let (env, server) = reported(CUSTOMERS);
    finish(&server, "acme", "sso");
    finish(&server, "globex", "sso");
    let line = "status --compare old.json -o json --only globex --intent sso";
    let document = env.run(line).at(&server).exits(0).json_of("status");
    let changed = document["changed"].as_array().unwrap();
    assert_eq!(changed.len(), 1, "{document:#}");
    assert_eq!(changed[0]["key"], "globex");
    assert_eq!(changed[0]["intents"].as_array().unwrap().len(), 1);
}

#[test]
fn an_earlier_report_that_cannot_be_used_is_refused_before_any_request() {
    let env = TestEnv::with_manifest(ONE);
    for (name, text, why) in [
        ("text", "not JSON", "not what `status -o json` writes"),
        ("list", "[]", "not what `status -o json` writes"),
        (
            "newer",
            r#"{"format_version": "2"}"#,
            "its format_version is \"2\"",
        ),
        (
            "failed",
            r#"{"format_version": "1", "organizations": [], "errors": [{}]}"#,
            "of a run that failed",
        ),
        (
            "elsewhere",
            r#"{"format_version": "1", "environment": "live", "organizations": []}"#,
            "of the environment live, and the manifest is of staging",
        ),
    ] {
        env.write(name, text);
        let line = format!("status -o json --compare {name}");
        let output = env.run(&line).at_url("http://127.0.0.1:9").exits(3);
        let document = output.json_of("status");
        assert_eq!(
            document["errors"][0]["code"], "cli/earlier-report",
            "{name}"
        );
        let message = document["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(why), "{name}: {message}");
    }
    let missing = env.run("status --compare nothing.json -o json");
    let missing = missing.at_url("http://127.0.0.1:9").exits(3);
    assert_eq!(missing.json_of("status")["errors"][0]["code"], "cli/file");
}

#[test]
fn what_does_not_go_together_is_a_usage_error() {
    let env = TestEnv::with_manifest(ONE);
    for line in [
        "status --on-change true",
        "status --interval 5s",
        "status --timeout 5s",
        "status --watch --interval 500ms",
        "status --watch --interval soon",
        "status --watch -o json",
        "status --watch --output-file report.txt",
        "status --watch --on-change-timeout 5s",
    ] {
        let output = env.run(line).at_url("http://127.0.0.1:9").exits(3);
        assert!(output.stderr.contains("cli/usage"), "{line}: {output}");
    }
    assert!(!env.path("report.txt").exists());
}

#[cfg(unix)]
mod on_change {
    use super::*;

    #[test]
    fn the_command_is_given_what_changed_and_no_key() {
        let (env, server) = reported(CUSTOMERS);
        let command = "cat >> told.jsonl; env > env.txt; echo posted";
        let quiet = env.args(telling(command)).at(&server).exits(0);
        assert!(
            !env.path("told.jsonl").exists(),
            "nothing had changed: {quiet}"
        );
        finish(&server, "acme", "sso");
        let output = env.args(telling(command)).at(&server).exits(0);
        assert!(output.stderr.contains("posted\n"), "{output}");
        assert!(!output.stdout.contains("posted"), "{output}");
        let told = env.read("told.jsonl");
        assert_eq!(told.lines().count(), 1, "{told}");
        let told: Value = serde_json::from_str(&told).unwrap();
        let schema = env.run("schema on-change").exits(0).json();
        assert!(jsonschema::is_valid(&schema, &told), "{told:#}");
        assert_eq!(told["environment"], "staging");
        assert_eq!(told["changed"][0]["key"], "acme");
        let environment = env.read("env.txt");
        assert!(environment.contains("WORKOS_API_URL="), "{environment}");
        assert!(!environment.contains("WORKOS_API_KEY"), "{environment}");
        assert!(!environment.contains(KEY), "{environment}");
    }

    #[test]
    fn a_command_that_fails_is_told_with_its_exit_code() {
        let (env, server) = reported(ONE);
        finish(&server, "acme", "sso");
        let args = telling("echo no database >&2; exit 9");
        let output = env.args(args).at(&server).exits(6);
        assert!(output.stdout.contains("1 newly configured"), "{output}");
        let told = "error[cli/on-change]: the command ended with exit code 9";
        assert!(output.stderr.contains(told), "{output}");
        assert!(output.stderr.contains("no database\n"), "{output}");
        let args = telling("exit 9").into_iter().chain(["-o", "json"]);
        let document = env.args(args).at(&server).exits(6).json_of("status");
        assert_eq!(document["errors"][0]["code"], "cli/on-change");
        assert_eq!(document["changed"][0]["key"], "acme");
        let args = telling("exit 9").into_iter().chain(["-o", "markdown"]);
        let markdown = env.args(args).at(&server).exits(6).stdout;
        assert_inert(&markdown);
        assert!(markdown.contains("(`cli/on-change`): the command ended with exit code 9"));
        assert!(markdown.contains("\n| `acme` | sso | unconfigured | configured | "));
        // The report is whole: it may be what the next run compares with.
        assert_eq!(document["organizations"][0]["key"], "acme");
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_all_it_started() {
        let (env, server) = reported(ONE);
        finish(&server, "acme", "sso");
        let command = "sleep 1000 & echo $! > started; trap '' TERM; wait; wait";
        let args = telling(command)
            .into_iter()
            .chain(["--on-change-timeout", "1s"]);
        let output = env.args(args).at(&server).exits(6);
        let told = "the command did not end within 1s and was killed";
        assert!(output.stderr.contains(told), "{output}");
        let started = format!("/proc/{}/stat", env.read("started").trim());
        wait::until("the end of what was started", || {
            let stat = std::fs::read_to_string(&started).unwrap_or_default();
            // A zombie has ended; its parent may be a process that does not reap.
            (stat.is_empty() || stat.contains(") Z ")).then_some(())
        });
    }

    #[test]
    fn a_command_need_not_read_what_it_is_given() {
        let env = TestEnv::with_manifest(&many(400));
        let none = r#"{"format_version": "1", "organizations": []}"#;
        env.write("old.json", none);
        let server = SandboxServer::start(&env);
        let _ = env.args(telling("true")).at(&server).exits(0);
        // The same document, read: it is larger than a pipe holds.
        let _ = env.args(telling("cat > told.json")).at(&server).exits(0);
        assert!(env.read("told.json").len() > 70_000);
    }

    #[test]
    fn an_interruption_ends_the_command_too() {
        let (env, server) = reported(ONE);
        finish(&server, "acme", "sso");
        let args = telling("echo $$ > started; exec sleep 1000");
        let running = env.args(args).at(&server).spawn();
        let started = wait::until("the command", || {
            let id = std::fs::read_to_string(env.path("started")).ok()?;
            id.ends_with('\n').then(|| id.trim().to_owned())
        });
        running.signal("INT");
        let output = running.finish();
        assert_eq!(output.code, Some(130), "{output}");
        assert!(output.stdout.contains("1 newly configured"), "{output}");
        assert!(!std::path::Path::new(&format!("/proc/{started}")).exists());
    }
}

#[cfg(unix)]
#[test]
fn a_watch_writes_changes_as_lines_and_tells_the_command() {
    let (env, server) = reported(CUSTOMERS);
    let args = ["status", "--watch", "--interval", "1s", "--on-change"];
    // The command fails once, and its changes are not lost.
    let command = "test -e tried || { touch tried; exit 9; }; cat >> told.jsonl";
    let args = args.into_iter().chain([command]);
    let running = env.args(args).at(&server).spawn();
    running.wait_for_lines("20", 1);
    finish(&server, "acme", "sso");
    let told = wait::until("the command to be told", || {
        let told = std::fs::read_to_string(env.path("told.jsonl")).ok()?;
        told.ends_with('\n').then_some(told)
    });
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["changed"][0]["intents"][0]["after"], "configured");
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    let (lines, report) = output.stdout.split_once("portalctl status").unwrap();
    let change = "✓ acme  sso  unconfigured -> configured: the OktaSAML connection is active";
    assert!(lines.contains(change), "{output}");
    assert_eq!(lines.lines().count(), 1, "{output}");
    assert!(report.contains("acme"), "{output}");
    assert!(
        output
            .stderr
            .contains("--on-change: told of 1 organization")
    );
    assert!(output.stderr.contains("the command ended with exit code 9"));
    assert!(output.stderr.contains(" requests, next in "), "{output}");
}

#[test]
fn a_watch_begins_with_what_changed_since_the_report_and_ends_in_time() {
    let (env, server) = reported(ONE);
    finish(&server, "acme", "sso");
    let line = "status --watch --compare old.json --timeout 1s --fail-on configured";
    let output = env.run(line).at(&server).exits(2);
    let (first, report) = output.stdout.split_once('\n').unwrap();
    assert!(
        first.contains("acme  sso  unconfigured -> configured"),
        "{output}"
    );
    assert!(report.starts_with("portalctl status"), "{output}");
}

/// Answers with an empty list, an unknown page or a refused key, by the state.
fn unusable_answer(state: &AtomicU16, path: &str) -> CannedAnswer {
    let none = r#"{"object":"list","data":[],"list_metadata":{"before":null,"after":null}}"#;
    match state.load(Ordering::SeqCst) {
        200 if path.contains("/external_id/") => {
            (404, String::new(), r#"{"message":"Not found"}"#.to_owned())
        }
        200 => (200, String::new(), none.to_owned()),
        404 => (404, String::new(), "<html>".to_owned()),
        status => (
            status,
            String::new(),
            r#"{"message":"Unauthorized"}"#.to_owned(),
        ),
    }
}

#[test]
fn a_watch_outlives_failing_reads_and_ends_when_the_key_is_refused() {
    let env = TestEnv::with_manifest(ONE);
    let state = Arc::new(AtomicU16::new(200));
    let answers = Arc::clone(&state);
    let server = Canned::serve(move |_, path, _| unusable_answer(&answers, path));
    let line = "status --watch --interval 1s";
    let running = env.run(line).at_url(&server.url()).spawn();
    running.wait_for_lines("20", 1);
    state.store(404, Ordering::SeqCst);
    running.wait_for_lines("error[api/invalid-answer]", 1);
    running.wait_for_lines("the last good picture is of 20", 1);
    state.store(200, Ordering::SeqCst);
    running.wait_for_lines("20", 1);
    state.store(401, Ordering::SeqCst);
    let output = running.finish();
    assert_eq!(output.code, Some(4), "{output}");
    assert!(output.stdout.starts_with("portalctl status"), "{output}");
    assert!(
        output.stderr.contains("error[api/unauthorized]"),
        "{output}"
    );
}

#[cfg(unix)]
#[test]
fn a_watch_draws_on_a_screen_of_its_own_and_leaves_the_report_behind() {
    const OPEN: &str = "\u{1b}[?1049h";
    const CLOSE: &str = "\u{1b}[?1049l";
    let (env, server) = reported(ONE);
    let args = [
        "status",
        "--watch",
        "--interval",
        "1s",
        "--on-change",
        "echo posted",
    ];
    let terminal = AtTerminal::start(env.args(args).at(&server));
    terminal.wait_for("next in");
    finish(&server, "acme", "sso");
    terminal.wait_for("told of 1 organization: posted");
    terminal.wait_for("unconfigured -> ");
    terminal.signal("INT");
    let (status, written) = terminal.finish();
    assert_eq!(status.code(), Some(130), "{written}");
    let (screen, left) = written.split_once(CLOSE).unwrap();
    assert_eq!(screen.matches(OPEN).count(), 1);
    assert!(screen.contains("every 1s"), "{screen}");
    let left = anstream::adapter::strip_str(left).to_string();
    assert!(left.starts_with("portalctl status"), "{left}");
    assert!(left.contains("1 configured"), "{left}");
    assert!(!left.contains("next in"), "{left}");
}

/// A report that compares, in a format for a chat.
fn message(env: &TestEnv, server: &SandboxServer, format: &str) -> String {
    let line = format!("status --compare old.json -o {format}");
    env.run(&line).at(server).exits(0).stdout
}

/// Checks a message by Slack's published limits of its blocks.
fn assert_slack_takes(message: &Value) {
    let blocks = message["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()), "{}", blocks.len());
    let is_plain = |text: &Value, most: usize| {
        assert_eq!(text["type"], "plain_text", "{text}");
        assert_eq!(text["emoji"], false, "{text}");
        let length = text["text"].as_str().unwrap().chars().count();
        assert!((1..=most).contains(&length), "{length} of {most}");
    };
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => is_plain(&block["text"], 150),
            "section" => is_plain(&block["text"], 3000),
            "context" => {
                let elements = block["elements"].as_array().unwrap();
                for it in elements {
                    is_plain(it, 2000);
                }
            }
            other => panic!("{other}"),
        }
    }
}

/// Checks a message by the published limits of Teams, and that nothing in it is read as Markdown.
fn assert_teams_takes(message: &Value) {
    assert!(message.to_string().len() < 28 * 1024);
    let [attachment] = &message["attachments"].as_array().unwrap()[..] else {
        panic!("{message:#}");
    };
    let card = &attachment["content"];
    assert_eq!(card["type"], "AdaptiveCard");
    for block in card["body"].as_array().unwrap() {
        assert_eq!(block["type"], "RichTextBlock", "{block}");
        assert_eq!(block["inlines"][0]["type"], "TextRun", "{block}");
    }
}

#[test]
fn a_chat_is_told_what_changed_and_nothing_when_nothing_did() {
    let (env, server) = reported(CUSTOMERS);
    for format in ["slack", "teams"] {
        assert_eq!(message(&env, &server, format), "", "{format}");
        let alone = env.run(&format!("status -o {format}")).at(&server).exits(3);
        assert!(alone.stderr.contains("add --compare"), "{alone}");
    }
    finish(&server, "acme", "sso");
    finish(&server, "globex", "dsync");
    let slack: Value = serde_json::from_str(&message(&env, &server, "slack")).unwrap();
    assert_slack_takes(&slack);
    assert_eq!(slack["text"], "2 portal features changed");
    assert_eq!(
        slack["blocks"][0]["text"]["text"],
        "2 portal features changed in staging"
    );
    let line = slack["blocks"][1]["text"]["text"].as_str().unwrap();
    assert!(
        line.contains("acme  sso  unconfigured -> configured"),
        "{line}"
    );
    let teams: Value = serde_json::from_str(&message(&env, &server, "teams")).unwrap();
    assert_teams_takes(&teams);
    assert!(
        teams
            .to_string()
            .contains("globex  dsync  unconfigured -> configured")
    );
}

#[test]
fn a_long_night_fits_into_a_message_of_a_chat() {
    let (env, server) = reported(&many(1_000));
    let more = many(1_000).replace("[sso]", "[sso, dsync]");
    env.write(
        "portal.yaml",
        &format!("environment: {{ name: \"<!channel> [x](y)\" }}\n{more}"),
    );
    let slack: Value = serde_json::from_str(&message(&env, &server, "slack")).unwrap();
    assert_slack_takes(&slack);
    let teams: Value = serde_json::from_str(&message(&env, &server, "teams")).unwrap();
    assert_teams_takes(&teams);
    for message in [&slack, &teams] {
        assert!(message.to_string().contains("and 960 more"), "{message:#}");
    }
    assert!(!slack["text"].as_str().unwrap().contains("channel"));
}

#[test]
fn a_page_shows_what_changed() {
    let (env, server) = reported(CUSTOMERS);
    let page = || message(&env, &server, "html");
    assert!(page().contains("<p class=\"note\">Nothing changed.</p>"));
    finish(&server, "acme", "sso");
    let page = page();
    assert!(
        page.contains("Changed since the earlier report")
            && page.contains("acme  sso  unconfigured")
    );
}

#[test]
fn a_table_has_the_columns_that_are_asked_for() {
    let (env, server) = reported(ONE);
    let run = |line: &str| env.run(line).at(&server);
    let chosen = run("status -o csv --columns state,key --no-headers").exits(0);
    assert_eq!(chosen.stdout, "unconfigured,acme\n");
    let headed = run("status -o csv --columns intent").exits(0);
    assert_eq!(headed.stdout, "intent\nsso\n");
    let unknown = run("status -o csv --columns colour").exits(3);
    assert!(unknown.stderr.contains("next_step"), "{unknown}");
    let ids = run("ids -o csv --no-headers").exits(0);
    assert_eq!(ids.stdout, format!("acme,{}\n", server.id_of("acme")));
}

#[test]
fn every_document_can_be_had_as_yaml() {
    let (env, server) = reported(CUSTOMERS);
    for line in [
        "plan",
        "status",
        "diff --base portal.yaml",
        "validate",
        "ids",
        "doctor",
    ] {
        let run = |format: &str| {
            env.run(&format!("{line} -o {format}"))
                .at(&server)
                .exits(0)
                .stdout
        };
        let mut json: Value = serde_json::from_str(&run("json")).unwrap();
        let mut yaml: Value = serde_saphyr::from_str(&run("yaml")).unwrap();
        for document in [&mut json, &mut yaml] {
            // Times of the run itself.
            document.as_object_mut().unwrap().remove("generated_at");
            document.as_object_mut().unwrap().remove("checks");
        }
        assert_eq!(json, yaml, "{line}");
    }
    // A failure too.
    let failed = env.run("plan -o yaml --only nobody").at(&server).exits(3);
    let document: Value = serde_saphyr::from_str(&failed.stdout).unwrap();
    assert!(document["errors"][0]["code"].is_string(), "{failed}");
}

#[test]
fn a_plan_has_a_short_form_and_a_title() {
    let (env, server) = reported(&many(1_000));
    let text = many(1_236);
    let text = text.replacen(
        "[customer-000.example",
        "[new.example, customer-000.example",
        1,
    );
    env.write("portal.yaml", &text);
    let run = |line: &str| env.run(line).at(&server).exits(0).stdout;
    let short = run("plan --summary");
    assert!(short.lines().count() < 50, "{short}");
    let at = |what: &str| {
        short
            .find(what)
            .unwrap_or_else(|| panic!("{what}: {short}"))
    };
    // The dangerous one is the first.
    assert!(at("update  domains") < at("create"), "{short}");
    assert!(short.contains("237 changes to 237 organizations") && short.contains("and 217 more"));
    assert!(run("plan").lines().count() > 500);
    let title = run("plan -o title");
    assert_eq!(title.lines().count(), 1, "{title}");
    assert!(title.contains("236 to create, 1 to update"), "{title}");
}
