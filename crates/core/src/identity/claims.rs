//! Claims: which entries are about which live organization.
//!
//! Goes in: the organizations that entries name, match or would adopt. Comes out: whether one is
//! claimed, and the conflicts of entries that claim the same one.

use std::collections::{BTreeMap, BTreeSet};

use super::conflict::conflict;
use super::{Identity, IdentityConflict};
use portalctl_model::codes::plan as codes;
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, OrganizationId};

/// Entries that claim each organization.
#[derive(Default)]
pub(super) struct Claims<'a> {
    by_organization: BTreeMap<OrganizationId, BTreeSet<&'a OrgKey>>,
}

impl<'a> Claims<'a> {
    pub(super) fn add(&mut self, organization: &OrganizationId, key: &'a OrgKey) {
        self.by_organization
            .entry(organization.clone())
            .or_default()
            .insert(key);
    }

    /// Adds the organizations that entries match or would adopt.
    pub(super) fn add_entries(&mut self, entries: &BTreeMap<&'a OrgKey, Identity>) {
        for (key, identity) in entries {
            if let Some(organization) = identity.organization() {
                self.add(organization, key);
            }
        }
    }

    /// Returns every claimed organization.
    pub(super) fn into_organizations(self) -> impl Iterator<Item = OrganizationId> {
        self.by_organization.into_keys()
    }

    pub(super) fn is_claimed(&self, id: &OrganizationId) -> bool {
        self.by_organization.contains_key(id)
    }

    /// One organization that two entries claim is a conflict for both.
    pub(super) fn shared(&self) -> BTreeMap<&'a OrgKey, Vec<IdentityConflict>> {
        let mut shared: BTreeMap<&OrgKey, Vec<IdentityConflict>> = BTreeMap::new();
        for (id, keys) in &self.by_organization {
            if keys.len() < 2 {
                continue;
            }
            let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            let message = format!(
                "{} is claimed by {}",
                escape(id.as_str()),
                names.join(" and ")
            );
            let help = "keep one of the entries, or give each its own `id:`";
            for key in keys {
                let conflict = conflict(codes::CLAIMED_TWICE, message.clone(), help);
                shared.entry(key).or_default().push(conflict);
            }
        }
        shared
    }
}
