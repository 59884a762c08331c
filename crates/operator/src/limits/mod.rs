//! Limits on writes: creations and deletions of an hour, writes of the same field, and the delay of
//! deletions.
//!
//! The counts stand in statuses, so that the next process goes on with them. A term begins with the
//! status at the API server, since the watch may be behind the last leader.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::conditions::{BlockedReason, Reason, whole_second};
use super::context::Context;
use super::entries::Entry;
use super::kube_api::{Statuses, read_environment_status};
use super::resource::{PortalEnvironment, Uid};
use portalctl_core::plan::Change;
use portalctl_manifest::kubernetes::{
    FieldWrites, MinuteCount, PortalEnvironmentSpec, PortalEnvironmentStatus,
    PortalOrganizationStatus,
};
use portalctl_model::desired::FieldPath;
use portalctl_model::text::escape;

/// Organizations that are created within an hour unless `limits.create` says otherwise.
const DEFAULT_CREATIONS: u32 = 50;
/// Most minutes that a status lists, as in the CRD.
const MAX_MINUTES: usize = 64;

/// Write that counts against an hourly limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Creations of so many organizations.
    Creations(usize),
    /// Deletion of one organization.
    Deletion,
}

/// Deletions and creations of the last hour in one environment.
#[derive(Debug, Clone, Default)]
pub(super) struct HourlyQuota {
    /// Environment that the counts are of; none before they are known.
    of: Option<Uid>,
    deletions: Vec<Timestamp>,
    creations: Vec<MinuteCount>,
}

impl HourlyQuota {
    /// Reads the counts from the API server, once in a term for each environment.
    pub(super) async fn load(
        &mut self,
        context: &Context,
        environment: &PortalEnvironment,
    ) -> Result<(), BlockedReason> {
        let metadata = &environment.metadata;
        let uid = Uid::of(metadata);
        if self.of.as_ref() != Some(&uid) {
            let status = read_environment_status(&context.client, metadata).await?;
            *self = Self {
                of: Some(uid),
                deletions: status.recent_deletions,
                creations: status.recent_creations,
            };
        }
        Ok(())
    }

    /// Counts a write that is about to be sent, in the environment's status too: otherwise the next
    /// leader would do one more after a kill.
    pub(super) async fn reserve(
        &mut self,
        counted: Counted,
        context: &Context,
        environment: &PortalEnvironment,
        statuses: &mut Statuses,
    ) -> Result<(), BlockedReason> {
        self.add(counted, context.clock.now());
        let mut status = statuses.environment(environment);
        self.write_into(&mut status);
        status.operator = Some(context.release.clone());
        let written = statuses
            .environments
            .write(context, &environment.metadata, status);
        written.await.map_err(|error| {
            self.take_back(counted);
            let (reason, write) = match counted {
                Counted::Creations(_) => (Reason::Pending, "creation"),
                Counted::Deletion => (Reason::Deleting, "deletion"),
            };
            let message = format!("the {write} could not be counted, so it waits: {error}");
            BlockedReason::new(reason, message)
        })
    }

    fn add(&mut self, counted: Counted, now: Timestamp) {
        match counted {
            Counted::Creations(count) => self.add_creations(count, now),
            Counted::Deletion => self.deletions.push(now),
        }
    }

    /// Takes writes back that did not happen: the last ones of their kind.
    pub(super) fn take_back(&mut self, counted: Counted) {
        match counted {
            Counted::Deletion => {
                self.deletions.pop();
            }
            Counted::Creations(count) => {
                let mut left = u32::try_from(count).unwrap_or(u32::MAX);
                for one in self.creations.iter_mut().rev() {
                    let taken = left.min(one.count);
                    one.count -= taken;
                    left -= taken;
                }
                self.creations.retain(|one| one.count > 0);
            }
        }
    }

    /// Returns the deletions of the last hour.
    pub(super) fn deletions(&self) -> &[Timestamp] {
        &self.deletions
    }

