//! Used tokens in Redis, or a server that speaks its protocol: one key for each token, with its
//! expiry.
//!
//! `SET NX` decides between replicas. When an answer is lost nobody knows whether the token was
//! claimed, so the claim is given back by its own nonce, and the person may try again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Value, cmd};

use super::TokenDigest;
use crate::crypto;
use portalctl_model::codes::{Code, gateway as codes};

/// Time limit for a connection, and for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Start of every key.
const PREFIX: &str = "portalctl:used-token:";
/// Rest of the key that a probe writes; no digest has its length.
const PROBE: &str = "probe";
/// Code of the error of a server that became a replica.
const READ_ONLY: &str = "READONLY";
/// Deletes a key if it holds the nonce of the claim.
const RELEASE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// Redis as a store of used tokens. Clones share their connection.
#[derive(Clone)]
pub(in super::super) struct Redis(Arc<Shared>);

struct Shared {
    client: Client,
    /// Connection that is made again by itself where it breaks; made at the first request, and given up
    /// where its server takes no writes any more.
    connection: Mutex<Option<ConnectionManager>>,
    is_reachable: AtomicBool,
}

/// Claim to a token.
pub(in super::super) struct Claim {
    redis: Redis,
    key: String,
    nonce: String,
    is_spent: bool,
}

impl Redis {
    /// Opens a store by its address: `redis://` or `rediss://` with user, password and database.
    /// The error does not repeat the address, which may hold a password.
    pub(super) fn open(url: &str) -> Result<Self, String> {
        let is_redis = ["redis://", "rediss://"]
            .iter()
            .any(|it| url.starts_with(it));
        let client = Client::open(url).ok().filter(|_| is_redis);
        let client = client.ok_or(
            "holds no address of a Redis, such as rediss://USER:PASSWORD@redis.example.com:6379/0",
        )?;
        Ok(Self(Arc::new(Shared {
            client,
            connection: Mutex::new(None),
            is_reachable: AtomicBool::new(false),
        })))
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.0.is_reachable.load(Ordering::Relaxed)
    }

    /// Claims a token for so many seconds, unless it was claimed before.
    pub(super) async fn claim(&self, digest: &TokenDigest, seconds: i64) -> Result<Claim, Code> {
        let nonce = crypto::random::<16>().ok_or(codes::BUSY)?;
        let mut claim = Claim {
            redis: self.clone(),
            key: format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(digest)),
            nonce: URL_SAFE_NO_PAD.encode(nonce),
            is_spent: false,
        };
        let mut set = cmd("SET");
        set.arg(&claim.key).arg(&claim.nonce).arg("NX");
        set.arg("EX").arg(seconds.max(1));
        // Dropping the claim after an error gives the token back, if it was claimed.
        let answer = self.ask(&set).await.map_err(|_| codes::TOKEN_STORE)?;
        match answer {
            Value::Okay => Ok(claim),
            // The key is there: somebody else's claim stays.
            Value::Nil => {
                claim.is_spent = true;
                Err(codes::REPLAYED)
            }
            _ => Err(codes::TOKEN_STORE),
        }
    }

    /// Asks whether the server takes a write: a replica answers too.
    pub(super) async fn probe(&self) {
        let mut set = cmd("SET");
        set.arg(format!("{PREFIX}{PROBE}")).arg("").arg("EX").arg(1);
        let _ = self.ask(&set).await;
    }

    async fn ask(&self, command: &redis::Cmd) -> Result<Value, RedisError> {
        let asked = self.try_ask(command).await;
        let was_reachable = self.0.is_reachable.swap(asked.is_ok(), Ordering::Relaxed);
        match &asked {
            Err(error) if was_reachable => {
                // The text of an error may repeat the address.
                let why = error.category();
                tracing::error!(why, "the store of used tokens does not answer");
            }
            Ok(_) if !was_reachable => tracing::info!("the store of used tokens answers"),
            _ => {}
        }
        asked
    }

    async fn try_ask(&self, command: &redis::Cmd) -> Result<Value, RedisError> {
        let mut connection = self.connection()?;
        // An error that the server answers with is an error here, and no value.
        let answer = command.query_async::<Value>(&mut connection).await;
        if let Err(error) = &answer
            && error.code() == Some(READ_ONLY)
        {
            // After a failover the address leads to another server: it is looked up again.
            *self.lock() = None;
        }
        answer
    }

    /// Returns the connection, which is made where there is none.
    fn connection(&self) -> Result<ConnectionManager, RedisError> {
        let mut connection = self.lock();
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_number_of_retries(1);
        let made = self.0.client.get_connection_manager_lazy(config)?;
        Ok(connection.insert(made).clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<ConnectionManager>> {
        let connection = self.0.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Keeps the token claimed until it expires.
    pub(super) fn spend(mut self) {
        self.is_spent = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_spent {
            return;
        }
        let redis = self.redis.clone();
        let mut release = cmd("EVAL");
        release.arg(RELEASE).arg(1).arg(&self.key).arg(&self.nonce);
        // Without a runtime the process ends, and the key expires by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = redis.ask(&release).await;
            });
        }
    }
}
