//! Step 5 of a pass: statuses that differ, their events, and the metrics of the environment.
//!
//! Goes in: a resolved environment, the observed state, and what was written. Statuses are compared
//! with the ones that the API server has, and written only where they differ.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::apply::{Applied, CONCURRENT_EVENTS};
use super::cache::Cache;
use super::claims::redact_other_organizations;
use super::conditions::{
    self, BlockedReason, ConditionSet, Facts, ReadOnly, Reason, synced_reason, whole_second,
};
use super::context::{Context, Pass};
use super::deletion;
use super::diff::{self, Diff};
use super::entries::Entry;
use super::events::{Notice, new_notices};
use super::finalizer;
use super::hold_back;
use super::kube_api::{CONCURRENT_WRITES, Status, write_status};
use super::metrics;
use super::resolve::Resolved;
use super::resource::{Name, PortalEnvironment};
use super::restored_status::{restore_held, restore_readiness};
use super::state::State;
use super::status::{self, Totals};
use portalctl_core::identity::{Identities, Identity, identify};
use portalctl_core::readiness::{OrganizationReadiness, Readiness, readiness};
use portalctl_manifest::kubernetes::{
    PortalEnvironmentStatus, PortalOrganizationStatus, RefusedClaim,
};
use portalctl_model::desired::{Desired, DesiredOrganization, Management};
use portalctl_model::observed::Organization;
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, Selection};

/// Most refused claims that a status lists, as in the CRD.
const MAX_REFUSED_CLAIMS: usize = 50;
/// Longest reason of a refused claim in characters, as in the CRD.
const MAX_REFUSAL: usize = 1000;

/// Status of an organization's resource before and after a pass.
struct StatusChange<'a> {
    entry: &'a Entry,
    before: PortalOrganizationStatus,
    after: PortalOrganizationStatus,
}

/// Resources whose status changes are published as events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// All resources.
    All,
    /// Resources that are being deleted.
    Deleted,
}

/// Findings about all entries of an environment.
struct Findings<'a> {
    resolved: &'a Resolved,
    cache: &'a Cache,
    applied: &'a Applied,
    identities: Identities,
    readiness: BTreeMap<OrgKey, OrganizationReadiness>,
    diff: Diff,
    now: Timestamp,
}

/// Reports every organization and the environment.
pub(super) async fn report(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
    cache: &Cache,
    applied: &Applied,
) {
    for entry in &resolved.entries {
        let before = state.statuses.organization(&entry.object);
        state.writes.repeated.load(entry, &before);
    }
    let findings = Findings::collect(pass, state, resolved, cache, applied);
    // A resource that was released, or not reached, needs no status.
    let is_reported = |entry: &&Entry| {
        !entry.is_being_deleted() || applied.not_deleted.contains_key(&entry.uid())
    };
    let entries = resolved.entries.iter().filter(is_reported);
    let changes: Vec<StatusChange<'_>> = entries
        .map(|entry| findings.status_change(pass, state, entry))
        .collect();
    let totals = findings.totals(&changes);
    measure(pass, &changes, &findings.diff, totals);
    write(pass.context, state, &changes).await;
    publish(pass.context, &changes, Audience::All).await;
    report_environment(pass, state, &findings, totals).await;
    let metadata = resolved.entries.iter().map(|entry| &entry.object.metadata);
    state.statuses.organizations.retain(metadata);
    let there = resolved.entries.iter().map(Entry::uid).collect();
    state.writes.repeated.retain(&there);
}

impl<'a> Findings<'a> {
    /// Judges the observed state of all entries.
    fn collect(
        pass: &Pass<'_>,
        state: &mut State,
        resolved: &'a Resolved,
        cache: &'a Cache,
        applied: &'a Applied,
    ) -> Self {
        let (desired, observed) = (&resolved.desired, &cache.observed);
        let now = pass.context.clock.now();
        let mut identities = identify(desired, observed);
        hide_rivals(&mut identities, resolved);
        let everything = Selection::default();
        let mut readiness = readiness(desired, observed, &identities, &everything, now);
        let diff = differences(state, resolved, cache, &identities, &readiness);
        restore_readiness(&mut readiness, resolved, &state.statuses, observed);
        let organizations = readiness.organizations.into_iter();
        let mut findings = Self {
            resolved,
            cache,
            applied,
            identities,
            readiness: organizations.map(|one| (one.key.clone(), one)).collect(),
            diff,
            now,
        };
        findings.add_held_back(state);
        findings
    }

