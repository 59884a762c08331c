//! The cache: what is live at WorkOS, kept true by the schedule.
//!
//! Goes in: a client that can only read, and the time. Comes out: the same observation that the
//! command line makes, as fresh as the schedule says. A call that fails leaves the cache as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::schedule::{Intervals, Schedule};
use portalctl_core::identity::identify;
use portalctl_model::OrganizationId;
use portalctl_model::desired::Desired;
use portalctl_model::observed::{
    Answer, DomainState, Event, EventKind, History, Listing, Observed,
};
use portalctl_platform::backoff::fraction;
use portalctl_platform::clock::Clock;
use portalctl_workos::observe::refresh::{self, Asking, Questions};
use portalctl_workos::{ApiErrorKind, ApiResult, List, News, ReadPortal, ReadProgress, Since};

/// How far WorkOS's clock and ours may differ, and how long an event may take to be listed.
const OVERLAP: Duration = Duration::from_mins(2);
/// The most pages of events in one look, of a small environment; with more, listing is cheaper.
const MAX_PAGES: usize = 10;
/// How many organizations stand on one page.
const PAGE: usize = 100;
/// How old a listing may be while the events cannot be read.
const MAX_AGE_WITHOUT_EVENTS: SignedDuration = SignedDuration::from_mins(10);
/// How long to wait before asking again what could not be read.
const RETRY_FAILED: Duration = Duration::from_mins(5);
/// The most organizations that are read again one by one; with more, listing is cheaper.
const MAX_REREAD: usize = 200;

/// What is live, and how it was learnt.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    /// What is live.
    pub(super) observed: Observed,
    /// Where the log of events is read on.
    since: Since,
    /// When everything was last listed.
    pub(super) listed_at: Timestamp,
    /// Organizations that are to be read again.
    suspects: BTreeSet<OrganizationId>,
    asked: BTreeMap<Question, Instant>,
    history_at: Option<Instant>,
    /// Whether the account may read events; listings alone tell what changed otherwise.
    has_events: bool,
    /// Whether the last read of the events failed.
    events_failed: bool,
    /// When the lists that had failed were last tried again.
    lists_tried_at: Instant,
}

/// What can only be asked one by one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Question {
    AuditLogs(OrganizationId),
    ItContacts(OrganizationId),
    Retention(OrganizationId),
    Certificates(String),
}

impl Cache {
    /// The last event that was read.
    pub(super) fn cursor(&self) -> Option<&str> {
        match &self.since {
            Since::Event(id) => Some(id),
            Since::Time(_) => None,
        }
    }

    /// Forgets what was asked of an organization by itself and was written since: its IT contacts, and
    /// for how long its audit-log events are kept.
    pub(super) fn forget_contacts(&mut self, id: &OrganizationId) {
        self.observed.it_contacts.remove(id);
        self.asked.remove(&Question::ItContacts(id.clone()));
        self.observed.retention.remove(id);
        self.asked.remove(&Question::Retention(id.clone()));
    }

    /// An organization turned out to be otherwise than it is here.
    pub(super) fn suspect(&mut self, id: OrganizationId) {
        self.suspects.insert(id);
    }
}

struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _: List, _: usize) {}
}

/// Brings a cache up to date, as far as the schedule says.
pub(super) async fn look(
    cache: &mut Option<Cache>,
    schedule: &mut Schedule,
    connection: &impl ReadPortal,
    desired: &Desired,
    intervals: &Intervals,
    clock: &dyn Clock,
) -> ApiResult<()> {
    let now = clock.instant();
    if cache.is_none() || schedule.is_resync_due(now) {
        list(cache, connection, desired, clock).await?;
        let luck = fraction(clock.now().as_nanosecond());
        schedule.listed(intervals, clock.instant(), luck);
    } else if let Some(known) = cache
        && schedule.is_poll_due(intervals, now)
    {
        match poll(known, connection, clock).await? {
            Polled::Told => schedule.polled(clock.instant()),
            Polled::Lost => {
                list(cache, connection, desired, clock).await?;
                let luck = fraction(clock.now().as_nanosecond());
                schedule.listed(intervals, clock.instant(), luck);
            }
        }
    }
    if let Some(cache) = cache {
        let now = clock.instant();
        if refresh::has_failed_list(&cache.observed) && cache.lists_tried_at + RETRY_FAILED <= now {
            cache.lists_tried_at = now;
            refresh::failed_lists(connection, &mut cache.observed, &Silent).await?;
        }
        sweep(cache, schedule, connection, desired, intervals, clock).await?;
    }
    Ok(())
}

