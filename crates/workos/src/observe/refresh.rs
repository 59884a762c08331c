//! Keeps an observation true without reading everything again: for those who run for long.
//!
//! Goes in: an observation of a whole environment, and what may have changed. Comes out: the same
//! observation, those parts read again. An organization that cannot be read stays as it was; of
//! what is asked one by one, the failure is kept as the answer.

use std::collections::{BTreeMap, BTreeSet};

use super::each::each;
use super::evidence::KINDS;
use super::{Extent, Needs, audit_logs, evidence, it_contacts, list_read, observe, retention};
use crate::{ApiErrorKind, ApiResult, ReadPortal, ReadProgress};
use portalctl_core::identity::Identities;
use portalctl_model::desired::Desired;
use portalctl_model::observed::{
    Answer, Connection, Coverage, Directory, DomainState, Event, EventKind, FailedRead, History,
    Listing, Observed, Organization,
};
use portalctl_model::{Intent, OrganizationId, Selection};

/// The events after which an organization is read again.
///
/// WorkOS tells nothing of a connection that is merely begun, nor of audit logs and log streams:
/// those are found by the next listing, or by asking.
pub const REFRESH_EVENTS: [EventKind; 17] = [
    EventKind::OrganizationCreated,
    EventKind::OrganizationUpdated,
    EventKind::OrganizationDeleted,
    EventKind::DomainCreated,
    EventKind::DomainUpdated,
    EventKind::DomainVerified,
    EventKind::DomainVerificationFailed,
    EventKind::DomainDeleted,
    EventKind::ConnectionActivated,
    EventKind::ConnectionDeactivated,
    EventKind::ConnectionDeleted,
    EventKind::CertificateRenewalRequired,
    EventKind::CertificateRenewed,
    EventKind::DirectoryActivated,
    EventKind::DirectoryDeleted,
    EventKind::KeyVerificationCompleted,
    EventKind::KeyDeleted,
];

/// Lists the environment: organizations, connections, directories, and nothing that is asked
/// organization by organization.
pub async fn lists(
    portal: &impl ReadPortal,
    desired: &Desired,
    progress: &dyn ReadProgress,
) -> ApiResult<Observed> {
    let lists_only = Selection::default().without_intents();
    let (observed, _) = observe(portal, desired, &lists_only, Extent::Everything, progress).await?;
    debug_assert_eq!(observed.coverage, Coverage::Listed);
    Ok(observed)
}

/// Reads some organizations again, with their connections and directories: three requests each.
/// Returns those to try again: what could not be read of them stays as it was.
pub async fn organizations(
    portal: &impl ReadPortal,
    observed: &mut Observed,
    ids: &BTreeSet<OrganizationId>,
) -> ApiResult<BTreeSet<OrganizationId>> {
    let read = each(ids.clone(), |id| async move {
        read(portal, &id).await.map(Answer::Found)
    });
    let mut unread = BTreeSet::new();
    for (id, answer) in read.await? {
        match answer {
            Answer::Found(one) => {
                if one.is_worth_another_try() {
                    unread.insert(id);
                }
                one.enter(observed);
            }
            Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => {
                unread.insert(id);
            }
        }
    }
    Ok(unread)
}

/// One organization, as it is now.
struct Read {
    id: OrganizationId,
    organization: Option<Organization>,
    connections: Answer<Vec<Connection>>,
    directories: Answer<Vec<Directory>>,
}

async fn read(portal: &impl ReadPortal, id: &OrganizationId) -> ApiResult<Read> {
    let Some(organization) = portal.organization(id).await? else {
        return Ok(Read {
            id: id.clone(),
            organization: None,
            connections: Answer::Absent,
            directories: Answer::Absent,
        });
    };
    let (connections, directories) = futures::try_join!(
        portal_list(portal.connections_of(id)),
        portal_list(portal.directories_of(id)),
    )?;
    Ok(Read {
        id: id.clone(),
        organization: Some(organization),
        connections,
        directories,
    })
}

/// A list of one organization's, or why it cannot be read.
async fn portal_list<T>(
    list: impl Future<Output = ApiResult<Vec<T>>>,
) -> ApiResult<Answer<Vec<T>>> {
    match list.await {
        Ok(list) => Ok(Answer::Found(list)),
        Err(error) if error.ends_every_read() => Err(error),
        Err(error) if error.kind == ApiErrorKind::Forbidden => {
            Ok(Answer::NotEntitled(error.message))
        }
        Err(error) => Ok(Answer::Failed(FailedRead::from(&error))),
    }
}

