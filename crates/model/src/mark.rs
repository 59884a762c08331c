//! Marks: metadata keys of organizations that only portalctl writes.

use std::collections::BTreeSet;

use super::Email;
use super::short_hash::short_hash;

pub use super::invitation_mark::InvitationMark;
pub use super::kept_values::KeptValues;

/// Beginning of every reserved key; manifests cannot use it.
pub const RESERVED_PREFIX: &str = "portalctl_";
/// Key of the owner mark: the name of the manifest that created the organization.
pub const OWNER: &str = "portalctl_owner";
/// Key of the holder mark: the operator's resource that holds the organization, as
/// `cluster/namespace/name`.
pub const HOLDER: &str = "portalctl_holder";
/// Key of the protection from deletion.
pub const PROTECT: &str = "portalctl_protect";
/// Value of [`PROTECT`].
pub const PROTECTED: &str = "true";
/// Key of the invitation of an IT contact, an [`InvitationMark`].
pub const INVITED: &str = "portalctl_invited";
/// Key of the hash of the declared IT contacts, written once WorkOS has all of them.
pub const CONTACTS: &str = "portalctl_contacts";
/// Key of the hashes of values that WorkOS keeps otherwise than they were sent.
pub const KEPT: &str = "portalctl_kept";
/// Key of the mark of an organization that the gateway created: the name of the manifest that does not
/// declare it yet. Such an organization has no owner mark, so no run deletes it.
pub const PROVISIONED: &str = "portalctl_provisioned";
/// All reserved keys that portalctl writes.
pub const ALL: [&str; 7] = [OWNER, HOLDER, PROTECT, INVITED, CONTACTS, KEPT, PROVISIONED];
/// Metadata keys that WorkOS allows on one organization, ours included.
pub const MAX_METADATA_KEYS: usize = 50;
/// Metadata keys that a manifest may declare for one organization.
pub const MAX_DECLARED_KEYS: usize = MAX_METADATA_KEYS - ALL.len();

/// Bytes of the hash of contacts.
const CONTACTS_HASH_BYTES: usize = 16;

/// Returns the value of [`CONTACTS`] for declared contacts; order and case do not count.
pub fn contacts<'a>(contacts: impl IntoIterator<Item = &'a Email>) -> String {
    let contacts: BTreeSet<String> = contacts.into_iter().map(Email::folded).collect();
    let contacts: Vec<Option<&str>> = contacts.iter().map(|one| Some(one.as_str())).collect();
    short_hash(&contacts, CONTACTS_HASH_BYTES)
}

/// Returns whether a metadata key is a mark of no consequence, which needs no review.
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
