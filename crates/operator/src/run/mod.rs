//! Start and end of the operator: watches, lease, server, and a task for every environment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;

use super::claims::Registry;
use super::clients::{Clients, HttpConnect};
use super::context::{Context, Dependencies};
use super::events::EventRecorder;
use super::kube_api::with_request_timeout;
use super::lease::{self, Election, Fence, Leadership};
use super::metrics::Metrics;
use super::reconcile::Reconciler;
use super::resource::{Name, PortalEnvironment, PortalOrganization, environment_name_of, name_of};
use super::server;
use super::store::{Environments, InitialLists, Organizations, Watches};
use super::unreadable::Reported;
use super::webhooks::{Receiver, WebhookTrigger};
use portalctl_model::Holder;
use portalctl_platform::clock::SharedClock;

/// Time that running passes have to end at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(25);
/// Time in which changes of many objects are combined.
pub(super) const CHANGE_DELAY: Duration = Duration::from_millis(50);
/// Time until a status that could not be written is tried again.
const STATUS_RETRY: Duration = Duration::from_secs(10);

/// Options of the operator.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only namespace to watch; all namespaces without it.
    pub namespace: Option<String>,
    /// Lease that the leading process holds.
    pub lease: lease::Settings,
    /// Id of the cluster in holder marks; by default the UID of the namespace kube-system.
    pub cluster_id: Option<String>,
    /// Poll interval that replaces the one of every environment.
    pub poll: Option<Duration>,
}

/// Error that keeps the operator from running.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No cluster can be reached.
    #[error("no access to a Kubernetes cluster: {0}")]
    NoCluster(String),
    /// The address is in use, or belongs to another machine.
    #[error("cannot listen on {address}: {error}")]
    Address {
        /// Address to listen on.
        address: SocketAddr,
        /// Error of the system.
        error: std::io::Error,
    },
    /// The cluster has no id for holder marks.
    #[error(
        "{0}; set one with --cluster-id, or clusterId in the values of the chart, that no other \
         cluster has, and keep it"
    )]
    ClusterId(String),
    /// The environment that customers are read from cannot be used.
    #[error("{0}")]
    Environment(String),
    /// A task ended that should run until shutdown.
    #[error("a task of the operator ended unexpectedly; another process takes over")]
    Broken,
}

/// Runs until it is told to stop; then waits for running passes, and gives the lease back.
pub async fn run(
    options: Options,
    listen: SocketAddr,
    clock: SharedClock,
    stop: CancellationToken,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let client = Client::try_default()
        .await
        .map_err(|error| Error::NoCluster(error.to_string()))?;
    let cluster = cluster_id(&client, options.cluster_id.clone()).await?;
    let failed = |error| Error::Address {
        address: listen,
        error,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    listening(listener.local_addr().map_err(failed)?);
    let connect = Arc::new(HttpConnect);
    let dependencies = Dependencies {
        client,
        connect,
        clock,
    };
    let mut operator = Operator::new(options, cluster, dependencies);
    operator.serve(listener);
    operator.run(stop).await
}

/// Operator with any dependencies: the real ones, or those of a test.
pub struct Operator {
    options: Options,
    context: Arc<Context>,
    /// Client for writes that need no lease: the lease itself, and webhooks that are passed on.
    client: Client,
    leadership: Leadership,
    webhook_trigger: Arc<WebhookTrigger>,
    changed: Arc<Notify>,
    watching: CancellationToken,
    background: JoinSet<()>,
}

impl Operator {
    /// Creates an operator that watches, and neither competes for the lease nor writes yet. `cluster`
    /// is the id of the cluster in holder marks.
    pub fn new(options: Options, cluster: String, mut dependencies: Dependencies) -> Self {
        let client = with_request_timeout(dependencies.client, Arc::clone(&dependencies.clock));
        let fence = Fence::closed(Arc::clone(&dependencies.clock));
        dependencies.client = fence.client(client.clone());
        let changed = Arc::new(Notify::new());
        let (term, current_term) = watch::channel(None);
        let watching = CancellationToken::new();
        let mut background = JoinSet::new();
        let watches = Watches {
            client: &dependencies.client,
            namespace: options.namespace.as_deref(),
            clock: &dependencies.clock,
            identity: &options.lease.identity,
            changed: &changed,
            stop: &watching,
        };
        let listed = InitialLists::default();
        let [first, second] = listed.kinds();
        let environments = watches.start::<PortalEnvironment>(first, &mut background);
        let organizations = watches.start::<PortalOrganization>(second, &mut background);
        let metrics = Arc::new(Metrics::new());
        let identity = &options.lease.identity;
        let context = Arc::new(Context {
            metrics: Arc::clone(&metrics),
            events: EventRecorder::new(dependencies.client.clone(), identity),
            clients: Clients::new(
                dependencies.connect,
                Arc::clone(&dependencies.clock),
                fence.clone(),
                identity,
                metrics,
            ),
            client: dependencies.client,
            clock: dependencies.clock,
            registry: Registry::default(),
            cluster_id: cluster,
            namespace: options.namespace.clone(),
            release: options.lease.release(client.default_namespace()),
            organizations,
            environments,
            listed,
            term: current_term,
            poll: options.poll,
        });
        Self {
            options,
            context,
            client,
            leadership: Leadership { term, fence },
            webhook_trigger: Arc::default(),
            changed,
            watching,
            background,
        }
    }

    /// Returns the routes of health, metrics and webhooks.
    pub fn router(&self) -> Router {
        server::router(Receiver::new(
            Arc::clone(&self.context),
            Arc::clone(&self.webhook_trigger),
        ))
    }

    /// Serves the routes over the network until the end.
    fn serve(&mut self, listener: TcpListener) {
        let clock = Arc::clone(&self.context.clock);
        let serving = server::serve(listener, self.router(), clock, self.watching.clone());
        self.background.spawn(serving);
    }

    /// Runs until it is told to stop; then waits for running passes, and gives the lease back.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        let Self {
            options,
            context,
            client,
            leadership,
            webhook_trigger,
            changed,
            watching,
            mut background,
        } = self;
        let clock = Arc::clone(&context.clock);
        background.spawn(webhook_trigger.run(client.clone(), Arc::clone(&clock), watching.clone()));
        let election = Election::new(
            client.clone(),
            options.lease.clone(),
            clock,
            leadership,
            stop.clone(),
        );
        background.spawn(election.run(watching.clone()));

        // The passes share one thread, since they wait for answers most of the time.
        let passes = LocalSet::new();
        let ended = tokio::select! {
            biased;
            ended = passes.run_until(supervise(&context, &changed, &stop)) => ended,
            // No background task ends before shutdown: the end of a watch would go unnoticed.
            _ = background.join_next() => Err(Error::Broken),
        };
        watching.cancel();
        // Requests of an abandoned pass may still arrive, so the lease runs out by itself then.
        if let Ok(Shutdown::InTime) = ended {
            Election::release(client, &options.lease).await;
        }
        while background.join_next().await.is_some() {}
        ended.map(|_| ())
    }
}