    /// Adds the reasons of changes that this pass held back, and forgets failures of entries that have
    /// nothing left to write.
    fn add_held_back(&mut self, state: &mut State) {
        let Diff {
            by_key, blocked, ..
        } = &mut self.diff;
        for (key, reason) in &self.applied.held_back {
            if by_key.contains_key(key) {
                let known = blocked.entry(key.clone());
                known.or_insert_with(|| reason.clone());
            }
        }
        let entries = self.resolved.entries.iter();
        let deleted: BTreeSet<&OrgKey> = entries
            .filter(|entry| entry.is_being_deleted())
            .filter_map(Entry::key)
            .collect();
        let failed = &mut state.writes.failed;
        failed.retain(|key| by_key.contains_key(key) || deleted.contains(key));
    }

    /// Returns the live organization of an entry.
    fn live(&self, entry: &Entry) -> Option<&Organization> {
        let id = self.identities.organization_of(entry.key()?)?;
        self.cache.observed.organizations.get(id)
    }

    /// Builds the status of an organization's resource.
    fn status_change<'e>(
        &self,
        pass: &Pass<'_>,
        state: &State,
        entry: &'e Entry,
    ) -> StatusChange<'e> {
        let before = state.statuses.organization(&entry.object);
        let live = self.live(entry);
        let conditions = redacted(pass.name, entry, self.conditions(pass, state, entry), live);
        let update = status::Update {
            conditions: &conditions,
            generation: entry.object.metadata.generation,
            now: self.now,
        };
        let readiness = entry.key().and_then(|key| self.readiness.get(key));
        let after = match readiness {
            Some(readiness) => PortalOrganizationStatus {
                deleted_outside: live.is_none()
                    && hold_back::is_gone(&before, &self.cache.observed),
                recreated: hold_back::is_recreate_used_up(
                    entry,
                    &before,
                    live.map(|live| &live.id),
                ),
                field_writes: state.writes.repeated.recorded(entry),
                ..status::of_organization(&before, &update, live, readiness)
            },
            None => status::of_blocked_organization(&before, &update),
        };
        StatusChange {
            entry,
            before,
            after,
        }
    }

    /// Builds the conditions of an organization's resource.
    fn conditions(&self, pass: &Pass<'_>, state: &State, entry: &Entry) -> ConditionSet {
        if let Some(blocked) = self.applied.not_deleted.get(&entry.uid()) {
            return conditions::being_deleted(blocked);
        }
        let key = match &entry.resolved_key {
            Ok(key) => key,
            Err(blocked) => return conditions::not_observed(blocked),
        };
        let now = pass.context.clock.instant();
        let failed = state.writes.failed.waiting(key, entry.generation(), now);
        // Only a conflict matters to a resource for which nothing is written.
        let blocked = failed
            .or_else(|| self.diff.blocked.get(key))
            .filter(|blocked| entry.read_only.is_none() || blocked.reason == Reason::Conflict);
        let elsewhere = self.diff.contested.get(key).into_iter().flatten();
        let contested: Vec<String> = entry.contested.iter().chain(elsewhere).cloned().collect();
        let readiness = self.readiness.get(key);
        conditions::observed(&Facts {
            identity: self
                .identities
                .entries
                .get(key)
                .unwrap_or(&Identity::Missing),
            diff: self.diff.by_key.get(key).map_or(&[], Vec::as_slice),
            blocked,
            contested: &contested,
            no_contacts: self.diff.no_contacts.get(key).map(String::as_str),
            warnings: self.diff.warnings.get(key).map_or(&[], Vec::as_slice),
            read_only: entry.read_only,
            intents: readiness.map_or(&[], |one| &one.intents),
        })
    }

    /// Counts the organizations and intents of the environment.
    fn totals(&self, changes: &[StatusChange<'_>]) -> Totals {
        let mut totals = Totals::default();
        for change in changes {
            totals.add(&change.after);
        }
        let declared = &self.identities.concerned;
        let unmanaged = self.cache.observed.organizations.keys();
        let unmanaged = unmanaged.filter(|id| !declared.contains(*id)).count();
        totals.organizations.unmanaged = u32::try_from(unmanaged).unwrap_or(u32::MAX);
        totals
    }
}

/// Hides other organizations from the reports of resources outside the environment's namespace.
fn hide_rivals(identities: &mut Identities, resolved: &Resolved) {
    let home = resolved.environment.metadata.namespace.as_deref();
    let entries = resolved.entries.iter();
    let outside = entries.filter(|entry| home != Some(entry.name.namespace.as_str()));
    for key in outside.filter_map(Entry::key) {
        identities.hide_rivals(key);
    }
}

