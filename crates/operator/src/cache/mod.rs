//! Cache of the observed state at WorkOS, refreshed by the schedule.
//!
//! Goes in: a client that can only read, and the time. Comes out: the same observation that the
//! command line makes, as fresh as the schedule says. A request that fails leaves the cache as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::schedule::Schedule;
use portalctl_core::identity::identify;
use portalctl_model::OrganizationId;
use portalctl_model::desired::Desired;
use portalctl_model::observed::{
    Answer, DomainState, Event, EventKind, History, Listing, Observed,
};
use portalctl_platform::backoff::fraction;
use portalctl_platform::clock::Clock;
use portalctl_workos::observe::refresh::{self, Asking, Questions};
use portalctl_workos::{ApiErrorKind, ApiResult, EventPage, List, ReadPortal, ReadProgress, Since};

/// Overlap of events with the listing before them: the clocks may differ, and an event may be listed
/// late.
const OVERLAP: Duration = Duration::from_mins(2);
/// Most pages of events in one poll of a small environment; beyond it a listing is cheaper.
const MAX_PAGES: usize = 10;
/// Organizations on one page of a list.
const PAGE: usize = 100;
/// Oldest age of a listing while the events cannot be read.
const MAX_AGE_WITHOUT_EVENTS: SignedDuration = SignedDuration::from_mins(10);
/// Delay before a list or a question that failed is sent again.
const RETRY_FAILED: Duration = Duration::from_mins(5);
/// Most organizations that one poll reads one by one; beyond it a listing is cheaper.
const MAX_REREAD: usize = 200;

/// Observed state of WorkOS, and how fresh its parts are.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    /// Observed state.
    pub(super) observed: Observed,
    /// Position in the log of events.
    since: Since,
    /// Time of the last listing.
    pub(super) listed_at: Timestamp,
    /// Organizations that have to be read again.
    suspects: BTreeSet<OrganizationId>,
    asked: BTreeMap<Question, Instant>,
    history_at: Option<Instant>,
    /// False where the account may not read events: only listings show changes then.
    has_events: bool,
    /// True after a read of the events that failed.
    events_failed: bool,
    /// Time at which the lists that had failed were last tried again.
    lists_tried_at: Instant,
}

/// Request about a single object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Question {
    AuditLogs(OrganizationId),
    ItContacts(OrganizationId),
    Retention(OrganizationId),
    Certificates(String),
}

impl Cache {
    /// Returns the id of the last event that was read.
    pub(super) fn cursor(&self) -> Option<&str> {
        match &self.since {
            Since::Event(id) => Some(id),
            Since::Time(_) => None,
        }
    }

    /// Forgets the IT contacts and the retention of an organization, which a write has changed.
    pub(super) fn forget_answers(&mut self, id: &OrganizationId) {
        self.observed.it_contacts.remove(id);
        self.asked.remove(&Question::ItContacts(id.clone()));
        self.observed.retention.remove(id);
        self.asked.remove(&Question::Retention(id.clone()));
    }

    /// Marks an organization that differs from the cache, so that the next poll reads it again.
    pub(super) fn suspect(&mut self, id: OrganizationId) {
        self.suspects.insert(id);
    }
}

struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _: List, _: usize) {}
}

/// Refreshes the cache as far as the schedule says.
pub(super) async fn update(
    cache: &mut Option<Cache>,
    schedule: &mut Schedule,
    workos: &impl ReadPortal,
    desired: &Desired,
    clock: &dyn Clock,
) -> ApiResult<()> {
    let now = clock.instant();
    let must_list = match cache {
        Some(known) if !schedule.is_resync_due(now) => {
            schedule.is_poll_due(now) && poll(known, workos, clock).await? == Polled::Incomplete
        }
        _ => true,
    };
    if must_list {
        let listed = list(workos, desired, clock).await?;
        *cache = Some(listed.keep_answers(cache.take()));
        let random = fraction(clock.now().as_nanosecond());
        schedule.listed(clock.instant(), random);
    } else if schedule.is_poll_due(now) {
        schedule.polled(clock.instant());
    }
    if let Some(cache) = cache {
        let now = clock.instant();
        if refresh::has_failed_list(&cache.observed) && cache.lists_tried_at + RETRY_FAILED <= now {
            cache.lists_tried_at = now;
            refresh::failed_lists(workos, &mut cache.observed, &Silent).await?;
        }
        sweep(cache, schedule, workos, desired, now).await?;
    }
    Ok(())
}

