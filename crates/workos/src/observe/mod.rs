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
//! taken a fair part of what looking up costs and goes on. It is given up for the list as soon as
//! one entry is not found by an id: telling whether it may be created or adopted takes the whole
//! environment. Per-organization calls are made only for the intents that need them.
//!
//! The organizations are essential: without them, or with a refused key, there is no observation.
//! Every other read may fail for its object, or as a list for its feature, alone: the answer is
//! kept as [`Answer::Failed`] and its like.

mod cost;
mod each;
mod evidence;
mod lookup;
pub mod refresh;

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Notify;

use crate::{ApiError, ApiErrorKind, ApiResult, ReadPortal, ReadProgress};
use portalctl_core::identity::{Identities, identify};
use portalctl_model::desired::{Desired, DesiredOrganization, Invite};
use portalctl_model::mark::InvitationMark;
use portalctl_model::observed::{
    Answer, AuditLogConfiguration, Connection, Coverage, Directory, FailedRead, Gap, ItContact,
    Listing, Observed, Organization, Usage,
};
use portalctl_model::{Intent, OrgKey, OrganizationId, Selection, mark};

/// Most per-organization calls that are under way at once; the pace bounds their rate.
const CONCURRENT_CALLS: usize = 16;

/// Extent of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The way that costs fewer requests.
    Cheapest,
    /// The whole environment, with every connection and directory: what prunes or imports has to
    /// see everything.
    Everything,
    /// Lookups for each selected entry by id, domain and, where nothing is found, name, and never a
    /// list: the cost of one customer, whatever the size of the environment. Nothing may be created
    /// by it, because WorkOS does not document how it searches names.
    Named,
}

/// Reads everything that reporting the selected entries takes; also says who is who, which decides
/// what is asked about.
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

/// Reads what planning the selected entries takes, but for their IT contacts: the organizations,
/// and evidence only where it decides a change. What it leaves out, [`observe`] reads.
///
/// Evidence decides the invitation of an entry with `invite: once` whose organization was not
/// invited yet: to what nobody has begun to configure.
pub async fn observe_for_plan(
    portal: &impl ReadPortal,
    desired: &Desired,
    selection: &Selection,
    extent: Extent,
    progress: &dyn ReadProgress,
) -> Result<(Observed, Identities), ApiError> {
    let mut needs = Needs::of(desired, selection);
    needs.is_for_plan = true;
    needs.connections = false;
    needs.directories = false;
    let mut observed = read(portal, &needs, extent, progress).await?;
    let identities = identify(desired, &observed);
    let of_invited = |intent: Intent| invited(&needs, &observed, &identities, intent);
    let with_connections = of_invited(Intent::Sso);
    let with_directories = of_invited(Intent::Dsync);
    let with_logs = of_invited(Intent::LogStreams);
    let with_keys = of_invited(Intent::BringYourOwnKey);
    objects_of(
        portal,
        &mut observed,
        with_connections,
        with_directories,
        progress,
    )
    .await?;
    observed.audit_logs = audit_logs(portal, with_logs).await?;
    if !with_keys.is_empty() {
        let only = evidence::only_one(&[&with_keys]);
        observed.history = evidence::history(portal, only).await?;
    }
    Ok((observed, identities))
}

/// The organizations of entries that may be invited to an intent in this run.
fn invited(
    needs: &Needs<'_>,
    observed: &Observed,
    identities: &Identities,
    intent: Intent,
) -> BTreeSet<OrganizationId> {
    let is_open = |id: &OrganizationId| {
        let live = observed.organizations.get(id);
        live.is_some_and(|live| !live.metadata.contains_key(mark::INVITED))
    };
    needs
        .entries
        .iter()
        .filter(|(_, entry)| entry.invite == Invite::Once && needs.asks(entry, &[intent]))
        .filter_map(|(key, _)| identities.organization_of(key))
        .filter(|id| is_open(id))
        .cloned()
        .collect()
}

