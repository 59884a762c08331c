//! Memory of the receiver for each environment: its secret for some seconds, the room for bodies,
//! and the turn to log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::super::context::Context;
use super::super::kube_api;
use super::super::resource::Name;
use portalctl_manifest::kubernetes::KeyRef;

/// Time for which a secret, or the failure to read it, is kept. WorkOS sends a webhook again that
/// was refused after a rotation.
const KEPT: Duration = Duration::from_secs(10);
/// Webhooks that are read at a time, so that their memory has a bound. WorkOS sends a refused one
/// again, and polling goes on without it.
const BODIES: usize = 32;
/// Webhooks of one environment that are read at a time, so that others have room.
const BODIES_OF_ONE: usize = 8;
/// Shortest time between two lines of the log about refused webhooks of one environment.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Memory of the receiver. Environments without webhooks are not in it.
pub(super) struct Memory {
    bodies: Arc<Semaphore>,
    known: Mutex<BTreeMap<Name, Arc<Known>>>,
}

/// Memory of one environment.
pub(super) struct Known {
    bodies: Arc<Semaphore>,
    /// Locked while the secret is read, so that requests at the same time share one read.
    secret: tokio::sync::Mutex<Option<Kept>>,
    log: Mutex<Log>,
    used: Mutex<Instant>,
}

/// Secret as it was read last; `None` where it could not be read.
struct Kept {
    reference: KeyRef,
    at: Instant,
    secret: Option<SecretString>,
}

#[derive(Default)]
struct Log {
    last: Option<Instant>,
    /// Lines that were left out since.
    left_out: u64,
}

/// Room for one body.
pub(super) struct Room(#[expect(dead_code, reason = "held")] [OwnedSemaphorePermit; 2]);

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            bodies: Arc::new(Semaphore::new(BODIES)),
            known: Mutex::default(),
        }
    }

    /// Returns the memory of an environment. Forgets those that were not asked for of late.
    pub(super) fn of(&self, environment: &Name, now: Instant) -> Arc<Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, one| name == environment || !one.is_old(now));
        let one = known.entry(environment.clone());
        let one = one.or_insert_with(|| Arc::new(Known::new(now)));
        *one.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Arc::clone(one)
    }

    /// Takes room for one body, if there is some.
    pub(super) fn room(&self, known: &Known) -> Option<Room> {
        let own = Arc::clone(&known.bodies).try_acquire_owned().ok()?;
        let all = Arc::clone(&self.bodies).try_acquire_owned().ok()?;
        Some(Room([own, all]))
    }
}

impl Known {
    fn new(now: Instant) -> Self {
        Self {
            bodies: Arc::new(Semaphore::new(BODIES_OF_ONE)),
            secret: tokio::sync::Mutex::default(),
            log: Mutex::default(),
            used: Mutex::new(now),
        }
    }

    fn is_old(&self, now: Instant) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(used) > LOG_INTERVAL.max(KEPT)
            && self.bodies.available_permits() == BODIES_OF_ONE
    }

    /// Returns the secret: as it was read some seconds ago, or from the API server.
    pub(super) async fn secret(
        &self,
        context: &Context,
        environment: &Name,
        reference: &KeyRef,
    ) -> Option<SecretString> {
        let mut kept = self.secret.lock().await;
        let now = context.clock.instant();
        if let Some(kept) = &*kept
            && kept.reference == *reference
            && now.saturating_duration_since(kept.at) < KEPT
        {
            return kept.secret.clone();
        }
        let read = kube_api::read_secret(&context.client, &environment.namespace, reference).await;
        let secret = read.map_err(|blocked| {
            let why = blocked.message;
            tracing::warn!(%environment, why, "the secret of webhooks could not be read");
        });
        let secret = secret.ok();
        *kept = Some(Kept {
            reference: reference.clone(),
            at: context.clock.instant(),
            secret: secret.clone(),
        });
        secret
    }

    /// Returns the number of lines that were left out since the last one, where it is time for
    /// another.
    pub(super) fn log_turn(&self, now: Instant) -> Option<u64> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let is_early = |last| now.saturating_duration_since(last) < LOG_INTERVAL;
        if log.last.is_some_and(is_early) {
            log.left_out += 1;
            return None;
        }
        log.last = Some(now);
        Some(std::mem::take(&mut log.left_out))
    }
}
