//! Tests of the rules: what is refused with which code, and what follows from what is done.

use serde_json::{Value, json};

use super::*;
use portalctl_model::intent::Intent;

fn noon() -> Timestamp {
    "2026-01-15T12:00:00.123456Z".parse().unwrap()
}

fn world() -> World {
    World::new(7)
}

fn create(world: &mut World, body: &Value) -> Result<Organization, Refusal> {
    let input = OrganizationInput::read(body)?;
    world.create_organization(noon(), input).cloned()
}

fn update(world: &mut World, id: &str, body: &Value) -> Result<Organization, Refusal> {
    let input = OrganizationInput::read(body)?;
    world.update_organization(noon(), id, input).cloned()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, status: u16, code: &str) {
    let refusal = result.unwrap_err();
    assert_eq!(
        (refusal.status(), refusal.code()),
        (status, code),
        "{refusal}"
    );
}

fn event_names(world: &World) -> Vec<&str> {
    world.events().map(|event| event.event.as_str()).collect()
}

#[test]
fn an_external_id_belongs_to_one_organization() {
    let mut world = world();
    let acme = create(
        &mut world,
        &json!({ "name": "Acme", "external_id": "acme" }),
    )
    .unwrap();
    let again = create(
        &mut world,
        &json!({ "name": "Acme", "external_id": "acme" }),
    );
    refused(again, 400, "external_id_already_used");
    let other = create(&mut world, &json!({ "name": "Acme" })).unwrap();
    let taken = update(&mut world, &other.id, &json!({ "external_id": "acme" }));
    refused(taken, 400, "external_id_already_used");

    update(&mut world, &acme.id, &json!({ "external_id": "acme" })).unwrap();
    update(&mut world, &acme.id, &json!({ "external_id": null })).unwrap();
    update(&mut world, &other.id, &json!({ "external_id": "acme" })).unwrap();
    let found = world.organization_by_external_id("acme").unwrap();
    assert_eq!(found.id, other.id);
    world.delete_organization(noon(), &other.id).unwrap();
    refused(
        world.organization_by_external_id("acme"),
        404,
        "entity_not_found",
    );
    create(
        &mut world,
        &json!({ "name": "Acme", "external_id": "acme" }),
    )
    .unwrap();
}

#[test]
fn bodies_are_read_as_documented() {
    let mut world = world();
    refused(create(&mut world, &json!([])), 400, "invalid_request_body");
    let bad = [
        json!({}),
        json!({ "name": "  " }),
        json!({ "name": 7 }),
        json!({ "name": "A", "external_id": "x".repeat(129) }),
        json!({ "name": "A", "external_id": "ü" }),
        json!({ "name": "A", "external_id": "" }),
        json!({ "name": "A", "domain_data": [{ "domain": "a.com" }] }),
        json!({ "name": "A", "domain_data": [{ "domain": "a.com", "state": "failed" }] }),
        json!({ "name": "A", "domain_data": [{ "domain": "gmail.com", "state": "pending" }] }),
        json!({ "name": "A", "domain_data": [{ "domain": "localhost", "state": "pending" }] }),
        json!({ "name": "A", "domain_data": "a.com" }),
    ];
    for body in &bad {
        refused(create(&mut world, body), 422, "unprocessable_entity");
    }
    assert_eq!(world.organization_count(), 0);
    let body = json!({
        "name": " A ", "domains": ["A.com"], "stripe_customer_id": "cus_1", "color": "red",
    });
    let made = create(&mut world, &body).unwrap();
    assert_eq!(
        (made.name.as_str(), made.domains[0].domain.as_str()),
        ("A", "a.com")
    );
    assert_eq!(made.stripe_customer_id, None);
    assert_eq!(made.created_at.to_string(), "2026-01-15T12:00:00.123Z");
}

#[test]
fn metadata_has_limits() {
    let mut world = world();
    let many: BTreeMap<String, &str> = (0..51).map(|n| (format!("k{n}"), "v")).collect();
    let bad = [
        json!(many),
        json!({ "k".repeat(41): "v" }),
        json!({ "k": "v".repeat(601) }),
        json!({ "k": 7 }),
        json!({ "": "v" }),
        json!("k=v"),
    ];
    for metadata in bad {
        let body = json!({ "name": "A", "metadata": metadata });
        refused(create(&mut world, &body), 400, "invalid_metadata");
    }
    let metadata = json!({ "k".repeat(40): "ü".repeat(600), "gone": null });
    let made = create(&mut world, &json!({ "name": "A", "metadata": metadata })).unwrap();
    assert_eq!(made.metadata.len(), 1);
}

