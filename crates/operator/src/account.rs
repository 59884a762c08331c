//! Whether the API key opens the account that the resources were made in. Pure.
//!
//! A Secret that holds the key of another environment shows an account in which most of what the
//! statuses name is missing. Creating it there would fill the wrong account.

use std::collections::BTreeSet;

use super::entries::Entry;
use portalctl_manifest::kubernetes::PortalOrganizationStatus;
use portalctl_model::OrganizationId;
use portalctl_model::observed::Observed;

/// Fewer missing organizations than this say nothing about the account.
const LEAST_MISSING: usize = 3;

/// Organizations that statuses name, and how many of them the account does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// Organizations that statuses name, but for those that were known to be gone.
    pub(super) known: usize,
    /// Those that the account does not have.
    pub(super) missing: usize,
}

impl Census {
    /// Compares what statuses name with what is live.
    pub(super) fn of<'a>(
        statuses: impl Iterator<Item = (&'a Entry, PortalOrganizationStatus)>,
        observed: &Observed,
    ) -> Self {
        let ids: BTreeSet<OrganizationId> = statuses
            .filter(|(entry, status)| !is_accounted_for(entry, status))
            .filter_map(|(_, status)| status.organization_id)
            .map(OrganizationId::from_api)
            .collect();
        let is_missing = |id: &&OrganizationId| !observed.organizations.contains_key(*id);
        Self {
            known: ids.len(),
            missing: ids.iter().filter(is_missing).count(),
        }
    }

    /// Returns whether so many are missing that the account must be another one.
    pub(super) const fn is_of_another_account(self) -> bool {
        self.missing >= LEAST_MISSING && self.missing * 2 > self.known
    }
}

/// Returns whether it is known already that an organization is gone: a pass found it so, or somebody
/// asked for another one.
fn is_accounted_for(entry: &Entry, status: &PortalOrganizationStatus) -> bool {
    status.deleted_outside || (entry.object.spec.recreate.is_some() && !status.recreated)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use portalctl_model::observed::Organization;

    fn entry(more: &serde_json::Value) -> Entry {
        let mut object = json!({
            "metadata": { "name": "acme", "namespace": "portal" },
            "spec": { "environmentRef": { "name": "production" }, "name": "Acme" },
        });
        let spec = object["spec"].as_object_mut().unwrap();
        spec.extend(more.as_object().unwrap().clone());
        Entry::of(Arc::new(serde_json::from_value(object).unwrap()), "here")
    }

    /// Counts an environment with so many organizations that are live, and so many that are not.
    fn census(live: usize, gone: usize, spec: &serde_json::Value, deleted_outside: bool) -> Census {
        let organization = |id: &OrganizationId| Organization {
            id: id.clone(),
            name: "One".to_owned(),
            external_id: None,
            stripe_customer_id: None,
            allow_profiles_outside_organization: None,
            domains: Vec::new(),
            metadata: BTreeMap::new(),
            created_at: None,
            updated_at: None,
        };
        let ids = |kind: &str, count: usize| -> Vec<OrganizationId> {
            let id = |number| OrganizationId::from_api(format!("org_{kind}{number}"));
            (0..count).map(id).collect()
        };
        let (live, gone) = (ids("live", live), ids("gone", gone));
        let observed = Observed {
            organizations: live
                .iter()
                .map(|id| (id.clone(), organization(id)))
                .collect(),
            ..Observed::default()
        };
        let entry = entry(spec);
        let statuses = live.iter().chain(&gone).map(|id| {
            let status = json!({
                "organizationId": id.as_str(), "deletedOutside": deleted_outside,
            });
            (&entry, serde_json::from_value(status).unwrap())
        });
        Census::of(statuses, &observed)
    }

    #[test]
    fn more_than_half_and_at_least_three_missing_are_another_account() {
        let is_another = |live, gone| census(live, gone, &json!({}), false).is_of_another_account();
        for (live, gone, wanted) in [
            (0, 0, false),
            (0, 2, false),
            (0, 3, true),
            (2, 3, true),
            (3, 3, false),
            (4, 3, false),
            (100, 99, false),
            (99, 100, true),
        ] {
            assert_eq!(is_another(live, gone), wanted, "{live} live, {gone} gone");
        }
    }

    #[test]
    fn what_is_known_to_be_gone_or_asked_for_anew_says_nothing_of_the_account() {
        let nothing = Census::default();
        assert_eq!(census(0, 5, &json!({}), true), nothing);
        assert_eq!(census(0, 5, &json!({ "recreate": "once" }), false), nothing);
    }
}
