//! Routes of webhook endpoints. Endpoints on this machine receive their events; others are stored
//! only, because a sandbox sends nothing elsewhere.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, patch};
use secrecy::SecretString;

use super::answer::{Answer, created, empty, ok};
use super::request::{Id, JsonBody, Params};
use crate::shared::Core;
use crate::webhook::Endpoint;
use crate::wire;
use crate::world::{WebhookEndpoint, WebhookEndpointInput};

/// Returns the routes.
pub(super) fn routes() -> Router<Core> {
    Router::new()
        .route("/webhook_endpoints", get(list).post(create))
        .route("/webhook_endpoints/{id}", patch(update).delete(remove))
}

async fn list(State(core): State<Core>, params: Params) -> Answer {
    let query = params.page()?;
    core.read(|world| {
        let page = world.list_webhook_endpoints(&query)?;
        Ok(ok(&wire::list(&page, |row| wire::webhook_endpoint(row))))
    })
}

async fn create(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let input = WebhookEndpointInput::read(&body)?;
    let made = core.world(|world, now| world.create_webhook_endpoint(now, input).cloned())?;
    Ok(kept(&core, &made, created))
}

async fn update(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let input = WebhookEndpointInput::read(&body)?;
    let changed =
        core.world(|world, now| world.update_webhook_endpoint(now, &id, input).cloned())?;
    Ok(kept(&core, &changed, ok))
}

async fn remove(State(core): State<Core>, Id(id): Id) -> Answer {
    core.world(|world, _| world.delete_webhook_endpoint(&id))?;
    core.webhooks(|webhooks| webhooks.remove(&id));
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Registers an endpoint for delivery as it is now, and answers with it.
fn kept(
    core: &Core,
    endpoint: &WebhookEndpoint,
    answer: impl Fn(&serde_json::Value) -> Response,
) -> Response {
    let WebhookEndpoint {
        id,
        endpoint_url,
        secret,
        is_enabled,
        events,
        ..
    } = endpoint;
    let secret = SecretString::from(secret.clone());
    core.webhooks(|webhooks| {
        webhooks.remove(id);
        if *is_enabled && let Ok(target) = Endpoint::new(endpoint_url, &secret) {
            webhooks.add(target.subscribed(id, events));
        }
    });
    answer(&wire::webhook_endpoint(endpoint))
}
