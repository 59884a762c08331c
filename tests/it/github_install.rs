//! The install step of the GitHub Action, with a stand-in for GitHub's CLI: an archive is used only if
//! the release workflow attested its checksum, and the Action's commit does not name another one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TAG: &str = "v1.2.3";
const ARCHIVE: &str = "portalctl-v1.2.3-x86_64-unknown-linux-musl.tar.gz";

/// A machine that installs a release: the Action's folder, the stand-in's state and the results.
struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    /// A release that is published and attested, and an Action that does not name its digest.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let machine = Self { root };
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["github/assets", "tools", "action", "home"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        std::os::unix::fs::symlink(
            repository.join("tests/support/gh"),
            machine.path("tools/gh"),
        )
        .unwrap();
        fs::copy(
            repository.join("ci/github/install"),
            machine.path("action/install"),
        )
        .unwrap();
        fs::write(machine.path("action/digests"), "# Digests\n").unwrap();
        machine.publish("#!/bin/sh\necho portalctl 1.2.3\n");
        machine.attest(TAG);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Publishes an archive with a program, and the list with its checksum.
    fn publish(&self, program: &str) {
        let file = self.path("portalctl");
        fs::write(&file, program).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self.shell(&format!(
            "mkdir -p release && cp portalctl release/ && tar -czf github/assets/{ARCHIVE} release && \
             cd github/assets && sha256sum {ARCHIVE} >SHA256SUMS"
        ));
    }

    /// Attests the list of checksums as it is now.
    fn attest(&self, tag: &str) {
        self.shell(&format!(
            "printf '%s {tag}\\n' $(sha256sum <github/assets/SHA256SUMS | cut -d ' ' -f 1) >github/attested"
        ));
    }

    /// Names the digest of the published archive in the Action's own list.
    fn pin(&self) {
        self.shell("cat github/assets/SHA256SUMS >>action/digests");
    }

    fn shell(&self, command: &str) {
        let status = Command::new("bash")
            .args(["-euc", command])
            .current_dir(self.root.path())
            .status()
            .unwrap();
        assert!(status.success(), "{command}");
    }

    fn install(&self) -> Output {
        let path = std::env::var("PATH").unwrap();
        Command::new(self.path("action/install"))
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("tools").display()))
            .env("HOME", self.path("home"))
            .env("RUNNER_TEMP", self.root.path())
            .env("GITHUB_PATH", self.path("path"))
            .env("GH_STATE", self.path("github"))
            .env("GH_TOKEN", "t0ken")
            .env("VERSION", "1.2.3")
            .env("REPOSITORY", "portalctl/portalctl")
            .output()
            .unwrap()
    }

    /// Asserts that nothing was put on the path, and returns what the step printed.
    fn refused(&self) -> String {
        let output = self.install();
        assert!(!output.status.success(), "{output:?}");
        assert!(!self.path("path").exists(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn an_attested_archive_is_installed() {
    let machine = Machine::new();
    machine.pin();
    let output = machine.install();
    assert!(output.status.success(), "{output:?}");
    let folder = fs::read_to_string(machine.path("path")).unwrap();
    let program = Command::new(Path::new(folder.trim()).join("portalctl"))
        .output()
        .unwrap();
    assert_eq!(program.stdout, b"portalctl 1.2.3\n");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains("::warning"), "{printed}");
}

#[test]
fn an_action_that_does_not_name_the_archive_says_so() {
    let output = Machine::new().install();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.contains("does not know the digest of v1.2.3"),
        "{printed}"
    );
}

#[test]
fn a_list_that_nobody_attested_is_refused() {
    let machine = Machine::new();
    machine.publish("#!/bin/sh\necho other\n");
    let printed = machine.refused();
    assert!(
        printed.contains("are not attested by the release workflow"),
        "{printed}"
    );
}

#[test]
fn a_list_that_was_attested_for_another_tag_is_refused() {
    let machine = Machine::new();
    machine.attest("v1.2.2");
    machine.refused();
}

#[test]
fn an_archive_that_differs_from_the_list_is_refused() {
    let machine = Machine::new();
    machine.shell(&format!("printf x >>github/assets/{ARCHIVE}"));
    machine.refused();
}

#[test]
fn a_replaced_release_is_refused_by_the_commit_of_the_action() {
    let machine = Machine::new();
    machine.pin();
    machine.publish("#!/bin/sh\necho other\n");
    machine.attest(TAG);
    let printed = machine.refused();
    assert!(
        printed.contains("is not the archive that this commit of the Action names"),
        "{printed}"
    );
}
