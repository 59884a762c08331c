//! The watches: what the API server has of each kind, kept up to date.
//!
//! A watch that is interrupted begins again, later each time; what was known stands meanwhile. One
//! object that cannot be read stops nothing.

use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt};
use kube::core::{DeserializeGuard, NamespaceResourceScope};
use kube::runtime::reflector::store::{Store, Writer};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Resource};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::backoff::WatchBackoff;
use super::watched::{self, Watched};
use portalctl_platform::clock::SharedClock;

/// Whether the watches have listed what there is, once. A store of kube knows too, but wakes only
/// one of those who wait for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    kinds: [CancellationToken; 2],
}

impl Listed {
    /// Whether everything was listed.
    pub(super) fn is_done(&self) -> bool {
        self.kinds.iter().all(CancellationToken::is_cancelled)
    }

    /// Waits until everything was listed.
    pub(super) async fn done(&self) {
        for kind in &self.kinds {
            kind.cancelled().await;
        }
    }

    /// What the watch of each kind cancels once it has listed.
    pub(super) fn kinds(&self) -> [CancellationToken; 2] {
        self.kinds.clone()
    }
}

/// Starts watches, and ends them together.
pub(super) struct Watches<'a> {
    /// The API server.
    pub(super) client: &'a Client,
    /// The only namespace that is looked at; all of them without it.
    pub(super) namespace: Option<&'a str>,
    /// The time.
    pub(super) clock: &'a SharedClock,
    /// Who watches.
    pub(super) identity: &'a str,
    /// Told whenever something changes.
    pub(super) changed: &'a Arc<Notify>,
    /// Ends them.
    pub(super) stop: &'a CancellationToken,
}

impl Watches<'_> {
    /// Keeps a store of one kind up to date.
    pub(super) fn start<K>(
        &self,
        listed: CancellationToken,
        background: &mut JoinSet<()>,
    ) -> Store<Watched<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let api: Api<DeserializeGuard<K>> = match self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let (store, writer) = reflector::store();
        let who = format!("{} {}", self.identity, K::kind(&()));
        let events = watcher(api, watcher::Config::default())
            .backoff(WatchBackoff::new(Arc::clone(self.clock), who))
            // Nobody here asks who wrote which field, which is half of an object.
            .modify(|object| object.meta_mut().managed_fields = None)
            .map_ok(watched::shared);
        let (changed, stop) = (Arc::clone(self.changed), self.stop.clone());
        background.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = follow(events, writer, &changed, &listed) => {}
            }
        });
        store
    }
}

async fn follow<K>(
    events: impl Stream<Item = watcher::Result<watcher::Event<Watched<K>>>>,
    mut writer: Writer<Watched<K>>,
    changed: &Notify,
    listed: &CancellationToken,
) where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                writer.apply_watcher_event(&event);
                if matches!(event, watcher::Event::InitDone) {
                    listed.cancel();
                }
                changed.notify_one();
            }
            Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "the watch was interrupted"),
        }
    }
}
