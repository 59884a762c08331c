use std::collections::BTreeMap;
use std::fmt::Write as _;

use insta::assert_snapshot;
use jiff::Timestamp;

use super::{Readiness, State, readiness};
use crate::identity::identify;
use crate::manifest::{self, Input};
use crate::model::desired::Desired;
use crate::model::observed::{
    Answer, AuditLogConfiguration, AuditLogState, Connection, ConnectionState, Directory,
    DirectoryState, DomainState, Listing, LogStream, LogStreamState, Observed, Organization,
    OrganizationDomain,
};
use crate::model::{Domain, OrganizationId, Selection};

/// The organization that all tests but a few are about.
const ACME: &str = "org_acme";

fn day(text: &str) -> Timestamp {
    let time = if text.contains('T') { "" } else { "T00:00:00" };
    format!("2026-{text}{time}Z").parse().unwrap()
}

fn id(text: &str) -> OrganizationId {
    OrganizationId::from_api(text)
}

fn wants(intents: &str) -> Desired {
    declared(&format!("acme: {{ name: Acme, intents: [{intents}] }}"))
}

fn declared(organizations: &str) -> Desired {
    let organizations = organizations.replace('\n', "\n  ");
    let text = format!("version: 1\norganizations:\n  {organizations}\n");
    let checked = manifest::read(&[Input::Stdin(text.into_bytes())]);
    checked.desired.expect("the manifest is good")
}

/// Acme is there, created on the first of January, and all lists are empty.
fn acme() -> Observed {
    let organization = Organization {
        id: id(ACME),
        name: "Acme".to_owned(),
        external_id: Some("acme".to_owned()),
        stripe_customer_id: None,
        domains: Vec::new(),
        metadata: BTreeMap::new(),
        created_at: Some(day("01-01")),
        updated_at: None,
    };
    Observed {
        organizations: BTreeMap::from([(id(ACME), organization)]),
        connections: Listing::Read(BTreeMap::new()),
        directories: Listing::Read(BTreeMap::new()),
        ..Observed::default()
    }
}

/// Connections by kind and state; the n-th was last changed on the n-th of February.
fn connections(all: &[(&str, &str)]) -> Observed {
    let all = all.iter().zip(1..).map(|((kind, state), n)| Connection {
        id: format!("conn_{n}"),
        organization_id: Some(id(ACME)),
        name: "a connection".to_owned(),
        connection_type: (*kind).to_owned(),
        state: ConnectionState::from_api(state),
        created_at: Some(day("01-05")),
        updated_at: Some(day(&format!("02-{n:02}"))),
    });
    Observed {
        connections: Listing::Read(BTreeMap::from([(id(ACME), all.collect())])),
        ..acme()
    }
}

fn directories(all: &[(&str, &str)]) -> Observed {
    let all = all.iter().zip(1..).map(|((kind, state), n)| Directory {
        id: format!("directory_{n}"),
        organization_id: Some(id(ACME)),
        name: "a directory".to_owned(),
        directory_type: (*kind).to_owned(),
        state: DirectoryState::from_api(state),
        created_at: Some(day(&format!("02-{n:02}"))),
        updated_at: None,
    });
    Observed {
        directories: Listing::Read(BTreeMap::from([(id(ACME), all.collect())])),
        ..acme()
    }
}

/// Domains by name and state, all added on the first of February.
fn domains(all: &[(&str, &str)]) -> Observed {
    let mut observed = acme();
    let all = all.iter().map(|(name, state)| OrganizationDomain {
        id: None,
        domain: Domain::from_api(name),
        state: DomainState::from_api(state),
        verification_prefix: Some("workos-7".to_owned()),
        verification_token: Some("the-token".to_owned()),
        created_at: Some(day("02-01")),
        updated_at: None,
    });
    observed
        .organizations
        .get_mut(ACME)
        .expect("acme is there")
        .domains
        .extend(all);
    observed
}

/// The audit-log configuration by its state and its stream's kind and state.
fn logs(state: &str, stream: Option<(&str, &str)>) -> Observed {
    let configuration = AuditLogConfiguration {
        state: AuditLogState::from_api(state),
        log_stream: stream.map(|(kind, state)| LogStream {
            id: Some("stream_1".to_owned()),
            stream_type: kind.to_owned(),
            state: LogStreamState::from_api(state),
            last_synced_at: None,
            created_at: Some(day("02-01")),
        }),
    };
    answered(Answer::Found(configuration))
}

