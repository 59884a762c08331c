//! Requests to WorkOS: the readiness of one organization, and a portal link.
//!
//! Concurrency is bounded and every request has a deadline; a visitor who would have to wait is
//! refused at once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::FutureExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::refusal::Refusal;
use portalctl_core::identity::Identity;
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, readiness};
use portalctl_model::desired::Desired;
use portalctl_model::{Intent, OrgKey, Selection};
use portalctl_platform::clock::SharedClock;
use portalctl_workos::observe::{Extent, observe};
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
        let (identity, ours) = self.observe(permit, desired, key, &only).await?;
        Ok(Reading {
            identity,
            readiness: ours.and_then(|o| o.intents.into_iter().find(|i| i.intent == intent)),
        })
    }

    /// Reads the state of all declared intents of an organization.
    pub(super) async fn read_all(
        &self,
        permit: &Permit<'_>,
        desired: &Desired,
        key: &OrgKey,
    ) -> Result<Option<OrganizationReadiness>, Refusal> {
        let only = Selection::of(BTreeSet::from([key.clone()]));
        let (_, ours) = self.observe(permit, desired, key, &only).await?;
        Ok(ours)
    }

    async fn observe(
        &self,
        _permit: &Permit<'_>,
        desired: &Desired,
        key: &OrgKey,
        only: &Selection,
    ) -> Result<(Identity, Option<OrganizationReadiness>), Refusal> {
        // Boxed, so that its type need not be proven `Send` with every handler's.
        let reading = observe(&self.client, desired, only, Extent::Named, &Silent).boxed();
        let (observed, identities) = self.in_time(reading).await?;
        let now = self.clock.now();
        let all = readiness(desired, &observed, &identities, only, now);
        let ours = all.organizations.into_iter().find(|o| o.key == *key);
        let identity = identities.entries.get(key);
        Ok((identity.cloned().unwrap_or(Identity::Missing), ours))
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