#[test]
fn a_put_keeps_what_it_leaves_out_and_merges_or_replaces_metadata() {
    let mut world = world();
    world.rules_mut().metadata_on_put = MetadataOnPut::Replace;
    let body = json!({ "name": "A", "external_id": "a", "metadata": { "x": "1", "y": "2" } });
    let id = create(&mut world, &body).unwrap().id;
    let same = update(&mut world, &id, &json!({ "name": "B" })).unwrap();
    assert_eq!((same.name.as_str(), same.metadata.len()), ("B", 2));
    assert_eq!(same.external_id.as_deref(), Some("a"));
    let put = json!({ "metadata": { "y": "3", "x": null } });
    let next = update(&mut world, &id, &put).unwrap();
    assert_eq!(
        next.metadata,
        BTreeMap::from([("y".to_owned(), "3".to_owned())])
    );

    world.rules_mut().metadata_on_put = MetadataOnPut::Merge;
    let put = json!({ "metadata": { "z": "4", "y": null } });
    let next = update(&mut world, &id, &put).unwrap();
    assert_eq!(
        next.metadata,
        BTreeMap::from([("z".to_owned(), "4".to_owned())])
    );
    let next = update(&mut world, &id, &json!({ "metadata": null })).unwrap();
    assert!(next.metadata.is_empty());
    let _ = update(&mut world, &id, &put).unwrap();
    let next = update(&mut world, &id, &json!({ "metadata": {} })).unwrap();
    assert!(next.metadata.is_empty());
}

#[test]
fn a_domain_is_verified_for_one_organization_only() {
    let mut world = world();
    let verified =
        json!({ "name": "A", "domain_data": [{ "domain": "a.com", "state": "verified" }] });
    let pending =
        json!({ "name": "B", "domain_data": [{ "domain": "A.COM", "state": "pending" }] });
    let a = create(&mut world, &verified).unwrap();
    let code = "domain_verified_by_other_organization";
    refused(create(&mut world, &verified), 409, code);
    let b = create(&mut world, &pending).unwrap();
    let put = json!({ "domain_data": [{ "domain": "a.com", "state": "verified" }] });
    refused(update(&mut world, &b.id, &put), 409, code);
    refused(
        world.add_domain(noon(), &b.id, "a.com"),
        409,
        "domain_already_exists",
    );

    let domain = b.domains[0].id.clone();
    assert_eq!(
        world.verify_domain(noon(), &domain).unwrap().state,
        DomainState::Pending
    );
    world.publish_record(&domain).unwrap();
    assert_eq!(
        world.verify_domain(noon(), &domain).unwrap().state,
        DomainState::Failed
    );
    let last = world.events().last().unwrap();
    assert_eq!(last.event, "organization_domain.verification_failed");
    assert_eq!(last.data["reason"], code);

    world.delete_domain(noon(), &a.domains[0].id).unwrap();
    assert_eq!(
        world.verify_domain(noon(), &domain).unwrap().state,
        DomainState::Verified
    );
    refused(
        world.verify_domain(noon(), &domain),
        400,
        "domain_already_verified",
    );
}

#[test]
fn a_put_of_domains_replaces_the_list() {
    let mut world = world();
    let pending = |domain: &str| json!({ "domain": domain, "state": "pending" });
    let body = json!({ "name": "A", "domain_data": [pending("a.com"), pending("b.com")] });
    let id = create(&mut world, &body).unwrap().id;
    let twice = json!({ "domain_data": [pending("a.com"), pending("a.com")] });
    refused(
        update(&mut world, &id, &twice),
        409,
        "domain_already_exists",
    );
    let put =
        json!({ "domain_data": [{ "domain": "b.com", "state": "verified" }, pending("c.com")] });
    let next = update(&mut world, &id, &put).unwrap();
    let shown: Vec<_> = next
        .domains
        .iter()
        .map(|d| (d.domain.as_str(), d.state.clone()))
        .collect();
    let expected = [
        ("b.com", DomainState::Verified),
        ("c.com", DomainState::Pending),
    ];
    assert_eq!(shown, expected);
    let filter = OrganizationFilter {
        domains: vec!["A.com".to_owned()],
        search: None,
    };
    let page = world
        .list_organizations(&PageQuery::default(), &filter)
        .unwrap();
    assert!(page.data.is_empty());
}

