//! The clients of WorkOS: one for each API key and endpoint, however many environments use it, so
//! that all of them keep one pace.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::conditions::Trouble;
use super::fence::Fence;
use super::metrics::{Metered, Metrics};
use super::names::Name;
use super::outside::{Connect, Outside};
use super::reason::Reason;
use portalctl_core::plan::Target;
use portalctl_manifest::kubernetes::PortalEnvironmentSpec;
use portalctl_manifest::shape::KeyKind;
use portalctl_platform::clock::SharedClock;
use portalctl_workos::{ApiKey, Client, Endpoint, Rate, Settings};

/// Tells a key and an endpoint from others; holds neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint([u8; 32]);

/// A client with what plans say about it.
#[derive(Clone)]
pub(super) struct Portal {
    /// The client.
    pub(super) client: Arc<Client>,
    /// The key's kind and the endpoint's name.
    pub(super) target: Target,
    /// Changes with the key and the endpoint.
    pub(super) fingerprint: Fingerprint,
}

struct Shared {
    client: Arc<Client>,
    pace: u32,
    users: BTreeMap<Name, u32>,
    /// How much of the client's waiting was counted.
    counted: Duration,
}

impl Shared {
    /// The waiting that was not counted yet.
    fn new_waits(&mut self) -> Duration {
        let waited = self.client.waited();
        waited.saturating_sub(std::mem::replace(&mut self.counted, waited))
    }
}

/// Where an environment's WorkOS is.
pub(super) fn endpoint(spec: &PortalEnvironmentSpec) -> Result<Endpoint, Trouble> {
    let Some(text) = &spec.operator.api_url else {
        return Ok(Endpoint::default());
    };
    Endpoint::parse(text)
        .map_err(|error| Trouble::new(Reason::Invalid, format!("spec.apiUrl {error}")))
}

/// All clients.
pub(super) struct Portals {
    connect: Arc<dyn Connect>,
    clock: SharedClock,
    /// What keeps writes back once another process may lead.
    fence: Fence,
    /// Who this process is: what tells its jitter from that of others.
    identity: String,
    metrics: Arc<Metrics>,
    shared: Mutex<BTreeMap<Fingerprint, Shared>>,
}

impl Portals {
    /// None yet.
    pub(super) fn new(
        outside: &Outside,
        fence: Fence,
        identity: &str,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            connect: Arc::clone(&outside.connect),
            clock: Arc::clone(&outside.clock),
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
    ) -> Result<Portal, Trouble> {
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
        Ok(Portal {
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
    ) -> Result<Arc<Client>, Trouble> {
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
        let one = Shared {
            client: Arc::clone(&client),
            pace,
            users: BTreeMap::from([(environment.clone(), pace)]),
            counted: Duration::ZERO,
        };
        shared.insert(fingerprint, one);
        Ok(client)
    }

    fn client(&self, endpoint: Endpoint, key: ApiKey, pace: u32) -> Result<Arc<Client>, Trouble> {
        let transport = self
            .connect
            .connect(&endpoint)
            .map_err(|error| Trouble::new(Reason::Unreachable, error.to_string()))?;
        let transport = Arc::new(self.fence.transport(transport));
        let transport = Arc::new(Metered::new(transport, Arc::clone(&self.metrics)));
        let rate = NonZeroU32::new(pace).map_or_else(Rate::default, Rate::ceiling);
        Ok(Arc::new(Client::new(Settings {
            endpoint,
            key: Some(key),
            transport,
            clock: Arc::clone(&self.clock),
            rate,
            seed: super::chance::seed(&self.clock, &self.identity),
        })))
    }
}

fn key(spec: &PortalEnvironmentSpec, secret: &SecretString) -> Result<ApiKey, Trouble> {
    let name = &spec.secret_ref.name;
    let key = ApiKey::parse(secret.expose_secret()).map_err(|error| {
        let message = format!("the API key in Secret {name} {error}");
        Trouble::new(Reason::KeyInvalid, message)
    })?;
    let Some(declared) = spec.api_key else {
        return Ok(key);
    };
    let declared = match declared {
        KeyKind::Test => portalctl_model::desired::KeyKind::Test,
        KeyKind::Live => portalctl_model::desired::KeyKind::Live,
    };
    match key.kind() {
        Some(kind) if kind == declared => Ok(key),
        Some(kind) => Err(Trouble::new(
            Reason::KeyInvalid,
            format!(
                "Secret {name} holds a {kind} key, and spec.apiKey says {declared}: put the key of \
                 the right WorkOS environment there"
            ),
        )),
        None => Err(Trouble::new(
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
mod tests {
    use serde_json::json;

    use super::super::outside::OverHttp;
    use super::*;
    use portalctl_platform::clock::SystemClock;

    const KEY: &str = "sk_test_portals0123456789";

    fn portals() -> Portals {
        let clock: SharedClock = Arc::new(SystemClock);
        Portals {
            connect: Arc::new(OverHttp),
            fence: Fence::closed(Arc::clone(&clock)),
            clock,
            identity: "first".to_owned(),
            metrics: Arc::new(Metrics::new()),
            shared: Mutex::default(),
        }
    }

    fn environment(name: &str) -> Name {
        Name {
            namespace: "portal".to_owned(),
            name: name.to_owned(),
        }
    }

    /// The client of an environment that asks for a pace.
    fn client(portals: &Portals, name: &str, pace: u32, key: &str) -> Arc<Client> {
        let spec = json!({
            "secretRef": { "name": "workos", "key": "api-key" },
            "apiUrl": "http://127.0.0.1:1", "requestsPerSecond": pace,
        });
        let spec = serde_json::from_value(spec).unwrap();
        let portal = portals.get(&environment(name), &spec, &SecretString::from(key));
        portal.ok().unwrap().client
    }

    /// The pace that all environments of the key keep.
    fn paces(portals: &Portals) -> Vec<u32> {
        let shared = portals.shared.lock().unwrap();
        shared.values().map(|one| one.pace).collect()
    }

    #[test]
    fn environments_of_one_key_share_one_client_and_the_slowest_pace() {
        let portals = portals();
        let first = client(&portals, "first", 50, KEY);
        assert!(Arc::ptr_eq(&first, &client(&portals, "second", 80, KEY)));
        assert_eq!(paces(&portals), [50]);
        let slower = client(&portals, "third", 20, KEY);
        assert!(Arc::ptr_eq(&slower, &client(&portals, "first", 50, KEY)));
        assert_eq!(paces(&portals), [20]);
        // It is as fast again when the slowest has gone.
        portals.leave(&environment("third"));
        let _ = client(&portals, "first", 50, KEY);
        assert_eq!(paces(&portals), [50]);
    }

    #[test]
    fn another_key_has_a_pace_of_its_own_and_one_that_nobody_has_is_forgotten() {
        let portals = portals();
        let first = client(&portals, "first", 50, KEY);
        let other = client(&portals, "second", 50, "sk_test_another0123456789");
        assert!(!Arc::ptr_eq(&first, &other));
        assert_eq!(paces(&portals), [50, 50]);
        let rotated = client(&portals, "first", 50, "sk_test_another0123456789");
        assert!(Arc::ptr_eq(&rotated, &other));
        assert_eq!(paces(&portals), [50]);
    }
}
