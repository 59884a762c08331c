//! Shared state of the handlers: the world behind its lock, the key, the limits and the faults.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;

use super::fault::{Fault, Faults};
use super::limit::{Budget, Limiter};
use super::state::{self, StateError, StateFile};
use super::webhook::{Deliver, Webhooks};
use super::world::World;
use super::{Audience, SAVE_EVERY, SETTLE_EVERY, SandboxOptions};
use portalctl_platform::clock::SharedClock;

/// State of a sandbox. Clones share it.
#[derive(Clone)]
pub(super) struct Core {
    inner: Arc<Inner>,
}

struct Inner {
    clock: SharedClock,
    world: Mutex<World>,
    changed: AtomicBool,
    limiter: Mutex<Limiter>,
    requests: AtomicU64,
    key: Option<SecretString>,
    client_id: Option<String>,
    latency: Duration,
    base_url: Option<String>,
    audience: Audience,
    default_return_url: Option<String>,
    /// Locked while it is written, so that an older state never replaces a newer one.
    state: Option<Mutex<StateFile>>,
    faults: Mutex<Faults>,
    webhooks: Mutex<Webhooks>,
    deliver: Option<Arc<dyn Deliver>>,
    /// Notified when there is a webhook to deliver.
    new_deliveries: Notify,
}

impl Core {
    pub(super) fn new(options: SandboxOptions) -> Self {
        let SandboxOptions {
            clock,
            mut world,
            key,
            client_id,
            rate_limit,
            latency,
            base_url,
            audience,
            default_return_url,
            state,
            faults,
            webhooks,
            deliver,
        } = options;
        if deliver.is_some() {
            world.keep_news();
        }
        Self {
            inner: Arc::new(Inner {
                clock,
                world: Mutex::new(world),
                changed: AtomicBool::new(true),
                limiter: Mutex::new(Limiter::new(rate_limit)),
                requests: AtomicU64::new(0),
                key,
                client_id,
                latency,
                base_url,
                audience,
                default_return_url,
                state: state.map(Mutex::new),
                faults: Mutex::new(faults),
                webhooks: Mutex::new(Webhooks::new(webhooks)),
                deliver,
                new_deliveries: Notify::new(),
            }),
        }
    }

    /// Runs a function on the world, with the current time.
    pub(super) fn world<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let mut world = lock(&self.inner.world);
        let result = act(&mut world, self.now());
        self.inner.changed.store(true, Ordering::Release);
        self.spread(&mut world);
        result
    }

    /// Queues new events for the webhooks. The world stays locked, so that their order holds.
    fn spread(&self, world: &mut World) {
        let unsent = world.take_unsent();
        if !unsent.is_empty() && lock(&self.inner.webhooks).enqueue(&unsent) {
            self.inner.new_deliveries.notify_one();
        }
    }

    /// Reads the world.
    pub(super) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&lock(&self.inner.world))
    }

    /// Returns the sandbox's time.
    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Returns the number of requests that were answered.
    pub(super) fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// Writes the state file, if there is one and the state has changed.
    pub(super) fn save(&self) -> Result<(), StateError> {
        let Some(file) = &self.inner.state else {
            return Ok(());
        };
        let file = lock(file);
        if !self.inner.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let saved = self.read(state::encode).and_then(|text| file.write(&text));
        if saved.is_err() {
            self.inner.changed.store(true, Ordering::Release);
        }
        saved
    }

    /// Saves periodically; returns the first failure.
    pub(super) async fn keep_saving(&self) -> StateError {
        loop {
            self.inner.clock.sleep(SAVE_EVERY).await;
            if let Err(error) = self.save_apart().await {
                return error;
            }
        }
    }

    /// Saves on a thread that may block.
    pub(super) async fn save_apart(&self) -> Result<(), StateError> {
        let core = self.clone();
        match tokio::task::spawn_blocking(move || core.save()).await {
            Ok(saved) => saved,
            // The runtime is shutting down, so the file is written here.
            Err(_) => self.save(),
        }
    }

    pub(super) fn audience(&self) -> Audience {
        self.inner.audience
    }

    pub(super) fn base_url(&self) -> Option<&str> {
        self.inner.base_url.as_deref()
    }

    /// Returns the target of the portal's logo for links without a return URL.
    pub(super) fn default_return_url(&self) -> Option<&str> {
        self.inner.default_return_url.as_deref()
    }

    /// Returns whether a key is accepted. Live keys never are.
    pub(super) fn accepts(&self, key: &str) -> bool {
        match &self.inner.key {
            Some(only) => key == only.expose_secret(),
            None => key.strip_prefix("sk_test_").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            }),
        }
    }

    /// Returns whether a client id belongs to this environment.
    pub(super) fn knows_client_id(&self, id: &str) -> bool {
        self.inner
            .client_id
            .as_deref()
            .is_none_or(|only| only == id)
    }

    pub(super) fn count(&self, key: &str, method: &Method, path: &str) -> Option<Budget> {
        lock(&self.inner.limiter).count(self.now(), key, method, path)
    }

    pub(super) fn settle(&self) {
        let now = self.now();
        let mut world = lock(&self.inner.world);
        if world.settle(now) {
            self.inner.changed.store(true, Ordering::Release);
            self.spread(&mut world);
        }
    }

    /// Carries out what becomes due, for as long as the sandbox serves.
    pub(super) async fn keep_settling(&self) -> Infallible {
        loop {
            self.inner.clock.sleep(SETTLE_EVERY).await;
            self.settle();
        }
    }

    pub(super) async fn wait(&self) {
        if !self.inner.latency.is_zero() {
            self.sleep(self.inner.latency).await;
        }
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.inner.clock.sleep(duration).await;
    }

    /// Decides the fault of a request.
    pub(super) fn fault(&self, method: &Method, path: &str) -> Option<Fault> {
        self.faults(|faults| faults.verdict(method, path))
    }

    pub(super) fn faults<T>(&self, act: impl FnOnce(&mut Faults) -> T) -> T {
        act(&mut lock(&self.inner.faults))
    }

    pub(super) fn webhooks<T>(&self, act: impl FnOnce(&mut Webhooks) -> T) -> T {
        act(&mut lock(&self.inner.webhooks))
    }

    /// Returns whether events can be delivered.
    pub(super) fn can_deliver(&self) -> bool {
        self.inner.deliver.is_some()
    }

    /// Delivers the waiting webhooks one after the other, with retries.
    pub(super) async fn deliver_webhooks(&self) {
        let Some(deliver) = &self.inner.deliver else {
            return;
        };
        while let Some(attempt) = self.webhooks(|webhooks| webhooks.next(self.now())) {
            let answer = deliver.deliver(attempt.request()).await;
            let wait = self.webhooks(|webhooks| webhooks.settle(attempt, answer));
            if let Some(wait) = wait {
                self.sleep(wait).await;
            }
        }
    }

    /// Delivers webhooks for as long as the sandbox serves.
    pub(super) async fn keep_delivering(&self) -> Infallible {
        loop {
            self.deliver_webhooks().await;
            self.inner.new_deliveries.notified().await;
        }
    }

    pub(super) fn next_request_id(&self) -> String {
        let number = self.inner.requests.fetch_add(1, Ordering::Relaxed) + 1;
        format!("req_sandbox_{number:012}")
    }
}

/// Locks a mutex, also after a panic: the world is changed in steps that each leave it consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
