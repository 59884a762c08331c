//! Scopes of conflicts, and what a digest covers.

use super::digest::Digest;
use super::*;
use crate::identity::MatchedBy;
use portalctl_model::OrganizationId;
use portalctl_model::desired::{Limits, Source, UpdateLimit};
use portalctl_model::mark::InvitationMark;
use portalctl_model::{Domain, Email, Intent, mark};

fn conflict(scope: Scope) -> Conflict {
    Conflict {
        key: OrgKey::parse("acme").unwrap(),
        code: codes::DOMAIN_VERIFIED_ELSEWHERE,
        message: "the domain is verified for org_2".to_owned(),
        help: "remove it".to_owned(),
        scope,
    }
}

fn invitation(contact: &str, intents: &[Intent], not_invitable: &[Intent]) -> Plan {
    let invitation = Invitation {
        organization: None,
        contact: Email::parse(contact).unwrap(),
        intents: intents.iter().copied().collect(),
        not_invitable: not_invitable.iter().copied().collect(),
    };
    Plan {
        changes: vec![Change {
            key: OrgKey::parse("acme").unwrap(),
            action: Action::Invite(invitation),
            fields: Vec::new(),
            reason: Reason::NotInvited,
            source: Source::nowhere(),
        }],
        ..Plan::default()
    }
}

#[test]
fn a_contested_domain_leaves_a_plan_settled_and_an_entry_in_conflict_does_not() {
    let plan = |scope| Plan {
        conflicts: vec![conflict(scope)],
        ..Plan::default()
    };
    let domain = plan(Scope::Domain(Domain::from_api("a.example")));
    assert!(domain.is_settled());
    assert_eq!(domain.contested_domains().count(), 1);
    assert_eq!(domain.entry_conflicts().count(), 0);
    let entry = plan(Scope::Entry);
    assert!(!entry.is_settled());
    assert_eq!(entry.entry_conflicts().count(), 1);
    // Which domain it is was reviewed, too.
    let other = plan(Scope::Domain(Domain::from_api("b.example")));
    assert_ne!(Digest::of(&domain), Digest::of(&other));
    assert_ne!(Digest::of(&domain), Digest::of(&entry));
}

fn of(key: usize, action: Action, reason: Reason) -> Change {
    Change {
        key: OrgKey::parse(&format!("org-{key}")).unwrap(),
        action,
        fields: vec![FieldChange::Name {
            before: Some("Old".to_owned()),
            after: Some("New".to_owned()),
        }],
        reason,
        source: Source::nowhere(),
    }
}

#[test]
fn invitations_that_wait_for_held_changes_do_not_count_towards_their_limit() {
    let invite = |key| {
        let Action::Invite(invitation) = invitation("ada@acme.example", &[Intent::Sso], &[])
            .changes[0]
            .action
            .clone()
        else {
            unreachable!("it is an invitation");
        };
        of(key, Action::Invite(invitation), Reason::NotInvited)
    };
    let update = |key| {
        let id = OrganizationId::from_api(format!("org_{key}"));
        of(
            key,
            Action::Update(id),
            Reason::Differs(MatchedBy::ExternalId),
        )
    };
    let limits = Limits {
        update: Some(UpdateLimit::Count(0)),
        ..Limits::default()
    };
    let hold = |invitations: usize, updates: usize| {
        let mut changes: Vec<Change> = (0..updates).map(update).collect();
        changes.extend((0..invitations).map(invite));
        let none = BTreeSet::new();
        let mut plan = Plan {
            changes,
            ..Plan::default()
        };
        Policy::default().hold_beyond_limits(&limits, 0, &none, &mut plan);
        let Plan { changes, held, .. } = plan;
        let waiting = held
            .iter()
            .filter(|held| held.reason == HeldReason::WaitsForHeld);
        (changes.len(), waiting.count())
    };
    // Thirteen of which three wait are ten to send.
    assert_eq!(hold(13, 3), (10, 3));
    assert_eq!(hold(14, 3), (0, 3));
    assert_eq!(hold(10, 0), (10, 0));
    assert_eq!(hold(11, 0), (0, 0));
}

#[test]
fn a_digest_covers_all_of_an_invitation() {
    let plans = [
        invitation("ada@acme.example", &[Intent::Sso], &[]),
        invitation("bob@acme.example", &[Intent::Sso], &[]),
        invitation("ada@acme.example", &[Intent::Dsync], &[]),
        invitation("ada@acme.example", &[Intent::Sso], &[Intent::AuditLogs]),
        invitation("ada@acme.example", &[Intent::Sso, Intent::AuditLogs], &[]),
    ];
    for (n, one) in plans.iter().enumerate() {
        for other in plans.iter().skip(n + 1) {
            assert_ne!(Digest::of(one), Digest::of(other));
        }
    }
}

/// An update that only writes a mark.
fn bookkeeping(key: usize) -> Change {
    let id = OrganizationId::from_api(format!("org_{key}"));
    let reason = Reason::Differs(MatchedBy::ExternalId);
    let mark = FieldChange::metadata(mark::CONTACTS, None, Some("hash".to_owned()));
    Change {
        fields: vec![mark],
        ..of(key, Action::Update(id), reason)
    }
}

fn held(reason: HeldReason, permission: Option<Allow>) -> Held {
    Held {
        change: of(1, Action::Create, Reason::Missing),
        reason,
        flag: Flag::AllowRekey,
        permission,
    }
}

