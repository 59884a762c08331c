//! Organizations that WorkOS lists without an id: an entry that may be one of them is in conflict,
//! because creating it could make a second one.

use std::collections::BTreeMap;

use super::IdentityConflict;
use super::conflict::conflict;
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::DesiredOrganization;
use portalctl_model::name;
use portalctl_model::observed::{Gap, Observed, Organization};
use portalctl_model::text::escape;

/// Finds the organization without an id that an entry may be.
pub(super) fn find(entry: &DesiredOrganization, observed: &Observed) -> Option<IdentityConflict> {
    let without_id = observed.gaps.iter().flat_map(|gap| match gap {
        Gap::Organizations(organizations) => organizations.as_slice(),
        Gap::Objects { .. } | Gap::Holders(..) => &[],
    });
    let mut without_id = without_id.filter(|organization| may_be(entry, organization));
    without_id.next().map(|organization| {
        conflict(
            codes::WITHOUT_ID,
            format!(
                "WorkOS lists an organization without an id that may be this entry's: {}",
                escape(&organization.name)
            ),
            "run the command again; if it stays, ask WorkOS's support about the organization",
        )
    })
}

fn may_be(entry: &DesiredOrganization, organization: &Organization) -> bool {
    let mut ids = entry.external_id.iter().chain(&entry.previous_keys);
    let mut domains = entry.domains.iter().flat_map(BTreeMap::keys);
    let own_name = entry.name.as_deref().map(name::folded);
    ids.any(|id| organization.external_id.as_deref() == Some(id.as_str()))
        || domains.any(|domain| organization.domain(domain).is_some())
        || own_name.is_some_and(|own| name::folded(&organization.name) == own)
}
