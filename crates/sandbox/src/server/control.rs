//! The control API: `/_sandbox/…`, which is no part of WorkOS. Tests and demos play the customer
//! with it. It needs no key and answers this machine only; bodies must be sent as JSON, which a
//! web page from elsewhere cannot do.
//!
//! | route | body | does |
//! |---|---|---|
//! | `GET state` | | everything there is |
//! | `POST load` | a scenario | adds a scenario's organizations |
//! | `PUT rules` | `{metadata_on_put?, deletion_delay?, auto_finish_seconds?}` | changes how it behaves |
//! | `POST organizations/{org}/finish` | `{intent, domain?}` | what the portal's button does |
//! | `POST organizations/{org}/connections` | `{state?, type?, name?}` | a new connection |
//! | `POST organizations/{org}/directories` | `{state?, type?, name?}` | a new directory |
//! | `POST organizations/{org}/members` | `{status?}` | a new member |
//! | `PUT organizations/{org}/audit_logs` | `{state?, access?}` | sets up audit logs |
//! | `PUT organizations/{org}/log_stream` | `{state?, type?}` | sets up the log stream |
//! | `DELETE organizations/{org}/log_stream` | | removes it |
//! | `POST organizations/{org}/byok` | `{event, provider?}` | tells of the customer's own key |
//! | `PUT connections/{id}` | `{state}` | moves it to a state |
//! | `PUT connections/{id}/certificates` | `{days: [10, -5]}` | when its certificates run out |
//! | `PUT directories/{id}` | `{state}` | moves it to a state |
//! | `PUT organization_domains/{id}` | `{state?, reason?, record_published?}` | plays DNS |
//!
//! `{org}` is an id or an external id. States are WorkOS's, or any other text, to play a WorkOS
//! newer than the client. Faults and webhooks have routes of their own, in `tuning`.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post, put};
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::{Answer, created, empty, ok, problem};
use super::api::{connection, directory};
use super::request::{Id, JsonBody};
use crate::scenario::Scenario;
use crate::shared::Core;
use crate::wire;
use crate::world::{
    Access, AuditLogState, ByokEvent, ConnectionState, DirectoryState, DomainState, FailureReason,
    KeyProvider, LogStreamState, MembershipStatus, NewConnection, NewDirectory, Refusal, Rules,
    World,
};
use portalctl_model::intent::Intent;

/// Returns the routes of the control API.
pub(super) fn routes() -> Router<Core> {
    Router::new()
        .route("/_sandbox/state", get(state))
        .route("/_sandbox/load", post(load))
        .route("/_sandbox/rules", put(set_rules))
        .route("/_sandbox/organizations/{id}/finish", post(finish))
        .route(
            "/_sandbox/organizations/{id}/connections",
            post(new_connection),
        )
        .route(
            "/_sandbox/organizations/{id}/directories",
            post(new_directory),
        )
        .route("/_sandbox/organizations/{id}/members", post(new_member))
        .route(
            "/_sandbox/organizations/{id}/audit_logs",
            put(set_audit_logs),
        )
        .route(
            "/_sandbox/organizations/{id}/log_stream",
            put(set_log_stream).delete(remove_log_stream),
        )
        .route("/_sandbox/organizations/{id}/byok", post(tell_byok))
        .route("/_sandbox/connections/{id}", put(set_connection))
        .route(
            "/_sandbox/connections/{id}/certificates",
            put(set_certificates),
        )
        .route("/_sandbox/directories/{id}", put(set_directory))
        .route("/_sandbox/organization_domains/{id}", put(set_domain))
        .layer(from_fn(json_only))
}

/// Refuses bodies that are not declared as JSON: a browser sends other kinds to any host without
/// asking first.
pub(super) async fn json_only(request: Request, next: Next) -> Response {
    let declared = request.headers().get(header::CONTENT_TYPE);
    let is_json = declared
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    // Browsers ask before they send these to another host, and are not answered.
    let is_safe = matches!(request.method().as_str(), "GET" | "HEAD" | "PUT" | "DELETE");
    if is_json || is_safe {
        return next.run(request).await;
    }
    problem(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send the body with `Content-Type: application/json`.",
    )
}

async fn state(State(core): State<Core>) -> Answer {
    let now = core.now();
    core.read(|world| {
        let organizations: Vec<Value> = world
            .organizations()
            .map(|organization| {
                let id = &organization.id;
                let certificates: BTreeMap<_, _> = world
                    .connections_of(id)
                    .map(|row| (&row.id, wire::certificates(&row.certificates)))
                    .collect();
                let contacts = world.it_contacts(id).unwrap_or_default();
                let members = world.memberships_of(id).map(wire::membership);
                let connections = world.connections_of(id).map(|row| connection(world, row));
                let directories = world.directories_of(id).map(|row| directory(world, row));
                let logs = world.audit_logs(id).map(|logs| wire::audit_logs(id, &logs));
                json!({
                    "organization": wire::organization(organization),
                    "connections": connections.collect::<Vec<_>>(),
                    "saml_idp_signing_certs": certificates,
                    "directories": directories.collect::<Vec<_>>(),
                    "it_contacts": wire::it_contacts(&contacts),
                    "organization_memberships": members.collect::<Vec<_>>(),
                    "invitation": world.invitation(now, id),
                    "audit_log_configuration": logs.ok(),
                })
            })
            .collect();
        Ok(ok(&json!({ "organizations": organizations })))
    })
}

async fn load(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let scenario: Scenario = read(body)?;
    core.world(|world, now| {
        scenario
            .build(world, now)
            .map_err(|error| Refusal::InvalidBody(error.to_string()))?;
        Ok(ok(&json!({ "organizations": world.organization_count() })))
    })
}