#[test]
fn lists_are_narrowed_by_domain_and_name() {
    let mut world = world();
    for name in ["acme", "globex", "acme labs"] {
        let domain = format!("{}.com", name.replace(' ', "-"));
        let data = [json!({ "domain": domain, "state": "pending" })];
        create(&mut world, &json!({ "name": name, "domain_data": data })).unwrap();
    }
    let names = |domains: &[&str], search: Option<&str>| {
        let filter = OrganizationFilter {
            domains: domains.iter().map(|d| (*d).to_owned()).collect(),
            search: search.map(str::to_owned),
        };
        let page = world
            .list_organizations(&PageQuery::default(), &filter)
            .unwrap();
        page.data.iter().map(|o| o.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&[], None), ["acme labs", "globex", "acme"]);
    assert_eq!(names(&["ACME.com", "globex.com"], None), ["globex", "acme"]);
    assert_eq!(names(&[], Some("ACME")), ["acme labs", "acme"]);
    assert_eq!(names(&["acme.com"], Some("labs")), Vec::<String>::new());
}

#[test]
fn deleting_an_organization_takes_everything_along() {
    let mut world = world();
    let data = json!([{ "domain": "a.com", "state": "verified" }]);
    let id = create(&mut world, &json!({ "name": "A", "domain_data": data }))
        .unwrap()
        .id;
    for intent in [Intent::Sso, Intent::Dsync, Intent::LogStreams] {
        world.finish_intent(noon(), &id, intent, None).unwrap();
    }
    world.rules_mut().deletion_delay = Duration::from_secs(2);
    world.delete_organization(noon(), &id).unwrap();
    assert!(!world.settle(noon()));
    assert!(world.organization(&id).is_ok());
    assert!(world.settle(noon() + Duration::from_secs(2)));
    refused(world.organization(&id), 404, "entity_not_found");
    refused(
        world.delete_organization(noon(), &id),
        404,
        "entity_not_found",
    );
    assert_eq!(
        world.connections_of(&id).count() + world.directories_of(&id).count(),
        0
    );
    let names = event_names(&world);
    let ends = [
        "connection.deleted",
        "dsync.deleted",
        "organization.deleted",
    ];
    assert!(names.ends_with(&ends), "{names:?}");
}

#[test]
fn every_intent_can_be_finished() {
    let mut world = world();
    let id = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    for intent in Intent::ALL {
        world
            .finish_intent(noon(), &id, intent, Some("a.com"))
            .unwrap();
        // Twice is the same as once.
        world
            .finish_intent(noon(), &id, intent, Some("a.com"))
            .unwrap();
    }
    let connections: Vec<_> = world.connections_of(&id).map(|c| c.state.clone()).collect();
    assert_eq!(connections, [ConnectionState::Active]);
    let directories: Vec<_> = world.directories_of(&id).map(|d| d.state.clone()).collect();
    assert_eq!(directories, [DirectoryState::Linked]);
    let organization = world.organization(&id).unwrap();
    assert_eq!(organization.domains[0].state, DomainState::Verified);
    let logs = world.audit_logs(&id).unwrap();
    assert_eq!(logs.state, AuditLogState::Active);
    let stream = logs.log_stream.unwrap();
    assert_eq!(stream.state, LogStreamState::Active);
    assert!(stream.last_synced_at.is_some());
    let names = event_names(&world);
    for expected in [
        "connection.activated",
        "dsync.activated",
        "organization_domain.verified",
        "connection.saml_certificate_renewed",
        "vault.byok_key.verification_completed",
    ] {
        assert!(names.contains(&expected), "{expected}");
    }
    assert_eq!(
        names
            .iter()
            .filter(|n| **n == "connection.activated")
            .count(),
        1
    );
}

#[test]
fn connections_tell_when_they_begin_and_cease_to_work() {
    use ConnectionState::{Active, Deleting, Inactive, Validating};

    let mut world = world();
    let id = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    let new = NewConnection {
        organization_id: id,
        name: None,
        connection_type: "OktaSAML".to_owned(),
        state: ConnectionState::Draft,
    };
    let id = world.create_connection(noon(), new).unwrap().id.clone();
    for state in [Validating, Active, Active, Inactive, Deleting] {
        world.set_connection_state(noon(), &id, state).unwrap();
    }
    let names = &event_names(&world)[1..];
    assert_eq!(names, ["connection.activated", "connection.deactivated"]);
}

