//! One run of a command against WorkOS: manifest, connection, and who is told.
//!
//! Takes a checked manifest and an open connection. Returns what is live, the state of every intent,
//! and the heads of reports. Reads only; commands that write do so by the connection's client.

use tokio_util::sync::CancellationToken;

use super::connect::Connection;
use super::error::CliError;
use super::exit::Exit;
use super::manifest::Manifest;
use super::progress::Reading;
use super::signals;
use super::ui::Ui;
use portalctl_core::identity::ownership::{Declarant, OtherOwner, Ownership, Standing};
use portalctl_core::identity::{Identities, Identity};
use portalctl_core::plan::{Policy, candidates};
use portalctl_core::readiness::{Readiness, readiness};
use portalctl_model::codes::{Code, cli as codes, plan as plan_codes};
use portalctl_model::observed::{Observed, Organization};
use portalctl_model::{Allow, OrgKey};
use portalctl_report::Headline;
use portalctl_report::json_v1::ErrorItem;
use portalctl_workos::observe::{
    Entries, invited_contacts, observe, observe_contacts, observe_for_plan, observe_retention,
    usage,
};
use portalctl_workos::{ApiError, ApiResult};

/// One run of a command against WorkOS.
pub(super) struct Session<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) connection: &'a Connection,
    pub(super) ui: &'a Ui,
    /// Cancelled by the first signal.
    pub(super) interrupted: CancellationToken,
}

/// Runs a command that changes nothing. Its errors name the manifest.
pub(super) fn run<T>(
    manifest: &Manifest,
    connection: &Connection,
    ui: &Ui,
    act: impl AsyncFnOnce(&Session<'_>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let outcome = block_on(async |interrupted| {
        let session = Session {
            manifest,
            connection,
            ui,
            interrupted,
        };
        act(&session).await
    });
    outcome.map_err(|error| error.of(manifest.desired.names()))
}

