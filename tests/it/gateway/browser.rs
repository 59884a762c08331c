//! Tests the self-service workflow in a browser: an IT admin goes through the example app, the
//! gateway and the sandbox, which one command starts.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{ChildStdout, Stdio};

use crate::support::child::{self, ChildGuard};
use crate::support::cli::{TestEnv, signal};
use crate::support::{browser, wait};

/// The running script `examples/gateway/run`, which ends when this is dropped.
pub(super) struct Example {
    child: ChildGuard,
    /// Kept open, because the script would end at a write to a closed pipe.
    _stdout: Lines<BufReader<ChildStdout>>,
    /// Addresses of the servers `sandbox`, `gateway` and `app`.
    pub(super) addresses: BTreeMap<String, String>,
}

impl Example {
    /// Starts the script, with the app of a stack or else the one without packages.
    #[track_caller]
    pub(super) fn start(env: &TestEnv, script: &Path, stack: Option<&str>) -> Self {
        let mut command = child::script("bash");
        command
            .arg(script)
            .args(stack)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", env.root())
            .env("TMPDIR", env.path(""))
            .env("PORTALCTL", env!("CARGO_BIN_EXE_portalctl"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = ChildGuard::spawn_group(&mut command);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut addresses = BTreeMap::new();
        for line in lines.by_ref().map_while(Result::ok) {
            let mut words = line.split_whitespace();
            if let (Some(name), Some(address), None) = (words.next(), words.next(), words.next()) {
                addresses.insert(name.to_owned(), address.to_owned());
            }
            if addresses.contains_key("app") {
                break;
            }
        }
        Self {
            child,
            _stdout: lines,
            addresses,
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // The script ends the three servers; the guard kills the ones that are left.
            signal(self.child.id(), "TERM");
            let _ = wait::for_end(&mut self.child);
        }
    }
}

#[test]
fn an_it_admin_sets_single_sign_on_up_from_the_apps_settings() {
    let env = TestEnv::new();
    let Some(mut script) = browser::script("gateway_loop.mjs", env.root()) else {
        return;
    };
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateway/run");
    let example = Example::start(&env, &starter, None);
    let at = |name: &str| &example.addresses[name];
    script.arg(at("app")).arg(at("gateway"));
    browser::run(script);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateway/portal.yaml");
    let line = [
        "status", "--only", "acme", "--intent", "sso", "-o", "json", "-f",
    ];
    let run = env.args(line.map(Path::new).into_iter().chain([manifest.as_path()]));
    let status = run.at_url(at("sandbox")).exits(0).json();
    let intent = &status["organizations"][0]["intents"][0];
    assert_eq!(intent["state"], "configured", "{status:#}");
}
