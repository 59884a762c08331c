//! Validates and plans every example, and runs the commands of each workflow's README.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::child;
use crate::support::cli::{Run, TestEnv};

/// The manifests of `examples/`: its YAML files, and its folders as one manifest each.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    // Workflows are no manifests; the tests of the Action and of the GitLab jobs are about them.
    paths.retain(|path| !path.ends_with("ci"));
    for path in &mut paths {
        // Pipelines stand beside this one.
        if path.ends_with("two-environments") {
            path.push("portal");
        }
        // Files of a service and of a proxy stand beside this one.
        if path.ends_with("gateway") {
            path.push("portal.yaml");
        }
    }
    paths.retain(|path| path.is_dir() || path.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    paths
}

/// Returns the environments of a manifest; the empty name stands for one without overlays.
fn environments(path: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(path.join("environments")) else {
        return vec![String::new()];
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths.map(stem).collect()
}

#[test]
fn every_example_is_valid_and_can_be_planned_and_applied() {
    for path in examples() {
        for environment in environments(&path) {
            can_be_planned_and_applied(&path, &environment);
        }
    }
}

#[track_caller]
fn can_be_planned_and_applied(path: &Path, environment: &str) {
    let env = TestEnv::new();
    let run = |line: &str| {
        let mut args: Vec<&str> = line.split_whitespace().collect();
        args.extend(["-f", path.to_str().unwrap()]);
        env.args(args).env("PORTALCTL_ENVIRONMENT", environment)
    };
    let output = run("validate").exits(0);
    assert_eq!(output.stderr, "", "{}", path.display());
    let _ = run("plan --sandbox=s.json").exits(0);
    let _ = run("apply --sandbox=s.json --yes --allow-trusted-domains").exits(0);
    let plan = run("plan --sandbox=s.json -o json")
        .exits(0)
        .json_of("plan");
    assert!(plan["changes"].as_array().unwrap().is_empty(), "{plan:#}");
}

/// Joins the `sh` blocks of a README into one script.
fn script(readme: &str) -> String {
    let mut script = String::new();
    let mut is_inside = false;
    for line in readme.lines() {
        match line {
            "```sh" => is_inside = true,
            "```" => is_inside = false,
            line if is_inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

/// Returns a free port.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Runs the commands of a workflow's README word for word, except for the port.
#[track_caller]
fn follow(way: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(way);
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let manifest = std::fs::read_to_string(folder.join("portal.yaml")).unwrap();
    let env = TestEnv::with_manifest(&manifest);
    let tools = env.path("tools");
    std::fs::create_dir(&tools).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_portalctl"));
    std::os::unix::fs::symlink(program, tools.join("portalctl")).unwrap();
    let typed = script(&readme).replace("4100", &free_port().to_string());
    assert!(typed.contains("portalctl sandbox"), "{typed}");
    let typed = format!("set -euo pipefail\ntrap 'kill %1' EXIT\n{typed}");
    let path = std::env::var("PATH").unwrap();
    let mut bash = child::script("bash");
    bash.args(["-c", &typed])
        .env_clear()
        .env("PATH", format!("{}:{path}", tools.display()))
        .env("HOME", env.root().join("home"))
        // The sandbox's customer needs no browser.
        .env("BROWSER", "true")
        .current_dir(env.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = Run::of(bash).exits(0);
    // No link and no key is anywhere.
    for text in [&output.stdout, &output.stderr] {
        assert!(
            !text.contains("/portal/") && !text.contains("sk_test_example"),
            "{text}"
        );
    }
}

#[test]
fn two_environments_are_planned_as_the_readme_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/two-environments");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_portalctl")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let env = TestEnv::new();
    std::os::unix::fs::symlink(folder.join("portal"), env.path("portal")).unwrap();
    let mut bash = child::script("bash");
    bash.args(["-c", &format!("set -euo pipefail\n{}", script(&readme))])
        .env_clear()
        .env("PATH", format!("{}:{path}", program.display()))
        .env("HOME", env.root().join("home"))
        .current_dir(env.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = Run::of(bash).exits(0);
    for text in [
        "for production, staging",
        "sandbox · staging",
        "sandbox · production",
    ] {
        assert!(output.stdout.contains(text), "{output}");
    }
}

#[test]
fn the_customer_sets_it_up_as_the_readme_says() {
    follow("self-service");
}

#[test]
fn workos_writes_to_the_customer_as_the_readme_says() {
    follow("support-initiated");
}

#[test]
fn the_domain_comes_first_as_the_readme_says() {
    follow("domain-verification");
}

#[test]
fn a_change_is_reviewed_without_a_key() {
    follow("review-without-a-key");
}
