//! The built binary's sandbox and the official emulator, as processes that end with their test.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

/// Where something is that a test needs, as an environment variable says. Without it a test has
/// nothing to do, which fails only where another variable says that it must be there.
#[track_caller]
pub(crate) fn needed(name: &str, require: &str, what: &str) -> Option<PathBuf> {
    let path = std::env::var_os(name).map(PathBuf::from);
    if path.is_none() {
        let required = std::env::var(require).is_ok_and(|value| value == "1");
        assert!(!required, "{name} is not set, and {require}=1 wants it");
        println!("skipped: set {name} to {what}");
    }
    path
}

/// The folder of the official packages.
#[track_caller]
pub(crate) fn node_modules() -> Option<PathBuf> {
    needed(
        "PORTALCTL_NODE_MODULES",
        "PORTALCTL_REQUIRE_NODE",
        "the node_modules folder made by `npm ci --ignore-scripts` in tests/node",
    )
}

impl Server {
    /// The sandbox, on a free port.
    pub(crate) fn sandbox(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portalctl"));
        command.args(["sandbox", "--listen", "127.0.0.1:0"]);
        command.args(args).stderr(Stdio::null());
        Self::start(command, |line| {
            line.starts_with("http://").then(|| line.to_owned())
        })
    }

    /// The official emulator, on a free port.
    pub(crate) fn emulator(program: &Path, home: &Path) -> Self {
        let mut command = Command::new("node");
        command
            .arg(program)
            .args(["emulate", "--port", "0", "--json"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("WORKOS_TELEMETRY", "false")
            .current_dir(home);
        Self::start(command, |line| {
            let said: Value = serde_json::from_str(line).ok()?;
            Some(format!("http://127.0.0.1:{}", said["port"].as_u64()?))
        })
    }

    /// Starts a program that says its address on a line of its own.
    fn start(mut command: Command, address: impl Fn(&str) -> Option<String>) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It may start processes of its own: all end together.
            .process_group(0)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.map_while(Result::ok).find_map(|line| address(&line));
        let mut server = Self {
            child,
            url: String::new(),
        };
        server.url = url.expect("the server says its address");
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill")
            .args(["-s", "KILL", "--", &group])
            .status();
        let _ = self.child.wait();
    }
}

/// What speaks to a server.
#[derive(Clone)]
pub(crate) struct Face {
    http: reqwest::Client,
    url: String,
    key: &'static str,
}

impl Face {
    pub(crate) fn new(server: &Server, key: &'static str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(Duration::from_secs(20));
        Self {
            http: http.build().unwrap(),
            url: server.url.clone(),
            key,
        }
    }

    /// The same server, with another key.
    pub(crate) fn with_key(&self, key: &'static str) -> Self {
        Self {
            key,
            ..self.clone()
        }
    }

    /// Sends a request that is answered.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        match self.try_send(method, path, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    /// Sends a request; the body is none if it is null. Answers what is not JSON as null.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key));
        if !body.is_null() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, Value::Null).await
    }
}
