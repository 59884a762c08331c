//! HTTP server of the operator: health, metrics and webhooks.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::webhooks::{self, Receiver};
use portalctl_platform::clock::SharedClock;
use portalctl_platform::listen;

/// Content type of the metrics.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Returns all routes.
pub(super) fn router(receiver: Receiver) -> Router {
    let context = Arc::clone(&receiver.context);
    let webhooks = Router::new()
        .route("/webhooks/{namespace}/{environment}", post(webhooks::take))
        .with_state(receiver);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(context)
        .merge(webhooks)
}

/// Serves until it is told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    clock: SharedClock,
    stop: CancellationToken,
) {
    let serving = listen::serve(listener, router, stop.cancelled_owned(), &clock);
    if let Err(error) = serving.await {
        tracing::error!(%error, "the server ended");
    }
}

/// Answers that the process is ready once the watches have listed all resources, also while another
/// process leads.
async fn readyz(State(context): State<Arc<Context>>) -> Response {
    if context.listed.is_done() {
        "ok\n".into_response()
    } else {
        let why = "the resources have not been listed yet\n";
        (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
    }
}

/// Answers with all metrics.
async fn metrics(State(context): State<Arc<Context>>) -> Response {
    context.clients.count_waits();
    let term = context.term.borrow().clone();
    context.metrics.leads(&term);
    let headers = [(header::CONTENT_TYPE, FORMAT)];
    (headers, context.metrics.text()).into_response()
}