/// Task of one environment.
struct Task {
    wake: Arc<Notify>,
    stop: CancellationToken,
}

/// End of the running passes at shutdown.
enum Shutdown {
    InTime,
    Abandoned,
}

/// Runs a task for every environment that exists or is named, until it is told to stop.
async fn supervise(
    context: &Arc<Context>,
    changed: &Notify,
    stop: &CancellationToken,
) -> Result<Shutdown, Error> {
    // Every choice of the operator is made in a fixed order, so that a run can be replayed.
    tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(Shutdown::InTime),
        () = context.listed.done() => {}
    }
    let mut tasks: BTreeMap<Name, Task> = BTreeMap::new();
    let mut running = JoinSet::new();
    let mut reported = Reported::default();
    let mut term = context.term.clone();
    loop {
        let current = term.borrow_and_update().clone();
        context.metrics.leads(&current);
        let names = names(&context.environments, &context.organizations);
        tasks.retain(|name, task| {
            let is_there = names.contains(name);
            if !is_there {
                task.stop.cancel();
            }
            is_there
        });
        for name in names {
            let task = tasks.entry(name.clone()).or_insert_with(|| {
                let task = Task {
                    wake: Arc::new(Notify::new()),
                    stop: stop.child_token(),
                };
                let reconciler = Reconciler::new(Arc::clone(context), name, task.stop.clone());
                running.spawn_local(reconciler.run(Arc::clone(&task.wake)));
                task
            });
            task.wake.notify_one();
        }
        let all_reported = current.is_none() || reported.update(context).await;
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Only this loop wakes the tasks: a channel would wake them in an order of its own.
            moved = term.changed() => if moved.is_err() { break },
            Some(ended) = running.join_next() => ended.map_err(|_| Error::Broken)?,
            () = changed.notified() => context.clock.sleep(CHANGE_DELAY).await,
            () = context.clock.sleep(STATUS_RETRY), if !all_reported => {}
        }
    }
    for task in tasks.values() {
        task.stop.cancel();
    }
    Ok(shut_down(context, running).await)
}

/// Waits for the running passes to end.
async fn shut_down(context: &Context, mut running: JoinSet<()>) -> Shutdown {
    let ended = async { while running.join_next().await.is_some() {} };
    tokio::select! {
        biased;
        () = ended => Shutdown::InTime,
        () = context.clock.sleep(SHUTDOWN_TIMEOUT) => {
            tracing::warn!("running passes did not end in time");
            Shutdown::Abandoned
        }
    }
}

/// Lists every environment that exists, or that an organization names.
fn names(environments: &Environments, organizations: &Organizations) -> BTreeSet<Name> {
    let there = environments
        .state()
        .into_iter()
        .map(|object| name_of(kube::Resource::meta(&*object)));
    let named = organizations
        .state()
        .into_iter()
        .filter_map(|object| Some(environment_name_of(object.read().ok()?)));
    there.chain(named).collect()
}

/// Namespace whose UID identifies a cluster: every cluster has it, and it is never created again.
const NAMESPACE: &str = "kube-system";

/// Returns the id of the cluster: the one that was set, else the UID of the namespace kube-system.
///
/// # Errors
///
/// Returns [`Error::ClusterId`] where the id is not one, or none is set and the UID cannot be read.
pub(super) async fn cluster_id(client: &Client, set: Option<String>) -> Result<String, Error> {
    let id = match set {
        Some(id) => id,
        None => uid(client).await.map_err(|why| {
            Error::ClusterId(format!(
                "the cluster has no id: none is set, and the UID of the namespace {NAMESPACE} {why}"
            ))
        })?,
    };
    match Holder::new(&*id, "namespace", "name") {
        Ok(_) => Ok(id),
        Err(why) => Err(Error::ClusterId(format!(
            "`{id}` is no cluster id: it {}",
            why.0
        ))),
    }
}

async fn uid(client: &Client) -> Result<String, String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.get_opt(NAMESPACE).await {
        Ok(found) => {
            let uid = found.and_then(|namespace| namespace.metadata.uid);
            uid.ok_or_else(|| "is not there".to_owned())
        }
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests;
