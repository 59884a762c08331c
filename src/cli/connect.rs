//! Opens a client: over HTTP, or to a sandbox in this very process.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

use super::args::ConnectionArgs;
use super::credentials;
use super::endpoint;
use super::error::CliError;
use super::exit::Exit;
use portalctl_core::plan::Target;
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Desired;
use portalctl_platform::clock::{SharedClock, SystemClock};
use portalctl_workos::{
    ApiKey, Bounds, Client, Endpoint, HttpTransport, Rate, Settings, Transport, TransportError,
};
use workos_sandbox::state::{StateError, StateFile};
use workos_sandbox::world::World;
use workos_sandbox::{Sandbox, SandboxOptions};

/// A client with what reports say about it.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) target: Target,
    pub(super) clock: SharedClock,
    sandbox: Option<Sandbox>,
    is_kept: bool,
}

/// Opens what the arguments name. Makes no request.
pub(super) fn open(args: &ConnectionArgs, desired: &Desired) -> Result<Connection, CliError> {
    match &args.sandbox {
        Some(file) => {
            let (rate, clock) = pace(args);
            open_sandbox(file.as_deref(), rate, clock, desired)
        }
        None => open_http(args, desired),
    }
}

fn pace(args: &ConnectionArgs) -> (Rate, SharedClock) {
    let rate = args
        .requests_per_second
        .map_or_else(Rate::default, Rate::ceiling);
    (rate, Arc::new(SystemClock))
}

fn open_http(args: &ConnectionArgs, desired: &Desired) -> Result<Connection, CliError> {
    let endpoint = endpoint::endpoint(args)?;
    let key = credentials::api_key(args, &desired.environment)?;
    let mut opened = over_http(args, endpoint, Some(key), desired, Bounds::default())?;
    if let Some(source) = credentials::key_source(args, &desired.environment) {
        opened.client = opened.client.with_key_source(source);
    }
    Ok(opened)
}

/// Opens an endpoint, with a key or without.
pub(super) fn over_http(
    args: &ConnectionArgs,
    endpoint: Endpoint,
    key: Option<ApiKey>,
    desired: &Desired,
    bounds: Bounds,
) -> Result<Connection, CliError> {
    if let Some(key) = &key {
        endpoint::check_key(&endpoint, key)?;
    }
    let (rate, clock) = pace(args);
    let target = Target {
        environment: desired.environment.name.clone(),
        endpoint: endpoint.authority().to_owned(),
        key_kind: key
            .as_ref()
            .and_then(ApiKey::kind)
            .map(|kind| kind.to_string()),
        client_id: desired.environment.client_id.clone(),
        manifest: desired.manifest.clone(),
    };
    let transport = HttpTransport::new(&endpoint, bounds).map_err(|error| {
        CliError::new(
            Exit::Unreachable,
            portalctl_model::codes::api::UNREACHABLE,
            error.to_string(),
        )
    })?;
    let client = client(endpoint, key, Arc::new(transport), rate, &clock);
    Ok(Connection {
        client,
        target,
        clock,
        sandbox: None,
        is_kept: true,
    })
}

/// The key that in-process requests carry: the sandbox wants one, and no account is behind it.
const SANDBOX_KEY: &str = "sk_test_sandbox";

fn open_sandbox(
    file: Option<&Path>,
    rate: Rate,
    clock: SharedClock,
    desired: &Desired,
) -> Result<Connection, CliError> {
    let (state, world) = match file {
        None => (None, None),
        Some(file) => {
            let (state, world) = StateFile::open(file).map_err(|error| state_error(&error))?;
            (Some(state), world)
        }
    };
    // Ids differ between runs, as they do at WorkOS.
    let world = world.unwrap_or_else(|| World::new(seed(&clock)));
    let mut options = SandboxOptions::new(Arc::clone(&clock), world);
    options.state = state;
    let sandbox = Sandbox::new(options);
    let target = Target {
        environment: desired.environment.name.clone(),
        endpoint: "sandbox".to_owned(),
        key_kind: None,
        client_id: desired.environment.client_id.clone(),
        manifest: desired.manifest.clone(),
    };
    let key = ApiKey::parse(SANDBOX_KEY).map_err(|error| {
        CliError::new(
            Exit::Internal,
            codes::INTERNAL,
            format!("the sandbox's own key {error}"),
        )
    })?;
    let transport = Arc::new(SandboxTransport(sandbox.clone()));
    let client = client(Endpoint::in_process(), Some(key), transport, rate, &clock);
    Ok(Connection {
        client,
        target,
        clock,
        sandbox: Some(sandbox),
        is_kept: file.is_some(),
    })
}

fn client(
    endpoint: Endpoint,
    key: Option<ApiKey>,
    transport: Arc<dyn Transport>,
    rate: Rate,
    clock: &SharedClock,
) -> Client {
    let clock = Arc::clone(clock);
    let seed = seed(&clock);
    Client::new(Settings {
        endpoint,
        key,
        transport,
        clock,
        rate,
        seed,
    })
}

/// A seed that differs between runs: only retries' jitter and sandbox ids hang on it.
pub(super) fn seed(clock: &SharedClock) -> u64 {
    let nanoseconds = clock.now().as_nanosecond();
    u64::try_from(nanoseconds & i128::from(u64::MAX)).unwrap_or_default()
        ^ u64::from(std::process::id())
}

pub(super) fn state_error(error: &StateError) -> CliError {
    CliError::new(Exit::Usage, codes::SANDBOX_STATE, error.to_string())
}

impl Connection {
    /// Whether the in-memory WorkOS answers.
    pub(super) fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Whether what was done is gone when the command ends.
    pub(super) fn is_throwaway(&self) -> bool {
        !self.is_kept
    }

    /// Keeps the sandbox's state where it was asked for.
    pub(super) fn close(&self) -> Result<(), CliError> {
        match &self.sandbox {
            Some(sandbox) => sandbox.save().map_err(|error| state_error(&error)),
            None => Ok(()),
        }
    }
}

/// Carries requests to a sandbox in this process.
struct SandboxTransport(Sandbox);

impl Transport for SandboxTransport {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move { Ok(self.0.call(request).await) })
    }
}
