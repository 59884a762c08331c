//! Observe: reads what is live, in one pass.
//!
//! Goes in: the desired state, which says what is needed, and a portal that can only be read. Comes
//! out: [`Observed`]. There are two ways to read, and which one is taken changes the cost and never
//! the plan:
//!
//! ```text
//! list     every organization, connection and directory, 100 a page
//! look up  each declared organization, its domains' other holders and its objects: cheaper for a
//!          few in a large environment
//! ```
//!
//! How large the environment is shows while it is listed: looking up is begun when the list has
//! taken a fair part of what looking up costs and goes on. It is given up for the list as soon as one entry is not found by an id: telling whether
//! it may be created or adopted takes the whole environment. Per-organization calls are made only
//! for the intents that need them.

mod cost;
mod evidence;
mod lookup;
pub mod refresh;

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Notify;

use crate::identity::{Identities, identify};
use crate::model::desired::{Desired, DesiredOrganization};
use crate::model::observed::{
    Answer, AuditLogConfiguration, Coverage, ItContact, Listing, Observed, Usage,
};
use crate::model::{Intent, OrgKey, OrganizationId, Selection};
use crate::workos::{ApiError, ApiErrorKind, ApiResult, ReadPortal, ReadProgress};

/// How many per-organization calls are under way at once; the pace bounds their rate.
const CONCURRENT_CALLS: usize = 16;

/// What an observation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Whatever costs fewer requests.
    Cheapest,
    /// The whole environment, with every connection and directory: what prunes or imports has to
    /// see everything.
    Everything,
    /// What the selected entries' ids and domains find, and never a list: what serving one customer
    /// takes. What has merely the same name is not seen, so nothing may be created by it.
    Named,
}

/// Reads everything that planning and reporting the selected entries takes; also says who is who,
/// which decides what is asked about.
pub async fn observe(
    portal: &impl ReadPortal,
    desired: &Desired,
    selection: &Selection,
    extent: Extent,
    progress: &dyn ReadProgress,
) -> Result<(Observed, Identities), ApiError> {
    let mut needs = Needs::of(desired, selection);
    if extent == Extent::Everything {
        needs.connections = true;
        needs.directories = true;
    }
    let mut observed = read(portal, &needs, extent, progress).await?;
    let identities = identify(desired, &observed);
    let with_logs = needs.organizations(&identities, &[Intent::AuditLogs, Intent::LogStreams]);
    observed.audit_logs = audit_logs(portal, with_logs).await?;
    let asking = evidence::Asking {
        certificates: needs.organizations(&identities, &[Intent::CertificateRenewal]),
        keys: needs.organizations(&identities, &[Intent::BringYourOwnKey]),
        domains: needs.organizations(&identities, &[Intent::DomainVerification]),
    };
    evidence::read(portal, &mut observed, &asking).await?;
    Ok((observed, identities))
}

/// Which organizations are asked about their IT contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contacts {
    /// Those that are not marked as having all that are declared.
    Unmarked,
    /// All of those that declare some.
    All,
}

/// Reads the IT contacts of the selected entries that declare some: what planning takes, and
/// readiness does not, which is asked for more often.
pub async fn observe_contacts(
    portal: &impl ReadPortal,
    desired: &Desired,
    selection: &Selection,
    observed: &Observed,
    identities: &Identities,
    which: Contacts,
) -> ApiResult<BTreeMap<OrganizationId, Answer<Vec<ItContact>>>> {
    let declaring = desired
        .organizations
        .iter()
        .filter(|(key, entry)| selection.has_key(key) && !entry.it_contacts.is_empty());
    let organizations = declaring
        .filter_map(|(key, entry)| {
            let id = identities.entries.get(key)?.organization()?;
            let live = observed.organizations.get(id);
            let is_marked = live.is_some_and(|live| entry.has_contacts_of(live));
            (which == Contacts::All || !is_marked).then_some(id)
        })
        .cloned();
    it_contacts(portal, organizations.collect()).await
}

async fn read(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
    extent: Extent,
    progress: &dyn ReadProgress,
) -> ApiResult<Observed> {
    let budget = match extent {
        Extent::Cheapest => cost::before_looking_up(needs),
        Extent::Everything => None,
        Extent::Named => return lookup::look_up(portal, needs).await,
    };
    if let Some(budget) = budget {
        match list_within(portal, needs, budget, progress).await {
            Ok(observed) => return Ok(observed),
            Err(Cut::Failed(error)) => return Err(*error),
            Err(Cut::TooLong) => {}
        }
        if let Some(observed) = lookup::look_all_up(portal, needs).await? {
            return Ok(observed);
        }
    }
    list(portal, needs, progress).await
}

/// Why a list was not read to its end.
enum Cut {
    Failed(Box<ApiError>),
    /// Looking up is cheaper.
    TooLong,
}

