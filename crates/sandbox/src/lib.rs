//! The sandbox: an in-memory WorkOS, the place to try everything without an account.
//!
//! - [`world`]: the simulated environment: state and rules, no I/O.
//! - `server`: its HTTP face, and the control API by which tests and demos play the customer.
//! - [`fault`]: which request fails, and how.
//! - [`webhook`]: events, signed for the endpoints that they are sent to; `deliver` carries them.
//! - `portal`: the pages behind a portal link.
//! - [`scenario`]: starting states, built in or from a file.
//! - [`state`]: the state file, for sandboxes that outlive their process.
//!
//! It shares no type with the client: what WorkOS documents judges both. It is meant for this
//! machine; its ids and tokens are predictable by design.

mod deliver;
pub mod fault;
mod limit;
mod portal;
pub mod scenario;
mod server;
mod shared;
pub mod state;
pub mod webhook;
mod wire;
pub mod world;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tower::ServiceExt;

use fault::{Faults, Lost};
use portalctl_platform::clock::SharedClock;
use shared::Core;
use state::{StateError, StateFile};
use webhook::{Deliver, Delivery, Endpoint};
use world::World;

pub use deliver::HttpDeliver;
pub use limit::RateLimit;
/// The clocks that a sandbox can run on: the machine's, and a virtual one for tests.
pub use portalctl_platform::clock;

/// How often a serving sandbox writes its state file, when there is something to write.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// How often a serving sandbox looks whether something has become due while nobody asks.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

/// Callers of the parts of a sandbox that need no key: its pages and its control API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// This machine, by one of its own names.
    ThisMachine,
    /// Other machines too, by an address or a name without a dot, as services have in compose and
    /// in CI. A name with a dot could be anybody's, pointed here for a browser to follow.
    Network,
}

/// What a sandbox is made of.
pub struct SandboxOptions {
    /// What tells the time.
    pub clock: SharedClock,
    /// What it starts with.
    pub world: World,
    /// The only key that is accepted; any well-formed test key if there is none.
    pub key: Option<SecretString>,
    /// The only client id whose public keys are served; any if there is none.
    pub client_id: Option<String>,
    /// How many requests a key may make.
    pub rate_limit: RateLimit,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// What portal links begin with; where the caller reached the sandbox if there is none.
    pub base_url: Option<String>,
    /// Hosts by which the parts are reached that need no key.
    pub audience: Audience,
    /// Where the portal's logo leads when a link has no return URL: what WorkOS keeps in its
    /// dashboard.
    pub default_return_url: Option<String>,
    /// Where the state is kept, if it outlives the process.
    pub state: Option<StateFile>,
    /// What goes wrong.
    pub faults: Faults,
    /// Where events are sent.
    pub webhooks: Vec<Endpoint>,
    /// What carries them there; none are sent without.
    pub deliver: Option<Arc<dyn Deliver>>,
}

impl SandboxOptions {
    /// The defaults: the given world, any test key, WorkOS's rate limit, no state file.
    pub fn new(clock: SharedClock, world: World) -> Self {
        Self {
            clock,
            world,
            key: None,
            client_id: None,
            rate_limit: RateLimit::default(),
            latency: Duration::ZERO,
            base_url: None,
            audience: Audience::ThisMachine,
            default_return_url: None,
            state: None,
            faults: Faults::none(),
            webhooks: Vec::new(),
            deliver: None,
        }
    }
}

/// A running sandbox. Clones are the same sandbox.
#[derive(Clone)]
pub struct Sandbox {
    core: Core,
    router: Router,
}

impl Sandbox {
    /// Makes a sandbox.
    pub fn new(options: SandboxOptions) -> Self {
        let core = Core::new(options);
        let router = server::router(&core);
        Self { core, router }
    }

    /// All routes, as a service.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Looks at, or changes, the world, which is given the time.
    pub fn world<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        self.core.world(act)
    }

    /// Looks at the world.
    pub fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        self.core.read(look)
    }

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.core.now()
    }

    /// How many requests have been answered: on any route, with any status.
    pub fn requests(&self) -> u64 {
        self.core.requests()
    }

    /// Writes the state file, if there is one and something has changed since it was written.
    pub fn save(&self) -> Result<(), StateError> {
        self.core.save()
    }

    /// Changes what goes wrong, or looks at what has.
    pub fn faults<T>(&self, act: impl FnOnce(&mut Faults) -> T) -> T {
        self.core.faults(act)
    }

    /// Sends the events that wait for it to the webhook endpoints, and waits until that is done.
    /// A serving sandbox does it by itself.
    pub async fn deliver_webhooks(&self) {
        self.core.deliver_webhooks().await;
    }

    /// What was, or is to be, sent to the webhook endpoints, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.core.webhooks(|webhooks| webhooks.deliveries())
    }

    /// Answers a request in this process, by the same routes as over the network. Where faults
    /// are asked for, the answer may be lost.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let request = request.map(Body::from);
        let answer = match self.router().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never as Infallible {},
        };
        let (mut parts, body) = answer.into_parts();
        if let Some(lost) = parts.extensions.remove::<Lost>() {
            return Err(lost);
        }
        // The bodies are made in memory here: they neither break off nor exceed anything.
        let body = axum::body::to_bytes(body, usize::MAX).await;
        Ok(Response::from_parts(parts, body.unwrap_or_default()))
    }

    /// As [`Sandbox::send`], for those who ask for no faults: a lost answer is an empty 502.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.send(request).await.unwrap_or_else(|_| {
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = http::StatusCode::BAD_GATEWAY;
            answer
        })
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
            failed = self.core.keep_saving() => Err(io::Error::other(failed)),
            never = self.core.keep_delivering() => match never {},
            never = self.core.keep_settling() => match never {},
        };
        let saved = self.core.save_apart().await.map_err(io::Error::other);
        served.and(saved)
    }
}

impl fmt::Debug for Sandbox {
    /// Shows neither the key nor ten thousand organizations.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "sandbox_tests.rs"]
mod tests;

#[cfg(test)]
mod effect_tests;
