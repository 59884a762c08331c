//! The words of the program: plain data with no behaviour beyond its own invariants.
//!
//! Goes in: nothing. Comes out: types. Uses only std, serde and small value crates, never
//! another module of this crate.

#[macro_use]
pub mod words;

pub mod allow;
pub mod codes;
pub mod desired;
pub mod domain_name;
pub mod duration;
pub mod field_path;
pub mod holder;
pub mod id;
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
    OrganizationId,
};
pub use intent::Intent;
pub use return_url::{AllowedHosts, InvalidUrl, ReturnUrl};
pub use selection::Selection;

/// The intents that nobody has begun to configure, by organization: what readiness tells the plan.
pub type Unconfigured = BTreeMap<OrgKey, BTreeSet<Intent>>;