impl Read {
    fn is_worth_another_try(&self) -> bool {
        may_pass(&self.connections) || may_pass(&self.directories)
    }

    fn enter(self, observed: &mut Observed) {
        let Self {
            id,
            organization,
            connections,
            directories,
        } = self;
        let Observed {
            connections: listed_connections,
            failed_connections,
            directories: listed_directories,
            failed_directories,
            ..
        } = observed;
        enter(listed_connections, failed_connections, &id, connections);
        enter(listed_directories, failed_directories, &id, directories);
        match organization {
            Some(organization) => {
                observed.organizations.insert(id, organization);
            }
            None => forget(observed, &id),
        }
    }
}

/// Returns whether a read failed in a way that may pass by itself.
fn may_pass<T>(answer: &Answer<T>) -> bool {
    matches!(answer, Answer::Failed(why) if !why.is_refused())
}

/// Returns whether the list of connections or of directories failed in a way that may pass.
pub fn has_failed_list(observed: &Observed) -> bool {
    let may_pass = |why: &FailedRead| !why.is_refused();
    matches!(&observed.connections, Listing::Failed(why) if may_pass(why))
        || matches!(&observed.directories, Listing::Failed(why) if may_pass(why))
}

/// Reads the lists of connections and of directories again that failed.
pub async fn failed_lists(
    portal: &impl ReadPortal,
    observed: &mut Observed,
    progress: &dyn ReadProgress,
) -> ApiResult<()> {
    if matches!(observed.connections, Listing::Failed(_)) {
        let list = list_read(portal.connections(progress).await, "connections")?;
        list.enter_connections(observed);
    }
    if matches!(observed.directories, Listing::Failed(_)) {
        let list = list_read(portal.directories(progress).await, "directories")?;
        list.enter_directories(observed);
    }
    Ok(())
}

/// Enters what was read of one organization into a list that was read as a whole.
fn enter<T>(
    listing: &mut Listing<T>,
    failed: &mut BTreeMap<OrganizationId, FailedRead>,
    id: &OrganizationId,
    answer: Answer<Vec<T>>,
) {
    let (Listing::Read(all) | Listing::ReadOf(all)) = listing else {
        return;
    };
    let objects = match answer {
        Answer::Found(objects) => objects,
        Answer::Absent => Vec::new(),
        // Of the account: the next listing tells.
        Answer::NotEntitled(_) => return,
        Answer::Failed(why) => {
            failed.insert(id.clone(), why);
            all.remove(id);
            return;
        }
    };
    failed.remove(id);
    if objects.is_empty() {
        all.remove(id);
    } else {
        all.insert(id.clone(), objects);
    }
}

/// Takes an organization that is gone out of an observation, with all that belonged to it.
pub fn forget(observed: &mut Observed, id: &OrganizationId) {
    observed.organizations.remove(id);
    observed.audit_logs.remove(id);
    observed.it_contacts.remove(id);
    observed.retention.remove(id);
    let Observed {
        connections,
        failed_connections,
        directories,
        failed_directories,
        ..
    } = observed;
    enter(connections, failed_connections, id, Answer::Absent);
    enter(directories, failed_directories, id, Answer::Absent);
}

/// Adds events to those that readiness rests on, when they are read at all.
pub fn remember(observed: &mut Observed, events: &[Event]) {
    if let History::Read(history) = &mut observed.history {
        let new = events.iter().filter(|event| KINDS.contains(&event.kind));
        for event in new {
            if !history.iter().any(|known| known.id == event.id) {
                history.push(event.clone());
            }
        }
        history.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

/// Organizations about which evidence is read one by one: a request for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// Organizations whose audit-log configuration is needed.
    pub audit_logs: BTreeSet<OrganizationId>,
    /// Organizations of which it is needed for how long audit-log events are kept.
    pub retention: BTreeSet<OrganizationId>,
    /// Organizations whose IT contacts are needed.
    pub it_contacts: BTreeSet<OrganizationId>,
    /// Connections whose certificates are needed.
    pub certificates: BTreeSet<String>,
}

/// Declared evidence that the lists do not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asking {
    /// Evidence that is read one by one.
    pub questions: Questions,
    /// True where recent events are needed.
    pub history: bool,
}

