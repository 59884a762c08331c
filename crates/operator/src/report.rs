//! What a pass says: statuses that differ.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::apply::generation;
use super::cache::Cache;
use super::conditions::Reason;
use super::conditions::{self, BlockedReason, ConditionSet, Facts, Progress, Verdict};
use super::diff::{self, Diff};
use super::entries::Entry;
use super::events::{Audience, synced_reason};
use super::finalizer;
use super::hold_back;
use super::holders::redact_other_organizations;
use super::kube_api::{self, Status};
use super::reconcile::Reconciler;
use super::resource::PortalEnvironment;
use super::resource::Uid;
use super::status::{self, Totals};
use super::store::EnvironmentObjects;
use portalctl_core::identity::{Identities, Identity};
use portalctl_core::plan::Target;
use portalctl_core::readiness::{OrganizationReadiness, readiness};
use portalctl_manifest::kubernetes::{
    PortalEnvironmentStatus, PortalOrganizationStatus, RefusedClaim,
};
use portalctl_model::desired::{Desired, DesiredOrganization, Management};
use portalctl_model::observed::Organization;
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, Selection, Unconfigured};

/// The most refused claims that an environment's status lists. The definition bounds it.
const MAX_REFUSED_CLAIMS: usize = 50;
/// The longest reason of a refused claim, in characters. The definition bounds it.
const MAX_REFUSAL: usize = 1000;

/// The environment of a pass.
pub(super) struct Environment<'a> {
    pub(super) object: &'a PortalEnvironment,
    pub(super) target: &'a Target,
    pub(super) is_paused: bool,
    /// What it waits for while it is being deleted.
    pub(super) waits: Option<BlockedReason>,
}

/// What a pass found that is to be said.
pub(super) struct Reporter<'a> {
    pub(super) environment: Environment<'a>,
    /// Why resources that are being deleted are still there.
    pub(super) leaving: BTreeMap<Uid, BlockedReason>,
}

impl<'a> Reporter<'a> {
    pub(super) const fn new(environment: Environment<'a>) -> Self {
        Self {
            environment,
            leaving: BTreeMap::new(),
        }
    }
}

/// The status that an organization is to have, and the one it has.
pub(super) struct StatusChange<'a> {
    pub(super) entry: &'a Entry,
    pub(super) before: PortalOrganizationStatus,
    pub(super) after: PortalOrganizationStatus,
}

