//! Tests the planning of IT contacts and of their invitations.

use crate::support::lint::lint;
use portalctl_core::plan::{Action, ActionKind, Flag, HeldReason, Invitation, Plan};
use portalctl_model::Intent;
use portalctl_model::desired::{FieldGroup, FieldPath, Limits, UpdateLimit};
use portalctl_model::observed::DomainState::Verified;
use portalctl_model::observed::{Answer, Connection, ConnectionState, Listing};

use crate::support::world::{Entry, INVITED, Live, World, email, key, org_id, text};

/// A customer who is to be invited to sign-on and audit logs.
fn acme() -> World {
    World::new().org("acme", invited)
}

fn invited(o: Entry) -> Entry {
    o.contacts(["ada@acme.com", "bob@acme.com"])
        .invite()
        .intent(Intent::Sso)
        .intent(Intent::AuditLogs)
}

/// The same customer without an invitation.
fn uninvited() -> World {
    let contacts = ["ada@acme.com", "bob@acme.com"];
    World::new().org("acme", |o| o.contacts(contacts))
}

fn live() -> Live {
    Live::new().org("org_acme", |o| o.external_id("acme").name("acme"))
}

/// The live organization has a connection in a state.
fn with_connection(mut live: Live, state: ConnectionState) -> Live {
    let Listing::Read(connections) = &mut live.0.connections else {
        panic!("connections were not read");
    };
    let connection = Connection {
        id: "conn_1".to_owned(),
        organization_id: Some(org_id("org_acme")),
        name: "Okta".to_owned(),
        connection_type: "OktaSAML".to_owned(),
        state,
        created_at: None,
        updated_at: None,
    };
    connections.insert(org_id("org_acme"), vec![connection]);
    live
}

