//! Background loops that reload changed files, JWKS and the API key.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::files::fingerprint;
use super::keyring::Keyring;
use super::manifest::Problems;
use super::metrics::ReloadKind;
use super::state::GatewayState;
use portalctl_model::codes::gateway as codes;

/// Interval between two looks at the files.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Interval between probes of an API key that WorkOS refused.
const KEY_PROBE_INTERVAL: Duration = Duration::from_secs(30);

/// Files of one kind that are reloaded when they change.
struct Watched {
    kind: ReloadKind,
    files: Vec<PathBuf>,
    /// Fingerprint of the last look; `None` before the first, so that a change during the start is
    /// found.
    seen: Option<u64>,
    /// Set while the content cannot be read, which a change of permissions may end.
    is_failing: bool,
}

/// Reloads the manifest, the configuration, the keys and the secret when they change; never returns.
pub(super) async fn reload_files(state: &Arc<GatewayState>) -> Infallible {
    let mut watched = watched(state);
    loop {
        refetch_keys(state).await;
        for it in &mut watched {
            if it.kind == ReloadKind::Config {
                it.files = state.config_files();
            }
            let now = current_fingerprint(it.files.clone()).await;
            let is_same = it.seen == Some(now);
            // Small files are tried again: a change of permissions shows in no fingerprint.
            let is_tried_again = it.is_failing && it.kind != ReloadKind::Manifest;
            if is_same && !is_tried_again {
                confirm(state, it.kind);
                continue;
            }
            let read = read(state, it.kind).await;
            let is_repaired = it.is_failing && read.is_ok();
            it.is_failing = read.is_err();
            let is_change = it.seen.replace(now).is_some() && !is_same;
            let is_new_failure = read.is_err() && !is_same;
            if is_change || is_new_failure || is_repaired {
                record_reload(state, it.kind, read);
            }
        }
        state.clock.sleep(POLL_INTERVAL).await;
    }
}

/// Reloads the API key when its file changes, and probes a key that WorkOS refused; never returns.
pub(super) async fn reload_api_key(state: &Arc<GatewayState>) -> Infallible {
    let mut was_refused = false;
    let mut asked = state.clock.instant();
    loop {
        let is_new = state.upstream.reload_key().await;
        if is_new {
            record_reload(state, ReloadKind::ApiKey, Ok(()));
        }
        let now = state.clock.instant();
        let is_due = now.saturating_duration_since(asked) >= KEY_PROBE_INTERVAL;
        if is_new || (state.upstream.is_key_refused() && is_due) {
            asked = now;
            state.upstream.probe_key().await;
        }
        let is_refused = state.upstream.is_key_refused();
        if is_refused != was_refused {
            was_refused = is_refused;
            if is_refused {
                let code = portalctl_model::codes::api::UNAUTHORIZED.as_str();
                tracing::error!(code, "WorkOS refuses the API key");
            } else {
                tracing::info!("WorkOS takes the API key again");
            }
        }
        state.clock.sleep(POLL_INTERVAL).await;
    }
}

/// Asks a shared store of used tokens whether it answers, so that readiness is known before somebody
/// comes; never returns.
pub(super) async fn probe_store(state: &Arc<GatewayState>) -> Infallible {
    loop {
        state.used_tokens.probe().await;
        state.clock.sleep(POLL_INTERVAL).await;
    }
}

/// Returns the files to watch.
fn watched(state: &GatewayState) -> Vec<Watched> {
    let keys = state.keyring.as_ref().and_then(Keyring::file);
    let secret = state.setup().config.secret_file.clone();
    let all = [
        (ReloadKind::Manifest, state.manifest.files().to_vec()),
        (ReloadKind::Config, state.config_files()),
        (ReloadKind::Keys, keys.into_iter().cloned().collect()),
        (ReloadKind::Secret, secret.into_iter().collect()),
    ];
    all.into_iter()
        .filter(|(_, files)| !files.is_empty())
        .map(|(kind, files)| Watched {
            kind,
            files,
            seen: None,
            is_failing: false,
        })
        .collect()
}

/// Returns the fingerprint of files, computed on a thread that may block.
async fn current_fingerprint(files: Vec<PathBuf>) -> u64 {
    let looked = tokio::task::spawn_blocking(move || fingerprint(&files)).await;
    looked.expect("taking a fingerprint does not panic")
}

/// Reloads one kind of file. A problem is returned and leaves the current content in use.
async fn read(state: &Arc<GatewayState>, kind: ReloadKind) -> Result<(), Problems> {
    let state = Arc::clone(state);
    let read = tokio::task::spawn_blocking(move || match (kind, &state.keyring) {
        (ReloadKind::Manifest, _) => state.manifest.reload(),
        (ReloadKind::Config, _) => state.read_config(),
        (ReloadKind::Keys, Some(keys)) => {
            let read = keys.read_file();
            read.map_err(|message| vec![(codes::KEYS, message)])
        }
        _ => {
            let read = state.read_secret();
            read.map_err(|error| vec![(error.code, error.message)])
        }
    });
    match read.await {
        Ok(read) => read,
        Err(error) => Err(vec![(
            portalctl_model::codes::cli::INTERNAL,
            error.to_string(),
        )]),
    }
}

/// Records that content is still as it was read.
fn confirm(state: &GatewayState, kind: ReloadKind) {
    if let (ReloadKind::Keys, Some(keys)) = (kind, &state.keyring) {
        keys.confirm_file();
    }
}

/// Counts and logs a reload.
fn record_reload(state: &GatewayState, kind: ReloadKind, read: Result<(), Problems>) {
    let what = kind.as_str();
    match read {
        Ok(()) => {
            state.metrics.content_read(kind);
            tracing::info!(what, "read again");
        }
        Err(problems) => {
            state.metrics.content_kept(kind);
            for (code, message) in problems {
                tracing::error!(what, code = code.as_str(), message, "kept as it was");
            }
        }
    }
}

/// Fetches a JWKS URL whose keys are old or missing.
async fn refetch_keys(state: &GatewayState) {
    if let Some(keys) = &state.keyring {
        match keys.refetch_if_old().await {
            Ok(false) => {}
            Ok(true) => record_reload(state, ReloadKind::Keys, Ok(())),
            Err(message) => {
                record_reload(state, ReloadKind::Keys, Err(vec![(codes::KEYS, message)]));
            }
        }
    }
}
