//! Looks up what the entries name, instead of listing the environment.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};

use super::{CONCURRENT_CALLS, Needs, listing};
use crate::model::desired::DesiredOrganization;
use crate::model::observed::{Connection, Coverage, Directory, Listing, Observed, Organization};
use crate::model::{Domain, OrganizationId};
use crate::workos::{ApiError, ApiResult, ReadPortal};

/// Looks up every selected entry; `None` as soon as one of them is not found by an id.
pub(super) async fn look_all_up(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
) -> ApiResult<Option<Observed>> {
    match organizations(portal, needs, IfMissing::GiveUp).await? {
        Some(found) => objects(portal, needs, found).await.map(Some),
        None => Ok(None),
    }
}

/// Looks up every selected entry, and goes on without those that are not found by an id.
pub(super) async fn look_up(portal: &impl ReadPortal, needs: &Needs<'_>) -> ApiResult<Observed> {
    let found = organizations(portal, needs, IfMissing::GoOn).await?;
    objects(portal, needs, found.unwrap_or_default()).await
}

/// What an entry that is not found means for the others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfMissing {
    GiveUp,
    GoOn,
}

/// Reads all else that decides identity and readiness of what was found: whoever holds one of the
/// domains, the connections and the directories.
async fn objects(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
    found: Vec<Found<'_>>,
) -> ApiResult<Observed> {
    let with = |wanted: &dyn Fn(&DesiredOrganization) -> bool| -> BTreeSet<OrganizationId> {
        let wanted = found.iter().filter(|found| wanted(found.entry));
        wanted
            .flat_map(|found| found.organizations.keys().cloned())
            .collect()
    };
    let connections = with(&|entry| needs.connections_of(entry));
    let directories = with(&|entry| needs.directories_of(entry));
    let (holders, connections, directories) = futures::try_join!(
        holders(portal, needs),
        connections_of(portal, connections),
        directories_of(portal, directories),
    )?;
    let mut observed = Observed {
        coverage: Coverage::LookedUp,
        connections: if needs.connections {
            connections
        } else {
            Listing::NotRead
        },
        directories: if needs.directories {
            directories
        } else {
            Listing::NotRead
        },
        ..Observed::default()
    };
    for organizations in found.into_iter().map(|found| found.organizations) {
        observed.organizations.extend(organizations);
    }
    observed.organizations.extend(holders);
    Ok(observed)
}

/// The organizations that an entry's ids name.
struct Found<'a> {
    entry: &'a DesiredOrganization,
    organizations: BTreeMap<OrganizationId, Organization>,
}

async fn organizations<'a>(
    portal: &impl ReadPortal,
    needs: &Needs<'a>,
    if_missing: IfMissing,
) -> ApiResult<Option<Vec<Found<'a>>>> {
    // A stream that makes its futures as it goes could not be sent to another thread.
    let lookups = needs.entries.iter().map(|(_, entry)| one(portal, entry));
    let lookups: Vec<_> = lookups.collect();
    let mut lookups = stream::iter(lookups).buffer_unordered(CONCURRENT_CALLS);
    let mut all = Vec::with_capacity(needs.entries.len());
    while let Some(found) = lookups.try_next().await? {
        if !found.organizations.is_empty() {
            all.push(found);
        } else if if_missing == IfMissing::GiveUp {
            return Ok(None);
        }
    }
    Ok(Some(all))
}

async fn one<'a>(
    portal: &impl ReadPortal,
    entry: &'a DesiredOrganization,
) -> Result<Found<'a>, ApiError> {
    let mut organizations = BTreeMap::new();
    if let Some(id) = &entry.id {
        organizations.extend(portal.organization(id).await?.map(|o| (o.id.clone(), o)));
    }
    for external_id in entry.external_ids() {
        let found = portal.organization_by_external_id(external_id).await?;
        organizations.extend(found.map(|o| (o.id.clone(), o)));
    }
    Ok(Found {
        entry,
        organizations,
    })
}

/// Every organization that holds one of the entries' domains.
async fn holders(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
) -> ApiResult<BTreeMap<OrganizationId, Organization>> {
    let domains: BTreeSet<&Domain> = needs
        .entries
        .iter()
        .flat_map(|(_, entry)| entry.domains.iter().flat_map(BTreeMap::keys))
        .collect();
    let lookups = domains.into_iter();
    let lookups = lookups.map(|domain| portal.organizations_by_domain(domain));
    let lookups: Vec<_> = lookups.collect();
    let lists: Vec<Vec<Organization>> = stream::iter(lookups)
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await?;
    Ok(lists
        .into_iter()
        .flatten()
        .map(|o| (o.id.clone(), o))
        .collect())
}

async fn connections_of(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<Listing<Connection>> {
    let lookups: Vec<_> = organizations
        .iter()
        .map(|id| portal.connections_of(id))
        .collect();
    let lists: ApiResult<Vec<Vec<Connection>>> = stream::iter(lookups)
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await;
    let list = lists.map(|lists| lists.into_iter().flatten().collect());
    listing(list, |connection: &Connection| {
        connection.organization_id.clone()
    })
}

async fn directories_of(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<Listing<Directory>> {
    let lookups: Vec<_> = organizations
        .iter()
        .map(|id| portal.directories_of(id))
        .collect();
    let lists: ApiResult<Vec<Vec<Directory>>> = stream::iter(lookups)
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await;
    let list = lists.map(|lists| lists.into_iter().flatten().collect());
    listing(list, |directory: &Directory| {
        directory.organization_id.clone()
    })
}
