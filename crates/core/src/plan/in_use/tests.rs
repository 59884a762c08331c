//! Unit tests of the evidence that an organization is in use.

use super::*;
use portalctl_model::observed::{
    Connection, ConnectionState, Directory, DirectoryState, DomainState, FailedRead, LogStream,
    OrganizationDomain,
};
use portalctl_model::{Domain, OrganizationId};

fn organization() -> Organization {
    Organization {
        id: OrganizationId::from_api("org_1"),
        name: "Acme".to_owned(),
        external_id: Some("acme".to_owned()),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: Vec::new(),
        metadata: std::collections::BTreeMap::new(),
        created_at: None,
        updated_at: None,
    }
}

fn unused() -> Usage {
    Usage {
        connections: Ok(Vec::new()),
        directories: Ok(Vec::new()),
        audit_logs: Ok(None),
        has_members: Ok(false),
    }
}

fn connection(state: &str) -> Connection {
    Connection {
        id: "conn_1".to_owned(),
        organization_id: None,
        name: String::new(),
        connection_type: String::new(),
        state: ConnectionState::from_api(state),
        created_at: None,
        updated_at: None,
    }
}

fn directory(state: &str) -> Directory {
    Directory {
        id: "directory_1".to_owned(),
        organization_id: None,
        name: String::new(),
        directory_type: String::new(),
        state: DirectoryState::from_api(state),
        created_at: None,
        updated_at: None,
    }
}

fn logs(state: &str, stream: Option<&str>) -> AuditLogConfiguration {
    AuditLogConfiguration {
        state: AuditLogState::from_api(state),
        log_stream: stream.map(|state| LogStream {
            id: None,
            stream_type: "Datadog".to_owned(),
            state: LogStreamState::from_api(state),
            last_synced_at: None,
            created_at: None,
        }),
    }
}

fn failed(status: u16, message: &str) -> FailedRead {
    FailedRead {
        request: "GET /x".to_owned(),
        status: Some(status),
        code: None,
        message: message.to_owned(),
        is_skipped: false,
    }
}

/// The evidence about an organization without domains, one line each.
fn told(usage: &Usage) -> Vec<String> {
    let evidence = in_use(&organization(), Some(usage));
    evidence.iter().map(Evidence::to_string).collect()
}

#[test]
fn an_organization_that_nobody_uses_is_not_in_use() {
    assert_eq!(told(&unused()), Vec::<String>::new());
}

#[test]
fn a_connection_counts_in_every_state_but_draft_requires_type_and_deleting() {
    for state in ["draft", "requires_type", "deleting"] {
        let connections = Ok(vec![connection(state)]);
        let usage = Usage {
            connections,
            ..unused()
        };
        assert_eq!(told(&usage), Vec::<String>::new(), "{state}");
    }
    for state in ["active", "inactive", "validating", "paused", "quantum"] {
        let connections = Ok(vec![connection(state)]);
        let usage = Usage {
            connections,
            ..unused()
        };
        assert_eq!(told(&usage), [format!("connection conn_1 is {state}")]);
    }
}

#[test]
fn a_directory_counts_in_every_state_but_draft_requires_type_and_deleting() {
    for state in ["draft", "requires_type", "deleting"] {
        let directories = Ok(vec![directory(state)]);
        let usage = Usage {
            directories,
            ..unused()
        };
        assert_eq!(told(&usage), Vec::<String>::new(), "{state}");
    }
    for state in [
        "linked",
        "validating",
        "invalid_credentials",
        "unlinked",
        "suspended",
    ] {
        let directories = Ok(vec![directory(state)]);
        let usage = Usage {
            directories,
            ..unused()
        };
        assert_eq!(told(&usage), [format!("directory directory_1 is {state}")]);
    }
}

#[test]
fn a_state_that_workos_does_not_tell_counts() {
    let connections = Ok(vec![connection("")]);
    let usage = Usage {
        connections,
        ..unused()
    };
    assert_eq!(
        told(&usage),
        ["connection conn_1 is in a state that WorkOS does not tell"]
    );
}

#[test]
fn a_verified_domain_counts_and_a_pending_one_does_not() {
    let mut live = organization();
    live.domains = [
        "verified",
        "legacy_verified",
        "pending",
        "failed",
        "unverified",
    ]
    .into_iter()
    .map(|state| OrganizationDomain {
        id: None,
        domain: Domain::from_api(&format!("{}.example", state.replace('_', "-"))),
        state: DomainState::from_api(state),
        verification_prefix: None,
        verification_token: None,
        created_at: None,
        updated_at: None,
    })
    .collect();
    let evidence = in_use(&live, Some(&unused()));
    let told: Vec<String> = evidence.iter().map(Evidence::to_string).collect();
    assert_eq!(
        told,
        [
            "domain legacy-verified.example is legacy_verified",
            "domain verified.example is verified"
        ]
    );
}

