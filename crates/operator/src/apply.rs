//! What a pass creates and changes at WorkOS: through [`apply`](portalctl_workos::apply), and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use super::cache::Cache;
use super::clients::Connection;
use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::diff;
use super::entries::Entry;
use super::events::CONCURRENT_EVENTS;
use super::events::EventReason;
use super::hold_back::is_repair;
use super::permit::{Subjects, WritePermit};
use super::reconcile::Reconciler;
use super::report::Reporter;
use super::resource::PortalEnvironment;
use portalctl_core::identity::identify;
use portalctl_core::plan::{ActionKind, Change, FieldChange, Plan, Warning};
use portalctl_core::readiness::readiness;
use portalctl_model::codes::api as codes;
use portalctl_model::desired::{Desired, FieldPath};
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, Selection, mark};
use portalctl_workos::apply::{
    ApplyProgress, ApplyReport, Options, Outcome, OutcomeKind, apply, nonce,
};

/// How many organizations are written at once; the pace bounds the rate.
const CONCURRENCY: usize = 8;

/// How many organizations one pass writes, so that what was done is soon told and what was edited
/// is soon seen.
const MAX_ORGANIZATIONS_PER_PASS: usize = 250;

/// Logs each change as it ends.
struct Logged<'a>(&'a str);

impl ApplyProgress for Logged<'_> {
    fn ended(&self, change: &Change, outcome: &Outcome) {
        let problem = outcome.problem();
        tracing::info!(
            environment = self.0,
            key = %change.key,
            action = %change.action.kind(),
            outcome = %outcome.kind(),
            code = problem.map(|problem| problem.code.as_str()),
            error = problem.map(ToString::to_string),
            "change"
        );
    }
}

impl Reconciler {
    /// Writes what differs and may be written.
    pub(super) async fn apply(
        &mut self,
        reporter: &Reporter<'_>,
        connection: &Connection,
        entries: &[Entry],
        desired: &Desired,
        cache: &mut Cache,
        term: &CancellationToken,
    ) {
        let paused = reporter.environment.is_paused;
        let environment = reporter.environment.object;
        let by_key: BTreeMap<&OrgKey, &Entry> = entries
            .iter()
            .filter_map(|entry| Some((entry.key()?, entry)))
            .collect();
        let mut plan = self.plan(entries, desired, cache, connection, paused);
        self.held_back = self.hold_back(&mut plan.changes, &by_key, environment, &cache.observed);
        self.is_unfinished = begin_with(&mut plan.changes, MAX_ORGANIZATIONS_PER_PASS);
        if !term.is_cancelled() {
            self.count_planned_creations(environment, &mut plan.changes)
                .await;
        }
        if plan.changes.is_empty() || term.is_cancelled() {
            return;
        }
        for change in &mut plan.changes {
            expect_holder(change, desired);
        }
        let permit = WritePermit {
            context: &self.context,
            environment,
            subjects: Subjects::ByKey(&by_key),
            term,
        };
        let report = self.carry_out(connection, &plan, &permit).await;
        report.update(&mut cache.observed);
        for warning in report.warnings() {
            tracing::warn!(
                environment = %self.name,
                key = %warning.key,
                code = warning.code.as_str(),
                "{}",
                warning.message
            );
        }
        if let Some(blocked) = stopped(&report)
            && !term.is_cancelled()
        {
            self.back_off(blocked);
        }
        for applied in &report.changes {
            let change = &applied.change;
            let fields = change.fields.iter();
            let is_apart = |path: &FieldPath| {
                matches!(path, FieldPath::ItContact(_) | FieldPath::RetentionDays)
            };
            let mut apart = fields.filter(|field| is_apart(&field.path));
            if let (Some(_), Some(id)) = (apart.next(), change.action.organization()) {
                cache.forget_contacts(id);
            }
            if let Some(entry) = by_key.get(&change.key) {
                if is_repair(change) {
                    let now = self.context.clock.now();
                    let written = written(change, &applied.outcome);
                    self.repeated_writes.wrote(entry, &written, now);
                }
                self.note_failure(entry, change, &applied.outcome, cache, term);
            }
        }
        let not_created = report
            .changes
            .iter()
            .filter(|applied| is_create(&applied.change) && !may_have_written(&applied.outcome));
        self.quota.take_back_creations(not_created.count());
        // What can be asked of an organization only since it exists is asked at once.
        self.is_unfinished |= report.changes.iter().any(|applied| {
            let is_done = matches!(applied.outcome, Outcome::Done(_));
            is_done && applied.change.action.kind() == ActionKind::Create
        });
        self.announce(&report, &by_key).await;
    }

