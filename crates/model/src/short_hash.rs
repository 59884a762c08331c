//! Short hashes that marks keep in place of values.

use sha2::{Digest as _, Sha256};

/// Returns the first bytes of a SHA-256 over values and their lengths, in hexadecimal.
pub(super) fn short_hash(values: &[Option<&str>], bytes: usize) -> String {
    let mut hasher = Sha256::new();
    for value in values {
        hasher.update([u8::from(value.is_some())]);
        let value = value.unwrap_or_default();
        hasher.update((value.len() as u64).to_be_bytes());
        hasher.update(value.as_bytes());
    }
    let digits = hasher.finalize();
    let mut hex = String::with_capacity(2 * bytes);
    for byte in digits.iter().take(bytes) {
        for nibble in [byte >> 4, byte & 0xf] {
            hex.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    hex
}
