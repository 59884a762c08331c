//! Tests of `limits`.

mod quota {
    use serde_json::json;

    use super::super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn spec(limits: &serde_json::Value) -> PortalEnvironmentSpec {
        let spec = json!({
            "secretRef": { "name": "workos", "key": "api-key" }, "limits": limits,
        });
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn a_deletion_that_is_an_hour_old_counts_no_more() {
        let mut quota = HourlyQuota {
            deletions: vec![at(0), at(1), at(30)],
            ..HourlyQuota::default()
        };
        quota.forget_old(at(60));
        assert_eq!(quota.deletions(), [at(1), at(30)]);
        quota.take_back(Counted::Deletion);
        assert_eq!(quota.deletions(), [at(1)]);
    }

    #[test]
    fn fifty_organizations_are_created_within_an_hour_unless_limits_say_otherwise() {
        let mut quota = HourlyQuota::default();
        assert_eq!(quota.creations_left(&spec(&json!({}))), 50);
        quota.add_creations(30, at(0));
        quota.add_creations(10, at(0) + SignedDuration::from_secs(59));
        quota.add_creations(5, at(10));
        assert_eq!(quota.creations.len(), 2);
        assert_eq!(quota.creations_left(&spec(&json!({}))), 5);
        assert_eq!(quota.creations_left(&spec(&json!({ "create": 500 }))), 455);
        assert_eq!(quota.creations_left(&spec(&json!({ "create": 0 }))), 0);
        // The last of the first minute was made at its end.
        quota.forget_old(at(60));
        assert_eq!(quota.creations_left(&spec(&json!({}))), 5);
        quota.forget_old(at(61));
        assert_eq!(quota.creations_left(&spec(&json!({}))), 45);
    }

    #[test]
    fn a_creation_that_did_not_come_about_does_not_count() {
        let mut quota = HourlyQuota::default();
        quota.add_creations(3, at(0));
        quota.add_creations(4, at(1));
        quota.take_back(Counted::Creations(5));
        assert_eq!(
            quota.creations,
            [MinuteCount {
                minute: at(0),
                count: 2
            }]
        );
    }

    #[test]
    fn a_clock_that_jumps_makes_no_status_too_long_and_loses_no_count() {
        let mut quota = HourlyQuota::default();
        for minutes in 0..100 {
            quota.add_creations(1, at(minutes));
        }
        assert_eq!(quota.creations.len(), MAX_MINUTES);
        assert_eq!(quota.creations_left(&spec(&json!({ "create": 1000 }))), 900);
    }
}

mod repeated_writes {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::*;
    use portalctl_core::plan::{Action, FieldChange, Reason as Why};
    use portalctl_model::desired::Source;
    use portalctl_model::{OrgKey, OrganizationId};

    fn entry(generation: i64) -> Entry {
        let object = json!({
            "metadata": {
                "name": "acme", "namespace": "portal", "uid": "one", "generation": generation,
            },
            "spec": { "environmentRef": { "name": "production" }, "name": "Acme" },
        });
        Entry::of(Arc::new(serde_json::from_value(object).unwrap()), "here")
    }

