//! The sandbox: an in-memory WorkOS, the place to try everything without an account.
//!
//! - [`world`]: the simulated environment: state and rules, no I/O.
//! - `server`: its HTTP face, and the control API by which tests and demos play the customer.
//! - `portal`: the pages behind a portal link.
//! - [`scenario`]: starting states, built in or from a file.
//! - [`state`]: the state file, for sandboxes that outlive their process.
//!
//! It shares no type with the client: what WorkOS documents judges both. It is meant for this
//! machine; its ids and tokens are predictable by design.

mod limit;
mod portal;
pub mod scenario;
mod server;
pub mod state;
mod wire;
pub mod world;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::clock::SharedClock;
use limit::{Budget, Limiter};
use state::{StateError, StateFile};
use world::World;

pub use limit::RateLimit;

/// How often a serving sandbox writes its state file, when there is something to write.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// What a sandbox is made of.
pub struct SandboxOptions {
    /// What tells the time.
    pub clock: SharedClock,
    /// What it starts with.
    pub world: World,
    /// The only key that is accepted; any well-formed test key if there is none.
    pub key: Option<SecretString>,
    /// How many requests a key may make.
    pub rate_limit: RateLimit,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// What portal links begin with; where the caller reached the sandbox if there is none.
    pub base_url: Option<String>,
    /// Where the state is kept, if it outlives the process.
    pub state: Option<StateFile>,
}

impl SandboxOptions {
    /// The defaults: the given world, any test key, WorkOS's rate limit, no state file.
    pub fn new(clock: SharedClock, world: World) -> Self {
        Self {
            clock,
            world,
            key: None,
            rate_limit: RateLimit::default(),
            latency: Duration::ZERO,
            base_url: None,
            state: None,
        }
    }
}

/// A running sandbox. Clones are the same sandbox.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    clock: SharedClock,
    world: Mutex<World>,
    changed: AtomicBool,
    limiter: Mutex<Limiter>,
    requests: AtomicU64,
    key: Option<SecretString>,
    latency: Duration,
    base_url: Option<String>,
    /// Locked while it is written, so that an older state never replaces a newer one.
    state: Option<Mutex<StateFile>>,
}

impl Sandbox {
    /// Makes a sandbox.
    pub fn new(options: SandboxOptions) -> Self {
        let SandboxOptions {
            clock,
            world,
            key,
            rate_limit,
            latency,
            base_url,
            state,
        } = options;
        Self {
            inner: Arc::new(Inner {
                clock,
                world: Mutex::new(world),
                changed: AtomicBool::new(true),
                limiter: Mutex::new(Limiter::new(rate_limit)),
                requests: AtomicU64::new(0),
                key,
                latency,
                base_url,
                state: state.map(Mutex::new),
            }),
        }
    }

    /// All routes, as a service.
    pub fn router(&self) -> Router {
        server::router(self)
    }

    /// Looks at, or changes, the world, which is given the time.
    pub fn world<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let result = act(&mut lock(&self.inner.world), self.now());
        self.inner.changed.store(true, Ordering::Release);
        result
    }

    /// Looks at the world.
    pub fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&lock(&self.inner.world))
    }

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// How many requests have been answered: on any route, with any status.
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// Answers a request in this process, by the same routes as over the network.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let request = request.map(Body::from);
        let answer = match self.router().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never as Infallible {},
        };
        let (parts, body) = answer.into_parts();
        // The bodies are made in memory here: they neither break off nor exceed anything.
        let body = axum::body::to_bytes(body, usize::MAX).await;
        Response::from_parts(parts, body.unwrap_or_default())
    }

    /// Serves until `shutdown` is done, finishes what is under way, and saves the state.
    pub async fn serve<S>(self, listener: TcpListener, shutdown: S) -> io::Result<()>
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = listener.tap_io(|stream| {
            // Small answers must not wait for more. What cannot be set is merely slower.
            let _ = stream.set_nodelay(true);
        });
        let serving = axum::serve(listener, self.router()).with_graceful_shutdown(shutdown);
        let served = tokio::select! {
            served = serving => served,
            failed = self.keep_saving() => Err(io::Error::other(failed)),
        };
        let saved = self.save_apart().await.map_err(io::Error::other);
        served.and(saved)
    }

    /// Writes the state file, if there is one and something has changed since it was written.
    pub fn save(&self) -> Result<(), StateError> {
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

    /// Saves from time to time; ends with the first failure.
    async fn keep_saving(&self) -> StateError {
        loop {
            self.inner.clock.sleep(SAVE_EVERY).await;
            if let Err(error) = self.save_apart().await {
                return error;
            }
        }
    }

    /// Saves where it does not hold up requests.
    async fn save_apart(&self) -> Result<(), StateError> {
        let sandbox = self.clone();
        match tokio::task::spawn_blocking(move || sandbox.save()).await {
            Ok(saved) => saved,
            // The runtime is going away: what is left is to do it here.
            Err(_) => self.save(),
        }
    }

    fn base_url(&self) -> Option<&str> {
        self.inner.base_url.as_deref()
    }

    /// Whether a key opens this sandbox. A live key never does: it has no business here.
    fn accepts(&self, key: &str) -> bool {
        match &self.inner.key {
            Some(only) => key == only.expose_secret(),
            None => key.strip_prefix("sk_test_").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            }),
        }
    }

    fn count(&self, key: &str, method: &Method, path: &str) -> Option<Budget> {
        lock(&self.inner.limiter).count(self.now(), key, method, path)
    }

    fn settle(&self) {
        let now = self.now();
        if lock(&self.inner.world).settle(now) {
            self.inner.changed.store(true, Ordering::Release);
        }
    }

    async fn wait(&self) {
        if !self.inner.latency.is_zero() {
            self.inner.clock.sleep(self.inner.latency).await;
        }
    }

    fn next_request_id(&self) -> String {
        let number = self.inner.requests.fetch_add(1, Ordering::Relaxed) + 1;
        format!("req_sandbox_{number:012}")
    }
}

impl fmt::Debug for Sandbox {
    /// Shows neither the key nor ten thousand organizations.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

/// Locks, also after a panic elsewhere: the world is changed in steps that each leave it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "sandbox_tests.rs"]
mod tests;
