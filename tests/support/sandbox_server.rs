//! Runs `portalctl sandbox` as a process on a free port.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::child::ChildGuard;
use super::cli::{KEY, TestEnv, signal};
use super::{http, wait};

/// A sandbox that serves until it is dropped.
pub(crate) struct SandboxServer {
    child: ChildGuard,
    address: String,
}

impl SandboxServer {
    /// An empty sandbox.
    pub(crate) fn start(env: &TestEnv) -> Self {
        Self::with(env, "--rate-limit off")
    }

    /// A sandbox with options.
    #[track_caller]
    pub(crate) fn with(env: &TestEnv, options: &str) -> Self {
        Self::listening(env, "127.0.0.1:0", options)
    }

    /// A sandbox at an address.
    #[track_caller]
    pub(crate) fn listening(env: &TestEnv, address: &str, options: &str) -> Self {
        let line = format!("sandbox --quiet --listen {address} {options}");
        let mut command = env.run(&line).command();
        command.stderr(Stdio::inherit());
        let mut child = ChildGuard::spawn(&mut command);
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let address = url
            .trim()
            .strip_prefix("http://")
            .unwrap_or_else(|| panic!("the sandbox printed {url:?}"));
        Self {
            address: address.to_owned(),
            child,
        }
    }

    /// Starts the most verbose sandbox, which writes to the files `sandbox.out` and `sandbox.err`.
    #[track_caller]
    pub(crate) fn talkative(env: &TestEnv, options: &str) -> Self {
        let line = format!("sandbox --listen 127.0.0.1:0 -vv {options}");
        let mut command = env.run(&line).env("RUST_BACKTRACE", "full").command();
        command
            .stdout(File::create(env.path("sandbox.out")).unwrap())
            .stderr(File::create(env.path("sandbox.err")).unwrap());
        let mut server = Self {
            child: ChildGuard::spawn(&mut command),
            address: String::new(),
        };
        server.address = wait::until("the sandbox's address", || {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", env.read("sandbox.err"));
            let said = env.read("sandbox.out");
            let url = said.strip_suffix('\n')?;
            Some(url.strip_prefix("http://")?.to_owned())
        });
        server
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a request as another application would; it has to succeed.
    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let (status, answer) = http::send(&self.address, KEY, method, path, body);
        assert!(status < 300, "{method} {path}: {status} {answer:#}");
        answer
    }

    /// Every organization there is.
    #[track_caller]
    pub(crate) fn organizations(&self) -> Vec<Value> {
        let state = self.send("GET", "/_sandbox/state", &Value::Null);
        let rows = state["organizations"].as_array().unwrap().iter();
        rows.map(|row| row["organization"].clone()).collect()
    }

    /// The external id of every organization, sorted.
    #[track_caller]
    pub(crate) fn external_ids(&self) -> Vec<String> {
        let organizations = self.organizations();
        let ids = organizations
            .iter()
            .map(|o| o["external_id"].as_str().unwrap());
        let mut ids: Vec<String> = ids.map(str::to_owned).collect();
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

    /// Changes an organization out of band.
    #[track_caller]
    pub(crate) fn change(&self, external_id: &str, body: &Value) {
        let path = format!("/organizations/{}", self.id_of(external_id));
        let _ = self.send("PUT", &path, body);
    }

    /// Plays the customer who finishes single sign-on.
    #[track_caller]
    pub(crate) fn connect(&self, external_id: &str) {
        let path = format!("/_sandbox/organizations/{}/finish", self.id_of(external_id));
        let _ = self.send("POST", &path, &json!({ "intent": "sso" }));
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it with SIGTERM, and returns its exit code.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Option<i32> {
        signal(self.child.id(), "TERM");
        wait::for_end(&mut self.child).code()
    }
}