/// Runs a command that writes: a sandbox keeps its state afterwards, also after a failure.
pub(super) fn run_writing<T>(
    manifest: &Manifest,
    connection: &Connection,
    ui: &Ui,
    act: impl AsyncFnOnce(&Session<'_>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let outcome = run(manifest, connection, ui, act);
    connection.close()?;
    outcome
}

/// Runs the asynchronous part of a command, with the token that a signal cancels.
pub(super) fn block_on<T>(
    run: impl AsyncFnOnce(CancellationToken) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(CliError::internal)?;
    let outcome = runtime.block_on(async { run(signals::watch()).await });
    runtime.shutdown_background();
    outcome
}

impl Session<'_> {
    /// Reads what is live; a signal ends it at once, because nothing is being changed.
    pub(super) async fn observe(&self) -> Result<LiveState, CliError> {
        let (manifest, client) = (self.manifest, &self.connection.client);
        let (desired, selection) = (&manifest.desired, &manifest.selection);
        let progress = Reading::new(self.ui);
        self.until_interrupted(observe(
            client,
            desired,
            selection,
            manifest.extent,
            &progress,
        ))
        .await
    }

    /// Reads what is live, and the addresses that invitations went to.
    pub(super) async fn observe_with_invitations(
        &self,
        progress: &Reading,
    ) -> Result<LiveState, CliError> {
        let (manifest, client) = (self.manifest, &self.connection.client);
        let (desired, selection) = (&manifest.desired, &manifest.selection);
        let read = async {
            let read = observe(client, desired, selection, manifest.extent, progress).await?;
            let (mut observed, identities) = read;
            let contacts = invited_contacts(client, &observed, &identities, selection).await?;
            observed.it_contacts.extend(contacts);
            Ok((observed, identities))
        };
        self.until_interrupted(read).await
    }

    /// Reads what a plan under a policy needs, and nothing that decides no change.
    pub(super) async fn observe_for_plan(&self, policy: Policy) -> Result<LiveState, CliError> {
        let (manifest, client) = (self.manifest, &self.connection.client);
        let (desired, selection) = (&manifest.desired, &manifest.selection);
        let progress = Reading::new(self.ui);
        let read = async {
            let read =
                observe_for_plan(client, desired, selection, manifest.extent, &progress).await?;
            let (mut observed, identities) = read;
            let candidates = candidates(desired, &observed, &identities, policy, selection);
            let contacts = observe_contacts(
                client,
                Entries {
                    desired,
                    selection,
                    observed: &observed,
                    identities: &identities,
                },
                manifest.contacts,
            );
            let retention = observe_retention(client, desired, selection, &identities);
            let (contacts, usage, retention) =
                futures::try_join!(contacts, usage(client, candidates), retention)?;
            observed.it_contacts = contacts;
            observed.usage = usage;
            observed.retention = retention;
            Ok((observed, identities))
        };
        self.until_interrupted(read).await
    }

    async fn until_interrupted(
        &self,
        read: impl Future<Output = ApiResult<(Observed, Identities)>>,
    ) -> Result<LiveState, CliError> {
        let (observed, identities) = tokio::select! {
            read = read => read.map_err(|error| self.failed(error))?,
            () = self.interrupted.cancelled() => return Err(CliError::interrupted()),
        };
        Ok(LiveState {
            observed,
            identities,
        })
    }

    /// Returns the state of every selected intent.
    pub(super) fn readiness(&self, live: &LiveState) -> Readiness {
        let now = self.connection.clock.now();
        readiness(
            &self.manifest.desired,
            &live.observed,
            &live.identities,
            &self.manifest.selection,
            now,
        )
    }

    /// Returns the head of a report: where the run was made, what it has cost so far, and the
    /// warnings about the manifest.
    pub(super) fn headline(&self) -> Headline {
        self.manifest.headline(self.connection)
    }

    /// Returns the error of a request that failed before anything was changed.
    pub(super) fn failed(&self, error: ApiError) -> CliError {
        CliError::reading(error, &self.connection.target.endpoint)
    }

    /// Refuses to go on after a signal.
    pub(super) fn check_interrupted(&self) -> Result<(), CliError> {
        if self.interrupted.is_cancelled() {
            return Err(CliError::interrupted());
        }
        Ok(())
    }

    /// Asks a question, to which only `yes` is consent.
    pub(super) async fn confirm(&self, question: &str) -> Result<(), CliError> {
        let question = format!("\n{question} Only `yes` is taken as consent: ");
        // A read from the terminal does not end by itself: the process ends without it.
        let answer = tokio::task::spawn_blocking(move || Ui::confirm(&question));
        let agreed = tokio::select! {
            agreed = answer => agreed.map_err(CliError::internal)?,
            () = self.interrupted.cancelled() => {
                Ui::insist("");
                return Err(CliError::interrupted());
            }
        };
        if agreed {
            return Ok(());
        }
        let message = "the answer was not `yes`; nothing was changed";
        Err(CliError::new(Exit::Usage, codes::NO_CONSENT, message))
    }

    /// Returns another that holds an entry's organization, unless the entry says that it may be
    /// changed.
    pub(super) fn rival(&self, key: &OrgKey, live: &Organization) -> Option<OtherOwner> {
        let desired = &self.manifest.desired;
        let entry = desired.organizations.get(key)?;
        if entry.allow.contains(&Allow::OtherOwner) {
            return None;
        }
        let declarant = Declarant {
            manifest: desired.manifest.as_ref(),
            previous: &desired.previous_manifests,
            resource: entry.resource.as_ref(),
        };
        match Ownership::of(live).for_manifest(&declarant) {
            Standing::Theirs(rival) => Some(rival),
            Standing::Free
            | Standing::Ours
            | Standing::FormerlyOurs(_)
            | Standing::OwnResource(_) => None,
        }
    }

    /// Returns the live organization of an entry, for a command that writes: refused where another
    /// manifest or an operator holds it, unless that is overridden. The marks stay as they are.
    pub(super) fn organization_to_write<'l>(
        &self,
        live: &'l LiveState,
        key: &OrgKey,
        takeover: Takeover,
        no_organization: Code,
    ) -> Result<&'l Organization, CliError> {
        let organization = live.organization(key, no_organization)?;
        match self.rival(key, organization) {
            Some(rival) if takeover == Takeover::Refused => {
                let message = format!("{rival} has the organization of `{key}`");
                let error = CliError::new(Exit::Stopped, plan_codes::HELD_BY_ANOTHER, message);
                Err(error.help(
                    "leave it to them, run it with --adopt-owned, or write `allow: [other_owner]` \
                     on the entry",
                ))
            }
            _ => Ok(organization),
        }
    }
}

/// Treatment of organizations that another manifest or an operator holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takeover {
    /// No write reaches them.
    Refused,
    /// Writes reach them as well.
    Allowed,
}

/// The organizations and features that were read in one pass, and whose they are.
pub(super) struct LiveState {
    pub(super) observed: Observed,
    pub(super) identities: Identities,
}

impl LiveState {
    /// Returns the display name of the organization that an identity names.
    pub(super) fn name_of(&self, identity: Option<&Identity>) -> Option<&str> {
        let live = self.observed.organizations.get(identity?.organization()?)?;
        Some(&live.name)
    }

    /// Returns the live organization of an entry; without one, an error with the command's own code.
    pub(super) fn organization(
        &self,
        key: &OrgKey,
        no_organization: Code,
    ) -> Result<&Organization, CliError> {
        if let Some(Identity::Conflicted(conflicts)) = self.identities.entries.get(key) {
            let told = conflicts.iter().map(|conflict| {
                let help = Some(conflict.help.clone());
                ErrorItem::new(conflict.code, conflict.message.clone(), help)
            });
            return Err(CliError::several(Exit::Stopped, told.collect()));
        }
        let live = self.identities.organization_of(key);
        live.and_then(|id| self.observed.organizations.get(id))
            .ok_or_else(|| {
                let message = format!("`{key}` has no organization at WorkOS yet");
                CliError::new(Exit::Stopped, no_organization, message)
            })
    }
}