impl Reconciler {
    /// Says how every organization and the environment are.
    pub(super) async fn report(
        &mut self,
        reporter: &Reporter<'_>,
        entries: &[Entry],
        desired: &Desired,
        cache: &Cache,
        identities: &Identities,
    ) {
        let now = self.context.clock.now();
        let everything = Selection::default();
        let mut readiness = readiness(desired, &cache.observed, identities, &everything, now);
        let unconfigured = readiness.unconfigured();
        self.recall(&mut readiness, entries, &cache.observed);
        let diff = self.diff(reporter, entries, desired, cache, identities, &unconfigured);
        let readiness: BTreeMap<&OrgKey, &OrganizationReadiness> = readiness
            .organizations
            .iter()
            .map(|one| (&one.key, one))
            .collect();
        for entry in entries {
            let (metadata, seen) = (&entry.object.metadata, entry.object.status.as_ref());
            let before = self.organization_statuses.current(metadata, seen);
            self.repeated_writes.learn(entry, &before);
        }
        // What was released, or not come to, has nothing to be told.
        let is_told = |entry: &&Entry| {
            !entry.is_being_deleted() || reporter.leaving.contains_key(&entry.uid())
        };
        let said: Vec<StatusChange<'_>> = entries
            .iter()
            .filter(is_told)
            .map(|entry| {
                let before = self.before(entry);
                let live = |key| {
                    let id = identities.organization_of(key)?;
                    cache.observed.organizations.get(id)
                };
                let conditions_set = self.judge(reporter, entry, &diff, identities, &readiness);
                let conditions_set =
                    self.told_to(entry, conditions_set, entry.key().and_then(live));
                let generation = entry.object.metadata.generation;
                let after = match entry.key().and_then(|key| Some((key, readiness.get(key)?))) {
                    Some((key, intents)) => {
                        let live = live(key);
                        let is_used_up = hold_back::is_recreate_used_up(
                            entry,
                            &before,
                            live.map(|live| &live.id),
                        );
                        PortalOrganizationStatus {
                            deleted_outside: live.is_none()
                                && hold_back::is_gone(&before, &cache.observed),
                            recreated: is_used_up,
                            field_writes: self.repeated_writes.told(entry),
                            ..status::of_organization(
                                &before,
                                &conditions_set,
                                generation,
                                live,
                                intents,
                                now,
                            )
                        }
                    }
                    None => {
                        status::of_blocked_organization(&before, &conditions_set, generation, now)
                    }
                };
                StatusChange {
                    entry,
                    before,
                    after,
                }
            })
            .collect();
        let mut totals = Totals::default();
        for said in &said {
            totals.add(&said.after);
        }
        let declared = &identities.concerned;
        let unmanaged = cache.observed.organizations.keys();
        let unmanaged = unmanaged.filter(|id| !declared.contains(*id)).count();
        totals.organizations.unmanaged = u32::try_from(unmanaged).unwrap_or(u32::MAX);
        self.measure(reporter, &said, &diff, totals);
        self.write(&said).await;
        self.tell(&said, Audience::EveryResource).await;
        self.report_environment(reporter, cache, totals, now).await;
        let metadata = entries.iter().map(|entry| &entry.object.metadata);
        self.organization_statuses.keep(metadata);
        self.repeated_writes
            .keep(&entries.iter().map(Entry::uid).collect());
    }

    /// What is left to do, for entries that nothing is written for too.
    fn diff(
        &mut self,
        reporter: &Reporter<'_>,
        entries: &[Entry],
        desired: &Desired,
        cache: &Cache,
        identities: &Identities,
        unconfigured: &Unconfigured,
    ) -> Diff {
        let keys = entries
            .iter()
            .filter(|entry| !entry.is_being_deleted())
            .filter_map(Entry::key)
            .cloned();
        let plan = diff::plan(
            &as_if_all_were_managed(desired),
            &cache.observed,
            identities,
            unconfigured,
            keys.collect(),
            reporter.environment.target,
        );
        let mut diff = diff::of(&plan);
        self.recall_held(&mut diff, entries, desired, cache, identities);
        for (key, blocked) in &self.held_back {
            if diff.by_key.contains_key(key) {
                let told = diff.blocked.entry(key.clone());
                told.or_insert_with(|| blocked.clone());
            }
        }
        let leaving: BTreeSet<&OrgKey> = entries
            .iter()
            .filter(|entry| entry.is_being_deleted())
            .filter_map(Entry::key)
            .collect();
        self.failed_writes
            .retain(|key| diff.by_key.contains_key(key) || leaving.contains(key));
        diff
    }

    fn judge(
        &self,
        reporter: &Reporter<'_>,
        entry: &Entry,
        diff: &Diff,
        identities: &Identities,
        readiness: &BTreeMap<&OrgKey, &OrganizationReadiness>,
    ) -> ConditionSet {
        if let Some(blocked) = reporter.leaving.get(&entry.uid()) {
            return leaving(blocked);
        }
        let key = match &entry.resolved_key {
            Ok(key) => key,
            Err(blocked) => return conditions::not_observed(blocked),
        };
        let now = self.context.clock.instant();
        let read_only = entry.read_only(reporter.environment.is_paused);
        let failed = self.failed_writes.waiting(key, generation(entry), now);
        let refused = diff.blocked.get(key);
        // Whoever writes nothing is not held up by anything but a conflict.
        let blocked = failed
            .or(refused)
            .filter(|blocked| read_only.is_none() || blocked.reason == Reason::Conflict);
        let intents = readiness.get(key).map(|one| one.intents.as_slice());
        let elsewhere = diff.contested.get(key).into_iter().flatten();
        let contested: Vec<String> = entry.contested.iter().chain(elsewhere).cloned().collect();
        conditions::judge(&Facts {
            identity: identities.entries.get(key).unwrap_or(&Identity::Missing),
            diff: diff.by_key.get(key).map(Vec::as_slice).unwrap_or_default(),
            blocked,
            contested: &contested,
            no_contacts: diff.no_contacts.get(key).map(String::as_str),
            warnings: diff
                .warnings
                .get(key)
                .map(Vec::as_slice)
                .unwrap_or_default(),
            read_only,
            intents: intents.unwrap_or_default(),
        })
    }

