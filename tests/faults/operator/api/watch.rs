//! Watches: changes to the objects of a kind, in order, with a delay, until the stream breaks.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream;
use portalctl_platform::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ApiServer;
use super::store::{Change, Kind};

/// Interval between bookmarks on an idle stream.
const BOOKMARKS: Duration = Duration::from_mins(1);

/// The way in which a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As an orderly one does.
    Closed,
    /// In the middle of a line.
    Torn,
    /// The stream hangs without an end until the network is calm again.
    Silent,
}

/// One stream.
pub(super) struct Stream {
    pub(super) server: Arc<ApiServer>,
    pub(super) replica: usize,
    pub(super) kind: Kind,
    /// Version of the last event that was delivered.
    pub(super) version: u64,
    /// Delay of each event.
    pub(super) delay: Duration,
    pub(super) until: Instant,
    pub(super) end: End,
    /// Time from which the network has no faults.
    pub(super) calm: Instant,
    pub(super) is_over: bool,
}

/// Next step of a stream.
enum Next {
    Change(Change),
    Expired(Value),
    Bookmark,
    End,
}

impl Stream {
    /// As the body of an answer.
    pub(super) fn body(self) -> Body {
        let lines = stream::unfold(self, |mut stream| async move {
            let line = stream.line().await?;
            Some((line, stream))
        });
        Body::from_stream(lines)
    }

    async fn line(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        if self.is_over {
            return None;
        }
        let next = self.next().await;
        let told = match next {
            Next::Change(change) => {
                SystemClock.sleep(self.delay).await;
                self.version = change.version;
                self.server.delivered(self.replica, &change);
                json!({ "type": change.what, "object": *change.object })
            }
            Next::Expired(status) => {
                self.is_over = true;
                json!({ "type": "ERROR", "object": status })
            }
            Next::Bookmark => {
                let (api_version, kind) = self.kind.names();
                json!({ "type": "BOOKMARK", "object": {
                    "apiVersion": api_version, "kind": kind,
                    "metadata": { "resourceVersion": self.version.to_string() },
                } })
            }
            Next::End => {
                self.is_over = true;
                return match self.end {
                    End::Closed => None,
                    End::Torn => Some(Ok(Bytes::from_static(b"{\"type\":\"MODI"))),
                    End::Silent => {
                        SystemClock.sleep_until(self.calm).await;
                        Some(Err(std::io::ErrorKind::ConnectionReset.into()))
                    }
                };
            }
        };
        Some(Ok(Bytes::from(format!("{told}\n"))))
    }

    async fn next(&mut self) -> Next {
        let bookmark = SystemClock.instant() + BOOKMARKS;
        loop {
            // Before the store is looked at, so that nothing between is missed.
            let changed = self.server.changed.notified();
            let now = SystemClock.instant();
            if now >= self.until {
                return Next::End;
            }
            if now >= bookmark {
                // Changes to other kinds only advance the version.
                return Next::Bookmark;
            }
            match self
                .server
                .store(|store| store.after(self.version, self.kind))
            {
                Ok(Some(change)) => return Next::Change(change),
                Ok(None) => self.version = self.version.max(self.server.store(|s| s.version())),
                Err(refusal) => return Next::Expired(refusal.status()),
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = SystemClock.sleep_until(self.until.min(bookmark)) => {}
            }
        }
    }
}
