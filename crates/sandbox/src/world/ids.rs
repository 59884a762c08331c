//! Ids and secrets in WorkOS's style that depend on the seed and the time alone.
//!
//! Every prefix has a counter of its own, so one more organization does not change the ids of the
//! connections.

use std::collections::BTreeMap;

use jiff::Timestamp;
use portalctl_platform::random::{SplitMix64, fnv1a};
use serde::{Deserialize, Serialize};

/// Crockford's base 32, as in ULIDs.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters and digits of tokens.
const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Generator of ids; not for anything that must stay secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ids {
    seed: u64,
    drawn: BTreeMap<String, u64>,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: BTreeMap::new(),
        }
    }

    /// Creates an id: the prefix and a ULID.
    pub(crate) fn id(&mut self, prefix: &str, now: Timestamp) -> String {
        let mut random = self.draw(prefix);
        // ULIDs begin in 1970; an earlier scenario gets the first one.
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let mut id = format!("{prefix}_");
        for digit in (0..10).rev() {
            id.push(pick(CROCKFORD, millis >> (5 * digit)));
        }
        for _ in 0..16 {
            id.push(pick(CROCKFORD, random.next_u64()));
        }
        id
    }

    /// Creates a token of letters and digits.
    pub(crate) fn token(&mut self, purpose: &str, length: usize) -> String {
        let mut random = self.draw(purpose);
        (0..length)
            .map(|_| pick(ALPHANUMERIC, random.next_u64()))
            .collect()
    }

    fn draw(&mut self, purpose: &str) -> SplitMix64 {
        let count = self.drawn.entry(purpose.to_owned()).or_default();
        *count += 1;
        let mut random = SplitMix64::new(self.seed ^ fnv1a(purpose, 0));
        SplitMix64::new(random.next_u64() ^ *count)
    }
}

fn pick(alphabet: &[u8], number: u64) -> char {
    let length = alphabet.len() as u64;
    let index = usize::try_from(number % length).unwrap_or_default();
    char::from(alphabet[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-01-15T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn ids_look_like_those_of_workos() {
        let id = Ids::new(7).id("org", noon());
        let ulid = id.strip_prefix("org_01").unwrap();
        assert_eq!(ulid.len(), 24);
        assert!(ulid.bytes().all(|b| CROCKFORD.contains(&b)), "{id}");
    }

    #[test]
    fn the_same_seed_gives_the_same_ids_and_never_one_twice() {
        let mut ids = Ids::new(7);
        let first: Vec<_> = (0..1000).map(|_| ids.id("conn", noon())).collect();
        let mut again = Ids::new(7);
        again.id("org", noon());
        let second: Vec<_> = (0..1000).map(|_| again.id("conn", noon())).collect();
        assert_eq!(first, second);
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), 1000);
        assert_ne!(Ids::new(8).id("conn", noon()), first[0]);
    }
}