    /// Counts the creations of a plan; takes them out of it where they could not be counted.
    async fn count_planned_creations(
        &mut self,
        environment: &PortalEnvironment,
        changes: &mut Vec<Change>,
    ) {
        let count = changes.iter().filter(|change| is_create(change)).count();
        if count == 0 {
            return;
        }
        if let Err(blocked) = self.count_creations(environment, count).await {
            let waits: BTreeSet<OrgKey> = changes
                .iter()
                .filter(|change| is_create(change))
                .map(|change| change.key.clone())
                .collect();
            changes.retain(|change| !waits.contains(&change.key));
            let waits = waits.into_iter().map(|key| (key, blocked.clone()));
            self.held_back.extend(waits);
        }
    }

    /// What differs and may be written now.
    fn plan(
        &self,
        entries: &[Entry],
        desired: &Desired,
        cache: &Cache,
        connection: &Connection,
        paused: bool,
    ) -> Plan {
        let clock = &self.context.clock;
        let now = clock.instant();
        let may_be_written = |entry: &&Entry| {
            let key = entry.key();
            let failed =
                key.and_then(|key| self.failed_writes.waiting(key, generation(entry), now));
            !entry.is_being_deleted() && entry.read_only(paused).is_none() && failed.is_none()
        };
        let writable = entries.iter().filter(may_be_written);
        let writable: BTreeSet<OrgKey> = writable.filter_map(Entry::key).cloned().collect();
        let observed = &cache.observed;
        let identities = identify(desired, observed);
        let selection = Selection::of(writable.clone());
        let readiness = readiness(desired, observed, &identities, &selection, clock.now());
        diff::plan(
            desired,
            observed,
            &identities,
            &readiness.unconfigured(),
            writable,
            &connection.target,
        )
    }

    /// Tells what was done.
    async fn announce(&self, report: &ApplyReport, by_key: &BTreeMap<&OrgKey, &Entry>) {
        let events = &self.context.events;
        let done = report.changes.iter().filter_map(|applied| {
            let entry = by_key.get(&applied.change.key)?;
            let news = match (&applied.outcome, applied.change.action.kind()) {
                (Outcome::Done(_), ActionKind::Create) => EventReason::OrganizationCreated,
                (Outcome::Done(_), ActionKind::Adopt) => EventReason::OrganizationAdopted,
                (Outcome::Done(_), ActionKind::Update) => match holder_field(&applied.change) {
                    Some(field) if field.before.is_some() && moves_holder(&applied.change) => {
                        EventReason::HandedOver
                    }
                    // Taking hold of what was nobody's is no news.
                    Some(field) if applied.change.fields.len() == 1 && field.before.is_none() => {
                        return None;
                    }
                    Some(_) | None => EventReason::OrganizationUpdated,
                },
                (Outcome::Done(_), ActionKind::Invite) => EventReason::InvitationSent,
                _ => return None,
            };
            Some((
                entry,
                news,
                done_in_words(&applied.change, &applied.outcome),
            ))
        });
        let without_contacts = report.without_contacts.iter().filter_map(|(key, why)| {
            let note = Warning::contacts_not_added(key, 0, why).message;
            Some((by_key.get(key)?, EventReason::ContactsUnavailable, note))
        });
        let telling =
            stream::iter(done.chain(without_contacts)).map(async |(entry, news, note)| {
                events.organization(&entry.object, news, &note).await;
            });
        telling
            .buffer_unordered(CONCURRENT_EVENTS)
            .collect::<()>()
            .await;
    }

    pub(super) async fn carry_out(
        &self,
        connection: &Connection,
        plan: &Plan,
        permit: &WritePermit<'_>,
    ) -> ApplyReport {
        let options = Options {
            concurrency: CONCURRENCY,
            cancel: permit.term.clone(),
            replay: false,
            clock: &*self.context.clock,
            permit,
            nonce: nonce(&*self.context.clock),
        };
        let name = self.name.to_string();
        apply(&*connection.client, plan, &options, &Logged(&name)).await
    }

    /// A change that was not done is tried again later; its organization is read again first.
    pub(super) fn note_failure(
        &mut self,
        entry: &Entry,
        change: &Change,
        outcome: &Outcome,
        cache: &mut Cache,
        term: &CancellationToken,
    ) {
        let Some(problem) = outcome.problem() else {
            return;
        };
        if let Some(id) = change.action.organization() {
            cache.suspect(id.clone());
        }
        // Why nothing was sent shows on the resource by itself.
        if term.is_cancelled() || problem.code == codes::WITHHELD {
            return;
        }
        let reason = match outcome.kind() {
            OutcomeKind::Refused => Reason::Refused,
            OutcomeKind::Done | OutcomeKind::Unknown | OutcomeKind::NotTried => Reason::Unreachable,
        };
        let blocked = BlockedReason::new(reason, format!("{} ({})", problem.message, problem.code));
        let (interval, now) = (self.intervals().poll, self.context.clock.instant());
        self.failed_writes
            .add(&change.key, generation(entry), blocked, (interval, now));
    }
}