impl From<ApiError> for Cut {
    fn from(error: ApiError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Lists the environment, unless its organizations alone take more than so many requests. The
/// other lists are begun once that is known, or once the environment has shown to be large.
async fn list_within(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
    budget: usize,
    progress: &dyn ReadProgress,
) -> Result<Observed, Cut> {
    let begin = Notify::new();
    let watched = cost::Watched::new(progress, budget, || begin.notify_one());
    let organizations = async {
        let organizations = portal.organizations_within(&watched, budget).await?;
        begin.notify_one();
        organizations.ok_or(Cut::TooLong)
    };
    let objects = async {
        begin.notified().await;
        Ok(list_objects(portal, needs, progress).await?)
    };
    let (organizations, (connections, directories)) = futures::try_join!(organizations, objects)?;
    Ok(collect(
        organizations,
        connections,
        directories,
        Coverage::Listed,
    ))
}

/// The selected entries, and which lists their intents need.
struct Needs<'a> {
    entries: Vec<(&'a OrgKey, &'a DesiredOrganization)>,
    selection: &'a Selection,
    connections: bool,
    directories: bool,
}

impl<'a> Needs<'a> {
    fn of(desired: &'a Desired, selection: &'a Selection) -> Self {
        let entries: Vec<_> = desired
            .organizations
            .iter()
            .filter(|(key, _)| selection.has_key(key))
            .collect();
        let mut needs = Self {
            entries,
            selection,
            connections: false,
            directories: false,
        };
        needs.connections = needs
            .entries
            .iter()
            .any(|(_, entry)| needs.connections_of(entry));
        needs.directories = needs
            .entries
            .iter()
            .any(|(_, entry)| needs.directories_of(entry));
        needs
    }

    fn asks(&self, entry: &DesiredOrganization, intents: &[Intent]) -> bool {
        intents
            .iter()
            .any(|intent| entry.intents.contains_key(intent) && self.selection.has_intent(*intent))
    }

    /// The live organizations of entries that ask about one of some intents.
    fn organizations(
        &self,
        identities: &Identities,
        intents: &[Intent],
    ) -> BTreeSet<OrganizationId> {
        self.entries
            .iter()
            .filter(|(_, entry)| self.asks(entry, intents))
            .filter_map(|(key, _)| identities.organization_of(key).cloned())
            .collect()
    }

    fn connections_of(&self, entry: &DesiredOrganization) -> bool {
        self.asks(entry, &[Intent::Sso, Intent::CertificateRenewal])
    }

    fn directories_of(&self, entry: &DesiredOrganization) -> bool {
        self.asks(entry, &[Intent::Dsync])
    }
}

/// Lists the whole environment, all lists at the same time.
async fn list(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
    progress: &dyn ReadProgress,
) -> ApiResult<Observed> {
    let objects = list_objects(portal, needs, progress);
    let (organizations, (connections, directories)) =
        futures::try_join!(portal.organizations(progress), objects)?;
    Ok(collect(
        organizations,
        connections,
        directories,
        Coverage::Listed,
    ))
}

type Objects = (
    Listing<crate::model::observed::Connection>,
    Listing<crate::model::observed::Directory>,
);

async fn list_objects(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
    progress: &dyn ReadProgress,
) -> ApiResult<Objects> {
    let connections = async {
        if !needs.connections {
            return Ok(Listing::NotRead);
        }
        listing(portal.connections(progress).await, |object| {
            object.organization_id.clone()
        })
    };
    let directories = async {
        if !needs.directories {
            return Ok(Listing::NotRead);
        }
        listing(portal.directories(progress).await, |object| {
            object.organization_id.clone()
        })
    };
    futures::try_join!(connections, directories)
}

fn collect(
    organizations: Vec<crate::model::observed::Organization>,
    connections: Listing<crate::model::observed::Connection>,
    directories: Listing<crate::model::observed::Directory>,
    coverage: Coverage,
) -> Observed {
    Observed {
        organizations: organizations
            .into_iter()
            .map(|o| (o.id.clone(), o))
            .collect(),
        coverage,
        connections,
        directories,
        ..Observed::default()
    }
}

/// Groups a list by organization. That the account lacks the feature is an answer, not a failure.
fn listing<T>(
    list: ApiResult<Vec<T>>,
    organization: impl Fn(&T) -> Option<OrganizationId>,
) -> ApiResult<Listing<T>> {
    let objects = match list {
        Ok(objects) => objects,
        Err(error) if error.kind == ApiErrorKind::Forbidden => {
            return Ok(Listing::NotEntitled(error.message));
        }
        Err(error) => return Err(error),
    };
    let mut grouped: BTreeMap<OrganizationId, Vec<T>> = BTreeMap::new();
    for object in objects {
        if let Some(id) = organization(&object) {
            grouped.entry(id).or_default().push(object);
        }
    }
    Ok(Listing::Read(grouped))
}

/// Asks for the audit-log configuration of some organizations: a request for each.
pub async fn audit_logs(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<BTreeMap<OrganizationId, Answer<AuditLogConfiguration>>> {
    stream::iter(organizations)
        .map(|id| async move {
            let answer = portal.audit_log_configuration(&id).await?;
            Ok((id, answer))
        })
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await
}

/// Asks for the IT contacts of some organizations: a request for each.
pub async fn it_contacts(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<BTreeMap<OrganizationId, Answer<Vec<ItContact>>>> {
    stream::iter(organizations)
        .map(|id| async move {
            let answer = portal.it_contacts(&id).await?;
            Ok((id, answer))
        })
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await
}

/// Reads what depends on some organizations: four requests for each.
///
/// A part that cannot be read is told in its place; an error that every other request would meet
/// too ends the reading.
pub async fn usage(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<BTreeMap<OrganizationId, Usage>> {
    stream::iter(organizations)
        .map(|id| async move {
            let usage = portal.usage(&id).await?;
            Ok((id, usage))
        })
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await
}
