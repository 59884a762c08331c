//! JSON shapes of the WorkOS API.
//!
//! They are not shared with the client on purpose: a fake built from the client's types agrees with
//! the client's mistakes. Source: the schemas of the API description, named at each.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{
    AuditLogs, Certificate, Connection, ConnectionState, Directory, DirectoryState, Event,
    ItContact, Membership, Organization, OrganizationDomain, Page, WebhookEndpoint,
};

/// Formats a time as WorkOS does: UTC, to the millisecond.
pub(crate) fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `OrganizationList`, `ConnectionList`, `DirectoryList`, `EventList`.
pub(crate) fn list<T>(page: &Page<T>, shape: impl Fn(&T) -> Value) -> Value {
    json!({
        "object": "list",
        "data": page.data.iter().map(shape).collect::<Vec<_>>(),
        "list_metadata": { "before": page.before, "after": page.after },
    })
}

/// `Organization`. `stripe_customer_id` is left out when there is none, as it is not nullable.
pub(crate) fn organization(organization: &Organization) -> Value {
    let Organization {
        id,
        name,
        external_id,
        stripe_customer_id,
        allow_profiles_outside_organization,
        domains,
        metadata,
        created_at,
        updated_at,
    } = organization;
    let mut shape = json!({
        "object": "organization",
        "id": id,
        "name": name,
        "allow_profiles_outside_organization": allow_profiles_outside_organization,
        "domains": domains.iter().map(domain).collect::<Vec<_>>(),
        "metadata": metadata,
        "external_id": external_id,
        "created_at": time(*created_at),
        "updated_at": time(*updated_at),
    });
    insert_some(
        &mut shape,
        "stripe_customer_id",
        stripe_customer_id.as_deref(),
    );
    shape
}

/// `OrganizationDomainStandAlone`. What is asserted has no record to set, and no such fields.
pub(crate) fn domain(domain: &OrganizationDomain) -> Value {
    let OrganizationDomain {
        id,
        organization_id,
        domain,
        state,
        verification_prefix,
        verification_token,
        record_published: _,
        created_at,
        updated_at,
    } = domain;
    let by_dns = verification_token.is_some();
    let mut shape = json!({
        "object": "organization_domain",
        "id": id,
        "organization_id": organization_id,
        "domain": domain,
        "state": state,
        "verification_strategy": if by_dns { "dns" } else { "manual" },
        "created_at": time(*created_at),
        "updated_at": time(*updated_at),
    });
    insert_some(
        &mut shape,
        "verification_prefix",
        verification_prefix.as_deref(),
    );
    insert_some(
        &mut shape,
        "verification_token",
        verification_token.as_deref(),
    );
    shape
}

/// `Connection`: `status` is the deprecated form of `state`.
pub(crate) fn connection(connection: &Connection, organization: Option<&Organization>) -> Value {
    let mut shape = connection_event(connection);
    let linked = connection.state == ConnectionState::Active;
    insert(
        &mut shape,
        "status",
        json!(if linked { "linked" } else { "unlinked" }),
    );
    let domains = domains_as(organization, "connection_domain");
    insert(&mut shape, "domains", domains);
    shape
}

/// Returns the data of `connection.deleted`.
pub(crate) fn connection_event(connection: &Connection) -> Value {
    let Connection {
        id,
        organization_id,
        connection_type,
        name,
        state,
        external_key: _,
        external_id: _,
        certificates: _,
        created_at,
        updated_at,
    } = connection;
    json!({
        "object": "connection",
        "id": id,
        "organization_id": organization_id,
        "connection_type": connection_type,
        "name": name,
        "state": state,
        "created_at": time(*created_at),
        "updated_at": time(*updated_at),
    })
}

/// Returns the data of `connection.activated` and `connection.deactivated`.
pub(crate) fn connection_activation(
    connection_: &Connection,
    organization: &Organization,
) -> Value {
    let mut shape = connection(connection_, Some(organization));
    insert(&mut shape, "external_key", json!(connection_.external_key));
    shape
}

/// Returns the data of `connection.saml_certificate_renewed`.
pub(crate) fn certificate_renewed(
    now: Timestamp,
    connection: &Connection,
    certificate: &Certificate,
) -> Value {
    let expiry = time(certificate.not_after);
    json!({
        "connection": { "id": connection.id, "organization_id": connection.organization_id },
        "certificate": { "certificate_type": "ResponseSigning", "expiry_date": expiry },
        "renewed_at": time(now),
    })
}

/// Returns the data of `connection.saml_certificate_renewal_required`.
pub(crate) fn certificate_renewal_required(
    now: Timestamp,
    connection: &Connection,
    not_after: Timestamp,
) -> Value {
    json!({
        "connection": { "id": connection.id, "organization_id": connection.organization_id },
        "certificate": {
            "certificate_type": "ResponseSigning",
            "expiry_date": time(not_after),
            "is_expired": not_after <= now,
        },
        "days_until_expiry": not_after.duration_since(now).as_hours().div_euclid(24),
    })
}

/// `SAMLIdpSigningCertificateList` of the official Rust SDK 3.5.0: a list without pages.
pub(crate) fn certificates(certificates: &[Certificate]) -> Value {
    let data: Vec<_> = certificates.iter().map(certificate).collect();
    json!({ "object": "list", "data": data })
}

/// `SAMLIdpSigningCertificate` of the official Rust SDK 3.5.0.
fn certificate(certificate: &Certificate) -> Value {
    json!({
        "object": "saml_idp_signing_certificate",
        "id": certificate.id,
        "value": certificate.value,
        "not_before": time(certificate.not_before),
        "not_after": time(certificate.not_after),
        "created_at": time(certificate.created_at),
    })
}