/// Describes all differences, also those of entries for which nothing is written.
fn differences(
    state: &State,
    resolved: &Resolved,
    cache: &Cache,
    identities: &Identities,
    readiness: &Readiness,
) -> Diff {
    let entries = resolved.entries.iter();
    let keys = entries
        .filter(|entry| !entry.is_being_deleted())
        .filter_map(Entry::key)
        .cloned();
    let input = diff::Input {
        desired: &as_if_all_were_managed(&resolved.desired),
        observed: &cache.observed,
        identities,
        unconfigured: &readiness.unconfigured(),
        target: &resolved.connection.target,
    };
    let mut diff = diff::of(&diff::plan(&input, keys.collect()));
    restore_held(&mut diff, resolved, &state.statuses, cache, identities);
    diff
}

/// Returns a desired state without observed entries, whose differences a plan would leave out.
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

/// Hides the ids of other organizations from a resource outside the environment's namespace.
fn redacted(
    environment: &Name,
    entry: &Entry,
    conditions: ConditionSet,
    live: Option<&Organization>,
) -> ConditionSet {
    if entry.name.namespace == environment.namespace {
        return conditions;
    }
    let pinned = entry.object.spec.organization.id.as_deref();
    let own = live.map(|live| live.id.as_str()).or(pinned);
    conditions.map_messages(|message| redact_other_organizations(message, own))
}

/// Sets the metrics of the environment.
fn measure(pass: &Pass<'_>, changes: &[StatusChange<'_>], diff: &Diff, totals: Totals) {
    let is_paused = |change: &&StatusChange<'_>| change.entry.read_only == Some(ReadOnly::Paused);
    let totals = metrics::Totals {
        organizations: changes.len(),
        ready: totals.organizations.ready as usize,
        paused: changes.iter().filter(is_paused).count(),
        pending: diff.by_key.len(),
    };
    let intents = changes.iter().flat_map(|change| &change.after.intents);
    let intents = intents.map(|intent| (intent.intent, &*intent.state));
    let metrics = &pass.context.metrics;
    metrics.totals(&pass.name.to_string(), totals, intents);
}

