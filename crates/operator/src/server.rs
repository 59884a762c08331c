//! The operator's server: health, metrics, webhooks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
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
use super::resource::Name;
use super::resource::PortalEnvironment;
use super::store::RECONCILE_REQUESTED;
use super::{kube_api, run};
use portalctl_manifest::kubernetes::KeyRef;
use portalctl_platform::clock::SharedClock;
use portalctl_platform::listen;
use portalctl_workos::webhook::{SIGNATURE, Signature};

/// The largest webhook that is read.
const MAX_BODY: usize = 1024 * 1024;
/// How long a webhook may take to come.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);
/// How many webhooks are read at a time, so that their memory has a bound. WorkOS sends one that is
/// turned away again, and the schedule look without it.
const CONCURRENT_BODIES: usize = 32;
/// How many webhooks are checked at once: each takes a request to the API server, whoever sent it.
const CONCURRENT_CHECKS: usize = 4;
/// The format of the metrics.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the server answers from.
#[derive(Clone)]
pub(super) struct Server {
    /// What all tasks share.
    pub(super) context: Arc<Context>,
    /// Where webhooks go.
    pub(super) webhook_trigger: Arc<WebhookTrigger>,
    bodies: Arc<Semaphore>,
    checks: Arc<Semaphore>,
}

impl Server {
    /// Answers from a context; webhooks go to the webhook_trigger.
    pub(super) fn new(context: Arc<Context>, webhook_trigger: Arc<WebhookTrigger>) -> Self {
        Self {
            context,
            webhook_trigger,
            bodies: Arc::new(Semaphore::new(CONCURRENT_BODIES)),
            checks: Arc::new(Semaphore::new(CONCURRENT_CHECKS)),
        }
    }
}

/// All routes.
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
    server.context.clients.count_waits();
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
    request: Request,
) -> StatusCode {
    let environment = Name { namespace, name };
    match checked(&server, &environment, request).await {
        Ok(()) => {
            server.webhook_trigger.trigger(environment);
            StatusCode::OK
        }
        Err(status) => status,
    }
}

/// Whether a webhook is WorkOS's. What can be refused is refused before it is read, and before the
/// API server is asked.
async fn checked(server: &Server, environment: &Name, request: Request) -> Result<(), StatusCode> {
    let refused = |why: &dyn std::fmt::Display| {
        tracing::warn!(%environment, %why, "a webhook was refused");
        StatusCode::UNAUTHORIZED
    };
    let context = &server.context;
    let (parts, body) = request.into_parts();
    // Whoever is not WorkOS learns nothing about which environments there are.
    let header = signature(&parts.headers).ok_or(StatusCode::UNAUTHORIZED)?;
    let secret = secret_of(server, environment).ok_or(StatusCode::UNAUTHORIZED)?;
    let signature = Signature::read(header, context.clock.now()).map_err(|why| refused(&why))?;
    let _room = server
        .bodies
        .try_acquire()
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let body = read(server, body).await?;
    // An error would mean that the semaphore was closed, which nobody does.
    let _turn = server.checks.acquire().await.ok();
    let secret = kube_api::read_secret(&context.client, &environment.namespace, &secret)
        .await
        .map_err(|blocked| {
            tracing::warn!(%environment, why = blocked.message, "no secret for webhooks");
            StatusCode::SERVICE_UNAVAILABLE
        })?;
    signature
        .verify(&body, &secret)
        .map_err(|why| refused(&why))
}

fn signature(headers: &HeaderMap) -> Option<&str> {
    headers.get(SIGNATURE)?.to_str().ok()
}

/// Where the secret is by which an environment's webhooks are signed, if it takes any.
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

/// How long nudges are gathered.
const GATHER: Duration = Duration::from_secs(1);

/// The environments that are to be looked at.
#[derive(Debug, Default)]
pub(super) struct WebhookTrigger {
    waiting: Mutex<BTreeSet<Name>>,
    more: Notify,
}

impl WebhookTrigger {
    /// Something has happened in an environment.
    pub(super) fn trigger(&self, environment: Name) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(environment);
        self.more.notify_one();
    }

    /// Passes nudges on until it is told to stop.
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
                () = self.more.notified() => {}
            }
            let names = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *waiting)
            };
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

async fn annotate(client: &kube::Client, name: &Name, at: &str) {
    let api: Api<PortalEnvironment> = Api::namespaced(client.clone(), &name.namespace);
    let body = json!({ "metadata": { "annotations": { RECONCILE_REQUESTED: at } } });
    let patch = Patch::Merge(&body);
    let patched = api.patch(&name.name, &PatchParams::default(), &patch).await;
    if let Err(error) = patched {
        tracing::warn!(environment = %name, %error, "a webhook was not passed on");
    }
}
