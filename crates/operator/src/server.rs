//! HTTP server of the operator: health, metrics and webhooks.
//!
//! A webhook that is signed by WorkOS requests a pass of its environment; its content is not used.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::runtime::reflector::ObjectRef;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::kube_api;
use super::resource::{Name, PortalEnvironment};
use super::store::RECONCILE_REQUESTED;
use portalctl_manifest::kubernetes::KeyRef;
use portalctl_platform::clock::SharedClock;
use portalctl_platform::listen;
use portalctl_workos::webhook::{SIGNATURE, Signature};

/// Largest body of a webhook, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// Time in which the body of a webhook has to arrive.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);
/// Webhooks that are read at a time, so that their memory has a bound. WorkOS sends a refused one
/// again, and polling goes on without it.
const CONCURRENT_BODIES: usize = 32;
/// Webhooks that are verified at once: each takes a request to the API server, whoever sent it.
const CONCURRENT_CHECKS: usize = 4;
/// Content type of the metrics.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// State of the server.
#[derive(Clone)]
pub(super) struct Server {
    /// State that all tasks share.
    context: Arc<Context>,
    /// Receiver of valid webhooks.
    webhook_trigger: Arc<WebhookTrigger>,
    bodies: Arc<Semaphore>,
    checks: Arc<Semaphore>,
}

impl Server {
    /// Creates the state of a server.
    pub(super) fn new(context: Arc<Context>, webhook_trigger: Arc<WebhookTrigger>) -> Self {
        Self {
            context,
            webhook_trigger,
            bodies: Arc::new(Semaphore::new(CONCURRENT_BODIES)),
            checks: Arc::new(Semaphore::new(CONCURRENT_CHECKS)),
        }
    }
}

/// Returns all routes.
pub(super) fn router(server: Server) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/webhooks/{namespace}/{environment}", post(take_webhook))
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

/// Requests a pass if a webhook is valid. The events themselves are read from WorkOS.
async fn take_webhook(
    State(server): State<Server>,
    Path((namespace, name)): Path<(String, String)>,
    request: Request,
) -> StatusCode {
    let environment = Name { namespace, name };
    match verify(&server, &environment, request).await {
        Ok(()) => {
            server.webhook_trigger.trigger(environment);
            StatusCode::OK
        }
        Err(status) => status,
    }
}

/// Verifies the signature of a webhook. Everything that can be refused early is refused before the
/// body is read, and before a request to the API server.
async fn verify(server: &Server, environment: &Name, request: Request) -> Result<(), StatusCode> {
    let refused = |why: &dyn std::fmt::Display| {
        tracing::warn!(%environment, %why, "a webhook was refused");
        StatusCode::UNAUTHORIZED
    };
    let context = &server.context;
    let (parts, body) = request.into_parts();
    // A stranger learns nothing about which environments exist.
    let header = signature(&parts.headers).ok_or(StatusCode::UNAUTHORIZED)?;
    let secret = secret_of(server, environment).ok_or(StatusCode::UNAUTHORIZED)?;
    let signature = Signature::read(header, context.clock.now()).map_err(|why| refused(&why))?;
    let _room = server
        .bodies
        .try_acquire()
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let body = read(server, body).await?;
    let turn = server.checks.acquire().await;
    let _turn = turn.expect("the semaphore is never closed");
    let secret = kube_api::read_secret(&context.client, &environment.namespace, &secret)
        .await
        .map_err(|blocked| {
            tracing::warn!(%environment, why = blocked.message, "the secret of webhooks could not be read");
            StatusCode::SERVICE_UNAVAILABLE
        })?;
    signature
        .verify(&body, &secret)
        .map_err(|why| refused(&why))
}

fn signature(headers: &HeaderMap) -> Option<&str> {
    headers.get(SIGNATURE)?.to_str().ok()
}

/// Returns the place of the webhook secret of an environment, if it has one.
fn secret_of(server: &Server, environment: &Name) -> Option<KeyRef> {
    let reference = ObjectRef::new(&environment.name).within(&environment.namespace);
    let object = server.context.environments.get(&reference)?;
    let webhook = object.read().ok()?.spec.operator.webhook.as_ref()?;
    Some(webhook.secret_ref.clone())
}

async fn read(server: &Server, body: Body) -> Result<Bytes, StatusCode> {
    tokio::select! {
        body = to_bytes(body, MAX_BODY) => body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE),
        () = server.context.clock.sleep(MAX_BODY_TIME) => Err(StatusCode::REQUEST_TIMEOUT),
    }
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
