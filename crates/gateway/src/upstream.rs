//! Requests to WorkOS: the readiness of one organization, and a portal link.
//!
//! Concurrency is bounded and every request has a deadline; a visitor who would have to wait is
//! refused at once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::FutureExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::provision::{is_ours, only_creates};
use super::refusal::Refusal;
use portalctl_core::identity::Identity;
use portalctl_core::identity::ownership::Ownership;
use portalctl_core::plan::{Change, PlanInput, Policy, Target, plan};
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, readiness};
use portalctl_model::codes::gateway as codes;
use portalctl_model::desired::Desired;
use portalctl_model::{HolderMark, Intent, OrgKey, Selection, Unconfigured};
use portalctl_platform::clock::SharedClock;
use portalctl_workos::apply::{self, Always, ApplyProgress, Outcome};
use portalctl_workos::observe::{Extent, observe, observe_for_plan};
use portalctl_workos::{
    Client, LinkRequest, List, PortalLink, ReadPortal, ReadProgress, WritePortal,
};

/// Deadline for all requests to WorkOS of one visitor.
const DEADLINE: Duration = Duration::from_secs(15);

/// Client of WorkOS with a concurrency limit.
pub(super) struct Upstream {
    client: Client,
    clock: SharedClock,
    permits: Semaphore,
    most: usize,
}

/// Permit to send requests to WorkOS.
pub(super) struct Permit<'a>(#[expect(dead_code, reason = "held")] SemaphorePermit<'a>);

/// Identity and readiness of one organization.
pub(super) struct Reading {
    pub(super) identity: Identity,
    pub(super) readiness: Option<IntentReadiness>,
    /// True where a mark says that the organization is one of this manifest.
    pub(super) is_ours: bool,
}

/// One organization, with all of its declared intents.
pub(super) struct Seen {
    identity: Identity,
    pub(super) readiness: Option<OrganizationReadiness>,
    /// True where a mark says that the organization is one of this manifest.
    pub(super) is_ours: bool,
}

impl Upstream {
    pub(super) fn new(client: Client, clock: SharedClock, in_flight: u32) -> Self {
        let most = usize::try_from(in_flight).unwrap_or(1);
        Self {
            client,
            clock,
            permits: Semaphore::new(most),
            most,
        }
    }