/// Works out what has to be asked. Pure.
pub fn asking(desired: &Desired, observed: &Observed, identities: &Identities) -> Asking {
    let everything = Selection::default();
    let needs = Needs::of(desired, &everything);
    let certified = needs.organizations(identities, &[Intent::CertificateRenewal]);
    let certificates = evidence::saml_connections(observed, &certified);
    let lacks_certificates = certificates.iter().any(|id| {
        observed
            .certificates
            .get(id)
            .is_some_and(|answer| !matches!(answer, Answer::Found(_)))
    });
    let has_failed = |id: &OrganizationId| {
        observed.organizations.get(id).is_some_and(|live| {
            live.domains
                .iter()
                .any(|live| live.state == DomainState::Failed)
        })
    };
    let domains = needs.organizations(identities, &[Intent::DomainVerification]);
    let keys = needs.organizations(identities, &[Intent::BringYourOwnKey]);
    let declaring = needs.entries.iter();
    let it_contacts = declaring
        .filter(|(_, entry)| !entry.it_contacts.is_empty())
        .filter_map(|(key, entry)| {
            let id = identities.organization_of(key)?;
            let live = observed.organizations.get(id);
            let is_marked = live.is_some_and(|live| entry.has_contacts_of(live));
            (!is_marked).then(|| id.clone())
        })
        .collect();
    Asking {
        questions: Questions {
            audit_logs: needs.organizations(identities, &[Intent::AuditLogs, Intent::LogStreams]),
            retention: needs
                .entries
                .iter()
                .filter(|(_, entry)| entry.retention_days.is_some())
                .filter_map(|(key, _)| identities.organization_of(key).cloned())
                .collect(),
            it_contacts,
            certificates,
        },
        history: lacks_certificates || !keys.is_empty() || domains.iter().any(has_failed),
    }
}

/// Returns whether all declared IT contacts were read. Pure.
pub fn knows_contacts(desired: &Desired, observed: &Observed, identities: &Identities) -> bool {
    let asking = asking(desired, observed, identities);
    let mut asked = asking.questions.it_contacts.iter();
    asked.all(|id| observed.it_contacts.contains_key(id))
}

/// The intents of an organization of which nothing was asked yet that could tell. Pure.
pub fn untold(observed: &Observed, id: &OrganizationId) -> BTreeSet<Intent> {
    let mut untold = BTreeSet::new();
    if !observed.audit_logs.contains_key(id) {
        untold.extend([Intent::AuditLogs, Intent::LogStreams]);
    }
    let has_history = !matches!(observed.history, History::NotRead);
    let certificates = evidence::saml_connections(observed, &BTreeSet::from([id.clone()]));
    let is_told = |id: &String| match observed.certificates.get(id) {
        Some(Answer::Found(_) | Answer::Failed(_)) => true,
        // What has no certificates is told by events.
        Some(_) => has_history,
        None => false,
    };
    if !certificates.iter().all(is_told) {
        untold.insert(Intent::CertificateRenewal);
    }
    if !has_history {
        untold.insert(Intent::BringYourOwnKey);
    }
    untold
}

/// Asks what can only be asked one by one.
pub async fn ask(
    portal: &impl ReadPortal,
    observed: &mut Observed,
    questions: Questions,
) -> ApiResult<()> {
    let Questions {
        audit_logs: with_logs,
        retention: with_retention,
        it_contacts: with_contacts,
        certificates,
    } = questions;
    let (logs, days, contacts, certificates) = futures::try_join!(
        audit_logs(portal, with_logs),
        retention(portal, with_retention),
        it_contacts(portal, with_contacts),
        evidence::certificates(portal, certificates)
    )?;
    observed.retention.extend(days);
    observed.audit_logs.extend(logs);
    observed.it_contacts.extend(contacts);
    observed.certificates.extend(certificates);
    Ok(())
}

/// Reads what happened lately.
pub async fn history(portal: &impl ReadPortal, observed: &mut Observed) -> ApiResult<()> {
    observed.history = evidence::history(portal, None).await?;
    Ok(())
}
