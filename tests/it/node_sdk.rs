//! Tests the sandbox with the official Node SDK and the official CLI, as users run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::conformance::api_client::node_modules;
use crate::support::cli::TestEnv;
use crate::support::sandbox_server::SandboxServer;

fn node(home: &Path) -> Command {
    let mut command = Command::new("node");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("WORKOS_TELEMETRY", "false")
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    said.into_owned()
}

#[test]
fn the_node_sdk_is_content_with_every_route() {
    let Some(modules) = node_modules() else {
        return;
    };
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/sdk.mjs");
    let home = tempfile::tempdir().unwrap();
    let mut command = node(home.path());
    let output = command.arg(script).arg(modules).arg(sandbox.url()).output();
    assert_eq!(done(&output.unwrap()), "the Node SDK is content\n");
}

/// The official CLI, set up for a sandbox as `workos env add --endpoint` does.
struct Cli {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Cli {
    fn new(modules: &Path, sandbox: &SandboxServer) -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".workos");
        std::fs::create_dir(&folder).unwrap();
        let environment = json!({
            "name": "sandbox", "type": "sandbox", "apiKey": "sk_test_cli", "endpoint": sandbox.url(),
        });
        let config = json!({
            "activeEnvironment": "sandbox", "environments": { "sandbox": environment },
        });
        std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
        let program = modules.join("workos/dist/bin.js");
        Self { program, home }
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Value {
        let mut command = node(self.home.path());
        command
            .arg(&self.program)
            .args(["--insecure-storage", "--json"]);
        let output = command.args(args).output().unwrap();
        serde_json::from_str(&done(&output)).unwrap()
    }
}

#[test]
fn the_official_cli_creates_reads_and_lists_organizations() {
    let Some(modules) = node_modules() else {
        return;
    };
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let cli = Cli::new(&modules, &sandbox);
    let made = cli.run(&["org", "create", "Acme Corp", "acme.com:verified"]);
    let id = made["data"]["id"].as_str().unwrap();
    assert_eq!(made["data"]["domains"][0]["state"], "verified");
    let read = cli.run(&["org", "get", id]);
    assert_eq!(read["name"], "Acme Corp");
    let list = cli.run(&["org", "list", "--domain", "acme.com"]);
    assert_eq!(list["data"][0]["id"], id);
    let link = cli.run(&["portal", "generate-link", "--org", id, "--intent", "sso"]);
    let link = link.to_string();
    assert!(
        link.contains(&format!("{}/portal/", sandbox.url())),
        "{link}"
    );
}
