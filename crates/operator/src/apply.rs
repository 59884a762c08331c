//! Step 4 of a pass: all writes to WorkOS, and the finalizers.
//!
//! Goes in: the planned changes. Comes out: what is left for later passes. The cache and the memory of
//! writes are brought up to date; WorkOS is written only by [`apply`](mod@portalctl_workos::apply).

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use tokio::time::Instant;

use super::cache::Cache;
use super::conditions::{BlockedReason, Reason};
use super::context::Pass;
use super::delete::{Deletions, delete};
use super::entries::Entry;
use super::events::{EventReason, Notice};
use super::finalizer;
use super::hold_back::{HeldBack, is_create, is_repair};
use super::limits::Counted;
use super::plan::{Planned, Rest};
use super::resolve::Resolved;
use super::resource::Uid;
use super::state::State;
use super::write::{Subjects, holder_field, in_words, record_failure, write};
use portalctl_core::plan::{ActionKind, Change, FieldChange, Plan, Warning};
use portalctl_model::OrgKey;
use portalctl_model::codes::api as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::text::escape;
use portalctl_platform::backoff::fraction;
use portalctl_workos::apply::{AppliedChange, ApplyReport, Outcome, OutcomeKind};

/// Events that are written at once.
pub(super) const CONCURRENT_EVENTS: usize = 8;

/// Time of the next pass, as far as the writes decide it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FollowUp {
    /// True where another pass has to follow at once: there is more to write, or more to ask about an
    /// organization that was created.
    pub(super) at_once: bool,
    /// Time at which a deletion is to be looked at again.
    pub(super) recheck_at: Option<Instant>,
}

/// Results of the writes of one pass.
pub(super) struct Applied {
    /// Reasons why changes wait, by entry.
    pub(super) held_back: HeldBack,
    /// Reasons why resources that are being deleted are still there.
    pub(super) not_deleted: BTreeMap<Uid, BlockedReason>,
    /// Time of the next pass.
    pub(super) follow_up: FollowUp,
}

/// Writes finalizers, then the planned changes, then deletes organizations.
pub(super) async fn apply(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
    cache: &mut Cache,
    planned: Planned,
) -> Applied {
    finalizer::update_organizations(pass.context, &resolved.entries).await;
    let Planned {
        mut plan,
        mut held_back,
        rest,
    } = planned;
    let mut at_once = rest == Rest::More;
    if !pass.term.is_cancelled() {
        held_back.extend(count_creations(pass, state, resolved, &mut plan.changes).await);
    }
    if !plan.changes.is_empty() && !pass.term.is_cancelled() {
        match write_changes(pass, state, resolved, cache, &plan).await {
            Written::Normal => {}
            Written::Created => at_once = true,
            Written::Stopped => at_once = false,
        }
    }
    let Deletions {
        not_deleted,
        recheck_at,
    } = delete(pass, state, resolved, cache).await;
    Applied {
        held_back,
        not_deleted,
        follow_up: FollowUp {
            at_once,
            recheck_at,
        },
    }
}

/// Effect of the writes on the next pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// No reason for another pass.
    Normal,
    /// Organizations were created, about which more can be asked at once.
    Created,
    /// WorkOS stopped the writes, so they wait.
    Stopped,
}

/// Counts the creations of a plan against the hourly limit. Removes and returns those that could not
/// be counted.
async fn count_creations(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
    changes: &mut Vec<Change>,
) -> HeldBack {
    let creates = changes.iter().filter(|change| is_create(change));
    let keys: BTreeSet<OrgKey> = creates.clone().map(|change| change.key.clone()).collect();
    let count = creates.count();
    if count == 0 {
        return HeldBack::new();
    }
    let quota = &mut state.writes.quota;
    let counted = Counted::Creations(count);
    let environment = &resolved.environment;
    let reserved = quota.reserve(counted, pass.context, environment, &mut state.statuses);
    let Err(blocked) = reserved.await else {
        return HeldBack::new();
    };
    changes.retain(|change| !keys.contains(&change.key));
    keys.into_iter().map(|key| (key, blocked.clone())).collect()
}

/// Writes changes, and records their results.
async fn write_changes(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
    cache: &mut Cache,
    plan: &Plan,
) -> Written {
    let by_key = resolved.by_key();
    let report = write(pass, resolved, Subjects::ByKey(&by_key), plan).await;
    report.update(&mut cache.observed);
    for warning in report.warnings() {
        tracing::warn!(
            environment = %pass.name,
            key = %warning.key,
            code = warning.code.as_str(),
            "{}",
            warning.message
        );
    }
    let mut written = Written::Normal;
    if let Some(blocked) = stopped(&report)
        && !pass.term.is_cancelled()
    {
        back_off(pass, state, blocked);
        written = Written::Stopped;
    }
    for applied in &report.changes {
        record(pass, state, cache, &by_key, applied);
    }
    let not_created = report
        .changes
        .iter()
        .filter(|applied| is_create(&applied.change) && !may_have_written(&applied.outcome));
    let not_created = Counted::Creations(not_created.count());
    state.writes.quota.take_back(not_created);
    let is_created = |applied: &AppliedChange| {
        matches!(applied.outcome, Outcome::Done(_)) && is_create(&applied.change)
    };
    if report.changes.iter().any(is_created) {
        written = Written::Created;
    }
    publish(pass, &report, &by_key).await;
    written
}

