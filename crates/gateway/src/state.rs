//! State that all requests of one gateway share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use portalctl_model::OrgKey;
use portalctl_model::codes::{cli as cli_codes, gateway as codes};
use portalctl_platform::clock::SharedClock;

use super::config::Config;
use super::error::OpenError;
use super::keyring::{KeyState, Keyring};
use super::keys::InvalidKeys;
use super::limits::Limit;
use super::manifest::{Manifest, Problems};
use super::metrics::{Metrics, Snapshot};
use super::public_url::PublicUrl;
use super::session_token::SigningKeys;
use super::setup::{self, Setup};
use super::upstream::Upstream;
use super::used_tokens::UsedTokens;
use super::{files, keys};

/// Readiness of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Readiness {
    /// People are served, with these flaws.
    Yes(Vec<String>),
    /// No person is served, for this reason.
    No(String),
}

/// State that all requests share.
pub(super) struct GatewayState {
    pub(super) clock: SharedClock,
    /// Configuration in use, and what is built from it.
    pub(super) setup: RwLock<Arc<Setup>>,
    /// File that the configuration was read from, to be read again.
    pub(super) config_file: Option<PathBuf>,
    pub(super) public_url: PublicUrl,
    pub(super) manifest: Manifest,
    /// Keys of tokens; `None` where a proxy authenticates.
    pub(super) keyring: Option<Keyring>,
    /// First second whose tokens are judged, since the epoch.
    pub(super) not_before: i64,
    /// Random name of this process, where used tokens are forgotten when it ends; else empty.
    pub(super) process: String,
    pub(super) used_tokens: UsedTokens,
    pub(super) signing_keys: RwLock<Arc<SigningKeys>>,
    pub(super) subjects: Limit<String>,
    pub(super) organizations: Limit<OrgKey>,
    pub(super) state_reads: Limit<OrgKey>,
    pub(super) status_views: Limit<String>,
    /// Organizations that were created in the last hour.
    pub(super) provisions: Limit<()>,
    /// Held while an organization is looked up and created, so that two presses make one.
    pub(super) provisioning: tokio::sync::Mutex<()>,
    pub(super) upstream: Upstream,
    pub(super) metrics: Metrics,
    pub(super) is_closing: AtomicBool,
}

