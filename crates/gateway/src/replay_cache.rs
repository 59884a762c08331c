//! Replay cache: ids of used hand-off tokens, remembered until they expire, in bounded memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use portalctl_model::codes::{Code, gateway as codes};

/// Most ids that are remembered: 800 links a second with tokens of two minutes.
const MAX_REMEMBERED: usize = 100_000;

/// Digests of token ids with their second of expiry.
type Remembered = HashMap<[u8; 32], i64>;

/// Ids of tokens that are used, or being used.
#[derive(Clone, Default)]
pub(super) struct ReplayCache(Arc<Mutex<Remembered>>);

/// Claim to a token. Dropping it makes the token usable again, unless it was [spent](Claim::spend).
pub(super) struct Claim {
    used: ReplayCache,
    digest: Option<[u8; 32]>,
}

impl ReplayCache {
    /// Claims a token, unless it was claimed before. `ends` is the second of its expiry.
    pub(super) fn claim(&self, id: &str, ends: i64, now: i64) -> Result<Claim, Code> {
        let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
        let mut remembered = self.remembered();
        if remembered.contains_key(&digest) {
            return Err(codes::REPLAYED);
        }
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, ends| *ends > now);
        }
        // Forgetting an unexpired id would let the token be used again.
        if remembered.len() >= MAX_REMEMBERED {
            return Err(codes::BUSY);
        }
        remembered.insert(digest, ends);
        Ok(Claim {
            used: self.clone(),
            digest: Some(digest),
        })
    }

    /// Forgets expired ids; returns the number of those left.
    pub(super) fn sweep(&self, now: i64) -> usize {
        let mut remembered = self.remembered();
        remembered.retain(|_, ends| *ends > now);
        remembered.len()
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Keeps the token claimed until it expires.
    pub(super) fn spend(mut self) {
        self.digest = None;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(digest) = self.digest {
            self.used.remembered().remove(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_once_and_again_only_where_nothing_came_of_it() {
        let used = ReplayCache::default();
        let claim = used.claim("a", 100, 0).unwrap();
        assert_eq!(used.claim("a", 100, 0).err(), Some(codes::REPLAYED));
        drop(claim);
        used.claim("a", 100, 0).unwrap().spend();
        assert_eq!(used.claim("a", 100, 0).err(), Some(codes::REPLAYED));
        assert_eq!((used.sweep(99), used.sweep(100)), (1, 0));
    }

    #[test]
    fn memory_is_bounded_and_nothing_good_is_forgotten() {
        let used = ReplayCache::default();
        for id in 0..MAX_REMEMBERED {
            used.claim(&id.to_string(), 100, 0).unwrap().spend();
        }
        assert_eq!(used.claim("one more", 100, 99).err(), Some(codes::BUSY));
        assert_eq!(used.claim("7", 100, 99).err(), Some(codes::REPLAYED));
        assert!(used.claim("one more", 200, 100).is_ok());
    }
}
