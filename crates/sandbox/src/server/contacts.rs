//! The routes of IT contacts. Source: the official Rust SDK 3.5.0; newer than the API description,
//! and not in the official emulator 0.14.0.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};

use super::answer::{Answer, created, empty, ok};
use super::request::{Id, Ids, JsonBody};
use crate::shared::Core;
use crate::wire;
use crate::world::{read_contact, read_invitation};

/// Returns the routes, below an organization.
pub(super) fn routes() -> Router<Core> {
    Router::new()
        .route("/organizations/{id}/it_contacts", get(list).post(add))
        .route(
            "/organizations/{id}/it_contacts/{contact_id}",
            delete(remove),
        )
        .route(
            "/organizations/{id}/it_contacts/{contact_id}/invite",
            post(invite),
        )
        .route(
            "/organizations/{id}/it_contacts/{contact_id}/revoke",
            post(revoke),
        )
}

async fn list(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| Ok(ok(&wire::it_contacts(&world.it_contacts(&id)?))))
}

async fn add(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let email = read_contact(&body)?;
    core.world(|world, now| {
        let contact = world.create_it_contact(now, &id, &email)?;
        Ok(created(&wire::it_contact(contact)))
    })
}

async fn remove(State(core): State<Core>, Ids(id, contact): Ids) -> Answer {
    core.world(|world, _| world.delete_it_contact(&id, &contact))?;
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn invite(
    State(core): State<Core>,
    Ids(id, contact): Ids,
    JsonBody(body): JsonBody,
) -> Answer {
    let intents = read_invitation(&body)?;
    core.world(|world, now| world.invite_it_contact(now, &id, &contact, intents))?;
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn revoke(State(core): State<Core>, Ids(id, contact): Ids) -> Answer {
    core.world(|world, _| world.revoke_it_contact(&id, &contact))?;
    Ok(empty(StatusCode::NO_CONTENT))
}
