//! Every command, at its most talkative, in success and in failure: what is secret is in nothing that
//! it writes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::cli::{KEY, TestEnv};
use crate::support::http::{self, Canned};
use crate::support::manifests::CUSTOMERS;
use crate::support::sandbox_server::SandboxServer;

pub(crate) const LINK: &str = "https://setup.workos.com?token=canarylink0123456789";
/// What no output holds: parts of the key, of links, of the values of TXT records, of webhook secrets.
pub(crate) const CANARIES: [&str; 4] = [
    "canary0123456789",
    "canarylink0123456789",
    "canaryrecord0123456789",
    "canarywebhook0123456789",
];

/// What each command is run as. The flags that print a secret on purpose have tests of their own.
const LINES: &[(&str, &[&str])] = &[
    (
        "plan",
        &[
            "plan",
            "plan -o json",
            "plan -o markdown",
            "plan -o html",
            "plan --out saved.json",
            "plan --prune",
        ],
    ),
    (
        "apply",
        &[
            "apply --yes",
            "apply --yes -o json --output-file applied.json",
            "apply saved.json",
        ],
    ),
    (
        "status",
        &[
            "status --all",
            "status -o json --write html=status.html --write csv=status.csv",
            "status -o sarif",
        ],
    ),
    (
        "invite",
        &[
            "invite acme --yes --intent sso",
            "invite acme --yes --intent sso -o json",
        ],
    ),
    (
        "verify-domain",
        &[
            "verify-domain acme --dns-only --resolver 127.0.0.1:1",
            "verify-domain acme -o json --resolver 127.0.0.1:1",
        ],
    ),
    (
        "link",
        &[
            "link acme sso --open",
            "link acme sso --open -o json",
            "link acme sso",
        ],
    ),
    (
        "wait",
        &[
            "wait acme sso --timeout 1s",
            "wait acme sso --timeout 1s -o json",
        ],
    ),
    ("validate", &["validate", "validate -o json"]),
    ("ids", &["ids", "ids -o env", "ids -o json"]),
    (
        "import",
        &[
            "import --dir imported",
            "import --dir other --dry-run -o json",
        ],
    ),
    (
        "doctor",
        &["doctor --link-test acme", "doctor --link-test acme -o json"],
    ),
    ("convert", &["convert --to kubernetes"]),
    ("explain", &["explain api/unauthorized"]),
    ("schema", &["schema plan"]),
    (
        "sandbox",
        &[
            "sandbox --listen 127.0.0.1:99999",
            "sandbox --key-file key --state /dev/null/x",
        ],
    ),
    ("completions", &["completions bash"]),
    ("man", &["man pages"]),
];

/// A sandbox behind a server that puts canaries into its answers.
pub(crate) fn laced(sandbox: &SandboxServer) -> Canned {
    let address = sandbox.address().to_owned();
    Canned::serve(move |method, path, body| {
        let body = serde_json::from_str::<Value>(body).ok();
        let (status, mut answer) = http::send(&address, KEY, method, path, body.as_ref());
        if path == "/portal/generate_link" && status < 300 {
            answer = json!({ "link": LINK });
        }
        lace(&mut answer);
        (
            status,
            format!("X-Request-ID: {KEY}\r\n"),
            answer.to_string(),
        )
    })
}

fn lace(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == "verification_token" && !field.is_null() {
                    *field = json!("canaryrecord0123456789");
                }
                lace(field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(lace),
        _ => {}
    }
}

/// A server that refuses everything, and repeats in its answer what it was told and more.
pub(crate) fn rude(status: u16) -> Canned {
    Canned::serve(move |_, _, _| {
        let message = format!("bad key {KEY}; see {LINK}");
        let body = json!({ "message": message, "code": KEY, "errors": [{ "code": KEY, "message": LINK }] });
        (
            status,
            format!("X-Request-ID: {KEY}\r\nLocation: {LINK}\r\n"),
            body.to_string(),
        )
    })
}

fn environment() -> TestEnv {
    let env = TestEnv::with_manifest(CUSTOMERS);
    // A browser that keeps nothing: the link is for it.
    env.write("browser", "#!/bin/sh\nexit 0\n");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(env.path("browser"), executable).unwrap();
    env
}

