//! Routes of the WorkOS API: each handler parses the request, calls the world, and answers.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use super::answer::{Answer, created, empty, ok};
use super::request::{Id, JsonBody, Params};
use super::{contacts, origin, webhook_endpoints};
use crate::shared::Core;
use crate::wire;
use crate::world::{
    Connection, ConnectionFilter, ConnectionInput, Directory, DirectoryFilter, EventFilter,
    FieldError, LinkInput, MembershipFilter, Order, OrganizationFilter, OrganizationInput,
    PageQuery, Refusal, World, read_retention,
};

/// Returns the routes that need an API key.
pub(super) fn routes() -> Router<Core> {
    Router::new()
        .route(
            "/organizations",
            get(list_organizations).post(create_organization),
        )
        .route(
            "/organizations/{id}",
            get(get_organization)
                .put(update_organization)
                .delete(delete_organization),
        )
        .route(
            "/organizations/external_id/{external_id}",
            get(get_organization_by_external_id),
        )
        .route(
            "/organizations/{id}/audit_log_configuration",
            get(get_audit_logs),
        )
        .route(
            "/organizations/{id}/audit_logs_retention",
            get(get_retention).put(set_retention),
        )
        .merge(contacts::routes())
        .route("/organization_domains", post(add_domain))
        .route(
            "/organization_domains/{id}",
            get(get_domain).delete(delete_domain),
        )
        .route("/organization_domains/{id}/verify", post(verify_domain))
        .route(
            "/connections",
            get(list_connections).post(create_connection),
        )
        .route(
            "/connections/{id}",
            get(get_connection).delete(delete_connection),
        )
        .route(
            "/connections/{id}/saml_idp_signing_certs",
            get(list_certificates),
        )
        .route("/directories", get(list_directories))
        .route(
            "/directories/{id}",
            get(get_directory).merge(delete(delete_directory)),
        )
        .route(
            "/user_management/organization_memberships",
            get(list_memberships),
        )
        .route("/events", get(list_events))
        .merge(webhook_endpoints::routes())
        .route("/portal/generate_link", post(generate_link))
        .route("/portal/revoke_link", post(revoke_link))
}

async fn list_organizations(State(core): State<Core>, params: Params) -> Answer {
    let query = params.page()?;
    let filter = OrganizationFilter {
        domains: params.many("domains"),
        search: params.one("search"),
    };
    core.read(|world| {
        let page = world.list_organizations(&query, &filter)?;
        Ok(ok(&wire::list(&page, |row| wire::organization(row))))
    })
}

async fn create_organization(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let input = OrganizationInput::read(&body)?;
    core.world(|world, now| {
        let organization = world.create_organization(now, input)?;
        Ok(created(&wire::organization(organization)))
    })
}

async fn get_organization(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| Ok(ok(&wire::organization(world.organization(&id)?))))
}

async fn get_organization_by_external_id(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| {
        let organization = world.organization_by_external_id(&id)?;
        Ok(ok(&wire::organization(organization)))
    })
}

async fn update_organization(
    State(core): State<Core>,
    Id(id): Id,
    JsonBody(body): JsonBody,
) -> Answer {
    let input = OrganizationInput::read(&body)?;
    core.world(|world, now| {
        let organization = world.update_organization(now, &id, input)?;
        Ok(ok(&wire::organization(organization)))
    })
}

/// 202: the description knows 200 and 202 here, no 204.
async fn delete_organization(State(core): State<Core>, Id(id): Id) -> Answer {
    core.world(|world, now| world.delete_organization(now, &id))?;
    Ok(empty(StatusCode::ACCEPTED))
}

async fn get_audit_logs(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| Ok(ok(&wire::audit_logs(&id, &world.audit_logs(&id)?))))
}

async fn get_retention(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| Ok(ok(&retention(world.retention(&id)?))))
}

async fn set_retention(State(core): State<Core>, Id(id): Id, JsonBody(body): JsonBody) -> Answer {
    let days = read_retention(&body)?;
    core.world(|world, _| world.set_retention(&id, days))?;
    Ok(ok(&retention(Some(days))))
}

fn retention(days: Option<u32>) -> Value {
    json!({ "retention_period_in_days": days })
}

async fn add_domain(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let organization = required(&body, "organization_id");
    let domain = required(&body, "domain");
    let (organization, domain) = both(organization, domain)?;
    core.world(|world, now| {
        let domain = world.add_domain(now, &organization, &domain)?;
        Ok(created(&wire::domain(domain)))
    })
}

async fn get_domain(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| Ok(ok(&wire::domain(world.domain(&id)?))))
}

