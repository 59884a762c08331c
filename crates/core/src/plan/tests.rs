//! Scopes of conflicts, and what a digest covers.

use super::digest::Digest;
use super::*;
use crate::identity::MatchedBy;
use portalctl_model::OrganizationId;
use portalctl_model::desired::{Limits, Source, UpdateLimit};
use portalctl_model::{Domain, Email, Intent};

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
