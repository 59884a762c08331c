//! Desired state of one environment for a reader beside the operator, such as the gateway: follows the
//! resources of the cluster and writes nothing.
//!
//! Each entry has its holder, so that the reader takes an organization for the entry's own only if the
//! operator has marked it so: a resource can name any organization, also another tenant's.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::entries::{self, Entry};
use super::kube_api::with_request_timeout;
use super::resolved_spec::Reader;
use super::resource::{Name, PortalEnvironment, PortalOrganization};
use super::run::{CHANGE_DELAY, Error, cluster_id};
use super::store::{EnvironmentObjects, Environments, InitialLists, Organizations, Watches};
use portalctl_model::desired::Desired;
use portalctl_platform::clock::SharedClock;

/// Longest wait for the first lists.
const LIST_TIMEOUT: Duration = Duration::from_secs(30);

/// Resources to follow.
#[derive(Debug, Clone)]
pub struct CustomerOptions {
    /// The environment whose organizations are the customers.
    pub environment: Name,
    /// Only namespace to watch; all namespaces without it.
    pub namespace: Option<String>,
    /// Id of the cluster in holder marks, as the operator has it.
    pub cluster_id: Option<String>,
}

/// Follower of an environment's resources.
pub struct CustomerWatch {
    environment: Name,
    cluster: String,
    environments: Environments,
    organizations: Organizations,
    changed: Arc<Notify>,
    clock: SharedClock,
    reader: Reader,
    background: JoinSet<()>,
}

impl CustomerWatch {
    /// Lists the resources of the cluster that this process belongs to, and returns their desired state.
    ///
    /// # Errors
    ///
    /// Returns why there is no cluster, or no usable environment of that name.
    pub async fn start(
        options: CustomerOptions,
        clock: SharedClock,
        stop: &CancellationToken,
    ) -> Result<(Self, Desired), Error> {
        let client = Client::try_default()
            .await
            .map_err(|error| Error::NoCluster(error.to_string()))?;
        let client = with_request_timeout(client, Arc::clone(&clock));
        let CustomerOptions {
            environment,
            namespace,
            cluster_id: id,
        } = options;
        let cluster = cluster_id(&client, id).await?;
        let (changed, mut background) = (Arc::new(Notify::new()), JoinSet::new());
        let watches = Watches {
            client: &client,
            namespace: namespace.as_deref(),
            clock: &clock,
            identity: "gateway",
            changed: &changed,
            stop,
        };
        let listed = InitialLists::default();
        let [first, second] = listed.kinds();
        let environments = watches.start::<PortalEnvironment>(first, &mut background);
        let organizations = watches.start::<PortalOrganization>(second, &mut background);
        tokio::select! {
            () = listed.done() => {}
            () = clock.sleep(LIST_TIMEOUT) => {
                let message = "its resources could not be listed in time; the log has the reason";
                return Err(Error::NoCluster(message.to_owned()));
            }
        }
        let mut watch = Self {
            environment,
            cluster,
            environments,
            organizations,
            changed,
            clock,
            reader: Reader::default(),
            background,
        };
        let desired = watch.read().map_err(Error::Environment)?;
        Ok((watch, desired))
    }

    /// Sends each later state until the process is told to stop; an environment that cannot be used leaves
    /// the last state in place.
    pub async fn follow(mut self, desired: watch::Sender<Arc<Desired>>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.changed.notified() => self.clock.sleep(CHANGE_DELAY).await,
            }
            match self.read() {
                Ok(fresh) => {
                    desired.send_if_modified(|known| {
                        let is_new = **known != fresh;
                        if is_new {
                            *known = Arc::new(fresh);
                        }
                        is_new
                    });
                }
                Err(message) => tracing::error!(message, "kept as it was"),
            }
        }
        self.background.shutdown().await;
    }

    /// Reads the desired state from the resources as they are known.
    fn read(&mut self) -> Result<Desired, String> {
        let name = &self.environment;
        let objects = EnvironmentObjects::of(name, &self.environments, &self.organizations);
        let Some(environment) = &objects.environment else {
            return Err(format!("there is no PortalEnvironment {name}"));
        };
        let environment = environment
            .read()
            .map_err(|error| format!("PortalEnvironment {name} cannot be read: {error}"))?;
        let resolved = entries::resolve(&objects, environment, &self.cluster, &mut self.reader);
        let (entries, mut desired) =
            resolved.map_err(|blocked| format!("PortalEnvironment {name}: {}", blocked.message))?;
        for entry in &entries {
            hold(&mut desired, entry);
        }
        Ok(desired)
    }
}

/// Gives an entry of the desired state its holder; one that is being deleted, or that no mark could name, is
/// nobody's any more.
fn hold(desired: &mut Desired, entry: &Entry) {
    let Some(key) = entry.key() else { return };
    match &entry.holder {
        Some(holder) if !entry.is_being_deleted() => {
            if let Some(organization) = desired.organizations.get_mut(key) {
                organization.holder = Some(holder.clone());
            }
        }
        _ => {
            desired.organizations.remove(key);
        }
    }
}
