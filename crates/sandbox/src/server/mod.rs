//! HTTP interface of the world: routes, keys, rate limits, request ids. The rules are the world's.
//!
//! ```text
//! request ─▶ request id, latency ─┬─▶ key ─▶ rate limit ─▶ faults ─▶ api   (the WorkOS API)
//!                                 ├─▶ this machine only ─▶ control  (/_sandbox, plays the customer)
//!                                 └─▶ this machine only ─▶ pages    (/portal, behind a link)
//! ```

mod answer;
mod api;
mod contacts;
mod control;
mod faults;
mod origin;
mod pages;
mod request;
mod tuning;
mod webhook_endpoints;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::shared::Core;
use answer::{ok, problem};

/// Returns all routes of a sandbox.
pub(super) fn router(core: &Core) -> Router {
    let api = api::routes()
        .layer(from_fn_with_state(core.clone(), faults::befall))
        .layer(from_fn_with_state(core.clone(), admit));
    let local = control::routes()
        .merge(tuning::routes())
        .merge(pages::routes())
        .layer(from_fn_with_state(core.clone(), only_here));
    Router::new()
        .merge(api)
        .merge(local)
        .route("/sso/jwks/{client_id}", get(public_keys))
        .route("/health", get(async || ok(&json!({ "status": "ok" }))))
        .fallback(async || problem(StatusCode::NOT_FOUND, "not_found", "Not Found"))
        .method_not_allowed_fallback(async || {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            problem(status, "method_not_allowed", "Method Not Allowed")
        })
        .layer(from_fn_with_state(core.clone(), envelope))
        .with_state(core.clone())
}

/// Serves the public keys, which need no API key at WorkOS either. The sandbox signs nothing, so
/// there are none.
async fn public_keys(State(core): State<Core>, Path(client_id): Path<String>) -> Response {
    if core.knows_client_id(&client_id) {
        ok(&json!({ "keys": [] }))
    } else {
        problem(StatusCode::NOT_FOUND, "not_found", "Not Found")
    }
}

/// Adds a request id and the configured latency to every answer.
async fn envelope(State(core): State<Core>, request: Request, next: Next) -> Response {
    core.wait().await;
    core.settle();
    let mut answer = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&core.next_request_id()) {
        answer.headers_mut().insert("x-request-id", id);
    }
    answer
}

/// Admits requests with a valid key and remaining budget.
async fn admit(State(core): State<Core>, request: Request, next: Next) -> Response {
    let Some(key) = bearer(request.headers()).filter(|key| core.accepts(key)) else {
        return problem(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Unauthorized: the API key is missing or not valid for this environment.",
        );
    };
    let now = core.now();
    let budget = core.count(key, request.method(), request.uri().path());
    let mut answer = if budget.is_some_and(|budget| budget.exceeded) {
        problem(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_exceeded",
            "Rate limit exceeded.",
        )
    } else {
        next.run(request).await
    };
    if let Some(budget) = budget {
        budget.write(&mut answer, now);
    }
    answer
}

/// Admits requests that are addressed to a name of the sandbox, which no foreign web page can have.
async fn only_here(State(core): State<Core>, request: Request, next: Next) -> Response {
    if origin::is_local(request.headers(), core.audience()) {
        next.run(request).await
    } else {
        problem(
            StatusCode::FORBIDDEN,
            "forbidden",
            "This part of the sandbox is only for this machine: call it by localhost or 127.0.0.1 \
             (with --allow-remote, by an address or a name without a dot).",
        )
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(key.trim_start())
}
