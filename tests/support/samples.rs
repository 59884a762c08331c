//! Small values to build tests from: changes, organizations, a readiness.

use std::sync::Arc;

use jiff::Timestamp;

use portalctl::identity::MatchedBy;
use portalctl::model::desired::{FieldPath, Source};
use portalctl::model::observed::{DomainState, Organization, OrganizationDomain};
use portalctl::model::{Domain, OrgKey, OrganizationId};
use portalctl::plan::{Action, Change, FieldChange, Plan, Reason};

/// A time of January 2026.
pub(crate) fn january(day: i64) -> Timestamp {
    let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    first + jiff::SignedDuration::from_hours(24 * (day - 1))
}

pub(crate) fn key(text: &str) -> OrgKey {
    OrgKey::parse(text).unwrap()
}

pub(crate) fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// A field path as plans spell it.
pub(crate) fn path(text: &str) -> FieldPath {
    match text.split_once('.') {
        None if text == "name" => FieldPath::Name,
        None if text == "external_id" => FieldPath::ExternalId,
        None if text == "stripe_customer_id" => FieldPath::StripeCustomerId,
        Some(("metadata", key)) => FieldPath::Metadata(key.to_owned()),
        Some(("domains", name)) => FieldPath::Domain(domain(name)),
        _ => panic!("{text}"),
    }
}

pub(crate) fn field(text: &str, before: Option<&str>, after: Option<&str>) -> FieldChange {
    FieldChange {
        path: path(text),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

pub(crate) fn change(name: &str, action: Action, fields: Vec<FieldChange>) -> Change {
    let reason = match &action {
        Action::Create => Reason::Missing,
        Action::Adopt(_) => Reason::HoldsDomain(domain("acme.com")),
        Action::Update(_) => Reason::Differs(MatchedBy::ExternalId),
    };
    Change {
        key: key(name),
        action,
        fields,
        reason,
        source: Source {
            file: Arc::from("portal.yaml"),
            line: 12,
        },
    }
}

/// Creates an organization under its key, with more fields.
pub(crate) fn create(name: &str, more: &[(&str, &str)]) -> Change {
    let mut fields = vec![
        field("name", None, Some(name)),
        field("external_id", None, Some(name)),
    ];
    fields.extend(
        more.iter()
            .map(|(path, after)| field(path, None, Some(after))),
    );
    change(name, Action::Create, fields)
}

/// Updates `org_NAME`.
pub(crate) fn update(name: &str, fields: Vec<FieldChange>) -> Change {
    let id = OrganizationId::from_api(format!("org_{name}"));
    change(name, Action::Update(id), fields)
}

pub(crate) fn plan_of(changes: Vec<Change>) -> Plan {
    Plan {
        changes,
        ..Plan::default()
    }
}

/// `org_NAME`, with the name and external id of that name.
pub(crate) fn organization(name: &str) -> Organization {
    Organization {
        id: OrganizationId::from_api(format!("org_{name}")),
        name: name.to_owned(),
        external_id: Some(name.to_owned()),
        stripe_customer_id: None,
        domains: Vec::new(),
        metadata: std::collections::BTreeMap::new(),
        created_at: Some(january(1)),
        updated_at: Some(january(2)),
    }
}

/// A domain, `domain_NAME`.
pub(crate) fn held(name: &str, state: DomainState) -> OrganizationDomain {
    OrganizationDomain {
        id: Some(format!("domain_{name}")),
        domain: domain(name),
        state,
        verification_prefix: Some("_workos".to_owned()),
        verification_token: Some("t0ken".to_owned()),
        created_at: Some(january(3)),
        updated_at: Some(january(4)),
    }
}
