//! Routes, and the headers that every answer carries.

use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use http::{Extensions, HeaderValue, Method, StatusCode, header};

use super::Gateway;
use super::refusal::{Face, Refusal};
use super::trail::{Route, Trail};
use super::{portal, returning};
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::{Intent, OrgKey};
use portalctl_platform::listen::Peer;

/// Key and intent, as they stand in the path.
pub(super) type Address = Result<Path<(String, String)>, PathRejection>;

/// All routes.
pub(super) fn router(gateway: &Gateway) -> Router {
    // HEAD would otherwise run what GET does, and use a token up.
    let portal = on(MethodFilter::GET, portal::open)
        .on(MethodFilter::POST, portal::open)
        .on(MethodFilter::HEAD, wrong_method);
    let back = on(MethodFilter::GET, returning::show).on(MethodFilter::HEAD, wrong_method);
    let healthy = on(MethodFilter::GET, async || plain(StatusCode::OK, "ok\n"));
    Router::new()
        .route("/portal/{key}/{intent}", portal)
        .route("/return/{key}/{intent}", back)
        .route("/healthz", healthy)
        .route("/readyz", on(MethodFilter::GET, ready))
        .route("/metrics", on(MethodFilter::GET, metrics))
        .fallback(no_page)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(envelope))
        .with_state(gateway.clone())
}

/// Key and intent of a path; whatever is neither was not written by the app.
pub(super) fn address(path: Address) -> Result<(OrgKey, Intent), Code> {
    let Path((key, intent)) = path.map_err(|_| codes::ADDRESS)?;
    let key = OrgKey::parse_qualified(&key).map_err(|_| codes::ADDRESS)?;
    let intent = intent.parse().map_err(|_| codes::ADDRESS)?;
    Ok((key, intent))
}

/// Where a request came from.
pub(super) fn peer(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<Peer>();
    // Without a connection nobody is trusted.
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
}

/// What no answer goes without.
async fn envelope(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in [
        // Answers are about one person, and some are credentials.
        (header::CACHE_CONTROL, "no-store"),
        // Addresses hold tokens.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages have their own; whatever else there is loads nothing.
    let policy = headers.entry(header::CONTENT_SECURITY_POLICY);
    policy.or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'",
    ));
    answer
}

async fn ready(State(gateway): State<Gateway>) -> Response {
    if !gateway.0.is_ready() {
        let why = if gateway.0.upstream.is_key_refused() {
            "not ready: WorkOS refuses the API key\n"
        } else {
            "not ready\n"
        };
        return plain(StatusCode::SERVICE_UNAVAILABLE, why);
    }
    // The last good one serves as well as before, so this is no reason to stop.
    plain(
        StatusCode::OK,
        if gateway.0.metrics.manifest_is_current() {
            "ready\n"
        } else {
            "ready, with the manifest from before an edit that cannot be used\n"
        },
    )
}

async fn metrics(State(gateway): State<Gateway>) -> Response {
    let mut answer = plain(StatusCode::OK, gateway.0.metrics_text());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

async fn no_page(State(gateway): State<Gateway>, request: Request) -> Response {
    let refusal = Refusal::new(codes::ADDRESS, Face::NoPage);
    refuse_elsewhere(&gateway, &request, &refusal)
}

async fn wrong_method(State(gateway): State<Gateway>, request: Request) -> Response {
    let refusal = Refusal::new(codes::ADDRESS, Face::Method);
    let mut answer = refuse_elsewhere(&gateway, &request, &refusal);
    let allowed = if request.uri().path().starts_with("/portal/") {
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

fn refuse_elsewhere(gateway: &Gateway, request: &Request, refusal: &Refusal) -> Response {
    let trail = Trail::new(Route::Other, peer(request.extensions()));
    trail.refused(refusal, &gateway.0.metrics);
    gateway.0.pages.refusal(refusal.face)
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut answer = Response::new(text.into());
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