/// Runs every line; each has to say something, whatever it ends with.
fn run_everything(env: &TestEnv, url: &str) {
    let browser = env.path("browser");
    for (_, lines) in LINES {
        for line in *lines {
            for format in ["text", "json"] {
                let output = env
                    .run(&format!("{line} -vv --log-format {format}"))
                    .at_url(url)
                    .env("BROWSER", browser.to_str().unwrap())
                    .env("RUST_BACKTRACE", "full")
                    .output();
                let said = format!("{}{}", output.stdout, output.stderr);
                assert!(!said.is_empty() || output.code == Some(0), "{line}");
                assert_ne!(output.code, Some(1), "{line}: {output}");
                for canary in CANARIES {
                    assert!(!said.contains(canary), "{line}: {output}");
                }
            }
        }
    }
}

/// Looks into every file under a folder.
fn search(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path);
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        for canary in CANARIES {
            assert!(!text.contains(canary), "{} in {}", canary, path.display());
        }
    }
}

#[test]
fn every_command_is_looked_at() {
    let command = portalctl::cli::command();
    let there: Vec<&str> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        // They serve until they are stopped: `canaries_services` looks at them.
        .filter(|name| !["operator", "serve"].contains(name))
        .collect();
    let looked_at: Vec<&str> = LINES.iter().map(|(name, _)| *name).collect();
    assert_eq!(looked_at, there);
}

#[test]
fn nothing_secret_is_written_when_all_goes_well() {
    let env = environment();
    let sandbox = SandboxServer::with(&env, "--state state.json --rate-limit off");
    let server = laced(&sandbox);
    run_everything(&env, &server.url());
    drop(server);
    assert_eq!(sandbox.stop(), Some(0));
    search(env.root());
    for file in [
        "saved.json",
        "applied.json",
        "status.html",
        "status.csv",
        "state.json",
        "imported/portal.yaml",
        "pages/portalctl.1",
    ] {
        assert!(env.path(file).is_file(), "{file} was not looked at");
    }
}

#[test]
fn nothing_secret_is_written_when_all_goes_wrong() {
    for status in [401, 422] {
        let env = environment();
        let server = rude(status);
        run_everything(&env, &server.url());
        search(env.root());
    }
}

/// What a panic's message or a log could show of the types that hold secrets.
#[test]
fn what_holds_a_secret_does_not_show_it() {
    let key = portalctl::workos::ApiKey::parse(KEY).unwrap();
    let secret = secrecy::SecretString::from("canarywebhook0123456789");
    let endpoint = portalctl::sandbox::webhook::Endpoint::new("http://127.0.0.1:1/", &secret);
    let shown = format!("{key:?} {secret:?} {endpoint:?}");
    for canary in CANARIES {
        assert!(!shown.contains(canary), "{shown}");
    }
}

/// The name of the test that another one runs in a process of its own.
const BREAKS: &str = "canaries::breaks_down_with_a_key_in_hand";

/// Panics as a bug would that meets a secret: the message of a slice shows the text that it cuts.
#[test]
#[ignore = "run by what_breaks_down_tells_where_and_not_what_it_held"]
fn breaks_down_with_a_key_in_hand() {
    if std::env::var_os("PORTALCTL_TEST_LOG").is_some() {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr)
            .init();
    }
    portalctl::cli::breakdown::tell();
    let key = format!("é{KEY}{LINK}");
    let _ = &key[1..];
}

#[test]
fn what_breaks_down_tells_where_and_not_what_it_held() {
    for log in [None, Some("json")] {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", BREAKS, "--ignored", "--nocapture"])
            .env("RUST_BACKTRACE", "full");
        if let Some(log) = log {
            command.env("PORTALCTL_TEST_LOG", log);
        }
        let output = command.output().unwrap();
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("tests/it/canaries.rs:"), "{told}");
        assert!(told.contains("breaks_down_with_a_key_in_hand"), "{told}");
        for canary in CANARIES {
            assert!(!told.contains(canary), "{told}");
        }
        if log.is_some() {
            let line: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
            assert_eq!(line["level"], "ERROR", "{line}");
            assert!(line["place"].is_string(), "{line}");
        }
    }
}