#[test]
fn audit_logs_count_unless_they_are_surely_off() {
    for (state, counts) in [
        ("active", true),
        ("sideways", true),
        ("inactive", false),
        ("disabled", false),
    ] {
        let audit_logs = Ok(Some(logs(state, None)));
        let told = told(&Usage {
            audit_logs,
            ..unused()
        });
        let expected = counts.then(|| format!("its audit logs are {state}"));
        assert_eq!(told, Vec::from_iter(expected), "{state}");
    }
}

#[test]
fn a_log_stream_counts_unless_it_is_inactive() {
    for (state, counts) in [
        ("active", true),
        ("error", true),
        ("invalid", true),
        ("sideways", true),
        ("inactive", false),
    ] {
        let audit_logs = Ok(Some(logs("inactive", Some(state))));
        let told = told(&Usage {
            audit_logs,
            ..unused()
        });
        let expected = counts.then(|| format!("its log stream is {state}"));
        assert_eq!(told, Vec::from_iter(expected), "{state}");
    }
}

#[test]
fn one_member_counts() {
    let usage = Usage {
        has_members: Ok(true),
        ..unused()
    };
    assert_eq!(told(&usage), ["it has members"]);
}

#[test]
fn each_part_that_cannot_be_read_counts() {
    let usage = Usage {
        connections: Err(failed(403, "a")),
        directories: Err(failed(500, "b")),
        audit_logs: Err(failed(422, "c")),
        has_members: Err(failed(404, "\u{1b}d")),
    };
    assert_eq!(
        told(&usage),
        [
            "its connections cannot be read: GET /x answered 403: a",
            "its directories cannot be read: GET /x answered 500: b",
            "its audit logs cannot be read: GET /x answered 422: c",
            "its members cannot be read: GET /x answered 404: \\u{1b}d",
        ]
    );
}

#[test]
fn what_was_not_asked_for_counts() {
    let evidence = in_use(&organization(), None);
    assert_eq!(evidence.len(), 4);
    assert!(evidence.iter().all(|one| one.unread.is_some()));
}

#[test]
fn a_deletion_shows_its_own_evidence_and_nothing_else() {
    let of = |usage: &Usage| in_use(&organization(), Some(usage));
    let is_shown = |now: &Usage, then: &Usage| {
        let fields: Vec<_> = of(then).iter().map(Evidence::field).collect();
        let mut evidence = of(now).into_iter();
        evidence.all(|one| fields.iter().any(|field| one.is_shown_by(field)))
    };
    let connected = |state: &str| Usage {
        connections: Ok(vec![connection(state)]),
        ..unused()
    };
    let streaming = Usage {
        audit_logs: Ok(Some(logs("active", Some("active")))),
        ..unused()
    };
    let members = Usage {
        has_members: Ok(true),
        ..unused()
    };
    let unread = |part: &str| {
        let mut usage = unused();
        match part {
            "connections" => usage.connections = Err(failed(500, "a")),
            "audit_logs" => usage.audit_logs = Err(failed(500, "a")),
            _ => usage.has_members = Err(failed(500, "a")),
        }
        usage
    };
    assert!(is_shown(&connected("active"), &connected("active")));
    assert!(!is_shown(&connected("active"), &unused()));
    assert!(!is_shown(&connected("active"), &connected("validating")));
    assert!(!is_shown(&members, &connected("active")));
    assert!(is_shown(&members, &members));
    // Once a part could not be read, whatever is found in it was agreed to, and nothing else.
    assert!(is_shown(&connected("active"), &unread("connections")));
    assert!(is_shown(&streaming, &unread("audit_logs")));
    assert!(is_shown(&members, &unread("members")));
    assert!(!is_shown(&connected("active"), &unread("members")));
    assert!(!is_shown(&members, &unread("connections")));
    assert!(is_shown(&unread("members"), &unread("members")));
    // What was read once and cannot be read now may have come since.
    assert!(!is_shown(&unread("connections"), &connected("active")));
}

#[test]
fn a_domain_is_not_shown_by_a_part_that_could_not_be_read() {
    let evidence = Evidence::read(FieldPath::Domain(Domain::from_api("a.example")), "verified");
    let unread = Evidence::not_read(Dependent::Members, "500").field();
    assert!(!evidence.is_shown_by(&unread));
}
