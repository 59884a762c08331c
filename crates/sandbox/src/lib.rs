//! In-memory WorkOS for tests and demonstrations, without an account.
//!
//! - [`world`]: the simulated environment: state and rules, no I/O.
//! - `server`: the HTTP routes, and the control API by which tests and demos play the customer.
//! - [`fault`]: fault injection.
//! - [`webhook`]: signed events and their endpoints; `deliver` sends them.
//! - `portal`: the pages behind a portal link.
//! - [`scenario`]: initial states, built in or from a file.
//! - [`state`]: the state file of sandboxes that outlive their process.
//!
//! The sandbox shares no type with the client: what WorkOS documents judges both. It is meant for
//! this machine only; its ids and tokens are predictable by design.

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "a test reads from top to bottom, and a table of cases is as long as it is"
    )
)]

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
/// Clocks of a sandbox: the machine's, and a virtual one for tests.
pub use portalctl_platform::clock;

/// Interval at which a serving sandbox writes its state file, if there are changes.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Interval at which a serving sandbox carries out what has become due.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

/// Clients that may use the parts without a key: the portal pages and the control API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// This machine, by one of its own names.
    ThisMachine,
    /// Other machines too, by an address or a name without a dot, as services have in compose and
    /// in CI. A name with a dot could be anybody's, pointed here for a browser to follow.
    Network,
}

/// Configuration of a sandbox.
pub struct SandboxOptions {
    /// Clock.
    pub clock: SharedClock,
    /// Initial state.
    pub world: World,
    /// Only accepted API key; `None` accepts any well-formed test key.
    pub key: Option<SecretString>,
    /// Only client id whose public keys are served; `None` accepts any.
    pub client_id: Option<String>,
    /// Rate limit of a key.
    pub rate_limit: RateLimit,
    /// Minimum latency of every answer.
    pub latency: Duration,
    /// Base of portal links; by default the address that the caller used.
    pub base_url: Option<String>,
    /// Clients that may use the parts without a key.
    pub audience: Audience,
    /// Target of the portal's logo for links without a return URL: a setting of WorkOS's dashboard.
    pub default_return_url: Option<String>,
    /// State file, for sandboxes that outlive their process.
    pub state: Option<StateFile>,
    /// Faults to inject.
    pub faults: Faults,
    /// Webhook endpoints.
    pub webhooks: Vec<Endpoint>,
    /// Transport of webhooks; none are sent without it.
    pub deliver: Option<Arc<dyn Deliver>>,
}

impl SandboxOptions {
    /// Creates the default configuration: any test key, WorkOS's rate limit, no state file, no
    /// faults.
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

/// Running sandbox. Clones share their state.
#[derive(Clone)]
pub struct Sandbox {
    core: Core,
    router: Router,
}

impl Sandbox {
    /// Creates a sandbox.
    pub fn new(options: SandboxOptions) -> Self {
        let core = Core::new(options);
        let router = server::router(&core);
        Self { core, router }
    }

    /// Returns the HTTP routes as a service.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Runs a function on the world, with the current time.
    pub fn world<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        self.core.world(act)
    }

    /// Reads the world.
    pub fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        self.core.read(look)
    }

    /// Returns the sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.core.now()
    }

    /// Returns the number of requests that were answered, on any route and with any status.
    pub fn requests(&self) -> u64 {
        self.core.requests()
    }

    /// Writes the state file, if there is one and the state has changed.
    pub fn save(&self) -> Result<(), StateError> {
        self.core.save()
    }

    /// Reads or changes the fault rules.
    pub fn faults<T>(&self, act: impl FnOnce(&mut Faults) -> T) -> T {
        self.core.faults(act)
    }

    /// Sends the waiting webhooks and returns when that is done. A serving sandbox does it by
    /// itself.
    pub async fn deliver_webhooks(&self) {
        self.core.deliver_webhooks().await;
    }

    /// Returns all webhook deliveries, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.core.webhooks(|webhooks| webhooks.deliveries())
    }

    /// Answers a request in this process, by the same routes as over the network. With faults the
    /// answer may be lost.
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
        // Bodies are made in memory here: they neither break off nor exceed a limit.
        let body = axum::body::to_bytes(body, usize::MAX).await;
        Ok(Response::from_parts(parts, body.unwrap_or_default()))
    }

    /// Answers a request like [`Sandbox::send`]; a lost answer becomes an empty 502.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.send(request).await.unwrap_or_else(|_| {
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = http::StatusCode::BAD_GATEWAY;
            answer
        })
    }

    /// Serves until `shutdown` is done, finishes open requests, and saves the state.
    pub async fn serve<S>(self, listener: TcpListener, shutdown: S) -> io::Result<()>
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = listener.tap_io(|stream| {
            // Small answers must not wait for more. Without this option they are merely slower.
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
    /// Formats the sandbox without the key and the organizations.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod effect_tests;