/// Reads all lists.
async fn list(workos: &impl ReadPortal, desired: &Desired, clock: &dyn Clock) -> ApiResult<Cache> {
    let listed_at = clock.now();
    let observed = refresh::lists(workos, desired, &Silent).await?;
    let overlap = listed_at.checked_sub(OVERLAP).unwrap_or(listed_at);
    Ok(Cache {
        observed,
        since: Since::Time(overlap),
        listed_at,
        suspects: BTreeSet::new(),
        asked: BTreeMap::new(),
        history_at: None,
        has_events: true,
        events_failed: false,
        lists_tried_at: clock.instant(),
    })
}

impl Cache {
    /// Takes the answers about single objects that are still there from the cache before.
    fn keep_answers(mut self, before: Option<Self>) -> Self {
        let Some(before) = before else { return self };
        self.events_failed = before.events_failed;
        self.history_at = before.history_at;
        keep_answers(before.observed, &mut self.observed);
        self.asked = before.asked;
        let observed = &self.observed;
        self.asked
            .retain(|question, _| question.is_answered_in(observed));
        self
    }
}

/// Copies the answers about objects that are still there.
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

/// Result of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Polled {
    /// The cache holds everything that the events say.
    Complete,
    /// Too many events, or unknown ones: all lists have to be read.
    Incomplete,
}

/// Result of a read of one page of events.
enum Page {
    Read(EventPage),
    /// The account, or this request, has no events.
    None,
    /// WorkOS no longer knows the position in the log.
    Lost,
}

/// Reads the events since the last poll, and the organizations that they are about.
async fn poll(cache: &mut Cache, workos: &impl ReadPortal, clock: &dyn Clock) -> ApiResult<Polled> {
    if cache.has_events {
        for page in 1.. {
            let EventPage { events, more } = match next_page(cache, workos, clock).await? {
                Page::Read(page) => page,
                Page::None => break,
                Page::Lost => return Ok(Polled::Incomplete),
            };
            note(cache, &events);
            if !more {
                break;
            }
            // A listing takes a page for so many organizations, and more for what they have.
            if page >= MAX_PAGES.max(2 * cache.observed.organizations.len() / PAGE) {
                return Ok(Polled::Incomplete);
            }
        }
    }
    if cache.suspects.len() > MAX_REREAD {
        return Ok(Polled::Incomplete);
    }
    if !cache.suspects.is_empty() {
        // The next poll tries those again that could not be read.
        cache.suspects =
            refresh::organizations(workos, &mut cache.observed, &cache.suspects).await?;
    }
    Ok(Polled::Complete)
}

/// Reads one page of events.
async fn next_page(
    cache: &mut Cache,
    workos: &impl ReadPortal,
    clock: &dyn Clock,
) -> ApiResult<Page> {
    let answer = match workos
        .events_after(&refresh::REFRESH_EVENTS, &cache.since)
        .await
    {
        Ok(answer) => answer,
        Err(error) if is_unknown_position(&cache.since, error.kind) => return Ok(Page::Lost),
        Err(error) if may_concern_events_only(error.kind) => {
            tracing::warn!(%error, "the events could not be read");
            // A listing shows the same changes, and whether WorkOS answers at all.
            let age = clock.now().duration_since(cache.listed_at);
            if !cache.events_failed || age >= MAX_AGE_WITHOUT_EVENTS {
                cache.events_failed = true;
                return Ok(Page::Lost);
            }
            return Ok(Page::None);
        }
        Err(error) => return Err(error),
    };
    cache.events_failed = false;
    Ok(match answer {
        Answer::Found(page) => Page::Read(page),
        Answer::Absent if matches!(cache.since, Since::Event(_)) => Page::Lost,
        Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => {
            cache.has_events = false;
            Page::None
        }
    })
}

/// Returns whether an error means that WorkOS does not know the last event that was read.
fn is_unknown_position(since: &Since, kind: ApiErrorKind) -> bool {
    matches!(since, Since::Event(_)) && kind == ApiErrorKind::Rejected
}

/// Returns whether an error may concern the list of events alone.
const fn may_concern_events_only(kind: ApiErrorKind) -> bool {
    !matches!(
        kind,
        ApiErrorKind::Unauthorized
            | ApiErrorKind::RateLimited
            | ApiErrorKind::Unreachable
            | ApiErrorKind::Redirected
    )
}

/// Records events; the organizations that they change are read again later.
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