#[test]
fn audit_logs_answer_as_they_are_set_up() {
    let mut world = world();
    let id = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    assert_eq!(world.audit_logs(&id).unwrap(), AuditLogs::default());
    let state = || AuditLogState::Active;
    world
        .set_audit_logs(&id, state(), Access::NotEntitled)
        .unwrap();
    refused(world.audit_logs(&id), 403, "forbidden");
    world.set_audit_logs(&id, state(), Access::Absent).unwrap();
    refused(world.audit_logs(&id), 404, "entity_not_found");
    refused(world.audit_logs("org_nobody"), 404, "entity_not_found");
}

fn link(world: &mut World, body: &Value) -> Result<String, Refusal> {
    world.generate_link(noon(), LinkInput::read(body)?)
}

#[test]
fn links_open_once_and_for_five_minutes() {
    let mut world = world();
    world.rules_mut().sso_needs_verified_domain = false;
    let id = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    let body = json!({ "organization": id, "intent": "sso", "external_user_id": "u1" });
    let token = link(&mut world, &body).unwrap();
    let session = world.open_link(noon(), &token).unwrap();
    assert_eq!(session.organization_name, "A");
    assert!(world.open_link(noon(), &token).is_none());
    assert!(world.finish_portal(noon(), &token, None).is_none());
    world
        .finish_portal(noon(), &session.token, None)
        .unwrap()
        .unwrap();
    assert!(world.finish_portal(noon(), &session.token, None).is_none());

    let late = noon() + LINK_LIFETIME;
    let token = link(&mut world, &body).unwrap();
    assert!(world.open_link(late, &token).is_none());
    let token = link(&mut world, &body).unwrap();
    world.revoke_links(&id, "u2").unwrap();
    assert!(world.has_link(&token));
    world.revoke_links(&id, "u1").unwrap();
    assert!(world.open_link(noon(), &token).is_none());
}

#[test]
fn links_are_refused_as_documented() {
    let mut world = world();
    let id = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    let nobody = json!({ "organization": "org_nobody", "intent": "sso" });
    refused(link(&mut world, &nobody), 404, "entity_not_found");
    let emails = vec!["a@b.com"; 21];
    for (field, value) in [
        ("organization", json!("")),
        ("intent", json!("saml")),
        ("return_url", json!("http://app.example.com/")),
        ("return_url", json!("javascript:alert(1)")),
        ("success_url", json!("/relative")),
        ("it_contact_emails", json!(emails)),
        ("it_contact_emails", json!(["nobody"])),
    ] {
        let mut body = json!({ "organization": id, "intent": "sso" });
        body[field] = value;
        refused(link(&mut world, &body), 422, "unprocessable_entity");
    }
    let local = json!({ "organization": id, "return_url": "http://localhost:3000/x" });
    assert!(link(&mut world, &local).is_ok());
}

#[test]
fn a_saved_world_is_the_same_world_without_links() {
    let mut world = world();
    let data = json!([{ "domain": "a.com", "state": "pending" }]);
    let body = json!({ "name": "A", "external_id": "a", "domain_data": data });
    let id = create(&mut world, &body).unwrap().id;
    world.finish_intent(noon(), &id, Intent::Sso, None).unwrap();
    let token = link(&mut world, &json!({ "organization": id })).unwrap();
    let text = serde_json::to_string(&world).unwrap();
    assert!(!text.contains(&token));
    let mut again: World = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    assert!(again.open_link(noon(), &token).is_none());
    assert_eq!(again.organization_by_external_id("a").unwrap().id, id);
    let domain = again.organization(&id).unwrap().domains[0].id.clone();
    assert!(again.domain(&domain).is_ok());
    // Ids go on where they stopped.
    let next = |world: &mut World| create(world, &json!({ "name": "B" })).unwrap().id;
    assert_eq!(next(&mut again), next(&mut world));
}

fn connect(world: &mut World, body: &Value) -> Result<(String, ConnectionState), Refusal> {
    let input = ConnectionInput::read(body)?;
    let made = world.get_or_create_connection(noon(), input)?;
    Ok((made.id.clone(), made.state.clone()))
}

#[test]
fn a_connection_with_the_same_external_id_is_returned_instead_of_a_second_one() {
    let mut world = world();
    world.rules_mut().sso_needs_verified_domain = false;
    let one = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    let other = create(&mut world, &json!({ "name": "B" })).unwrap().id;
    let body = |owner: &str| {
        json!({
            "organization_id": owner, "external_id": "idp-1",
            "oidc_options": { "discovery_endpoint": "https://idp.example.com", "client_id": "c" },
        })
    };
    let (first, state) = connect(&mut world, &body(&one)).unwrap();
    assert_eq!(state, ConnectionState::Active);
    assert_eq!(connect(&mut world, &body(&one)).unwrap().0, first);
    assert_ne!(connect(&mut world, &body(&other)).unwrap().0, first);
    assert_eq!(world.connections_of(&one).count(), 1);
    assert_eq!(
        world.connection(&first).unwrap().connection_type,
        "GenericOIDC"
    );
}

