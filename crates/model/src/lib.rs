//! Types that all stages share: ids, intents, desired and observed state, and error codes.
//!
//! Plain data with no behaviour beyond its own invariants. Makes no request, and reads no file, clock or
//! environment.

#[macro_use]
pub mod words;

pub mod allow;
pub mod codes;
pub mod desired;
pub mod domain_name;
pub mod duration;
pub mod field_path;
pub mod file_name;
pub mod holder;
pub mod id;
pub mod inert;
pub mod intent;
mod invitation_mark;
mod kept_values;
pub mod mark;
pub mod name;
pub mod observed;
pub mod return_url;
pub mod selection;
mod short_hash;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

pub use allow::Allow;
pub use domain_name::SharedDomain;
pub use holder::{Holder, HolderMark, ResourceName};
pub use id::{
    ClientId, Domain, Email, ExternalId, ExternalUserId, InvalidId, ManifestName, OrgKey,
    OrganizationId, PortalOption,
};
pub use intent::Intent;
pub use return_url::{AllowedHosts, InvalidUrl, ReturnUrl};
pub use selection::Selection;

/// Intents that no customer has begun to configure, by organization. Readiness passes them to the plan.
pub type Unconfigured = BTreeMap<OrgKey, BTreeSet<Intent>>;
