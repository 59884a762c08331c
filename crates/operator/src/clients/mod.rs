//! Clients of WorkOS, one for each API key and endpoint.
//!
//! Goes in: an environment's spec and the key in its Secret. Comes out: the client that all
//! environments with that key share, so that together they keep one pace.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::backoff;
use super::conditions::{BlockedReason, Reason};
use super::lease::Fence;
use super::metrics::{MeteredTransport, Metrics};
use super::resource::Name;
use portalctl_core::plan::Target;
use portalctl_manifest::kubernetes::PortalEnvironmentSpec;
use portalctl_platform::clock::SharedClock;
use portalctl_workos::{
    ApiKey, Bounds, Client, Endpoint, HttpTransport, Rate, Settings, Transport, TransportError,
};

/// Source of transports to WorkOS: HTTP in production, in process with virtual time in tests.
pub trait Connect: Send + Sync {
    /// Returns the transport that carries requests to an endpoint.
    fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Transport>, TransportError>;
}

/// Transports over HTTP.
pub(super) struct HttpConnect;

impl Connect for HttpConnect {
    fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Transport>, TransportError> {
        Ok(Arc::new(HttpTransport::new(endpoint, Bounds::default())?))
    }
}

/// Hash of an API key and its endpoint, to notice a change without keeping either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint([u8; 32]);

/// Client of one environment, with what its plans say about the target.
#[derive(Clone)]
pub(super) struct Connection {
    /// Client, shared with other environments of the same key.
    pub(super) client: Arc<Client>,
    /// Kind of the key and name of the endpoint.
    pub(super) target: Target,
    /// Hash of the key and the endpoint.
    pub(super) fingerprint: Fingerprint,
}

/// Client with the environments that use it.
struct SharedClient {
    client: Arc<Client>,
    pace: u32,
    /// Pace that each environment asks for.
    users: BTreeMap<Name, u32>,
    /// Part of the client's waiting time that the metrics have.
    counted: Duration,
}

impl SharedClient {
    /// Returns the waiting time since the last call.
    fn new_waits(&mut self) -> Duration {
        let waited = self.client.waited();
        waited.saturating_sub(std::mem::replace(&mut self.counted, waited))
    }
}

/// Key, endpoint and pace of a new client.
struct Access {
    endpoint: Endpoint,
    key: ApiKey,
    pace: u32,
}

/// Returns the endpoint that an environment names, or WorkOS's own.
pub(super) fn endpoint(spec: &PortalEnvironmentSpec) -> Result<Endpoint, BlockedReason> {
    let Some(text) = &spec.operator.api_url else {
        return Ok(Endpoint::default());
    };
    Endpoint::parse(text)
        .map_err(|error| BlockedReason::new(Reason::Invalid, format!("spec.apiUrl {error}")))
}

/// Clients of all environments of this process.
pub(super) struct Clients {
    connect: Arc<dyn Connect>,
    clock: SharedClock,
    /// Fence that stops writes once another process may lead.
    fence: Fence,
    /// Name of this process, so that its retries do not fall in step with those of others.
    identity: String,
    metrics: Arc<Metrics>,
    shared: Mutex<BTreeMap<Fingerprint, SharedClient>>,
}

