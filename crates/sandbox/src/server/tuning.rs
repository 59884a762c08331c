//! The control API over the sandbox itself: what goes wrong, and where events are sent. As the
//! rest of the control API it needs no key and answers this machine only.
//!
//! | route | body | does |
//! |---|---|---|
//! | `GET faults` | | what has gone wrong, oldest first |
//! | `POST faults` | a rule | adds a rule |
//! | `PUT faults` | `{seed?, percent?, rules?}` | replaces everything that goes wrong |
//! | `DELETE faults` | | nothing goes wrong any more |
//! | `GET webhooks` | | the endpoints, and every delivery |
//! | `POST webhooks` | `{url, secret}` | adds an endpoint on this machine |
//! | `DELETE webhooks` | | removes them all |
//!
//! A rule is `{method?, path?, nth?, every?, fault}`, with what the fault needs: `limit`
//! (`retry_after_seconds`), `status` (`status`, `effect`: before or after), `lose_reply`,
//! `reset_before`, `truncate`, `not_json`, `slow` (`milliseconds`).

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn;
use axum::routing::get;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Answer, created, empty, ok};
use super::control::{json_only, read};
use super::request::JsonBody;
use crate::fault::{DEFAULT_PERCENT, Effect, Fault, Faults, Fired, Matcher};
use crate::shared::Core;
use crate::webhook::{Endpoint, Webhooks};
use crate::world::{FieldError, Refusal};

/// Returns the routes.
pub(super) fn routes() -> Router<Core> {
    Router::new()
        .route(
            "/_sandbox/faults",
            get(list_faults)
                .post(add_fault)
                .put(set_faults)
                .delete(clear_faults),
        )
        .route(
            "/_sandbox/webhooks",
            get(list_webhooks).post(add_webhook).delete(clear_webhooks),
        )
        .layer(from_fn(json_only))
}

async fn list_faults(State(core): State<Core>) -> Answer {
    let fired: Vec<Fired> = core.faults(|faults| faults.fired().cloned().collect());
    Ok(ok(&json!({ "fired": fired })))
}

async fn add_fault(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let (matcher, fault) = read::<Rule>(body)?.check()?;
    core.faults(|faults| faults.add(matcher, fault));
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn set_faults(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let Replacement {
        seed,
        percent,
        rules,
    } = read(body)?;
    let mut faults = match seed {
        Some(seed) => Faults::seeded(seed, percent.unwrap_or(DEFAULT_PERCENT)),
        None => Faults::none(),
    };
    for rule in rules {
        let (matcher, fault) = rule.check()?;
        faults.add(matcher, fault);
    }
    core.faults(|old| *old = faults);
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn clear_faults(State(core): State<Core>) -> Answer {
    core.faults(Faults::clear);
    Ok(empty(StatusCode::NO_CONTENT))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replacement {
    seed: Option<u64>,
    percent: Option<u8>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    method: Option<String>,
    path: Option<String>,
    nth: Option<u64>,
    every: Option<u64>,
    fault: Kind,
    retry_after_seconds: Option<u64>,
    status: Option<u16>,
    effect: Option<When>,
    milliseconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Limit,
    Status,
    LoseReply,
    ResetBefore,
    Truncate,
    NotJson,
    Slow,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    Before,
    After,
}

impl Rule {
    fn check(self) -> Result<(Matcher, Fault), Refusal> {
        let invalid = |field: &str| Refusal::invalid(FieldError::new(field, "invalid"));
        let method = self
            .method
            .map(|method| Method::from_bytes(method.to_ascii_uppercase().as_bytes()))
            .transpose()
            .map_err(|_| invalid("method"))?;
        let matcher = Matcher::of(method, self.path);
        let matcher = match (self.nth, self.every) {
            (Some(_), Some(_)) | (_, Some(0)) => return Err(invalid("every")),
            (Some(0), _) => return Err(invalid("nth")),
            (Some(number), None) => matcher.nth(number),
            (None, Some(number)) => matcher.every(number),
            (None, None) => matcher,
        };
        let fault = match self.fault {
            Kind::Limit => Fault::Limit {
                retry_after: Duration::from_secs(self.retry_after_seconds.unwrap_or(1)),
            },
            Kind::Status => Fault::Status {
                status: match self.status.unwrap_or(500) {
                    status @ 500..=599 => status,
                    _ => return Err(invalid("status")),
                },
                effect: match self.effect {
                    Some(When::After) => Effect::After,
                    Some(When::Before) | None => Effect::Before,
                },
            },
            Kind::LoseReply => Fault::LoseReply,
            Kind::ResetBefore => Fault::ResetBefore,
            Kind::Truncate => Fault::Truncate,
            Kind::NotJson => Fault::NotJson,
            Kind::Slow => Fault::Slow(Duration::from_millis(self.milliseconds.unwrap_or(1_000))),
        };
        Ok((matcher, fault))
    }
}

async fn list_webhooks(State(core): State<Core>) -> Answer {
    Ok(ok(&core.webhooks(
        |webhooks| json!({ "endpoints": webhooks.urls(), "deliveries": webhooks.deliveries() }),
    )))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEndpoint {
    url: String,
    secret: String,
}

async fn add_webhook(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let NewEndpoint { url, secret } = read(body)?;
    let endpoint = Endpoint::new(&url, &SecretString::from(secret))
        .map_err(|error| Refusal::InvalidBody(format!("This is no endpoint: {error}.")))?;
    if !core.can_deliver() {
        let why = "This sandbox runs inside a program that sends nothing.";
        return Err(Refusal::InvalidBody(why.to_owned()));
    }
    core.webhooks(|webhooks| webhooks.add(endpoint));
    Ok(created(&json!({ "url": url })))
}

async fn clear_webhooks(State(core): State<Core>) -> Answer {
    core.webhooks(Webhooks::clear);
    Ok(empty(StatusCode::NO_CONTENT))
}