/// Lists everything; what is asked one by one is kept.
async fn list(
    cache: &mut Option<Cache>,
    connection: &impl ReadPortal,
    desired: &Desired,
    clock: &dyn Clock,
) -> ApiResult<()> {
    let listed_at = clock.now();
    let mut observed = refresh::lists(connection, desired, &Silent).await?;
    let overlap = listed_at.checked_sub(OVERLAP).unwrap_or(listed_at);
    let before = cache.take();
    let mut fresh = Cache {
        observed: Observed::default(),
        since: Since::Time(overlap),
        listed_at,
        suspects: BTreeSet::new(),
        asked: BTreeMap::new(),
        history_at: None,
        has_events: true,
        events_failed: false,
        lists_tried_at: clock.instant(),
    };
    if let Some(before) = before {
        fresh.events_failed = before.events_failed;
        keep_answers(before.observed, &mut observed);
        fresh.history_at = before.history_at;
        fresh.asked = before.asked;
        fresh.asked.retain(|question, _| match question {
            Question::AuditLogs(id) => observed.audit_logs.contains_key(id),
            Question::ItContacts(id) => observed.it_contacts.contains_key(id),
            Question::Retention(id) => observed.retention.contains_key(id),
            Question::Certificates(id) => observed.certificates.contains_key(id),
        });
    }
    fresh.observed = observed;
    *cache = Some(fresh);
    Ok(())
}

/// Keeps what was asked one by one about what is still there.
fn keep_answers(before: Observed, fresh: &mut Observed) {
    let Observed {
        audit_logs,
        certificates,
        it_contacts,
        retention,
        history,
        organizations: _,
        coverage: _,
        connections: _,
        directories: _,
        failed_connections: _,
        failed_directories: _,
        // Read anew for each deletion.
        usage: _,
        gaps: _,
    } = before;
    let there = &fresh.organizations;
    fresh.audit_logs = audit_logs;
    fresh.audit_logs.retain(|id, _| there.contains_key(id));
    fresh.retention = retention;
    fresh.retention.retain(|id, _| there.contains_key(id));
    fresh.it_contacts = it_contacts;
    fresh.it_contacts.retain(|id, _| there.contains_key(id));
    if let Listing::Read(connections) = &fresh.connections {
        let connections = connections.values().flatten();
        let ids: BTreeSet<&str> = connections.map(|one| one.id.as_str()).collect();
        fresh.certificates = certificates;
        fresh.certificates.retain(|id, _| ids.contains(id.as_str()));
    }
    fresh.history = history;
}

/// What came of a look at the events.
enum Polled {
    /// The cache holds what they told.
    Told,
    /// Too much happened, or nobody knows what: everything has to be listed.
    Lost,
}

async fn poll(
    cache: &mut Cache,
    connection: &impl ReadPortal,
    clock: &dyn Clock,
) -> ApiResult<Polled> {
    if cache.has_events {
        for page in 1.. {
            let answer = match connection.news(&refresh::TELLING, &cache.since).await {
                Ok(answer) => answer,
                Err(error) if is_lost(&cache.since, error.kind) => return Ok(Polled::Lost),
                Err(error) if is_of_events_alone(error.kind) => {
                    tracing::warn!(%error, "the events could not be read");
                    // Listing tells the same, and whether WorkOS answers at all.
                    let age = clock.now().duration_since(cache.listed_at);
                    if !cache.events_failed || age >= MAX_AGE_WITHOUT_EVENTS {
                        cache.events_failed = true;
                        return Ok(Polled::Lost);
                    }
                    break;
                }
                Err(error) => return Err(error),
            };
            cache.events_failed = false;
            let News { events, more } = match answer {
                Answer::Found(news) => news,
                Answer::Absent if matches!(cache.since, Since::Event(_)) => {
                    return Ok(Polled::Lost);
                }
                Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => {
                    cache.has_events = false;
                    break;
                }
            };
            note(cache, &events);
            if !more {
                break;
            }
            // Listing takes a page for so many organizations, and more for what they have.
            if page >= MAX_PAGES.max(2 * cache.observed.organizations.len() / PAGE) {
                return Ok(Polled::Lost);
            }
        }
    }
    if cache.suspects.len() > MAX_REREAD {
        return Ok(Polled::Lost);
    }
    if !cache.suspects.is_empty() {
        // What could not be read is tried again at the next look.
        cache.suspects =
            refresh::organizations(connection, &mut cache.observed, &cache.suspects).await?;
    }
    Ok(Polled::Told)
}

/// Whether an error means that WorkOS does not know the event that was read last.
fn is_lost(since: &Since, kind: ApiErrorKind) -> bool {
    matches!(since, Since::Event(_)) && kind == ApiErrorKind::Rejected
}

/// Whether an error may be the list of events' alone.
const fn is_of_events_alone(kind: ApiErrorKind) -> bool {
    !matches!(
        kind,
        ApiErrorKind::Unauthorized
            | ApiErrorKind::RateLimited
            | ApiErrorKind::Unreachable
            | ApiErrorKind::Redirected
    )
}