#[test]
fn contacts_are_added_and_never_removed() {
    let live = live()
        .contact("org_acme", "ADA@acme.com")
        .contact("org_acme", "carol@acme.com");
    insta::assert_snapshot!(uninvited().plan(&live), @r#"~ acme org_acme  it_contacts.bob@acme.com "added""#);
    let live = live.contact("org_acme", "bob@ACME.com");
    insta::assert_snapshot!(uninvited().plan(&live), @"= 1 unchanged");
}

#[test]
fn a_new_organization_begins_with_all_of_its_contacts() {
    insta::assert_snapshot!(uninvited().plan(&Live::new()), @r#"
    + acme
        name "acme"
        external_id "acme"
        it_contacts.ada@acme.com "added"
        it_contacts.bob@acme.com "added"
    "#);
}

#[test]
fn contacts_that_are_ignored_are_left_alone() {
    let mut world = uninvited();
    let ada = FieldPath::ItContact(email("ada@acme.com"));
    world.edit("acme", |o| o.ignore(ada));
    insta::assert_snapshot!(world.plan(&live()), @r#"~ acme org_acme  it_contacts.bob@acme.com "added""#);
    world.edit("acme", |o| o.ignore_all(FieldGroup::ItContacts));
    insta::assert_snapshot!(world.plan(&live()), @"= 1 unchanged");
}

/// Only contacts that will exist are invited, and none are added against `ignore_fields`.
#[test]
fn the_first_contact_who_will_be_there_is_invited() {
    let mut world = acme();
    world.edit("acme", |o| {
        o.ignore(FieldPath::ItContact(email("ada@acme.com")))
    });
    insta::assert_snapshot!(world.plan(&live()), @r#"
    ~ acme org_acme  it_contacts.bob@acme.com "added"
    @ acme org_acme  bob@acme.com to sso
    "#);
    world.edit("acme", |o| o.ignore_all(FieldGroup::ItContacts));
    insta::assert_snapshot!(world.plan(&live()), @"= 1 unchanged");
    let live = live().contact("org_acme", "ada@acme.com");
    insta::assert_snapshot!(world.plan(&live), @"@ acme org_acme  ada@acme.com to sso");
}

#[test]
fn where_contacts_cannot_be_managed_the_rest_goes_on_with_a_warning() {
    for (answer, why) in [
        (Answer::Absent, "WorkOS has no such list (404)"),
        (
            Answer::NotEntitled("Upgrade".to_owned()),
            "WorkOS refuses to tell (403): Upgrade",
        ),
        (
            Answer::NotEntitled(String::new()),
            "WorkOS refuses to tell (403)",
        ),
    ] {
        let live = live().without_contacts(&answer);
        let mut world = acme();
        world.edit("acme", |o| o.name("Acme Corp"));
        let plan = world.plan_once(&live);
        assert_eq!(
            text(&plan),
            format!(
                "~ acme org_acme  name \"acme\" -> \"Acme Corp\"\n\
                 * acme plan/contacts-unavailable\n    its IT contacts cannot be read, so none \
                 is added or invited: {why}\n"
            )
        );
        let plan = uninvited().plan_once(&live);
        assert_eq!(plan.unchanged, 1);
        assert!(plan.warnings[0].message.contains("so none is added: "));
    }
}

#[test]
fn an_adoption_adds_contacts_and_invites_nobody_yet() {
    let mut world = acme().allow(Flag::Adopt);
    world.edit("acme", |o| o.domains(["acme.com"]));
    let live = Live::new().org("org_1", |o| o.domain("acme.com", Verified));
    let plan = world.plan_once(&live);
    insta::assert_snapshot!(text(&plan), @r#"
    > acme org_1
        name "org_1" -> "acme"
        external_id "acme"
        it_contacts.ada@acme.com "added"
        it_contacts.bob@acme.com "added"
    "#);
    let adopted = crate::support::world::apply(&plan, &live);
    insta::assert_snapshot!(world.plan(&adopted), @"@ acme org_1  ada@acme.com to sso");
}

#[test]
fn one_contact_is_invited_once_to_what_is_unconfigured() {
    let (plan, after) = acme().settle(&live());
    insta::assert_snapshot!(text(&plan), @r#"
    ~ acme org_acme
        it_contacts.ada@acme.com "added"
        it_contacts.bob@acme.com "added"
    @ acme org_acme  ada@acme.com to sso
    "#);
    assert!(after.get("org_acme").metadata.contains_key(INVITED));
    // Also when more is declared later: the invitation is once.
    let mut world = acme();
    world.edit("acme", |o| o.intent(Intent::Dsync));
    insta::assert_snapshot!(world.plan(&after), @"= 1 unchanged");
}

#[test]
fn what_the_same_plan_creates_is_invited_to_as_well() {
    insta::assert_snapshot!(acme().plan(&Live::new()), @r#"
    + acme
        name "acme"
        external_id "acme"
        it_contacts.ada@acme.com "added"
        it_contacts.bob@acme.com "added"
    @ acme  ada@acme.com to sso, not to audit_logs
    "#);
}

#[test]
fn what_a_customer_has_begun_is_not_invited_to() {
    let world = acme();
    let live = live()
        .contact("org_acme", "ada@acme.com")
        .contact("org_acme", "bob@acme.com");
    for state in [
        ConnectionState::Active,
        ConnectionState::Draft,
        ConnectionState::Inactive,
    ] {
        let live = with_connection(live.clone(), state);
        insta::allow_duplicates! {
            insta::assert_snapshot!(world.plan(&live), @"= 1 unchanged");
        }
    }
    let mut unread = live;
    unread.0.connections = Listing::NotRead;
    insta::assert_snapshot!(world.plan(&unread), @"= 1 unchanged");
}

#[test]
fn nobody_is_invited_to_what_cannot_be_invited_to() {
    let world = World::new().org("acme", |o| {
        o.contacts(["ada@acme.com"])
            .invite()
            .intent(Intent::AuditLogs)
            .intent(Intent::CertificateRenewal)
    });
    let plan = world.plan_once(&Live::new());
    assert_eq!(plan.count(ActionKind::Invite), 0, "{}", text(&plan));
}

#[test]
fn narrowed_to_an_intent_only_that_one_is_invited_to() {
    let mut world = acme();
    world.edit("acme", |o| o.intent(Intent::Dsync));
    let world = world.select(&[], &["dsync"]);
    let live = live()
        .contact("org_acme", "ada@acme.com")
        .contact("org_acme", "bob@acme.com");
    insta::assert_snapshot!(world.plan(&live), @"@ acme org_acme  ada@acme.com to dsync");
}

#[test]
fn an_invitation_that_could_not_be_marked_is_a_conflict() {
    let live = Live::new()
        .org("org_acme", |o| {
            o.external_id("acme").name("acme").foreign_metadata(50)
        })
        .contact("org_acme", "ada@acme.com")
        .contact("org_acme", "bob@acme.com");
    insta::assert_snapshot!(acme().plan(&live), @"
    ! acme plan/metadata-full
        org_acme would hold 51 metadata keys, WorkOS allows 50; nobody is invited, because the invitation cannot be marked
        -> declare live keys that nothing uses as null, or declare fewer
    ");
    let mut world = acme();
    world.edit("acme", |o| o.without_metadata("foreign_00"));
    assert_eq!(world.plan_once(&live).count(ActionKind::Invite), 1);
}

/// Counts the planned invitations, and the held changes that are invitations.
fn counts(world: &World, live: &Live) -> (usize, usize) {
    let plan = world.plan_once(live);
    let held = plan.held.iter().map(|held| &held.change.action);
    let held = held.filter(|action| action.kind() == ActionKind::Invite);
    (plan.count(ActionKind::Invite), held.count())
}

#[test]
fn more_than_ten_are_not_invited_unasked() {
    let many = |count| {
        let mut world = World::new().many("org", count);
        let live = world.live();
        world.edit_all(invited);
        (world, live)
    };
    let (ten, live) = many(10);
    assert_eq!(counts(&ten, &live), (10, 0));
    let (eleven, live) = many(11);
    assert_eq!(counts(&eleven, &live), (0, 11));
    let plan = eleven.plan_once(&live);
    assert_eq!(plan.count(ActionKind::Update), 11, "the rest goes on");
    assert!(plan.exceeds_a_limit());
    assert!(plan.held.iter().all(|held| held.flag == Flag::AllowBulk));
    let bulk = eleven.allow(Flag::AllowBulk);
    assert_eq!(counts(&bulk, &live), (11, 0));
}

/// An invitation never goes before the change that it builds on.
#[test]
fn an_invitation_waits_for_what_a_limit_holds() {
    let none = Limits {
        create: Some(0),
        update: Some(UpdateLimit::Count(0)),
        ..Limits::default()
    };
    let world = acme().limits(none);
    for live in [Live::new(), live()] {
        assert_eq!(counts(&world, &live), (0, 1));
        let plan = world.plan_once(&live);
        assert_eq!(plan.held[1].reason, HeldReason::WaitsForHeld);
    }
    let ready = live()
        .contact("org_acme", "ada@acme.com")
        .contact("org_acme", "bob@acme.com");
    assert_eq!(counts(&world, &ready), (1, 0), "nothing comes first");
}

#[test]
fn the_digest_covers_who_is_invited_to_what() {
    let live = live()
        .contact("org_acme", "ada@acme.com")
        .contact("org_acme", "bob@acme.com");
    let digest = acme().digest(&live);
    let mut other = acme();
    other.edit("acme", |o| o.intent(Intent::Dsync));
    assert_ne!(other.digest(&live), digest, "the intents");
    let mut other = acme();
    other.edit("acme", |o| o.contacts(["bob@acme.com", "ada@acme.com"]));
    assert_ne!(other.digest(&live), digest, "the contact");
    assert_ne!(uninvited().digest(&live), digest, "the invitation");
}

#[test]
fn the_lint_finds_what_no_invitation_may_be() {
    let world = acme().org("beta", |o| o.intent(Intent::Sso));
    let live = live()
        .org("org_beta", |o| o.external_id("beta").name("beta"))
        .org("org_done", |o| {
            o.external_id("acme").metadata(INVITED, "once")
        });
    let good = world.clone().select(&["acme"], &[]);
    let mut good = good.plan_once(&self::live());
    let change = good.changes.remove(1);
    let with = |edit: &dyn Fn(&mut Invitation)| {
        let mut change = change.clone();
        if let Action::Invite(invitation) = &mut change.action {
            edit(invitation);
        }
        Plan {
            changes: vec![change],
            ..Plan::default()
        }
    };
    let mut other = with(&|invitation| invitation.organization = Some(org_id("org_beta")));
    other.changes[0].key = key("beta");
    let twice = Plan {
        changes: vec![change.clone(), change.clone()],
        ..Plan::default()
    };
    let bad = [
        with(&|invitation| invitation.organization = Some(org_id("org_beta"))),
        with(&|invitation| invitation.organization = Some(org_id("org_done"))),
        with(&|invitation| invitation.contact = email("eve@acme.com")),
        with(&|invitation| invitation.intents.clear()),
        with(&|invitation| {
            invitation.intents.insert(Intent::Dsync);
        }),
        with(&|invitation| {
            invitation.intents.insert(Intent::AuditLogs);
        }),
        with(&|invitation| invitation.organization = None),
        other,
        twice,
    ];
    let findings: Vec<String> = bad
        .iter()
        .map(|plan| lint(plan, &world.desired, &live.0).join("; "))
        .collect();
    insta::assert_snapshot!(findings.join("\n"), @"
    acme would change org_beta, which is not its own
    acme would be invited again
    acme would have somebody else invited
    acme is invited to nothing
    acme is invited to what is not declared
    acme is invited to what cannot be invited to
    acme would be created and is org_acme; acme is invited twice, or too early
    beta would be invited unasked; beta would have somebody else invited
    acme is invited twice, or too early
    ");
}
