//! The official emulator of WorkOS (npm package `workos`), as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use super::child::{self, ChildGuard};
use super::cli::TestEnv;
use super::http;

/// The only key that the emulator accepts.
pub(crate) const EMULATOR_KEY: &str = "sk_test_default";

/// An emulator that runs until it is dropped, and keeps its data in memory.
pub(crate) struct Emulator {
    /// Kills the emulator and the processes that it has started.
    _child: ChildGuard,
    address: String,
}

/// Finds the emulator's program. A test without it is skipped, or fails if
/// `PORTALCTL_REQUIRE_EMULATOR=1`.
#[track_caller]
pub(crate) fn program() -> Option<PathBuf> {
    let program = std::env::var_os("PORTALCTL_EMULATOR").map(PathBuf::from);
    if program.is_none() {
        let required = std::env::var("PORTALCTL_REQUIRE_EMULATOR").is_ok_and(|v| v == "1");
        assert!(
            !required,
            "PORTALCTL_EMULATOR is not set, and the emulator is required"
        );
        println!(
            "skipped: set PORTALCTL_EMULATOR to …/node_modules/workos/dist/bin.js to run this \
             against the official emulator"
        );
    }
    program
}

impl Emulator {
    /// Starts one on a free port, and waits until it answers.
    #[track_caller]
    pub(crate) fn start(env: &TestEnv) -> Option<Self> {
        let program = program()?;
        let mut command = child::command("node");
        command
            .arg(program)
            .args(["emulate", "--port", "0", "--json"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", env.root().join("home"))
            .env("WORKOS_TELEMETRY", "false")
            .current_dir(env.root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = ChildGuard::spawn_group(&mut command);
        let address = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .find_map(|line| serde_json::from_str::<Value>(&line).ok()?["port"].as_u64())
            .map(|port| format!("127.0.0.1:{port}"));
        let emulator = Self {
            _child: child,
            address: address.unwrap_or_default(),
        };
        assert!(!emulator.address.is_empty(), "the emulator did not come up");
        super::wait::until("the emulator", || {
            let (status, _) = http::try_send(&emulator.address, "", "GET", "/health", None).ok()?;
            (status == 200).then_some(())
        });
        Some(emulator)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a request that has to succeed.
    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let (status, answer) = http::send(&self.address, EMULATOR_KEY, method, path, body);
        assert!(status < 300, "{method} {path}: {status} {answer:#}");
        answer
    }

    /// The external id of every organization, sorted; at most a hundred are looked at.
    #[track_caller]
    pub(crate) fn external_ids(&self) -> Vec<String> {
        let list = self.send("GET", "/organizations?limit=100", &Value::Null);
        let rows = list["data"].as_array().unwrap().iter();
        let mut ids: Vec<String> = rows
            .filter_map(|row| Some(row["external_id"].as_str()?.to_owned()))
            .collect();
        ids.sort();
        ids
    }

    /// The id of the organization with an external id.
    #[track_caller]
    pub(crate) fn id_of(&self, external_id: &str) -> String {
        let path = format!("/organizations/external_id/{external_id}");
        let organization = self.send("GET", &path, &Value::Null);
        organization["id"].as_str().unwrap().to_owned()
    }

    /// Ends it and what it started, as a power cut would.
    pub(crate) fn kill(self) {
        drop(self);
    }
}