    /// Acquires a permit, or refuses at once.
    pub(super) fn enter(&self) -> Result<Permit<'_>, Refusal> {
        let permit = self.permits.try_acquire();
        permit.map(Permit).map_err(|_| Refusal::busy())
    }

    /// Reads the state of one intent of an organization.
    pub(super) async fn read(
        &self,
        permit: &Permit<'_>,
        desired: &Desired,
        key: &OrgKey,
        intent: Intent,
    ) -> Result<Reading, Refusal> {
        let only = Selection::new(&[key.to_string()], &[intent.to_string()])
            .map_err(|_| Refusal::from(portalctl_model::codes::gateway::ADDRESS))?;
        let seen = self.observe(permit, desired, key, &only).await?;
        let intents = seen.readiness.into_iter().flat_map(|all| all.intents);
        Ok(Reading {
            identity: seen.identity,
            readiness: intents.into_iter().find(|it| it.intent == intent),
            is_ours: seen.is_ours,
        })
    }

    /// Reads the state of all declared intents of an organization.
    pub(super) async fn read_all(
        &self,
        permit: &Permit<'_>,
        desired: &Desired,
        key: &OrgKey,
    ) -> Result<Seen, Refusal> {
        let only = Selection::of(BTreeSet::from([key.clone()]));
        self.observe(permit, desired, key, &only).await
    }

    async fn observe(
        &self,
        _permit: &Permit<'_>,
        desired: &Desired,
        key: &OrgKey,
        only: &Selection,
    ) -> Result<Seen, Refusal> {
        // Boxed, so that its type need not be proven `Send` with every handler's.
        let reading = observe(&self.client, desired, only, Extent::Named, &Silent).boxed();
        let (observed, identities) = self.in_time(reading).await?;
        let now = self.clock.now();
        let all = readiness(desired, &observed, &identities, only, now);
        let ours = all.organizations.into_iter().find(|o| o.key == *key);
        let identity = identities.entries.get(key);
        let live = identity.and_then(Identity::organization);
        let live = live.and_then(|id| observed.organizations.get(id));
        let holder = desired
            .organizations
            .get(key)
            .and_then(|it| it.holder.as_ref());
        // A resource can name any organization: only the operator's mark says that it is its own.
        if let (Some(live), Some(holder)) = (live, holder)
            && Ownership::of(live).holder().and_then(HolderMark::resource) != Some(holder)
        {
            return Ok(Seen {
                identity: Identity::Missing,
                readiness: None,
                is_ours: false,
            });
        }
        Ok(Seen {
            identity: identity.cloned().unwrap_or(Identity::Missing),
            readiness: ours,
            is_ours: live.is_some_and(|live| is_ours(live, desired.manifest.as_ref())),
        })
    }

    /// Creates the organization of an entry, where a plan of that entry is this and nothing else.
    pub(super) async fn create(
        &self,
        _permit: &Permit<'_>,
        desired: &Desired,
        key: &OrgKey,
    ) -> Result<(), Refusal> {
        // The manifest does not declare it, so its owner mark is not written.
        let desired = Desired {
            manifest: None,
            ..desired.clone()
        };
        let only = Selection::of(BTreeSet::from([key.clone()]));
        let reading = observe_for_plan(&self.client, &desired, &only, Extent::Cheapest, &Silent);
        let (observed, identities) = self.in_time(reading.boxed()).await?;
        let input = PlanInput {
            desired: &desired,
            observed: &observed,
            identities: &identities,
            unconfigured: &Unconfigured::default(),
            policy: Policy::default(),
            selection: &only,
        };
        let plan = plan(input, Target::default());
        let not_provided = |why: String| Refusal::from(codes::PROVISION).with_detail(why);
        only_creates(&plan, key).map_err(not_provided)?;
        let options = apply::Options {
            concurrency: 1,
            cancel: CancellationToken::new(),
            clock: self.clock.as_ref(),
            permit: &Always,
            nonce: apply::nonce(self.clock.as_ref()),
        };
        let applying = apply::apply(&self.client, &plan, &options, &Silent).boxed();
        let report = self.in_time(applying.map(Ok)).await?;
        let problem = report.changes.iter().find_map(|it| it.outcome.problem());
        match problem {
            None => Ok(()),
            Some(problem) => Err(not_provided(problem.to_string())),
        }
    }

    /// Makes a portal link.
    pub(super) async fn link(
        &self,
        _permit: &Permit<'_>,
        request: &LinkRequest,
    ) -> Result<PortalLink, Refusal> {
        self.in_time(self.client.generate_link(request)).await
    }

    async fn in_time<T>(
        &self,
        asking: impl Future<Output = Result<T, portalctl_workos::ApiError>>,
    ) -> Result<T, Refusal> {
        tokio::select! {
            answer = asking => answer.map_err(|error| Refusal::upstream(&error)),
            () = self.clock.sleep(DEADLINE) => Err(Refusal::late()),
        }
    }

    /// Reads the API key again; returns whether it changed.
    pub(super) async fn reload_key(&self) -> bool {
        self.client.read_key_again().await
    }

    /// Makes one cheap request, whose answer tells whether WorkOS accepts the API key.
    pub(super) async fn probe_key(&self) {
        tokio::select! {
            // The client records the answer; without one nothing is known.
            _ = self.client.probe() => {}
            () = self.clock.sleep(DEADLINE) => {}
        }
    }

    /// Returns whether WorkOS refused the API key in its last answer.
    pub(super) fn is_key_refused(&self) -> bool {
        self.client.is_key_refused()
    }

    /// Returns the number of permits in use.
    pub(super) fn in_flight(&self) -> usize {
        self.most.saturating_sub(self.permits.available_permits())
    }

    /// Returns the number of requests sent so far.
    pub(super) fn requests(&self) -> u64 {
        self.client.requests_used()
    }
}

/// Progress listener that ignores everything.
struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _: List, _: usize) {}
}

impl ApplyProgress for Silent {
    fn ended(&self, _: &Change, _: &Outcome) {}
}
