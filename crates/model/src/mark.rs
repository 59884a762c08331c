//! The metadata keys that portalctl keeps for itself on organizations.

use std::collections::BTreeSet;

use super::Email;
use super::short_hash::short_hash;

pub use super::invitation_mark::InvitationMark;
pub use super::kept_values::KeptValues;

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

/// Returns the value of [`CONTACTS`] for declared contacts; neither order nor case counts.
pub fn contacts<'a>(contacts: impl IntoIterator<Item = &'a Email>) -> String {
    let contacts: BTreeSet<String> = contacts.into_iter().map(Email::folded).collect();
    let contacts: Vec<Option<&str>> = contacts.iter().map(|one| Some(one.as_str())).collect();
    short_hash(&contacts, CONTACTS_HASH_BYTES)
}

/// Returns whether a metadata key is a mark that portalctl keeps only for itself: nobody has to
/// review it.
pub fn is_bookkeeping(key: &str) -> bool {
    key == CONTACTS || key == KEPT
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
}
