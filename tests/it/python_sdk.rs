//! The sandbox, judged by the official Python SDK.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::cli::TestEnv;
use crate::support::sandbox_server::SandboxServer;

#[test]
fn the_python_sdk_is_content_with_every_route() {
    let Some(python) = std::env::var_os("PORTALCTL_PYTHON") else {
        let required = std::env::var("PORTALCTL_REQUIRE_PYTHON").is_ok_and(|value| value == "1");
        assert!(!required, "PORTALCTL_PYTHON is not set, and it is required");
        println!("skipped: set PORTALCTL_PYTHON to a python that has scripts/requirements.txt");
        return;
    };
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/sdk.py");
    let output = Command::new(python)
        .arg(script)
        .arg(sandbox.url())
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert_eq!(said, "the Python SDK is content\n");
}
