//! Opens a client: over HTTP, or to a sandbox in this very process.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

use super::credentials;
use super::endpoint;
use super::error::CliError;
use super::exit::Exit;
use super::request::{ConnectionRequest, Portal};
use portalctl_core::plan::Target;
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Desired;
use portalctl_platform::clock::{SharedClock, SystemClock};
use portalctl_report::Headline;
use portalctl_workos::{
    ApiKey, Bounds, Client, Endpoint, HttpTransport, Rate, ReadPortal, Settings, Transport,
    TransportError,
};
use workos_sandbox::state::{StateError, StateFile};
use workos_sandbox::world::World;
use workos_sandbox::{Sandbox, SandboxOptions};

/// A client and the facts about it that reports show.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) target: Target,
    pub(super) clock: SharedClock,
    sandbox: Option<Sandbox>,
    is_kept: bool,
}

/// Opens the connection of a request. Sends nothing.
pub(super) fn open(request: &ConnectionRequest, desired: &Desired) -> Result<Connection, CliError> {
    let opened = match &request.portal {
        Portal::Sandbox { state } => open_sandbox(state.as_deref(), request.rate, desired),
        Portal::Http => open_http(request, desired),
    };
    opened.map_err(|error| error.of(desired.names()))
}

fn open_http(request: &ConnectionRequest, desired: &Desired) -> Result<Connection, CliError> {
    let endpoint = endpoint::endpoint(&request.http)?;
    let origin = &request.http.key;
    let key = credentials::api_key(origin, &desired.environment)?;
    let http = Http {
        endpoint,
        key: Some(key),
        rate: request.rate,
        bounds: Bounds::default(),
    };
    let mut opened = over_http(http, desired)?;
    if let Some(source) = credentials::key_source(origin, &desired.environment) {
        opened.client = opened.client.with_key_source(source);
    }
    Ok(opened)
}

/// An endpoint over HTTP and the way in which requests are sent to it.
pub(super) struct Http {
    pub(super) endpoint: Endpoint,
    /// The API key; none for requests that need none.
    pub(super) key: Option<ApiKey>,
    pub(super) rate: Rate,
    pub(super) bounds: Bounds,
}

/// Opens an endpoint, with a key or without.
pub(super) fn over_http(http: Http, desired: &Desired) -> Result<Connection, CliError> {
    let Http {
        endpoint,
        key,
        rate,
        bounds,
    } = http;
    if let Some(key) = &key {
        endpoint::check_key(&endpoint, key)?;
    }
    let clock: SharedClock = Arc::new(SystemClock);
    let kind = key.as_ref().and_then(ApiKey::kind);
    let target = Target {
        endpoint: endpoint.authority().to_owned(),
        key_kind: kind.map(|kind| kind.to_string()),
        ..target(desired)
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
    desired: &Desired,
) -> Result<Connection, CliError> {
    let clock: SharedClock = Arc::new(SystemClock);
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
        endpoint: "sandbox".to_owned(),
        ..target(desired)
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

/// Returns the target of a desired state, its endpoint and key not yet known.
fn target(desired: &Desired) -> Target {
    Target {
        environment: desired.environment.name.clone(),
        client_id: desired.environment.client_id.clone(),
        manifest: desired.manifest.clone(),
        ..Target::default()
    }
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

/// Returns a seed that differs between runs: only retries' jitter and sandbox ids depend on it.
pub(super) fn seed(clock: &SharedClock) -> u64 {
    let nanoseconds = clock.now().as_nanosecond();
    let low = u64::try_from(nanoseconds & i128::from(u64::MAX));
    low.expect("the lower half of 128 bits fits into 64") ^ u64::from(std::process::id())
}

/// Returns the error of a sandbox state that cannot be read or kept.
pub(super) fn state_error(error: &StateError) -> CliError {
    CliError::new(Exit::Usage, codes::SANDBOX_STATE, error.to_string())
}

impl Connection {
    /// Returns the head of a report: where the run was made, and what it has cost so far.
    pub(super) fn headline(&self) -> Headline {
        Headline {
            target: self.target.clone(),
            sandbox: self.is_sandbox(),
            requests: self.client.requests_used(),
            manifest_warnings: Vec::new(),
            ..Headline::default()
        }
    }

    /// Returns whether the in-memory WorkOS answers.
    pub(super) fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Returns whether everything that was done is gone when the command ends.
    pub(super) fn is_throwaway(&self) -> bool {
        !self.is_kept
    }

    /// Writes the sandbox's state to its file, if there is one.
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
