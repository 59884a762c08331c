//! Readiness: the table of what each state at WorkOS means, row by row.

use std::collections::BTreeMap;

use jiff::Timestamp;

use portalctl_core::identity::identify;
use portalctl_core::readiness::{IntentReadiness, Readiness, State, Turn, readiness};
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::desired::Desired;
use portalctl_model::observed::{
    Answer, AuditLogConfiguration, AuditLogState, Certificate, Connection, ConnectionState,
    Directory, DirectoryState, DomainState, Listing, LogStream, LogStreamState, Observed,
    Organization, OrganizationDomain,
};
use portalctl_model::{Intent, OrganizationId, Selection};

use crate::support::samples::{held, january, organization};

fn desired(yaml: &str) -> Desired {
    let checked = manifest::read(&[Input::Stdin(yaml.as_bytes().to_vec())]);
    let diagnostics = &checked.diagnostics;
    checked
        .desired
        .unwrap_or_else(|| panic!("{diagnostics:?}\n{yaml}"))
}

/// One customer, `acme`, with everything that is declared of it.
fn acme(more: &str) -> Desired {
    desired(&format!(
        "version: 1\norganizations:\n  acme: {{ name: Acme, {more} }}\n"
    ))
}

/// `org_acme` is there, and all lists were read.
fn live() -> Observed {
    live_as(organization("acme"))
}

fn live_as(organization: Organization) -> Observed {
    Observed {
        organizations: BTreeMap::from([(organization.id.clone(), organization)]),
        connections: Listing::Read(BTreeMap::new()),
        directories: Listing::Read(BTreeMap::new()),
        ..Observed::default()
    }
}

fn org() -> OrganizationId {
    OrganizationId::from_api("org_acme")
}

fn look(desired: &Desired, observed: &Observed, now: Timestamp) -> Readiness {
    let identities = identify(desired, observed);
    readiness(desired, observed, &identities, &Selection::default(), now)
}

#[track_caller]
fn only(readiness: &Readiness) -> &IntentReadiness {
    assert_eq!(readiness.organizations.len(), 1);
    assert_eq!(readiness.organizations[0].intents.len(), 1);
    &readiness.organizations[0].intents[0]
}

/// `state, turn, since: reason -> next step [evidence]` of the only intent.
#[track_caller]
fn said(desired: &Desired, observed: &Observed) -> String {
    line(only(&look(desired, observed, january(10))))
}

fn line(intent: &IntentReadiness) -> String {
    let since = intent
        .since
        .map_or("ever".to_owned(), |since| since.strftime("%d").to_string());
    let mut line = format!(
        "{} {} {since}: {}",
        intent.state, intent.turn, intent.reason
    );
    if let Some(next) = &intent.next_step {
        line.push_str(&format!(" -> {next}"));
    }
    let evidence: Vec<String> = intent
        .evidence
        .iter()
        .map(|e| format!("{} {}", e.id.as_deref().unwrap_or(e.object), e.state))
        .collect();
    if !evidence.is_empty() {
        line.push_str(&format!(" [{}]", evidence.join(", ")));
    }
    line
}

/// The rows of a table: one line for each raw state.
fn table(states: &[&str], said: impl Fn(&str) -> String) -> String {
    let row = |state: &&str| format!("{state:?} {}", said(state));
    let rows: Vec<String> = states.iter().map(row).collect();
    rows.join("\n")
}

fn connection(n: i64, state: &str) -> Connection {
    Connection {
        id: format!("conn_{n}"),
        organization_id: Some(org()),
        name: "Okta".to_owned(),
        connection_type: "OktaSAML".to_owned(),
        state: ConnectionState::from_api(state),
        created_at: Some(january(n)),
        updated_at: Some(january(n + 1)),
    }
}

fn with_connections(connections: Vec<Connection>) -> Observed {
    Observed {
        connections: Listing::Read(BTreeMap::from([(org(), connections)])),
        ..live()
    }
}

fn directory(n: i64, state: &str) -> Directory {
    Directory {
        id: format!("directory_{n}"),
        organization_id: Some(org()),
        name: "Okta".to_owned(),
        directory_type: "okta scim v2.0".to_owned(),
        state: DirectoryState::from_api(state),
        created_at: Some(january(n)),
        updated_at: Some(january(n + 1)),
    }
}

