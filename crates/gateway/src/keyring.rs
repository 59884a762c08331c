//! Current keys for hand-off tokens: read from a file that may change, or fetched from a JWKS URL.
//!
//! A token with an unknown key id makes the URL be fetched again, at most once in
//! [`REFETCH_INTERVAL`].

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::KeySource;
use super::files;
use super::keys::KeySet;
use portalctl_platform::clock::SharedClock;
use portalctl_workos::{Bounds, HttpTransport, Transport};

/// Bounds of one JWKS request.
const BOUNDS: Bounds = Bounds {
    connect_timeout: Duration::from_secs(3),
    timeout: Duration::from_secs(5),
    max_body: 256 * 1024,
};
/// Shortest time between two fetches, however many unknown keys are presented.
const REFETCH_INTERVAL: Duration = Duration::from_secs(30);
/// Age at which fetched keys are fetched again.
const MAX_AGE: Duration = Duration::from_mins(10);

/// Current keys and their source.
pub(super) struct Keyring {
    source: KeySource,
    clock: SharedClock,
    /// Transport for a JWKS URL.
    transport: Option<Box<dyn Transport>>,
    /// Current keys; `None` until a JWKS URL has answered for the first time.
    keys: RwLock<Option<Arc<KeySet>>>,
    /// Time of the last fetch; the lock is held while one is under way.
    last_fetch: Mutex<Option<Instant>>,
}

impl Keyring {
    /// Opens a keyring. A file is read at once and must be usable; a URL is not fetched yet.
    pub(super) fn open(source: KeySource, clock: SharedClock) -> Result<Self, String> {
        let transport = match &source {
            KeySource::JwksUrl(endpoint, _) => {
                let transport = HttpTransport::new(endpoint, BOUNDS);
                let transport = transport.map_err(|error| error.to_string())?;
                Some(Box::new(transport) as Box<dyn Transport>)
            }
            KeySource::SecretFile(_) | KeySource::JwksFile(_) => None,
        };
        let ring = Self {
            source,
            clock,
            transport,
            keys: RwLock::new(None),
            last_fetch: Mutex::new(None),
        };
        ring.read_file()?;
        Ok(ring)
    }

    /// Returns the current keys; `None` while a JWKS URL has not answered yet.
    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.clone()
    }

    /// Returns the file that the keys come from, where there is one.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        match &self.source {
            KeySource::SecretFile(file) | KeySource::JwksFile(file) => Some(file),
            KeySource::JwksUrl(..) => None,
        }
    }

    /// Reads the file again. An unusable file leaves the current keys in place.
    pub(super) fn read_file(&self) -> Result<(), String> {
        let (file, parse): (_, fn(&str) -> _) = match &self.source {
            KeySource::SecretFile(file) => (file, KeySet::secrets),
            KeySource::JwksFile(file) => (file, KeySet::jwks),
            KeySource::JwksUrl(..) => return Ok(()),
        };
        let shown = file.display();
        let text = files::read(file).map_err(|error| format!("cannot read {shown}: {error}"))?;
        let keys = parse(&text).map_err(|error| format!("{shown} {error}"))?;
        self.set(keys);
        Ok(())
    }

    /// Fetches the JWKS URL, unless that was done within [`REFETCH_INTERVAL`]. Returns whether
    /// there are new keys.
    pub(super) async fn refetch(&self) -> Result<bool, String> {
        self.refetch_after(REFETCH_INTERVAL).await
    }

    /// Fetches the JWKS URL where its keys are missing or older than [`MAX_AGE`].
    pub(super) async fn refetch_if_old(&self) -> Result<bool, String> {
        match self.keys() {
            Some(_) => self.refetch_after(MAX_AGE).await,
            None => self.refetch_after(BOUNDS.timeout).await,
        }
    }

    async fn refetch_after(&self, pause: Duration) -> Result<bool, String> {
        let (KeySource::JwksUrl(_, url), Some(transport)) = (&self.source, &self.transport) else {
            return Ok(false);
        };
        // A request that waited here finds the keys that the one before it fetched.
        let mut last_fetch = self.last_fetch.lock().await;
        let now = self.clock.instant();
        if last_fetch.is_some_and(|last| now.saturating_duration_since(last) < pause) {
            return Ok(false);
        }
        *last_fetch = Some(now);
        let keys = fetch(transport.as_ref(), url).await;
        self.set(keys.map_err(|why| format!("the keys at {url}: {why}"))?);
        Ok(true)
    }

    fn set(&self, keys: KeySet) {
        let mut current = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::new(keys));
    }
}

async fn fetch(transport: &dyn Transport, url: &str) -> Result<KeySet, String> {
    let request = Request::get(url).header(http::header::ACCEPT, "application/json");
    let request = request.body(Bytes::new()).map_err(|e| e.to_string())?;
    let answer = transport.send(request).await.map_err(|e| e.message)?;
    if answer.status() != http::StatusCode::OK {
        return Err(format!("the answer is {}", answer.status()));
    }
    let text = std::str::from_utf8(answer.body()).map_err(|e| e.to_string())?;
    KeySet::jwks(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::BoxFuture;
    use http::Response;
    use jiff::Timestamp;

    use super::*;
    use portalctl_platform::clock::FixedClock;
    use portalctl_workos::{Endpoint, TransportError};

    /// Publishes one key more each time it is asked.
    #[derive(Default)]
    struct Publisher(Arc<AtomicUsize>);

    impl Transport for Publisher {
        fn send(
            &self,
            _: Request<Bytes>,
        ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
            let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            let keys = (0..count)
                .map(|id| format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"AAAA"}}"#));
            let keys: Vec<String> = keys.collect();
            let body = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
            Box::pin(async move { Ok(Response::new(Bytes::from(body))) })
        }
    }

    fn knows(ring: &Keyring, id: &str) -> bool {
        let keys = ring.keys();
        keys.is_some_and(|keys| keys.candidates(Some(id)).is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_key_is_looked_for_again_but_nobody_can_make_that_happen_often() {
        let url = "https://app.example.com/jwks.json";
        let clock: SharedClock = Arc::new(FixedClock::from(Timestamp::UNIX_EPOCH));
        let source = KeySource::JwksUrl(Endpoint::parse(url).unwrap(), url.to_owned());
        let mut ring = Keyring::open(source, Arc::clone(&clock)).unwrap();
        let publisher = Publisher::default();
        let asked = Arc::clone(&publisher.0);
        ring.transport = Some(Box::new(publisher));
        assert!(ring.keys().is_none());
        assert_eq!(ring.refetch_if_old().await, Ok(true));
        assert!(knows(&ring, "0") && !knows(&ring, "1"));
        for _ in 0..100 {
            assert_eq!(ring.refetch().await, Ok(false));
            assert_eq!(ring.refetch_if_old().await, Ok(false));
        }
        clock.sleep(REFETCH_INTERVAL).await;
        assert_eq!(ring.refetch().await, Ok(true));
        assert!(knows(&ring, "1"));
        clock.sleep(MAX_AGE).await;
        assert_eq!(ring.refetch_if_old().await, Ok(true));
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }
}