#[test]
fn a_connection_of_a_type_alone_is_a_draft() {
    let mut world = world();
    let owner = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    let body = json!({ "organization_id": owner, "connection_type": "OktaSAML" });
    let first = connect(&mut world, &body).unwrap();
    assert_eq!(first.1, ConnectionState::Draft);
    // Without an external id, a repeat is another connection.
    assert_ne!(connect(&mut world, &body).unwrap().0, first.0);
}

#[test]
fn connections_that_cannot_be_created_are_refused_with_the_codes_of_workos() {
    let mut world = world();
    let owner = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    for (options, code) in [
        (json!({}), "connection_type_or_options_required"),
        (
            json!({ "saml_options": {}, "oidc_options": {} }),
            "both_saml_and_oidc_options_provided",
        ),
        (
            json!({ "connection_type": "GoogleOAuth" }),
            "connection_type_not_supported",
        ),
        (json!({ "saml_options": "x" }), "unprocessable_entity"),
    ] {
        let mut body = options.clone();
        body["organization_id"] = json!(owner);
        let refusal = connect(&mut world, &body).unwrap_err();
        assert_eq!(refusal.code(), code, "{options}");
    }
    assert_eq!(world.connections_of(&owner).count(), 0);
}

#[test]
fn an_invitation_ends_with_the_last_feature_that_it_asks_for() {
    let mut world = world();
    let id = create(
        &mut world,
        &json!({ "name": "A", "domain_data": [{ "domain": "a.com", "state": "verified" }] }),
    )
    .unwrap()
    .id;
    let contact = world.create_it_contact(noon(), &id, "ada@a.com");
    let contact = contact.unwrap().id.clone();
    let body = json!({ "intents": ["sso", "directory_sync"] });
    let intents = read_invitation(&body).unwrap();
    world
        .invite_it_contact(noon(), &id, &contact, intents)
        .unwrap();
    world
        .finish_intent(noon(), &id, Intent::LogStreams, None)
        .unwrap();
    world.finish_intent(noon(), &id, Intent::Sso, None).unwrap();
    assert!(world.invitation(noon(), &id).is_some());
    world
        .finish_intent(noon(), &id, Intent::Dsync, None)
        .unwrap();
    assert_eq!(world.invitation(noon(), &id), None);
}

#[test]
fn single_sign_on_needs_a_verified_domain_unless_a_rule_or_the_organization_says_otherwise() {
    let mut world = world();
    let id = create(&mut world, &json!({ "name": "A" })).unwrap().id;
    let open = |world: &mut World| {
        let input = LinkInput::read(&json!({ "organization": id, "intent": "sso" })).unwrap();
        let token = world.generate_link(noon(), input).unwrap();
        world.open_link(noon(), &token).unwrap().token
    };
    let session = open(&mut world);
    let refused_once = world.finish_portal(noon(), &session, None).unwrap();
    assert_eq!(refused_once, Err(Refusal::NoVerifiedDomain));
    assert_eq!(world.connections_of(&id).count(), 0);
    let body = json!({ "organization_id": id, "saml_options": {} });
    assert_eq!(
        connect(&mut world, &body).unwrap().1,
        ConnectionState::Draft
    );
    // One that is entered is verified first, and the same page goes on.
    let entered = world
        .finish_portal(noon(), &session, Some("a.com"))
        .unwrap();
    assert!(entered.is_ok());
    let domains = &world.organization(&id).unwrap().domains;
    assert!(domains[0].state.is_verified());

    for (rule, allows) in [(false, false), (true, true)] {
        world.rules_mut().sso_needs_verified_domain = rule;
        let body = json!({ "name": "B", "allow_profiles_outside_organization": allows });
        let id = create(&mut world, &body).unwrap().id;
        let input = LinkInput::read(&json!({ "organization": id, "intent": "sso" })).unwrap();
        let token = world.generate_link(noon(), input).unwrap();
        let session = world.open_link(noon(), &token).unwrap().token;
        assert!(world.finish_portal(noon(), &session, None).unwrap().is_ok());
    }
}