/// Reads the connections and directories of some organizations, unless they were listed: one by
/// one, or all of the environment where that is likely to cost fewer requests.
async fn objects_of(
    portal: &impl ReadPortal,
    observed: &mut Observed,
    with_connections: BTreeSet<OrganizationId>,
    with_directories: BTreeSet<OrganizationId>,
    progress: &dyn ReadProgress,
) -> ApiResult<()> {
    // An organization has one connection and one directory, as a rule.
    let list_costs = (observed.coverage == Coverage::Listed)
        .then(|| cost::LEAST.max(observed.organizations.len() / cost::PAGE));
    let is_cheap = |wanted: usize| list_costs.is_some_and(|pages| pages < wanted);
    let connections = async {
        if observed.connections != Listing::NotRead || with_connections.is_empty() {
            Ok(None)
        } else if is_cheap(with_connections.len()) {
            let list = portal.connections(progress).await;
            list_read(list, "connections").map(Some)
        } else {
            lookup::connections_of(portal, with_connections)
                .await
                .map(Some)
        }
    };
    let directories = async {
        if observed.directories != Listing::NotRead || with_directories.is_empty() {
            Ok(None)
        } else if is_cheap(with_directories.len()) {
            let list = portal.directories(progress).await;
            list_read(list, "directories").map(Some)
        } else {
            lookup::directories_of(portal, with_directories)
                .await
                .map(Some)
        }
    };
    let (connections, directories) = futures::try_join!(connections, directories)?;
    if let Some(read) = connections {
        read.enter_connections(observed);
    }
    if let Some(read) = directories {
        read.enter_directories(observed);
    }
    Ok(())
}

/// Reads all connections and directories of the environment, whoever declares what.
pub async fn observe_lists(
    portal: &impl ReadPortal,
    observed: &mut Observed,
    progress: &dyn ReadProgress,
) -> ApiResult<()> {
    let connections = portal.connections(progress);
    let directories = portal.directories(progress);
    let (connections, directories) = futures::join!(connections, directories);
    list_read(connections, "connections")?.enter_connections(observed);
    list_read(directories, "directories")?.enter_directories(observed);
    Ok(())
}

/// Organizations whose IT contacts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contacts {
    /// Organizations without the mark that WorkOS has all declared contacts.
    Unmarked,
    /// All of those that declare some.
    All,
}

/// Selected entries, with the organizations that were found for them.
#[derive(Debug, Clone, Copy)]
pub struct Entries<'a> {
    /// The declared state.
    pub desired: &'a Desired,
    /// The selection of entries.
    pub selection: &'a Selection,
    /// The live state, as far as it was read.
    pub observed: &'a Observed,
    /// The organizations of the entries.
    pub identities: &'a Identities,
}

/// Reads the IT contacts of the selected entries that declare some: what planning takes, and
/// readiness does not, which is asked for more often.
pub async fn observe_contacts(
    portal: &impl ReadPortal,
    entries: Entries<'_>,
    which: Contacts,
) -> ApiResult<BTreeMap<OrganizationId, Answer<Vec<ItContact>>>> {
    let Entries {
        desired,
        selection,
        observed,
        identities,
    } = entries;
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

/// Reads for how many days audit-log events are kept, of the selected entries that declare it: a
/// request for each.
pub async fn observe_retention(
    portal: &impl ReadPortal,
    desired: &Desired,
    selection: &Selection,
    identities: &Identities,
) -> ApiResult<BTreeMap<OrganizationId, Answer<Option<u32>>>> {
    let declaring = desired
        .organizations
        .iter()
        .filter(|(key, entry)| selection.has_key(key) && entry.retention_days.is_some())
        .filter_map(|(key, _)| identities.organization_of(key).cloned());
    retention(portal, declaring.collect()).await
}

/// Asks for how many days audit-log events of some organizations are kept: a request for each.
pub async fn retention(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<BTreeMap<OrganizationId, Answer<Option<u32>>>> {
    each::each(
        organizations,
        |id| async move { portal.retention(&id).await },
    )
    .await
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
    let mut looked_up = BTreeSet::new();
    if let Some(budget) = budget {
        match list_within(portal, needs, budget, progress).await {
            Ok(observed) => return Ok(observed),
            Err(Cut::Failed(error)) => return Err(*error),
            Err(Cut::TooLong) => {}
        }
        match lookup::look_all_up(portal, needs, &mut looked_up).await {
            Ok(Some(observed)) => return Ok(observed),
            Err(error) if is_everywhere(&error) => return Err(error),
            // The list tells as much without the read that failed.
            Ok(None) | Err(_) => {}
        }
    }
    let mut observed = list(portal, needs, progress).await?;
    lookup::add_unlisted(portal, looked_up, &mut observed).await?;
    Ok(observed)
}

/// Returns whether an error would meet the list, too.
const fn is_everywhere(error: &ApiError) -> bool {
    matches!(
        error.kind,
        ApiErrorKind::Unauthorized
            | ApiErrorKind::Unreachable
            | ApiErrorKind::Redirected
            | ApiErrorKind::RateLimited
    )
}

/// Reason why a list was not read to its end.
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
        let organizations = portal.organizations_within(&watched, budget, needs.entries.len());
        let organizations = organizations.await?;
        begin.notify_one();
        organizations.ok_or(Cut::TooLong)
    };
    let objects = async {
        begin.notified().await;
        Ok(list_objects(portal, needs, progress).await?)
    };
    let (organizations, objects) = futures::try_join!(organizations, objects)?;
    Ok(collect(organizations, objects, Coverage::Listed))
}

