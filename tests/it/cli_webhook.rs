//! Tests `status --watch --position` and `--webhook`, by which an app learns of every change.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::cli::{KEY, Run, TestEnv};
use crate::support::manifests::{CUSTOMERS, ONE, many};
use crate::support::pty::AtTerminal;
use crate::support::receiver::{Received, Receiver};
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET: &str = "canary-secret-0123456789abcdef-0123";

/// An applied manifest, a sandbox and an app.
struct Stage {
    env: TestEnv,
    server: SandboxServer,
    app: Receiver,
}

impl Stage {
    fn with(manifest: &str) -> Self {
        let env = TestEnv::with_manifest(manifest);
        let server = SandboxServer::start(&env);
        let _ = env.run("apply --yes").at(&server).exits(0);
        env.write("secret", SECRET);
        let app = Receiver::start();
        Self { env, server, app }
    }

    /// A watch that tells the app.
    fn watch(&self, more: &str) -> Run {
        let url = self.app.url("/hooks/");
        let line = format!(
            "status --watch --interval 1s --position told.json --webhook {url} \
             --webhook-secret-file secret {more}"
        );
        self.env.run(&line).at(&self.server)
    }

    /// Runs a watch until the app has accepted so many requests.
    fn watch_until_accepted(&self, count: usize) -> Vec<Received> {
        let running = self.watch("").spawn();
        let accepted = self.app.wait_for_accepted(count);
        running.signal("TERM");
        let output = running.finish();
        assert_eq!(output.code, Some(130), "{output}");
        accepted
    }

    /// Plays the customer who finishes single sign-on.
    fn finish(&self, key: &str) {
        let path = format!("/_sandbox/organizations/{key}/finish");
        let _ = self.server.send("POST", &path, &json!({ "intent": "sso" }));
    }

    /// Plays the customer whose connection no longer works.
    fn fail(&self, key: &str) {
        let path = format!("/connections?organization_id={}", self.server.id_of(key));
        let connections = self.server.send("GET", &path, &Value::Null);
        let id = connections["data"][0]["id"].as_str().unwrap();
        let path = format!("/_sandbox/connections/{id}");
        let _ = self
            .server
            .send("PUT", &path, &json!({ "state": "inactive" }));
    }

    /// Waits until so many deliveries of an organization wait in the position file.
    fn wait_for_kept(&self, key: &str, count: usize) {
        wait::until("deliveries in the position file", || {
            let deliveries = &self.position()["organizations"][key]["deliveries"];
            (deliveries.as_array()?.len() == count).then_some(())
        });
    }

    fn position(&self) -> Value {
        serde_json::from_str(&self.env.read("told.json")).unwrap()
    }
}

