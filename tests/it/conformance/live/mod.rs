//! The cases on a real account, and the questions that only a real account answers.
//!
//! Goes in: a key of a test environment. Comes out: a [`Report`] on what is otherwise than portalctl
//! assumes, and where to change it. Everything that a run makes carries a name of its own and is
//! removed at its end, also after a failure and after Ctrl-C; what an earlier run has left is removed
//! first. It never sends more requests than its budget, and mails nobody unless told whom.

pub(crate) mod account;
mod questions;
pub(crate) mod report;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::api_client::ApiClient;
use super::cases::CASES;
use account::{Account, is_of_a_run, prefix};
use questions::{Answer, QUESTIONS};
use report::{CaseResult, QuestionResult, Report, Verdict};

/// Most requests of a run.
pub(crate) const BUDGET: usize = 300;
/// Requests that the dearest case or question takes, with room to spare.
const DEAREST: usize = 16;
/// Requests that stay for what was limited while it was removed.
const RESERVE: usize = 10;

/// Cases that are not for an account that others use too, and why.
const NOT_PLAYED: [(&str, &str); 2] = [
    ("page forward to the end", "it reads the whole environment"),
    (
        "with another key",
        "the key of another environment is not at hand",
    ),
];

/// Files that rest on a case; of every other case, only the sandbox does.
const RESTS_ON: [(&str, &str); 12] = [
    (
        "create with a used external id",
        "crates/workos/src/apply/create.rs",
    ),
    (
        "read an organization by external id",
        "crates/workos/src/observe/lookup.rs",
    ),
    (
        "what null does to a metadata key",
        "crates/workos/src/apply/update.rs",
    ),
    (
        "delete an organization",
        "crates/workos/src/apply/delete.rs",
    ),
    ("an unknown cursor", "crates/workos/src/paging.rs"),
    ("a limit over 100", "crates/workos/src/paging.rs"),
    ("filter by domain", "crates/workos/src/observe/lookup.rs"),
    ("search by name", "crates/workos/src/observe/lookup.rs"),
    ("add a domain twice", "crates/workos/src/apply/update.rs"),
    (
        "verify a domain without a record",
        "src/cli/verify_domain/run.rs",
    ),
    ("generate a link", "crates/workos/src/portal_link.rs"),
    ("events of a creation", "crates/workos/src/event_log.rs"),
];

/// Settings of a run.
pub(crate) struct Settings {
    /// Address of the API, without a slash at its end.
    pub(crate) url: String,
    /// Key of a test environment.
    pub(crate) key: String,
    /// Most requests that are sent.
    pub(crate) budget: usize,
    /// Address that may be sent e-mails.
    pub(crate) invite_to: Option<String>,
    /// Age from which on what an earlier run has left is removed: another run may be under way.
    pub(crate) leftover_age: SignedDuration,
}

/// Returns why a key may not be used: only those of test environments may.
pub(crate) fn refuse_key(key: &str) -> Option<&'static str> {
    match key.strip_prefix("sk_test_") {
        Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()) => None,
        _ if key.starts_with("sk_live_") => {
            Some("this is a key of a production environment; nothing was sent")
        }
        _ => Some("this is no key of a test environment (sk_test_…); nothing was sent"),
    }
}

/// Answers to the cases that portalctl assumes: the sandbox gives them.
pub(crate) fn assumed() -> BTreeMap<String, String> {
    let lines = include_str!("assumed.txt").lines();
    let rows = lines.filter_map(|line| line.split_once(" => "));
    rows.map(|(name, answer)| (name.to_owned(), answer.to_owned()))
        .collect()
}

/// Plays everything, and removes what it made.
pub(crate) async fn play(settings: &Settings, interrupted: &CancellationToken) -> Report {
    let account = Arc::new(Account::new(settings.budget));
    let api_client =
        ApiClient::of_account(settings.url.clone(), &settings.key, Arc::clone(&account));
    let mut report = Report {
        endpoint: settings.url.clone(),
        run: account.tag().to_owned(),
        budget: settings.budget,
        ..Report::default()
    };
    let outcome = {
        let mut played = std::pin::pin!(async {
            report.removed_before = remove_leftovers(&api_client, settings.leftover_age).await?;
            play_cases(&api_client, &account, &mut report).await;
            ask_questions(&api_client, &account, settings, &mut report).await;
            Ok::<(), String>(())
        });
        // A request that is under way is waited for: what it makes has to be known to be removed.
        loop {
            tokio::select! {
                outcome = &mut played => break outcome,
                () = interrupted.cancelled(), if !account.is_stopped() => account.stop(),
            }
        }
    };
    report.stopped = match outcome {
        _ if account.is_stopped() => Some("interrupted".to_owned()),
        outcome => outcome.err(),
    };
    for id in account.made() {
        // Organizations that cannot be removed are reported below.
        let path = format!("/organizations/{id}");
        let _ = api_client.try_send("DELETE", &path, Value::Null).await;
    }
    report.left_behind = account.made();
    report.requests = account.spent();
    report
}

