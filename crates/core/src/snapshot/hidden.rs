//! Hashes in the place of values that nobody has to see. Short values can be guessed from them.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a value, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Hash(String);

impl Hash {
    /// Returns the hash of a value.
    pub(super) fn of(value: &str) -> Self {
        let digits = Sha256::digest(value.as_bytes());
        Self(HEXLOWER.encode(&digits))
    }

    /// Returns the hash of an address, whose case does not count.
    pub(super) fn of_address(address: &str) -> Self {
        Self::of(&address.trim().to_lowercase())
    }

    /// Returns a text that stands for the value where it is shown.
    pub(super) fn placeholder(&self) -> String {
        format!("(hidden, sha256:{})", self.0)
    }
}
