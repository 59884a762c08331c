//! Tests of the guard against organizations that somebody took since the plan.

use super::*;
use portalctl_core::plan::{Action, Change, Reason, Target};
use portalctl_model::desired::Source;
use portalctl_model::{ExternalId, OrgKey, OrganizationId};

fn live(owner: Option<&str>, holder: Option<&str>) -> Organization {
    let marks = [(mark::OWNER, owner), (mark::HOLDER, holder)];
    let marks = marks
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    Organization {
        id: OrganizationId::from_api("org_1"),
        name: "Acme".to_owned(),
        external_id: Some("acme".to_owned()),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: Vec::new(),
        metadata: marks.collect(),
        created_at: None,
        updated_at: None,
    }
}

/// A plan of the manifest `customers` that saw an organization, and changes these marks of it.
fn plan(seen: Option<&Organization>, marks: &[(&str, Option<&str>, Option<&str>)]) -> Plan {
    let fields = marks.iter().map(|(key, before, after)| {
        FieldChange::metadata(*key, before.map(str::to_owned), after.map(str::to_owned))
    });
    let id = OrganizationId::from_api("org_1");
    Plan {
        target: Target {
            manifest: Some(ManifestName::parse("customers").unwrap()),
            ..Target::default()
        },
        changes: vec![Change {
            key: OrgKey::parse("acme").unwrap(),
            action: Action::Update(id.clone()),
            fields: fields.collect(),
            reason: Reason::Missing,
            source: Source::nowhere(),
        }],
        seen: seen
            .map(|live| (id, Ownership::of(live)))
            .into_iter()
            .collect(),
        ..Plan::default()
    }
}

const HELD: Option<&str> = Some("here/portal/acme");

#[test]
fn what_was_taken_since_the_plan_is_refused() {
    let (ours, theirs) = (Some("customers"), Some("others"));
    for (seen, now, moved) in [
        ((None, None), (None, None), false),
        ((ours, HELD), (ours, HELD), false),
        ((None, None), (theirs, None), true),
        ((None, None), (None, HELD), true),
        ((ours, None), (ours, HELD), true),
        ((ours, None), (theirs, None), true),
        ((ours, HELD), (ours, Some("there/portal/acme")), true),
        // Given up meanwhile is a move, too: what was planned was planned for another state.
        ((ours, HELD), (ours, None), true),
    ] {
        let plan = plan(Some(&live(seen.0, seen.1)), &[]);
        assert_eq!(
            has_moved(&plan, &live(now.0, now.1)),
            moved,
            "{seen:?} {now:?}"
        );
    }
}

#[test]
fn marks_that_the_plan_replaces_are_fine_before_and_after() {
    let seen = live(Some("others"), HELD);
    let marks = [
        (mark::OWNER, Some("others"), Some("customers")),
        (mark::HOLDER, HELD, None),
    ];
    let plan = plan(Some(&seen), &marks);
    assert!(!has_moved(&plan, &seen));
    assert!(!has_moved(&plan, &live(Some("customers"), None)));
    assert!(has_moved(&plan, &live(Some("third"), None)));
}

#[test]
fn a_saved_plan_writes_only_what_is_its_own_or_what_it_replaces() {
    let saved = plan(None, &[]);
    assert!(!has_moved(&saved, &live(None, None)));
    assert!(!has_moved(&saved, &live(Some("customers"), None)));
    assert!(has_moved(&saved, &live(Some("others"), None)));
    assert!(has_moved(&saved, &live(Some("customers"), HELD)));
    let taking = plan(None, &[(mark::HOLDER, HELD, None)]);
    assert!(!has_moved(&taking, &live(Some("customers"), HELD)));
}

#[test]
fn what_the_plan_itself_creates_has_the_marks_that_it_creates_it_with() {
    let other = Organization {
        id: OrganizationId::from_api("org_2"),
        ..live(None, None)
    };
    // It has seen another organization.
    let mut plan = plan(Some(&live(None, None)), &[]);
    let mark = |key: &str, after: &str| FieldChange::metadata(key, None, Some(after.to_owned()));
    plan.changes = vec![Change {
        action: Action::Create,
        fields: vec![
            FieldChange::ExternalId {
                before: None,
                after: Some(ExternalId::parse("acme").unwrap()),
            },
            mark(mark::OWNER, "customers"),
            mark(mark::HOLDER, "here/portal/acme"),
        ],
        ..plan.changes.remove(0)
    }];
    let with = |owner, holder| Organization {
        metadata: live(owner, holder).metadata,
        ..other.clone()
    };
    assert!(!has_moved(&plan, &with(Some("customers"), HELD)));
    assert!(has_moved(&plan, &with(Some("others"), HELD)));
    assert!(has_moved(
        &plan,
        &with(Some("customers"), Some("there/portal/acme"))
    ));
}

#[test]
fn what_was_taken_since_it_was_read_is_noticed_and_own_marks_are_not() {
    let (ours, theirs) = (Some("customers"), Some("others"));
    for (seen, now, is_taken) in [
        ((ours, HELD), (ours, HELD), false),
        ((None, None), (theirs, None), true),
        ((None, None), (None, HELD), true),
        ((ours, HELD), (ours, Some("there/portal/acme")), true),
        ((ours, None), (None, None), true),
    ] {
        let seen_marks = Ownership::of(&live(seen.0, seen.1));
        let found = was_taken(&seen_marks, &live(now.0, now.1), &[]);
        assert_eq!(found, is_taken, "{seen:?} {now:?}");
    }
    let takes_hold = FieldChange::metadata(mark::HOLDER, None, HELD.map(str::to_owned));
    let seen = Ownership::of(&live(ours, None));
    let fields = [takes_hold];
    assert!(!was_taken(&seen, &live(ours, HELD), &fields));
    assert!(was_taken(
        &seen,
        &live(ours, Some("there/portal/acme")),
        &fields
    ));
}