fn answered(answer: Answer<AuditLogConfiguration>) -> Observed {
    Observed {
        audit_logs: BTreeMap::from([(id(ACME), answer)]),
        ..acme()
    }
}

fn read(desired: &Desired, observed: &Observed, now: Timestamp) -> Readiness {
    let identities = identify(desired, observed);
    readiness(desired, observed, &identities, &Selection::default(), now)
}

fn shown(readiness: &Readiness) -> String {
    let mut out = String::new();
    for organization in &readiness.organizations {
        for intent in &organization.intents {
            let since = intent
                .since
                .map(|since| since.strftime("%m-%d").to_string());
            let _ = writeln!(
                out,
                "{} {} {}, since {}, turn {}: {}",
                organization.key,
                intent.intent,
                intent.state,
                since.as_deref().unwrap_or("?"),
                intent.turn,
                intent.reason
            );
            if let Some(next) = &intent.next_step {
                let _ = writeln!(out, "    -> {next}");
            }
            for evidence in &intent.evidence {
                let id = evidence.id.as_deref().unwrap_or("-");
                let kind = evidence.kind.as_deref().unwrap_or("-");
                let object = evidence.object;
                let shown = format!("{object} {id} {kind:?} {:?}", evidence.state);
                let _ = writeln!(out, "    {shown}");
            }
        }
    }
    out
}

/// What is said on the first of March.
fn said(desired: &Desired, observed: &Observed) -> String {
    shown(&read(desired, observed, day("03-01")))
}

/// The state alone.
fn state(desired: &Desired, observed: &Observed) -> State {
    read(desired, observed, day("03-01")).organizations[0].intents[0].state
}

