//! Receiver of WorkOS's webhooks. A webhook with a good signature requests a pass of its
//! environment; its content is not used.
//!
//! Anybody can send one. A stranger's costs no request to the API server, takes no room from other
//! environments, and writes a line to the log only now and then.

mod memory;
#[cfg(test)]
mod tests;
mod trigger;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use kube::runtime::reflector::ObjectRef;

use super::context::Context;
use super::resource::Name;
use memory::{Known, Memory};
use portalctl_manifest::kubernetes::KeyRef;
use portalctl_workos::webhook::{SIGNATURE, Signature};

pub(super) use trigger::WebhookTrigger;

/// Largest body of a webhook, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// Time in which the body of a webhook has to arrive.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);

/// State of the receiver.
#[derive(Clone)]
pub(super) struct Receiver {
    /// State that all tasks share.
    pub(super) context: Arc<Context>,
    /// Receiver of valid webhooks.
    trigger: Arc<WebhookTrigger>,
    memory: Arc<Memory>,
}

impl Receiver {
    /// Creates a receiver that knows no environment yet.
    pub(super) fn new(context: Arc<Context>, trigger: Arc<WebhookTrigger>) -> Self {
        Self {
            context,
            trigger,
            memory: Arc::new(Memory::new()),
        }
    }
}

/// Outcome of a webhook that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    /// Value of the label `outcome`.
    outcome: &'static str,
}

impl Refusal {
    const UNSIGNED: Self = Self::new(StatusCode::UNAUTHORIZED, "refused");
    const TOO_MANY: Self = Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many");
    const NO_SECRET: Self = Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_secret");
    const TOO_LARGE: Self = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "refused");
    const TOO_SLOW: Self = Self::new(StatusCode::REQUEST_TIMEOUT, "refused");

    const fn new(status: StatusCode, outcome: &'static str) -> Self {
        Self { status, outcome }
    }
}

/// Requests a pass if a webhook is valid. The events themselves are read from WorkOS.
pub(super) async fn take(
    State(receiver): State<Receiver>,
    Path((namespace, name)): Path<(String, String)>,
    request: Request,
) -> StatusCode {
    let environment = Name { namespace, name };
    let verified = verify(&receiver, &environment, request).await;
    let metrics = &receiver.context.metrics;
    match verified {
        Ok(()) => {
            metrics.webhook("taken");
            receiver.trigger.trigger(environment);
            StatusCode::OK
        }
        Err(refusal) => {
            metrics.webhook(refusal.outcome);
            refusal.status
        }
    }
}

/// Verifies the signature of a webhook. Everything that can be refused early is refused before the
/// body is read.
async fn verify(receiver: &Receiver, environment: &Name, request: Request) -> Result<(), Refusal> {
    let context = &receiver.context;
    let (parts, body) = request.into_parts();
    // A stranger learns nothing about which environments exist.
    let header = signature(&parts.headers).ok_or(Refusal::UNSIGNED)?;
    let reference = secret_of(context, environment).ok_or(Refusal::UNSIGNED)?;
    let known = receiver.memory.of(environment, context.clock.instant());
    let refused = |why: &dyn std::fmt::Display| {
        refuse(&known, context, environment, why);
        Refusal::UNSIGNED
    };
    let signature = Signature::read(header, context.clock.now()).map_err(|why| refused(&why))?;
    let _room = receiver.memory.room(&known).ok_or(Refusal::TOO_MANY)?;
    let body = read(context, body).await?;
    let secret = known.secret(context, environment, &reference).await;
    let secret = secret.ok_or(Refusal::NO_SECRET)?;
    signature
        .verify(&body, &secret)
        .map_err(|why| refused(&why))
}

/// Logs a refused webhook, unless one of the environment was logged just now.
fn refuse(known: &Known, context: &Context, environment: &Name, why: &dyn std::fmt::Display) {
    if let Some(more) = known.log_turn(context.clock.instant()) {
        tracing::warn!(%environment, %why, more, "a webhook was refused");
    }
}

fn signature(headers: &HeaderMap) -> Option<&str> {
    headers.get(SIGNATURE)?.to_str().ok()
}

/// Returns the place of the webhook secret of an environment, if it has one.
fn secret_of(context: &Context, environment: &Name) -> Option<KeyRef> {
    let reference = ObjectRef::new(&environment.name).within(&environment.namespace);
    let object = context.environments.get(&reference)?;
    let webhook = object.read().ok()?.spec.operator.webhook.as_ref()?;
    Some(webhook.secret_ref.clone())
}

async fn read(context: &Arc<Context>, body: Body) -> Result<Bytes, Refusal> {
    tokio::select! {
        body = to_bytes(body, MAX_BODY) => body.map_err(|_| Refusal::TOO_LARGE),
        () = context.clock.sleep(MAX_BODY_TIME) => Err(Refusal::TOO_SLOW),
    }
}
