//! What the gateway asks of WorkOS: how far a customer is, and a link. So many at the same time and
//! no more, each within a deadline: whoever would have to wait long is told so at once.

use std::time::Duration;

use futures::future::FutureExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::refusal::Refusal;
use portalctl_core::identity::Identity;
use portalctl_core::readiness::{IntentReadiness, readiness};
use portalctl_model::desired::Desired;
use portalctl_model::{Intent, OrgKey, Selection};
use portalctl_platform::clock::SharedClock;
use portalctl_workos::observe::{Extent, observe};
use portalctl_workos::{
    Client, LinkRequest, List, PortalLink, ReadPortal, ReadProgress, WritePortal,
};

/// How long a person waits for WorkOS, all requests together.
const DEADLINE: Duration = Duration::from_secs(15);

/// WorkOS, as far as the gateway uses it.
pub(super) struct Upstream {
    client: Client,
    clock: SharedClock,
    permits: Semaphore,
    most: usize,
}

/// Leave to ask WorkOS.
pub(super) struct Leave<'a>(#[expect(dead_code, reason = "held")] SemaphorePermit<'a>);

/// How far one customer is.
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

    /// Leave to ask, at once or not at all.
    pub(super) fn enter(&self) -> Result<Leave<'_>, Refusal> {
        let permit = self.permits.try_acquire();
        permit.map(Leave).map_err(|_| Refusal::busy())
    }

    /// Reads one customer and intent.
    pub(super) async fn read(
        &self,
        _leave: &Leave<'_>,
        desired: &Desired,
        key: &OrgKey,
        intent: Intent,
    ) -> Result<Reading, Refusal> {
        let only = Selection::new(&[key.to_string()], &[intent.to_string()])
            .map_err(|_| Refusal::from(portalctl_model::codes::gateway::ADDRESS))?;
        // Boxed, so that its type does not have to be proven sendable with every handler's.
        let reading = observe(&self.client, desired, &only, Extent::Named, &Silent).boxed();
        let (observed, identities) = self.in_time(reading).await?;
        let now = self.clock.now();
        let all = readiness(desired, &observed, &identities, &only, now);
        let ours = all.organizations.into_iter().find(|o| o.key == *key);
        let identity = identities.entries.get(key);
        Ok(Reading {
            identity: identity.cloned().unwrap_or(Identity::Missing),
            readiness: ours.and_then(|o| o.intents.into_iter().find(|i| i.intent == intent)),
        })
    }

    /// Makes a link.
    pub(super) async fn link(
        &self,
        _leave: &Leave<'_>,
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

    /// Reads the API key again; returns whether it is another one than before.
    pub(super) async fn read_key_again(&self) -> bool {
        self.client.read_key_again().await
    }

    /// Makes one cheap request, whose answer tells whether WorkOS takes the API key.
    pub(super) async fn ask_about_key(&self) {
        tokio::select! {
            // The client takes note of the answer; without one nothing is known.
            _ = self.client.pulse() => {}
            () = self.clock.sleep(DEADLINE) => {}
        }
    }

    /// Returns whether WorkOS refused the API key when it was used last.
    pub(super) fn is_key_refused(&self) -> bool {
        self.client.is_key_refused()
    }

    /// How many people are being served.
    pub(super) fn in_flight(&self) -> usize {
        self.most.saturating_sub(self.permits.available_permits())
    }

    /// How many requests were sent so far.
    pub(super) fn requests(&self) -> u64 {
        self.client.requests_used()
    }
}

/// Nobody needs to see each reading.
struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _: List, _: usize) {}
}