/// Returns the signature of a request by a secret, as an app computes it.
fn signature(received: &Received, secret: &[u8]) -> String {
    let content = format!(
        "{}.{}.{}",
        received.header("webhook-id"),
        received.header("webhook-timestamp"),
        received.request.body
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(content.as_bytes());
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

fn decoded(secret: &str) -> Vec<u8> {
    BASE64
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap()
}

fn ids(received: &[Received]) -> BTreeSet<&str> {
    received.iter().map(|it| it.header("webhook-id")).collect()
}

#[test]
fn a_first_run_tells_every_state_and_a_later_one_what_changed_since() {
    let stage = Stage::with(CUSTOMERS);
    let running = stage.watch("").spawn();
    let first = stage.app.wait_for_accepted(3);
    let mut keys: Vec<_> = first.iter().map(Received::key).collect();
    keys.sort();
    assert_eq!(keys, ["acme", "globex", "initech"]);
    let schema = stage.env.run("schema on-change").exits(0).json();
    for received in &first {
        let document = received.json();
        assert!(jsonschema::is_valid(&schema, &document), "{document:#}");
        assert_eq!(document["initial"], true);
        assert_eq!(document["environment"], "staging");
        assert_eq!(received.step().0, Value::Null);
        let request = &received.request;
        assert_eq!((&*request.method, &*request.path), ("POST", "/hooks/"));
        assert_eq!(received.header("content-type"), "application/json");
        assert_eq!(
            received.header("webhook-signature"),
            signature(received, &decoded(SECRET))
        );
        assert!(!request.headers.contains_key("authorization"));
    }
    assert_eq!(ids(&first).len(), 3);
    stage.finish("acme");
    let accepted = stage.app.wait_for_accepted(4);
    let (change, before) = (&accepted[3], first.iter().find(|it| it.key() == "acme"));
    assert_eq!(change.step(), (json!("unconfigured"), json!("configured")));
    assert_eq!(change.json().get("initial"), None);
    let sequence = |received: &Received| received.json()["sequence"].as_u64().unwrap();
    assert!(sequence(change) > sequence(before.unwrap()));
    running.signal("TERM");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    let mode = stage
        .env
        .path("told.json")
        .metadata()
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    // What happens meanwhile is told by the next run, and nothing else.
    stage.finish("globex");
    let accepted = stage.watch_until_accepted(5);
    assert_eq!(accepted.len(), 5);
    assert_eq!(accepted[4].key(), "globex");
    assert_eq!(
        stage.position()["organizations"]["globex"].get("deliveries"),
        None
    );
}

#[test]
fn a_killed_watcher_loses_nothing_and_keeps_the_name_of_a_delivery() {
    let stage = Stage::with(ONE);
    let _ = stage.watch_until_accepted(1);
    stage.app.answer_all(503);
    stage.finish("acme");
    let running = stage.watch("").spawn();
    let tried = stage.app.wait_for_failed(1);
    running.signal("KILL");
    let _ = running.finish();
    stage.fail("acme");
    stage.app.answer_all(200);
    let accepted = stage.watch_until_accepted(3);
    assert_eq!(
        accepted[1].step(),
        (json!("unconfigured"), json!("configured"))
    );
    assert_eq!(
        accepted[1].header("webhook-id"),
        tried[0].header("webhook-id")
    );
    assert_eq!(accepted[1].request.body, tried[0].request.body);
    assert_eq!(
        accepted[2].step(),
        (json!("configured"), json!("attention"))
    );
    assert_ne!(
        accepted[2].header("webhook-id"),
        tried[0].header("webhook-id")
    );
    assert_eq!(accepted.len(), 3);
}

#[test]
fn an_app_that_was_down_gets_each_change_in_order() {
    let stage = Stage::with(ONE);
    let running = stage.watch("").spawn();
    let _ = stage.app.wait_for_accepted(1);
    stage.app.answer_all(0);
    stage.finish("acme");
    let _ = stage.app.wait_for_failed(1);
    stage.fail("acme");
    stage.wait_for_kept("acme", 2);
    stage.app.answer_all(204);
    let accepted = stage.app.wait_for_accepted(3);
    let steps: Vec<_> = accepted[1..].iter().map(Received::step).collect();
    assert_eq!(steps[0], (json!("unconfigured"), json!("configured")));
    assert_eq!(steps[1], (json!("configured"), json!("attention")));
    // Nothing but the first of both was sent while the app was down.
    let failed = stage.app.wait_for_failed(1);
    assert_eq!(
        ids(&failed),
        BTreeSet::from([accepted[1].header("webhook-id")])
    );
    running.signal("TERM");
    let output = running.finish();
    assert!(
        output
            .stderr
            .contains("error[cli/webhook-failed]: the change of `acme`"),
        "{output}"
    );
    assert!(output.stderr.contains("gave no answer"), "{output}");
}

#[test]
fn customers_do_not_wait_for_each_other() {
    let stage = Stage::with(CUSTOMERS);
    let running = stage.watch("").spawn();
    let _ = stage.app.wait_for_accepted(3);
    stage.app.answer(|request| {
        let status = if request.body.contains("\"key\":\"acme\"") {
            503
        } else {
            200
        };
        (status, String::new())
    });
    stage.finish("acme");
    let _ = stage.app.wait_for_failed(1);
    stage.finish("globex");
    let accepted = stage.app.wait_for_accepted(4);
    assert_eq!(accepted[3].key(), "globex");
    running.signal("TERM");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    assert!(
        output
            .stderr
            .contains("1 change kept in told.json for the next run"),
        "{output}"
    );
    let position = stage.position();
    let kept = &position["organizations"]["acme"]["deliveries"];
    assert_eq!(kept.as_array().unwrap().len(), 1, "{position:#}");
}

#[test]
fn a_refusal_is_told_and_not_repeated_at_once_and_a_redirect_is_not_followed() {
    let stage = Stage::with(ONE);
    let elsewhere = Receiver::start();
    for status in [410, 302] {
        let location = format!("Location: {}\r\n", elsewhere.url("/stolen"));
        stage.app.answer(move |_| (status, location.clone()));
        let before = stage.app.received().len();
        let output = stage.watch("--timeout 3s").exits(6);
        assert_eq!(stage.app.received().len(), before + 1, "{output}");
        let told = "error[cli/webhook-refused]: the change of `acme` was not accepted";
        assert!(output.stderr.contains(told), "{output}");
        assert!(
            output.stderr.contains(&format!("answered {status}")),
            "{output}"
        );
        let left = "error[cli/webhook-failed]: 1 delivery was not accepted";
        assert!(output.stderr.contains(left), "{output}");
    }
    assert!(elsewhere.received().is_empty());
    assert_eq!(ids(&stage.app.received()).len(), 1);
    // A run with an end is enough for an app that accepts.
    stage.app.answer_all(200);
    let _ = stage.watch("--timeout 1s").exits(0);
    assert_eq!(stage.app.accepted().len(), 1);
}

#[test]
fn a_secret_can_be_replaced_while_the_watch_runs() {
    let stage = Stage::with(ONE);
    stage
        .env
        .write("secret", &format!("{OTHER_SECRET}\n{SECRET}\n"));
    let running = stage.watch("").spawn();
    let first = stage.app.wait_for_accepted(1);
    let both = [OTHER_SECRET.as_bytes().to_vec(), decoded(SECRET)];
    let both = both.map(|secret| signature(&first[0], &secret)).join(" ");
    assert_eq!(first[0].header("webhook-signature"), both);
    stage.env.write("secret", OTHER_SECRET);
    stage.finish("acme");
    let second = &stage.app.wait_for_accepted(2)[1];
    let signed = signature(second, OTHER_SECRET.as_bytes());
    assert_eq!(second.header("webhook-signature"), signed);
    drop(running);
}

#[test]
fn the_secret_the_key_and_the_address_are_in_no_log() {
    let stage = Stage::with(ONE);
    stage.env.write("secret", OTHER_SECRET);
    stage.app.answer_all(401);
    let url = stage.app.url("/canary-path");
    let line = format!(
        "status --watch --timeout 2s --position told.json --webhook {url} \
         --webhook-secret-file secret -vv"
    );
    let output = stage
        .env
        .run(&line)
        .env("RUST_BACKTRACE", "full")
        .at(&stage.server)
        .exits(6);
    assert!(output.stderr.contains("delivery"), "{output}");
    let position = stage.env.read("told.json");
    for canary in [OTHER_SECRET, KEY, "canary-path"] {
        for text in [&output.stdout, &output.stderr, &position] {
            assert!(!text.contains(canary), "{canary}: {output}");
        }
    }
    for received in stage.app.received() {
        assert!(!format!("{received:?}").contains(KEY), "{received:?}");
    }
}

#[test]
fn a_screen_shows_what_the_app_does_not_accept() {
    let stage = Stage::with(ONE);
    stage.app.answer_all(404);
    let terminal = AtTerminal::start(stage.watch(""));
    terminal.wait_for("--webhook: 1 waiting");
    terminal.wait_for("error[cli/webhook-refused]");
}

#[test]
fn the_password_of_a_proxy_is_in_no_log() {
    let stage = Stage::with(ONE);
    let line = "status --watch --timeout 1s --position told.json -vv --webhook-secret-file secret \
                --webhook https://app.example.com/hook";
    let run = stage.env.run(line).at(&stage.server);
    let proxy = "http://ada:canary@127.0.0.1:9";
    let output = run.env("HTTPS_PROXY", proxy).exits(6);
    let told = "error[cli/webhook-failed]: the change of `acme` was not accepted: app.example.com";
    assert!(output.stderr.contains(told), "{output}");
    assert!(!output.stderr.contains("canary"), "{output}");
}

#[test]
fn an_app_that_does_not_answer_is_sent_eight_requests_and_holds_up_no_end() {
    let stage = Stage::with(&many(20));
    let (_open, closed) = std::sync::mpsc::channel::<()>();
    let closed = Mutex::new(closed);
    stage.app.answer(move |_| {
        // Until the test ends.
        let _ = closed.lock().unwrap().recv();
        (200, String::new())
    });
    let running = stage.watch("").spawn();
    wait::until("eight requests", || {
        (stage.app.arrived() >= 8).then_some(())
    });
    running.signal("TERM");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    assert_eq!(stage.app.arrived(), 8);
    assert!(
        output.stderr.contains("20 changes kept in told.json"),
        "{output}"
    );
}

#[test]
fn a_narrowed_watch_leaves_the_others_in_the_position() {
    let stage = Stage::with(CUSTOMERS);
    let _ = stage.watch_until_accepted(3);
    for key in ["acme", "globex"] {
        stage.finish(key);
    }
    let _ = stage.watch("--only globex --timeout 1s").exits(0);
    assert_eq!(stage.app.accepted().len(), 4);
    let accepted = stage.watch_until_accepted(5);
    assert_eq!(accepted[3].key(), "globex");
    assert_eq!(accepted[4].key(), "acme");
    assert_eq!(
        accepted[4].step(),
        (json!("unconfigured"), json!("configured"))
    );
}

#[test]
fn a_position_that_cannot_be_used_is_refused_before_any_request() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let position = |environment: &str, manifest: &str| {
        json!({"format_version": "1", "environment": environment, "manifest": manifest,
               "sequence": 1, "organizations": {}})
        .to_string()
    };
    for (name, text, why) in [
        (
            "text",
            "not JSON".to_owned(),
            "not a position file (line 1, column ",
        ),
        (
            "newer",
            r#"{"format_version": "2"}"#.to_owned(),
            "its format_version is \"2\"",
        ),
        (
            "environment",
            position("live", "customers"),
            "of the environment live, and the manifest is of staging",
        ),
        (
            "manifest",
            position("staging", "others"),
            "of the manifest others, and the manifest is of customers",
        ),
    ] {
        env.write(name, &text);
        let line = format!("status --watch --on-change true --position {name}");
        let output = env.run(&line).at_url("http://127.0.0.1:9").exits(3);
        let words: Vec<_> = output.stderr.split_whitespace().collect();
        let told = words.join(" ");
        for part in ["error[cli/position]", why, "remove the file"] {
            assert!(told.contains(part), "{part}: {output}");
        }
        assert_eq!(env.read(name), text);
    }
}

#[test]
fn what_does_not_go_together_is_a_usage_error() {
    let env = TestEnv::with_manifest(ONE);
    env.write("secret", SECRET);
    env.write("short", "short");
    let hook = "--webhook https://app.example.com/hook --webhook-secret-file secret";
    for (line, code) in [
        (
            "--position told.json --on-change true".to_owned(),
            "cli/usage",
        ),
        ("--watch --position told.json".to_owned(), "cli/usage"),
        (format!("--watch {hook}"), "cli/usage"),
        (format!("--position told.json {hook}"), "cli/usage"),
        (
            format!("--watch --position told.json --on-change true {hook}"),
            "cli/usage",
        ),
        (
            format!("--watch --position told.json --compare old.json {hook}"),
            "cli/usage",
        ),
        (
            "--watch --position told.json --webhook https://app.example.com".to_owned(),
            "cli/usage",
        ),
        (
            "--watch --position told.json --webhook http://app.example.com \
             --webhook-secret-file secret"
                .to_owned(),
            "cli/webhook-url",
        ),
        (
            "--watch --position told.json --webhook https://app.example.com \
             --webhook-secret-file short"
                .to_owned(),
            "cli/webhook-secret",
        ),
    ] {
        let output = env
            .run(&format!("status {line}"))
            .at_url("http://127.0.0.1:9")
            .exits(3);
        assert!(output.stderr.contains(code), "{line}: {output}");
    }
    assert!(!env.path("told.json").exists());
}

#[test]
fn a_command_is_told_all_states_at_first_and_later_what_it_missed() {
    let stage = Stage::with(CUSTOMERS);
    let told = || {
        let told = std::fs::read_to_string(stage.env.path("told.jsonl")).unwrap_or_default();
        let lines = told
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>()
    };
    let args = [
        "status",
        "--watch",
        "--interval",
        "1s",
        "--position",
        "told.json",
    ];
    // The command fails once, and its report is not lost.
    let command = "test -e tried || { touch tried; exit 9; }; cat >> told.jsonl";
    let watch = || {
        let args = args.into_iter().chain(["--on-change", command]);
        stage.env.args(args).at(&stage.server).spawn()
    };
    let running = watch();
    let first = wait::until("the first report", || told().into_iter().next());
    let schema = stage.env.run("schema on-change").exits(0).json();
    assert!(jsonschema::is_valid(&schema, &first), "{first:#}");
    assert_eq!(first["initial"], true);
    assert_eq!(first["changed"].as_array().unwrap().len(), 3);
    wait::until("the position", || {
        stage.env.path("told.json").exists().then_some(())
    });
    running.signal("KILL");
    let output = running.finish();
    assert!(!output.stdout.contains("->"), "{output}");
    stage.finish("acme");
    let running = watch();
    let second = wait::until("the second report", || told().into_iter().nth(1));
    running.signal("TERM");
    let output = running.finish();
    assert!(
        output
            .stdout
            .contains("acme  sso  unconfigured -> configured"),
        "{output}"
    );
    assert_eq!(second.get("initial"), None);
    assert_eq!(second["changed"].as_array().unwrap().len(), 1);
    assert_eq!(second["changed"][0]["key"], "acme");
    assert!(second["sequence"].as_u64() > first["sequence"].as_u64());
    assert_eq!(told().len(), 2);
}