/// Takes note of what happened; organizations are read again later.
fn note(cache: &mut Cache, events: &[Event]) {
    for event in events {
        if let Some(id) = &event.organization_id
            && !is_known(&cache.observed, event, id)
        {
            cache.suspects.insert(id.clone());
        }
    }
    refresh::remember(&mut cache.observed, events);
    if let Some(last) = events.last() {
        cache.since = Since::Event(last.id.clone());
    }
}

/// Whether the cache holds already what an event tells, as it does after the operator's own
/// writes.
fn is_known(observed: &Observed, event: &Event, id: &OrganizationId) -> bool {
    let live = observed.organizations.get(id);
    let held = || {
        let domain = event.domain.as_ref()?;
        live?.domain(domain)
    };
    match event.kind {
        EventKind::OrganizationCreated | EventKind::OrganizationUpdated => live
            .and_then(|live| live.updated_at)
            .zip(event.object_updated_at.or(event.created_at))
            .is_some_and(|(updated, told)| updated >= told),
        EventKind::OrganizationDeleted => live.is_none(),
        EventKind::DomainCreated => held().is_some(),
        EventKind::DomainVerified => held().is_some_and(|held| held.state == DomainState::Verified),
        EventKind::DomainDeleted => live.is_some() && held().is_none() && event.domain.is_some(),
        _ => false,
    }
}

/// Asks the next part of what can only be asked one by one.
async fn sweep(
    cache: &mut Cache,
    schedule: &mut Schedule,
    connection: &impl ReadPortal,
    desired: &Desired,
    intervals: &Intervals,
    clock: &dyn Clock,
) -> ApiResult<()> {
    let now = clock.instant();
    if !schedule.is_sweep_due(now) {
        return Ok(());
    }
    let identities = identify(desired, &cache.observed);
    let Asking { questions, history } = refresh::asking(desired, &cache.observed, &identities);
    let history_lasts = match cache.observed.history {
        History::Failed(_) => intervals.resync.min(RETRY_FAILED),
        History::Read(_) | History::NotAvailable(_) | History::NotRead => intervals.resync,
    };
    let needs_history = history
        && (matches!(cache.observed.history, History::NotRead)
            || cache.history_at.is_none_or(|at| at + history_lasts <= now));
    if needs_history {
        refresh::history(connection, &mut cache.observed).await?;
        cache.history_at = Some(now);
    }
    let mut due: Vec<(Option<Instant>, Question)> = all(questions)
        .map(|question| (cache.asked.get(&question).copied(), question))
        .filter(|(asked, question)| {
            let failed = has_failed(&cache.observed, question);
            let again = if failed {
                intervals.sweep.min(RETRY_FAILED)
            } else {
                intervals.sweep
            };
            asked.is_none_or(|at| at + again <= now)
        })
        .collect();
    // Those that were never asked come first, then the oldest.
    due.sort();
    let has_more = due.len() > Schedule::sweep_size(intervals);
    due.truncate(Schedule::sweep_size(intervals));
    if due.is_empty() {
        return Ok(());
    }
    let mut questions = Questions::default();
    for (_, question) in &due {
        match question.clone() {
            Question::AuditLogs(id) => questions.audit_logs.insert(id),
            Question::ItContacts(id) => questions.it_contacts.insert(id),
            Question::Retention(id) => questions.retention.insert(id),
            Question::Certificates(id) => questions.certificates.insert(id),
        };
    }
    schedule.swept(intervals, now, due.len(), has_more);
    refresh::ask(connection, &mut cache.observed, questions).await?;
    let asked = due.into_iter().map(|(_, question)| (question, now));
    cache.asked.extend(asked);
    Ok(())
}

/// Returns whether the last answer to a question was a failure.
fn has_failed(observed: &Observed, question: &Question) -> bool {
    match question {
        Question::AuditLogs(id) => {
            matches!(observed.audit_logs.get(id), Some(Answer::Failed(_)))
        }
        Question::ItContacts(id) => {
            matches!(observed.it_contacts.get(id), Some(Answer::Failed(_)))
        }
        Question::Retention(id) => {
            matches!(observed.retention.get(id), Some(Answer::Failed(_)))
        }
        Question::Certificates(id) => {
            matches!(observed.certificates.get(id), Some(Answer::Failed(_)))
        }
    }
}

fn all(questions: Questions) -> impl Iterator<Item = Question> {
    let Questions {
        audit_logs,
        it_contacts,
        retention,
        certificates,
    } = questions;
    let retention = retention.into_iter().map(Question::Retention);
    let logs = audit_logs.into_iter().map(Question::AuditLogs);
    let contacts = it_contacts.into_iter().map(Question::ItContacts);
    let certificates = certificates.into_iter().map(Question::Certificates);
    logs.chain(contacts).chain(retention).chain(certificates)
}

#[cfg(test)]
mod tests;
