//! Current keys for hand-off tokens: read from a file that may change, or fetched from a JWKS URL.
//!
//! A token with an unknown key id makes the URL be fetched again, at most once in
//! [`REFETCH_INTERVAL`]. Keys that are withdrawn stop counting: a source that holds no key any more
//! leaves none, and keys whose source cannot be read end after a time.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::KeySource;
use super::files;
use super::keys::{InvalidKeys, KeySet};
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
    /// Time for which keys count after they could last be read.
    expire_after: Duration,
    current: RwLock<Current>,
    /// Time of the last fetch; the lock is held while one is under way.
    last_fetch: Mutex<Option<Instant>>,
}

/// Keys as they were last read.
struct Current {
    /// `None` until a JWKS URL has answered for the first time.
    keys: Option<Arc<KeySet>>,
    /// Time at which the source was last read.
    confirmed: Instant,
    /// Set when the last attempt to read the source failed.
    is_failing: bool,
}

/// State of the keys, for probes and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyState {
    /// In use, and read again whenever it was time.
    Current,
    /// In use, but their source could not be read again for so long.
    Stale(Duration),
    /// Ended, because their source could not be read for so long.
    Ended(Duration),
    /// A JWKS URL has not answered yet.
    Missing,
    /// The source holds no key: all were withdrawn.
    Withdrawn,
}

impl Keyring {
    /// Opens a keyring. A file is read at once and must be usable; a URL is not fetched yet. Keys
    /// end when their source could not be read for `expire_after`.
    pub(super) fn open(
        source: KeySource,
        expire_after: Duration,
        clock: SharedClock,
    ) -> Result<Self, String> {
        let transport = match &source {
            KeySource::JwksUrl(endpoint, _) => {
                let transport = HttpTransport::new(endpoint, BOUNDS);
                let transport = transport.map_err(|error| error.to_string())?;
                Some(Box::new(transport) as Box<dyn Transport>)
            }
            KeySource::SecretFile(_) | KeySource::JwksFile(_) => None,
        };
        let current = Current {
            keys: None,
            confirmed: clock.instant(),
            is_failing: false,
        };
        let ring = Self {
            source,
            clock,
            transport,
            expire_after,
            current: RwLock::new(current),
            last_fetch: Mutex::new(None),
        };
        ring.read_file()?;
        Ok(ring)
    }

