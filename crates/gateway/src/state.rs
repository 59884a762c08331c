//! State that all requests of one gateway share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use portalctl_model::OrgKey;
use portalctl_model::codes::{cli as cli_codes, gateway as codes};
use portalctl_platform::clock::SharedClock;

use super::config::Config;
use super::error::OpenError;
use super::keyring::Keyring;
use super::limits::Limit;
use super::manifest::Manifest;
use super::metrics::{Metrics, Snapshot};
use super::pages::Pages;
use super::public_url::PublicUrl;
use super::replay_cache::ReplayCache;
use super::session_token::SigningKeys;
use super::token::Rules;
use super::upstream::Upstream;
use super::{files, keys};

/// State that all requests share.
pub(super) struct GatewayState {
    pub(super) clock: SharedClock,
    pub(super) config: Config,
    pub(super) public_url: PublicUrl,
    pub(super) manifest: Manifest,
    /// Rules and keys for tokens; `None` where a proxy authenticates.
    pub(super) tokens: Option<(Rules, Keyring)>,
    pub(super) replay_cache: ReplayCache,
    pub(super) signing_keys: RwLock<Arc<SigningKeys>>,
    pub(super) subjects: Limit<String>,
    pub(super) organizations: Limit<OrgKey>,
    pub(super) status_views: Limit<String>,
    pub(super) upstream: Upstream,
    pub(super) pages: Pages,
    pub(super) metrics: Metrics,
    pub(super) is_closing: AtomicBool,
}

impl GatewayState {
    /// Returns the current time, in seconds since the epoch.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// Returns whether users can be served: keys are there, WorkOS accepts the API key, and tokens
    /// issued in this second are accepted.
    pub(super) fn is_ready(&self) -> bool {
        let tokens = self.tokens.as_ref();
        !self.is_closing.load(Ordering::Relaxed)
            && !self.upstream.is_key_refused()
            && tokens
                .is_none_or(|(rules, keys)| keys.keys().is_some() && self.now() >= rules.not_before)
    }

    pub(super) fn signing_keys(&self) -> Arc<SigningKeys> {
        let keys = self
            .signing_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&keys)
    }

    /// Reads the gateway's own secret again.
    pub(super) fn read_secret(&self) -> Result<(), OpenError> {
        let fresh = Arc::new(signing_keys(&self.config)?);
        let mut keys = self
            .signing_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *keys = fresh;
        Ok(())
    }

    pub(super) fn metrics_text(&self) -> String {
        self.metrics.text(&Snapshot {
            used_tokens: self.replay_cache.sweep(self.now()),
            in_flight: self.upstream.in_flight(),
            workos_requests: self.upstream.requests(),
            is_key_refused: self.upstream.is_key_refused(),
        })
    }
}

/// Returns the gateway's own signing keys: from its file, or random ones for this process.
pub(super) fn signing_keys(config: &Config) -> Result<SigningKeys, OpenError> {
    let no_randomness = || OpenError::new(cli_codes::INTERNAL, "the system gives no random bytes");
    let Some(file) = &config.secret_file else {
        return SigningKeys::random().ok_or_else(no_randomness);
    };
    let bad =
        |message: String| OpenError::new(codes::KEYS, format!("{} {message}", file.display()));
    let text = files::read(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
    let secrets = keys::secrets(&text).map_err(|error| bad(error.to_string()))?;
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    SigningKeys::new(&secrets).ok_or_else(no_randomness)
}
