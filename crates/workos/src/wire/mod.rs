//! The API's JSON, read tolerantly into model types, and the bodies of writes.
//!
//! Official SDKs decode strictly: one object with a missing field fails a whole page. Here an
//! object needs its id and nothing else; a field that is missing or of another type counts as
//! absent, fields that this version does not know are skipped, and open enums keep raw values.
//! Private to `workos`: the sandbox must not share these shapes. Source of the shapes: the
//! schemas of the WorkOS API description named at each type.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::paging::{Keyed, PAGE_SIZE, Page};
use super::{
    Endpoint, InvalidLink, LinkRequest, NewOrganization, OrganizationPatch, PortalLink, SsoOptions,
    WebhookEndpoint,
};
use portalctl_model::desired::DeclaredDomainState;
use portalctl_model::observed::{
    AuditLogConfiguration, AuditLogState, Certificate, Connection, ConnectionState, Directory,
    DirectoryState, DomainState, Event, EventKind, ItContact, LogStream, LogStreamState,
    Organization, OrganizationDomain,
};
use portalctl_model::{Domain, ExternalUserId, Intent, OrganizationId};

/// Reason why an answer of status 2xx cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// Half a document, or another format: it may read well the next time.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not the API's.
    #[error("{object} without `{field}`")]
    Lacks {
        object: &'static str,
        field: &'static str,
    },
    /// More than was asked for: small objects take many times the memory that their text does.
    #[error("a page of {0} objects, where at most {PAGE_SIZE} were asked for")]
    Overlong(usize),
    /// A portal link that must not be shown or followed.
    #[error("the portal link {0}, so it is not used")]
    Link(InvalidLink),
}

/// Placeholder of a missing id until the object has been read.
const NO_ID: &str = "-";

/// A type that an answer is read into.
pub(super) trait FromWire: Sized {
    /// Reads it from an answer's JSON.
    fn from_wire(value: &Value) -> Result<Self, Unreadable>;

    /// Reads it as an object of a list: one object that lacks its id does not fail the whole page,
    /// and is read with an empty id.
    fn listed(value: &Value) -> Result<Self, Unreadable> {
        match Self::from_wire(value) {
            Err(Unreadable::Lacks { .. }) => {
                let mut object = value.as_object().cloned().unwrap_or_default();
                object.insert("id".to_owned(), Value::String(NO_ID.to_owned()));
                Self::from_wire(&Value::Object(object)).map(Self::without_id)
            }
            read => read,
        }
    }

    /// Takes the placeholder of a missing id away.
    #[must_use]
    fn without_id(self) -> Self {
        self
    }
}

/// Reads a body.
pub(super) fn decode<T: FromWire>(body: &[u8]) -> Result<T, Unreadable> {
    T::from_wire(&json(body)?)
}

/// Reads a body that is a page of as many objects as were asked for, or fewer.
pub(super) fn decode_page<T: FromWire>(body: &[u8]) -> Result<Page<T>, Unreadable> {
    let mut page: Page<T> = Page::from_wire(&json(body)?)?;
    if page.items.len() > PAGE_SIZE {
        return Err(Unreadable::Overlong(page.items.len()));
    }
    page.size = body.len();
    Ok(page)
}

/// Reads a body that holds a portal link: `PortalLinkResponse`.
pub(super) fn decode_link(body: &[u8], endpoint: &Endpoint) -> Result<PortalLink, Unreadable> {
    let link = required(&json(body)?, "a portal link", "link")?;
    PortalLink::parse(&link, endpoint).map_err(Unreadable::Link)
}

fn json(body: &[u8]) -> Result<Value, Unreadable> {
    // Never the body itself: it may hold a portal link.
    serde_json::from_slice(body).map_err(|error| Unreadable::NotJson(error.to_string()))
}

/// `OrganizationList`, `ConnectionList`, `DirectoryList`.
impl<T: FromWire> FromWire for Page<T> {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        let items = value.get("data").and_then(Value::as_array);
        let items = items.ok_or(Unreadable::Lacks {
            object: "a list",
            field: "data",
        })?;
        let metadata = value.get("list_metadata");
        Ok(Self {
            items: items.iter().map(T::listed).collect::<Result<_, _>>()?,
            after: metadata.and_then(|metadata| text(metadata, "after")),
            says_more: metadata.is_some_and(|metadata| metadata.get("after").is_some()),
            size: 0,
        })
    }
}

