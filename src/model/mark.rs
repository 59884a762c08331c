//! The metadata keys that portalctl keeps for itself on organizations.

/// What every reserved key begins with; manifests cannot use it.
pub const RESERVED_PREFIX: &str = "portalctl_";
/// The manifest that created the organization.
pub const OWNER: &str = "portalctl_owner";
/// Set while the organization is never to be deleted.
pub const PROTECT: &str = "portalctl_protect";
/// The value of [`PROTECT`].
pub const PROTECTED: &str = "true";
/// When the IT contacts were invited, as `invite: once` keeps it.
pub const INVITED: &str = "portalctl_invited";
/// Metadata keys that WorkOS allows on one organization, ours included.
pub const MAX_METADATA_KEYS: usize = 50;
