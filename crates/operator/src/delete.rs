//! Deletion of organizations whose resources are being deleted.
//!
//! Goes in: the entries that are being deleted. Comes out: the reasons why some of them are still
//! there. Deletes at WorkOS where `deletion` allows it and no other resource takes
//! the organization over; then the finalizer is removed.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::cache::Cache;
use super::conditions::{BlockedReason, Reason};
use super::context::Pass;
use super::deletion::{self, Allowance, Step};
use super::entries::Entry;
use super::events::{EventReason, Notice};
use super::finalizer;
use super::handover::{Succession, find_successor};
use super::limits::Counted;
use super::resolve::Resolved;
use super::resource::Uid;
use super::state::State;
use super::write::{Subjects, delay_retry, in_words, record_failure, write};
use portalctl_core::identity::{Identities, identify};
use portalctl_core::plan::{Change, Plan};
use portalctl_model::observed::FailedRead;
use portalctl_workos::ReadPortal;
use portalctl_workos::apply::OutcomeKind;
use portalctl_workos::observe::refresh;

/// Results of the deletions of one pass.
#[derive(Debug, Default)]
pub(super) struct Deletions {
    /// Reasons why resources that are being deleted are still there.
    pub(super) not_deleted: BTreeMap<Uid, BlockedReason>,
    /// Time at which a deletion is to be looked at again.
    pub(super) recheck_at: Option<Instant>,
}

/// Failed deletion of one organization.
struct Failure {
    reason: BlockedReason,
    /// True where the deletion may have taken effect all the same.
    may_be_deleted: bool,
}

/// Handles all entries that are being deleted.
pub(super) async fn delete(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
    cache: &mut Cache,
) -> Deletions {
    let mut deletions = Deletions::default();
    let entries = resolved.entries.iter();
    let entries: Vec<&Entry> = entries.filter(|entry| entry.is_being_deleted()).collect();
    let delays = &mut state.writes.delays;
    delays.update(entries.iter().copied(), pass.context.clock.instant());
    if entries.is_empty() {
        return deletions;
    }
    let mut run = Run {
        pass,
        resolved,
        identities: identify(&resolved.desired, &cache.observed),
    };
    for entry in entries {
        if pass.term.is_cancelled() {
            break;
        }
        if let Err(Waiting { reason, recheck_at }) = run.delete_entry(state, cache, entry).await {
            deletions.not_deleted.insert(entry.uid(), reason);
            let known = deletions.recheck_at;
            deletions.recheck_at = known.into_iter().chain(recheck_at).min();
        }
    }
    deletions
}

/// Inputs of the deletions of one pass.
struct Run<'a> {
    pass: &'a Pass<'a>,
    resolved: &'a Resolved,
    /// Matches between entries and organizations, without those that were deleted.
    identities: Identities,
}

/// Deletion that waits.
struct Waiting {
    reason: BlockedReason,
    recheck_at: Option<Instant>,
}

impl From<BlockedReason> for Waiting {
    fn from(reason: BlockedReason) -> Self {
        Self {
            reason,
            recheck_at: None,
        }
    }
}

