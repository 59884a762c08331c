//! Ctrl-C and SIGTERM: the first lets what is in flight finish, the second ends at once.

use tokio_util::sync::CancellationToken;

use super::exit::Exit;

/// Watches for signals until the runtime ends; the token is cancelled at the first.
pub(super) fn watch() -> CancellationToken {
    let token = CancellationToken::new();
    let watched = token.clone();
    tokio::spawn(async move {
        signal().await;
        watched.cancel();
        signal().await;
        exit_now();
    });
    token
}

#[expect(
    clippy::exit,
    reason = "the second signal ends the process without waiting for anything"
)]
fn exit_now() {
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => wait_for_ctrl_c().await,
    }
}

#[cfg(not(unix))]
async fn signal() {
    wait_for_ctrl_c().await;
}

/// Waits for Ctrl-C. Without a handler it never ends: the default action ends the process.
async fn wait_for_ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