fn with_directories(directories: Vec<Directory>) -> Observed {
    Observed {
        directories: Listing::Read(BTreeMap::from([(org(), directories)])),
        ..live()
    }
}

// sso

#[test]
fn sso_goes_by_the_connection() {
    let sso = acme("intents: [sso]");
    let states = [
        "active",
        "draft",
        "requires_type",
        "validating",
        "inactive",
        "deleting",
        "sideways",
        "",
    ];
    let rows = table(&states, |state| {
        said(&sso, &with_connections(vec![connection(3, state)]))
    });
    insta::assert_snapshot!(rows, @r#"
    "active" configured none 04: the OktaSAML connection is active [conn_3 active]
    "draft" in_progress customer 04: the OktaSAML connection is a draft -> ask the customer's IT admin to go on in the Admin Portal: portalctl link acme sso [conn_3 draft]
    "requires_type" in_progress customer 04: the customer has not chosen an identity provider yet -> ask the customer's IT admin to go on in the Admin Portal: portalctl link acme sso [conn_3 requires_type]
    "validating" in_progress customer 04: the OktaSAML connection waits for its first sign-in -> ask the customer's IT admin to sign in once [conn_3 validating]
    "inactive" attention customer 04: the OktaSAML connection is inactive: nobody can sign in with it -> ask the customer's IT admin to activate it in the Admin Portal: portalctl link acme sso [conn_3 inactive]
    "deleting" attention you 04: the OktaSAML connection is being deleted -> find out who deleted it; a new one is set up in the Admin Portal: portalctl link acme sso [conn_3 deleting]
    "sideways" unknown you 04: the state of the OktaSAML connection is one that this version does not know: sideways -> look at it in the WorkOS dashboard, and see whether a newer portalctl knows it [conn_3 sideways]
    "" unknown you 04: WorkOS does not tell the state of the OktaSAML connection -> look at it in the WorkOS dashboard, and see whether a newer portalctl knows it [conn_3 ]
    "#);
    insta::assert_snapshot!(said(&sso, &live()), @"unconfigured customer 01: no connection yet -> send the customer's IT admin to the Admin Portal: portalctl link acme sso");
}

#[test]
fn a_connection_without_a_type_reads_well() {
    let sso = acme("intents: [sso]");
    let mut bare = connection(3, "active");
    bare.connection_type = String::new();
    insta::assert_snapshot!(said(&sso, &with_connections(vec![bare])), @"configured none 04: the connection is active [conn_3 active]");
}

#[test]
fn any_active_connection_wins_else_the_worst() {
    let sso = acme("intents: [sso]");
    let worst_first = ["inactive", "sideways", "validating"];
    let all = ["active", "inactive", "sideways", "validating"];
    for (n, winner) in all.iter().enumerate() {
        let rest = &all[n..];
        // The order of the list does not matter.
        for turned in 0..rest.len() {
            let mut states = rest.to_vec();
            states.rotate_left(turned);
            let connections: Vec<Connection> = (1..)
                .zip(&states)
                .map(|(n, state)| connection(n, state))
                .collect();
            let looked = look(&sso, &with_connections(connections), january(10));
            let intent = only(&looked);
            let at = states.iter().position(|state| state == winner).unwrap();
            assert_eq!(intent.evidence.len(), states.len());
            assert_eq!(intent.evidence[0].state, *winner);
            assert_eq!(intent.evidence[0].id, Some(format!("conn_{}", at + 1)));
            assert_eq!(intent.since, intent.evidence[0].since);
        }
    }
    assert_eq!(all[1..], worst_first);
}

#[test]
fn more_than_one_active_connection_is_noted() {
    let connections = vec![
        connection(1, "active"),
        connection(2, "inactive"),
        connection(3, "active"),
    ];
    insta::assert_snapshot!(said(&acme("intents: [sso]"), &with_connections(connections)), @"configured none 02: 2 connections are active, the portal expects one per organization [conn_1 active, conn_3 active, conn_2 inactive]");
}

#[test]
fn connections_of_others_do_not_count() {
    let theirs = BTreeMap::from([(
        OrganizationId::from_api("org_globex"),
        vec![connection(1, "active")],
    )]);
    let observed = Observed {
        connections: Listing::Read(theirs),
        ..live()
    };
    let looked = look(&acme("intents: [sso]"), &observed, january(10));
    assert_eq!(only(&looked).state, State::Unconfigured);
}

// dsync

#[test]
fn dsync_goes_by_the_directory() {
    let dsync = acme("intents: [dsync]");
    let states = [
        "linked",
        "active",
        "validating",
        "invalid_credentials",
        "unlinked",
        "deleting",
        "sideways",
        "",
    ];
    let rows = table(&states, |state| {
        said(&dsync, &with_directories(vec![directory(3, state)]))
    });
    insta::assert_snapshot!(rows, @r#"
    "linked" configured none 04: the okta scim v2.0 directory is linked [directory_3 linked]
    "active" configured none 04: the okta scim v2.0 directory is linked [directory_3 active]
    "validating" in_progress customer 04: the okta scim v2.0 directory waits for its first sync -> ask the customer's IT admin to finish the directory's set-up in the Admin Portal: portalctl link acme dsync [directory_3 validating]
    "invalid_credentials" attention customer 04: the okta scim v2.0 directory's credentials are refused -> ask the customer's IT admin to renew the credentials in the Admin Portal: portalctl link acme dsync [directory_3 invalid_credentials]
    "unlinked" attention customer 04: the okta scim v2.0 directory is unlinked: users no longer arrive -> ask the customer's IT admin to link it again in the Admin Portal: portalctl link acme dsync [directory_3 unlinked]
    "deleting" attention you 04: the okta scim v2.0 directory is being deleted -> find out who deleted it; a new one is set up in the Admin Portal: portalctl link acme dsync [directory_3 deleting]
    "sideways" unknown you 04: the state of the okta scim v2.0 directory is one that this version does not know: sideways -> look at it in the WorkOS dashboard, and see whether a newer portalctl knows it [directory_3 sideways]
    "" unknown you 04: WorkOS does not tell the state of the okta scim v2.0 directory -> look at it in the WorkOS dashboard, and see whether a newer portalctl knows it [directory_3 ]
    "#);
    insta::assert_snapshot!(said(&dsync, &live()), @"unconfigured customer 01: no directory yet -> send the customer's IT admin to the Admin Portal: portalctl link acme dsync");
    let two = vec![directory(1, "unlinked"), directory(2, "linked")];
    insta::assert_snapshot!(said(&dsync, &with_directories(two)), @"configured none 03: the okta scim v2.0 directory is linked [directory_2 linked, directory_1 unlinked]");
}

// domain_verification

fn with_domains(domains: Vec<OrganizationDomain>) -> Observed {
    let mut acme = organization("acme");
    acme.domains = domains;
    live_as(acme)
}

fn state(text: &str) -> DomainState {
    DomainState::from_api(text)
}

#[test]
fn domain_verification_goes_by_the_declared_domain() {
    let declared = acme("domains: [acme.com], intents: [domain_verification]");
    let states = [
        "verified",
        "legacy_verified",
        "pending",
        "unverified",
        "failed",
        "sideways",
        "",
    ];
    let rows = table(&states, |raw| {
        said(&declared, &with_domains(vec![held("acme.com", state(raw))]))
    });
    insta::assert_snapshot!(rows, @r#"
    "verified" configured none 04: acme.com is verified [acme.com verified]
    "legacy_verified" configured none 04: acme.com is verified [acme.com legacy_verified]
    "pending" in_progress dns 04: acme.com waits for its TXT record, 24 days left -> ask the customer to set the TXT record that portalctl verify-domain acme shows [acme.com pending]
    "unverified" in_progress customer 04: the verification of acme.com has not been started -> run portalctl verify-domain acme, or send the customer's IT admin to the Admin Portal: portalctl link acme domain_verification [acme.com unverified]
    "failed" attention customer 04: acme.com could not be verified -> have the TXT record set, then run portalctl verify-domain acme: it begins the verification again [acme.com failed]
    "sideways" unknown you 04: the state of acme.com is one that this version does not know: sideways -> look at it in the WorkOS dashboard [acme.com sideways]
    "" unknown you 04: WorkOS does not tell the state of acme.com -> look at it in the WorkOS dashboard [acme.com ]
    "#);
    insta::assert_snapshot!(said(&declared, &live()), @"unconfigured you 01: the organization does not have the domain acme.com -> run portalctl apply");
}

#[test]
fn the_worst_declared_domain_decides() {
    let declared = acme("domains: [a.com, b.com, c.com], intents: [domain_verification]");
    let of = |states: [Option<&str>; 3]| {
        let domains = ["a.com", "b.com", "c.com"]
            .iter()
            .zip(states)
            .filter_map(|(name, raw)| Some(held(name, state(raw?))));
        said(&declared, &with_domains(domains.collect()))
    };
    let verified = Some("verified");
    let rows: Vec<String> = [
        [verified, verified, Some("legacy_verified")],
        [verified, Some("pending"), verified],
        [None, Some("pending"), verified],
        [None, Some("sideways"), verified],
        [Some("failed"), Some("sideways"), None],
        [Some("pending"), Some("unverified"), Some("pending")],
    ]
    .into_iter()
    .map(of)
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
    configured none 04: all 3 domains are verified [a.com verified, b.com verified, c.com legacy_verified]
    in_progress dns 04: 2 of 3 domains are verified; b.com waits for its TXT record, 24 days left -> ask the customer to set the TXT record that portalctl verify-domain acme shows [a.com verified, b.com pending, c.com verified]
    unconfigured you 01: 1 of 3 domains is verified; the organization does not have the domain a.com; b.com waits for its TXT record, 24 days left -> run portalctl apply [b.com pending, c.com verified]
    unknown you 04: 1 of 3 domains is verified; the state of b.com is one that this version does not know: sideways; the organization does not have the domain a.com -> look at it in the WorkOS dashboard [b.com sideways, c.com verified]
    attention customer 04: a.com could not be verified; the state of b.com is one that this version does not know: sideways; the organization does not have the domain c.com -> have the TXT record set, then run portalctl verify-domain acme: it begins the verification again [a.com failed, b.com sideways]
    in_progress dns 04: a.com, c.com: each waits for its TXT record, 24 days left; the verification of b.com has not been started -> ask the customer to set the TXT record that portalctl verify-domain acme shows [a.com pending, b.com unverified, c.com pending]
    ");
}

#[test]
fn without_declared_domains_one_verified_is_enough() {
    let declared = acme("intents: [domain_verification]");
    let rows: Vec<String> = [
        vec![
            held("a.com", state("failed")),
            held("b.com", state("verified")),
        ],
        vec![
            held("a.com", state("failed")),
            held("b.com", state("pending")),
        ],
        vec![held("a.com", state("failed"))],
        vec![],
    ]
    .into_iter()
    .map(|domains| said(&declared, &with_domains(domains)))
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
    configured none 04: b.com is verified [a.com failed, b.com verified]
    in_progress dns 04: b.com waits for its TXT record, 24 days left -> declare the domain, then portalctl verify-domain acme shows the TXT record to set [a.com failed, b.com pending]
    attention customer 04: a.com could not be verified -> declare the domain, then portalctl verify-domain acme shows its record and begins again [a.com failed]
    unconfigured customer 01: no domain yet -> declare the customer's domains, or send the customer's IT admin to the Admin Portal: portalctl link acme domain_verification
    ");
}

#[test]
fn domains_that_are_not_declared_do_not_count() {
    let declared = acme("domains: [a.com], intents: [domain_verification]");
    let domains = vec![
        held("a.com", state("verified")),
        held("b.com", state("failed")),
    ];
    let looked = look(&declared, &with_domains(domains), january(10));
    assert_eq!(only(&looked).state, State::Configured);
}

#[test]
fn a_pending_domain_has_days_left_of_thirty() {
    let declared = acme("domains: [acme.com], intents: [domain_verification]");
    // Pending since january(4).
    let observed = with_domains(vec![held("acme.com", DomainState::Pending)]);
    let at = |seconds: i64| {
        let now = january(4) + jiff::SignedDuration::from_secs(seconds);
        only(&look(&declared, &observed, now)).clone()
    };
    let day = 24 * 60 * 60;
    for (seconds, left) in [
        // The clocks of two machines differ.
        (-5 * day, "30 days left"),
        (0, "30 days left"),
        (1, "30 days left"),
        (day - 1, "30 days left"),
        (day, "29 days left"),
        (28 * day, "2 days left"),
        (28 * day + 1, "2 days left"),
        (29 * day - 1, "2 days left"),
        (29 * day, "1 day left"),
        (30 * day - 1, "1 day left"),
        (30 * day, "its 30 days are over"),
        (90 * day, "its 30 days are over"),
    ] {
        let reason = format!("acme.com waits for its TXT record, {left}");
        assert_eq!(at(seconds).reason, reason, "{seconds}");
        assert_eq!(at(seconds).state, State::InProgress);
        assert_eq!(at(seconds).turn, Turn::Dns);
    }
    insta::assert_snapshot!(line(&at(30 * day)), @"in_progress dns 04: acme.com waits for its TXT record, its 30 days are over -> ask the customer to set the TXT record that portalctl verify-domain acme shows [acme.com pending]");
}

#[test]
fn a_pending_domain_without_a_time_or_a_prefix_reads_well() {
    let declared = acme("domains: [acme.com], intents: [domain_verification]");
    let mut bare = held("acme.com", DomainState::Pending);
    bare.created_at = None;
    bare.updated_at = None;
    bare.verification_prefix = Some(String::new());
    insta::assert_snapshot!(said(&declared, &with_domains(vec![bare])), @"in_progress dns ever: acme.com waits for its TXT record -> ask the customer to set the TXT record that portalctl verify-domain acme shows [acme.com pending]");
}

// audit_logs and log_streams

fn with_logs(answer: Option<Answer<AuditLogConfiguration>>) -> Observed {
    Observed {
        audit_logs: answer.map(|answer| (org(), answer)).into_iter().collect(),
        ..live()
    }
}

fn configuration(raw: &str, log_stream: Option<LogStream>) -> Answer<AuditLogConfiguration> {
    Answer::Found(AuditLogConfiguration {
        state: AuditLogState::from_api(raw),
        log_stream,
    })
}

fn stream(raw: &str) -> LogStream {
    LogStream {
        id: Some("audit_log_stream_1".to_owned()),
        stream_type: "Datadog".to_owned(),
        state: LogStreamState::from_api(raw),
        last_synced_at: Some(january(5)),
        created_at: Some(january(3)),
    }
}

#[test]
fn audit_logs_go_by_their_configuration() {
    let declared = acme("intents: [audit_logs]");
    let rows = table(&["active", "inactive", "disabled", "sideways", ""], |raw| {
        said(&declared, &with_logs(Some(configuration(raw, None))))
    });
    insta::assert_snapshot!(rows, @r#"
"active" configured none ever: audit logs are active [audit_log_configuration active]
"inactive" unconfigured you 01: audit logs are not set up -> set up audit logs for this organization in the WorkOS dashboard [audit_log_configuration inactive]
"disabled" attention you ever: audit logs are switched off -> switch them on in the WorkOS dashboard, or drop the intent [audit_log_configuration disabled]
"sideways" unknown you ever: the state of the audit-log configuration is one that this version does not know: sideways -> look at it in the WorkOS dashboard [audit_log_configuration sideways]
"" unknown you ever: WorkOS does not tell the state of the audit-log configuration -> look at it in the WorkOS dashboard [audit_log_configuration ]
"#);
    insta::assert_snapshot!(said(&declared, &with_logs(Some(Answer::Absent))), @"unconfigured you 01: audit logs are not set up -> set up audit logs for this organization in the WorkOS dashboard");
}

#[test]
fn log_streams_go_by_the_stream() {
    let declared = acme("intents: [log_streams]");
    let states = ["active", "inactive", "error", "invalid", "sideways", ""];
    let rows = table(&states, |raw| {
        let configuration = configuration("active", Some(stream(raw)));
        said(&declared, &with_logs(Some(configuration)))
    });
    insta::assert_snapshot!(rows, @r#"
    "active" configured none 05: the Datadog stream delivers [audit_log_stream_1 active]
    "inactive" in_progress customer 05: the Datadog stream is inactive -> ask the customer's IT admin to finish it in the Admin Portal: portalctl link acme log_streams [audit_log_stream_1 inactive]
    "error" attention customer 05: the Datadog stream fails -> ask the customer's IT admin to check the destination [audit_log_stream_1 error]
    "invalid" attention customer 05: the Datadog stream's configuration is refused -> ask the customer's IT admin to correct it in the Admin Portal: portalctl link acme log_streams [audit_log_stream_1 invalid]
    "sideways" unknown you 05: the state of the Datadog stream is one that this version does not know: sideways -> look at it in the WorkOS dashboard [audit_log_stream_1 sideways]
    "" unknown you 05: WorkOS does not tell the state of the Datadog stream -> look at it in the WorkOS dashboard [audit_log_stream_1 ]
    "#);
    insta::assert_snapshot!(said(&declared, &with_logs(Some(configuration("active", None)))), @"unconfigured customer 01: no log stream yet -> send the customer's IT admin to the Admin Portal: portalctl link acme log_streams");
    insta::assert_snapshot!(said(&declared, &with_logs(Some(Answer::Absent))), @"unconfigured customer 01: no log stream yet -> send the customer's IT admin to the Admin Portal: portalctl link acme log_streams");
    let mut bare = stream("active");
    bare.stream_type = String::new();
    bare.last_synced_at = None;
    insta::assert_snapshot!(said(&declared, &with_logs(Some(configuration("active", Some(bare))))), @"configured none 03: the stream delivers [audit_log_stream_1 active]");
}

#[test]
fn logs_that_were_not_asked_about_are_unknown() {
    for intent in ["audit_logs", "log_streams"] {
        let declared = acme(&format!("intents: [{intent}]"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(said(&declared, &with_logs(None)), @"unknown none ever: the audit-log configuration was not read in this run -> run portalctl status");
        }
    }
}

// certificate_renewal and bring_your_own_key

#[test]
fn certificates_matter_to_active_saml_connections_only() {
    let declared = acme("intents: [certificate_renewal]");
    let of = |kind: &str, raw: &str| {
        let mut connection = connection(1, raw);
        connection.connection_type = kind.to_owned();
        said(&declared, &with_connections(vec![connection]))
    };
    let rows = [
        said(&declared, &live()),
        of("OktaSAML", "inactive"),
        of("OktaOIDC", "active"),
        of("", "active"),
        of("OktaSAML", "active"),
    ];
    insta::assert_snapshot!(rows.join("\n"), @"
    not_applicable none ever: no active SAML connection
    not_applicable none ever: no active SAML connection
    not_applicable none ever: no active SAML connection
    unknown you ever: WorkOS does not tell the type of an active connection, so it may have a certificate -> look at the connection's certificate in the WorkOS dashboard [conn_1 active]
    unknown you ever: WorkOS does not tell when the certificate runs out -> look at the connection's certificate in the WorkOS dashboard [conn_1 active]
    ");
}

/// Returns the readiness of a connection whose certificates expire at these times.
fn state_with_certificates(connection: Connection, ends: &[Option<&str>]) -> State {
    let certificate = |(n, end): (usize, Option<&str>)| Certificate {
        id: format!("cert_{n}"),
        not_after: end.map(|end| end.parse().unwrap()),
        created_at: None,
    };
    let certificates = ends.iter().copied().enumerate().map(certificate).collect();
    let observed = Observed {
        certificates: BTreeMap::from([(connection.id.clone(), Answer::Found(certificates))]),
        ..with_connections(vec![connection])
    };
    let declared = acme("intents: [certificate_renewal]");
    only(&look(&declared, &observed, january(15))).state
}

#[test]
fn the_certificate_that_lasts_longest_counts() {
    let (old, new) = (Some("2026-01-16T12:00:00Z"), Some("2027-01-01T00:00:00Z"));
    for ends in [[old, new], [new, old]] {
        assert_eq!(
            state_with_certificates(connection(1, "active"), &ends),
            State::Configured
        );
    }
    assert_eq!(
        state_with_certificates(connection(1, "active"), &[old]),
        State::Attention
    );
    // One whose end is not told may last longer.
    assert_eq!(
        state_with_certificates(connection(1, "active"), &[old, None]),
        State::Unknown
    );
}

#[test]
fn what_may_have_a_certificate_is_never_not_applicable() {
    let of = |kind: &str, state: &str| Connection {
        connection_type: kind.to_owned(),
        ..connection(1, state)
    };
    for (kind, state, expected) in [
        ("", "active", State::Unknown),
        ("OktaSAML", "paused", State::Unknown),
        ("", "paused", State::Unknown),
        ("GoogleOAuth", "active", State::NotApplicable),
        ("OktaSAML", "draft", State::NotApplicable),
    ] {
        assert_eq!(
            state_with_certificates(of(kind, state), &[]),
            expected,
            "{kind} {state}"
        );
    }
    // Certificates tell what the type does not.
    let far = Some("2027-01-01T00:00:00Z");
    assert_eq!(
        state_with_certificates(of("", "active"), &[far]),
        State::Configured
    );
}

#[test]
fn nothing_tells_of_keys() {
    insta::assert_snapshot!(said(&acme("intents: [bring_your_own_key]"), &live()), @"unknown none ever: events were not read in this run -> run portalctl status");
}

// Rules of every intent.

#[test]
fn what_the_account_does_not_include_is_unknown() {
    let refused = || "Directory Sync is not enabled.\u{1b}[2J".to_owned();
    let mut rows = Vec::new();
    let observed = Observed {
        connections: Listing::NotEntitled(refused()),
        directories: Listing::NotEntitled(String::new()),
        audit_logs: BTreeMap::from([(org(), Answer::NotEntitled(refused()))]),
        ..live()
    };
    for intent in [
        "sso",
        "dsync",
        "certificate_renewal",
        "audit_logs",
        "log_streams",
    ] {
        let declared = acme(&format!("intents: [{intent}]"));
        rows.push(said(&declared, &observed));
    }
    insta::assert_snapshot!(rows.join("\n"), @r"
unknown you ever: WorkOS refuses to tell (403): Directory Sync is not enabled.\u{1b}[2J -> check the key's permissions, and whether the account's plan includes the feature
unknown you ever: WorkOS refuses to tell (403) -> check the key's permissions, and whether the account's plan includes the feature
unknown you ever: WorkOS refuses to tell (403): Directory Sync is not enabled.\u{1b}[2J -> check the key's permissions, and whether the account's plan includes the feature
unknown you ever: WorkOS refuses to tell (403): Directory Sync is not enabled.\u{1b}[2J -> check the key's permissions, and whether the account's plan includes the feature
unknown you ever: WorkOS refuses to tell (403): Directory Sync is not enabled.\u{1b}[2J -> check the key's permissions, and whether the account's plan includes the feature
");
}

#[test]
fn what_was_not_read_is_unknown() {
    let observed = Observed {
        connections: Listing::NotRead,
        directories: Listing::NotRead,
        ..live()
    };
    let rows: Vec<String> = ["sso", "dsync", "certificate_renewal"]
        .into_iter()
        .map(|intent| said(&acme(&format!("intents: [{intent}]")), &observed))
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @"
unknown none ever: connections were not read in this run -> run portalctl status
unknown none ever: directories were not read in this run -> run portalctl status
unknown none ever: connections were not read in this run -> run portalctl status
");
}

const EVERY_INTENT: &str = "[sso, dsync, domain_verification, audit_logs, log_streams, \
                            certificate_renewal, bring_your_own_key]";

#[test]
fn an_organization_that_does_not_exist_is_unconfigured() {
    let declared = acme(&format!("intents: {EVERY_INTENT}"));
    let looked = look(&declared, &Observed::default(), january(10));
    let acme = &looked.organizations[0];
    assert_eq!(acme.name.as_deref(), Some("Acme"));
    assert_eq!(acme.organization_id, None);
    assert_eq!(acme.intents.len(), 7);
    for intent in &acme.intents {
        assert_eq!(
            line(intent),
            "unconfigured you ever: the organization is not created yet -> run portalctl apply"
        );
    }
}

#[test]
fn an_organization_to_adopt_is_unconfigured() {
    let mut theirs = organization("orphan");
    theirs.external_id = None;
    theirs.domains = vec![held("acme.com", DomainState::Verified)];
    let declared = acme("domains: [acme.com], intents: [domain_verification]");
    let looked = look(&declared, &live_as(theirs), january(10));
    assert_eq!(looked.organizations[0].organization_id, None);
    insta::assert_snapshot!(line(only(&looked)), @"unconfigured you ever: orphan (org_orphan) would be adopted first -> run portalctl apply --adopt");
}

#[test]
fn an_entry_in_conflict_is_unknown() {
    let mut twin = organization("twin");
    twin.external_id = None;
    twin.name = "Acme".to_owned();
    let declared = acme("intents: [sso]");
    insta::assert_snapshot!(said(&declared, &live_as(twin)), @"unknown you ever: the entry is in conflict: no organization matches, but org_twin (Acme) has the same name -> resolve the conflict that portalctl plan shows");
}

#[test]
fn only_selected_keys_and_intents_are_looked_at() {
    let declared = desired(&format!(
        "version: 1\norganizations:\n  acme: {{ name: Acme, intents: {EVERY_INTENT} }}\n  \
         globex: {{ name: Globex, intents: [sso] }}\n"
    ));
    let observed = live();
    let identities = identify(&declared, &observed);
    let of = |keys: &[&str], intents: &[&str]| {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let selection = Selection::new(&texts(keys), &texts(intents)).unwrap();
        readiness(&declared, &observed, &identities, &selection, january(10))
    };
    let selected = of(&["ac*"], &["sso", "*_logs"]);
    assert_eq!(selected.organizations.len(), 1);
    let intents: Vec<Intent> = selected.organizations[0]
        .intents
        .iter()
        .map(|i| i.intent)
        .collect();
    assert_eq!(intents, [Intent::Sso, Intent::AuditLogs]);
    assert_eq!(of(&[], &[]).organizations.len(), 2);
    assert_eq!(of(&[], &["sso"]).totals().unconfigured, 2);
}

#[test]
fn totals_count_every_intent_once() {
    let declared = acme(&format!("domains: [acme.com], intents: {EVERY_INTENT}"));
    let mut observed = with_domains(vec![held("acme.com", DomainState::Failed)]);
    observed.connections =
        Listing::Read(BTreeMap::from([(org(), vec![connection(1, "validating")])]));
    observed.directories = Listing::Read(BTreeMap::from([(org(), vec![directory(1, "linked")])]));
    observed.audit_logs = BTreeMap::from([(org(), configuration("inactive", None))]);
    let totals = look(&declared, &observed, january(10)).totals();
    let counts: Vec<usize> = State::ALL.iter().map(|state| totals.of(*state)).collect();
    // attention, unknown, in progress, unconfigured, configured, not applicable
    assert_eq!(counts, [1, 0, 1, 2, 1, 1]);
    assert_eq!(totals.not_read, 1);
}

#[test]
fn no_verification_token_is_in_a_readiness() {
    let declared = acme("domains: [acme.com], intents: [domain_verification]");
    for raw in ["pending", "failed", "verified", "unverified"] {
        let observed = with_domains(vec![held("acme.com", state(raw))]);
        let looked = look(&declared, &observed, january(10));
        assert!(!format!("{looked:?}").contains("t0ken"), "{looked:?}");
    }
}

#[test]
fn what_workos_says_is_shown_on_one_line() {
    let hostile = "\u{1b}[2J\nx\u{202e}";
    let mut connection = connection(1, hostile);
    connection.connection_type = hostile.to_owned();
    let mut domain = held("acme.com", DomainState::Pending);
    domain.verification_prefix = Some(hostile.to_owned());
    let mut observed = with_domains(vec![domain]);
    observed.connections = Listing::Read(BTreeMap::from([(org(), vec![connection])]));
    let declared = acme("domains: [acme.com], intents: [sso, domain_verification]");
    for intent in &look(&declared, &observed, january(10)).organizations[0].intents {
        for text in [Some(&intent.reason), intent.next_step.as_ref()]
            .into_iter()
            .flatten()
        {
            assert!(text.chars().all(portalctl_model::text::is_plain), "{text}");
        }
    }
}
