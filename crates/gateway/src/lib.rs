//! The gateway: the endpoint that hands an app's IT admins over to the Admin Portal.
//!
//! ```text
//! app ─ token ─▶ /portal/KEY/INTENT ─▶ who? may they? ─▶ declared? ─▶ link ─▶ 303 to the portal
//! portal ──────▶ /return/KEY/INTENT ─▶ this browser? ──▶ readiness ─▶ page, or on to the app
//! ```
//!
//! It decides nothing of its own about customers: the manifest declares them, [`portalctl_core::link`] says
//! whether a link may be made and where it leads back to, [`mod@portalctl_core::readiness`] how far they are.
//! What it adds is who somebody is. A link is made for whoever is redirected to it at once, and is
//! nowhere else; used tokens are remembered in memory, so one gateway serves one app.

mod config;
mod crypto;
mod files;
#[cfg(fuzzing)]
pub mod fuzzing;
mod keyring;
mod keys;
mod limits;
mod manifest;
mod metrics;
mod outcome;
mod pages;
mod portal;
mod proxy;
mod public_url;
mod refusal;
mod reload;
mod returning;
mod seal;
mod server;
mod token;
mod trail;
mod upstream;
mod used;
mod words;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use portalctl_model::OrgKey;
use portalctl_model::codes::{Code, cli as cli_codes, gateway as codes};
use portalctl_platform::clock::SharedClock;
use portalctl_platform::listen;
use portalctl_workos::Client;

use config::Trust;
use keyring::Keyring;
use limits::Limit;
use manifest::Manifest;
use metrics::{Metrics, Snapshot};
use pages::Pages;
use seal::Seal;
use token::Rules;
use upstream::Upstream;
use used::Used;

pub use config::{Config, Problem};
pub use manifest::Customers;
pub use public_url::{InvalidPublicUrl, PublicUrl};

/// How much more often people may look at how far they are than ask for a link.
const LOOKS_PER_LINK: u32 = 6;

/// What a gateway is made of.
pub struct Options {
    /// What asks WorkOS.
    pub client: Client,
    /// What tells the time.
    pub clock: SharedClock,
    /// How people are known, and what they are shown.
    pub config: Config,
    /// Under which address browsers reach it.
    pub public_url: PublicUrl,
    /// Who the customers are.
    pub customers: Customers,
}

/// Why a gateway cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Unusable {
    /// The code that `portalctl explain` knows.
    pub code: Code,
    /// What is wrong.
    pub message: String,
}

/// A gateway. Clones are the same one.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

/// What all requests share.
struct Shared {
    clock: SharedClock,
    config: Config,
    public_url: PublicUrl,
    manifest: Manifest,
    /// Where people are known by tokens.
    tokens: Option<(Rules, Keyring)>,
    used: Used,
    seal: RwLock<Arc<Seal>>,
    subjects: Limit<String>,
    organizations: Limit<OrgKey>,
    looks: Limit<String>,
    upstream: Upstream,
    pages: Pages,
    metrics: Metrics,
    is_closing: AtomicBool,
}

impl Gateway {
    /// Makes a gateway. Reads the files that the configuration names; makes no request.
    pub fn open(options: Options) -> Result<Self, Unusable> {
        crypto::install();
        let Options {
            client,
            clock,
            config,
            public_url,
            customers,
        } = options;
        let tokens = match &config.trust {
            Trust::Token(token) => {
                let keys = Keyring::open(token.keys.clone(), Arc::clone(&clock));
                let keys = keys.map_err(|message| Unusable {
                    code: codes::KEYS,
                    message,
                })?;
                let audience = token.audience.as_deref().unwrap_or(public_url.as_str());
                let rules = Rules {
                    issuer: token.issuer.clone(),
                    audience: audience.to_owned(),
                    role: token.role.clone(),
                    leeway: config.clock_leeway,
                    begins: begins(&clock, config.clock_leeway),
                };
                Some((rules, keys))
            }
            Trust::Proxy(_) => None,
        };
        let limits = config.limits;
        Ok(Self(Arc::new(Shared {
            seal: RwLock::new(Arc::new(seal(&config)?)),
            pages: Pages::new(config.brand.clone()),
            manifest: Manifest::new(customers),
            tokens,
            used: Used::default(),
            subjects: Limit::new(limits.per_subject),
            organizations: Limit::new(limits.per_organization),
            looks: Limit::new(limits.per_subject.saturating_mul(LOOKS_PER_LINK)),
            upstream: Upstream::new(client, Arc::clone(&clock), limits.in_flight),
            metrics: Metrics::new(),
            is_closing: AtomicBool::new(false),
            clock,
            config,
            public_url,
        })))
    }

    /// Serves until `shutdown` is cancelled, and finishes what is under way then.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let closing = async {
            shutdown.cancelled().await;
            self.0.is_closing.store(true, Ordering::Relaxed);
        };
        let router = server::router(&self);
        tokio::select! {
            served = listen::serve(listener, router, closing, &self.0.clock) => served,
            never = reload::keep_current(&self) => match never {},
            never = reload::keep_api_key(&self) => match never {},
        }
    }
}

impl Shared {
    /// The time, in seconds of the epoch.
    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// Returns whether people can be served: keys are there, WorkOS takes the API key, and tokens of
    /// this second would be taken.
    fn is_ready(&self) -> bool {
        let tokens = self.tokens.as_ref();
        !self.is_closing.load(Ordering::Relaxed)
            && !self.upstream.is_key_refused()
            && tokens
                .is_none_or(|(rules, keys)| keys.keys().is_some() && self.now() >= rules.begins)
    }

    fn seal(&self) -> Arc<Seal> {
        let seal = self.seal.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&seal)
    }

    /// Reads the gateway's own secret anew.
    fn read_secret(&self) -> Result<(), Unusable> {
        let fresh = Arc::new(seal(&self.config)?);
        let mut seal = self.seal.write().unwrap_or_else(PoisonError::into_inner);
        *seal = fresh;
        Ok(())
    }

    fn metrics_text(&self) -> String {
        self.metrics.text(&Snapshot {
            used_tokens: self.used.sweep(self.now()),
            in_flight: self.upstream.in_flight(),
            workos_requests: self.upstream.requests(),
            is_key_refused: self.upstream.is_key_refused(),
        })
    }
}

/// The first second whose tokens are taken: all of it lies after the start, by the clock of whoever
/// makes them too.
fn begins(clock: &SharedClock, leeway: i64) -> i64 {
    clock.now().as_second().saturating_add(1 + leeway)
}

/// The gateway's own keys: of its file, or of this process.
fn seal(config: &Config) -> Result<Seal, Unusable> {
    let no_randomness = || Unusable {
        code: cli_codes::INTERNAL,
        message: "the system gives no random bytes".to_owned(),
    };
    let Some(file) = &config.secret_file else {
        return Seal::random().ok_or_else(no_randomness);
    };
    let bad = |message: String| Unusable {
        code: codes::KEYS,
        message: format!("{} {message}", file.display()),
    };
    let text = files::read(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
    let secrets = keys::secrets(&text).map_err(|error| bad(error.to_string()))?;
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    Seal::new(&secrets).ok_or_else(no_randomness)
}
