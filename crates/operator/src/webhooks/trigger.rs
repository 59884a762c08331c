//! Requests for passes that webhooks make, passed on to the leader. Webhooks that arrive together are
//! one request. Which process leads does not matter here.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::super::resource::{Name, PortalEnvironment};
use super::super::store::RECONCILE_REQUESTED;
use portalctl_platform::clock::SharedClock;

/// Time in which webhooks of one environment are combined to one request.
const GATHER: Duration = Duration::from_secs(1);

/// Requests for passes, passed on as an annotation of the environment that the leader sees by its
/// watch. At most one a second for each environment is sent, and none is lost.
#[derive(Debug, Default)]
pub(in super::super) struct WebhookTrigger {
    requested: Mutex<BTreeSet<Name>>,
    added: Notify,
}

impl WebhookTrigger {
    fn requested(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests a pass of an environment.
    pub(super) fn trigger(&self, environment: Name) {
        self.requested().insert(environment);
        self.added.notify_one();
    }

    /// Passes requests on until it is told to stop.
    pub(in super::super) async fn run(
        self: Arc<Self>,
        client: kube::Client,
        clock: SharedClock,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.added.notified() => {}
            }
            let names = std::mem::take(&mut *self.requested());
            for name in names {
                annotate(&client, &name, &clock.now().to_string()).await;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = clock.sleep(GATHER) => {}
            }
        }
    }
}

/// Writes the annotation that requests a pass.
async fn annotate(client: &kube::Client, name: &Name, at: &str) {
    let api: Api<PortalEnvironment> = Api::namespaced(client.clone(), &name.namespace);
    let body = json!({ "metadata": { "annotations": { RECONCILE_REQUESTED: at } } });
    let patch = Patch::Merge(&body);
    let patched = api.patch(&name.name, &PatchParams::default(), &patch).await;
    if let Err(error) = patched {
        tracing::warn!(environment = %name, %error, "a webhook could not be passed on to the leader");
    }
}