#[test]
fn every_state_of_a_connection() {
    let mut out = said(&wants("sso"), &acme());
    for state in [
        "active",
        "draft",
        "requires_type",
        "validating",
        "inactive",
        "deleting",
        "quantum\u{1b}",
        "",
    ] {
        out += &said(&wants("sso"), &connections(&[("OktaSAML", state)]));
    }
    assert_snapshot!(out, @r#"
    acme sso unconfigured, since 01-01, turn customer: no connection yet
        -> send the customer's IT admin to the Admin Portal for sso
    acme sso configured, since 02-01, turn none: the OktaSAML connection is active
        connection conn_1 "OktaSAML" "active"
    acme sso in_progress, since 02-01, turn customer: the OktaSAML connection is a draft
        -> ask the customer's IT admin to go on in the Admin Portal
        connection conn_1 "OktaSAML" "draft"
    acme sso in_progress, since 02-01, turn customer: the customer has not chosen an identity provider yet
        -> ask the customer's IT admin to go on in the Admin Portal
        connection conn_1 "OktaSAML" "requires_type"
    acme sso in_progress, since 02-01, turn customer: the OktaSAML connection waits for its first sign-in
        -> ask the customer's IT admin to sign in once
        connection conn_1 "OktaSAML" "validating"
    acme sso attention, since 02-01, turn customer: the OktaSAML connection is inactive: nobody can sign in with it
        -> ask the customer's IT admin to activate it in the Admin Portal
        connection conn_1 "OktaSAML" "inactive"
    acme sso attention, since 02-01, turn you: the OktaSAML connection is being deleted
        -> find out who deleted it; a new one is set up in the Admin Portal
        connection conn_1 "OktaSAML" "deleting"
    acme sso unknown, since 02-01, turn you: the state of the OktaSAML connection is one this version does not know: quantum\u{1b}
        -> look at it in the WorkOS dashboard, or with a newer portalctl
        connection conn_1 "OktaSAML" "quantum\u{1b}"
    acme sso unknown, since 02-01, turn you: WorkOS does not tell the state of the OktaSAML connection
        -> look at it in the WorkOS dashboard
        connection conn_1 "OktaSAML" ""
    "#);
}

#[test]
fn every_state_of_a_directory() {
    let mut out = said(&wants("dsync"), &acme());
    for state in [
        "linked",
        "active",
        "validating",
        "invalid_credentials",
        "unlinked",
        "deleting",
        "quantum",
        "",
    ] {
        out += &said(&wants("dsync"), &directories(&[("okta scim v2.0", state)]));
    }
    assert_snapshot!(out, @r#"
    acme dsync unconfigured, since 01-01, turn customer: no directory yet
        -> send the customer's IT admin to the Admin Portal for dsync
    acme dsync configured, since 02-01, turn none: the okta scim v2.0 directory is linked
        directory directory_1 "okta scim v2.0" "linked"
    acme dsync configured, since 02-01, turn none: the okta scim v2.0 directory is linked
        directory directory_1 "okta scim v2.0" "active"
    acme dsync in_progress, since 02-01, turn customer: the okta scim v2.0 directory waits for its first sync
        -> ask the customer's IT admin to finish the directory's set-up
        directory directory_1 "okta scim v2.0" "validating"
    acme dsync attention, since 02-01, turn customer: the credentials of the okta scim v2.0 directory are refused
        -> ask the customer's IT admin to renew the credentials in the Admin Portal
        directory directory_1 "okta scim v2.0" "invalid_credentials"
    acme dsync attention, since 02-01, turn customer: the okta scim v2.0 directory is unlinked: users no longer arrive
        -> ask the customer's IT admin to link it again in the Admin Portal
        directory directory_1 "okta scim v2.0" "unlinked"
    acme dsync attention, since 02-01, turn you: the okta scim v2.0 directory is being deleted
        -> find out who deleted it; a new one is set up in the Admin Portal
        directory directory_1 "okta scim v2.0" "deleting"
    acme dsync unknown, since 02-01, turn you: the state of the okta scim v2.0 directory is one this version does not know: quantum
        -> look at it in the WorkOS dashboard, or with a newer portalctl
        directory directory_1 "okta scim v2.0" "quantum"
    acme dsync unknown, since 02-01, turn you: WorkOS does not tell the state of the okta scim v2.0 directory
        -> look at it in the WorkOS dashboard
        directory directory_1 "okta scim v2.0" ""
    "#);
}

#[test]
fn an_object_without_a_kind_is_still_a_sentence() {
    let mut out = said(&wants("sso"), &connections(&[("", "active")]));
    out += &said(&wants("sso"), &connections(&[("", "")]));
    out += &said(&wants("dsync"), &directories(&[(" ", "unlinked")]));
    out += &said(&wants("log_streams"), &logs("active", Some(("", "error"))));
    out += &said(
        &wants("sso"),
        &connections(&[("Okta\u{202e}SAML", "active")]),
    );
    assert_snapshot!(out, @r#"
    acme sso configured, since 02-01, turn none: the connection is active
        connection conn_1 "" "active"
    acme sso unknown, since 02-01, turn you: WorkOS does not tell the state of the connection
        -> look at it in the WorkOS dashboard
        connection conn_1 "" ""
    acme dsync attention, since 02-01, turn customer: the directory is unlinked: users no longer arrive
        -> ask the customer's IT admin to link it again in the Admin Portal
        directory directory_1 " " "unlinked"
    acme log_streams attention, since 02-01, turn customer: the stream fails
        -> ask the customer's IT admin to check the destination
        log_stream stream_1 "" "error"
    acme sso configured, since 02-01, turn none: the Okta\u{202e}SAML connection is active
        connection conn_1 "Okta\u{202e}SAML" "active"
    "#);
}

#[test]
fn anything_configured_wins_and_otherwise_the_worst() {
    let kinds = |states: &[&str]| {
        let all: Vec<_> = states.iter().map(|state| ("OktaSAML", *state)).collect();
        state(&wants("sso"), &connections(&all))
    };
    assert_eq!(kinds(&["inactive", "active", "draft"]), State::Configured);
    assert_eq!(kinds(&["draft", "new", "inactive"]), State::Attention);
    assert_eq!(kinds(&["draft", "new", "validating"]), State::Unknown);
    assert_eq!(kinds(&["draft", "validating"]), State::InProgress);
    let kinds = |states: &[&str]| {
        let all: Vec<_> = states.iter().map(|state| ("okta", *state)).collect();
        state(&wants("dsync"), &directories(&all))
    };
    assert_eq!(kinds(&["deleting", "linked"]), State::Configured);
    assert_eq!(kinds(&["validating", "new", "unlinked"]), State::Attention);
    assert_eq!(kinds(&["validating", "new"]), State::Unknown);
    let all = [
        ("OktaSAML", "draft"),
        ("GoogleOAuth", "inactive"),
        ("AzureSAML", "active"),
    ];
    assert_snapshot!(said(&wants("sso"), &connections(&all)), @r#"
    acme sso configured, since 02-03, turn none: the AzureSAML connection is active
        connection conn_3 "AzureSAML" "active"
        connection conn_2 "GoogleOAuth" "inactive"
        connection conn_1 "OktaSAML" "draft"
    "#);
}

#[test]
fn a_second_active_connection_is_configured_with_a_note() {
    let all = [
        ("OktaSAML", "active"),
        ("AzureSAML", "active"),
        ("X", "draft"),
    ];
    assert_snapshot!(said(&wants("sso"), &connections(&all)), @r#"
    acme sso configured, since 02-01, turn none: 2 connections are active, the portal expects one per organization
        connection conn_1 "OktaSAML" "active"
        connection conn_2 "AzureSAML" "active"
        connection conn_3 "X" "draft"
    "#);
}

fn with_domains(domains: &str) -> Desired {
    declared(&format!(
        "acme: {{ name: Acme, domains: [{domains}], intents: [domain_verification] }}"
    ))
}

#[test]
fn every_state_of_a_declared_domain() {
    let mut out = said(&with_domains("acme.com"), &acme());
    for state in [
        "verified",
        "legacy_verified",
        "pending",
        "unverified",
        "failed",
        "quantum",
        "",
    ] {
        out += &said(&with_domains("acme.com"), &domains(&[("acme.com", state)]));
    }
    assert_snapshot!(out, @r#"
    acme domain_verification unconfigured, since 01-01, turn you: the organization does not have the domain acme.com
        -> run portalctl apply
    acme domain_verification configured, since 02-01, turn none: acme.com is verified
        domain acme.com "-" "verified"
    acme domain_verification configured, since 02-01, turn none: acme.com is verified
        domain acme.com "-" "legacy_verified"
    acme domain_verification in_progress, since 02-01, turn dns: acme.com waits for its TXT record, 2 days left
        -> ask the customer to set the TXT record workos-7.acme.com
        domain acme.com "-" "pending"
    acme domain_verification in_progress, since 02-01, turn customer: the verification of acme.com has not been started
        -> send the customer's IT admin to the Admin Portal for domain_verification
        domain acme.com "-" "unverified"
    acme domain_verification attention, since 02-01, turn customer: acme.com could not be verified
        -> check the TXT record and start the verification again
        domain acme.com "-" "failed"
    acme domain_verification unknown, since 02-01, turn you: the state of acme.com is one this version does not know: quantum
        -> look at it in the WorkOS dashboard, or with a newer portalctl
        domain acme.com "-" "quantum"
    acme domain_verification unknown, since 02-01, turn you: WorkOS does not tell the state of acme.com
        -> look at it in the WorkOS dashboard
        domain acme.com "-" ""
    "#);
}

#[test]
fn the_worst_declared_domain_decides() {
    let desired = with_domains("a.com, b.com, c.com");
    let with = |states: [&str; 3]| {
        domains(&[
            ("a.com", states[0]),
            ("b.com", states[1]),
            ("c.com", states[2]),
        ])
    };
    let state = |states| state(&desired, &with(states));
    assert_eq!(
        state(["verified", "verified", "legacy_verified"]),
        State::Configured
    );
    assert_eq!(
        state(["verified", "pending", "verified"]),
        State::InProgress
    );
    assert_eq!(state(["pending", "new", "verified"]), State::Unknown);
    assert_eq!(state(["new", "pending", "failed"]), State::Attention);
    let mut out = said(&desired, &with(["verified", "verified", "verified"]));
    out += &said(&desired, &with(["verified", "pending", "failed"]));
    // What is not declared does not count, what is missing does.
    out += &said(
        &desired,
        &domains(&[
            ("a.com", "verified"),
            ("b.com", "verified"),
            ("x.com", "failed"),
        ]),
    );
    assert_snapshot!(out, @r#"
    acme domain_verification configured, since 02-01, turn none: all 3 domains are verified
        domain a.com "-" "verified"
        domain b.com "-" "verified"
        domain c.com "-" "verified"
    acme domain_verification attention, since 02-01, turn customer: 1 of 3 domains is verified; c.com could not be verified
        -> check the TXT record and start the verification again
        domain a.com "-" "verified"
        domain b.com "-" "pending"
        domain c.com "-" "failed"
    acme domain_verification unconfigured, since 01-01, turn you: 2 of 3 domains are verified; the organization does not have the domain c.com
        -> run portalctl apply
        domain a.com "-" "verified"
        domain b.com "-" "verified"
    "#);
}

#[test]
fn without_declared_domains_one_verified_is_enough() {
    let desired = wants("domain_verification");
    let mut out = said(&desired, &acme());
    out += &said(
        &desired,
        &domains(&[("a.com", "failed"), ("b.com", "verified")]),
    );
    out += &said(
        &desired,
        &domains(&[("a.com", "failed"), ("b.com", "pending")]),
    );
    out += &said(&desired, &domains(&[("a\u{1b}.com", "failed")]));
    assert_snapshot!(out, @r#"
    acme domain_verification unconfigured, since 01-01, turn customer: no domain yet
        -> declare the customer's domains, or send their IT admin to the Admin Portal
    acme domain_verification configured, since 02-01, turn none: b.com is verified
        domain a.com "-" "failed"
        domain b.com "-" "verified"
    acme domain_verification in_progress, since 02-01, turn dns: b.com waits for its TXT record, 2 days left
        -> ask the customer to set the TXT record workos-7.b.com
        domain a.com "-" "failed"
        domain b.com "-" "pending"
    acme domain_verification attention, since 02-01, turn customer: a\u{1b}.com could not be verified
        -> check the TXT record and start the verification again
        domain a.com "-" "failed"
    "#);
}

#[test]
fn a_pending_domain_has_thirty_days() {
    let reason = |now: &str| {
        let observed = domains(&[("acme.com", "pending")]);
        let read = read(&with_domains("acme.com"), &observed, day(now));
        read.organizations[0].intents[0].reason.clone()
    };
    let left = |now| {
        let reason = reason(now);
        reason
            .strip_prefix("acme.com waits for its TXT record")
            .expect("it is pending")
            .to_owned()
    };
    assert_eq!(left("01-31"), ", 30 days left");
    assert_eq!(left("02-01"), ", 30 days left");
    assert_eq!(left("02-01T00:00:01"), ", 30 days left");
    assert_eq!(left("02-02"), ", 29 days left");
    assert_eq!(left("02-02T12:00:00"), ", 29 days left");
    assert_eq!(left("03-02"), ", 1 day left");
    assert_eq!(left("03-02T23:59:59"), ", 1 day left");
    assert_eq!(left("03-03"), ", its time is over");
    assert_eq!(left("12-31"), ", its time is over");
    let mut undated = domains(&[("acme.com", "pending")]);
    let organization = undated.organizations.get_mut(ACME).expect("acme is there");
    organization.domains[0].created_at = None;
    organization.domains[0].verification_prefix = None;
    assert_snapshot!(said(&with_domains("acme.com"), &undated), @r#"
    acme domain_verification in_progress, since ?, turn dns: acme.com waits for its TXT record
        -> ask the customer to set the TXT record of acme.com
        domain acme.com "-" "pending"
    "#);
}

#[test]
fn every_state_of_audit_logs() {
    let desired = wants("audit_logs");
    let mut out = said(&desired, &acme());
    out += &said(&desired, &answered(Answer::Absent));
    for state in ["active", "inactive", "disabled", "quantum", ""] {
        out += &said(&desired, &logs(state, None));
    }
    assert_snapshot!(out, @r#"
    acme audit_logs unconfigured, since 01-01, turn you: audit logs are not set up
        -> set up audit logs for this organization in the WorkOS dashboard
    acme audit_logs unconfigured, since 01-01, turn you: audit logs are not set up
        -> set up audit logs for this organization in the WorkOS dashboard
    acme audit_logs configured, since ?, turn none: audit logs are active
        audit_log_configuration - "-" "active"
    acme audit_logs unconfigured, since 01-01, turn you: audit logs are not set up
        -> set up audit logs for this organization in the WorkOS dashboard
        audit_log_configuration - "-" "inactive"
    acme audit_logs attention, since ?, turn you: audit logs are switched off
        -> switch them on in the WorkOS dashboard, or drop the intent
        audit_log_configuration - "-" "disabled"
    acme audit_logs unknown, since ?, turn you: the state of the audit logs is one this version does not know: quantum
        -> look at it in the WorkOS dashboard, or with a newer portalctl
        audit_log_configuration - "-" "quantum"
    acme audit_logs unknown, since ?, turn you: WorkOS does not tell the state of the audit logs
        -> look at it in the WorkOS dashboard
        audit_log_configuration - "-" ""
    "#);
}

#[test]
fn every_state_of_a_log_stream() {
    let desired = wants("log_streams");
    let mut out = said(&desired, &answered(Answer::Absent));
    out += &said(&desired, &logs("active", None));
    for state in ["active", "inactive", "error", "invalid", "quantum", ""] {
        out += &said(&desired, &logs("active", Some(("Datadog", state))));
    }
    assert_snapshot!(out, @r#"
    acme log_streams unconfigured, since 01-01, turn customer: no log stream yet
        -> send the customer's IT admin to the Admin Portal for log_streams
    acme log_streams unconfigured, since 01-01, turn customer: no log stream yet
        -> send the customer's IT admin to the Admin Portal for log_streams
    acme log_streams configured, since 02-01, turn none: the Datadog stream delivers
        log_stream stream_1 "Datadog" "active"
    acme log_streams in_progress, since 02-01, turn customer: the Datadog stream is inactive
        -> ask the customer's IT admin to finish it in the Admin Portal
        log_stream stream_1 "Datadog" "inactive"
    acme log_streams attention, since 02-01, turn customer: the Datadog stream fails
        -> ask the customer's IT admin to check the destination
        log_stream stream_1 "Datadog" "error"
    acme log_streams attention, since 02-01, turn customer: the Datadog stream's configuration is refused
        -> ask the customer's IT admin to correct it in the Admin Portal
        log_stream stream_1 "Datadog" "invalid"
    acme log_streams unknown, since 02-01, turn you: the state of the Datadog stream is one this version does not know: quantum
        -> look at it in the WorkOS dashboard, or with a newer portalctl
        log_stream stream_1 "Datadog" "quantum"
    acme log_streams unknown, since 02-01, turn you: WorkOS does not tell the state of the Datadog stream
        -> look at it in the WorkOS dashboard
        log_stream stream_1 "Datadog" ""
    "#);
}

#[test]
fn a_certificate_needs_an_active_saml_connection() {
    let desired = wants("certificate_renewal");
    let mut out = said(&desired, &acme());
    out += &said(
        &desired,
        &connections(&[("GoogleOAuth", "active"), ("OktaSAML", "draft")]),
    );
    out += &said(
        &desired,
        &connections(&[("GoogleOAuth", "active"), ("OktaSAML", "active")]),
    );
    assert_snapshot!(out, @r#"
    acme certificate_renewal not_applicable, since ?, turn none: no active SAML connection
    acme certificate_renewal not_applicable, since ?, turn none: no active SAML connection
    acme certificate_renewal unknown, since ?, turn you: the connection object does not tell when its certificate ends
        -> look at the connection's certificate in the WorkOS dashboard
        connection conn_2 "OktaSAML" "active"
    "#);
}

#[test]
fn what_the_account_does_not_include_is_unknown() {
    let desired = wants("sso, dsync, audit_logs, log_streams, certificate_renewal");
    let refused = |message: &str| Observed {
        connections: Listing::NotEntitled(message.to_owned()),
        directories: Listing::NotEntitled(message.to_owned()),
        ..answered(Answer::NotEntitled(message.to_owned()))
    };
    let mut out = said(&desired, &refused("not in your plan\u{1b}[2J"));
    out += &said(&wants("sso"), &refused(""));
    assert_snapshot!(out, @r"
    acme sso unknown, since ?, turn you: WorkOS refuses to tell: not in your plan\u{1b}[2J
        -> check the key's permissions, and whether the account's plan includes the feature
    acme dsync unknown, since ?, turn you: WorkOS refuses to tell: not in your plan\u{1b}[2J
        -> check the key's permissions, and whether the account's plan includes the feature
    acme audit_logs unknown, since ?, turn you: WorkOS refuses to tell: not in your plan\u{1b}[2J
        -> check the key's permissions, and whether the account's plan includes the feature
    acme log_streams unknown, since ?, turn you: WorkOS refuses to tell: not in your plan\u{1b}[2J
        -> check the key's permissions, and whether the account's plan includes the feature
    acme certificate_renewal unknown, since ?, turn you: WorkOS refuses to tell: not in your plan\u{1b}[2J
        -> check the key's permissions, and whether the account's plan includes the feature
    acme sso unknown, since ?, turn you: WorkOS refuses to tell
        -> check the key's permissions, and whether the account's plan includes the feature
    ");
}

#[test]
fn what_was_not_read_is_unknown() {
    let observed = Observed {
        connections: Listing::NotRead,
        directories: Listing::NotRead,
        ..acme()
    };
    let desired = wants("sso, dsync, certificate_renewal, bring_your_own_key");
    assert_snapshot!(said(&desired, &observed), @"
    acme sso unknown, since ?, turn none: connections were not read in this run
    acme dsync unknown, since ?, turn none: directories were not read in this run
    acme certificate_renewal unknown, since ?, turn none: connections were not read in this run
    acme bring_your_own_key unknown, since ?, turn none: WorkOS has no route that tells whether the customer brought a key
    ");
}

#[test]
fn without_an_organization_the_next_step_is_ours() {
    let desired = declared(
        "acme: { name: Acme, intents: [sso, domain_verification] }\n\
         bolt: { name: Bolt, domains: [bolt.com], intents: [sso] }\n\
         cato: { id: org_gone, intents: [audit_logs] }",
    );
    let mut observed = domains(&[("bolt.com", "verified")]);
    let bolt = observed.organizations.get_mut(ACME).expect("it is there");
    bolt.external_id = None;
    let readiness = read(&desired, &observed, day("03-01"));
    assert_snapshot!(shown(&readiness), @"
    acme sso unknown, since ?, turn you: the entry is in conflict: no organization matches, but org_acme (Acme) has the same name
        -> resolve the conflict that portalctl plan shows
    acme domain_verification unknown, since ?, turn you: the entry is in conflict: no organization matches, but org_acme (Acme) has the same name
        -> resolve the conflict that portalctl plan shows
    bolt sso unconfigured, since ?, turn you: org_acme would be adopted first
        -> run portalctl apply --adopt
    cato audit_logs unknown, since ?, turn you: the entry is in conflict: org_gone does not exist in this environment
        -> resolve the conflict that portalctl plan shows
    ");
    assert_eq!(readiness.organizations[0].name.as_deref(), Some("Acme"));
    assert_eq!(readiness.organizations[0].organization_id, None);
    assert_eq!(readiness.organizations[2].name, None);
}

#[test]
fn only_what_is_unconfigured_dates_from_the_organization() {
    let mut observed = connections(&[("OktaSAML", "draft")]);
    let Listing::Read(all) = &mut observed.connections else {
        panic!("they were read");
    };
    for connection in all.values_mut().flatten() {
        connection.created_at = None;
        connection.updated_at = None;
    }
    let since = |desired: &Desired, observed: &Observed| {
        read(desired, observed, day("03-01")).organizations[0].intents[0].since
    };
    assert_eq!(since(&wants("sso"), &observed), None);
    assert_eq!(since(&wants("sso"), &acme()), Some(day("01-01")));
    assert_eq!(since(&wants("certificate_renewal"), &acme()), None);
    let mut undated = acme();
    undated
        .organizations
        .get_mut(ACME)
        .expect("acme is there")
        .created_at = None;
    assert_eq!(since(&wants("sso"), &undated), None);
}

#[test]
fn a_selection_narrows_organizations_and_intents() {
    let desired = declared(
        "acme: { name: Acme, intents: [sso, dsync] }\n\
         bolt: { name: Bolt, intents: [sso] }",
    );
    let observed = acme();
    let identities = identify(&desired, &observed);
    let only = |keys: &[&str], intents: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let selection = Selection::new(&owned(keys), &owned(intents)).expect("good patterns");
        let read = readiness(&desired, &observed, &identities, &selection, day("03-01"));
        let organizations = read.organizations.iter();
        organizations
            .map(|o| (o.key.to_string(), o.intents.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(only(&["acme"], &[]), [("acme".to_owned(), 2)]);
    assert_eq!(
        only(&[], &["d*"]),
        [("acme".to_owned(), 1), ("bolt".to_owned(), 0)]
    );
}

#[test]
fn every_intent_counts_once() {
    let desired = wants("sso, dsync, audit_logs, certificate_renewal, bring_your_own_key");
    let totals = read(
        &desired,
        &connections(&[("GoogleOAuth", "active")]),
        day("03-01"),
    )
    .totals();
    let counts: Vec<usize> = State::ALL.iter().map(|state| totals.of(*state)).collect();
    assert_eq!(counts, [0, 1, 0, 2, 1, 1]);
}
