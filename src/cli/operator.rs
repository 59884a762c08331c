//! `portalctl operator`
//!
//! Takes the place and the Lease of one process. Runs the operator until it is interrupted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::duration;
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use portalctl_model::codes::{cli as codes, gateway as gateway_codes};
use portalctl_operator::{self as operator, Error, Options, lease};
use portalctl_platform::clock::{SharedClock, SystemClock};

/// Arguments of `portalctl operator`.
#[derive(Debug, Args)]
pub(super) struct OperatorArgs {
    /// The only namespace to look at; all of them unless given.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Address for health (/healthz, /readyz), metrics (/metrics) and webhooks; port 0 takes any free
    /// one, and the address is printed.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,

    /// The Lease that one process holds.
    #[arg(long, value_name = "NAME", default_value = "portalctl-operator")]
    lease_name: String,

    /// The Lease's namespace; that of --namespace, else of the pod or KUBECONFIG, unless given.
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE")]
    lease_namespace: Option<String>,

    /// Time after which another process takes the Lease of a holder that does not answer.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = parse_lease)]
    lease_duration: Duration,

    /// Name of this process in the Lease; by default the name of the pod, or a random one.
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    identity: Option<String>,

    /// The id of this cluster in the marks by which an organization tells who holds it; the UID of
    /// the namespace kube-system unless given. No other cluster may have it, and it must not change.
    #[arg(long, value_name = "ID", env = "PORTALCTL_CLUSTER_ID")]
    cluster_id: Option<String>,

    /// Interval at which WorkOS is asked for changes, in place of the environments' own.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    poll_interval: Option<Duration>,
}

/// Less than this leaves no time to renew.
const SHORTEST_LEASE: Duration = Duration::from_secs(2);

fn parse_lease(text: &str) -> Result<Duration, String> {
    let duration = duration::parse(text)?;
    if duration < SHORTEST_LEASE {
        return Err("at least 2s is wanted".to_owned());
    }
    Ok(duration)
}

pub(super) fn run(args: &OperatorArgs, ui: &Ui) -> Result<Exit, CliError> {
    let clock: SharedClock = Arc::new(SystemClock);
    let identity = match &args.identity {
        Some(identity) => identity.clone(),
        // Two processes of one machine are two.
        None => format!("portalctl-{:016x}", operator::instance_id(&clock)),
    };
    let namespace = args.lease_namespace.as_ref().or(args.namespace.as_ref());
    let options = Options {
        namespace: args.namespace.clone(),
        lease: lease::Settings {
            name: args.lease_name.clone(),
            namespace: namespace.cloned(),
            identity,
            duration: args.lease_duration,
        },
        cluster_id: args.cluster_id.clone(),
        poll: args.poll_interval,
    };
    session::block_on(async |interrupted| {
        let greet = |address: SocketAddr| {
            // A closed standard output is nobody's loss: the address stands in the log too.
            let _ = ui.data(&format!("http://{address}\n"));
        };
        operator::run(options, args.listen, clock, interrupted, greet)
            .await
            .map_err(|error| failed(&error))?;
        Ok(Exit::Done)
    })
}

/// Returns the error of what keeps a process from its cluster.
pub(super) fn failed(error: &Error) -> CliError {
    let (exit, code) = match error {
        Error::NoCluster(_) => (Exit::Unreachable, codes::NO_CLUSTER),
        Error::Address { .. } => (Exit::Usage, codes::ADDRESS),
        Error::ClusterId(_) => (Exit::Usage, codes::NO_CLUSTER_ID),
        Error::Environment(_) => (Exit::Usage, gateway_codes::CUSTOMERS),
        Error::Broken => (Exit::Internal, codes::INTERNAL),
    };
    CliError::new(exit, code, error.to_string())
}