/// `Organization`
impl FromWire for Organization {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        let mut domains: Vec<OrganizationDomain> = list(value, "domains")
            .filter_map(|domain| domain_from_wire(domain).ok())
            .collect();
        domains.sort_by(|a, b| (&a.domain, &a.id).cmp(&(&b.domain, &b.id)));
        Ok(Self {
            id: OrganizationId::from_api(required(value, "an organization", "id")?),
            name: text(value, "name").unwrap_or_default(),
            external_id: text(value, "external_id"),
            stripe_customer_id: text(value, "stripe_customer_id"),
            allow_profiles_outside_organization: value
                .get("allow_profiles_outside_organization")
                .and_then(Value::as_bool),
            domains,
            metadata: metadata(value),
            created_at: time(value, "created_at"),
            updated_at: time(value, "updated_at"),
        })
    }

    fn without_id(mut self) -> Self {
        self.id = OrganizationId::from_api(String::new());
        self
    }
}

/// `OrganizationDomainStandAlone`
impl FromWire for OrganizationDomain {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        domain_from_wire(value)
    }
}

fn domain_from_wire(value: &Value) -> Result<OrganizationDomain, Unreadable> {
    Ok(OrganizationDomain {
        id: text(value, "id"),
        domain: Domain::from_api(&required(value, "a domain", "domain")?),
        state: DomainState::from_api(&text(value, "state").unwrap_or_default()),
        verification_prefix: text(value, "verification_prefix"),
        verification_token: text(value, "verification_token"),
        created_at: time(value, "created_at"),
        updated_at: time(value, "updated_at"),
    })
}

/// `ItContact` of the official Rust SDK 3.5.0.
impl FromWire for ItContact {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        Ok(Self {
            id: required(value, "an IT contact", "id")?,
            email: text(value, "email").unwrap_or_default(),
            created_at: time(value, "created_at"),
        })
    }

    fn without_id(mut self) -> Self {
        self.id.clear();
        self
    }
}

/// `WebhookEndpointJson`, without its secret.
impl FromWire for WebhookEndpoint {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        let events = value.get("events").and_then(Value::as_array);
        let events = events.into_iter().flatten().filter_map(Value::as_str);
        Ok(Self {
            id: required(value, "a webhook endpoint", "id")?,
            url: text(value, "endpoint_url")
                .or_else(|| text(value, "url"))
                .unwrap_or_default(),
            status: text(value, "status").unwrap_or_default(),
            events: events.map(str::to_owned).collect(),
        })
    }

    fn without_id(mut self) -> Self {
        self.id.clear();
        self
    }
}

impl Keyed for WebhookEndpoint {
    fn key(&self) -> &str {
        &self.id
    }
}

/// `UserlandUserOrganizationMembership`: nothing of it is of interest but that there is one.
pub(super) struct Membership;

impl FromWire for Membership {
    fn from_wire(_: &Value) -> Result<Self, Unreadable> {
        Ok(Self)
    }
}

/// `AuditLogsRetentionJson`
pub(super) struct Retention(pub(super) Option<u32>);

impl FromWire for Retention {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        let days = value.get("retention_period_in_days");
        match days.ok_or(Unreadable::Lacks {
            object: "a retention",
            field: "retention_period_in_days",
        })? {
            Value::Null => Ok(Self(None)),
            days => {
                let days = days.as_u64().and_then(|days| u32::try_from(days).ok());
                days.map(|days| Self(Some(days))).ok_or(Unreadable::Lacks {
                    object: "a retention",
                    field: "retention_period_in_days",
                })
            }
        }
    }
}

/// `Connection`; older answers spell `connection_type` `type` and `state` `status`.
impl FromWire for Connection {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        let state = match (text(value, "state"), text(value, "status").as_deref()) {
            (Some(state), _) => ConnectionState::from_api(&state),
            (None, Some("linked")) => ConnectionState::Active,
            (None, Some("unlinked")) => ConnectionState::Inactive,
            (None, status) => ConnectionState::from_api(status.unwrap_or_default()),
        };
        Ok(Self {
            id: required(value, "a connection", "id")?,
            organization_id: text(value, "organization_id").map(OrganizationId::from_api),
            name: text(value, "name").unwrap_or_default(),
            connection_type: text(value, "connection_type")
                .or_else(|| text(value, "type"))
                .unwrap_or_default(),
            state,
            created_at: time(value, "created_at"),
            updated_at: time(value, "updated_at"),
        })
    }

    fn without_id(mut self) -> Self {
        self.id.clear();
        self
    }
}