/// The selected entries, and which lists their intents need.
struct Needs<'a> {
    entries: Vec<(&'a OrgKey, &'a DesiredOrganization)>,
    /// The organizations of selected entries with `state: absent`.
    absent: Vec<&'a OrganizationId>,
    selection: &'a Selection,
    connections: bool,
    directories: bool,
    /// True where evidence is read later, and only where it decides a change.
    is_for_plan: bool,
}

impl<'a> Needs<'a> {
    fn of(desired: &'a Desired, selection: &'a Selection) -> Self {
        let entries: Vec<_> = desired
            .organizations
            .iter()
            .filter(|(key, _)| selection.has_key(key))
            .collect();
        let absent = desired.absent.iter();
        let absent = absent.filter(|(key, _)| selection.has_key(key));
        let mut needs = Self {
            entries,
            absent: absent.map(|(_, entry)| &entry.id).collect(),
            selection,
            connections: false,
            directories: false,
            is_for_plan: false,
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
        !self.is_for_plan && self.asks(entry, &[Intent::Sso, Intent::CertificateRenewal])
    }

    fn directories_of(&self, entry: &DesiredOrganization) -> bool {
        !self.is_for_plan && self.asks(entry, &[Intent::Dsync])
    }
}

/// Lists the whole environment, all lists at the same time.
async fn list(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
    progress: &dyn ReadProgress,
) -> ApiResult<Observed> {
    let organizations = portal.organizations(progress, needs.entries.len());
    let objects = list_objects(portal, needs, progress);
    let (organizations, objects) = futures::try_join!(organizations, objects)?;
    Ok(collect(organizations, objects, Coverage::Listed))
}

type Objects = (ReadList<Connection>, ReadList<Directory>);

async fn list_objects(
    portal: &impl ReadPortal,
    needs: &Needs<'_>,
    progress: &dyn ReadProgress,
) -> ApiResult<Objects> {
    let connections = async {
        if !needs.connections {
            return Ok(ReadList::default());
        }
        list_read(portal.connections(progress).await, "connections")
    };
    let directories = async {
        if !needs.directories {
            return Ok(ReadList::default());
        }
        list_read(portal.directories(progress).await, "directories")
    };
    futures::try_join!(connections, directories)
}

fn collect(
    organizations: Vec<Organization>,
    (connections, directories): Objects,
    coverage: Coverage,
) -> Observed {
    let (nameless, organizations): (Vec<_>, Vec<_>) = organizations
        .into_iter()
        .partition(|organization| organization.id.as_str().is_empty());
    let mut observed = Observed {
        organizations: organizations
            .into_iter()
            .map(|o| (o.id.clone(), o))
            .collect(),
        coverage,
        ..Observed::default()
    };
    if !nameless.is_empty() {
        observed.gaps.push(Gap::Organizations(nameless));
    }
    connections.enter_connections(&mut observed);
    directories.enter_directories(&mut observed);
    observed
}

/// A list of connections or directories, as far as it could be read.
struct ReadList<T> {
    listing: Listing<T>,
    /// Reads that failed for one organization.
    failed: BTreeMap<OrganizationId, FailedRead>,
    gap: Option<Gap>,
}

impl<T> Default for ReadList<T> {
    fn default() -> Self {
        Self {
            listing: Listing::NotRead,
            failed: BTreeMap::new(),
            gap: None,
        }
    }
}

impl ReadList<Connection> {
    fn enter_connections(self, observed: &mut Observed) {
        observed.connections = self.listing;
        observed.failed_connections = self.failed;
        observed.gaps.extend(self.gap);
    }
}

impl ReadList<Directory> {
    fn enter_directories(self, observed: &mut Observed) {
        observed.directories = self.listing;
        observed.failed_directories = self.failed;
        observed.gaps.extend(self.gap);
    }
}

/// Groups a list by organization. That it cannot be read is an answer, unless the key is refused.
fn list_read<T: OfOrganization>(
    list: ApiResult<Vec<T>>,
    kind: &'static str,
) -> ApiResult<ReadList<T>> {
    let listing = match list {
        Ok(objects) => return Ok(grouped(objects, kind)),
        Err(error) if error.ends_every_read() => return Err(error),
        Err(error) if error.kind == ApiErrorKind::Forbidden => Listing::NotEntitled(error.message),
        Err(error) => Listing::Failed(FailedRead::from(&error)),
    };
    Ok(ReadList {
        listing,
        ..ReadList::default()
    })
}

fn grouped<T: OfOrganization>(objects: Vec<T>, kind: &'static str) -> ReadList<T> {
    let mut grouped: BTreeMap<OrganizationId, Vec<T>> = BTreeMap::new();
    let mut count = 0;
    for object in objects {
        if let Some(id) = object.organization_id() {
            grouped.entry(id.clone()).or_default().push(object);
        } else if object.id().is_empty() {
            count += 1;
        }
    }
    ReadList {
        listing: Listing::Read(grouped),
        failed: BTreeMap::new(),
        gap: (count > 0).then_some(Gap::Objects { kind, count }),
    }
}

/// An object of a list that belongs to an organization.
trait OfOrganization {
    fn id(&self) -> &str;
    fn organization_id(&self) -> Option<&OrganizationId>;
}

impl OfOrganization for Connection {
    fn id(&self) -> &str {
        &self.id
    }