impl GatewayState {
    /// Returns the current time, in seconds since the epoch.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// Returns the configuration in use; a request asks once, and keeps what it got.
    pub(super) fn setup(&self) -> Arc<Setup> {
        let setup = self.setup.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&setup)
    }

    /// Returns whether people can be served: keys are there, WorkOS accepts the API key, and tokens
    /// issued in this second are accepted.
    pub(super) fn readiness(&self) -> Readiness {
        if self.is_closing.load(Ordering::Relaxed) {
            return Readiness::No("the gateway is ending".to_owned());
        }
        if self.upstream.is_key_refused() {
            return Readiness::No("WorkOS refuses the API key".to_owned());
        }
        let keys = self.keyring.as_ref().map(Keyring::state);
        match keys {
            Some(KeyState::Missing) => {
                return Readiness::No(
                    "the JWKS of hand-off tokens has not been read yet".to_owned(),
                );
            }
            Some(KeyState::Withdrawn) => {
                return Readiness::No("every key of hand-off tokens is withdrawn".to_owned());
            }
            Some(KeyState::Ended(age)) => {
                let age = age.as_secs();
                let why = format!("the keys of hand-off tokens could not be read for {age} s");
                return Readiness::No(why);
            }
            Some(_) if !self.used_tokens.is_reachable() => {
                return Readiness::No("the store of used tokens does not answer".to_owned());
            }
            Some(_) if self.now() < self.not_before => {
                return Readiness::No("the gateway has just started".to_owned());
            }
            _ => {}
        }
        // The last good manifest and keys serve as well as before.
        let mut flaws = Vec::new();
        if !self.metrics.manifest_is_current() {
            flaws.push("the manifest from before an edit that cannot be used".to_owned());
        }
        if !self.metrics.config_is_current() {
            flaws.push("the configuration from before an edit that cannot be used".to_owned());
        }
        if let Some(KeyState::Stale(age)) = keys {
            let age = age.as_secs();
            flaws.push(format!("keys that could not be read again for {age} s"));
        }
        Readiness::Yes(flaws)
    }

    pub(super) fn signing_keys(&self) -> Arc<SigningKeys> {
        let keys = self
            .signing_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&keys)
    }

    /// Reads the gateway's own secret again. An emptied file withdraws it: cookies that it signed
    /// stop counting, and no results are signed.
    pub(super) fn read_secret(&self) -> Result<(), OpenError> {
        let setup = self.setup();
        let config = &setup.config;
        let (fresh, result) = match signing_keys(config) {
            Ok(keys) => (Some(keys), Ok(())),
            Err(error) if is_emptied(config.secret_file.as_deref()) => {
                (SigningKeys::random(), Err(error))
            }
            Err(error) => (None, Err(error)),
        };
        if let Some(fresh) = fresh {
            let mut keys = self
                .signing_keys
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *keys = Arc::new(fresh);
        }
        result
    }

    /// Returns the file of the configuration, and the files that it makes pages of.
    pub(super) fn config_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.config_file.iter().cloned().collect();
        if !files.is_empty() {
            files.extend(setup::files_of(&self.setup().config.brand));
        }
        files
    }

    /// Reads the configuration again. One that cannot be used, or that only a restart can take into
    /// use, leaves the one in use in place.
    pub(super) fn read_config(&self) -> Result<(), Problems> {
        let Some(file) = &self.config_file else {
            return Ok(());
        };
        let bad = |message: String| vec![(codes::CONFIG, message)];
        let name = file.display();
        let text =
            files::read(file).map_err(|error| bad(format!("{name} cannot be read: {error}")))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let config = Config::read(&text, folder).map_err(|problems| {
            let told = problems.iter().map(|problem| problem.told(file));
            told.map(|message| (codes::CONFIG, message))
                .collect::<Problems>()
        })?;
        let late = config.needs_restart(&self.setup().config);
        if !late.is_empty() {
            let late = late.join(", ");
            let message = format!("{name}: a change of {late} takes effect with a restart");
            return Err(bad(message));
        }
        let setup = Setup::build(config, &self.public_url, self.not_before).map_err(|errors| {
            let errors = errors.into_iter();
            errors
                .map(|error| (error.code, error.message))
                .collect::<Problems>()
        })?;
        *self.setup.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(setup);
        Ok(())
    }

    pub(super) fn metrics_text(&self) -> String {
        self.metrics.text(&Snapshot {
            used_tokens: self.used_tokens.sweep(self.now()),
            in_flight: self.upstream.in_flight(),
            workos_requests: self.upstream.requests(),
            is_key_refused: self.upstream.is_key_refused(),
            is_store_reachable: self.used_tokens.is_reachable(),
            keys_age: self.keyring.as_ref().map_or(0, |keys| keys.age().as_secs()),
        })
    }
}

/// Creates the error of a system without random bytes.
pub(super) fn no_randomness() -> OpenError {
    OpenError::new(cli_codes::INTERNAL, "the system gives no random bytes")
}

/// Returns the gateway's own signing keys: from its file, or random ones for this process.
pub(super) fn signing_keys(config: &Config) -> Result<SigningKeys, OpenError> {
    let Some(file) = &config.secret_file else {
        return SigningKeys::random().ok_or_else(no_randomness);
    };
    let bad =
        |message: String| OpenError::new(codes::KEYS, format!("{} {message}", file.display()));
    let text = files::read(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
    let secrets = keys::secrets(&text).map_err(|error| bad(error.to_string()))?;
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    SigningKeys::new(&secrets, config.result_keys).ok_or_else(no_randomness)
}

/// Returns whether a file of secrets can be read and holds none.
fn is_emptied(file: Option<&Path>) -> bool {
    let text = file.and_then(|file| files::read(file).ok());
    text.is_some_and(|text| keys::secrets(&text) == Err(InvalidKeys::NoSecret))
}
