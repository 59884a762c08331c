//! Runs the scripts of the GitLab CI jobs as a runner does.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::child;
use crate::support::cli::{KEY, Run, TestEnv};
use crate::support::manifests::CUSTOMERS;
use crate::support::sandbox_server::SandboxServer;

fn read(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A job's script, line by line, until one fails.
pub(crate) fn job(env: &TestEnv, name: &str) -> Run {
    let jobs = read("ci/gitlab/portalctl.gitlab-ci.yml");
    let lines = jobs[name]["script"].as_array().unwrap();
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str().unwrap()).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_portalctl")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut shell = child::script("sh");
    shell
        .args(["-e", "-c", &lines.join("\n")])
        .env_clear()
        .env("PATH", format!("{}:{path}", program.display()))
        .env("HOME", env.root().join("home"))
        .env("CI", "true")
        .env("PORTALCTL_MANIFEST", "portal.yaml")
        .current_dir(env.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Run::of(shell)
}

#[test]
fn a_merge_request_is_validated_without_a_key() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = job(&env, ".portalctl-validate").exits(0);
    env.edit("portal.yaml", "intents:", "intentions:");
    let _ = job(&env, ".portalctl-validate").exits(3);
}

#[test]
fn what_was_planned_is_applied_and_then_there_is_no_drift() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = job(&env, ".portalctl-plan").at(&sandbox).exits(0);
    let _ = job(&env, ".portalctl-apply").at(&sandbox).exits(0);
    assert_eq!(sandbox.external_ids(), ["acme", "globex", "initech"]);
    let _ = job(&env, ".portalctl-nightly").at(&sandbox).exits(0);
    for report in [
        "plan.json",
        "plan.md",
        "plan.html",
        "apply.md",
        "status.html",
        "status.csv",
    ] {
        let text = env.read(&format!("portalctl-report/{report}"));
        assert!(!text.contains(KEY), "{report}");
    }
    env.edit("portal.yaml", "Globex", "Globex Corporation");
    let _ = job(&env, ".portalctl-nightly").at(&sandbox).exits(2);
}

#[test]
fn a_plan_that_no_longer_holds_is_refused() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&sandbox).exits(0);
    env.edit("portal.yaml", "name: Globex", "name: Globex Corporation");
    let _ = job(&env, ".portalctl-plan").at(&sandbox).exits(0);
    // Another client renames it before the job is started.
    env.edit("portal.yaml", "Globex Corporation", "Globex Labs");
    let _ = env.run("apply --yes").at(&sandbox).exits(0);
    let stale = job(&env, ".portalctl-apply").at(&sandbox).exits(6);
    assert!(stale.stdout.contains("refused"), "{stale}");
    assert!(
        env.read("portalctl-report/apply.md")
            .contains("Globex Labs")
    );
}

#[test]
fn the_example_extends_jobs_that_are_there() {
    let jobs = read("ci/gitlab/portalctl.gitlab-ci.yml");
    let example = read("examples/ci/gitlab/.gitlab-ci.yml");
    let stages = example["stages"].as_array().unwrap();
    let mut extended = 0;
    for (name, job) in example.as_object().unwrap() {
        if let Some(base) = job["extends"].as_str() {
            assert!(jobs[base]["script"].is_array(), "{name}: {base}");
            assert!(stages.contains(&job["stage"]), "{name}");
            extended += 1;
        }
    }
    assert_eq!(extended, 4);
    // Only what needs no key runs for a merge request.
    let merge_request = |job: &Value| job["rules"].to_string().contains("merge_request_event");
    for name in ["plan", "apply", "nightly"] {
        assert!(!merge_request(&example[name]), "{name}");
    }
    assert!(merge_request(&example["validate"]));
}
