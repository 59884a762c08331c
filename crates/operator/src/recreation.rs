//! Whether an organization that a resource had, and that is gone, is created again. Pure.

use super::conditions::Trouble;
use super::entries::Entry;
use super::reason::Reason;
use portalctl_manifest::kubernetes::PortalOrganizationStatus;
use portalctl_model::OrganizationId;
use portalctl_model::observed::Observed;
use portalctl_model::text::escape;

/// Returns why no organization is created for a resource that has none now, if it had one.
pub(super) fn trouble(
    entry: &Entry,
    before: &PortalOrganizationStatus,
    observed: &Observed,
) -> Option<Trouble> {
    let had = OrganizationId::from_api(before.organization_id.clone()?);
    let shown = escape(had.as_str()).into_owned();
    if observed.organizations.contains_key(&had) {
        let message = format!(
            "the organization {shown}, which is this resource's, has another external id now; give \
             it back at WorkOS, or pin the organization with spec.id"
        );
        return Some(Trouble::new(Reason::Conflict, message));
    }
    if entry.object.spec.recreate.is_some() && !before.recreated {
        return None;
    }
    let message = format!(
        "the organization {shown} was deleted at WorkOS, and is not created again by itself; set \
         spec.recreate: once to create it anew, or delete this resource"
    );
    let used_up = "; the recreate: once that is set is used up: remove it first";
    let message = if before.recreated {
        message + used_up
    } else {
        message
    };
    Some(Trouble::new(Reason::DeletedOutside, message))
}

/// Returns whether the organization that a resource had is not there any more.
pub(super) fn is_gone(before: &PortalOrganizationStatus, observed: &Observed) -> bool {
    let had = before.organization_id.clone().map(OrganizationId::from_api);
    had.is_some_and(|had| !observed.organizations.contains_key(&had))
}

/// Returns whether `recreate: once` is used up, once a resource is about an organization.
pub(super) fn is_used_up(
    entry: &Entry,
    before: &PortalOrganizationStatus,
    now: Option<&OrganizationId>,
) -> bool {
    let had = before.organization_id.as_deref();
    let is_another = had.zip(now).is_some_and(|(had, now)| had != now.as_str());
    entry.object.spec.recreate.is_some() && (before.recreated || is_another)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
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
        trouble(&entry(recreate), &before, observed).map(|trouble| trouble.reason)
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
        let told = trouble(&entry(Some("once")), &status(used_up.clone()), &gone).unwrap();
        assert!(told.message.contains("used up"), "{}", told.message);

        let id = |id: &str| Some(OrganizationId::from_api(id.to_owned()));
        let is_used_up = |recreate, before: &Value, now: Option<OrganizationId>| {
            is_used_up(&entry(recreate), &status(before.clone()), now.as_ref())
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