    /// Returns how many organizations may still be created within the hour.
    pub(super) fn creations_left(&self, spec: &PortalEnvironmentSpec) -> usize {
        let done = self
            .creations
            .iter()
            .fold(0_u32, |sum, one| sum.saturating_add(one.count));
        max_creations(spec).saturating_sub(done) as usize
    }

    /// Forgets writes that are older than an hour.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        let hour = SignedDuration::from_hours(1);
        self.deletions.retain(|at| now.duration_since(*at) < hour);
        // The last creation of a minute may be of its end.
        let minute = SignedDuration::from_mins(1);
        self.creations
            .retain(|one| now.duration_since(one.minute) < hour + minute);
    }

    fn add_creations(&mut self, count: usize, now: Timestamp) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let second = now.as_second();
        let minute = Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(now);
        match self.creations.iter_mut().find(|one| one.minute == minute) {
            Some(one) => one.count = one.count.saturating_add(count),
            None => self.creations.push(MinuteCount { minute, count }),
        }
        self.creations.sort_by_key(|one| one.minute);
        // A clock that jumps makes more minutes than an hour has.
        while self.creations.len() > MAX_MINUTES {
            let first = self.creations.remove(0);
            if let Some(next) = self.creations.first_mut() {
                next.count = next.count.saturating_add(first.count);
            }
        }
    }

    /// Writes the counts into a status.
    pub(super) fn write_into(&self, status: &mut PortalEnvironmentStatus) {
        status.recent_deletions.clone_from(&self.deletions);
        status.recent_creations.clone_from(&self.creations);
    }
}

/// Returns the most organizations that may be created within an hour.
pub(super) fn max_creations(spec: &PortalEnvironmentSpec) -> u32 {
    let limits = spec.limits.as_ref();
    limits
        .and_then(|limits| limits.create)
        .unwrap_or(DEFAULT_CREATIONS)
}

/// Most writes of one field within [`WINDOW`], for one version of a resource.
const MAX_WRITES: usize = 3;
/// Time in which writes are counted, and the pause between two once they were too many.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Writes of one field that are remembered.
const REMEMBERED_WRITES: usize = 6;
/// Most fields that a status lists, as in the CRD.
const MAX_FIELDS: usize = 64;

/// Times at which each field was written, oldest first.
type Writes = BTreeMap<String, Vec<Timestamp>>;

/// Writes of each field of all resources of an environment.
///
/// A field that was written three times within an hour, and differs again, is written by somebody
/// else, too. From then on it is written once an hour at most, until the resource is edited or the
/// other has been quiet for some hours.
#[derive(Debug, Clone, Default)]
pub(super) struct RepeatedWrites {
    /// Generation that was written for, and its fields, by resource.
    by_resource: BTreeMap<Uid, (i64, Writes)>,
}

impl RepeatedWrites {
    /// Adds the writes that a status records, of another process or of an earlier term.
    pub(super) fn load(&mut self, entry: &Entry, before: &PortalOrganizationStatus) {
        let generation = entry.generation();
        if before.observed_generation != Some(generation) || before.field_writes.is_empty() {
            return;
        }
        let (of, writes) = self
            .by_resource
            .entry(entry.uid())
            .or_insert_with(|| (generation, Writes::new()));
        if *of != generation {
            return;
        }
        for recorded in &before.field_writes {
            let times = writes.entry(recorded.field.clone()).or_default();
            let all: BTreeSet<Timestamp> = times.iter().chain(&recorded.times).copied().collect();
            let excess = all.len().saturating_sub(REMEMBERED_WRITES);
            *times = all.into_iter().skip(excess).collect();
        }
    }

