//! Handler of `GET /state/KEY`: tells the app how far one customer is with every declared intent.
//!
//! The app proves itself by a token of its own (`use: state`), signed like a hand-off. It reads only,
//! so it may be used again until it expires, and it opens no portal.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::admission::with_keys;
use super::audit_log::{AuditRecord, Route};
use super::provision::{self, Standing};
use super::refusal::{ErrorPage, Refusal};
use super::request::peer_address;
use super::state::GatewayState;
use super::token;
use portalctl_core::readiness::IntentReadiness;
use portalctl_model::OrgKey;
use portalctl_model::codes::gateway as codes;

/// Scheme of the header `Authorization`.
const SCHEME: &str = "Bearer ";

/// Answers a request with the state of a customer as JSON, or with a refusal as JSON.
pub(super) async fn handle(
    State(state): State<Arc<GatewayState>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let mut audit = AuditRecord::new(Route::State, peer_address(request.extensions()));
    let key = path
        .ok()
        .and_then(|Path(key)| OrgKey::parse_qualified(&key).ok());
    let answer = match key {
        Some(key) => {
            audit.organization = Some(key.clone());
            read(&state, &key, request.headers()).await
        }
        None => Err(codes::ADDRESS.into()),
    };
    match answer {
        Ok(body) => {
            audit.done("shown", &state.metrics);
            json_answer(StatusCode::OK, &body)
        }
        Err(refusal) => {
            audit.refused(&refusal, &state.metrics);
            refused(&refusal)
        }
    }
}

/// Verifies the token and reads the state from WorkOS.
async fn read(state: &GatewayState, key: &OrgKey, headers: &HeaderMap) -> Result<Value, Refusal> {
    let setup = state.setup();
    let (Some(rules), Some(keyring)) = (&setup.rules, &state.keyring) else {
        // Behind a proxy the app has no key to sign with.
        return Err(codes::ADDRESS.into());
    };
    let text = bearer(headers).ok_or(codes::NO_TOKEN)?;
    let organization = with_keys(keyring, |keys| {
        token::check_state(text, keys, rules, state.now())
    });
    if organization.await? != *key {
        return Err(codes::OTHER_ORGANIZATION.into());
    }
    let limit = state.state_reads.take(
        key.clone(),
        setup.config.limits.per_organization,
        state.clock.instant(),
    );
    limit.map_err(|wait| Refusal::new(codes::LIMITED, ErrorPage::TooMany(wait)))?;
    let customer = provision::known_customer(
        state.manifest.current(),
        key,
        setup.config.provision.as_ref(),
    );
    let undeclared = || Refusal::new(codes::UNDECLARED, ErrorPage::NoPage);
    if !customer.desired.organizations.contains_key(key) {
        return Err(undeclared());
    }
    let permit = state.upstream.enter()?;
    let seen = state
        .upstream
        .read_all(&permit, &customer.desired, key)
        .await?;
    // An organization of somebody else is not shown for having this external id.
    if customer.standing == Standing::App && !seen.is_ours {
        return Err(undeclared());
    }
    let all = seen.readiness;
    let intents = all.iter().flat_map(|all| &all.intents);
    Ok(json!({
        "organization": key,
        "organization_id": all.as_ref().and_then(|all| all.organization_id.as_ref()),
        "read_at": state.clock.now(),
        "intents": intents.map(intent).collect::<Vec<_>>(),
    }))
}

/// Describes one intent.
fn intent(readiness: &IntentReadiness) -> Value {
    let ids = |object: &str| -> Vec<&str> {
        let evidence = readiness.evidence.iter();
        let of_kind = evidence.filter(|piece| piece.object == object);
        of_kind.filter_map(|piece| piece.id.as_deref()).collect()
    };
    json!({
        "intent": readiness.intent,
        "state": readiness.state,
        "since": readiness.since,
        "turn": readiness.turn,
        "reason": readiness.reason,
        "connection_ids": ids("connection"),
        "directory_ids": ids("directory"),
    })
}

/// Returns the token of the only header `Authorization`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (values.next()?, values.next());
    let text = first.to_str().ok()?;
    let (scheme, token) = text.split_at_checked(SCHEME.len())?;
    (second.is_none() && scheme.eq_ignore_ascii_case(SCHEME)).then_some(token)
}

/// Builds the answer to a refused request. Whoever proves nothing learns nothing.
fn refused(refusal: &Refusal) -> Response {
    let status = match refusal.page {
        ErrorPage::Denied
        | ErrorPage::NeedsRole
        | ErrorPage::OtherOrganization
        | ErrorPage::NotOffered => StatusCode::UNAUTHORIZED,
        page => page.status(),
    };
    let body = match refusal.page {
        ErrorPage::Denied
        | ErrorPage::NeedsRole
        | ErrorPage::OtherOrganization
        | ErrorPage::NotOffered => json!({ "error": "denied" }),
        _ => json!({ "error": refusal.code.as_str() }),
    };
    let mut answer = json_answer(status, &body);
    let headers = answer.headers_mut();
    if let Some(seconds) = refusal.page.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    let mut answer = Response::new(Body::from(format!("{body}\n")));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
