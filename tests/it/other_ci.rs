//! Runs the commands that the guide for other CI systems gives.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::child;
use crate::support::cli::{Run, TestEnv};
use crate::support::manifests::CUSTOMERS;
use crate::support::sandbox_server::SandboxServer;

/// The blocks of a language in the guide.
fn blocks(language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides/other-ci.md");
    let text = fs::read_to_string(path).unwrap();
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap().to_owned());
    blocks.collect()
}

fn command(env: &TestEnv, line: &str) -> Run {
    let program = Path::new(env!("CARGO_BIN_EXE_portalctl")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut shell = child::script("sh");
    shell
        .args(["-e", "-c", line])
        .env_clear()
        .env("PATH", format!("{}:{path}", program.display()))
        .env("HOME", env.root().join("home"))
        .env("CI", "true")
        .current_dir(env.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Run::of(shell)
}

#[test]
fn the_three_commands_review_and_apply() {
    let [validate, plan, apply] = &blocks("sh")[..] else {
        panic!("{:?}", blocks("sh"));
    };
    let env = TestEnv::new();
    env.write("portal/portal.yaml", CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = command(&env, validate).exits(0);
    let _ = command(&env, plan).at(&sandbox).exits(0);
    assert!(env.path("plan.html").exists());
    // Another change is not what was read.
    env.edit("portal/portal.yaml", "Globex", "Globex Labs");
    let _ = command(&env, apply).at(&sandbox).exits(7);
    assert_eq!(sandbox.external_ids(), [""; 0]);
    env.edit("portal/portal.yaml", "Globex Labs", "Globex");
    let _ = command(&env, apply).at(&sandbox).exits(0);
    assert_eq!(sandbox.external_ids(), ["acme", "globex", "initech"]);
}

#[test]
fn every_pipeline_has_the_three_commands() {
    let commands = blocks("sh");
    let yaml = blocks("yaml");
    for pipeline in &yaml {
        let _: Value = serde_saphyr::from_str(pipeline).unwrap();
    }
    let pipelines = [yaml, blocks("groovy")].concat();
    assert_eq!(pipelines.len(), 3);
    for pipeline in pipelines {
        // Buildkite takes a single dollar sign for one of its own.
        let pipeline = pipeline.replace("$$", "$");
        for command in &commands {
            assert!(pipeline.contains(command.trim()), "{command}{pipeline}");
        }
    }
}

#[test]
fn a_proposed_change_is_compared_and_planned_without_a_key() {
    let lines: Vec<String> = blocks("console")
        .concat()
        .lines()
        .map(|line| line.trim_start_matches("$ ").to_owned())
        .collect();
    let [diff, plan, take] = &lines[..] else {
        panic!("{lines:?}");
    };
    let env = TestEnv::new();
    env.write("portal/portal.yaml", CUSTOMERS);
    let commit = "git init --quiet --initial-branch=main && git add portal && git -c \
                  user.name=Ada -c user.email=ada@example.com commit --quiet --message base && \
                  git update-ref refs/remotes/origin/main HEAD";
    let _ = command(&env, commit).exits(0);
    let sandbox = SandboxServer::start(&env);
    let _ = command(&env, take).at(&sandbox).exits(0);
    env.edit("portal/portal.yaml", "Globex", "Globex Labs");
    let output = command(&env, diff).exits(0);
    assert!(output.stdout.contains("Globex Labs"), "{output}");
    let output = command(&env, plan).exits(0);
    assert!(output.stdout.contains("snapshot of 20"), "{output}");
    assert!(env.path("plan.html").exists() && env.path("diff.json").exists());
}