impl Clients {
    /// Creates an empty set of clients.
    pub(super) fn new(
        connect: Arc<dyn Connect>,
        clock: SharedClock,
        fence: Fence,
        identity: &str,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            connect,
            clock,
            fence,
            identity: identity.to_owned(),
            metrics,
            shared: Mutex::default(),
        }
    }

    /// Returns the client of an environment for the key that its Secret holds now.
    pub(super) fn get(
        &self,
        environment: &Name,
        spec: &PortalEnvironmentSpec,
        secret: &SecretString,
    ) -> Result<Connection, BlockedReason> {
        let access = Access {
            key: key(spec, secret)?,
            endpoint: endpoint(spec)?,
            pace: spec.operator.requests_per_second.max(1),
        };
        let target = Target {
            environment: None,
            endpoint: access.endpoint.authority().to_owned(),
            key_kind: access.key.kind().map(|kind| kind.to_string()),
            client_id: None,
            manifest: None,
        };
        let fingerprint = fingerprint(secret, spec.operator.api_url.as_deref());
        Ok(Connection {
            client: self.share(environment, fingerprint, access)?,
            target,
            fingerprint,
        })
    }

    /// Forgets an environment, and the clients that no other environment uses.
    pub(super) fn leave(&self, environment: &Name) {
        self.count_waits();
        self.shared().retain(|_, one| {
            one.users.remove(environment);
            !one.users.is_empty()
        });
    }

    /// Adds to the metrics how long requests have waited for their turn since the last call.
    pub(super) fn count_waits(&self) {
        for one in self.shared().values_mut() {
            self.metrics.waited(one.new_waits());
        }
    }

    /// Returns the shared client of a key, at the slowest pace that any of its environments asks for.
    fn share(
        &self,
        environment: &Name,
        fingerprint: Fingerprint,
        access: Access,
    ) -> Result<Arc<Client>, BlockedReason> {
        self.count_waits();
        let mut shared = self.shared();
        shared.retain(|known, one| {
            if *known != fingerprint {
                one.users.remove(environment);
            }
            !one.users.is_empty()
        });
        let pace = access.pace;
        if let Some(one) = shared.get_mut(&fingerprint) {
            one.users.insert(environment.clone(), pace);
            let slowest = one.users.values().fold(pace, |a, b| a.min(*b));
            if slowest != one.pace {
                one.client = self.client(Access {
                    pace: slowest,
                    ..access
                })?;
                one.counted = Duration::ZERO;
                one.pace = slowest;
            }
            return Ok(Arc::clone(&one.client));
        }
        let client = self.client(access)?;
        let one = SharedClient {
            client: Arc::clone(&client),
            pace,
            users: BTreeMap::from([(environment.clone(), pace)]),
            counted: Duration::ZERO,
        };
        shared.insert(fingerprint, one);
        Ok(client)
    }

    fn client(&self, access: Access) -> Result<Arc<Client>, BlockedReason> {
        let transport = self
            .connect
            .connect(&access.endpoint)
            .map_err(|error| BlockedReason::new(Reason::Unreachable, error.to_string()))?;
        let transport = Arc::new(self.fence.transport(transport));
        let transport = Arc::new(MeteredTransport::new(transport, Arc::clone(&self.metrics)));
        Ok(Arc::new(Client::new(Settings {
            endpoint: access.endpoint,
            key: Some(access.key),
            transport,
            clock: Arc::clone(&self.clock),
            rate: NonZeroU32::new(access.pace).map_or_else(Rate::default, Rate::ceiling),
            seed: backoff::seed(&self.clock, &self.identity),
        })))
    }

    fn shared(&self) -> MutexGuard<'_, BTreeMap<Fingerprint, SharedClient>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the API key of a Secret and checks its kind against the environment.
fn key(spec: &PortalEnvironmentSpec, secret: &SecretString) -> Result<ApiKey, BlockedReason> {
    let name = &spec.secret_ref.name;
    let key = ApiKey::parse(secret.expose_secret()).map_err(|error| {
        let message = format!("the API key in Secret {name} {error}");
        BlockedReason::new(Reason::KeyInvalid, message)
    })?;
    let Some(declared) = spec.environment.api_key else {
        return Ok(key);
    };
    match key.kind() {
        Some(kind) if kind == declared => Ok(key),
        Some(kind) => Err(BlockedReason::new(
            Reason::KeyInvalid,
            format!(
                "Secret {name} holds a {kind} key, and spec.apiKey says {declared}: put the key of \
                 the right WorkOS environment there"
            ),
        )),
        None => Err(BlockedReason::new(
            Reason::KeyInvalid,
            format!("Secret {name} holds no key of the form sk_{declared}_…"),
        )),
    }
}

fn fingerprint(secret: &SecretString, endpoint: Option<&str>) -> Fingerprint {
    let mut hash = Sha256::new();
    hash.update(secret.expose_secret().trim_end().as_bytes());
    hash.update(b"\0");
    hash.update(endpoint.unwrap_or("").as_bytes());
    Fingerprint(hash.finalize().into())
}

#[cfg(test)]
mod tests;