/// `ItContactList` of the official Rust SDK 3.5.0: always the whole list.
pub(crate) fn it_contacts(contacts: &[&ItContact]) -> Value {
    json!({
        "object": "list",
        "data": contacts.iter().map(|contact| it_contact(contact)).collect::<Vec<_>>(),
        "list_metadata": { "before": null, "after": null },
    })
}

/// `ItContact` of the official Rust SDK 3.5.0.
pub(crate) fn it_contact(contact: &ItContact) -> Value {
    let ItContact {
        id,
        organization_id: _,
        email,
        created_at,
        updated_at,
    } = contact;
    json!({
        "object": "it_contact",
        "id": id,
        "email": email,
        "created_at": time(*created_at),
        "updated_at": time(*updated_at),
    })
}

/// `WebhookEndpointJson`
pub(crate) fn webhook_endpoint(endpoint: &WebhookEndpoint) -> Value {
    let WebhookEndpoint {
        id,
        endpoint_url,
        secret,
        is_enabled,
        events,
        created_at,
        updated_at,
    } = endpoint;
    json!({
        "object": "webhook_endpoint",
        "id": id,
        "endpoint_url": endpoint_url,
        "secret": secret,
        "status": if *is_enabled { "enabled" } else { "disabled" },
        "events": events,
        "created_at": time(*created_at),
        "updated_at": time(*updated_at),
    })
}

/// `UserlandUserOrganizationMembership`, of a user that nothing is known of.
pub(crate) fn membership(membership: &Membership) -> Value {
    let Membership {
        id,
        organization_id,
        user_id,
        status,
        created_at,
        updated_at,
    } = membership;
    let role = json!({ "slug": "member" });
    json!({
        "object": "organization_membership",
        "id": id,
        "user_id": user_id,
        "organization_id": organization_id,
        "status": status,
        "directory_managed": false,
        "role": role,
        "roles": [role],
        "user": {
            "object": "user",
            "id": user_id,
            "first_name": null,
            "last_name": null,
            "profile_picture_url": null,
            "email": format!("{}@example.com", user_id.to_lowercase()),
            "email_verified": true,
            "external_id": null,
            "last_sign_in_at": null,
            "created_at": time(*created_at),
            "updated_at": time(*updated_at),
        },
        "created_at": time(*created_at),
        "updated_at": time(*updated_at),
    })
}

/// `Directory`.
pub(crate) fn directory(directory: &Directory, organization: Option<&Organization>) -> Value {
    let mut shape = directory_event(directory);
    insert(&mut shape, "state", json!(directory.state));
    insert(&mut shape, "external_key", json!(directory.external_key));
    let counts = json!({ "users": { "active": 0, "inactive": 0 }, "groups": 0 });
    insert(&mut shape, "metadata", counts);
    let domain = organization.and_then(|o| o.domains.first());
    insert_some(&mut shape, "domain", domain.map(|d| d.domain.as_str()));
    shape
}

/// Returns the data of `dsync.deleted`, where linked is still called active, and unlinked inactive.
pub(crate) fn directory_event(directory: &Directory) -> Value {
    let Directory {
        id,
        organization_id,
        directory_type,
        name,
        state,
        external_key: _,
        created_at,
        updated_at,
    } = directory;
    let state = match state {
        DirectoryState::Linked => json!("active"),
        DirectoryState::Unlinked => json!("inactive"),
        other => json!(other),
    };
    json!({
        "object": "directory",
        "id": id,
        "organization_id": organization_id,
        "type": directory_type,
        "name": name,
        "state": state,
        "created_at": time(*created_at),
        "updated_at": time(*updated_at),
    })
}

/// Returns the data of `dsync.activated`.
pub(crate) fn directory_activation(directory: &Directory, organization: &Organization) -> Value {
    let mut shape = directory_event(directory);
    insert(&mut shape, "external_key", json!(directory.external_key));
    let domains = domains_as(Some(organization), "organization_domain");
    insert(&mut shape, "domains", domains);
    shape
}

/// `AuditLogConfiguration`.
pub(crate) fn audit_logs(organization_id: &str, logs: &AuditLogs) -> Value {
    let mut shape = json!({
        "organization_id": organization_id,
        "retention_period_in_days": logs.retention_period_in_days,
        "state": logs.state,
    });
    if let Some(stream) = &logs.log_stream {
        let stream = json!({
            "id": stream.id,
            "type": stream.stream_type,
            "state": stream.state,
            "last_synced_at": stream.last_synced_at.map(time),
            "created_at": time(stream.created_at),
        });
        insert(&mut shape, "log_stream", stream);
    }
    shape
}

/// `EventSchema`.
pub(crate) fn event(event: &Event) -> Value {
    json!({
        "object": "event",
        "id": event.id,
        "event": event.event,
        "data": event.data,
        "created_at": time(event.created_at),
        "context": {},
    })
}

/// Returns an organization's domains as other objects name them.
fn domains_as(organization: Option<&Organization>, object: &str) -> Value {
    let domains = organization.into_iter().flat_map(|o| &o.domains);
    domains
        .map(|domain| json!({ "object": object, "id": domain.id, "domain": domain.domain }))
        .collect()
}

fn insert(shape: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = shape {
        fields.insert(field.to_owned(), value);
    }
}

fn insert_some(shape: &mut Value, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        insert(shape, field, json!(value));
    }
}
