//! Fingerprints: short hashes of parts of a plan, which a review keeps in place of the parts.

use sha2::{Digest as _, Sha256};

/// Number of bytes of a fingerprint.
pub(super) const FINGERPRINT_BYTES: usize = 16;

/// The first bytes of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(pub(super) [u8; FINGERPRINT_BYTES]);

/// Hashes values with their lengths, so that no two sequences of values hash alike.
pub(super) struct Hasher(Sha256);

impl Hasher {
    /// Begins a hash for one purpose.
    pub(super) fn new(purpose: &str) -> Self {
        let mut hasher = Self(Sha256::new());
        hasher.text(purpose);
        hasher
    }

    pub(super) fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_be_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    pub(super) fn optional(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.text(text.unwrap_or_default());
    }

    /// Hashes the SHA-256 of a value instead of the value.
    pub(super) fn hashed(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.0.update(Sha256::digest(text.unwrap_or_default()));
    }

    pub(super) fn fingerprint(&mut self, fingerprint: Fingerprint) {
        self.0.update(fingerprint.0);
    }

    /// Returns the whole hash.
    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// Returns the first bytes of the hash.
    pub(super) fn short(self) -> Fingerprint {
        let mut short = [0; FINGERPRINT_BYTES];
        for (to, from) in short.iter_mut().zip(self.finish()) {
            *to = from;
        }
        Fingerprint(short)
    }
}
