//! Gateway: the HTTP endpoint that hands an app's IT admins over to the WorkOS Admin Portal.
//!
//! ```text
//! app ─ token ─▶ /portal/KEY/INTENT ─▶ authenticate ─▶ authorize ─▶ link ─▶ 303 to the portal
//! portal ──────▶ /return/KEY/INTENT ─▶ session ─▶ readiness ─▶ page, or redirect to the app
//! ```
//!
//! The gateway adds authentication to what the other crates decide: the manifest declares the
//! organizations, [`portalctl_core::link`] decides whether a link may be made and where it leads
//! back to, [`mod@portalctl_core::readiness`] derives the state of an intent. A link exists in one
//! answer only. Used tokens are remembered in memory, so that one process serves one app, or in a
//! store that several share.

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "a test reads from top to bottom, and a table of cases is as long as it is"
    )
)]

mod admission;
mod audit_log;
mod config;
mod cookie;
mod crypto;
mod error;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod handoff_handler;
mod keyring;
mod keys;
mod limits;
mod manifest;
mod metrics;
mod navigation;
mod outcome;
mod page_text;
mod pages;
mod provision;
mod proxy;
mod public_url;
mod refusal;
mod reload;
mod request;
mod return_handler;
mod server;
mod session_token;
mod setup;
mod state;
mod state_handler;
mod texts;
mod token;
mod upstream;
mod used_tokens;
mod visit;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use portalctl_model::codes::gateway as codes;
use portalctl_platform::clock::SharedClock;
use portalctl_platform::listen;
use portalctl_workos::Client;

use config::IdentityProvider;
use keyring::Keyring;
use limits::Limit;
use manifest::Manifest;
use metrics::Metrics;
use setup::Setup;
use state::{GatewayState, no_randomness, signing_keys};
use upstream::Upstream;
use used_tokens::UsedTokens;

pub use config::{Config, Problem};
pub use error::OpenError;
pub use manifest::Customers;
pub use public_url::{InvalidPublicUrl, PublicUrl};

/// Parts that a gateway is built from.
pub struct Options {
    /// Client of WorkOS.
    pub client: Client,
    /// Clock, for tests to replace.
    pub clock: SharedClock,
    /// Authentication, look and limits.
    pub config: Config,
    /// File of the configuration, to be read again when it changes; `None` where there is none.
    pub config_file: Option<PathBuf>,
    /// Address under which browsers reach the gateway.
    pub public_url: PublicUrl,
    /// Source of the declared organizations.
    pub customers: Customers,
}

/// The gateway. Clones share their state.
#[derive(Clone)]
pub struct Gateway(Arc<GatewayState>);

impl Gateway {
    /// Builds a gateway. Reads the files that the configuration names; makes no request.
    ///
    /// # Errors
    ///
    /// Returns every file that cannot be used.
    pub fn open(options: Options) -> Result<Self, Vec<OpenError>> {
        crypto::install();
        let Options {
            client,
            clock,
            config,
            config_file,
            public_url,
            customers,
        } = options;
        let one = |error| vec![error];
        let used_tokens = UsedTokens::open(&config.used_tokens).map_err(one)?;
        let keyring = match &config.identity_provider {
            IdentityProvider::Token(token) => {
                let expire_after = token.keys_expire_after;
                let keys = Keyring::open(token.keys.clone(), expire_after, Arc::clone(&clock));
                Some(keys.map_err(|message| one(OpenError::new(codes::KEYS, message)))?)
            }
            IdentityProvider::Proxy(_) => None,
        };
        let (not_before, process) = if used_tokens.outlives_the_process() {
            (i64::MIN, String::new())
        } else {
            let name = crypto::random::<12>().ok_or_else(|| one(no_randomness()))?;
            let not_before = not_before(&clock, config.clock_leeway);
            (not_before, URL_SAFE_NO_PAD.encode(name))
        };
        let in_flight = config.limits.in_flight;
        let signing_keys = signing_keys(&config).map_err(one)?;
        let setup = Setup::build(config, &public_url, not_before)?;
        Ok(Self(Arc::new(GatewayState {
            signing_keys: RwLock::new(Arc::new(signing_keys)),
            setup: RwLock::new(Arc::new(setup)),
            config_file,
            manifest: Manifest::new(customers),
            keyring,
            not_before,
            process,
            used_tokens,
            subjects: Limit::per_minute(),
            organizations: Limit::per_minute(),
            state_reads: Limit::per_minute(),
            status_views: Limit::per_minute(),
            provisions: Limit::per_hour(),
            provisioning: tokio::sync::Mutex::new(()),
            upstream: Upstream::new(client, Arc::clone(&clock), in_flight),
            metrics: Metrics::new(),
            is_closing: AtomicBool::new(false),
            clock,
            public_url,
        })))
    }

    /// Serves until `shutdown` is cancelled, and finishes the requests under way then.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let closing = async {
            shutdown.cancelled().await;
            self.0.is_closing.store(true, Ordering::Relaxed);
        };
        let router = server::router(Arc::clone(&self.0));
        tokio::select! {
            served = listen::serve(listener, router, closing, &self.0.clock) => served,
            never = reload::reload_files(&self.0) => match never {},
            never = reload::reload_api_key(&self.0) => match never {},
            never = reload::probe_store(&self.0) => match never {},
        }
    }
}

/// Returns the first second whose tokens are accepted: it lies after the start by the issuer's
/// clock as well.
fn not_before(clock: &SharedClock, leeway: i64) -> i64 {
    clock.now().as_second().saturating_add(1 + leeway)
}
