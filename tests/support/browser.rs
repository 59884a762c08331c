//! A headless Chromium, driven by the scripts of `tests/node`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::conformance::api_client::node_modules;

/// Finds the browser: `PORTALCTL_CHROMIUM`, else one on the path. A test without a browser is
/// skipped, or fails if `PORTALCTL_REQUIRE_BROWSER=1`.
#[track_caller]
fn program() -> Option<PathBuf> {
    let given = std::env::var_os("PORTALCTL_CHROMIUM").map(PathBuf::from);
    let found = given.or_else(|| {
        let path = std::env::var_os("PATH")?;
        let names = ["chromium", "chromium-browser", "google-chrome"];
        std::env::split_paths(&path)
            .flat_map(|folder| names.map(|name| folder.join(name)))
            .find(|program| program.is_file())
    });
    if found.is_none() {
        let required = std::env::var("PORTALCTL_REQUIRE_BROWSER").is_ok_and(|v| v == "1");
        assert!(!required, "there is no Chromium, and it is required");
        println!("skipped: install chromium, or set PORTALCTL_CHROMIUM, to run this in a browser");
    }
    found
}

/// A script of `tests/node` that drives a browser: `node SCRIPT NODE_MODULES CHROMIUM …`, to which
/// the caller adds arguments. `None` where there is no browser.
#[track_caller]
pub(crate) fn script(name: &str, home: &Path) -> Option<Command> {
    let modules = node_modules()?;
    let browser = program()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/node")
        .join(name);
    let mut command = Command::new("node");
    command
        .arg(script)
        .arg(modules)
        .arg(browser)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .stdin(Stdio::null());
    if let Some(folder) = std::env::var_os("PORTALCTL_SCREENSHOTS") {
        command.env("PORTALCTL_SCREENSHOTS", folder);
    }
    Some(command)
}

/// Runs a browser script to its end.
#[track_caller]
pub(crate) fn run(mut command: Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
}