impl Run<'_> {
    /// Deletes the organization of one entry, or releases the entry.
    async fn delete_entry(
        &mut self,
        state: &mut State,
        cache: &mut Cache,
        entry: &Entry,
    ) -> Result<(), Waiting> {
        let Self { pass, resolved, .. } = *self;
        let allowance = Allowance::new(
            &resolved.environment.spec,
            resolved.desired.manifest.as_ref(),
            state.writes.quota.deletions(),
        );
        let change = match deletion::step(entry, &allowance, &cache.observed, &self.identities) {
            Step::Release(why) => {
                finalizer::release(pass.context, entry, why).await;
                return Ok(());
            }
            Step::Wait(blocked) => return Err(blocked.into()),
            Step::Delete(change) => *change,
        };
        let id = change.action.organization();
        let Some(live) = id.and_then(|id| cache.observed.organizations.get(id)) else {
            return Ok(());
        };
        match find_successor(pass, &state.writes.delays, resolved, entry, live).await {
            Succession::None => {}
            Succession::Wait { reason, recheck_at } => return Err(Waiting { reason, recheck_at }),
            Succession::Successor(name) => {
                let why =
                    format!("PortalOrganization {name} takes the organization over, which stays");
                finalizer::release(pass.context, entry, &why).await;
                return Ok(());
            }
        }
        Ok(self.delete_counted(state, cache, entry, change).await?)
    }

    /// Deletes one organization within the hourly limit. A deletion that was counted and is not known to
    /// have failed keeps its place for an hour.
    async fn delete_counted(
        &mut self,
        state: &mut State,
        cache: &mut Cache,
        entry: &Entry,
        mut change: Change,
    ) -> Result<(), BlockedReason> {
        let Self { pass, resolved, .. } = *self;
        let now = pass.context.clock.instant();
        let failed = &state.writes.failed;
        if let Some(blocked) = failed.waiting(&change.key, entry.generation(), now) {
            return Err(blocked.clone());
        }
        if let Err(blocked) = self.guard_use(&mut change, cache).await {
            delay_retry(pass, state, (&change.key, entry), blocked.clone());
            return Err(blocked);
        }
        let quota = &mut state.writes.quota;
        let environment = &resolved.environment;
        quota
            .reserve(
                Counted::Deletion,
                pass.context,
                environment,
                &mut state.statuses,
            )
            .await?;
        let deleted = self.delete_one(state, cache, entry, change).await;
        if deleted
            .as_ref()
            .is_err_and(|failure| !failure.may_be_deleted)
        {
            state.writes.quota.take_back(Counted::Deletion);
        }
        deleted.map_err(|failure| failure.reason)
    }

    /// Reads the use of an organization that is about to be deleted, and refuses the deletion where it is
    /// in use.
    async fn guard_use(&self, change: &mut Change, cache: &Cache) -> Result<(), BlockedReason> {
        let resolved = self.resolved;
        let id = change.action.organization();
        let live = id.and_then(|id| cache.observed.organizations.get(id));
        let Some(live) = live else { return Ok(()) };
        let client = &resolved.connection.client;
        let usage = client.usage(&live.id).await.map_err(|error| {
            tracing::warn!(organization = %live.id, %error, "the use of an organization cannot be read");
            let message = format!(
                "the use of the organization cannot be read: {} ({})",
                FailedRead::from(&error),
                error.code()
            );
            BlockedReason::new(Reason::Deleting, message)
        })?;
        deletion::guard_use(change, live, &usage, &resolved.environment.spec)
    }

    /// Deletes one organization, with every guard of `apply`.
    async fn delete_one(
        &mut self,
        state: &mut State,
        cache: &mut Cache,
        entry: &Entry,
        change: Change,
    ) -> Result<(), Failure> {
        let Self { pass, resolved, .. } = *self;
        let mut target = resolved.connection.target.clone();
        target.manifest.clone_from(&resolved.desired.manifest);
        let plan = Plan {
            target,
            changes: vec![change],
            ..Plan::default()
        };
        let report = write(pass, resolved, Subjects::Deleted(entry), &plan).await;
        let applied = report.changes.first();
        let deleted = applied.and_then(|one| Some((one, one.change.action.organization()?)));
        let (applied, id) = deleted.expect("a plan of one deletion has one result");
        if let Some(problem) = applied.outcome.problem() {
            let result = (&applied.change, &applied.outcome);
            record_failure(pass, state, cache, entry, result);
            let kind = applied.outcome.kind();
            let reason = match kind {
                OutcomeKind::Refused => Reason::DeletionBlocked,
                OutcomeKind::NotTried | OutcomeKind::Done | OutcomeKind::Unknown => {
                    Reason::Deleting
                }
            };
            return Err(Failure {
                reason: BlockedReason::new(reason, in_words(problem)),
                may_be_deleted: matches!(kind, OutcomeKind::Done | OutcomeKind::Unknown),
            });
        }
        refresh::forget(&mut cache.observed, id);
        self.identities = identify(&resolved.desired, &cache.observed);
        let notice = Notice::Event(EventReason::OrganizationDeleted, format!("deleted {id}"));
        pass.context.events.publish(&*entry.object, &notice).await;
        finalizer::remove(pass.context, entry).await;
        Ok(())
    }
}

/// Releases the entries that need no WorkOS for it.
pub(super) async fn release_without_workos(
    pass: &Pass<'_>,
    entries: &[Entry],
    blocked: &BlockedReason,
) {
    for entry in entries.iter().filter(|entry| entry.is_being_deleted()) {
        if let Step::Release(why) = deletion::without_workos(entry, blocked) {
            finalizer::release(pass.context, entry, why).await;
        }
    }
}
