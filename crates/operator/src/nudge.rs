//! Passes webhooks on: a timestamp in an annotation of the environment, which whoever leads sees by
//! its watch. At most one a second for each environment, and none is lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::names::Name;
use super::objects::RECONCILE_REQUESTED;
use super::resource::PortalEnvironment;
use portalctl_platform::clock::SharedClock;

/// How long nudges are gathered.
const GATHER: Duration = Duration::from_secs(1);

/// The environments that are to be looked at.
#[derive(Debug, Default)]
pub(super) struct Nudger {
    waiting: Mutex<BTreeSet<Name>>,
    more: Notify,
}

impl Nudger {
    /// Something has happened in an environment.
    pub(super) fn nudge(&self, environment: Name) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(environment);
        self.more.notify_one();
    }

    /// Passes nudges on until it is told to stop.
    pub(super) async fn run(
        self: Arc<Self>,
        client: kube::Client,
        clock: SharedClock,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.more.notified() => {}
            }
            let names = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *waiting)
            };
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

async fn annotate(client: &kube::Client, name: &Name, at: &str) {
    let api: Api<PortalEnvironment> = Api::namespaced(client.clone(), &name.namespace);
    let body = json!({ "metadata": { "annotations": { RECONCILE_REQUESTED: at } } });
    let patch = Patch::Merge(&body);
    let patched = api.patch(&name.name, &PatchParams::default(), &patch).await;
    if let Err(error) = patched {
        tracing::warn!(environment = %name, %error, "a webhook was not passed on");
    }
}