/// Returns whether the cache already holds the change of an event, as it does after the operator's
/// own writes.
fn is_known(observed: &Observed, event: &Event, id: &OrganizationId) -> bool {
    let live = observed.organizations.get(id);
    let live_domain = || {
        let domain = event.domain.as_ref()?;
        live?.domain(domain)
    };
    match event.kind {
        EventKind::OrganizationCreated | EventKind::OrganizationUpdated => live
            .and_then(|live| live.updated_at)
            .zip(event.object_updated_at.or(event.created_at))
            .is_some_and(|(updated, told)| updated >= told),
        EventKind::OrganizationDeleted => live.is_none(),
        EventKind::DomainCreated => live_domain().is_some(),
        EventKind::DomainVerified => {
            live_domain().is_some_and(|live| live.state == DomainState::Verified)
        }
        EventKind::DomainDeleted => {
            live.is_some() && live_domain().is_none() && event.domain.is_some()
        }
        _ => false,
    }
}

/// Sends the next questions about single objects.
async fn sweep(
    cache: &mut Cache,
    schedule: &mut Schedule,
    workos: &impl ReadPortal,
    desired: &Desired,
    now: Instant,
) -> ApiResult<()> {
    if !schedule.is_sweep_due(now) {
        return Ok(());
    }
    let identities = identify(desired, &cache.observed);
    let Asking { questions, history } = refresh::asking(desired, &cache.observed, &identities);
    if history && is_history_due(cache, schedule, now) {
        refresh::history(workos, &mut cache.observed).await?;
        cache.history_at = Some(now);
    }
    let mut due = due_questions(cache, questions, schedule.intervals().sweep, now);
    let size = due.len().min(schedule.sweep_size());
    let left = due.split_off(size);
    if due.is_empty() {
        return Ok(());
    }
    let mut questions = Questions::default();
    for question in &due {
        match question.clone() {
            Question::AuditLogs(id) => questions.audit_logs.insert(id),
            Question::ItContacts(id) => questions.it_contacts.insert(id),
            Question::Retention(id) => questions.retention.insert(id),
            Question::Certificates(id) => questions.certificates.insert(id),
        };
    }
    schedule.swept(now, due.len(), left.len());
    refresh::ask(workos, &mut cache.observed, questions).await?;
    cache
        .asked
        .extend(due.into_iter().map(|question| (question, now)));
    Ok(())
}

/// Returns whether the history of the account is to be read.
fn is_history_due(cache: &Cache, schedule: &Schedule, now: Instant) -> bool {
    let resync = schedule.intervals().resync;
    let lasts = match cache.observed.history {
        History::Failed(_) => resync.min(RETRY_FAILED),
        History::Read(_) | History::NotAvailable(_) => resync,
        History::NotRead => return true,
    };
    cache.history_at.is_none_or(|at| at + lasts <= now)
}

/// Returns the questions that are due: first those that were never sent, then the oldest.
fn due_questions(
    cache: &Cache,
    questions: Questions,
    interval: Duration,
    now: Instant,
) -> Vec<Question> {
    let mut due: Vec<(Option<Instant>, Question)> = all(questions)
        .map(|question| (cache.asked.get(&question).copied(), question))
        .filter(|(asked, question)| {
            let interval = if question.has_failed_in(&cache.observed) {
                interval.min(RETRY_FAILED)
            } else {
                interval
            };
            asked.is_none_or(|at| at + interval <= now)
        })
        .collect();
    due.sort();
    due.into_iter().map(|(_, question)| question).collect()
}

impl Question {
    /// Returns whether the observed state holds an answer.
    fn is_answered_in(&self, observed: &Observed) -> bool {
        match self {
            Self::AuditLogs(id) => observed.audit_logs.contains_key(id),
            Self::ItContacts(id) => observed.it_contacts.contains_key(id),
            Self::Retention(id) => observed.retention.contains_key(id),
            Self::Certificates(id) => observed.certificates.contains_key(id),
        }
    }

    /// Returns whether the last answer was a failure.
    fn has_failed_in(&self, observed: &Observed) -> bool {
        const fn failed<T>(answer: Option<&Answer<T>>) -> bool {
            matches!(answer, Some(Answer::Failed(_)))
        }
        match self {
            Self::AuditLogs(id) => failed(observed.audit_logs.get(id)),
            Self::ItContacts(id) => failed(observed.it_contacts.get(id)),
            Self::Retention(id) => failed(observed.retention.get(id)),
            Self::Certificates(id) => failed(observed.certificates.get(id)),
        }
    }
}

/// Lists all questions.
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
