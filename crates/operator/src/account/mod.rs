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
pub(super) struct AccountCheck {
    /// Organizations that statuses name, but for those that were known to be gone.
    pub(super) known: usize,
    /// Those that the account does not have.
    pub(super) missing: usize,
}

impl AccountCheck {
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
    status.deleted_outside || (entry.object.spec.policies.recreate.is_some() && !status.recreated)
}

#[cfg(test)]
mod tests;
