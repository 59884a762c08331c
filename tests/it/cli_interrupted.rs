//! Tests runs that are ended by a signal or a lost server: every change is accounted for, and the
//! next run goes on without a duplicate.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::cli::{Output, TestEnv};
use crate::support::manifests::many;
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

/// A slow run, so that it can be interrupted in the middle on a fast machine too.
const SLOWLY: &str = "apply --yes -o json --concurrency 2 --requests-per-second 1000";
const FAST: &str = "apply --yes -o json --concurrency 64 --requests-per-second 1000";
const CUSTOMERS: usize = 150;

/// Returns the report of an interrupted run, in which `done` changes are done and all others are
/// listed.
#[track_caller]
fn account(output: &Output, planned: usize) -> Value {
    let account = output.json_of("apply");
    let changes = account["changes"].as_array().unwrap();
    assert_eq!(changes.len(), planned, "{account:#}");
    let keys: BTreeSet<&str> = changes.iter().map(|c| c["key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), planned);
    for change in changes {
        let is_done = change["outcome"] == "done";
        assert_eq!(change["error"].is_null(), is_done, "{change:#}");
        if is_done {
            assert!(change["organization_id"].is_string(), "{change:#}");
        }
    }
    let summary = account["summary"].as_object().unwrap();
    let told: u64 = summary.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(told, planned as u64, "{account:#}");
    account
}

fn count(account: &Value, outcome: &str) -> usize {
    usize::try_from(account["summary"][outcome].as_u64().unwrap()).unwrap()
}

fn interrupted_by(signal: &str) {
    let env = TestEnv::with_manifest(&many(CUSTOMERS));
    let server = SandboxServer::with(&env, "--rate-limit off --latency-ms 60");
    let running = env.run(SLOWLY).at(&server).spawn();
    running.wait_for_lines("done", 6);
    running.signal(signal);
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    let account = account(&output, CUSTOMERS);
    let done = count(&account, "done");
    assert!((6..CUSTOMERS).contains(&done), "{account:#}");
    // Requests in flight were finished: no result is unknown, and no creation is unreported.
    assert_eq!(account["summary"]["unknown"], 0);
    assert_eq!(server.external_ids().len(), done);
    let again = env.run(FAST).at(&server).exits(0).json_of("apply");
    assert_eq!(count(&again, "done"), CUSTOMERS - done);
    let ids = server.external_ids();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), CUSTOMERS);
    assert_eq!(ids.len(), CUSTOMERS, "duplicates: {ids:?}");
    let _ = env.run("plan --detailed-exitcode").at(&server).exits(0);
}

#[test]
fn ctrl_c_in_mid_apply_ends_after_the_account() {
    interrupted_by("INT");
}

#[test]
fn sigterm_in_mid_apply_ends_after_the_account() {
    interrupted_by("TERM");
}

#[test]
fn what_is_in_flight_is_waited_for_and_that_is_said() {
    // The signal may come between two requests, when there is nothing to wait for.
    let caught = (0..10).any(|_| {
        let env = TestEnv::with_manifest(&many(4));
        let server = SandboxServer::with(&env, "--rate-limit off --latency-ms 300");
        let running = env.run("apply --yes --concurrency 1").at(&server).spawn();
        running.wait_for_lines("done", 1);
        running.signal("INT");
        let output = running.finish();
        assert_eq!(output.code, Some(130), "{output}");
        let next = "interrupted; run apply again to go on";
        assert!(output.stdout.contains(next), "{output}");
        let said = output
            .stderr
            .contains("interrupted: finishing what is in flight");
        let account = if said {
            "2 done, 2 not tried"
        } else {
            "1 done, 3 not tried"
        };
        assert!(output.stdout.contains(account), "{output}");
        said
    });
    assert!(caught, "never was a request in flight");
}

#[test]
fn ctrl_c_while_reading_changes_nothing() {
    let env = TestEnv::with_manifest(&many(3));
    let server = SandboxServer::with(&env, "--rate-limit off --latency-ms 20000");
    let running = env.run("apply --yes -o json -v").at(&server).spawn();
    running.wait_until_it_handles_signals();
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    assert_eq!(
        output.json_of("apply")["errors"][0]["code"],
        "cli/interrupted"
    );
    assert!(output.stderr.contains("nothing was changed"), "{output}");
}

#[test]
fn a_server_that_dies_in_mid_apply_costs_no_customer() {
    let env = TestEnv::with_manifest(&many(CUSTOMERS));
    let options = "--rate-limit off --latency-ms 100 --state state.json";
    let server = SandboxServer::with(&env, options);
    let running = env.run(SLOWLY).at(&server).spawn();
    // Some of it is kept by the server, some of it will be lost with it.
    wait::until("some of it in the state file", || {
        let state = std::fs::read_to_string(env.path("state.json")).ok()?;
        state.contains("customer-00").then_some(())
    });
    server.kill();
    let output = running.finish();
    assert_eq!(output.code, Some(6), "{output}");
    let account = account(&output, CUSTOMERS);
    assert!(count(&account, "done") > 0, "{account:#}");
    assert!(count(&account, "not_tried") > 0, "{account:#}");
    assert!(output.stderr.contains("\nnot tried  "), "{output}");

    let server = SandboxServer::with(&env, "--rate-limit off --state state.json");
    let kept = server.external_ids().len();
    assert!(kept > 0 && kept < CUSTOMERS, "{kept}");
    let again = env.run(FAST).at(&server).exits(0).json_of("apply");
    assert_eq!(count(&again, "done"), CUSTOMERS - kept);
    let ids = server.external_ids();
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "duplicates: {ids:?}"
    );
    assert_eq!(ids.len(), CUSTOMERS);
    let _ = env.run("plan --detailed-exitcode").at(&server).exits(0);
    assert_eq!(server.stop(), Some(0));
}
