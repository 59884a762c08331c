//! The metadata keys that portalctl keeps for itself on organizations.

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
/// When the IT contacts were invited, as `invite: once` keeps it.
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
