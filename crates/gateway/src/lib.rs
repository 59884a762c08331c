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
mod proxy;
mod public_url;
mod refusal;
mod reload;
mod request;
mod return_handler;
mod server;
mod session_token;
mod state;
mod state_handler;
mod token;
mod upstream;
mod used_tokens;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use portalctl_model::codes::gateway as codes;
use portalctl_platform::clock::SharedClock;
use portalctl_platform::listen;
use portalctl_workos::Client;

use config::{IdentityProvider, TokenRules};
use keyring::Keyring;
use limits::Limit;
use manifest::Manifest;
use metrics::Metrics;
use pages::Pages;
use state::{GatewayState, signing_keys};
use token::Rules;
use upstream::Upstream;
use used_tokens::UsedTokens;

pub use config::{Config, Problem};
pub use error::OpenError;
pub use manifest::Customers;
pub use public_url::{InvalidPublicUrl, PublicUrl};

/// Status pages that a person may load for each link that they may ask for.
const VIEWS_PER_LINK: u32 = 6;

/// Parts that a gateway is built from.
pub struct Options {
    /// Client of WorkOS.
    pub client: Client,
    /// Clock, for tests to replace.
    pub clock: SharedClock,
    /// Authentication, look and limits.
    pub config: Config,
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
    pub fn open(options: Options) -> Result<Self, OpenError> {
        crypto::install();
        let Options {
            client,
            clock,
            config,
            public_url,
            customers,
        } = options;
        let used_tokens = UsedTokens::open(&config.used_tokens)?;
        let tokens = match &config.identity_provider {
            IdentityProvider::Token(token) => {
                let expire_after = token.keys_expire_after;
                let keys = Keyring::open(token.keys.clone(), expire_after, Arc::clone(&clock))
                    .map_err(|message| OpenError::new(codes::KEYS, message))?;
                let not_before = if used_tokens.outlives_the_process() {
                    i64::MIN
                } else {
                    not_before(&clock, config.clock_leeway)
                };
                let rules = token_rules(token, &public_url, config.clock_leeway, not_before);
                Some((rules, keys))
            }
            IdentityProvider::Proxy(_) => None,
        };
        let limits = config.limits;
        Ok(Self(Arc::new(GatewayState {
            signing_keys: RwLock::new(Arc::new(signing_keys(&config)?)),
            pages: Pages::new(config.brand.clone()),
            manifest: Manifest::new(customers),
            tokens,
            used_tokens,
            subjects: Limit::new(limits.per_subject),
            organizations: Limit::new(limits.per_organization),
            state_reads: Limit::new(limits.per_organization),
            status_views: Limit::new(limits.per_subject.saturating_mul(VIEWS_PER_LINK)),
            upstream: Upstream::new(client, Arc::clone(&clock), limits.in_flight),
            metrics: Metrics::new(),
            is_closing: AtomicBool::new(false),
            clock,
            config,
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

/// Combines the configured rules with those that the gateway itself knows.
fn token_rules(token: &TokenRules, public_url: &PublicUrl, leeway: i64, not_before: i64) -> Rules {
    let audience = token.audience.as_deref().unwrap_or(public_url.as_str());
    Rules {
        issuer: token.issuer.clone(),
        audience: audience.to_owned(),
        role: token.role.clone(),
        leeway,
        not_before,
    }
}
