//! The metadata keys that portalctl keeps for itself on organizations.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::Email;
use super::desired::FieldPath;

pub use super::invitation_mark::InvitationMark;

/// What every reserved key begins with; manifests cannot use it.
pub const RESERVED_PREFIX: &str = "portalctl_";
/// The name of the manifest that created the organization.
pub const OWNER: &str = "portalctl_owner";
/// The operator resource that holds the organization, as `cluster/namespace/name`.
pub const HOLDER: &str = "portalctl_holder";
/// Set while the organization is never to be deleted.
pub const PROTECT: &str = "portalctl_protect";
/// The value of [`PROTECT`].
pub const PROTECTED: &str = "true";
/// Invitation of an IT contact, as [`InvitationMark`] spells it.
pub const INVITED: &str = "portalctl_invited";
/// Hash of the declared IT contacts, written once WorkOS has all of them.
pub const CONTACTS: &str = "portalctl_contacts";
/// Hashes of the values that WorkOS keeps otherwise than they were sent.
pub const KEPT: &str = "portalctl_kept";
/// Every reserved key that portalctl writes.
pub const ALL: [&str; 6] = [OWNER, HOLDER, PROTECT, INVITED, CONTACTS, KEPT];
/// Metadata keys that WorkOS allows on one organization, ours included.
pub const MAX_METADATA_KEYS: usize = 50;
/// Metadata keys that a manifest may declare for one organization.
pub const MAX_DECLARED_KEYS: usize = MAX_METADATA_KEYS - ALL.len();

/// Bytes of a hash that marks keep: enough to tell values apart, and short enough for many.
const CONTACTS_HASH_BYTES: usize = 16;
/// Bytes of the hash of one value that WorkOS keeps otherwise than it was sent.
const KEPT_HASH_BYTES: usize = 8;
/// The most hashes that [`KEPT`] holds: what fits into one metadata value.
const MAX_KEPT: usize = 32;

/// Returns the value of [`CONTACTS`] for declared contacts; neither order nor case counts.
pub fn contacts<'a>(contacts: impl IntoIterator<Item = &'a Email>) -> String {
    let contacts: BTreeSet<String> = contacts.into_iter().map(Email::folded).collect();
    let contacts: Vec<Option<&str>> = contacts.iter().map(|one| Some(one.as_str())).collect();
    hash(&contacts, CONTACTS_HASH_BYTES)
}

/// Returns whether a metadata key is a mark that portalctl keeps only for itself: nobody has to
/// review it.
pub fn is_bookkeeping(key: &str) -> bool {
    key == CONTACTS || key == KEPT
}

/// Values that WorkOS keeps otherwise than they were sent, as [`KEPT`] remembers them.
///
/// Of each, only a hash of the field, what was sent and what was kept is stored. A value that
/// matches is not sent again; any other value is a difference as ever.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptValues(Vec<String>);

impl KeptValues {
    /// Reads the mark of an organization's metadata.
    pub fn of(metadata: &BTreeMap<String, String>) -> Self {
        let hashes = metadata.get(KEPT).map_or("", String::as_str);
        Self(hashes.split_whitespace().map(str::to_owned).collect())
    }

    /// Returns whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether WorkOS answered `kept` when `sent` was written to a field.
    pub fn holds(&self, path: &FieldPath, sent: Option<&str>, kept: Option<&str>) -> bool {
        !self.0.is_empty() && self.0.contains(&kept_hash(path, sent, kept))
    }

    /// Remembers that WorkOS answered `kept` when `sent` was written to a field; the oldest are
    /// forgotten when there are too many.
    pub fn add(&mut self, path: &FieldPath, sent: Option<&str>, kept: Option<&str>) {
        let hash = kept_hash(path, sent, kept);
        self.0.retain(|known| *known != hash);
        self.0.push(hash);
        let surplus = self.0.len().saturating_sub(MAX_KEPT);
        self.0.drain(..surplus);
    }
}

impl fmt::Display for KeptValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

fn kept_hash(path: &FieldPath, sent: Option<&str>, kept: Option<&str>) -> String {
    hash(&[Some(&path.to_string()), sent, kept], KEPT_HASH_BYTES)
}

/// The first bytes of a SHA-256 over values and their lengths, in hexadecimal.
fn hash(values: &[Option<&str>], bytes: usize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_order_nor_case_tells_contacts_apart() {
        let email = |text| Email::parse(text).unwrap();
        let (ada, bob) = (email("ada@acme.example"), email("bob@acme.example"));
        let loud = email("ADA@Acme.example");
        let both = contacts([&ada, &bob]);
        assert_eq!(both, contacts([&bob, &loud]));
        assert_ne!(both, contacts([&ada]));
        assert_ne!(contacts([&ada]), contacts([&bob]));
        assert_eq!(both.len(), 32);
        assert!(!both.contains("ada"));
    }

    #[test]
    fn a_kept_value_is_that_of_one_field_and_what_was_sent_to_it() {
        let mut kept = KeptValues::default();
        kept.add(&FieldPath::Name, Some("Acme"), Some("acme"));
        let metadata = BTreeMap::from([(KEPT.to_owned(), kept.to_string())]);
        let kept = KeptValues::of(&metadata);
        assert!(kept.holds(&FieldPath::Name, Some("Acme"), Some("acme")));
        assert!(!kept.holds(&FieldPath::Name, Some("Acme"), Some("ACME")));
        assert!(!kept.holds(&FieldPath::Name, Some("Acme"), None));
        assert!(!kept.holds(&FieldPath::Name, Some("ACME"), Some("acme")));
        assert!(!kept.holds(&FieldPath::ExternalId, Some("Acme"), Some("acme")));
        assert!(KeptValues::of(&BTreeMap::new()).is_empty());
    }

    #[test]
    fn what_is_remembered_fits_into_one_metadata_value() {
        let mut kept = KeptValues::default();
        for number in 0..100 {
            let path = FieldPath::Metadata(format!("key{number}"));
            kept.add(&path, Some("a"), Some("b"));
            kept.add(&path, Some("a"), Some("b"));
        }
        assert!(kept.to_string().len() <= 600);
        let newest = FieldPath::Metadata("key99".to_owned());
        assert!(kept.holds(&newest, Some("a"), Some("b")));
        let oldest = FieldPath::Metadata("key0".to_owned());
        assert!(!kept.holds(&oldest, Some("a"), Some("b")));
    }
}
