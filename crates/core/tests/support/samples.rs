//! Small values to build tests from: changes, organizations, a readiness.

use std::sync::Arc;

use jiff::Timestamp;

use portalctl_core::identity::MatchedBy;
use portalctl_core::plan::{
    Action, Change, Conflict, Destinations, FieldChange, Flag, Held, HeldReason, Invitation, Plan,
    Reason, Scope, Target, UndeclaredOrganization, Unmanaged, Warning,
};
use portalctl_core::readiness::{
    Basis, Evidence, IntentReadiness, OrganizationReadiness, Readiness, State, Turn,
};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::{FieldPath, Source};
use portalctl_model::observed::{DomainState, Organization, OrganizationDomain};
use portalctl_model::{Domain, Email, Intent, OrgKey, OrganizationId};

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
        None if text == "allow_profiles_outside_organization" => FieldPath::OutsideProfiles,
        Some(("metadata", key)) => FieldPath::Metadata(key.to_owned()),
        Some(("domains", name)) => FieldPath::Domain(domain(name)),
        Some(("it_contacts", email)) => FieldPath::ItContact(Email::parse(email).unwrap()),
        _ => panic!("{text}"),
    }
}

pub(crate) fn field(text: &str, before: Option<&str>, after: Option<&str>) -> FieldChange {
    FieldChange::read(
        path(text),
        before.map(str::to_owned),
        after.map(str::to_owned),
    )
    .unwrap()
}

