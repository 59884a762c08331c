//! Resources that are held, and then deleted: their organizations go along where that is allowed.

use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use super::apply::generation;
use super::cache::Cache;
use super::clients::Connection;
use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::deletion::{self, Allowance, Step};
use super::entries::Entry;
use super::events::EventReason;
use super::handover::Succession;
use super::kube_api;
use super::permit::{Subjects, WritePermit};
use super::reconcile::Reconciler;
use super::report::Reporter;
use super::resource::{PortalEnvironment, PortalOrganization};
use super::store::{FINALIZER, is_held};
use portalctl_core::identity::identify;
use portalctl_core::plan::{Change, Plan};
use portalctl_manifest::kubernetes::PortalEnvironmentSpec;
use portalctl_model::desired::Desired;
use portalctl_model::observed::FailedRead;
use portalctl_workos::ReadPortal;
use portalctl_workos::apply::OutcomeKind;
use portalctl_workos::observe::refresh;

/// A deletion that did not come about.
struct NotDeleted {
    blocked: BlockedReason,
    /// Whether it may have taken effect all the same.
    may_have: bool,
}

impl NotDeleted {
    fn surely(blocked: BlockedReason) -> Self {
        Self {
            blocked,
            may_have: false,
        }
    }
}

/// Reads what depends on an organization that is about to be deleted, and judges it.
async fn guard_use(
    connection: &Connection,
    change: &mut Change,
    spec: &PortalEnvironmentSpec,
    cache: &Cache,
) -> Result<(), BlockedReason> {
    let id = change.action.organization().cloned();
    let live = id.and_then(|id| cache.observed.organizations.get(&id));
    let Some(live) = live else { return Ok(()) };
    let usage = connection.client.usage(&live.id).await.map_err(|error| {
        tracing::warn!(organization = %live.id, %error, "whether it is in use cannot be read");
        let message = format!(
            "whether it is in use cannot be read: {} ({})",
            FailedRead::from(&error),
            error.code()
        );
        BlockedReason::new(Reason::Deleting, message)
    })?;
    deletion::guard_use(change, live, &usage, spec)
}

/// Puts the finalizer on a resource, or takes it off.
async fn write_finalizer(client: &kube::Client, entry: &Entry, wanted: bool) -> kube::Result<()> {
    let metadata = &entry.object.metadata;
    kube_api::finalizer::<PortalOrganization>(client, metadata, FINALIZER, wanted).await
}