/// `Directory`
impl FromWire for Directory {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        Ok(Self {
            id: required(value, "a directory", "id")?,
            organization_id: text(value, "organization_id").map(OrganizationId::from_api),
            name: text(value, "name").unwrap_or_default(),
            directory_type: text(value, "type").unwrap_or_default(),
            state: DirectoryState::from_api(&text(value, "state").unwrap_or_default()),
            created_at: time(value, "created_at"),
            updated_at: time(value, "updated_at"),
        })
    }

    fn without_id(mut self) -> Self {
        self.id.clear();
        self
    }
}

/// `AuditLogConfiguration`; an older shape, the emulator's, has `enabled` instead of `state`.
impl FromWire for AuditLogConfiguration {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        if !value.is_object() {
            return Err(Unreadable::Lacks {
                object: "an audit-log configuration",
                field: "state",
            });
        }
        let enabled = value.get("enabled").and_then(Value::as_bool);
        let state = match (text(value, "state"), enabled) {
            (Some(state), _) => AuditLogState::from_api(&state),
            (None, Some(true)) => AuditLogState::Active,
            (None, Some(false)) => AuditLogState::Inactive,
            (None, None) => AuditLogState::Unknown(String::new()),
        };
        let stream = value.get("log_stream").filter(|stream| stream.is_object());
        Ok(Self {
            state,
            log_stream: stream.map(|stream| LogStream {
                id: text(stream, "id"),
                stream_type: text(stream, "type").unwrap_or_default(),
                state: LogStreamState::from_api(&text(stream, "state").unwrap_or_default()),
                last_synced_at: time(stream, "last_synced_at"),
                created_at: time(stream, "created_at"),
            }),
        })
    }
}

/// `SAMLIdpSigningCertificate`, newer than the API description: as the official SDK has it. The
/// certificate itself is not read.
impl FromWire for Certificate {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        Ok(Self {
            id: required(value, "a certificate", "id")?,
            not_after: time(value, "not_after"),
            created_at: time(value, "created_at"),
        })
    }

    fn without_id(mut self) -> Self {
        self.id.clear();
        self
    }
}

/// An event, whatever its `data`: certificate events name a connection, key events an organization,
/// domain events a domain.
impl FromWire for Event {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        let data = value.get("data").unwrap_or(&Value::Null);
        let connection = data.get("connection").unwrap_or(&Value::Null);
        let certificate = data.get("certificate").unwrap_or(&Value::Null);
        let domain = data.get("organization_domain").unwrap_or(&Value::Null);
        let organization = [data, connection, domain]
            .into_iter()
            .find_map(|part| text(part, "organization_id"));
        Ok(Self {
            id: required(value, "an event", "id")?,
            kind: EventKind::from_api(&text(value, "event").unwrap_or_default()),
            organization_id: organization
                .or_else(|| itself(data, "organization"))
                .map(OrganizationId::from_api),
            connection_id: text(connection, "id").or_else(|| itself(data, "connection")),
            certificate_ends: time(certificate, "expiry_date"),
            domain: text(domain, "domain")
                .or_else(|| itself(data, "organization_domain").and(text(data, "domain")))
                .map(|domain| Domain::from_api(&domain)),
            reason: text(data, "reason"),
            verified: data.get("verified").and_then(Value::as_bool),
            object_updated_at: time(data, "updated_at"),
            created_at: time(value, "created_at"),
        })
    }

    fn without_id(mut self) -> Self {
        self.id.clear();
        self
    }
}

/// The id of an event's object when that is all that the event's data holds.
fn itself(data: &Value, object: &str) -> Option<String> {
    text(data, "object")
        .filter(|kind| kind == object)
        .and_then(|_| text(data, "id"))
}

impl Keyed for Event {
    fn key(&self) -> &str {
        &self.id
    }
}

