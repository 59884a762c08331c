//! Resources that are held, and then deleted: their organizations go along where that is allowed.

use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use super::announce::News;
use super::conditions::Trouble;
use super::deletion::{self, Allowance, Step};
use super::entries::Entry;
use super::handover::Succession;
use super::kube_writes;
use super::objects::{FINALIZER, is_held};
use super::permit::{Subjects, WritePermit};
use super::picture::Picture;
use super::portals::Portal;
use super::reason::Reason;
use super::reconcile::Reconciler;
use super::report::Reporter;
use super::resource::{PortalEnvironment, PortalOrganization};
use super::write::generation;
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
    trouble: Trouble,
    /// Whether it may have taken effect all the same.
    may_have: bool,
}

impl NotDeleted {
    fn surely(trouble: Trouble) -> Self {
        Self {
            trouble,
            may_have: false,
        }
    }
}

/// Reads what depends on an organization that is about to be deleted, and judges it.
async fn guard_use(
    portal: &Portal,
    change: &mut Change,
    spec: &PortalEnvironmentSpec,
    picture: &Picture,
) -> Result<(), Trouble> {
    let id = change.action.organization().cloned();
    let live = id.and_then(|id| picture.observed.organizations.get(&id));
    let Some(live) = live else { return Ok(()) };
    let usage = portal.client.usage(&live.id).await.map_err(|error| {
        tracing::warn!(organization = %live.id, %error, "whether it is in use cannot be read");
        let message = format!(
            "whether it is in use cannot be read: {} ({})",
            FailedRead::from(&error),
            error.code()
        );
        Trouble::new(Reason::Deleting, message)
    })?;
    deletion::guard_use(change, live, &usage, spec)
}

/// Puts the finalizer on a resource, or takes it off.
async fn write_finalizer(client: &kube::Client, entry: &Entry, wanted: bool) -> kube::Result<()> {
    let metadata = &entry.object.metadata;
    kube_writes::finalizer::<PortalOrganization>(client, metadata, FINALIZER, wanted).await
}

