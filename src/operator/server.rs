//! The operator's server: health, metrics, webhooks.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kube::runtime::reflector::ObjectRef;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::names::Name;
use super::nudge::Nudger;
use super::{run, secrets, webhook};

/// The largest webhook that is read.
const MAX_BODY: usize = 1024 * 1024;
/// The format of the metrics.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many webhooks are checked at once: each takes a request to the API server, whoever sent it.
const CONCURRENT_CHECKS: usize = 4;

/// What the server answers from.
#[derive(Clone)]
pub(super) struct Server {
    /// What all tasks share.
    pub(super) context: Arc<Context>,
    /// Where webhooks go.
    pub(super) nudger: Arc<Nudger>,
    checks: Arc<Semaphore>,
}

impl Server {
    /// Answers from a context; webhooks go to the nudger.
    pub(super) fn new(context: Arc<Context>, nudger: Arc<Nudger>) -> Self {
        Self {
            context,
            nudger,
            checks: Arc::new(Semaphore::new(CONCURRENT_CHECKS)),
        }
    }
}

/// Serves until it is told to stop.
pub(super) async fn serve(listener: TcpListener, server: Server, stop: CancellationToken) {
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/webhooks/{namespace}/{environment}", post(take_webhook))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(server);
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = serving.await {
        tracing::error!(%error, "the server ended");
    }
}

/// Ready once the watches have listed what there is; whether it leads does not matter.
async fn readyz(State(server): State<Server>) -> Response {
    if server.context.listed.is_done() {
        "ok\n".into_response()
    } else {
        let why = "the resources have not been listed yet\n";
        (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
    }
}

async fn metrics(State(server): State<Server>) -> Response {
    server.context.portals.count_waits();
    server
        .context
        .metrics
        .leads(run::leads(&server.context.term));
    let headers = [(header::CONTENT_TYPE, FORMAT)];
    (headers, server.context.metrics.text()).into_response()
}

/// A webhook tells nothing but that there is something to look at; what happened is read from
/// WorkOS.
async fn take_webhook(
    State(server): State<Server>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let context = &server.context;
    let reference = ObjectRef::new(&name).within(&namespace);
    let environment = context.environments.get(&reference);
    // Whoever is not WorkOS learns nothing about which environments there are.
    let webhook = environment.as_ref().and_then(|object| {
        let environment = object.0.as_ref().ok()?;
        environment.spec.operator.webhook.as_ref()
    });
    let signature = headers.get(webhook::SIGNATURE);
    let signature = signature.and_then(|value| value.to_str().ok());
    let (Some(webhook), Some(signature)) = (webhook, signature) else {
        return StatusCode::UNAUTHORIZED;
    };
    // An error would mean that the semaphore was closed, which nobody does.
    let _permit = server.checks.acquire().await.ok();
    let secret = match secrets::read(&context.client, &namespace, &webhook.secret_ref).await {
        Ok(secret) => secret,
        Err(trouble) => {
            tracing::warn!(%namespace, name, why = trouble.message, "no secret for webhooks");
            return StatusCode::SERVICE_UNAVAILABLE;
        }
    };
    match webhook::verify(signature, &body, &secret, context.clock.now()) {
        Ok(()) => {
            server.nudger.nudge(Name { namespace, name });
            StatusCode::OK
        }
        Err(why) => {
            tracing::warn!(%namespace, name, %why, "a webhook was refused");
            StatusCode::UNAUTHORIZED
        }
    }
}
