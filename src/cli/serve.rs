//! `portalctl serve`
//!
//! Takes the configuration of the gateway and a manifest. Checks the key, then serves until it is
//! interrupted.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
#[cfg(feature = "operator")]
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::args::{ConnectionArgs, FileArgs};
use super::connect::{self, Connection};
use super::error::CliError;
use super::exit::Exit;
use super::manifest;
#[cfg(feature = "operator")]
use super::operator;
use super::session;
use super::ui::Ui;
use portalctl_gateway::{Config, Customers, Gateway, OpenError, Options, PublicUrl};
use portalctl_manifest::Input;
use portalctl_model::codes::{cli as codes, gateway as gateway_codes};
use portalctl_model::desired::Desired;
#[cfg(feature = "operator")]
use portalctl_operator::resource::Name;
#[cfg(feature = "operator")]
use portalctl_operator::{CustomerOptions, CustomerWatch};
#[cfg(feature = "operator")]
use portalctl_platform::clock::{SharedClock, SystemClock};
use portalctl_report::json_v1::ErrorItem;

/// Serve the gateway: hands your app's IT admins over to the Admin Portal.
///
/// Your app signs a short-lived token and sends the browser to /portal/KEY/INTENT. The gateway checks
/// it, makes the link and redirects at once; on the way back it shows whether the feature really is
/// configured. The log is JSON on standard error and never holds a token or a link.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Configuration of tokens and pages; docs/guides/gateway.md has the fields.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// The https address that browsers reach it by, with a path where it shares its host. On loopback
    /// it may be left out.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    #[command(flatten)]
    files: FileArgs,

    #[cfg(feature = "operator")]
    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Customers that are declared as resources of a cluster.
#[cfg(feature = "operator")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Kubernetes")]
struct ClusterArgs {
    /// The `PortalEnvironment` whose `PortalOrganizations` are the customers, in place of a manifest: they
    /// are declared once, for the operator, whose marks say which organization is whose.
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with_all = ["file", "environment"],
        value_parser = resource)]
    customers: Option<Name>,

    /// The only namespace to look for customers in; all of them unless given.
    #[arg(long, value_name = "NAMESPACE", requires = "customers")]
    namespace: Option<String>,

    /// The id of this cluster in the operator's marks, if the operator has one set.
    #[arg(long, value_name = "ID", env = "PORTALCTL_CLUSTER_ID")]
    cluster_id: Option<String>,
}

#[cfg(feature = "operator")]
fn resource(text: &str) -> Result<Name, String> {
    let parts = text.split_once('/');
    let parts = parts.filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
    let (namespace, name) = parts.ok_or_else(|| "write NAMESPACE/NAME".to_owned())?;
    Ok(Name {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

/// Declared customers, and the way in which later states of them arrive.
struct Declared {
    desired: Desired,
    later: Later,
}

/// Source of the later states.
enum Later {
    /// Files that are read again.
    Files {
        files: Vec<PathBuf>,
        environment: Option<String>,
    },
    /// Resources that are followed.
    #[cfg(feature = "operator")]
    Cluster(Box<CustomerWatch>),
}

impl ServeArgs {
    /// Reads the customers for the first time.
    #[cfg_attr(
        not(feature = "operator"),
        expect(clippy::unused_async, reason = "a cluster is waited for")
    )]
    async fn declared(&self, ui: &Ui, stop: &CancellationToken) -> Result<Declared, CliError> {
        #[cfg(feature = "operator")]
        if let Some(environment) = &self.cluster.customers {
            let options = CustomerOptions {
                environment: environment.clone(),
                namespace: self.cluster.namespace.clone(),
                cluster_id: self.cluster.cluster_id.clone(),
            };
            let clock: SharedClock = Arc::new(SystemClock);
            let started = CustomerWatch::start(options, clock, stop).await;
            let (watch, desired) = started.map_err(|error| operator::failed(&error))?;
            return Ok(Declared {
                desired,
                later: Later::Cluster(Box::new(watch)),
            });
        }
        let _ = stop;
        let request = self.connection.request();
        let inputs = manifest::inputs(&self.files.beside(&request.http.key)?)?;
        let files = inputs.list.iter().filter_map(|input| match input {
            Input::Path(path) => Some(path.clone()),
            Input::Stdin(_) | Input::Tree(_) => None,
        });
        let files = files.collect();
        Ok(Declared {
            desired: manifest::read(&inputs, ui)?.desired,
            later: Later::Files {
                files,
                environment: inputs.environment,
            },
        })
    }
}

impl Declared {
    /// Returns the customers as the gateway takes them; resources are followed until the stop.
    fn customers(self, stop: &CancellationToken) -> Customers {
        let desired = self.desired;
        let _ = stop;
        match self.later {
            Later::Files { files, environment } => Customers::Files {
                desired: Box::new(desired),
                files,
                environment,
            },
            #[cfg(feature = "operator")]
            Later::Cluster(watch) => {
                let (sender, receiver) = tokio::sync::watch::channel(Arc::new(desired));
                tokio::spawn(watch.follow(sender, stop.clone()));
                Customers::Watched(receiver)
            }
        }
    }
}

/// The longest wait for the answer that shows whether the key is good.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) fn run(args: &ServeArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.connection.request();
    if request.is_sandbox() {
        let message = "nobody could open the links of a sandbox inside this command";
        return Err(CliError::new(Exit::Usage, codes::USAGE, message)
            .help("run `portalctl sandbox` beside it, and name its address in WORKOS_API_URL"));
    }
    let config = config(&args.config)?;
    session::block_on(async |interrupted| {
        let declared = args.declared(ui, &interrupted).await?;
        let connection = connect::open(&request, &declared.desired)?;
        let listener = TcpListener::bind(args.listen).await.map_err(|error| {
            let message = format!("cannot listen on {}: {error}", args.listen);
            CliError::new(Exit::Usage, codes::ADDRESS, message)
        })?;
        let address = listener.local_addr().unwrap_or(args.listen);
        probe_key(&connection).await?;
        let public_url = public_url(args.public_url.as_deref(), address)?;
        let shown = public_url.as_str().to_owned();
        let gateway = Gateway::open(Options {
            client: connection.client,
            clock: connection.clock,
            config,
            config_file: Some(args.config.clone()),
            public_url,
            customers: declared.customers(&interrupted),
        })
        .map_err(unusable)?;
        // The address alone, for scripts that start it.
        ui.data(&format!("http://{address}\n"))?;
        tracing::info!(%address, public_url = shown, "serving");
        let served = gateway.serve(listener, interrupted).await;
        served
            .map_err(|error| CliError::new(Exit::Internal, codes::INTERNAL, error.to_string()))?;
        tracing::info!("ended; what was under way is done");
        Ok(Exit::Done)
    })
}