    /// What a resource is told: one dependencies the environment's namespace learns no other's id.
    fn told_to(
        &self,
        entry: &Entry,
        said: ConditionSet,
        live: Option<&Organization>,
    ) -> ConditionSet {
        if entry.name.namespace == self.name.namespace {
            return said;
        }
        let pinned = entry.object.spec.organization.id.as_deref();
        let own = live.map(|live| live.id.as_str()).or(pinned);
        said.map_messages(|message| redact_other_organizations(message, own))
    }

    pub(super) fn before(&self, entry: &Entry) -> PortalOrganizationStatus {
        let object = &entry.object;
        self.organization_statuses
            .current(&object.metadata, object.status.as_ref())
            .into_owned()
    }

    /// Writes the statuses that differ.
    async fn write(&mut self, said: &[StatusChange<'_>]) {
        let client = &self.context.client;
        let differing = said
            .iter()
            .filter(|said| !said.after.says_the_same(&said.before));
        let written: Vec<_> = stream::iter(differing)
            .map(|said| async move {
                let metadata = &said.entry.object.metadata;
                let written = kube_api::status(client, metadata, said.after.clone()).await;
                (said, written)
            })
            .buffer_unordered(kube_api::AT_ONCE)
            .collect()
            .await;
        for (said, written) in written {
            match written {
                Ok(()) => {
                    self.context.metrics.status_written();
                    let metadata = &said.entry.object.metadata;
                    self.organization_statuses
                        .wrote(metadata, said.after.clone());
                }
                Err(error) => {
                    tracing::warn!(organization = %said.entry.name, %error, "a status was not written");
                }
            }
        }
    }

    async fn report_environment(
        &mut self,
        reporter: &Reporter<'_>,
        cache: &Cache,
        totals: Totals,
        now: Timestamp,
    ) {
        let object = reporter.environment.object;
        let before = self
            .environment_statuses
            .current(&object.metadata, object.status.as_ref())
            .into_owned();
        let waits = reporter.environment.waits.as_ref();
        let conditions_set = match waits {
            Some(blocked) => leaving(blocked),
            None => status::connected(reporter.environment.is_paused),
        };
        let generation = object.metadata.generation;
        let mut after = status::of_environment(&before, &conditions_set, generation, now);
        after.organizations = Some(totals.organizations);
        after.intents = Some(totals.intents);
        after.last_sync_time = Some(conditions::whole_second(cache.listed_at));
        after.events_cursor = cache.cursor().map(str::to_owned);
        if let Some(blocked) = waits
            && synced_reason(&before.conditions) != synced_reason(&after.conditions)
        {
            let events = &self.context.events;
            events.environment_trouble(object, blocked).await;
        }
        after.refused_claims = self.refused_claims();
        self.write_environment(object, &before, after).await;
    }

    /// The refused claims as the environment's status has them.
    fn refused_claims(&self) -> Vec<RefusedClaim> {
        let refusals = self.refusals.iter().take(MAX_REFUSED_CLAIMS);
        refusals
            .map(|refusal| RefusedClaim {
                resource: refusal.resource.to_string(),
                organization_id: escape(refusal.organization.as_str()).into_owned(),
                reason: escape(&refusal.why).chars().take(MAX_REFUSAL).collect(),
            })
            .collect()
    }

    async fn write_environment(
        &mut self,
        object: &PortalEnvironment,
        before: &PortalEnvironmentStatus,
        mut after: PortalEnvironmentStatus,
    ) {
        self.quota.write_into(&mut after);
        after.operator = Some(self.context.release.clone());
        if after.says_the_same(before) {
            return;
        }
        let client = &self.context.client;
        match kube_api::status(client, &object.metadata, after.clone()).await {
            Ok(()) => {
                self.context.metrics.status_written();
                self.environment_statuses.wrote(&object.metadata, after);
            }
            Err(error) => {
                tracing::warn!(environment = %self.name, %error, "a status was not written");
            }
        }
    }

    /// Says why nothing could be learnt, on the environment and on each organization.
    pub(super) async fn report_trouble(
        &mut self,
        objects: &EnvironmentObjects,
        entries: &[Entry],
        blocked: &BlockedReason,
    ) {
        let now = self.context.clock.now();
        let said: Vec<StatusChange<'_>> = entries
            .iter()
            .map(|entry| {
                let before = self.before(entry);
                let conditions_set = match super::deletion::without_workos(entry, blocked) {
                    super::deletion::Step::Wait(waits) if entry.is_being_deleted() => {
                        leaving(&waits)
                    }
                    _ => conditions::not_observed(blocked),
                };
                let generation = entry.object.metadata.generation;
                let after =
                    status::of_blocked_organization(&before, &conditions_set, generation, now);
                StatusChange {
                    entry,
                    before,
                    after,
                }
            })
            .collect();
        self.write(&said).await;
        let environment = objects.environment.as_ref();
        let Some(object) = environment.and_then(|held| held.read().ok()) else {
            self.tell(&said, Audience::EveryResource).await;
            return;
        };
        // The environment is told once what all of its organizations suffer from.
        self.tell(&said, Audience::WhatIsLeaving).await;
        // A status is replaced as a whole: it says nothing before all that it has to say is known.
        if let Err(unknown) = self.learn_quota(object).await {
            let error = unknown.message;
            tracing::warn!(environment = %self.name, %error, "a status was not written");
            return;
        }
        let before = self
            .environment_statuses
            .current(&object.metadata, object.status.as_ref())
            .into_owned();
        let mut told = blocked.clone();
        if let Some(waits) = finalizer::waits(object, objects) {
            told.message = format!("{}; {}", told.message, waits.message);
        }
        let conditions_set = conditions::not_observed(&told);
        let after =
            status::of_environment(&before, &conditions_set, object.metadata.generation, now);
        if synced_reason(&before.conditions) != synced_reason(&after.conditions) {
            tracing::warn!(
                environment = %self.name,
                reason = %blocked.reason,
                message = blocked.message,
                "the environment cannot be worked on"
            );
            self.context
                .events
                .environment_trouble(object, blocked)
                .await;
        }
        self.write_environment(object, &before, after).await;
    }
}

/// The plan says nothing of what is only observed; its status does.
fn as_if_all_were_managed(desired: &Desired) -> Cow<'_, Desired> {
    let is_managed = |one: &DesiredOrganization| one.management == Management::Manage;
    if desired.organizations.values().all(is_managed) {
        return Cow::Borrowed(desired);
    }
    let mut desired = desired.clone();
    for one in desired.organizations.values_mut() {
        one.management = Management::Manage;
    }
    Cow::Owned(desired)
}

/// What is said of a resource that is being deleted, and waits.
fn leaving(blocked: &BlockedReason) -> ConditionSet {
    ConditionSet {
        synced: Verdict::no(blocked.reason, &*blocked.message),
        ready: None,
        onboarded: None,
        contested: conditions::Contested::Unread,
        progress: if blocked.is_temporary() {
            Progress::Reconciling
        } else {
            Progress::Stalled
        },
    }
}