    /// Returns the current keys; `None` while a JWKS URL has not answered yet, and when the keys
    /// have ended.
    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        match self.state() {
            KeyState::Ended(_) | KeyState::Missing => None,
            KeyState::Current | KeyState::Stale(_) | KeyState::Withdrawn => {
                self.current().keys.clone()
            }
        }
    }

    /// Returns the state of the keys.
    pub(super) fn state(&self) -> KeyState {
        let current = self.current();
        let age = self.age_of(&current);
        match &current.keys {
            None => KeyState::Missing,
            Some(_) if age >= self.expire_after => KeyState::Ended(age),
            Some(keys) if keys.is_empty() => KeyState::Withdrawn,
            Some(_) if current.is_failing => KeyState::Stale(age),
            Some(_) => KeyState::Current,
        }
    }

    /// Returns the time since the source was last read.
    pub(super) fn age(&self) -> Duration {
        self.age_of(&self.current())
    }

    fn age_of(&self, current: &Current) -> Duration {
        let now = self.clock.instant();
        now.saturating_duration_since(current.confirmed)
    }

    fn current(&self) -> RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the file that the keys come from, where there is one.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        match &self.source {
            KeySource::SecretFile(file) | KeySource::JwksFile(file) => Some(file),
            KeySource::JwksUrl(..) => None,
        }
    }

    /// Reads the file again. A broken file leaves the current keys in place until they end; one
    /// without keys withdraws them.
    pub(super) fn read_file(&self) -> Result<(), String> {
        let (file, parse): (_, fn(&str) -> _) = match &self.source {
            KeySource::SecretFile(file) => (file, KeySet::secrets),
            KeySource::JwksFile(file) => (file, KeySet::jwks),
            KeySource::JwksUrl(..) => return Ok(()),
        };
        let shown = file.display();
        let text = files::read(file).map_err(|error| {
            self.fail();
            format!("cannot read {shown}: {error}")
        })?;
        self.take(parse(&text))
            .map_err(|error| format!("{shown} {error}"))
    }

    /// Records that the file was looked at again and is still as it was read.
    pub(super) fn confirm_file(&self) {
        let mut current = self.write();
        if !current.is_failing && self.file().is_some() {
            current.confirmed = self.clock.instant();
        }
    }

    /// Fetches the JWKS URL, unless that was done within [`REFETCH_INTERVAL`]. Returns whether
    /// there are new keys.
    pub(super) async fn refetch(&self) -> Result<bool, String> {
        self.refetch_after(REFETCH_INTERVAL).await
    }

    /// Fetches the JWKS URL where its keys are missing or older than [`MAX_AGE`], and after a
    /// failure sooner.
    pub(super) async fn refetch_if_old(&self) -> Result<bool, String> {
        match self.state() {
            KeyState::Current => self.refetch_after(MAX_AGE).await,
            KeyState::Missing => self.refetch_after(BOUNDS.timeout).await,
            KeyState::Stale(_) | KeyState::Ended(_) | KeyState::Withdrawn => {
                self.refetch_after(REFETCH_INTERVAL).await
            }
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
        let text = fetch(transport.as_ref(), url).await.map_err(|why| {
            self.fail();
            format!("the keys at {url}: {why}")
        })?;
        self.take(KeySet::jwks(&text))
            .map_err(|error| format!("the answer of {url} {error}"))?;
        Ok(true)
    }

    /// Takes keys into use. Keys that were all withdrawn are an error too, and leave none.
    fn take(&self, read: Result<KeySet, InvalidKeys>) -> Result<(), InvalidKeys> {
        let (keys, result) = match read {
            Ok(keys) => (keys, Ok(())),
            Err(error) => match KeySet::withdrawn(&error) {
                // At the start there is nothing to withdraw.
                Some(none) if self.current().keys.is_some() => (none, Err(error)),
                _ => {
                    self.fail();
                    return Err(error);
                }
            },
        };
        *self.write() = Current {
            keys: Some(Arc::new(keys)),
            confirmed: self.clock.instant(),
            is_failing: false,
        };
        result
    }

    fn fail(&self) {
        self.write().is_failing = true;
    }

    fn write(&self) -> RwLockWriteGuard<'_, Current> {
        self.current.write().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch(transport: &dyn Transport, url: &str) -> Result<String, String> {
    let request = Request::get(url).header(http::header::ACCEPT, "application/json");
    let request = request.body(Bytes::new()).map_err(|e| e.to_string())?;
    let answer = transport.send(request).await.map_err(|e| e.message)?;
    if answer.status() != http::StatusCode::OK {
        return Err(format!("the answer is {}", answer.status()));
    }
    String::from_utf8(answer.body().to_vec()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Slot;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::BoxFuture;
    use http::Response;
    use jiff::Timestamp;

    use super::*;
    use portalctl_platform::clock::FixedClock;
    use portalctl_workos::{Endpoint, TransportError};

    const HOUR: Duration = Duration::from_hours(1);
    const URL: &str = "https://app.example.com/jwks.json";

    /// Answers with what was published last, and counts the requests.
    #[derive(Clone, Default)]
    struct Publisher {
        answer: Arc<Slot<(u16, String)>>,
        asked: Arc<AtomicUsize>,
    }

    impl Publisher {
        /// Publishes keys with ids below a number.
        fn keys(&self, count: usize) {
            let keys = (0..count)
                .map(|id| format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"AAAA"}}"#));
            let keys: Vec<String> = keys.collect();
            self.says(200, &format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
        }

        fn says(&self, status: u16, body: &str) {
            *self.answer.lock().unwrap() = (status, body.to_owned());
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    impl Transport for Publisher {
        fn send(
            &self,
            _: Request<Bytes>,
        ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let (status, body) = self.answer.lock().unwrap().clone();
            let mut answer = Response::new(Bytes::from(body));
            *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
            Box::pin(async move { Ok(answer) })
        }
    }

    /// A keyring of a URL that publishes one key.
    fn ring() -> (Keyring, Publisher, SharedClock) {
        let clock: SharedClock = Arc::new(FixedClock::from(Timestamp::UNIX_EPOCH));
        let source = KeySource::JwksUrl(Endpoint::parse(URL).unwrap(), URL.to_owned());
        let mut ring = Keyring::open(source, HOUR, Arc::clone(&clock)).unwrap();
        let publisher = Publisher::default();
        publisher.keys(1);
        ring.transport = Some(Box::new(publisher.clone()));
        (ring, publisher, clock)
    }

    fn knows(ring: &Keyring, id: &str) -> bool {
        let keys = ring.keys();
        keys.is_some_and(|keys| keys.candidates(Some(id)).is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_key_is_looked_for_again_but_nobody_can_make_that_happen_often() {
        let (ring, publisher, clock) = ring();
        assert!(ring.keys().is_none());
        assert_eq!(ring.refetch_if_old().await, Ok(true));
        assert!(knows(&ring, "0") && !knows(&ring, "1"));
        publisher.keys(2);
        for _ in 0..100 {
            assert_eq!(ring.refetch().await, Ok(false));
            assert_eq!(ring.refetch_if_old().await, Ok(false));
        }
        clock.sleep(REFETCH_INTERVAL).await;
        assert_eq!(ring.refetch().await, Ok(true));
        assert!(knows(&ring, "1"));
        clock.sleep(MAX_AGE).await;
        assert_eq!(ring.refetch_if_old().await, Ok(true));
        assert_eq!(publisher.asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_jwks_withdraws_every_key_and_an_error_page_none() {
        let (ring, publisher, clock) = ring();
        assert_eq!(ring.refetch_if_old().await, Ok(true));
        for broken in ["<html>", "{}", "[]"] {
            publisher.says(200, broken);
            clock.sleep(MAX_AGE).await;
            assert!(ring.refetch_if_old().await.is_err(), "{broken}");
            assert!(knows(&ring, "0"), "{broken}");
        }
        // Keys of other kinds only are no key of ours either.
        for none in [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
            publisher.keys(1);
            clock.sleep(REFETCH_INTERVAL).await;
            assert_eq!(ring.refetch_if_old().await, Ok(true));
            publisher.says(200, none);
            clock.sleep(MAX_AGE).await;
            assert!(ring.refetch_if_old().await.is_err(), "{none}");
            assert_eq!(ring.state(), KeyState::Withdrawn, "{none}");
            assert!(!knows(&ring, "0"), "{none}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_cannot_be_read_again_end_after_their_time() {
        let (ring, publisher, clock) = ring();
        assert_eq!(ring.refetch_if_old().await, Ok(true));
        publisher.says(500, "");
        clock.sleep(MAX_AGE).await;
        assert!(ring.refetch_if_old().await.is_err());
        assert_eq!(ring.state(), KeyState::Stale(MAX_AGE));
        assert!(knows(&ring, "0"));
        clock.sleep(HOUR.saturating_sub(MAX_AGE)).await;
        assert_eq!(ring.state(), KeyState::Ended(HOUR));
        assert!(ring.keys().is_none());
        publisher.keys(1);
        assert_eq!(ring.refetch_if_old().await, Ok(true));
        assert_eq!(ring.state(), KeyState::Current);
        assert!(knows(&ring, "0"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_emptied_secret_file_withdraws_the_secret_and_a_missing_one_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("handoff.secret");
        let secret = "0123456789abcdef0123456789abcdef";
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        let clock: SharedClock = Arc::new(FixedClock::from(Timestamp::UNIX_EPOCH));
        write("");
        let open = || {
            Keyring::open(
                KeySource::SecretFile(file.clone()),
                HOUR,
                Arc::clone(&clock),
            )
        };
        assert!(open().is_err(), "nothing to begin with");
        write(secret);
        let ring = open().unwrap();
        let has_keys = || ring.keys().is_some_and(|keys| !keys.is_empty());
        clock.sleep(HOUR * 2).await;
        ring.confirm_file();
        assert!(has_keys(), "still there");
        write("too short");
        assert!(ring.read_file().is_err());
        assert!(has_keys(), "a broken edit");
        write(" \n");
        assert!(ring.read_file().is_err());
        assert_eq!(ring.state(), KeyState::Withdrawn);
        write(secret);
        assert_eq!(ring.read_file(), Ok(()));
        std::fs::remove_file(&file).unwrap();
        assert!(ring.read_file().is_err());
        assert!(has_keys(), "not yet");
        ring.confirm_file();
        clock.sleep(HOUR).await;
        assert_eq!(ring.state(), KeyState::Ended(HOUR));
        assert!(!has_keys());
    }
}
