//! Tests that no output of portalctl contains the API key, however verbose.

use std::fs;
use std::path::Path;

use crate::support::cli::{KEY, TestEnv};
use crate::support::http::Canned;
use crate::support::manifests::CUSTOMERS;
use crate::support::sandbox_server::SandboxServer;

/// The part of the key that is secret.
const SECRET: &str = "canary0123456789";

#[test]
fn the_key_is_in_no_output_and_no_file() {
    assert!(KEY.contains(SECRET));
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::with(&env, "--state state.json");
    for line in [
        "plan -vv",
        "plan -vv --log-format json -o json",
        "apply --yes -vv -o json --output-file apply.json",
        "apply --yes -vv",
        "status -vv --all",
        "status -vv -o json",
        "ids -vv -o env",
        "doctor -vv --link-test acme",
        "doctor -vv --link-test acme -o json",
        "validate -vv",
    ] {
        let output = env.run(line).at(&server).exits(0);
        assert!(!output.stdout.contains(SECRET), "{line}: {output}");
        assert!(!output.stderr.contains(SECRET), "{line}: {output}");
    }
    assert_eq!(server.stop(), Some(0));
    let files = search(env.root());
    assert!(files >= 3, "only {files} files were looked at");
}

#[test]
fn a_key_that_fails_is_not_shown_either() {
    let env = TestEnv::with_manifest("version: 1\norganizations: { acme: { name: Acme } }\n");
    let server = SandboxServer::start(&env);
    for key in [
        format!("sk_live_{SECRET}"),
        format!("{SECRET} with spaces"),
        format!("{SECRET}\u{1b}[31m"),
    ] {
        for line in ["plan -vv", "plan -vv -o json", "apply --yes -vv"] {
            let output = env
                .run(line)
                .at(&server)
                .env("WORKOS_API_KEY", &key)
                .exits(4);
            assert!(!output.stdout.contains(SECRET), "{line}: {output}");
            assert!(!output.stderr.contains(SECRET), "{line}: {output}");
        }
    }
    search(env.root());
}

#[test]
fn a_key_in_a_manifest_is_refused_and_not_echoed() {
    let text = format!("version: 1\norganizations:\n  acme: {{ name: sk_live_{SECRET} }}\n");
    let env = TestEnv::with_manifest(&text);
    for line in ["validate", "validate -o json", "plan --sandbox -vv"] {
        let output = env.run(line).exits(3);
        assert!(!output.stdout.contains(SECRET), "{output}");
        assert!(!output.stderr.contains(SECRET), "{output}");
    }
}

#[test]
fn a_server_that_repeats_the_key_does_not_make_portalctl_repeat_it() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let rude = Canned::serve(|_, _, _| {
        let body = format!("{{\"message\":\"bad key {KEY}\",\"code\":\"{KEY}\"}}");
        (401, format!("X-Request-ID: {KEY}\r\n"), body)
    });
    let output = env.run("plan -vv -o json").at_url(&rude.url()).exits(4);
    assert!(!output.stdout.contains(SECRET), "{output}");
    assert!(!output.stderr.contains(SECRET), "{output}");
}

#[cfg(unix)]
#[test]
fn what_a_run_writes_about_customers_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let env = TestEnv::with_manifest(CUSTOMERS);
    for line in [
        "plan --sandbox=state.json --out plan.json --output-file plan.txt",
        "apply plan.json --sandbox=state.json --write json=apply.json",
        "status --sandbox=state.json --write html=status.html",
    ] {
        let _ = env.run(line).exits(0);
    }
    let mut looked_at = 0;
    for entry in fs::read_dir(env.path("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // The manifest is the test's own, and a lock holds nothing.
        if !["portal.yaml", "state.json.lock"].contains(&name) {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
            looked_at += 1;
        }
    }
    assert_eq!(looked_at, 5);
}

/// Checks that no file under a folder contains the key, and returns the number of files.
fn search(folder: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += search(&path);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        // The tests' own manifest may hold one, to be refused.
        let found = bytes
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes());
        assert!(
            !found || path.ends_with("portal.yaml"),
            "{}",
            path.display()
        );
        count += 1;
    }
    count
}
