//! Tests of decoding: answers as WorkOS documents them, and answers that lack something.

use super::*;
use portalctl_model::{Email, ExternalId, Intent, PortalOption};

fn read<T: FromWire>(value: &Value) -> T {
    decode(value.to_string().as_bytes()).unwrap()
}

#[test]
fn an_organization_needs_its_id_only() {
    let organization: Organization = read(&json!({"id": "org_1"}));
    assert_eq!(organization.id.as_str(), "org_1");
    assert_eq!(organization.name, "");
    let error = decode::<Organization>(br#"{"name":"Acme"}"#).unwrap_err();
    assert_eq!(error.to_string(), "an organization without `id`");
}

#[test]
fn fields_of_another_type_count_as_absent() {
    let organization: Organization = read(&json!({
        "id": "org_1", "name": 7, "external_id": [], "stripe_customer_id": {}, "domains": "acme.com",
        "metadata": [1], "created_at": 12, "updated_at": "yesterday", "allow_profiles": true,
    }));
    let bare: Organization = read(&json!({"id": "org_1"}));
    assert_eq!(organization, bare);
}

#[test]
fn an_organization_is_read_in_full_and_sorted() {
    let organization: Organization = read(&json!({
        "id": "org_1", "name": "Acme", "external_id": "", "stripe_customer_id": "cus_1",
        "domains": [
            {"id": "d2", "domain": "B.example", "state": "quantum"},
            {"id": "d1", "domain": "a.example", "state": "verified", "verification_token": "t",
             "verification_prefix": "p", "created_at": "2026-01-15T12:00:00.000Z"},
            {"id": "d3"},
        ],
        "metadata": {"z": "1", "a": "2", "gone": null, "n": 3, "b": true},
        "created_at": "2026-01-15T12:00:00.000Z",
    }));
    assert_eq!(organization.external_id, None);
    let domains: Vec<_> = organization
        .domains
        .iter()
        .map(|domain| (domain.domain.as_str(), domain.state.as_str()))
        .collect();
    assert_eq!(
        domains,
        [("a.example", "verified"), ("b.example", "quantum")]
    );
    let metadata: Vec<_> = organization
        .metadata
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(metadata, ["a=2", "b=true", "n=3", "z=1"]);
    assert_eq!(
        organization.created_at.map(|at| at.to_string()).as_deref(),
        Some("2026-01-15T12:00:00Z")
    );
}

#[test]
fn a_connection_is_read_in_both_spellings() {
    let new: Connection = read(&json!({
        "id": "conn_1", "connection_type": "OktaSAML", "state": "draft", "status": "linked",
    }));
    assert_eq!(new.connection_type, "OktaSAML");
    assert_eq!(new.state, ConnectionState::Draft);
    for (status, state) in [
        ("linked", ConnectionState::Active),
        ("unlinked", ConnectionState::Inactive),
        ("odd", ConnectionState::Unknown("odd".to_owned())),
    ] {
        let old: Connection = read(&json!({"id": "conn_1", "type": "OktaSAML", "status": status}));
        assert_eq!(old.connection_type, "OktaSAML");
        assert_eq!(old.state, state);
    }
}

#[test]
fn a_directory_and_its_legacy_state_are_read() {
    let directory: Directory = read(&json!({
        "id": "directory_1", "organization_id": "org_1", "type": "okta scim v2.0", "state": "active",
    }));
    assert_eq!(directory.state, DirectoryState::Active);
    assert_eq!(directory.directory_type, "okta scim v2.0");
    assert_eq!(
        directory.organization_id,
        Some(OrganizationId::from_api("org_1"))
    );
}

#[test]
fn an_audit_log_configuration_is_read_in_both_shapes() {
    let new: AuditLogConfiguration = read(&json!({
        "state": "active", "log_stream": {"type": "Datadog", "state": "error"},
    }));
    assert_eq!(new.log_stream.unwrap().state, LogStreamState::Error);
    for (shape, state) in [
        (
            json!({"enabled": true, "retention_days": 365}),
            AuditLogState::Active,
        ),
        (
            json!({"enabled": false, "log_stream": null}),
            AuditLogState::Inactive,
        ),
        (json!({}), AuditLogState::Unknown(String::new())),
    ] {
        let old: AuditLogConfiguration = read(&shape);
        assert_eq!((old.state, old.log_stream), (state, None));
    }
}

#[test]
fn a_page_needs_its_data_and_not_every_id_in_it() {
    let page: Page<Connection> = read(&json!({"data": [{"id": "conn_1"}]}));
    assert_eq!((page.items.len(), page.after), (1, None));
    let page: Page<Connection> =
        read(&json!({"data": [], "list_metadata": {"before": null, "after": "conn_1"}}));
    assert_eq!(page.after.as_deref(), Some("conn_1"));
    assert!(page.says_more);
    for metadata in [json!(null), json!({}), json!({"before": null})] {
        let page: Page<Connection> = read(&json!({"data": [], "list_metadata": metadata}));
        assert!(!page.says_more, "{metadata}");
    }
    let error = decode::<Page<Connection>>(b"{}").unwrap_err();
    assert_eq!(error.to_string(), "a list without `data`");
    // What an object has is kept, whatever it lacks.
    let page: Page<Connection> = read(&json!({"data": [
        {"id": "conn_1"}, {"id": null, "organization_id": "org_1", "state": "active"}, null, "x", 7,
    ]}));
    let ids: Vec<&str> = page.items.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["conn_1", "", "", "", ""]);
    assert_eq!(page.items[1].state, ConnectionState::Active);
    let items: Vec<Value> = (0..=PAGE_SIZE)
        .map(|id| json!({ "id": id.to_string() }))
        .collect();
    let body = json!({ "data": items }).to_string();
    let error = decode_page::<Connection>(body.as_bytes()).unwrap_err();
    assert_eq!(error, Unreadable::Overlong(PAGE_SIZE + 1));
}

