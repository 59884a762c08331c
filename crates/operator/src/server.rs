//! HTTP server of the operator: health, metrics and webhooks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::resource::{Name, PortalEnvironment};
use super::store::RECONCILE_REQUESTED;
use super::webhooks;
use portalctl_platform::clock::SharedClock;
use portalctl_platform::listen;

/// Content type of the metrics.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// State of the server.
#[derive(Clone)]
pub(super) struct Server {
    /// State that all tasks share.
    pub(super) context: Arc<Context>,
    /// Receiver of valid webhooks.
    pub(super) webhook_trigger: Arc<WebhookTrigger>,
    /// Memory of the webhooks' receiver.
    pub(super) webhooks: Arc<webhooks::Memory>,
}

impl Server {
    /// Creates the state of a server.
    pub(super) fn new(context: Arc<Context>, webhook_trigger: Arc<WebhookTrigger>) -> Self {
        Self {
            context,
            webhook_trigger,
            webhooks: Arc::new(webhooks::Memory::new()),
        }
    }
}

/// Returns all routes.
pub(super) fn router(server: Server) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/webhooks/{namespace}/{environment}", post(webhooks::take))
        .with_state(server)
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
async fn readyz(State(server): State<Server>) -> Response {
    if server.context.listed.is_done() {
        "ok\n".into_response()
    } else {
        let why = "the resources have not been listed yet\n";
        (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
    }
}

/// Answers with all metrics.
async fn metrics(State(server): State<Server>) -> Response {
    server.context.clients.count_waits();
    let term = server.context.term.borrow().clone();
    server.context.metrics.leads(&term);
    let headers = [(header::CONTENT_TYPE, FORMAT)];
    (headers, server.context.metrics.text()).into_response()
}

/// Time in which webhooks of one environment are combined to one request.
const GATHER: Duration = Duration::from_secs(1);

/// Requests for passes, passed on as an annotation of the environment that the leader sees by its
/// watch. At most one a second for each environment is sent, and none is lost.
#[derive(Debug, Default)]
pub(super) struct WebhookTrigger {
    requested: Mutex<BTreeSet<Name>>,
    added: Notify,
}

impl WebhookTrigger {
    fn requested(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests a pass of an environment.
    pub(super) fn trigger(&self, environment: Name) {
        self.requested().insert(environment);
        self.added.notify_one();
    }

    /// Passes requests on until it is told to stop.
    pub(super) async fn run(
        self: Arc<Self>,
        client: kube::Client,
        clock: SharedClock,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.added.notified() => {}
            }
            let names = std::mem::take(&mut *self.requested());
            for name in names {
                annotate(&client, &name, &clock.now().to_string()).await;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = clock.sleep(GATHER) => {}
            }
        }
    }
}

/// Writes the annotation that requests a pass.
async fn annotate(client: &kube::Client, name: &Name, at: &str) {
    let api: Api<PortalEnvironment> = Api::namespaced(client.clone(), &name.namespace);
    let body = json!({ "metadata": { "annotations": { RECONCILE_REQUESTED: at } } });
    let patch = Patch::Merge(&body);
    let patched = api.patch(&name.name, &PatchParams::default(), &patch).await;
    if let Err(error) = patched {
        tracing::warn!(environment = %name, %error, "a webhook could not be passed on to the leader");
    }
}