    fn organization_id(&self) -> Option<&OrganizationId> {
        self.organization_id.as_ref()
    }
}

impl OfOrganization for Directory {
    fn id(&self) -> &str {
        &self.id
    }

    fn organization_id(&self) -> Option<&OrganizationId> {
        self.organization_id.as_ref()
    }
}

/// Asks for the audit-log configuration of some organizations: a request for each.
pub async fn audit_logs(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<BTreeMap<OrganizationId, Answer<AuditLogConfiguration>>> {
    each::each(organizations, |id| async move {
        portal.audit_log_configuration(&id).await
    })
    .await
}

/// Reads the IT contacts of organizations with an invitation, so that a report can say whom it went
/// to: a request for each, and at most 50.
pub async fn invited_contacts(
    portal: &impl ReadPortal,
    observed: &Observed,
    identities: &Identities,
    selection: &Selection,
) -> ApiResult<BTreeMap<OrganizationId, Answer<Vec<ItContact>>>> {
    /// The most organizations that are asked about.
    const MOST: usize = 50;
    let keys = identities.entries.keys();
    let selected = keys.filter(|key| selection.has_key(key));
    let invited = selected.filter_map(|key| {
        let id = identities.organization_of(key)?;
        let live = observed.organizations.get(id)?;
        let mark = InvitationMark::parse(live.metadata.get(mark::INVITED)?);
        mark.contact().is_some().then(|| id.clone())
    });
    it_contacts(portal, invited.take(MOST).collect()).await
}

/// Asks for the IT contacts of some organizations: a request for each.
pub async fn it_contacts(
    portal: &impl ReadPortal,
    organizations: BTreeSet<OrganizationId>,
) -> ApiResult<BTreeMap<OrganizationId, Answer<Vec<ItContact>>>> {
    each::each(
        organizations,
        |id| async move { portal.it_contacts(&id).await },
    )
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
