//! The API key of a client, read again when its source changes.
//!
//! Keeps the key in use and the one before it, which texts from outside may still hold. Knows
//! whether WorkOS refused the key in use. Never shows a key.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::key::{ApiKey, KeySource};
use portalctl_platform::clock::SharedClock;

/// The time for which a key is used without its source being read again.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// The API keys of a client.
pub(super) struct KeyRing {
    source: Option<Arc<dyn KeySource>>,
    clock: SharedClock,
    keys: Mutex<Keys>,
    is_refused: AtomicBool,
}

#[derive(Default)]
struct Keys {
    current: Option<ApiKey>,
    former: Option<ApiKey>,
    read_at: Option<Instant>,
}

impl KeyRing {
    /// Creates a key ring with a key that does not change.
    pub(super) fn new(key: Option<ApiKey>, clock: SharedClock) -> Self {
        Self {
            source: None,
            clock,
            keys: Mutex::new(Keys {
                current: key,
                ..Keys::default()
            }),
            is_refused: AtomicBool::new(false),
        }
    }

    /// Sets the source from which the key is read again.
    pub(super) fn set_source(&mut self, source: Arc<dyn KeySource>) {
        self.source = Some(source);
    }

    /// Returns the key for a request; reads its source again if that was not done lately.
    pub(super) async fn key(&self) -> Option<ApiKey> {
        let now = self.clock.instant();
        let is_due = {
            let mut keys = self.keys();
            let is_due = keys
                .read_at
                .is_none_or(|at| now.saturating_duration_since(at) >= READ_INTERVAL);
            if is_due {
                keys.read_at = Some(now);
            }
            is_due
        };
        if is_due {
            self.read().await;
        }
        self.keys().current.clone()
    }

    /// Reads the source now; returns whether the key is another one than it was.
    pub(super) async fn read(&self) -> bool {
        let Some(source) = self.source.clone() else {
            return false;
        };
        let read = tokio::task::spawn_blocking(move || source.read()).await;
        let Ok(Some(fresh)) = read else { return false };
        let mut keys = self.keys();
        if keys.current.as_ref().is_some_and(|key| key.is(&fresh)) {
            return false;
        }
        keys.former = keys.current.replace(fresh);
        self.is_refused.store(false, Ordering::Relaxed);
        true
    }

    /// Returns whether another key is in use, or in the source, than the one that was refused.
    pub(super) async fn has_another(&self, refused: Option<&ApiKey>) -> bool {
        self.read().await;
        match (&self.keys().current, refused) {
            (Some(current), Some(refused)) => !current.is(refused),
            (current, refused) => current.is_some() != refused.is_some(),
        }
    }

    /// Takes note of the status of an answer to a request with a key.
    pub(super) fn note(&self, key: Option<&ApiKey>, status: StatusCode) {
        let is_current = match (&self.keys().current, key) {
            (Some(current), Some(used)) => current.is(used),
            _ => false,
        };
        if !is_current {
            return;
        }
        if status == StatusCode::UNAUTHORIZED {
            self.is_refused.store(true, Ordering::Relaxed);
        } else if status.is_success() || status.is_client_error() {
            // Who answers about a request has taken the key; a failing server tells nothing.
            self.is_refused.store(false, Ordering::Relaxed);
        }
    }

    /// Returns whether WorkOS refused the key in use when it was used last.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Takes the keys out of a text that came from outside.
    pub(super) fn hide_in(&self, text: &str) -> String {
        let keys = self.keys();
        let known = [&keys.current, &keys.former];
        known
            .into_iter()
            .flatten()
            .fold(text.to_owned(), |text, key| key.hide_in(&text))
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
