//! Tests of `hold_back`.

mod hold_back {
    use super::super::*;
    use portalctl_core::plan::{Action, Reason as Why};
    use portalctl_model::OrganizationId;
    use portalctl_model::desired::Source;

    fn change(key: &str, action: Action) -> Change {
        Change {
            key: OrgKey::parse(key).unwrap(),
            action,
            fields: Vec::new(),
            reason: Why::Missing,
            source: Source::nowhere(),
        }
    }

    #[test]
    fn creations_beyond_the_limit_wait_with_all_that_is_to_be_done_for_them() {
        let id = OrganizationId::from_api("org_1".to_owned());
        let mut changes = vec![
            change("a", Action::Create),
            change("b", Action::Create),
            change("c", Action::Update(id)),
            change("b", Action::Create),
        ];
        let held = beyond_limit(&mut changes, 1, 1);
        let left: Vec<&str> = changes.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(left, ["a", "c"]);
        let held: Vec<(&str, Reason)> = held
            .iter()
            .map(|(key, blocked)| (key.as_str(), blocked.reason))
            .collect();
        assert_eq!(held, [("b", Reason::CreateLimit)]);
    }

    #[test]
    fn an_environment_that_is_being_deleted_changes_nothing() {
        let mut changes = vec![change("a", Action::Create)];
        let held = held_by_end(&mut changes);
        assert!(changes.is_empty());
        let reasons: Vec<Reason> = held.values().map(|blocked| blocked.reason).collect();
        assert_eq!(reasons, [Reason::EnvironmentTerminating]);
    }
}

mod recreation {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::super::*;
    use portalctl_model::observed::Organization;

    fn entry(recreate: Option<&str>) -> Entry {
        let object = json!({
            "metadata": { "name": "acme", "namespace": "portal" },
            "spec": {
                "environmentRef": { "name": "production" }, "name": "Acme", "recreate": recreate,
            },
        });
        Entry::of(Arc::new(serde_json::from_value(object).unwrap()), "here")
    }

    fn status(status: Value) -> PortalOrganizationStatus {
        serde_json::from_value(status).unwrap()
    }

    fn live(id: &str) -> Observed {
        let id = OrganizationId::from_api(id.to_owned());
        let organization = Organization {
            id: id.clone(),
            name: "Acme".to_owned(),
            external_id: None,
            stripe_customer_id: None,
            allow_profiles_outside_organization: None,
            domains: Vec::new(),
            metadata: BTreeMap::new(),
            created_at: None,
            updated_at: None,
        };
        Observed {
            organizations: BTreeMap::from([(id, organization)]),
            ..Observed::default()
        }
    }

    fn reason(recreate: Option<&str>, before: Value, observed: &Observed) -> Option<Reason> {
        let before = status(before);
        not_created_again(&entry(recreate), &before, observed).map(|blocked| blocked.reason)
    }

    #[test]
    fn what_a_resource_never_had_is_created() {
        assert_eq!(reason(None, json!({}), &live("org_1")), None);
    }

    #[test]
    fn what_was_deleted_outside_is_created_again_once_when_somebody_asks_for_it() {
        let (had, gone) = (json!({ "organizationId": "org_1" }), Observed::default());
        assert_eq!(
            reason(None, had.clone(), &gone),
            Some(Reason::DeletedOutside)
        );
        assert_eq!(reason(Some("once"), had.clone(), &gone), None);
        let used_up = json!({ "organizationId": "org_2", "recreated": true });
        assert_eq!(
            reason(Some("once"), used_up.clone(), &gone),
            Some(Reason::DeletedOutside)
        );
        let told =
            not_created_again(&entry(Some("once")), &status(used_up.clone()), &gone).unwrap();
        assert!(told.message.contains("used up"), "{}", told.message);

        let id = |id: &str| Some(OrganizationId::from_api(id.to_owned()));
        let is_used_up = |recreate, before: &Value, now: Option<OrganizationId>| {
            is_recreate_used_up(&entry(recreate), &status(before.clone()), now.as_ref())
        };
        assert!(!is_used_up(Some("once"), &had, id("org_1")));
        assert!(!is_used_up(Some("once"), &had, None));
        assert!(is_used_up(Some("once"), &had, id("org_2")));
        assert!(is_used_up(Some("once"), &used_up, id("org_2")));
        // Removing the field takes it back.
        assert!(!is_used_up(None, &used_up, id("org_2")));
    }

    #[test]
    fn what_lost_its_external_id_is_not_made_twice() {
        let had = json!({ "organizationId": "org_1" });
        for recreate in [None, Some("once")] {
            assert_eq!(
                reason(recreate, had.clone(), &live("org_1")),
                Some(Reason::Conflict)
            );
        }
    }
}
