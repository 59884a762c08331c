//! Used tokens in Redis, or a server that speaks its protocol: one key for each token, with its
//! expiry.
//!
//! `SET NX` decides between replicas. When an answer is lost nobody knows whether the token was
//! claimed, so the claim is given back by its own nonce, and the person may try again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Value, cmd};
use tokio::sync::OnceCell;

use super::TokenDigest;
use crate::crypto;
use portalctl_model::codes::{Code, gateway as codes};

/// Time limit for a connection, and for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Start of every key.
const PREFIX: &str = "portalctl:used-token:";
/// Deletes a key if it holds the nonce of the claim.
const RELEASE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// Redis as a store of used tokens. Clones share their connection.
#[derive(Clone)]
pub(in super::super) struct Redis(Arc<Shared>);

struct Shared {
    client: Client,
    /// Connection that is made again by itself; made at the first request.
    connection: OnceCell<ConnectionManager>,
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
            connection: OnceCell::new(),
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
        if answer == Value::Okay {
            return Ok(claim);
        }
        claim.is_spent = true;
        Err(codes::REPLAYED)
    }

    /// Asks whether the server answers.
    pub(super) async fn probe(&self) {
        let _ = self.ask(&cmd("PING")).await;
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
        let connect = || async {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(TIMEOUT))
                .set_response_timeout(Some(TIMEOUT))
                .set_number_of_retries(1);
            self.0.client.get_connection_manager_lazy(config)
        };
        let connection = self.0.connection.get_or_try_init(connect).await?;
        connection.clone().send_packed_command(command).await
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
