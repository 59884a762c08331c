//! Looks up what the entries name, instead of listing the environment.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};

use super::each::each;
use super::{CONCURRENT_CALLS, Needs, ReadList};
use crate::{ApiError, ApiErrorKind, ApiResult, ReadPortal};
use portalctl_model::desired::DesiredOrganization;
use portalctl_model::observed::{
    Answer, Connection, Coverage, Directory, Gap, Listing, Observed, Organization,
};
use portalctl_model::{Domain, OrganizationId, name};

/// Looks up every selected entry; `None` as soon as one of them is not found by an id, and where a
/// domain's holders cannot be read: the list tells both.
///
/// Adds the ids of the organizations that it found to `seen`, also where it gives up or fails.
pub(super) async fn look_all_up(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
    seen: &mut BTreeSet<OrganizationId>,
) -> ApiResult<Option<Observed>> {
    let Some(found) = organizations(portal, needs, IfMissing::GiveUp, seen).await? else {
        return Ok(None);
    };
    let observed = objects(portal, needs, found).await?;
    seen.extend(observed.organizations.keys().cloned());
    let is_whole = !observed
        .gaps
        .iter()
        .any(|gap| matches!(gap, Gap::Holders(..)));
    Ok(is_whole.then_some(observed))
}

/// Adds organizations that were looked up in the same pass and that a list lacks, unless they are
/// gone by now.
///
/// A list that is read while it changes can omit an object without showing it. An entry whose
/// organization was just found must not have a second one created for that.
pub(super) async fn add_unlisted(
    portal: &impl ReadPortal,
    mut seen: BTreeSet<OrganizationId>,
    observed: &mut Observed,
) -> ApiResult<()> {
    seen.retain(|id| !observed.organizations.contains_key(id));
    let unlisted = by_id(portal, seen.iter()).await?;
    observed.organizations.extend(unlisted);
    Ok(())
}

/// Looks up every selected entry; one that is not found by an id is searched by its name, which may
/// be in the way of creating it.
pub(super) async fn look_up(portal: &impl ReadPortal, needs: &Needs<'_>) -> ApiResult<Observed> {
    let seen = &mut BTreeSet::new();
    let found = organizations(portal, needs, IfMissing::GoOn, seen).await?;
    let found = found.expect("only `GiveUp` ends without a result");
    let names = names_of_missing(needs, &found);
    let (mut observed, namesakes) =
        futures::try_join!(objects(portal, needs, found), namesakes(portal, names))?;
    for organization in namesakes {
        let id = organization.id.clone();
        observed.organizations.entry(id).or_insert(organization);
    }
    Ok(observed)
}

/// Returns the names of the entries that no id has found.
fn names_of_missing(needs: &Needs<'_>, found: &[Found<'_>]) -> BTreeSet<String> {
    let is_found = |entry: &DesiredOrganization| {
        let mut found = found.iter();
        found.any(|one| std::ptr::eq(one.entry, entry))
    };
    let entries = needs.entries.iter().map(|(_, entry)| *entry);
    let missing = entries.filter(|entry| entry.id.is_none() && !is_found(entry));
    missing.filter_map(|entry| entry.name.clone()).collect()
}

/// Reads the organizations that have one of some names: a request for each.
///
/// A search that WorkOS refuses is left out: whoever creates reads the list. Any other failure is
/// one of the organizations, which are essential.
async fn namesakes(
    portal: &impl ReadPortal,
    names: BTreeSet<String>,
) -> ApiResult<Vec<Organization>> {
    let searches = names.into_iter().map(|name| async move {
        let mut found = match portal.organizations_by_name(&name).await {
            Err(error) if error.kind == ApiErrorKind::Rejected => Vec::new(),
            found => found?,
        };
        let wanted = name::folded(&name);
        found.retain(|one| !one.id.as_str().is_empty() && name::folded(&one.name) == wanted);
        Ok(found)
    });
    // A stream that makes its futures as it goes could not be sent to another thread.
    let searches: Vec<_> = searches.collect();
    let found = stream::iter(searches).buffer_unordered(CONCURRENT_CALLS);
    let found: Vec<Vec<Organization>> = found.try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Effect of an entry that is not found on the lookups of the others.
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
    let (holders, connections, directories, absent) = futures::try_join!(
        holders(portal, needs),
        connections_of(portal, connections),
        directories_of(portal, directories),
        by_id(portal, needs.absent.iter().copied()),
    )?;
    let mut observed = Observed {
        coverage: Coverage::LookedUp,
        ..Observed::default()
    };
    if needs.connections {
        connections.enter_connections(&mut observed);
    }
    if needs.directories {
        directories.enter_directories(&mut observed);
    }
    for organizations in found.into_iter().map(|found| found.organizations) {
        observed.organizations.extend(organizations);
    }
    observed.organizations.extend(absent);
    for (domain, answer) in holders {
        match answer {
            Answer::Found(holders) => {
                let holders = holders.into_iter().map(|o| (o.id.clone(), o));
                observed.organizations.extend(holders);
            }
            Answer::Failed(why) => observed.gaps.push(Gap::Holders(domain, why)),
            Answer::Absent | Answer::NotEntitled(_) => {}
        }
    }
    Ok(observed)
}

