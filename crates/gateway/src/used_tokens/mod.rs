//! Store of used hand-off tokens: in this process, or shared by all replicas in Redis.
//!
//! A token is claimed before its link is made. A claim that is spent lasts until the token expires;
//! a claim that is dropped gives the token back, because nothing came of it.

mod memory;
mod redis;
#[cfg(test)]
mod tests;

use std::path::Path;

use sha2::{Digest, Sha256};

use super::config::StoreRules;
use super::error::OpenError;
use super::files;
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::text::single_line;

use memory::Memory;
use redis::Redis;

/// Digest of a token's id.
type TokenDigest = [u8; 32];

/// Store of used tokens.
pub(super) enum UsedTokens {
    /// In this process, which forgets it when it ends.
    Memory(Memory),
    /// In Redis, for all replicas and across restarts.
    Shared(Redis),
}

/// Claim to a token. Dropping it makes the token usable again, unless it was [spent](Claim::spend).
pub(super) enum Claim {
    Memory(memory::Claim),
    Shared(redis::Claim),
}

impl UsedTokens {
    /// Opens the store that the configuration names. A Redis is not connected to yet.
    pub(super) fn open(rules: &StoreRules) -> Result<Self, OpenError> {
        match rules {
            StoreRules::Memory => Ok(Self::Memory(Memory::default())),
            StoreRules::Redis(file) => read_url(file)
                .and_then(|url| Redis::open(&url))
                .map(Self::Shared)
                .map_err(|why| {
                    let message = format!("{} {why}", file.display());
                    OpenError::new(codes::TOKEN_STORE, message)
                }),
        }
    }

    /// Returns whether tokens from before the start of this process can be judged.
    pub(super) const fn outlives_the_process(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// Claims a token, unless it was claimed before. `ends` is the second of its expiry.
    pub(super) async fn claim(&self, id: &str, ends: i64, now: i64) -> Result<Claim, Code> {
        let digest: TokenDigest = Sha256::digest(id.as_bytes()).into();
        match self {
            Self::Memory(memory) => memory.claim(digest, ends, now).map(Claim::Memory),
            Self::Shared(redis) => redis.claim(&digest, ends - now).await.map(Claim::Shared),
        }
    }

    /// Returns the number of tokens in the memory of this process, without those that have expired.
    pub(super) fn sweep(&self, now: i64) -> usize {
        match self {
            Self::Memory(memory) => memory.sweep(now),
            Self::Shared(_) => 0,
        }
    }

    /// Asks a shared store whether it answers.
    pub(super) async fn probe(&self) {
        if let Self::Shared(redis) = self {
            redis.probe().await;
        }
    }

    /// Returns whether the store answered the last request.
    pub(super) fn is_reachable(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Shared(redis) => redis.is_reachable(),
        }
    }
}

impl Claim {
    /// Keeps the token claimed until it expires.
    pub(super) fn spend(self) {
        match self {
            Self::Memory(claim) => claim.spend(),
            Self::Shared(claim) => claim.spend(),
        }
    }
}

/// Reads the address of a store; it may hold a password.
fn read_url(file: &Path) -> Result<String, String> {
    let text = files::read(file).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(single_line(&text).trim().to_owned())
}
