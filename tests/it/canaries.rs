//! Runs every command at its most verbose, in success and in failure: no output, log or file
//! contains a secret.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::canaries::{
    CANARIES, FailingRequests, FailingServer, LINK, RECORD, RequestFailure, WEBHOOK_SECRET,
    with_canaries,
};
use crate::support::canary_lines::{FAILING, LINES};
use crate::support::cli::{KEY, Output, Run, TestEnv};
use crate::support::dns::{DnsServer, Zone};
use crate::support::manifests::CUSTOMERS;
use crate::support::sandbox_server::SandboxServer;

/// Folder of the files that commands read, secrets among them.
const GIVEN: &str = "given";

/// A folder with every file that the command lines name, and the servers that they use.
struct Stage {
    env: TestEnv,
    url: String,
    dns: DnsServer,
    /// A listener that never answers.
    taken: TcpListener,
    log_format: &'static str,
}

impl Stage {
    /// Prepares the files of an earlier run, made while every request succeeded.
    #[track_caller]
    fn set(env: TestEnv, url: &str, log_format: &'static str) -> Self {
        // A browser that keeps nothing: the link is for it.
        env.write("browser", "#!/bin/sh\nexit 0\n");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(env.path("browser"), executable).unwrap();
        env.write("given/key", KEY);
        env.write("given/webhook", WEBHOOK_SECRET);
        let page = format!("{url}/health");
        let probed = CUSTOMERS.replace("https://app.example.com/settings/portal", &page);
        env.write("probed.yaml", &probed);
        let stage = Self {
            env,
            url: url.to_owned(),
            dns: DnsServer::with(&[("acme.com", Zone::texts(&[RECORD]))]),
            taken: TcpListener::bind("127.0.0.1:0").unwrap(),
            log_format,
        };
        stage.exits("plan --out saved.json", 0);
        stage.exits("snapshot --out account.json", 0);
        stage.exits("status -o json --output-file earlier.json", 0);
        stage
    }

    fn run(&self, line: &str) -> Run {
        let line = line
            .replace("{url}", &self.url)
            .replace("{dns}", &self.dns.address().to_string())
            .replace("{nobody}", "127.0.0.1:1")
            .replace("{taken}", &self.taken.local_addr().unwrap().to_string());
        self.env
            .run(&format!("{line} -vv --log-format {}", self.log_format))
            .at_url(&self.url)
            .env("BROWSER", self.env.path("browser").to_str().unwrap())
            .env("RUST_BACKTRACE", "full")
    }

    /// Runs a command line, which has to exit with a code and to print something without secrets.
    #[track_caller]
    fn exits(&self, line: &str, code: i32) {
        let output = self.run(line).output();
        assert_eq!(output.code, Some(code), "{line}: {output}");
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(!said.is_empty() || code == 0, "{line}");
        // A line that means nothing shows nothing.
        assert!(!said.contains("cli/usage"), "{line}: {output}");
        holds_no_canary(line, &output);
    }
}

#[track_caller]
fn holds_no_canary(line: &str, output: &Output) {
    for canary in CANARIES {
        assert!(!output.stdout.contains(canary), "{line}: {output}");
        assert!(!output.stderr.contains(canary), "{line}: {output}");
    }
}

/// Checks that no file under a folder contains a secret, except the files that commands were given.
pub(crate) fn search(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with(GIVEN) {
                search(&path);
            }
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
    for log_format in ["text", "json"] {
        let env = TestEnv::with_manifest(CUSTOMERS);
        let sandbox = SandboxServer::with(&env, "--state state.json --rate-limit off");
        let server = with_canaries(&sandbox);
        let stage = Stage::set(env, &server.url(), log_format);
        for (line, [code, _, _]) in LINES.iter().flat_map(|(_, lines)| *lines) {
            stage.exits(line, *code);
        }
        assert!(!stage.dns.asked().is_empty());
        drop(server);
        assert_eq!(sandbox.stop(), Some(0));
        search(stage.env.root());
        for file in [
            "plan.sarif",
            "saved.json",
            "account.json",
            "later.json",
            "earlier.json",
            "applied.json",
            "status.html",
            "status.csv",
            "state.json",
            "imported/portal.yaml",
            "cluster",
            "back",
            "pages/portalctl.1",
        ] {
            assert!(stage.env.path(file).exists(), "{file} was not looked at");
        }
    }
}

#[test]
fn nothing_secret_is_written_when_all_is_refused() {
    for status in [401, 422] {
        for log_format in ["text", "json"] {
            let env = TestEnv::with_manifest(CUSTOMERS);
            let sandbox = SandboxServer::start(&env);
            let server = FailingServer::new(&sandbox, RequestFailure::Status(status));
            let stage = Stage::set(env, &server.url(), log_format);
            server.set_failing(FailingRequests::Everything);
            for (line, [_, unauthorized, refused]) in LINES.iter().flat_map(|(_, lines)| *lines) {
                let code = if status == 401 { unauthorized } else { refused };
                stage.exits(line, *code);
            }
            assert_ne!(server.refused(), 0);
            search(stage.env.root());
        }
    }
}

/// Runs the command lines against a server that fails at every request, and then only at writes.
fn fails(failure: RequestFailure) {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let server = FailingServer::new(&sandbox, failure);
    let stage = Stage::set(env, &server.url(), "json");
    // The others are left to be made.
    stage.exits("apply --yes --only acme", 0);
    for (index, failing) in [FailingRequests::Everything, FailingRequests::Writes]
        .into_iter()
        .enumerate()
    {
        server.set_failing(failing);
        for (line, codes) in FAILING {
            let before = server.refused();
            stage.exits(line, codes[index]);
            let went_wrong = server.refused() > before;
            assert_eq!(went_wrong, codes[index] != 0, "{line}: {failing:?}");
        }
    }
    search(stage.env.root());
}

#[test]
fn nothing_secret_is_written_when_workos_fails() {
    fails(RequestFailure::Status(500));
}

#[test]
fn nothing_secret_is_written_when_answers_break_off() {
    fails(RequestFailure::CutOff);
}

#[test]
fn nothing_secret_is_written_when_nothing_answers() {
    fails(RequestFailure::Silent);
}

/// Neither the message of a panic nor a log shows the content of types that hold secrets.
#[test]
fn what_holds_a_secret_does_not_show_it() {
    let key = portalctl_workos::ApiKey::parse(KEY).unwrap();
    let secret = secrecy::SecretString::from("canarywebhook0123456789");
    let endpoint = workos_sandbox::webhook::Endpoint::new("http://127.0.0.1:1/", &secret);
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
    // The program itself: it knows none of the arguments of a test, so it ends at once. What it has set
    // up for panics stays.
    let _ = portalctl::cli::main();
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
            let line = told.lines().find(|line| line.starts_with('{')).unwrap();
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["level"], "ERROR", "{line}");
            assert!(line["place"].is_string(), "{line}");
        }
    }
}
