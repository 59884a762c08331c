//! The clients of WorkOS: one for each API key and endpoint, however many environments use it, so
//! that all of them keep one pace.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::context::{Connect, Dependencies};
use super::lease::Fence;
use super::metrics::{MeteredTransport, Metrics};
use super::resource::Name;
use portalctl_core::plan::Target;
use portalctl_manifest::kubernetes::PortalEnvironmentSpec;
use portalctl_platform::clock::SharedClock;
use portalctl_workos::{ApiKey, Client, Endpoint, Rate, Settings};

/// Tells a key and an endpoint from others; holds neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint([u8; 32]);

/// A client with what plans say about it.
#[derive(Clone)]
pub(super) struct Connection {
    /// The client.
    pub(super) client: Arc<Client>,
    /// The key's kind and the endpoint's name.
    pub(super) target: Target,
    /// Changes with the key and the endpoint.
    pub(super) fingerprint: Fingerprint,
}

struct SharedClient {
    client: Arc<Client>,
    pace: u32,
    users: BTreeMap<Name, u32>,
    /// How much of the client's waiting was counted.
    counted: Duration,
}

impl SharedClient {
    /// The waiting that was not counted yet.
    fn new_waits(&mut self) -> Duration {
        let waited = self.client.waited();
        waited.saturating_sub(std::mem::replace(&mut self.counted, waited))
    }
}

/// Where an environment's WorkOS is.
pub(super) fn endpoint(spec: &PortalEnvironmentSpec) -> Result<Endpoint, BlockedReason> {
    let Some(text) = &spec.operator.api_url else {
        return Ok(Endpoint::default());
    };
    Endpoint::parse(text)
        .map_err(|error| BlockedReason::new(Reason::Invalid, format!("spec.apiUrl {error}")))
}

/// All clients.
pub(super) struct Clients {
    connect: Arc<dyn Connect>,
    clock: SharedClock,
    /// What keeps writes back once another process may lead.
    fence: Fence,
    /// Who this process is: what tells its jitter from that of others.
    identity: String,
    metrics: Arc<Metrics>,
    shared: Mutex<BTreeMap<Fingerprint, SharedClient>>,
}

impl Clients {
    /// None yet.
    pub(super) fn new(
        dependencies: &Dependencies,
        fence: Fence,
        identity: &str,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            connect: Arc::clone(&dependencies.connect),
            clock: Arc::clone(&dependencies.clock),
            fence,
            identity: identity.to_owned(),
            metrics,
            shared: Mutex::default(),
        }
    }

    /// The client of an environment, with the key that its Secret holds now.
    pub(super) fn get(
        &self,
        environment: &Name,
        spec: &PortalEnvironmentSpec,
        secret: &SecretString,
    ) -> Result<Connection, BlockedReason> {
        let key = key(spec, secret)?;
        let endpoint = endpoint(spec)?;
        let target = Target {
            environment: None,
            endpoint: endpoint.authority().to_owned(),
            key_kind: key.kind().map(|kind| kind.to_string()),
            client_id: None,
            manifest: None,
        };
        let fingerprint = fingerprint(secret, spec.operator.api_url.as_deref());
        let pace = spec.operator.requests_per_second.max(1);
        let client = self.share(environment, fingerprint, pace, endpoint, key)?;
        Ok(Connection {
            client,
            target,
            fingerprint,
        })
    }

    /// Forgets an environment, and clients that nobody uses.
    pub(super) fn leave(&self, environment: &Name) {
        self.count_waits();
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|_, one| {
            one.users.remove(environment);
            !one.users.is_empty()
        });
    }

    /// Counts how long requests have waited for their turn.
    pub(super) fn count_waits(&self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for one in shared.values_mut() {
            self.metrics.waited(one.new_waits());
        }
    }

    /// The slowest pace that any of its environments asks for holds for a key.
    fn share(
        &self,
        environment: &Name,
        fingerprint: Fingerprint,
        pace: u32,
        endpoint: Endpoint,
        key: ApiKey,
    ) -> Result<Arc<Client>, BlockedReason> {
        self.count_waits();
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|known, one| {
            if *known != fingerprint {
                one.users.remove(environment);
            }
            !one.users.is_empty()
        });
        if let Some(one) = shared.get_mut(&fingerprint) {
            one.users.insert(environment.clone(), pace);
            let slowest = one.users.values().copied().min().unwrap_or(pace);
            if slowest != one.pace {
                one.client = self.client(endpoint, key, slowest)?;
                one.counted = Duration::ZERO;
                one.pace = slowest;
            }
            return Ok(Arc::clone(&one.client));
        }
        let client = self.client(endpoint, key, pace)?;
        let one = SharedClient {
            client: Arc::clone(&client),
            pace,
            users: BTreeMap::from([(environment.clone(), pace)]),
            counted: Duration::ZERO,
        };
        shared.insert(fingerprint, one);
        Ok(client)
    }

    fn client(
        &self,
        endpoint: Endpoint,
        key: ApiKey,
        pace: u32,
    ) -> Result<Arc<Client>, BlockedReason> {
        let transport = self
            .connect
            .connect(&endpoint)
            .map_err(|error| BlockedReason::new(Reason::Unreachable, error.to_string()))?;
        let transport = Arc::new(self.fence.transport(transport));
        let transport = Arc::new(MeteredTransport::new(transport, Arc::clone(&self.metrics)));
        let rate = NonZeroU32::new(pace).map_or_else(Rate::default, Rate::ceiling);
        Ok(Arc::new(Client::new(Settings {
            endpoint,
            key: Some(key),
            transport,
            clock: Arc::clone(&self.clock),
            rate,
            seed: super::backoff::seed(&self.clock, &self.identity),
        })))
    }
}

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
    hash.update(endpoint.unwrap_or_default().as_bytes());
    Fingerprint(hash.finalize().into())
}

#[cfg(test)]
mod tests;
