//! Tests of what happens by itself.

use serde_json::{Value, json};

use super::super::{ConnectionState, InviteIntent, LinkInput, NewConnection, OrganizationInput};
use super::*;

const DAY: i64 = 24;

fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn after(days: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(DAY * days)
}

fn world() -> (World, String) {
    let mut world = World::new(1);
    let body =
        json!({ "name": "Acme", "domain_data": [{ "domain": "acme.com", "state": "pending" }] });
    let input = OrganizationInput::read(&body).unwrap();
    let id = world.create_organization(noon(), input).unwrap().id.clone();
    (world, id)
}

fn domain(world: &World, organization: &str) -> (String, DomainState) {
    let domain = &world.organization(organization).unwrap().domains[0];
    (domain.id.clone(), domain.state.clone())
}

fn told<'a>(world: &'a World, name: &str) -> Vec<&'a Value> {
    let events = world.events().filter(|event| event.event == name);
    events.map(|event| &event.data).collect()
}

const FAILED: &str = "organization_domain.verification_failed";

#[test]
fn a_domain_fails_when_its_record_does_not_come_for_thirty_days() {
    let (mut world, acme) = world();
    assert!(!world.settle(after(29)));
    // Written to a file and read again, it waits for as long as before.
    let text = serde_json::to_string(&world).unwrap();
    let mut world: World = serde_json::from_str(&text).unwrap();
    assert!(world.settle(after(30)));
    assert_eq!(domain(&world, &acme).1, DomainState::Failed);
    let reason = "domain_verification_period_expired";
    assert_eq!(told(&world, FAILED)[0]["reason"], reason);

    // Asked again, it waits again.
    let (id, _) = domain(&world, &acme);
    world.verify_domain(after(40), &id).unwrap();
    world.settle(after(69));
    assert_eq!(domain(&world, &acme).1, DomainState::Pending);
    world.publish_record(&id).unwrap();
    world.settle(after(70));
    assert_eq!(domain(&world, &acme).1, DomainState::Verified);
}

#[test]
fn a_verified_or_deleted_domain_is_left_alone() {
    let (mut world, acme) = world();
    let (id, _) = domain(&world, &acme);
    world
        .set_domain_state(noon(), &id, DomainState::Verified, None)
        .unwrap();
    let second = world.add_domain(noon(), &acme, "acme.io").unwrap();
    let second = second.id.clone();
    world.delete_domain(noon(), &second).unwrap();
    world.settle(after(31));
    assert_eq!(domain(&world, &acme).1, DomainState::Verified);
    assert!(told(&world, FAILED).is_empty());
}

#[test]
fn certificates_are_told_before_and_after_their_end_once_each() {
    let (mut world, acme) = world();
    let new = NewConnection {
        organization_id: acme.clone(),
        name: None,
        connection_type: "OktaSAML".to_owned(),
        state: ConnectionState::Active,
    };
    let id = world.create_connection(noon(), new).unwrap().id.clone();
    assert_eq!(world.certificates(&id).unwrap().len(), 1);
    let name = "connection.saml_certificate_renewal_required";
    world.settle(after(334));
    assert!(told(&world, name).is_empty());
    world.settle(after(335));
    world.settle(after(336));
    assert_eq!(told(&world, name)[0]["days_until_expiry"], 30);
    world.settle(after(364));
    assert_eq!(told(&world, name).len(), 1);
    world.settle(after(365));
    let last = *told(&world, name).last().unwrap();
    assert_eq!(last["certificate"]["is_expired"], true);

    world.renew_certificates(after(365), &acme).unwrap();
    assert_eq!(world.certificates(&id).unwrap().len(), 2);
    // Of the old certificate nothing more is told.
    world.settle(after(366));
    assert_eq!(told(&world, name).len(), 2);
}

#[test]
fn events_are_kept_for_ninety_days() {
    let (mut world, acme) = world();
    world.delete_organization(after(2), &acme).unwrap();
    world.settle(after(90));
    assert_eq!(told(&world, "organization.created").len(), 1);
    world.settle(after(91));
    let left: Vec<_> = world.events().map(|event| event.event.as_str()).collect();
    assert_eq!(left, ["organization.deleted"]);
}

fn seconds(count: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(count)
}

fn link(world: &mut World, organization: &str) -> String {
    let body = json!({ "organization": organization, "intent": "sso", "external_user_id": "ada" });
    let input = LinkInput::read(&body).unwrap();
    world.generate_link(noon(), input).unwrap()
}

fn active(world: &World) -> usize {
    told(world, "connection.activated").len()
}

#[test]
fn the_customer_finishes_by_themselves_when_the_rules_say_so_and_then_only() {
    let (mut world, acme) = world();
    link(&mut world, &acme);
    assert!(!world.settle(seconds(200)));

    world.rules_mut().auto_finish_seconds = Some(3);
    let token = link(&mut world, &acme);
    assert!(!world.settle(seconds(2)));
    assert_eq!(active(&world), 0);
    assert!(world.settle(seconds(3)));
    assert_eq!(active(&world), 1);
    assert!(world.open_link(seconds(3), &token).is_none(), "it was used");
}

#[test]
fn a_link_that_somebody_finished_or_revoked_is_not_finished_again() {
    let (mut world, acme) = world();
    world.rules_mut().sso_needs_verified_domain = false;
    world.rules_mut().auto_finish_seconds = Some(60);
    let token = link(&mut world, &acme);
    let session = world.open_link(seconds(1), &token).unwrap();
    let finished = world.finish_portal(seconds(2), &session.token, None);
    finished.unwrap().unwrap();
    let id = world.connections_of(&acme).next().unwrap().id.clone();
    let inactive = ConnectionState::Inactive;
    world
        .set_connection_state(seconds(3), &id, inactive)
        .unwrap();
    link(&mut world, &acme);
    world.revoke_links(&acme, "ada").unwrap();
    world.settle(seconds(100));
    assert_eq!(active(&world), 1);

    // One that is merely open is.
    let token = link(&mut world, &acme);
    assert!(world.open_link(seconds(1), &token).is_some());
    world.settle(seconds(100));
    assert_eq!(active(&world), 2);
}

#[test]
fn an_invitation_is_followed_with_all_its_intents_unless_it_was_revoked() {
    let (mut world, acme) = world();
    world.rules_mut().auto_finish_seconds = Some(3);
    let contact = world.create_it_contact(noon(), &acme, "ada@acme.com");
    let contact = contact.unwrap().id.clone();
    let intents = || [InviteIntent::Sso, InviteIntent::DirectorySync].into();
    world
        .invite_it_contact(noon(), &acme, &contact, intents())
        .unwrap();
    world.revoke_it_contact(&acme, &contact).unwrap();
    world
        .invite_it_contact(seconds(2), &acme, &contact, intents())
        .unwrap();
    world.settle(seconds(4));
    assert_eq!(active(&world), 0);
    world.settle(seconds(5));
    assert_eq!(active(&world), 1);
    assert_eq!(told(&world, "dsync.activated").len(), 1);
}
