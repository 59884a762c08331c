//! Keeps what was read from files and addresses as they are now.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use super::Gateway;
use super::files::fingerprint;
use portalctl_model::codes::{Code, gateway as codes};

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Interval between questions to WorkOS about a key that it refused.
const ASK_ABOUT_KEY: Duration = Duration::from_secs(30);

/// Something that is read again when its files change.
struct Watched {
    what: &'static str,
    files: Vec<PathBuf>,
    /// None until they have been looked at: what changed while the gateway started shows then.
    seen: Option<u64>,
}

/// Looks again and again; never ends.
pub(super) async fn keep_current(gateway: &Gateway) -> Infallible {
    let mut watched = watched(gateway);
    loop {
        refresh_keys(gateway).await;
        for it in &mut watched {
            let now = print(it.files.clone()).await;
            if it.seen == Some(now) {
                continue;
            }
            let read = read(gateway, it.what).await;
            let is_news = it.seen.replace(now).is_some();
            if is_news || read.is_err() {
                tell(gateway, it.what, read);
            }
        }
        gateway.0.clock.sleep(EVERY).await;
    }
}

/// Keeps the API key as its file has it, and asks WorkOS again about a key that it refused; never
/// ends.
pub(super) async fn keep_api_key(gateway: &Gateway) -> Infallible {
    let shared = &gateway.0;
    let mut was_refused = false;
    let mut asked = shared.clock.instant();
    loop {
        let is_new = shared.upstream.read_key_again().await;
        if is_new {
            tell(gateway, "api_key", Ok(()));
        }
        let now = shared.clock.instant();
        let is_due = now.saturating_duration_since(asked) >= ASK_ABOUT_KEY;
        if is_new || (shared.upstream.is_key_refused() && is_due) {
            asked = now;
            shared.upstream.ask_about_key().await;
        }
        let is_refused = shared.upstream.is_key_refused();
        if is_refused != was_refused {
            was_refused = is_refused;
            if is_refused {
                let code = portalctl_model::codes::api::UNAUTHORIZED.as_str();
                tracing::error!(code, "WorkOS refuses the API key");
            } else {
                tracing::info!("WorkOS takes the API key again");
            }
        }
        shared.clock.sleep(EVERY).await;
    }
}

fn watched(gateway: &Gateway) -> Vec<Watched> {
    let shared = &gateway.0;
    let keys = shared.tokens.as_ref().and_then(|(_, keys)| keys.file());
    let all = [
        ("manifest", shared.manifest.files().to_vec()),
        ("keys", keys.into_iter().cloned().collect()),
        (
            "secret",
            shared.config.secret_file.iter().cloned().collect(),
        ),
    ];
    all.into_iter()
        .filter(|(_, files)| !files.is_empty())
        .map(|(what, files)| Watched {
            what,
            files,
            seen: None,
        })
        .collect()
}

async fn print(files: Vec<PathBuf>) -> u64 {
    let looked = tokio::task::spawn_blocking(move || fingerprint(&files)).await;
    looked.unwrap_or_default()
}

/// Reads one of them; what is wrong is told, and changes nothing.
async fn read(gateway: &Gateway, what: &'static str) -> Result<(), Vec<(Code, String)>> {
    let gateway = gateway.clone();
    let read = tokio::task::spawn_blocking(move || {
        let shared = &gateway.0;
        match (what, &shared.tokens) {
            ("manifest", _) => shared.manifest.read_again(),
            ("keys", Some((_, keys))) => {
                let read = keys.read_file();
                read.map_err(|message| vec![(codes::KEYS, message)])
            }
            _ => {
                let read = shared.read_secret();
                read.map_err(|error| vec![(error.code, error.message)])
            }
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

fn tell(gateway: &Gateway, what: &'static str, read: Result<(), Vec<(Code, String)>>) {
    gateway.0.metrics.reloaded(what, read.is_ok());
    let Err(complaints) = read else {
        tracing::info!(what, "read again");
        return;
    };
    for (code, message) in complaints {
        tracing::error!(what, code = code.as_str(), message, "kept as it was");
    }
}

/// Keys behind an address grow old, or have not been there yet.
async fn refresh_keys(gateway: &Gateway) {
    if let Some((_, keys)) = &gateway.0.tokens {
        match keys.keep_fresh().await {
            Ok(false) => {}
            Ok(true) => tell(gateway, "keys", Ok(())),
            Err(message) => tell(gateway, "keys", Err(vec![(codes::KEYS, message)])),
        }
    }
}
