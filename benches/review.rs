//! Reviews without a key: how long `diff` and `plan --snapshot` of ten thousand organizations take, and
//! how large their snapshot is. Run by `cargo bench --bench review`.
//!
//! Prints the work (organizations, bytes, requests), the time, and its ratio to `portalctl validate` of the
//! same files: a difference reads them twice, and a plan once.

#![allow(
    clippy::fn_params_excessive_bools,
    clippy::too_many_lines,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "a bench measures, prints and stops at what should not be"
)]

#[path = "growth/folder.rs"]
mod folder;
#[path = "../crates/core/tests/support/lint.rs"]
mod lint;
#[path = "../crates/core/tests/support/world.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use portalctl_core::identity::identify;
use portalctl_core::plan::{PlanInput, Target, plan};
use portalctl_core::snapshot::Snapshot;
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::{Selection, Unconfigured};
use world::{Live, apply};

const ORGANIZATIONS: usize = 10_000;

fn main() {
    // `cargo test --benches` passes this: there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let portal = folder.path().join("portal");
    fs::create_dir(&portal).unwrap();
    folder::write(&portal, ORGANIZATIONS);
    diff(folder.path(), &portal);
    snapshot(folder.path(), &portal);
}

/// The difference to the last commit, after a change of the default that all organizations share.
fn diff(folder: &Path, portal: &Path) {
    for line in [
        "init --quiet",
        "add --all",
        "-c user.name=Bench -c user.email=bench@example.com commit --quiet --message base",
    ] {
        let words = line.split(' ');
        let status = Command::new("git").args(words).current_dir(folder).status();
        assert!(status.unwrap().success(), "git {line}");
    }
    let file = portal.join("customers-00000.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, text.replace("region: eu", "region: us")).unwrap();
    let validate = time(portalctl().args(["validate", "-f", "portal"]), folder);
    let took = time(portalctl().args(["diff", "-f", "portal"]), folder);
    report("diff -f portal", took, validate);
}

/// A plan against a snapshot of an account that is as declared.
fn snapshot(folder: &Path, portal: &Path) {
    let checked = manifest::read(&[Input::Path(portal.to_owned())]);
    let desired = checked.desired.expect("a valid folder");
    let live = Live::new();
    let created = plan(
        PlanInput {
            desired: &desired,
            observed: &live.0,
            identities: &identify(&desired, &live.0),
            unconfigured: &Unconfigured::new(),
            policy: world::ALL_POWERS,
            selection: &Selection::default(),
        },
        Target::default(),
    );
    let live = apply(&created, &live);
    let target = Target {
        environment: desired.environment.name.clone(),
        endpoint: "api.workos.com".to_owned(),
        key_kind: Some("test".to_owned()),
        ..Target::default()
    };
    let taken = Snapshot::of(live.0, &desired, target, Timestamp::UNIX_EPOCH);
    let path = folder.join("snapshot.json");
    fs::write(&path, taken.to_json().unwrap()).unwrap();
    let packed = Command::new("gzip").arg("-c").arg(&path).output().unwrap();
    let (whole, packed) = (fs::metadata(&path).unwrap().len(), packed.stdout.len());
    println!(
        "snapshot of {ORGANIZATIONS}: {} KiB, {} KiB packed (wanted: < 5120)",
        whole >> 10,
        packed >> 10
    );
    let validate = time(portalctl().args(["validate", "-f", "portal"]), folder);
    let offline = "plan -f portal --snapshot snapshot.json";
    let took = time(portalctl().args(offline.split(' ')), folder);
    report(offline, took, validate);
    let mut json = portalctl();
    json.args(offline.split(' ')).args(["-o", "json"]);
    let output = json.current_dir(folder).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(text.contains("\"requests_used\": 0"), "a request was made");
}

fn portalctl() -> Command {
    Command::new(env!("CARGO_BIN_EXE_portalctl"))
}

/// Returns the shortest time of three runs of a command.
fn time(command: &mut Command, folder: &Path) -> Duration {
    let command = command.current_dir(folder).stdout(Stdio::null());
    let runs = (0..3).map(|_| {
        let started = Instant::now();
        let status = command.status().unwrap();
        assert!(status.success(), "{command:?}");
        started.elapsed()
    });
    runs.min().unwrap()
}

/// Prints the time of a command, and how it compares with validating the same files.
fn report(what: &str, took: Duration, validate: Duration) {
    println!(
        "{what} of {ORGANIZATIONS}, 0 requests: {took:.2?} (wanted: < 1 s), {:.1} x validate ({validate:.2?})",
        took.as_secs_f64() / validate.as_secs_f64()
    );
}
