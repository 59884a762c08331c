//! Runs the operator: watches, the lease, the server, and a task for every environment.

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
use super::clients::Clients;
use super::clients::HttpConnect;
use super::context::Context;
use super::context::Dependencies;
use super::events::EventRecorder;
use super::kube_api::with_request_timeout;
use super::lease::Fence;
use super::lease::{self, Election, Term};
use super::metrics::Metrics;
use super::reconcile::Reconciler;
use super::resource::{Name, environment_name_of, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use super::server::WebhookTrigger;
use super::server::{self, Server};
use super::store::{Environments, Organizations};
use super::store::{InitialLists, Watches};
use super::unreadable::{self, ObjectVersion};
use portalctl_model::Holder;
use portalctl_platform::clock::SharedClock;

/// How long what is under way is given to end.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long changes of many objects are gathered.
const GATHER: Duration = Duration::from_millis(50);
/// When a status that was not written is tried again.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// How the operator is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The only namespace that is looked at; all of them without it.
    pub namespace: Option<String>,
    /// The lease that one process holds.
    pub lease: lease::Settings,
    /// The cluster's id in holder marks; [`run`] finds the UID of the namespace kube-system
    /// where none is set.
    pub cluster_id: Option<String>,
    /// An interval in place of every environment's own.
    pub poll: Option<Duration>,
}

/// Why the operator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no cluster.
    #[error("no access to a Kubernetes cluster: {0}")]
    NoCluster(String),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {error}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The cluster has no id that can stand in holder marks.
    #[error(
        "{0}; set one with --cluster-id, or clusterId in the values of the chart, that no other \
         cluster has, and keep it"
    )]
    ClusterId(String),
    /// A task of it ended as it never should.
    #[error("a part of the operator broke down; another process takes over")]
    Broken,
}

/// Runs until it is told to stop; then lets what is under way end, and gives the lease back.
pub async fn run(
    mut options: Options,
    listen: SocketAddr,
    clock: SharedClock,
    stop: CancellationToken,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let client = Client::try_default()
        .await
        .map_err(|error| Error::NoCluster(error.to_string()))?;
    options.cluster_id = Some(cluster_id(&client, options.cluster_id).await?);
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
    let mut operator = Operator::new(options, dependencies);
    operator.serve(listener);
    operator.run(stop).await
}

/// An operator, wherever what is dependencies of it comes from.
pub struct Operator {
    options: Options,
    context: Arc<Context>,
    /// For what is written whoever leads: the lease, and webhooks that are passed on.
    client: Client,
    fence: Fence,
    webhook_trigger: Arc<WebhookTrigger>,
    changed: Arc<Notify>,
    term: watch::Sender<Term>,
    watching: CancellationToken,
    background: JoinSet<()>,
}

impl Operator {
    /// One that begins to watch, and neither runs for the lease nor writes yet.
    pub fn new(options: Options, mut dependencies: Dependencies) -> Self {
        let client = with_request_timeout(dependencies.client, Arc::clone(&dependencies.clock));
        let fence = Fence::closed(Arc::clone(&dependencies.clock));
        dependencies.client = fence.client(client.clone());
        let changed = Arc::new(Notify::new());
        let (term, leadership) = watch::channel(None);
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
            cluster_id: options.cluster_id.clone().unwrap_or_default(),
            namespace: options.namespace.clone(),
            release: options.lease.release(client.default_namespace()),
            organizations,
            environments,
            listed,
            term: leadership,
            poll: options.poll,
        });
        Self {
            options,
            context,
            client,
            fence,
            webhook_trigger: Arc::default(),
            changed,
            term,
            watching,
            background,
        }
    }

    /// Health, metrics and webhooks.
    pub fn router(&self) -> Router {
        server::router(Server::new(
            Arc::clone(&self.context),
            Arc::clone(&self.webhook_trigger),
        ))
    }

    /// Serves them over the network until the end.
    fn serve(&mut self, listener: TcpListener) {
        let clock = Arc::clone(&self.context.clock);
        let serving = server::serve(listener, self.router(), clock, self.watching.clone());
        self.background.spawn(serving);
    }

    /// Runs until it is told to stop; then lets what is under way end, and gives the lease back.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        let Self {
            options,
            context,
            client,
            fence,
            webhook_trigger,
            changed,
            term,
            watching,
            mut background,
        } = self;
        let clock = Arc::clone(&context.clock);
        background.spawn(webhook_trigger.run(client.clone(), Arc::clone(&clock), watching.clone()));
        let election = Election::new(
            client.clone(),
            options.lease.clone(),
            clock,
            term,
            fence,
            stop.clone(),
        );
        background.spawn(election.run(watching.clone()));

        // The passes share one thread: they wait for others most of the time.
        let passes = LocalSet::new();
        let ended = tokio::select! {
            biased;
            ended = passes.run_until(supervise(&context, &changed, &stop)) => ended,
            // None of them ends before it is told to: a watch that is gone would be missed by nobody.
            _ = background.join_next() => Err(Error::Broken),
        };
        watching.cancel();
        // What was given up may still arrive: the lease is left to run out then.
        if let Ok(Shutdown::InTime) = ended {
            Election::release(client, &options.lease).await;
        }
        while background.join_next().await.is_some() {}
        ended.map(|_| ())
    }
}

/// One environment's task.
struct Task {
    wake: Arc<Notify>,
    stop: CancellationToken,
}

/// How what was under way ended.
enum Shutdown {
    InTime,
    GivenUp,
}

/// Keeps a task for every environment that is there or named, until it is told to stop.
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
    let mut told: BTreeSet<ObjectVersion> = BTreeSet::new();
    let mut leadership = context.term.clone();
    loop {
        let leads = leadership.borrow_and_update().is_some();
        context.metrics.leads(leads);
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
        let all_told = !leads || unreadable::report_all(context, &mut told).await;
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // The tasks are woken from here alone: several who wait for one channel would be woken
            // in an order of its own choice.
            moved = leadership.changed() => if moved.is_err() { break },
            Some(ended) = running.join_next() => ended.map_err(|_| Error::Broken)?,
            () = changed.notified() => context.clock.sleep(GATHER).await,
            () = context.clock.sleep(TELL_AGAIN), if !all_told => {}
        }
    }
    for task in tasks.values() {
        task.stop.cancel();
    }
    let ended = async { while running.join_next().await.is_some() {} };
    tokio::select! {
        biased;
        () = ended => Ok(Shutdown::InTime),
        () = context.clock.sleep(PATIENCE) => {
            tracing::warn!("what was under way did not end in time");
            Ok(Shutdown::GivenUp)
        }
    }
}

/// Every environment that is there, or that an organization names.
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

/// Whether this process leads.
pub(super) fn leads(term: &watch::Receiver<Term>) -> bool {
    term.borrow().is_some()
}

/// The namespace whose UID stands for a cluster: every cluster has it, and it is never made anew.
const NAMESPACE: &str = "kube-system";

/// Finds the cluster's id: the one that was set, else the UID of the namespace kube-system.
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
