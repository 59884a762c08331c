//! Tokens that were used: remembered until they expire, in bounded memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use portalctl_model::codes::{Code, gateway as codes};

/// How many tokens are remembered. At two minutes each this is 800 links a second.
const MAX_REMEMBERED: usize = 100_000;

/// Ids by their digests, which all have one length, with the second that they expire in.
type Remembered = HashMap<[u8; 32], i64>;

/// The tokens that are used up, or being used.
#[derive(Clone, Default)]
pub(super) struct Used(Arc<Mutex<Remembered>>);

/// A token in use. It is good again when this is dropped, unless it was [spent](Claim::spend).
pub(super) struct Claim {
    used: Used,
    digest: Option<[u8; 32]>,
}

impl Used {
    /// Takes a token, unless somebody has. `ends` is when it cannot be used any more anyway.
    pub(super) fn claim(&self, id: &str, ends: i64, now: i64) -> Result<Claim, Code> {
        let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
        let mut remembered = self.remembered();
        if remembered.contains_key(&digest) {
            return Err(codes::REPLAYED);
        }
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, ends| *ends > now);
        }
        // Forgetting one that is still good would let it be used again.
        if remembered.len() >= MAX_REMEMBERED {
            return Err(codes::BUSY);
        }
        remembered.insert(digest, ends);
        Ok(Claim {
            used: self.clone(),
            digest: Some(digest),
        })
    }

    /// Forgets what has expired; how many are left.
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
    /// The token has done what it was for.
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
        let used = Used::default();
        let claim = used.claim("a", 100, 0).unwrap();
        assert_eq!(used.claim("a", 100, 0).err(), Some(codes::REPLAYED));
        drop(claim);
        used.claim("a", 100, 0).unwrap().spend();
        assert_eq!(used.claim("a", 100, 0).err(), Some(codes::REPLAYED));
        assert_eq!((used.sweep(99), used.sweep(100)), (1, 0));
    }

    #[test]
    fn memory_is_bounded_and_nothing_good_is_forgotten() {
        let used = Used::default();
        for id in 0..MAX_REMEMBERED {
            used.claim(&id.to_string(), 100, 0).unwrap().spend();
        }
        assert_eq!(used.claim("one more", 100, 99).err(), Some(codes::BUSY));
        assert_eq!(used.claim("7", 100, 99).err(), Some(codes::REPLAYED));
        assert!(used.claim("one more", 200, 100).is_ok());
    }
}