impl Keyed for Organization {
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Keyed for Connection {
    fn key(&self) -> &str {
        &self.id
    }
}

impl Keyed for Directory {
    fn key(&self) -> &str {
        &self.id
    }
}

/// `OrganizationDto`
pub(super) fn create_body(organization: &NewOrganization) -> Value {
    let NewOrganization {
        name,
        external_id,
        domains,
        metadata,
        allow_profiles_outside_organization,
    } = organization;
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(name));
    body.insert("external_id".to_owned(), json!(external_id));
    if !domains.is_empty() {
        let domains: Vec<Value> = domains
            .iter()
            .map(|(domain, state)| json!({"domain": domain, "state": declared_state(*state)}))
            .collect();
        body.insert("domain_data".to_owned(), domains.into());
    }
    if !metadata.is_empty() {
        body.insert("metadata".to_owned(), json!(metadata));
    }
    if let Some(allow) = allow_profiles_outside_organization {
        let field = "allow_profiles_outside_organization";
        body.insert(field.to_owned(), json!(allow));
    }
    body.into()
}

/// `UpdateOrganizationDto`, never with `domain_data`: whether that replaces or merges is not
/// documented.
pub(super) fn update_body(patch: &OrganizationPatch) -> Value {
    let OrganizationPatch {
        name,
        external_id,
        stripe_customer_id,
        allow_profiles_outside_organization,
        metadata,
        may_be_old: _,
    } = patch;
    let fields = [
        ("name", name.as_ref().map(|v| json!(v))),
        ("external_id", external_id.as_ref().map(|v| json!(v))),
        (
            "stripe_customer_id",
            stripe_customer_id.as_ref().map(|v| json!(v)),
        ),
        (
            "allow_profiles_outside_organization",
            allow_profiles_outside_organization.map(|v| json!(v)),
        ),
        ("metadata", metadata.as_ref().map(|v| json!(v))),
    ];
    object(fields)
}

/// `InviteItContact` of the official Rust SDK 3.5.0.
pub(super) fn invite_body(intents: &BTreeSet<Intent>) -> Value {
    let names: Vec<&str> = intents.iter().filter_map(|i| i.invite_name()).collect();
    json!({"intents": names})
}

/// `GenerateLinkDto`
pub(super) fn link_body(link: &LinkRequest) -> Value {
    let LinkRequest {
        organization,
        intent,
        return_url,
        success_url,
        external_user_id,
        sso,
        it_contacts,
    } = link;
    let options = |sso: &SsoOptions| {
        let provider = sso.provider_type.as_ref();
        let bookmark = sso.bookmark_slug.as_ref();
        let options = object([
            ("provider_type", provider.map(|v| json!(v))),
            ("bookmark_slug", bookmark.map(|v| json!(v))),
        ]);
        json!({ "sso": options })
    };
    object([
        ("organization", Some(json!(organization))),
        ("intent", Some(json!(intent))),
        ("return_url", return_url.as_ref().map(|v| json!(v))),
        ("success_url", success_url.as_ref().map(|v| json!(v))),
        (
            "external_user_id",
            external_user_id.as_ref().map(|v| json!(v)),
        ),
        ("intent_options", sso.is_some().then(|| options(sso))),
        (
            "it_contact_emails",
            (!it_contacts.is_empty()).then(|| json!(it_contacts)),
        ),
    ])
}

/// `RevokeLink` of the official Rust SDK 3.5.0.
pub(super) fn revoke_body(id: &OrganizationId, user: &ExternalUserId) -> Value {
    json!({"organization": id, "external_user_id": user})
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect::<Map<_, _>>()
        .into()
}

const fn declared_state(state: DeclaredDomainState) -> &'static str {
    match state {
        DeclaredDomainState::Pending => "pending",
        DeclaredDomainState::Verified => "verified",
    }
}

fn required(
    value: &Value,
    object: &'static str,
    field: &'static str,
) -> Result<String, Unreadable> {
    text(value, field).ok_or(Unreadable::Lacks { object, field })
}

/// A text field; absent when it is missing, empty or no text.
fn text(value: &Value, field: &str) -> Option<String> {
    let text = value.get(field)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn time(value: &Value, field: &str) -> Option<Timestamp> {
    value.get(field)?.as_str()?.parse().ok()
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Null reads as absent. Numbers and booleans keep their text: metadata is written back whole,
/// and what is not read would be lost.
fn metadata(value: &Value) -> BTreeMap<String, String> {
    let entries = value.get("metadata").and_then(Value::as_object);
    entries
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            Some((key.clone(), text))
        })
        .collect()
}

#[cfg(test)]
mod tests;