fn is_create(change: &Change) -> bool {
    change.action.kind() == ActionKind::Create
}

/// Returns whether a change took effect, or may have.
fn may_have_written(outcome: &Outcome) -> bool {
    matches!(outcome.kind(), OutcomeKind::Done | OutcomeKind::Unknown)
}

/// The part of a change that took effect, or may have: a change that failed may have done some of it.
fn written(change: &Change, outcome: &Outcome) -> Change {
    let mut written = change.clone();
    if may_have_written(outcome) {
        return written;
    }
    let ended = outcome.problem().map(|problem| problem.fields.as_slice());
    written.fields.retain(|field| {
        let mut ended = ended.unwrap_or_default().iter();
        ended.any(|one| {
            one.path == field.path && matches!(one.kind, OutcomeKind::Done | OutcomeKind::Unknown)
        })
    });
    written
}

/// Lets an update fail if somebody else has taken hold of the organization by then: a field that
/// stays as it is, which `apply` looks at before it writes.
fn expect_holder(change: &mut Change, desired: &Desired) {
    let declared = desired.organizations.get(&change.key);
    let holder = declared.and_then(|declared| declared.holder.as_ref());
    let Some(holder) = holder.map(ToString::to_string) else {
        return;
    };
    if change.action.kind() == ActionKind::Update && holder_field(change).is_none() {
        change.fields.push(FieldChange {
            path: FieldPath::Metadata(mark::HOLDER.to_owned()),
            before: Some(holder.clone()),
            after: Some(holder),
        });
        change.fields.sort();
    }
}

/// The field of the holder mark in a change.
pub(super) fn holder_field(change: &Change) -> Option<&FieldChange> {
    let mut fields = change.fields.iter();
    fields.find(|field| matches!(&field.path, FieldPath::Metadata(key) if key == mark::HOLDER))
}

/// Why the rest of a plan was not tried: what would meet every other change too.
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
    let message = format!("{} ({})", problem.message, problem.code);
    Some(BlockedReason::new(Reason::Unreachable, message))
}

/// Keeps the changes of the first so many organizations; whether there were more. Pure.
fn begin_with(changes: &mut Vec<Change>, most: usize) -> bool {
    let mut first = BTreeSet::new();
    let mut has_more = false;
    changes.retain(|change| {
        let is_first = first.contains(&change.key) || first.len() < most;
        if is_first {
            first.insert(change.key.clone());
        }
        has_more |= !is_first;
        is_first
    });
    has_more
}

/// The version of a resource's spec.
pub(super) fn generation(entry: &Entry) -> i64 {
    entry.object.metadata.generation.unwrap_or_default()
}

/// What was done, in one phrase; values may be long, or an address.
fn done_in_words(change: &Change, outcome: &Outcome) -> String {
    let id = outcome
        .organization()
        .map(|organization| organization.id.to_string())
        .unwrap_or_default();
    let fields: BTreeSet<String> = change
        .fields
        .iter()
        .filter(|field| field.before != field.after)
        .map(|field| {
            let path = field.path.group();
            path.map_or_else(|| field.path.to_string(), |group| group.as_str().to_owned())
        })
        .collect();
    let fields: Vec<String> = fields.into_iter().collect();
    match change.action.kind() {
        ActionKind::Create => format!("created {id}"),
        ActionKind::Adopt => format!("took over {id}"),
        ActionKind::Update => match holder_field(change).and_then(|field| field.before.as_ref()) {
            Some(former) if moves_holder(change) => {
                format!("took {id} over from {}, which is gone", escape(former))
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
    holder_field(change).is_some_and(|field| field.before != field.after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_core::plan::{Action, Reason as Why};
    use portalctl_model::desired::Source;

    fn change(key: &str) -> Change {
        Change {
            key: OrgKey::parse(key).unwrap(),
            action: Action::Create,
            fields: Vec::new(),
            reason: Why::Missing,
            source: Source::nowhere(),
        }
    }

    #[test]
    fn a_pass_begins_with_the_first_organizations_and_all_of_their_changes() {
        let mut changes: Vec<Change> = ["a", "b", "c", "a"].into_iter().map(change).collect();
        assert!(begin_with(&mut changes, 2));
        let keys: Vec<&str> = changes.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "a"]);
        assert!(!begin_with(&mut changes, 2));
        assert_eq!(changes.len(), 3);
    }
}
