//! Routes of the gateway, and the security headers of every response.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::audit_log::{AuditRecord, Route};
use super::refusal::{ErrorPage, Refusal};
use super::request::peer_address;
use super::state::{GatewayState, Readiness};
use super::{handoff_handler, return_handler, state_handler};
use portalctl_model::codes::gateway as codes;

/// Builds the router.
pub(super) fn router(state: Arc<GatewayState>) -> Router {
    // HEAD would otherwise run the handler of GET and use up a token.
    let portal = on(MethodFilter::GET, handoff_handler::handle)
        .on(MethodFilter::POST, handoff_handler::handle)
        .on(MethodFilter::HEAD, wrong_method);
    let return_page =
        on(MethodFilter::GET, return_handler::handle).on(MethodFilter::HEAD, wrong_method);
    let signed_out = on(MethodFilter::GET, return_handler::sign_out)
        .on(MethodFilter::POST, return_handler::sign_out);
    let app_state =
        on(MethodFilter::GET, state_handler::handle).on(MethodFilter::HEAD, wrong_method);
    let health = on(MethodFilter::GET, async || plain(StatusCode::OK, "ok\n"));
    let public = Router::new()
        .route("/portal/{key}/{intent}", portal)
        .route("/return/{key}/{intent}", return_page)
        .route("/return/signed-out", signed_out)
        .route("/state/{key}", app_state)
        .route(
            "/.well-known/jwks.json",
            on(MethodFilter::GET, published_keys),
        );
    // Probes and metrics are for the cluster: never below the path that a proxy lets through.
    let routes = Router::new()
        .route("/healthz", health)
        .route("/readyz", on(MethodFilter::GET, ready))
        .route("/metrics", on(MethodFilter::GET, metrics));
    // A proxy in front may pass the path of the public URL on, or take it away.
    let routes = match state.public_url.prefix() {
        "" => routes,
        prefix => routes.nest(prefix, public.clone()),
    };
    routes
        .merge(public)
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(security_headers))
        .with_state(state)
}

/// Adds the security headers to every response.
async fn security_headers(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in [
        // Responses are about one person, and some are credentials.
        (header::CACHE_CONTROL, "no-store"),
        // Request URLs hold tokens.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages set their own policy; every other response loads nothing.
    let policy = headers.entry(header::CONTENT_SECURITY_POLICY);
    policy.or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'",
    ));
    answer
}

async fn ready(State(state): State<Arc<GatewayState>>) -> Response {
    match state.readiness() {
        Readiness::No(why) => {
            let text = format!("not ready: {why}\n");
            plain(StatusCode::SERVICE_UNAVAILABLE, text)
        }
        Readiness::Yes(flaws) if flaws.is_empty() => plain(StatusCode::OK, "ready\n"),
        Readiness::Yes(flaws) => {
            let text = format!("ready, with {}\n", flaws.join(" and "));
            plain(StatusCode::OK, text)
        }
    }
}

/// Answers with the public keys of results, where they are published.
async fn published_keys(State(state): State<Arc<GatewayState>>, request: Request) -> Response {
    let keys = state.signing_keys();
    let Some(keys) = keys.published() else {
        return not_found(State(Arc::clone(&state)), request).await;
    };
    let mut answer = plain(StatusCode::OK, json!({ "keys": keys }).to_string());
    let kind = HeaderValue::from_static("application/jwk-set+json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

async fn metrics(State(state): State<Arc<GatewayState>>) -> Response {
    let mut answer = plain(StatusCode::OK, state.metrics_text());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

async fn not_found(State(state): State<Arc<GatewayState>>, request: Request) -> Response {
    let refusal = Refusal::new(codes::ADDRESS, ErrorPage::NoPage);
    refuse(&state, &request, &refusal)
}

async fn wrong_method(State(state): State<Arc<GatewayState>>, request: Request) -> Response {
    let refusal = Refusal::new(codes::ADDRESS, ErrorPage::Method);
    let mut answer = refuse(&state, &request, &refusal);
    let path = request.uri().path();
    let path = path.strip_prefix(state.public_url.prefix()).unwrap_or(path);
    let allowed = if path.starts_with("/portal/") {
        "GET, POST"
    } else {
        "GET"
    };
    let headers = answer.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    if *request.method() == Method::HEAD {
        *answer.body_mut() = Body::empty();
    }
    answer
}

fn refuse(state: &GatewayState, request: &Request, refusal: &Refusal) -> Response {
    let audit = AuditRecord::new(Route::Other, peer_address(request.extensions()));
    audit.refused(refusal, &state.metrics);
    let setup = state.setup();
    let view = setup.pages.view(request.headers());
    view.refusal(refusal.page, audit.reference())
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut answer = Response::new(text.into());
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