pub(crate) fn change(name: &str, action: Action, fields: Vec<FieldChange>) -> Change {
    let reason = match &action {
        Action::Create => Reason::Missing,
        Action::Adopt(_) => Reason::HoldsDomain(domain("acme.com")),
        Action::Update(_) => Reason::Differs(MatchedBy::ExternalId),
        Action::Invite(_) => Reason::NotInvited,
        Action::Delete(_) => Reason::NotDeclared,
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

/// Invites `ada@acme.com` for `org_NAME`, or for what the plan creates under the name.
pub(crate) fn invite(name: &str, exists: bool) -> Change {
    let organization = exists.then(|| OrganizationId::from_api(format!("org_{name}")));
    let contact = Email::parse("ada@acme.com").unwrap();
    let wanted = [Intent::Sso, Intent::Dsync, Intent::AuditLogs];
    let invitation = Invitation::to(organization, contact, wanted).unwrap();
    change(name, Action::Invite(invitation), Vec::new())
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
        allow_profiles_outside_organization: Some(true),
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

/// A readiness with one intent in a state.
pub(crate) fn intent(intent: Intent, state: State, since: Option<i64>) -> IntentReadiness {
    let (turn, reason, next_step) = match state {
        State::Configured => (Turn::None, "the OktaSAML connection is active", None),
        State::NotApplicable => (Turn::None, "no active SAML connection", None),
        State::InProgress => (
            Turn::Dns,
            "acme.com waits for its TXT record, 24 days left",
            Some("ask the customer to set the TXT record _workos.acme.com"),
        ),
        State::Unconfigured => (
            Turn::Customer,
            "no directory yet",
            Some("send the customer's IT admin to the Admin Portal for dsync"),
        ),
        State::Attention => (
            Turn::Customer,
            "the OktaSAML connection is inactive: nobody can sign in with it",
            Some("ask the customer's IT admin to activate it in the Admin Portal"),
        ),
        State::Unknown => (
            Turn::You,
            "the state of the OktaSAML connection is one that this version does not know: sideways",
            Some("look at it in the WorkOS dashboard"),
        ),
    };
    IntentReadiness {
        intent,
        state,
        since: since.map(january),
        turn,
        reason: reason.to_owned(),
        next_step: next_step.map(str::to_owned),
        evidence: vec![Evidence {
            object: "connection",
            id: Some("conn_1".to_owned()),
            kind: Some("OktaSAML".to_owned()),
            state: "active".to_owned(),
            since: since.map(january),
        }],
        basis: Basis::Read,
        missing_domain: None,
    }
}

pub(crate) fn ready(name: &str, intents: Vec<IntentReadiness>) -> OrganizationReadiness {
    OrganizationReadiness {
        key: key(name),
        name: Some(name.to_owned()),
        organization_id: Some(OrganizationId::from_api(format!("org_{name}"))),
        intents,
        invitation: None,
    }
}

/// Some of every state.
pub(crate) fn some_readiness() -> Readiness {
    use State::{Attention, Configured, InProgress, NotApplicable, Unconfigured, Unknown};
    let organizations = vec![
        ready(
            "acme",
            vec![
                intent(Intent::Sso, Configured, Some(3)),
                intent(Intent::DomainVerification, InProgress, Some(4)),
            ],
        ),
        ready(
            "globex",
            vec![
                intent(Intent::Sso, Attention, Some(9)),
                intent(Intent::Dsync, Unconfigured, Some(1)),
                intent(Intent::CertificateRenewal, NotApplicable, None),
            ],
        ),
        ready("hooli", vec![intent(Intent::Sso, Configured, Some(2))]),
        ready(
            "initech.eu",
            vec![
                intent(Intent::Sso, Unknown, None),
                intent(Intent::Dsync, Configured, Some(2)),
            ],
        ),
    ];
    Readiness {
        organizations,
        warnings: Vec::new(),
    }
}

/// Some of everything that a plan can hold.
pub(crate) fn some_plan() -> Plan {
    let held = |change, reason, flag| Held {
        change,
        reason,
        flag,
        permission: None,
    };
    let conflict = |name: &str, code, message: &str, help: &str| Conflict {
        key: key(name),
        code,
        message: message.to_owned(),
        help: help.to_owned(),
        scope: Scope::Entry,
    };
    let names = [
        ("acme", "Acme Corp"),
        ("globex", "Globex"),
        ("hooli", "Hooli"),
    ];
    Plan {
        names: names.map(|(name, of)| (key(name), of.to_owned())).into(),
        destinations: Destinations::default(),
        target: Target {
            environment: Some("production".to_owned()),
            endpoint: "api.workos.com".to_owned(),
            key_kind: Some("live".to_owned()),
            client_id: None,
            manifest: None,
        },
        changes: vec![
            create(
                "acme",
                &[
                    ("domains.acme.com", "pending"),
                    ("domains.acme.io", "verified"),
                    ("metadata.portalctl_owner", "customers"),
                    ("metadata.tier", "enterprise"),
                ],
            ),
            update(
                "globex",
                vec![
                    field("name", Some("Globex"), Some("Globex Corporation")),
                    field("metadata.legacy_flag", Some("yes"), None),
                    field("metadata.tier", Some("trial"), Some("enterprise")),
                ],
            ),
        ],
        held: vec![
            held(
                change(
                    "hooli",
                    Action::Adopt(OrganizationId::from_api("org_orphan")),
                    vec![
                        field("external_id", None, Some("hooli")),
                        field("name", Some("Hooli Inc"), Some("Hooli")),
                    ],
                ),
                HeldReason::NeedsFlag,
                Flag::Adopt,
            ),
            held(
                update(
                    "umbrella",
                    vec![field("name", Some("Umbrela"), Some("Umbrella"))],
                ),
                HeldReason::LimitExceeded {
                    planned: 30,
                    allowed: 20,
                },
                Flag::AllowBulk,
            ),
        ],
        conflicts: vec![conflict(
            "initech.eu",
            codes::DOMAIN_HELD,
            "no organization matches, but org_01J (Initech EU) has the domain initech.eu",
            "if it is this customer, write `previous_keys: [initech]` (the key was renamed) or \
             `id: org_01J`; if it is another one, write `allow_shared_domain: true`",
        )],
        warnings: vec![Warning {
            key: key("globex"),
            code: codes::DOMAIN_PENDING_ELSEWHERE,
            message: "the domain globex.com is also pending on org_02K (Globex Labs); only one \
                      organization can verify it"
                .to_owned(),
        }],
        notes: Vec::new(),
        unchanged: 7,
        unmanaged: Unmanaged {
            provisioned: Vec::new(),
            count: Some(3),
            formerly_declared: vec![UndeclaredOrganization {
                id: OrganizationId::from_api("org_03L"),
                name: "Umbrella".to_owned(),
                external_id: Some("umbrella".to_owned()),
            }],
        },
        seen: std::collections::BTreeMap::new(),
    }
}
