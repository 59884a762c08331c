//! The deletions and creations of the last hour, which `maxDeletesPerHour` and `limits.create` are
//! held against, whoever leads.
//!
//! They stand in the environment's status. A term begins with what the API server has there: what the
//! watch shows may be older than what the last leader wrote down.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::core::ObjectMeta;

use super::apply::generation;
use super::conditions::Reason;
use super::conditions::{BlockedReason, whole_second};
use super::entries::Entry;
use super::kube_api;
use super::reconcile::Reconciler;
use super::resource::PortalEnvironment;
use super::resource::{Name, Uid, name_of};
use portalctl_core::plan::Change;
use portalctl_manifest::kubernetes::{
    FieldWrites, MinuteCount, PortalEnvironmentSpec, PortalEnvironmentStatus,
    PortalOrganizationStatus,
};
use portalctl_model::desired::FieldPath;
use portalctl_model::text::escape;

/// Organizations created within an hour unless `limits.create` says otherwise.
const DEFAULT_CREATIONS: u32 = 50;
/// The most minutes that a status lists. The definition bounds it.
const MAX_MINUTES: usize = 64;

/// What counts, as this process wrote it down or found it when it began to lead.
#[derive(Debug, Clone, Default)]
pub(super) struct HourlyQuota {
    /// The environment that it is of; none before it is known.
    of: Option<Uid>,
    deletions: Vec<Timestamp>,
    creations: Vec<MinuteCount>,
}

impl HourlyQuota {
    /// Deletions of the last hour.
    pub(super) fn deletions(&self) -> &[Timestamp] {
        &self.deletions
    }

    /// Returns how many organizations may still be created within the hour.
    pub(super) fn creations_left(&self, spec: &PortalEnvironmentSpec) -> usize {
        let done = self
            .creations
            .iter()
            .fold(0_u32, |sum, one| sum.saturating_add(one.count));
        most_creations(spec).saturating_sub(done) as usize
    }

    /// Forgets what is older than an hour.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        let hour = SignedDuration::from_hours(1);
        self.deletions.retain(|at| now.duration_since(*at) < hour);
        // The last creation of a minute may be of its end.
        let minute = SignedDuration::from_mins(1);
        self.creations
            .retain(|one| now.duration_since(one.minute) < hour + minute);
    }

    /// Takes the last deletion back: it did not come about.
    pub(super) fn take_back_deletion(&mut self) {
        self.deletions.pop();
    }

    /// Takes creations back that did not come about.
    pub(super) fn take_back_creations(&mut self, count: usize) {
        let mut left = u32::try_from(count).unwrap_or(u32::MAX);
        for one in self.creations.iter_mut().rev() {
            let taken = left.min(one.count);
            one.count -= taken;
            left -= taken;
        }
        self.creations.retain(|one| one.count > 0);
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

    /// Writes what counts into a status.
    pub(super) fn write_into(&self, status: &mut PortalEnvironmentStatus) {
        status.recent_deletions.clone_from(&self.deletions);
        status.recent_creations.clone_from(&self.creations);
    }

    fn is_of(&self, environment: &ObjectMeta) -> bool {
        self.of.as_ref() == Some(&Uid::of(environment))
    }
}

/// The most organizations that are created within an hour.
pub(super) fn most_creations(spec: &PortalEnvironmentSpec) -> u32 {
    let limits = spec.limits.as_ref();
    limits
        .and_then(|limits| limits.create)
        .unwrap_or(DEFAULT_CREATIONS)
}

impl Reconciler {
    /// Learns what counts already, once in a term.
    pub(super) async fn learn_quota(
        &mut self,
        environment: &PortalEnvironment,
    ) -> Result<(), BlockedReason> {
        let metadata = &environment.metadata;
        if self.quota.is_of(metadata) {
            return Ok(());
        }
        let Name { namespace, name } = name_of(metadata);
        let client = self.context.client.clone();
        let environments: Api<PortalEnvironment> = Api::namespaced(client, &namespace);
        let known = environments.get_opt(&name).await.map_err(|error| {
            let message = format!("the environment cannot be read: {error}");
            BlockedReason::new(Reason::Unreachable, message)
        })?;
        let known = known.filter(|known| known.metadata.uid == metadata.uid);
        let status = known.and_then(|known| known.status).unwrap_or_default();
        self.quota = HourlyQuota {
            of: Some(Uid::of(metadata)),
            deletions: status.recent_deletions,
            creations: status.recent_creations,
        };
        Ok(())
    }

    /// Counts a deletion that is about to be tried, on the environment too: whoever leads next, after
    /// a kill or a write that was lost, would otherwise delete one more.
    pub(super) async fn count_deletion(
        &mut self,
        environment: &PortalEnvironment,
    ) -> Result<(), BlockedReason> {
        self.quota.deletions.push(self.context.clock.now());
        self.write_quota(environment).await.map_err(|error| {
            self.quota.take_back_deletion();
            let message = format!("the deletion could not be counted, so it waits: {error}");
            BlockedReason::new(Reason::Deleting, message)
        })
    }

