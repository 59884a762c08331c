//! The suite for real accounts, played on the sandbox and on the official emulator.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::api_client::ApiClient;
use super::cases::CASES;
use super::live::report::{Report, Verdict};
use super::live::{BUDGET, Settings, assumed, play, refuse_key};
use crate::support::cli::TestEnv;
use crate::support::emulator::{EMULATOR_KEY, Emulator};
use crate::support::sandbox_server::SandboxServer;

const KEY: &str = "sk_test_live0123456789canary";

fn settings(url: String, key: &str) -> Settings {
    Settings {
        url,
        key: key.to_owned(),
        budget: BUDGET,
        invite_to: None,
        leftover_age: SignedDuration::ZERO,
    }
}

/// Names of all organizations of a server.
async fn names(api_client: &ApiClient) -> BTreeSet<String> {
    let (_, list) = api_client.get("/organizations?limit=100").await;
    let rows = list["data"].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns the number of requests that a sandbox has answered, from its request ids.
async fn answered(url: &str) -> usize {
    let answer = reqwest::get(format!("{url}/health")).await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap();
    id.rsplit_once('_').unwrap().1.parse().unwrap()
}

#[track_caller]
fn assert_secret_free(report: &Report) {
    let told = format!("{report}{}", serde_json::to_string(report).unwrap());
    for secret in [KEY, EMULATOR_KEY, "token=", "/portal/"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

#[tokio::test]
async fn what_is_assumed_of_workos_is_what_the_sandbox_answers() {
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let api_client = ApiClient::new(sandbox.url(), KEY);
    let mut text = String::new();
    for (name, case) in CASES {
        text.push_str(&format!("{name} => {}\n", case(api_client.clone()).await));
    }
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/conformance/live/assumed.txt"
        );
        std::fs::write(path, text).unwrap();
        return;
    }
    let assumed: String = include_str!("live/assumed.txt").to_owned();
    assert_eq!(
        assumed, text,
        "stale; run: UPDATE_GENERATED=1 cargo test conformance"
    );
}

#[tokio::test]
async fn on_the_sandbox_everything_is_as_assumed_and_nothing_is_left() {
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let api_client = ApiClient::new(sandbox.url(), KEY);
    for name in [
        "Somebody",
        "portalctl-live-0123abcd Acme",
        "portalctl-live-0123abcde Acme",
        "portalctl-lively Acme",
    ] {
        api_client
            .send("POST", "/organizations", json!({ "name": name }))
            .await;
    }
    let before = answered(&sandbox.url()).await;
    let invited = Settings {
        invite_to: Some("ada@it.example".to_owned()),
        ..settings(sandbox.url(), KEY)
    };
    let report = play(&invited, &CancellationToken::new()).await;
    let sent = answered(&sandbox.url()).await - before - 1;
    assert_eq!(report.exit_code(), 0, "{report}");
    assert_eq!(report.requests, sent, "the budget counts every request");
    assert!(sent <= BUDGET, "{report}");
    assert_eq!(report.removed_before, 1);
    assert_eq!(report.cases.len(), CASES.len());
    assert_eq!(report.cases.len(), assumed().len());
    for question in &report.questions {
        let is_answered = matches!(question.verdict, Verdict::AsAssumed(_));
        assert!(is_answered, "{question:?}");
    }
    let left = [
        "Somebody",
        "portalctl-live-0123abcde Acme",
        "portalctl-lively Acme",
    ];
    assert_eq!(names(&api_client).await, left.map(str::to_owned).into());
    assert_secret_free(&report);
}

#[tokio::test]
async fn nobody_is_mailed_unless_an_address_is_given() {
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let settings = settings(sandbox.url(), KEY);
    let report = play(&settings, &CancellationToken::new()).await;
    let mut skipped = report
        .questions
        .iter()
        .filter_map(|one| match &one.verdict {
            Verdict::Skipped(why) => Some(why),
            Verdict::AsAssumed(_) | Verdict::Differs(_) => None,
        });
    assert!(skipped.any(|why| why.contains("--invite-to")), "{report}");
    let (_, events) = ApiClient::new(sandbox.url(), KEY)
        .get("/_sandbox/state")
        .await;
    assert!(!events.to_string().contains("\"invited\":true"), "{events}");
}

#[tokio::test]
async fn a_run_stays_within_its_requests_and_keeps_enough_of_them_to_clean_up() {
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let api_client = ApiClient::new(sandbox.url(), KEY);
    for budget in [60, 100] {
        let before = answered(&sandbox.url()).await;
        let small = Settings {
            budget,
            ..settings(sandbox.url(), KEY)
        };
        let report = play(&small, &CancellationToken::new()).await;
        let sent = answered(&sandbox.url()).await - before - 1;
        assert!(sent <= budget && report.requests == sent, "{report}");
        assert_eq!(report.left_behind, Vec::<String>::new(), "{report}");
        assert_eq!(names(&api_client).await, BTreeSet::new());
        let text = report.to_string();
        assert!(
            text.contains("the requests that are left are kept"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_interrupted_run_removes_what_it_made() {
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let api_client = ApiClient::new(sandbox.url(), KEY);
    let interrupted = CancellationToken::new();
    let token = interrupted.clone();
    let url = sandbox.url();
    // In the middle: once it has made something.
    let watch = tokio::spawn(async move {
        let api_client = ApiClient::new(url, KEY);
        while names(&api_client).await.len() < 3 {}
        token.cancel();
    });
    let report = play(&settings(sandbox.url(), KEY), &interrupted).await;
    watch.await.unwrap();
    assert_eq!(report.exit_code(), 1);
    assert!(
        report.to_string().contains("ended early: interrupted"),
        "{report}"
    );
    assert_eq!(report.left_behind, Vec::<String>::new(), "{report}");
    assert_eq!(names(&api_client).await, BTreeSet::new());
}

#[tokio::test]
async fn what_differs_is_told_with_what_to_change() {
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let api_client = ApiClient::new(sandbox.url(), KEY);
    let rule = json!({ "method": "GET", "path": "/organizations/external_id/*",
                       "fault": "status", "status": 500, "effect": "before" });
    let rules = json!({ "rules": [rule] });
    let (status, _) = api_client.send("PUT", "/_sandbox/faults", rules).await;
    assert!(status < 300, "{status}");
    let report = play(&settings(sandbox.url(), KEY), &CancellationToken::new()).await;
    assert_eq!(report.exit_code(), 2, "{report}");
    let text = report.to_string();
    assert!(
        text.contains("DIFFERENT   read an organization by external id"),
        "{text}"
    );
    assert!(
        text.contains("change   crates/workos/src/observe/lookup.rs"),
        "{text}"
    );
    let json = serde_json::to_value(&report).unwrap();
    let mut cases = json["cases"].as_array().unwrap().iter();
    let case = cases.find(|case| case["case"] == "read an organization by external id");
    assert_eq!(case.unwrap()["verdict"], "differs");
}

#[test]
fn no_key_but_that_of_a_test_environment_is_used() {
    assert_eq!(refuse_key("sk_test_abc"), None);
    for key in [
        "sk_live_abc",
        "sk_test_",
        "",
        "abc",
        "sk_test_a b",
        "SK_TEST_abc",
    ] {
        let why = refuse_key(key).unwrap();
        assert!(why.contains("nothing was sent"), "{key}");
    }
}

#[tokio::test]
async fn on_the_emulator_what_it_lacks_is_skipped_or_told() {
    let env = TestEnv::new();
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    let api_client = ApiClient::new(emulator.url(), EMULATOR_KEY);
    let before = names(&api_client).await;
    let settings = settings(emulator.url(), EMULATOR_KEY);
    let report = play(&settings, &CancellationToken::new()).await;
    assert_eq!(report.stopped, None, "{report}");
    assert_eq!(report.left_behind, Vec::<String>::new(), "{report}");
    assert_eq!(names(&api_client).await, before);
    let played = report.cases.iter();
    let played = played.filter(|case| matches!(case.verdict, Verdict::AsAssumed(_)));
    assert!(played.count() >= 10, "{report}");
    let metadata = &report.questions[0].verdict;
    assert!(!matches!(metadata, Verdict::Skipped(_)), "{report}");
    assert_secret_free(&report);
}

/// The program answers before it sends anything.
#[test]
fn the_report_of_nothing_is_complete() {
    let report = Report::default();
    let json: Value = serde_json::to_value(&report).unwrap();
    assert_eq!(json["left_behind"], json!([]));
    assert_eq!(report.exit_code(), 0);
}
