//! Used tokens in the memory of this process, remembered until they expire, in bounded memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::TokenDigest;
use portalctl_model::codes::{Code, gateway as codes};

/// Most ids that are remembered: 800 links a second with tokens of two minutes.
const MAX_REMEMBERED: usize = 100_000;

/// Digests of token ids with their second of expiry.
type Remembered = HashMap<TokenDigest, i64>;

/// Ids of tokens that are used, or being used.
#[derive(Clone, Default)]
pub(in super::super) struct Memory(Arc<Mutex<Remembered>>);

/// Claim to a token. Dropping it makes the token usable again, unless it was [spent](Claim::spend).
pub(in super::super) struct Claim {
    used: Memory,
    digest: Option<TokenDigest>,
}

impl Memory {
    /// Claims a token, unless it was claimed before. `ends` is the second of its expiry.
    pub(super) fn claim(&self, digest: TokenDigest, ends: i64, now: i64) -> Result<Claim, Code> {
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

    fn digest(id: usize) -> TokenDigest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&id.to_le_bytes());
        digest
    }

    #[test]
    fn a_token_is_good_once_and_again_only_where_nothing_came_of_it() {
        let used = Memory::default();
        let claim = used.claim([1; 32], 100, 0).unwrap();
        assert_eq!(used.claim([1; 32], 100, 0).err(), Some(codes::REPLAYED));
        drop(claim);
        used.claim([1; 32], 100, 0).unwrap().spend();
        assert_eq!(used.claim([1; 32], 100, 0).err(), Some(codes::REPLAYED));
        assert_eq!((used.sweep(99), used.sweep(100)), (1, 0));
    }

    #[test]
    fn memory_is_bounded_and_nothing_good_is_forgotten() {
        let used = Memory::default();
        for id in 0..MAX_REMEMBERED {
            used.claim(digest(id), 100, 0).unwrap().spend();
        }
        assert_eq!(
            used.claim(digest(MAX_REMEMBERED), 100, 99).err(),
            Some(codes::BUSY)
        );
        assert_eq!(used.claim(digest(7), 100, 99).err(), Some(codes::REPLAYED));
        assert!(used.claim(digest(MAX_REMEMBERED), 200, 100).is_ok());
    }
}