async fn play_cases(api_client: &ApiClient, account: &Account, report: &mut Report) {
    let assumed = assumed();
    for (name, case) in CASES {
        let not_played = NOT_PLAYED.iter().find(|(not_played, _)| not_played == name);
        let verdict = match not_played {
            Some((_, why)) => Verdict::Skipped((*why).to_owned()),
            None if !has_room(account) => Verdict::Skipped(NO_ROOM.to_owned()),
            None => match AssertUnwindSafe(case(api_client.clone()))
                .catch_unwind()
                .await
            {
                Ok(found) => Verdict::of(account.plain(&found), assumed.get(*name)),
                Err(_) if is_over(account) => Verdict::Skipped(NO_ROOM.to_owned()),
                Err(panic) => Verdict::Differs(account.plain(&words(panic.as_ref()))),
            },
        };
        let rests = RESTS_ON.iter().find(|(case, _)| case == name);
        report.cases.push(CaseResult {
            case: (*name).to_owned(),
            assumed: assumed.get(*name).cloned().unwrap_or_default(),
            verdict,
            change: match rests {
                Some((_, file)) => format!("{file}, crates/sandbox/src, docs/guides/sandbox.md"),
                None => "crates/sandbox/src, docs/guides/sandbox.md".to_owned(),
            },
        });
    }
}

async fn ask_questions(
    api_client: &ApiClient,
    account: &Account,
    settings: &Settings,
    report: &mut Report,
) {
    for question in QUESTIONS {
        let verdict = if has_room(account) {
            let asked = (question.ask)(api_client.clone(), settings.invite_to.clone());
            match AssertUnwindSafe(asked).catch_unwind().await {
                Ok(Answer::AsAssumed(found)) => Verdict::AsAssumed(account.plain(&found)),
                Ok(Answer::Differs(found)) => Verdict::Differs(account.plain(&found)),
                Ok(Answer::NotAsked(why)) => Verdict::Skipped(why),
                Err(panic) => Verdict::Skipped(account.plain(&words(panic.as_ref()))),
            }
        } else {
            Verdict::Skipped(NO_ROOM.to_owned())
        };
        report.questions.push(QuestionResult {
            question: question.wording.to_owned(),
            assumed: question.assumed.to_owned(),
            verdict,
            change: question.change.to_owned(),
        });
    }
}

/// Returns whether a failure may come from the end of the run rather than from an answer.
fn is_over(account: &Account) -> bool {
    account.is_stopped() || account.left() == 0
}

const NO_ROOM: &str = "the requests that are left are kept for removing what was made";

/// Returns whether the budget has room for another case and for removing everything after it.
fn has_room(account: &Account) -> bool {
    !account.is_stopped() && account.left() > account.made().len() + DEAREST + RESERVE
}

/// Removes what an earlier run has left; returns how many organizations that were.
async fn remove_leftovers(api_client: &ApiClient, age: SignedDuration) -> Result<usize, String> {
    let path = format!("/organizations?search={}&limit=100", prefix());
    let (status, list) = api_client
        .try_send("GET", &path, Value::Null)
        .await
        .map_err(|why| why.to_string())?;
    if status != 200 {
        let code = list["code"].as_str().unwrap_or_default();
        return Err(format!("GET /organizations answered {status} {code}"));
    }
    let mut removed = 0;
    let rows = list["data"].as_array().into_iter().flatten();
    for organization in rows.filter(|row| is_leftover(row, age)) {
        let id = organization["id"].as_str().unwrap_or_default();
        let path = format!("/organizations/{id}");
        let answer = api_client.try_send("DELETE", &path, Value::Null).await;
        removed += usize::from(answer.is_ok_and(|(status, _)| status < 300));
    }
    Ok(removed)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server's time passes by the machine's clock"
)]
fn is_leftover(organization: &Value, age: SignedDuration) -> bool {
    let name = organization["name"].as_str().unwrap_or_default();
    let created = organization["created_at"].as_str();
    let created: Option<Timestamp> = created.and_then(|text| text.parse().ok());
    let is_old = created.is_some_and(|at| Timestamp::now().duration_since(at) >= age);
    is_old && is_of_a_run(name)
}

/// The words of a panic: a case's way to say that an answer has another shape.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("no such answer: {}", text.unwrap_or("unknown"))
}