/// Reads organizations by id, as far as they exist: a request for each.
async fn by_id<'a>(
    portal: &impl ReadPortal,
    ids: impl Iterator<Item = &'a OrganizationId>,
) -> ApiResult<Vec<(OrganizationId, Organization)>> {
    let lookups = ids.map(|id| portal.organization(id));
    // A stream that makes its futures as it goes could not be sent to another thread.
    let lookups: Vec<_> = lookups.collect();
    let found = stream::iter(lookups).buffer_unordered(CONCURRENT_CALLS);
    let found: Vec<Option<Organization>> = found.try_collect().await?;
    let found = found.into_iter().flatten();
    Ok(found.map(|one| (one.id.clone(), one)).collect())
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
    seen: &mut BTreeSet<OrganizationId>,
) -> ApiResult<Option<Vec<Found<'a>>>> {
    // A stream that makes its futures as it goes could not be sent to another thread.
    let lookups = needs.entries.iter().map(|(_, entry)| one(portal, entry));
    let lookups: Vec<_> = lookups.collect();
    let mut lookups = stream::iter(lookups).buffer_unordered(CONCURRENT_CALLS);
    let mut all = Vec::with_capacity(needs.entries.len());
    while let Some(found) = lookups.try_next().await? {
        seen.extend(found.organizations.keys().cloned());
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

/// Every organization that holds one of the entries' domains, and the domains that could not be
/// looked up.
async fn holders(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
) -> ApiResult<BTreeMap<Domain, Answer<Vec<Organization>>>> {
    let domains = needs.entries.iter();
    let domains = domains.flat_map(|(_, entry)| entry.domains.iter().flat_map(BTreeMap::keys));
    each(domains.cloned().collect(), |domain| async move {
        let holders = portal.organizations_by_domain(&domain).await;
        holders.map(Answer::Found)
    })
    .await
}

/// The connections of some organizations: a request for each.
pub(super) async fn connections_of(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<ReadList<Connection>> {
    let answers = each(organizations, |id| async move {
        portal.connections_of(&id).await.map(Answer::Found)
    });
    Ok(ReadList::of(answers.await?))
}

/// The directories of some organizations: a request for each.
pub(super) async fn directories_of(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<ReadList<Directory>> {
    let answers = each(organizations, |id| async move {
        portal.directories_of(&id).await.map(Answer::Found)
    });
    Ok(ReadList::of(answers.await?))
}

impl<T> ReadList<T> {
    /// Puts together what was asked organization by organization.
    fn of(answers: BTreeMap<OrganizationId, Answer<Vec<T>>>) -> Self {
        let (mut read, mut failed) = (BTreeMap::new(), BTreeMap::new());
        for (id, answer) in answers {
            match answer {
                Answer::Found(objects) => {
                    read.insert(id, objects);
                }
                Answer::Absent => {
                    read.insert(id, Vec::new());
                }
                // Of the account, and not of the organization.
                Answer::NotEntitled(message) => {
                    return Self {
                        listing: Listing::NotEntitled(message),
                        ..Self::default()
                    };
                }
                Answer::Failed(why) => {
                    failed.insert(id, why);
                }
            }
        }
        Self {
            listing: Listing::ReadOf(read),
            failed,
            gap: None,
        }
    }
}