    /// Removes the fields from a change that somebody else keeps writing. Returns the reason.
    pub(super) fn hold(
        &self,
        entry: &Entry,
        change: &mut Change,
        now: Timestamp,
    ) -> Option<BlockedReason> {
        let (of, writes) = self.by_resource.get(&entry.uid())?;
        if *of != entry.generation() {
            return None;
        }
        let mut held = BTreeSet::new();
        change.fields.retain(|field| {
            let name = name(&field.path());
            let must_wait = writes.get(&name).is_some_and(|times| must_wait(times, now));
            if must_wait {
                held.insert(name);
            }
            !must_wait
        });
        if held.is_empty() {
            return None;
        }
        let held: Vec<String> = held.iter().map(|name| escape(name).into_owned()).collect();
        Some(BlockedReason::new(
            Reason::Fighting,
            format!(
                "{} was written {MAX_WRITES} times within an hour, and differs again: somebody \
                 else writes it, too. It is written once an hour at most until this resource is \
                 edited; find out who else manages it, or leave it to them with ignoreFields",
                held.join(", ")
            ),
        ))
    }

    /// Records the writes of a change.
    pub(super) fn add(&mut self, entry: &Entry, change: &Change, now: Timestamp) {
        let generation = entry.generation();
        let (of, writes) = self.by_resource.entry(entry.uid()).or_default();
        if *of != generation {
            (*of, *writes) = (generation, Writes::new());
        }
        let written = change
            .fields
            .iter()
            .filter(|one| one.before() != one.after());
        let fields: BTreeSet<String> = written.map(|one| name(&one.path())).collect();
        for field in fields {
            let times = writes.entry(field).or_default();
            times.push(whole_second(now));
            let excess = times.len().saturating_sub(REMEMBERED_WRITES);
            times.drain(..excess);
        }
    }

    /// Returns the fields that were written more than once, for the status of a resource.
    pub(super) fn recorded(&self, entry: &Entry) -> Vec<FieldWrites> {
        let known = self.by_resource.get(&entry.uid());
        let known = known.filter(|(of, _)| *of == entry.generation());
        let repeated = known
            .into_iter()
            .flat_map(|(_, writes)| writes)
            .filter(|(_, times)| times.len() > 1);
        let recorded = repeated.map(|(field, times)| FieldWrites {
            field: field.clone(),
            times: times.clone(),
        });
        recorded.take(MAX_FIELDS).collect()
    }

    /// Forgets resources that are gone.
    pub(super) fn retain(&mut self, there: &BTreeSet<Uid>) {
        self.by_resource.retain(|uid, _| there.contains(uid));
    }
}

/// Returns whether a field that was written at these times has to wait.
fn must_wait(times: &[Timestamp], now: Timestamp) -> bool {
    let too_many = times.windows(MAX_WRITES).any(|some| match some {
        [first, .., last] => last.duration_since(*first) < WINDOW,
        _ => false,
    });
    too_many
        && times
            .last()
            .is_some_and(|last| now.duration_since(*last) < WINDOW)
}

/// Returns the name of a field in a status, without e-mail addresses.
fn name(path: &FieldPath) -> String {
    match path {
        FieldPath::ItContact(_) => "it_contacts".to_owned(),
        path => path.to_string(),
    }
}

/// Delay of a deletion, so that a resource of another name can claim the organization.
pub(super) const DELETION_DELAY: Duration = Duration::from_secs(30);

/// Times since which resources are being deleted, as this process has seen them.
#[derive(Debug, Default)]
pub(super) struct DeletionDelays {
    since: BTreeMap<Uid, Instant>,
}

impl DeletionDelays {
    /// Adds the resources that are being deleted, and forgets all others.
    pub(super) fn update<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>, now: Instant) {
        let mut before = std::mem::take(&mut self.since);
        self.since = entries
            .map(|entry| {
                let uid = entry.uid();
                let since = before.remove(&uid).unwrap_or(now);
                (uid, since)
            })
            .collect();
    }

    /// Returns the end of the delay of a resource.
    pub(super) fn end(&self, uid: &Uid, now: Instant) -> Instant {
        self.since.get(uid).map_or(now, |since| *since) + DELETION_DELAY
    }
}

#[cfg(test)]
mod tests;
