//! Reviews without a key: how long `diff` and `plan --snapshot` of ten thousand organizations take, and
//! how large their snapshot is. Run by `cargo bench --bench review`.

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
#[path = "../crates/core/tests/support/world.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

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
    measure(folder, &["diff", "-f", "portal"]);
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
        "snapshot of {ORGANIZATIONS}: {} KiB, {} KiB packed",
        whole >> 10,
        packed >> 10
    );
    measure(
        folder,
        &["plan", "-f", "portal", "--snapshot", "snapshot.json"],
    );
}

/// Prints the time of one command.
fn measure(folder: &Path, arguments: &[&str]) {
    let started = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_portalctl"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{arguments:?}");
    println!(
        "{} of {ORGANIZATIONS}: {:.2?}",
        arguments.join(" "),
        started.elapsed()
    );
}