/// Records the result of one change in the cache and in the memory of writes.
fn record(
    pass: &Pass<'_>,
    state: &mut State,
    cache: &mut Cache,
    by_key: &BTreeMap<&OrgKey, &Entry>,
    applied: &AppliedChange,
) {
    let (change, outcome) = (&applied.change, &applied.outcome);
    let is_answer =
        |path: &FieldPath| matches!(path, FieldPath::ItContact(_) | FieldPath::RetentionDays);
    if change.fields.iter().any(|field| is_answer(&field.path()))
        && let Some(id) = change.action.organization()
    {
        cache.forget_answers(id);
    }
    if let Some(entry) = by_key.get(&change.key) {
        if is_repair(change) {
            let now = pass.context.clock.now();
            let written = written_part(change, outcome);
            state.writes.repeated.add(entry, &written, now);
        }
        record_failure(pass, state, cache, entry, (change, outcome));
    }
}

/// Delays all requests to WorkOS, since it does not accept writes.
fn back_off(pass: &Pass<'_>, state: &mut State, blocked: BlockedReason) {
    let clock = &pass.context.clock;
    let random = fraction(clock.now().as_nanosecond());
    let observation = &mut state.observation;
    observation.schedule.failed(clock.instant(), None, random);
    observation.error = Some(blocked);
}

/// Returns the reason why the rest of a plan was not tried: an error that would meet every change.
fn stopped(report: &ApplyReport) -> Option<BlockedReason> {
    let was_stopped = report.changes.iter().any(|applied| {
        let problem = applied.outcome.problem();
        applied.outcome.kind() == OutcomeKind::NotTried
            && problem.is_some_and(|problem| problem.code != codes::WITHHELD)
    });
    let mut problems = report
        .changes
        .iter()
        .filter(|applied| applied.outcome.kind() != OutcomeKind::NotTried)
        .filter_map(|applied| applied.outcome.problem())
        .filter(|problem| problem.code != codes::WITHHELD);
    let problem = was_stopped.then(|| problems.next_back())??;
    Some(BlockedReason::new(Reason::Unreachable, in_words(problem)))
}

/// Returns whether a change took effect, or may have.
fn may_have_written(outcome: &Outcome) -> bool {
    matches!(outcome.kind(), OutcomeKind::Done | OutcomeKind::Unknown)
}

/// Returns the part of a change that took effect, or may have: a change that failed may have done some
/// of it.
fn written_part(change: &Change, outcome: &Outcome) -> Change {
    let mut written = change.clone();
    if may_have_written(outcome) {
        return written;
    }
    let ended = outcome.problem().map_or(&[][..], |problem| &problem.fields);
    written.fields.retain(|field| {
        ended.iter().any(|one| {
            one.path == field.path() && matches!(one.kind, OutcomeKind::Done | OutcomeKind::Unknown)
        })
    });
    written
}

/// Writes an event for each change that was done, and for IT contacts that could not be written.
async fn publish(pass: &Pass<'_>, report: &ApplyReport, by_key: &BTreeMap<&OrgKey, &Entry>) {
    let done = report.changes.iter().filter_map(|applied| {
        let entry = by_key.get(&applied.change.key)?;
        let note = done_in_words(&applied.change, &applied.outcome);
        Some((entry, Notice::Event(event_reason(applied)?, note)))
    });
    let without_contacts = report.without_contacts.iter().filter_map(|(key, why)| {
        let note = Warning::contacts_not_added(key, 0, why).message;
        let notice = Notice::Event(EventReason::ContactsUnavailable, note);
        Some((by_key.get(key)?, notice))
    });
    let events = &pass.context.events;
    stream::iter(done.chain(without_contacts))
        .map(async |(entry, notice)| events.publish(&*entry.object, &notice).await)
        .buffer_unordered(CONCURRENT_EVENTS)
        .collect::<()>()
        .await;
}

/// Returns the reason of the event for a change that was done.
fn event_reason(applied: &AppliedChange) -> Option<EventReason> {
    let change = &applied.change;
    if !matches!(applied.outcome, Outcome::Done(_)) {
        return None;
    }
    match change.action.kind() {
        ActionKind::Create => Some(EventReason::OrganizationCreated),
        ActionKind::Adopt => Some(EventReason::OrganizationAdopted),
        ActionKind::Update => match holder_field(change) {
            Some(field) if !field.is_addition() && moves_holder(change) => {
                Some(EventReason::HandedOver)
            }
            // A first holder mark alone is no news.
            Some(field) if change.fields.len() == 1 && field.is_addition() => None,
            Some(_) | None => Some(EventReason::OrganizationUpdated),
        },
        ActionKind::Invite => Some(EventReason::InvitationSent),
        ActionKind::Delete => None,
    }
}

/// Describes a change that was done in one phrase, without values: they may be long, or an address.
fn done_in_words(change: &Change, outcome: &Outcome) -> String {
    let organization = outcome.organization();
    let id = organization.map_or("an organization", |organization| organization.id.as_str());
    let fields: BTreeSet<String> = change
        .fields
        .iter()
        .filter(|field| field.before() != field.after())
        .map(|field| {
            let path = field.path();
            let group = path.group();
            group.map_or_else(|| path.to_string(), |group| group.as_str().to_owned())
        })
        .collect();
    let fields: Vec<String> = fields.into_iter().collect();
    match change.action.kind() {
        ActionKind::Create => format!("created {id}"),
        ActionKind::Adopt => format!("took over {id}"),
        ActionKind::Update => match holder_field(change).and_then(FieldChange::before) {
            Some(former) if moves_holder(change) => {
                format!("took {id} over from {}, which is gone", escape(&former))
            }
            Some(_) | None => format!("updated {} of {id}", fields.join(", ")),
        },
        ActionKind::Invite => match change.action.invitation() {
            Some(invitation) => invitation.told("an IT contact").join("; "),
            None => format!("invited an IT contact of {id}"),
        },
        ActionKind::Delete => format!("deleted {id}"),
    }
}

/// Returns whether a change moves the holder mark.
fn moves_holder(change: &Change) -> bool {
    holder_field(change).is_some_and(|field| field.before() != field.after())
}