/// Sends one small request, so that a key that WorkOS refuses does not first show when a customer
/// wants to use the portal. A WorkOS that cannot be reached is worth a warning only: it may be back
/// by then.
async fn probe_key(connection: &Connection) -> Result<(), CliError> {
    let Connection {
        client,
        clock,
        target,
        ..
    } = connection;
    let error = tokio::select! {
        probe = client.probe() => match probe {
            Ok(probe) => probe.refusal,
            Err(unreachable) => Some(unreachable.error),
        },
        () = clock.sleep(PROBE_TIMEOUT) => {
            tracing::warn!(endpoint = target.endpoint, "WorkOS did not answer; serving all the same");
            return Ok(());
        }
    };
    let Some(error) = error else {
        return Ok(());
    };
    let error = CliError::reading(error, &target.endpoint);
    if error.exit == Exit::Credentials {
        return Err(error);
    }
    for item in &error.items {
        let (code, message) = (item.code, &item.message);
        tracing::warn!(
            code,
            message,
            "the key could not be checked; serving all the same"
        );
    }
    Ok(())
}

fn unusable(errors: Vec<OpenError>) -> CliError {
    let items = errors.into_iter();
    let items = items.map(|error| ErrorItem::new(error.code, error.message, None));
    CliError::several(Exit::Usage, items.collect())
}

/// The configuration, or every problem of it.
fn config(path: &Path) -> Result<Config, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::file(gateway_codes::CONFIG, "read", path, &error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Config::read(&text, folder).map_err(|problems| {
        let told = problems.iter().map(|problem| problem.told(path));
        let mut items: Vec<ErrorItem> = told
            .map(|message| ErrorItem::new(gateway_codes::CONFIG, message, None))
            .collect();
        if let Some(last) = items.last_mut() {
            last.help = Some(gateway_codes::CONFIG.entry().fix.to_owned());
        }
        CliError::several(Exit::Usage, items)
    })
}

/// The address that was named; on loopback the one that is listened on.
fn public_url(named: Option<&str>, address: SocketAddr) -> Result<PublicUrl, CliError> {
    let bad = |message: String| CliError::new(Exit::Usage, gateway_codes::PUBLIC_URL, message);
    match named {
        Some(text) => PublicUrl::parse(text).map_err(|error| {
            let text = portalctl_model::text::escape(text);
            bad(format!("--public-url {text} {error}"))
        }),
        None if address.ip().is_loopback() => {
            let text = format!("http://{address}");
            PublicUrl::parse(&text).map_err(|error| bad(format!("{text} {error}")))
        }
        None => {
            let message = format!("listening on {address}, --public-url has to name the address");
            Err(bad(format!("{message} that browsers use")))
        }
    }
}