impl Reconciler {
    /// Puts the finalizer where an organization is to be deleted with its resource, and nowhere
    /// else.
    pub(super) async fn hold(&self, entries: &[Entry]) {
        let client = &self.context.client;
        let to_change = entries.iter().filter(|entry| !entry.is_leaving());
        let to_change = to_change.filter_map(|entry| {
            let is_held = is_held(&entry.object.metadata);
            match (entry.wants_deletion(), is_held) {
                (true, false) => entry.meaning.is_ok().then_some((entry, true)),
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
            .buffer_unordered(kube_writes::AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Deals with resources that are being deleted.
    pub(super) async fn delete(
        &mut self,
        reporter: &mut Reporter<'_>,
        portal: &Portal,
        entries: &[Entry],
        desired: &Desired,
        picture: &mut Picture,
        term: &CancellationToken,
    ) {
        let environment = reporter.environment.object;
        let leaving = entries.iter().filter(|entry| entry.is_leaving());
        self.leaving.note(leaving, self.context.clock.instant());
        let mut identities = identify(desired, &picture.observed);
        for entry in entries.iter().filter(|entry| entry.is_leaving()) {
            if term.is_cancelled() {
                return;
            }
            let manifest = desired.manifest.as_ref();
            let allowance = Allowance::new(&environment.spec, manifest, self.quota.deletions());
            let restraint = entry.restraint(reporter.environment.is_paused);
            let step = deletion::step(entry, restraint, &allowance, &picture.observed, &identities);
            match step {
                Step::Release(why) => self.release(entry, why).await,
                Step::Wait(trouble) => {
                    reporter.leaving.insert(entry.uid(), trouble);
                }
                Step::Delete(change) => {
                    let id = change.action.organization();
                    let live = id.and_then(|id| picture.observed.organizations.get(id));
                    let Some(live) = live.cloned() else { continue };
                    match self.succession(entry, environment, manifest, &live).await {
                        Succession::Nobody => {}
                        Succession::Wait(trouble) => {
                            reporter.leaving.insert(entry.uid(), trouble);
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
                        .delete_counted(reporter, portal, entry, *change, desired, picture, term);
                    match deleting.await {
                        Ok(()) => identities = identify(desired, &picture.observed),
                        Err(trouble) => {
                            reporter.leaving.insert(entry.uid(), trouble);
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
        portal: &Portal,
        entry: &Entry,
        mut change: Change,
        desired: &Desired,
        picture: &mut Picture,
        term: &CancellationToken,
    ) -> Result<(), Trouble> {
        let now = self.context.clock.instant();
        if let Some(trouble) = self.setbacks.trouble(&change.key, generation(entry), now) {
            return Err(trouble.clone());
        }
        let spec = &reporter.environment.object.spec;
        if let Err(trouble) = guard_use(portal, &mut change, spec, picture).await {
            // It is looked at again, later each time.
            let interval = self.intervals().poll;
            self.setbacks.add(
                &change.key,
                generation(entry),
                trouble.clone(),
                interval,
                now,
            );
            return Err(trouble);
        }
        self.count_deletion(reporter.environment.object).await?;
        let environment = reporter.environment.object;
        let deleting = self.delete_one(environment, portal, entry, change, desired, picture, term);
        let deleted = deleting.await;
        if deleted.as_ref().is_err_and(|not| !not.may_have) {
            self.quota.take_back_deletion();
        }
        deleted.map_err(|not| not.trouble)
    }

    /// Deletes one organization, with every guard of apply.
    #[expect(clippy::too_many_arguments, reason = "all that a pass is about")]
    async fn delete_one(
        &mut self,
        environment: &PortalEnvironment,
        portal: &Portal,
        entry: &Entry,
        change: Change,
        desired: &Desired,
        picture: &mut Picture,
        term: &CancellationToken,
    ) -> Result<(), NotDeleted> {
        let mut target = portal.target.clone();
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
        let report = self.carry_out(portal, &plan, &permit).await;
        let applied = report.changes.first();
        let deleted = applied.and_then(|one| Some((one, one.change.action.organization()?)));
        let Some((applied, id)) = deleted else {
            let trouble = Trouble::new(Reason::Deleting, "nothing was tried");
            return Err(NotDeleted::surely(trouble));
        };
        if let Some(problem) = applied.outcome.problem() {
            let message = format!("{} ({})", problem.message, problem.code);
            self.note_failure(entry, &applied.change, &applied.outcome, picture, term);
            return Err(match applied.outcome.kind() {
                OutcomeKind::Refused => {
                    NotDeleted::surely(Trouble::new(Reason::DeletionBlocked, message))
                }
                OutcomeKind::NotTried => {
                    NotDeleted::surely(Trouble::new(Reason::Deleting, message))
                }
                OutcomeKind::Done | OutcomeKind::Unknown => NotDeleted {
                    trouble: Trouble::new(Reason::Deleting, message),
                    may_have: true,
                },
            });
        }
        refresh::forget(&mut picture.observed, id);
        let note = format!("deleted {id}");
        let announcer = &self.context.announcer;
        announcer
            .organization(&entry.object, News::OrganizationDeleted, &note)
            .await;
        self.take_finalizer_off(entry).await;
        Ok(())
    }

    /// Lets a resource go, and its organization be.
    async fn release(&self, entry: &Entry, why: &str) {
        let announcer = &self.context.announcer;
        announcer
            .organization(&entry.object, News::Released, why)
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
    pub(super) async fn release_without_workos(&self, entries: &[Entry], trouble: &Trouble) {
        for entry in entries.iter().filter(|entry| entry.is_leaving()) {
            if let Step::Release(why) = deletion::without_workos(entry, trouble) {
                self.release(entry, why).await;
            }
        }
    }
}