async fn delete_domain(State(core): State<Core>, Id(id): Id) -> Answer {
    core.world(|world, now| world.delete_domain(now, &id))?;
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn verify_domain(State(core): State<Core>, Id(id): Id) -> Answer {
    core.world(|world, now| Ok(created(&wire::domain(world.verify_domain(now, &id)?))))
}

async fn list_connections(State(core): State<Core>, params: Params) -> Answer {
    let query = params.page()?;
    let filter = ConnectionFilter {
        organization_id: params.one("organization_id"),
        connection_type: params.one("connection_type"),
        domain: params.one("domain"),
        search: params.one("search"),
    };
    core.read(|world| {
        let page = world.list_connections(&query, &filter)?;
        Ok(ok(&wire::list(&page, |row| connection(world, row))))
    })
}

async fn create_connection(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let input = ConnectionInput::read(&body)?;
    core.world(|world, now| {
        let id = world.get_or_create_connection(now, input)?.id.clone();
        Ok(created(&connection(world, world.connection(&id)?)))
    })
}

async fn get_connection(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| Ok(ok(&connection(world, world.connection(&id)?))))
}

async fn list_certificates(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| Ok(ok(&wire::certificates(world.certificates(&id)?))))
}

async fn delete_connection(State(core): State<Core>, Id(id): Id) -> Answer {
    core.world(|world, now| world.delete_connection(now, &id))?;
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn list_directories(State(core): State<Core>, params: Params) -> Answer {
    let query = params.page()?;
    let filter = DirectoryFilter {
        organization_id: params.one("organization_id"),
        domain: params.one("domain"),
        search: params.one("search"),
    };
    core.read(|world| {
        let page = world.list_directories(&query, &filter)?;
        Ok(ok(&wire::list(&page, |row| directory(world, row))))
    })
}

async fn get_directory(State(core): State<Core>, Id(id): Id) -> Answer {
    core.read(|world| Ok(ok(&directory(world, world.directory(&id)?))))
}

/// 202: the description knows 200 and 202 here, no 204.
async fn delete_directory(State(core): State<Core>, Id(id): Id) -> Answer {
    core.world(|world, now| world.delete_directory(now, &id))?;
    Ok(empty(StatusCode::ACCEPTED))
}

async fn list_memberships(State(core): State<Core>, params: Params) -> Answer {
    let query = params.page()?;
    let filter = MembershipFilter {
        organization_id: params.one("organization_id"),
        user_id: params.one("user_id"),
        statuses: params.many("statuses"),
    };
    core.read(|world| {
        let page = world.list_memberships(&query, &filter)?;
        Ok(ok(&wire::list(&page, |row| wire::membership(row))))
    })
}

/// Lists events, oldest first, whatever `order` and `before` say.
///
/// Sources: the reference of `GET /events`; workos-node#1610 for `order` and `before`.
async fn list_events(State(core): State<Core>, params: Params) -> Answer {
    let query = PageQuery {
        before: None,
        order: Order::Asc,
        ..params.page()?
    };
    let filter = EventFilter {
        events: params.many("events"),
        organization_id: params.one("organization_id"),
        range_start: params.time("range_start")?,
        range_end: params.time("range_end")?,
    };
    let now = core.now();
    core.read(|world| {
        let page = world.list_events(now, &query, &filter)?;
        Ok(ok(&wire::list(&page, |row| wire::event(row))))
    })
}

async fn generate_link(
    State(core): State<Core>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Answer {
    let input = LinkInput::read(&body)?;
    let origin = origin::of_links(core.base_url(), core.audience(), &headers);
    core.world(|world, now| {
        let token = world.generate_link(now, input)?;
        Ok(created(
            &json!({ "link": format!("{origin}/portal/{token}") }),
        ))
    })
}

async fn revoke_link(State(core): State<Core>, JsonBody(body): JsonBody) -> Answer {
    let organization = required(&body, "organization");
    let user = required(&body, "external_user_id");
    let (organization, user) = both(organization, user)?;
    core.world(|world, _| world.revoke_links(&organization, &user))?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Renders a connection with its organization's domains.
pub(super) fn connection(world: &World, row: &Connection) -> Value {
    wire::connection(row, world.organization(&row.organization_id).ok())
}

/// Renders a directory with its organization's domain.
pub(super) fn directory(world: &World, row: &Directory) -> Value {
    wire::directory(row, world.organization(&row.organization_id).ok())
}

/// Returns a required text of a body.
fn required(body: &Value, field: &str) -> Result<String, FieldError> {
    match body.get(field).and_then(Value::as_str) {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(FieldError::new(field, "required")),
    }
}

/// Returns both texts, or all problems with them.
fn both(
    one: Result<String, FieldError>,
    other: Result<String, FieldError>,
) -> Result<(String, String), Refusal> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => Err(Refusal::Invalid(
            one.err().into_iter().chain(other.err()).collect(),
        )),
    }
}