    fn change(fields: &[&str]) -> Change {
        let field = |name: &&str| FieldChange::metadata(*name, None, Some("x".to_owned()));
        Change {
            key: OrgKey::parse("acme").unwrap(),
            action: Action::Update(OrganizationId::from_api("org_1".to_owned())),
            fields: fields.iter().map(field).collect(),
            reason: Why::NotDeclared,
            source: Source::nowhere(),
        }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    /// The fields that are written now, and the reason of what is not.
    fn writes(
        repeated_writes: &RepeatedWrites,
        entry: &Entry,
        minutes: i64,
    ) -> (usize, Option<Reason>) {
        let mut change = change(&["tier", "team"]);
        let held = repeated_writes.hold(entry, &mut change, at(minutes));
        (change.fields.len(), held.map(|blocked| blocked.reason))
    }

    #[test]
    fn a_field_written_three_times_in_an_hour_waits_an_hour_and_others_go_on() {
        let (entry, mut repeated_writes) = (entry(1), RepeatedWrites::default());
        for minutes in [0, 10, 20] {
            assert_eq!(writes(&repeated_writes, &entry, minutes), (2, None));
            repeated_writes.add(&entry, &change(&["tier"]), at(minutes));
        }
        assert_eq!(
            writes(&repeated_writes, &entry, 30),
            (1, Some(Reason::Fighting))
        );
        assert_eq!(
            writes(&repeated_writes, &entry, 79),
            (1, Some(Reason::Fighting))
        );
        assert_eq!(writes(&repeated_writes, &entry, 80), (2, None));
        // Once an hour from then on.
        repeated_writes.add(&entry, &change(&["tier"]), at(80));
        assert_eq!(
            writes(&repeated_writes, &entry, 90),
            (1, Some(Reason::Fighting))
        );
        assert_eq!(writes(&repeated_writes, &entry, 140), (2, None));
    }

    #[test]
    fn writes_that_are_far_apart_are_no_fight() {
        let (entry, mut repeated_writes) = (entry(1), RepeatedWrites::default());
        for minutes in [0, 31, 62, 93, 124] {
            assert_eq!(
                writes(&repeated_writes, &entry, minutes),
                (2, None),
                "{minutes}"
            );
            repeated_writes.add(&entry, &change(&["tier"]), at(minutes));
        }
    }

    #[test]
    fn an_edit_begins_anew() {
        let mut repeated_writes = RepeatedWrites::default();
        for minutes in [0, 1, 2] {
            repeated_writes.add(&entry(1), &change(&["tier"]), at(minutes));
        }
        assert_eq!(writes(&repeated_writes, &entry(1), 3).0, 1);
        assert_eq!(writes(&repeated_writes, &entry(2), 3), (2, None));
        repeated_writes.add(&entry(2), &change(&["tier"]), at(3));
        assert_eq!(writes(&repeated_writes, &entry(2), 4), (2, None));
    }

    #[test]
    fn the_next_process_goes_on_counting_for_the_same_version() {
        let mut repeated_writes = RepeatedWrites::default();
        repeated_writes.add(&entry(1), &change(&["tier", "once"]), at(0));
        repeated_writes.add(&entry(1), &change(&["tier"]), at(1));
        let told = repeated_writes.recorded(&entry(1));
        assert_eq!(told.len(), 1, "{told:?}");
        let status = PortalOrganizationStatus {
            observed_generation: Some(1),
            field_writes: told,
            ..PortalOrganizationStatus::default()
        };
        let mut next = RepeatedWrites::default();
        next.load(&entry(1), &status);
        next.add(&entry(1), &change(&["tier"]), at(2));
        assert_eq!(writes(&next, &entry(1), 3), (1, Some(Reason::Fighting)));
        let mut other = RepeatedWrites::default();
        other.load(&entry(2), &status);
        assert!(other.recorded(&entry(2)).is_empty());
    }

    #[test]
    fn what_another_process_wrote_adds_to_what_this_one_did() {
        let mut repeated_writes = RepeatedWrites::default();
        repeated_writes.add(&entry(1), &change(&["tier"]), at(0));
        let status = PortalOrganizationStatus {
            observed_generation: Some(1),
            field_writes: vec![FieldWrites {
                field: "metadata.tier".to_owned(),
                times: vec![at(0), at(1), at(2)],
            }],
            ..PortalOrganizationStatus::default()
        };
        for _ in 0..2 {
            repeated_writes.load(&entry(1), &status);
        }
        assert_eq!(
            repeated_writes.recorded(&entry(1))[0].times,
            [at(0), at(1), at(2)]
        );
        assert_eq!(
            writes(&repeated_writes, &entry(1), 3),
            (1, Some(Reason::Fighting))
        );
    }

    #[test]
    fn no_address_stands_in_a_status() {
        let mut contacts = change(&[]);
        for address in ["ada@acme.com", "grace@acme.com"] {
            let email = portalctl_model::Email::parse(address).unwrap();
            contacts.fields.push(FieldChange::ItContact(email));
        }
        let mut repeated_writes = RepeatedWrites::default();
        for minutes in [0, 1] {
            repeated_writes.add(&entry(1), &contacts, at(minutes));
        }
        let told = repeated_writes.recorded(&entry(1));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].field, "it_contacts");
        assert_eq!(told[0].times.len(), 2);
    }
}