/// Writes the statuses that differ.
async fn write(context: &Context, state: &mut State, changes: &[StatusChange<'_>]) {
    let differing = changes
        .iter()
        .filter(|change| !change.after.says_the_same(&change.before));
    let written: Vec<_> = stream::iter(differing)
        .map(|change| async move {
            let metadata = &change.entry.object.metadata;
            let written = write_status(&context.client, metadata, change.after.clone()).await;
            (change, written)
        })
        .buffer_unordered(CONCURRENT_WRITES)
        .collect()
        .await;
    for (StatusChange { entry, after, .. }, written) in written {
        match written {
            Ok(()) => {
                context.metrics.status_written();
                let statuses = &mut state.statuses.organizations;
                statuses.remember(&entry.object.metadata, after.clone());
            }
            Err(error) => {
                tracing::warn!(organization = %entry.name, %error, "a status was not written");
            }
        }
    }
}

/// Writes the events of status changes.
async fn publish(context: &Context, changes: &[StatusChange<'_>], audience: Audience) {
    let is_heard = |change: &&StatusChange<'_>| match audience {
        Audience::All => true,
        Audience::Deleted => change.entry.is_being_deleted(),
    };
    let notices = changes.iter().filter(is_heard).flat_map(|change| {
        let notices = new_notices(&change.before, &change.after);
        notices.into_iter().map(|notice| (change.entry, notice))
    });
    stream::iter(notices)
        .map(async |(entry, notice)| {
            if let Notice::Blocked(blocked) = &notice {
                context.metrics.blocked(blocked.reason);
            }
            context.events.publish(&*entry.object, &notice).await;
        })
        .buffer_unordered(CONCURRENT_EVENTS)
        .collect::<()>()
        .await;
}

/// Reports an environment that works.
async fn report_environment(
    pass: &Pass<'_>,
    state: &mut State,
    findings: &Findings<'_>,
    totals: Totals,
) {
    let Findings {
        resolved, cache, ..
    } = findings;
    let object = &*resolved.environment;
    let before = state.statuses.environment(object);
    let conditions = match &resolved.in_use {
        Some(blocked) => conditions::being_deleted(blocked),
        None => status::connected(resolved.read_only),
    };
    let update = status::Update {
        conditions: &conditions,
        generation: object.metadata.generation,
        now: findings.now,
    };
    let after = PortalEnvironmentStatus {
        organizations: Some(totals.organizations),
        intents: Some(totals.intents),
        last_sync_time: Some(whole_second(cache.listed_at)),
        events_cursor: cache.cursor().map(str::to_owned),
        refused_claims: refused_claims(state),
        ..status::of_environment(&before, &update)
    };
    if let Some(blocked) = &resolved.in_use
        && synced_reason(&before.conditions) != synced_reason(&after.conditions)
    {
        let notice = Notice::Blocked(blocked.clone());
        pass.context.events.publish(object, &notice).await;
    }
    write_environment(pass, state, object, &before, after).await;
}

/// Returns the refused claims in the form of a status.
fn refused_claims(state: &State) -> Vec<RefusedClaim> {
    let refusals = state.refusals.iter().take(MAX_REFUSED_CLAIMS);
    refusals
        .map(|refusal| RefusedClaim {
            resource: refusal.resource.to_string(),
            organization_id: escape(refusal.organization.as_str()).into_owned(),
            reason: escape(&refusal.why).chars().take(MAX_REFUSAL).collect(),
        })
        .collect()
}

/// Writes the status of an environment if it differs.
async fn write_environment(
    pass: &Pass<'_>,
    state: &mut State,
    object: &PortalEnvironment,
    before: &PortalEnvironmentStatus,
    mut after: PortalEnvironmentStatus,
) {
    state.writes.quota.write_into(&mut after);
    after.operator = Some(pass.context.release.clone());
    if after.says_the_same(before) {
        return;
    }
    let statuses = &mut state.statuses.environments;
    let written = statuses.write(pass.context, &object.metadata, after);
    if let Err(error) = written.await {
        tracing::warn!(environment = %pass.name, %error, "a status was not written");
    }
}

/// Reports why nothing could be observed, on the environment and on each organization.
pub(super) async fn report_blocked(
    pass: &Pass<'_>,
    state: &mut State,
    entries: &[Entry],
    blocked: &BlockedReason,
) {
    let now = pass.context.clock.now();
    let change = |entry| blocked_status_change(state, entry, blocked, now);
    let changes: Vec<StatusChange<'_>> = entries.iter().map(change).collect();
    write(pass.context, state, &changes).await;
    let environment = pass.objects.environment.as_ref();
    match environment.and_then(|stored| stored.read().ok()) {
        None => publish(pass.context, &changes, Audience::All).await,
        Some(object) => {
            // An error of the environment is one event, and not one for each of its resources.
            publish(pass.context, &changes, Audience::Deleted).await;
            report_blocked_environment(pass, state, object, blocked).await;
        }
    }
}

/// Builds the status of a resource that could not be observed.
fn blocked_status_change<'a>(
    state: &State,
    entry: &'a Entry,
    blocked: &BlockedReason,
    now: Timestamp,
) -> StatusChange<'a> {
    let before = state.statuses.organization(&entry.object);
    let conditions = match deletion::without_workos(entry, blocked) {
        deletion::Step::Wait(waits) if entry.is_being_deleted() => {
            conditions::being_deleted(&waits)
        }
        _ => conditions::not_observed(blocked),
    };
    let update = status::Update {
        conditions: &conditions,
        generation: entry.object.metadata.generation,
        now,
    };
    StatusChange {
        entry,
        after: status::of_blocked_organization(&before, &update),
        before,
    }
}

/// Reports an environment that cannot be worked on.
async fn report_blocked_environment(
    pass: &Pass<'_>,
    state: &mut State,
    object: &PortalEnvironment,
    blocked: &BlockedReason,
) {
    // A status is replaced as a whole, so it has to hold the counts of writes too.
    if let Err(unknown) = state.writes.quota.load(pass.context, object).await {
        let error = unknown.message;
        tracing::warn!(environment = %pass.name, %error, "a status was not written");
        return;
    }
    let before = state.statuses.environment(object);
    let mut shown = blocked.clone();
    if let Some(in_use) = finalizer::in_use(object, pass.objects) {
        shown.message = format!("{}; {}", shown.message, in_use.message);
    }
    let update = status::Update {
        conditions: &conditions::not_observed(&shown),
        generation: object.metadata.generation,
        now: pass.context.clock.now(),
    };
    let after = status::of_environment(&before, &update);
    if synced_reason(&before.conditions) != synced_reason(&after.conditions) {
        tracing::warn!(
            environment = %pass.name,
            reason = %blocked.reason,
            message = blocked.message,
            "the environment cannot be worked on"
        );
        let notice = Notice::Blocked(blocked.clone());
        pass.context.events.publish(object, &notice).await;
    }
    write_environment(pass, state, object, &before, after).await;
}