impl Reconciler {
    /// Puts the finalizer where an organization is to be deleted with its resource, and nowhere
    /// else.
    pub(super) async fn hold(&self, entries: &[Entry]) {
        let client = &self.context.client;
        let to_change = entries.iter().filter(|entry| !entry.is_being_deleted());
        let to_change = to_change.filter_map(|entry| {
            let is_held = is_held(&entry.object.metadata);
            match (entry.wants_deletion(), is_held) {
                (true, false) => entry.resolved_key.is_ok().then_some((entry, true)),
                (false, true) => Some((entry, false)),
                (true, true) | (false, false) => None,
            }
        });
        let writing = stream::iter(to_change).map(async |(entry, wanted)| {
            if let Err(error) = write_finalizer(client, entry, wanted).await {
                tracing::warn!(organization = %entry.name, %error, "the finalizer was not written");
            }
        });
        writing
            .buffer_unordered(kube_api::AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Deals with resources that are being deleted.
    pub(super) async fn delete(
        &mut self,
        reporter: &mut Reporter<'_>,
        connection: &Connection,
        entries: &[Entry],
        desired: &Desired,
        cache: &mut Cache,
        term: &CancellationToken,
    ) {
        let environment = reporter.environment.object;
        let leaving = entries.iter().filter(|entry| entry.is_being_deleted());
        self.leaving.note(leaving, self.context.clock.instant());
        let mut identities = identify(desired, &cache.observed);
        for entry in entries.iter().filter(|entry| entry.is_being_deleted()) {
            if term.is_cancelled() {
                return;
            }
            let manifest = desired.manifest.as_ref();
            let allowance = Allowance::new(&environment.spec, manifest, self.quota.deletions());
            let read_only = entry.read_only(reporter.environment.is_paused);
            let step = deletion::step(entry, read_only, &allowance, &cache.observed, &identities);
            match step {
                Step::Release(why) => self.release(entry, why).await,
                Step::Wait(blocked) => {
                    reporter.leaving.insert(entry.uid(), blocked);
                }
                Step::Delete(change) => {
                    let id = change.action.organization();
                    let live = id.and_then(|id| cache.observed.organizations.get(id));
                    let Some(live) = live.cloned() else { continue };
                    match self.succession(entry, environment, manifest, &live).await {
                        Succession::Nobody => {}
                        Succession::Wait(blocked) => {
                            reporter.leaving.insert(entry.uid(), blocked);
                            continue;
                        }
                        Succession::Successor(name) => {
                            let why = format!(
                                "PortalOrganization {name} takes the organization over, which stays"
                            );
                            self.release(entry, &why).await;
                            continue;
                        }
                    }
                    let deleting = self
                        .delete_counted(reporter, connection, entry, *change, desired, cache, term);
                    match deleting.await {
                        Ok(()) => identities = identify(desired, &cache.observed),
                        Err(blocked) => {
                            reporter.leaving.insert(entry.uid(), blocked);
                        }
                    }
                }
            }
        }
    }

    /// Deletes one organization that the hourly limit has room for. What is counted and then not seen
    /// to be done costs a place for an hour.
    #[expect(clippy::too_many_arguments, reason = "all that a pass is about")]
    async fn delete_counted(
        &mut self,
        reporter: &Reporter<'_>,
        connection: &Connection,
        entry: &Entry,
        mut change: Change,
        desired: &Desired,
        cache: &mut Cache,
        term: &CancellationToken,
    ) -> Result<(), BlockedReason> {
        let now = self.context.clock.instant();
        if let Some(blocked) = self
            .failed_writes
            .waiting(&change.key, generation(entry), now)
        {
            return Err(blocked.clone());
        }
        let spec = &reporter.environment.object.spec;
        if let Err(blocked) = guard_use(connection, &mut change, spec, cache).await {
            // It is looked at again, later each time.
            let interval = self.intervals().poll;
            self.failed_writes.add(
                &change.key,
                generation(entry),
                blocked.clone(),
                (interval, now),
            );
            return Err(blocked);
        }
        self.count_deletion(reporter.environment.object).await?;
        let environment = reporter.environment.object;
        let deleting =
            self.delete_one(environment, connection, entry, change, desired, cache, term);
        let deleted = deleting.await;
        if deleted.as_ref().is_err_and(|not| !not.may_have) {
            self.quota.take_back_deletion();
        }
        deleted.map_err(|not| not.blocked)
    }

    /// Deletes one organization, with every guard of apply.
    #[expect(clippy::too_many_arguments, reason = "all that a pass is about")]
    async fn delete_one(
        &mut self,
        environment: &PortalEnvironment,
        connection: &Connection,
        entry: &Entry,
        change: Change,
        desired: &Desired,
        cache: &mut Cache,
        term: &CancellationToken,
    ) -> Result<(), NotDeleted> {
        let mut target = connection.target.clone();
        target.manifest.clone_from(&desired.manifest);
        let plan = Plan {
            target,
            changes: vec![change],
            ..Plan::default()
        };
        let permit = WritePermit {
            context: &self.context,
            environment,
            subjects: Subjects::Leaving(entry),
            term,
        };
        let report = self.carry_out(connection, &plan, &permit).await;
        let applied = report.changes.first();
        let deleted = applied.and_then(|one| Some((one, one.change.action.organization()?)));
        let Some((applied, id)) = deleted else {
            let blocked = BlockedReason::new(Reason::Deleting, "nothing was tried");
            return Err(NotDeleted::surely(blocked));
        };
        if let Some(problem) = applied.outcome.problem() {
            let message = format!("{} ({})", problem.message, problem.code);
            self.note_failure(entry, &applied.change, &applied.outcome, cache, term);
            return Err(match applied.outcome.kind() {
                OutcomeKind::Refused => {
                    NotDeleted::surely(BlockedReason::new(Reason::DeletionBlocked, message))
                }
                OutcomeKind::NotTried => {
                    NotDeleted::surely(BlockedReason::new(Reason::Deleting, message))
                }
                OutcomeKind::Done | OutcomeKind::Unknown => NotDeleted {
                    blocked: BlockedReason::new(Reason::Deleting, message),
                    may_have: true,
                },
            });
        }
        refresh::forget(&mut cache.observed, id);
        let note = format!("deleted {id}");
        let events = &self.context.events;
        events
            .organization(&entry.object, EventReason::OrganizationDeleted, &note)
            .await;
        self.take_finalizer_off(entry).await;
        Ok(())
    }

    /// Lets a resource go, and its organization be.
    async fn release(&self, entry: &Entry, why: &str) {
        let events = &self.context.events;
        events
            .organization(&entry.object, EventReason::Released, why)
            .await;
        self.take_finalizer_off(entry).await;
    }

    async fn take_finalizer_off(&self, entry: &Entry) {
        let client = &self.context.client;
        if let Err(error) = write_finalizer(client, entry, false).await {
            tracing::warn!(organization = %entry.name, %error, "the finalizer was not taken off");
        }
    }

    /// Lets go what needs no WorkOS to be let go.
    pub(super) async fn release_without_workos(&self, entries: &[Entry], blocked: &BlockedReason) {
        for entry in entries.iter().filter(|entry| entry.is_being_deleted()) {
            if let Step::Release(why) = deletion::without_workos(entry, blocked) {
                self.release(entry, why).await;
            }
        }
    }
}