    /// Counts creations that are about to be tried, for the same reason.
    pub(super) async fn count_creations(
        &mut self,
        environment: &PortalEnvironment,
        count: usize,
    ) -> Result<(), BlockedReason> {
        self.quota.add_creations(count, self.context.clock.now());
        self.write_quota(environment).await.map_err(|error| {
            self.quota.take_back_creations(count);
            let message = format!("the creation could not be counted, so it waits: {error}");
            BlockedReason::new(Reason::Pending, message)
        })
    }

    async fn write_quota(&mut self, environment: &PortalEnvironment) -> kube::Result<()> {
        let metadata = &environment.metadata;
        let seen = environment.status.as_ref();
        let mut status = self
            .environment_statuses
            .current(metadata, seen)
            .into_owned();
        self.quota.write_into(&mut status);
        status.operator = Some(self.context.release.clone());
        kube_api::status(&self.context.client, metadata, status.clone()).await?;
        self.context.metrics.status_written();
        self.environment_statuses.wrote(metadata, status);
        Ok(())
    }
}

/// The most writes of one field within [`WINDOW`], for one version of a resource.
const MOST: usize = 3;
/// The time in which writes are counted, and the pause between two once they were too many.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// How many writes of a field are remembered.
const KEPT: usize = 6;
/// How many fields a status lists. The definition bounds it.
const MAX_FIELDS: usize = 64;

/// Times at which each field was written, oldest first.
type Writes = BTreeMap<String, Vec<Timestamp>>;

/// The writes of the fields of all resources of an environment.
#[derive(Debug, Clone, Default)]
pub(super) struct RepeatedWrites {
    /// By resource: the version that was written for, and its fields.
    by_resource: BTreeMap<Uid, (i64, Writes)>,
}

impl RepeatedWrites {
    /// Adds what another process, or this one in an earlier term, wrote down about a resource.
    pub(super) fn learn(&mut self, entry: &Entry, before: &PortalOrganizationStatus) {
        let generation = generation(entry);
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
        for told in &before.field_writes {
            let times = writes.entry(told.field.clone()).or_default();
            let all: BTreeSet<Timestamp> = times.iter().chain(&told.times).copied().collect();
            let excess = all.len().saturating_sub(KEPT);
            *times = all.into_iter().skip(excess).collect();
        }
    }

    /// Takes the fields that somebody else keeps writing out of a change; why they are held.
    pub(super) fn hold(
        &self,
        entry: &Entry,
        change: &mut Change,
        now: Timestamp,
    ) -> Option<BlockedReason> {
        let (of, writes) = self.by_resource.get(&entry.uid())?;
        if *of != generation(entry) {
            return None;
        }
        let mut held = BTreeSet::new();
        change.fields.retain(|field| {
            let name = name(&field.path);
            let waits = writes.get(&name).is_some_and(|times| waits(times, now));
            if waits {
                held.insert(name);
            }
            !waits
        });
        if held.is_empty() {
            return None;
        }
        let held: Vec<String> = held.iter().map(|name| escape(name).into_owned()).collect();
        Some(BlockedReason::new(
            Reason::Fighting,
            format!(
                "{} was written {MOST} times within an hour, and differs again: somebody else \
                 writes it, too. It is written once an hour at most until this resource is edited; \
                 find out who else manages it, or leave it to them with ignoreFields",
                held.join(", ")
            ),
        ))
    }

    /// Counts the writes of a change.
    pub(super) fn wrote(&mut self, entry: &Entry, change: &Change, now: Timestamp) {
        let generation = generation(entry);
        let (of, writes) = self.by_resource.entry(entry.uid()).or_default();
        if *of != generation {
            (*of, *writes) = (generation, Writes::new());
        }
        let written = change.fields.iter().filter(|one| one.before != one.after);
        let fields: BTreeSet<String> = written.map(|one| name(&one.path)).collect();
        for field in fields {
            let times = writes.entry(field).or_default();
            times.push(whole_second(now));
            let excess = times.len().saturating_sub(KEPT);
            times.drain(..excess);
        }
    }

    /// Returns what the status of a resource says for the next process: fields written more than
    /// once.
    pub(super) fn told(&self, entry: &Entry) -> Vec<FieldWrites> {
        let known = self.by_resource.get(&entry.uid());
        let known = known.filter(|(of, _)| *of == generation(entry));
        let writes = known.map(|(_, writes)| writes.iter());
        let repeated = writes
            .into_iter()
            .flatten()
            .filter(|(_, times)| times.len() > 1);
        let told = repeated.map(|(field, times)| FieldWrites {
            field: field.clone(),
            times: times.clone(),
        });
        told.take(MAX_FIELDS).collect()
    }

    /// Forgets resources that are gone.
    pub(super) fn keep(&mut self, there: &BTreeSet<Uid>) {
        self.by_resource.retain(|uid, _| there.contains(uid));
    }
}

/// Returns whether a field that was written at these times has to wait.
fn waits(times: &[Timestamp], now: Timestamp) -> bool {
    let too_many = times.windows(MOST).any(|some| match some {
        [first, .., last] => last.duration_since(*first) < WINDOW,
        _ => false,
    });
    too_many
        && times
            .last()
            .is_some_and(|last| now.duration_since(*last) < WINDOW)
}

/// The name of a field in a status: addresses are left out.
fn name(path: &FieldPath) -> String {
    match path {
        FieldPath::ItContact(_) => "it_contacts".to_owned(),
        path => path.to_string(),
    }
}

#[cfg(test)]
mod tests;