#[test]
fn what_is_not_json_is_not_repeated() {
    for body in [
        "",
        "{\"link\": \"https://setup.workos.com?tok",
        "<html>",
        "\u{0}",
    ] {
        let error = decode_link(body.as_bytes(), &Endpoint::default()).unwrap_err();
        assert!(matches!(error, Unreadable::NotJson(_)), "{body}");
        assert!(!error.to_string().contains("setup"), "{error}");
    }
    let deep = "[".repeat(100_000);
    assert!(decode::<Organization>(deep.as_bytes()).is_err());
}

#[test]
fn a_portal_link_is_checked_before_it_exists() {
    let read = |link: &str| {
        let body = json!({ "link": link }).to_string();
        decode_link(body.as_bytes(), &Endpoint::default())
    };
    let link = read("https://setup.workos.com?token=x").unwrap();
    assert_eq!(link.expose(), "https://setup.workos.com?token=x");
    let error = read("javascript:alert(1)").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the portal link does not begin with https://, so it is not used"
    );
}

#[test]
fn bodies_hold_what_was_asked_and_nothing_else() {
    let new = NewOrganization {
        allow_profiles_outside_organization: Some(true),
        name: "Acme".to_owned(),
        external_id: ExternalId::parse("acme").unwrap(),
        domains: [
            ("acme.io", DeclaredDomainState::Verified),
            ("acme.com", DeclaredDomainState::Pending),
        ]
        .map(|(domain, state)| (Domain::parse(domain).unwrap(), state))
        .into(),
        metadata: [("tier".to_owned(), "gold".to_owned())].into(),
    };
    assert_eq!(
        create_body(&new),
        json!({
            "name": "Acme", "external_id": "acme", "metadata": {"tier": "gold"},
            "allow_profiles_outside_organization": true,
            "domain_data": [
                {"domain": "acme.com", "state": "pending"},
                {"domain": "acme.io", "state": "verified"},
            ],
        })
    );
    let patch = OrganizationPatch {
        metadata: Some(
            [
                ("a".to_owned(), None),
                ("b".to_owned(), Some("1".to_owned())),
            ]
            .into(),
        ),
        ..OrganizationPatch::default()
    };
    assert_eq!(
        update_body(&patch),
        json!({"metadata": {"a": null, "b": "1"}})
    );
    assert_eq!(update_body(&OrganizationPatch::default()), json!({}));
    let link = LinkRequest {
        organization: OrganizationId::from_api("org_1"),
        intent: Intent::DomainVerification,
        return_url: Some("https://app.example.com".to_owned()),
        success_url: None,
        external_user_id: None,
        sso: SsoOptions::default(),
        it_contacts: Vec::new(),
    };
    assert_eq!(
        link_body(&link),
        json!({
            "organization": "org_1", "intent": "domain_verification",
            "return_url": "https://app.example.com",
        })
    );
    let link = LinkRequest {
        external_user_id: Some(ExternalUserId::parse("user 1").unwrap()),
        it_contacts: vec![Email::parse("ada@acme.com").unwrap()],
        sso: SsoOptions {
            provider_type: PortalOption::parse("OktaSAML").ok(),
            bookmark_slug: None,
        },
        ..link
    };
    let body = link_body(&link);
    let options = json!({ "sso": { "provider_type": "OktaSAML" } });
    assert_eq!(body["intent_options"], options);
    assert_eq!(body["external_user_id"], "user 1");
    assert_eq!(body["it_contact_emails"], json!(["ada@acme.com"]));
}