#[test]
fn updates_that_only_write_marks_are_counted_apart() {
    let id = OrganizationId::from_api("org_9".to_owned());
    let update = of(
        9,
        Action::Update(id),
        Reason::Differs(MatchedBy::ExternalId),
    );
    let plan = Plan {
        changes: vec![bookkeeping(1), bookkeeping(2), bookkeeping(3), update],
        ..Plan::default()
    };
    assert_eq!(plan.bookkeeping(), 3);
    assert_eq!(plan.count(ActionKind::Update), 1);
}

#[test]
fn a_missing_flag_exceeds_no_limit() {
    let exceeds = |reason| {
        let plan = Plan {
            held: vec![held(reason, None)],
            ..Plan::default()
        };
        plan.exceeds_a_limit()
    };
    assert!(!exceeds(HeldReason::NeedsFlag));
    assert!(!exceeds(HeldReason::Saved(codes::HELD_BY_ANOTHER)));
    assert!(exceeds(HeldReason::WaitsForHeld));
}

#[test]
fn a_held_change_names_its_flag_and_the_line_to_write() {
    assert_eq!(held(HeldReason::NeedsFlag, None).needs(), "--allow-rekey");
    let line = held(HeldReason::NeedsFlag, Some(Allow::Rekey)).needs();
    assert_eq!(line, "--allow-rekey, or `allow: [rekey]`");
    let permissions = Flag::ALL.map(Flag::as_allow);
    assert_eq!(permissions[2], Some(Allow::Rekey));
    assert_eq!(permissions.iter().filter(|it| it.is_none()).count(), 1);
}

#[test]
fn warnings_that_come_later_stand_in_order() {
    let warning = |key: &str| Warning {
        key: OrgKey::parse(key).unwrap(),
        code: codes::DUPLICATE_NAME,
        message: "x".to_owned(),
    };
    let mut plan = Plan {
        warnings: vec![warning("m")],
        ..Plan::default()
    };
    plan.warn(vec![warning("z"), warning("a")]);
    let keys: Vec<&str> = plan.warnings.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["a", "m", "z"]);
}

#[test]
fn what_the_plan_deals_with_is_no_longer_unmanaged() {
    let former = |id: &str| UndeclaredOrganization {
        external_id: None,
        id: OrganizationId::from_api(id.to_owned()),
        name: id.to_owned(),
    };
    let mut unmanaged = Unmanaged {
        provisioned: Vec::new(),
        count: Some(2),
        formerly_declared: vec![former("org_1"), former("org_2")],
    };
    unmanaged.forget(&OrganizationId::from_api("org_1".to_owned()));
    assert_eq!(unmanaged.count, Some(1));
    assert_eq!(unmanaged.formerly_declared, [former("org_2")]);
}

#[test]
fn an_invitation_says_to_what_it_is_and_what_it_cannot_be_for() {
    let told = |not_invitable: &[Intent]| {
        let plan = invitation(
            "ada@acme.example",
            &[Intent::Sso, Intent::Dsync],
            not_invitable,
        );
        let Action::Invite(invitation) = &plan.changes[0].action else {
            unreachable!("it is an invitation");
        };
        invitation.told("a***@acme.example")
    };
    let first = "WorkOS e-mails a***@acme.example a link to set up sso, dsync";
    assert_eq!(told(&[]), [first]);
    assert_eq!(
        told(&[Intent::AuditLogs]),
        [first, "not by invitation: audit_logs"]
    );
}

#[test]
fn a_digest_is_sixty_four_small_hexadecimal_digits() {
    let text = Digest::of(&Plan::default()).to_string();
    assert!(Digest::parse(&text).is_some());
    for wrong in [
        text[..text.len() - 1].to_owned(),
        format!("{text}0"),
        text.to_uppercase(),
        text.replacen("sha256:", "sha1:", 1),
        format!("sha256:{}", "g".repeat(64)),
    ] {
        assert_eq!(Digest::parse(&wrong), None, "{wrong}");
    }
}

#[test]
fn only_changes_of_fields_have_fields_to_review() {
    use ActionKind::{Adopt, Create, Delete, Invite, Update};
    for (kind, is_of_fields) in [
        (Create, true),
        (Adopt, true),
        (Update, true),
        (Invite, false),
        (Delete, false),
    ] {
        assert_eq!(kind.is_of_fields(), is_of_fields, "{kind}");
    }
}

#[test]
fn a_mark_of_an_invitation_is_described_with_what_it_knows() {
    let at = Some(jiff::Timestamp::UNIX_EPOCH);
    let contact = Some("it_contact_1".to_owned());
    for (mark, said) in [
        (
            InvitationMark::Sent { at, contact },
            "an invitation to it_contact_1 was sent at 1970-01-01T00:00:00Z",
        ),
        (
            InvitationMark::Sending {
                nonce: "x".to_owned(),
                since: None,
                contact: None,
            },
            "an invitation may be on its way",
        ),
        (
            InvitationMark::Ended { at: None },
            "its invitation was ended",
        ),
    ] {
        assert_eq!(invitation::describe(&mark), said);
    }
}

#[test]
fn a_text_that_is_no_saved_plan_is_none() {
    for text in ["", "{}", "[]", "{\"format_version\": \"1\"}"] {
        assert!(saved::parse(text).is_err(), "{text}");
    }
}