async fn set_rules(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let rules: Rules = read(body)?;
    core.world(|world, _| *world.rules_mut() = rules);
    Ok(ok(&json!(rules)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    intent: Intent,
    domain: Option<String>,
}

async fn finish(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let Finish { intent, domain } = read(body)?;
    core.world(|world, now| {
        let id = organization_id(world, &id)?;
        world.finish_intent(now, &id, intent, domain.as_deref())?;
        Ok(ok(&json!({ "organization_id": id, "intent": intent })))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewObject<S> {
    state: Option<S>,
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
}

async fn new_connection(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let NewObject { state, kind, name } = read(body)?;
    core.world(|world, now| {
        let new = NewConnection {
            organization_id: organization_id(world, &id)?,
            name,
            connection_type: kind.unwrap_or_else(|| "OktaSAML".to_owned()),
            state: state.unwrap_or(ConnectionState::Active),
        };
        let id = world.create_connection(now, new)?.id.clone();
        Ok(created(&connection(world, world.connection(&id)?)))
    })
}

async fn new_directory(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let NewObject { state, kind, name } = read(body)?;
    core.world(|world, now| {
        let new = NewDirectory {
            organization_id: organization_id(world, &id)?,
            name,
            directory_type: kind.unwrap_or_else(|| "okta scim v2.0".to_owned()),
            state: state.unwrap_or(DirectoryState::Linked),
        };
        let id = world.create_directory(now, new)?.id.clone();
        Ok(created(&directory(world, world.directory(&id)?)))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMember {
    status: Option<MembershipStatus>,
}

async fn new_member(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let NewMember { status } = read(body)?;
    let status = status.unwrap_or(MembershipStatus::Active);
    core.world(|world, now| {
        let id = organization_id(world, &id)?;
        Ok(created(&wire::membership(
            world.add_member(now, &id, status)?,
        )))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewState<S> {
    state: S,
}

async fn set_connection(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let NewState { state } = read::<NewState<ConnectionState>>(body)?;
    core.world(|world, now| {
        world.set_connection_state(now, &id, state)?;
        Ok(ok(&connection(world, world.connection(&id)?)))
    })
}

async fn set_directory(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let NewState { state } = read::<NewState<DirectoryState>>(body)?;
    core.world(|world, now| {
        world.set_directory_state(now, &id, state)?;
        Ok(ok(&directory(world, world.directory(&id)?)))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainChange {
    state: Option<DomainState>,
    reason: Option<FailureReason>,
    record_published: Option<bool>,
}

async fn set_domain(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let change: DomainChange = read(body)?;
    core.world(|world, now| {
        if let Some(published) = change.record_published {
            if published {
                world.publish_record(&id)?;
            } else {
                world.remove_record(&id)?;
            }
        }
        if let Some(state) = change.state {
            world.set_domain_state(now, &id, state, change.reason)?;
        }
        Ok(ok(&wire::domain(world.domain(&id)?)))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditLogsChange {
    state: Option<AuditLogState>,
    access: Option<Access>,
}

async fn set_audit_logs(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let AuditLogsChange { state, access } = read(body)?;
    core.world(|world, _| {
        let id = organization_id(world, &id)?;
        let state = state.unwrap_or(AuditLogState::Active);
        world.set_audit_logs(&id, state, access.unwrap_or_default())?;
        Ok(empty(StatusCode::NO_CONTENT))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogStreamChange {
    state: Option<LogStreamState>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

async fn set_log_stream(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let LogStreamChange { state, kind } = read(body)?;
    core.world(|world, now| {
        let id = organization_id(world, &id)?;
        let kind = kind.as_deref().unwrap_or("Datadog");
        let state = state.unwrap_or(LogStreamState::Active);
        world.set_log_stream(now, &id, kind, state)?;
        Ok(empty(StatusCode::NO_CONTENT))
    })
}

async fn remove_log_stream(State(core): State<Core>, Id(id): Id) -> Answer {
    core.world(|world, _| {
        let id = organization_id(world, &id)?;
        world.remove_log_stream(&id)?;
        Ok(empty(StatusCode::NO_CONTENT))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Byok {
    event: ByokEvent,
    #[serde(default)]
    provider: KeyProvider,
}

async fn tell_byok(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let Byok { event, provider } = read(body)?;
    core.world(|world, now| {
        let id = organization_id(world, &id)?;
        world.tell_byok(now, &id, event, provider)?;
        Ok(empty(StatusCode::NO_CONTENT))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificates {
    /// Days until each certificate expires.
    days: Vec<i32>,
}

async fn set_certificates(
    State(core): State<Core>,
    Id(id): Id,
    JsonBody(body): JsonBody,
) -> Answer {
    let Certificates { days } = read(body)?;
    core.world(|world, now| {
        let end = |days: &i32| {
            let hours = SignedDuration::from_hours(24 * i64::from(*days));
            now.checked_add(hours).unwrap_or(now)
        };
        let ends: Vec<_> = days.iter().map(end).collect();
        world.set_certificates(now, &id, &ends)?;
        Ok(ok(&wire::certificates(world.certificates(&id)?)))
    })
}

/// Returns the id of the organization with this id or external id.
fn organization_id(world: &World, text: &str) -> Result<String, Refusal> {
    let organization = world
        .organization(text)
        .or_else(|_| world.organization_by_external_id(text))?;
    Ok(organization.id.clone())
}

/// Parses a body strictly: a mistyped field in a test should not pass in silence.
pub(super) fn read<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(|error| Refusal::InvalidBody(error.to_string()))
}
