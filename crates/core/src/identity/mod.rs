//! Identity: which live organization is a manifest entry's.
//!
//! Goes in: desired and observed state. Comes out: for every entry a match, the wish to create or
//! adopt, or a conflict that a person must decide. Pure; reads nothing, decides nothing twice:
//! plan, observe and readiness all ask here.
//!
//! The order in which an entry finds its organization:
//!
//! ```text
//! pinned id ─▶ external_id ─▶ previous_keys ─▶ one verified domain of an unclaimed organization
//!                                              without external_id (adopt)
//! ```
//!
//! A name or a pending domain never identifies: names are not unique at WorkOS, and anybody can
//! claim a domain.
//!
//! A conflict here is about an entry: which organization is meant is not clear. A domain that
//! another organization holds too is a [`Contest`]: the entry's organization stays known.

mod claims;
mod conflict;
mod contest;
mod hidden_rivals;
mod index;
pub mod ownership;
mod resolve;
#[cfg(test)]
mod tests;
mod unclaimed;
mod without_id;

use std::collections::{BTreeMap, BTreeSet};

use portalctl_model::codes::Code;
use portalctl_model::{Domain, ExternalId, OrgKey, OrganizationId};

pub use contest::{Contest, Disclosure, Rival};
pub use resolve::{Candidates, candidates, identify};

/// Identities of all entries of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identities {
    /// One for each entry of the manifest.
    pub entries: BTreeMap<OrgKey, Identity>,
    /// Declared domains that other organizations hold too, by entry.
    pub contested: BTreeMap<OrgKey, BTreeMap<Domain, Contest>>,
    /// Every organization that an entry is, could be, or was: by id, external id or previous key,
    /// by adoption, or in a conflict. No entry is about any other.
    pub concerned: BTreeSet<OrganizationId>,
    /// Conflicts of entries with `state: absent`: another entry is about the same organization.
    pub absent_conflicts: BTreeMap<OrgKey, Vec<IdentityConflict>>,
}

impl Identities {
    /// The live organization of an entry, when there is exactly one.
    pub fn organization_of(&self, key: &OrgKey) -> Option<&OrganizationId> {
        match self.entries.get(key)? {
            Identity::Matched { organization, .. } => Some(organization),
            Identity::Adoptable { .. } | Identity::Missing | Identity::Conflicted(_) => None,
        }
    }

    /// The other holders of an entry's domain, when there are any.
    pub fn contest(&self, key: &OrgKey, domain: &Domain) -> Option<&Contest> {
        self.contested.get(key)?.get(domain)
    }

    /// Hides the ids and names of other organizations from what is reported of an entry.
    pub fn hide_rivals(&mut self, key: &OrgKey) {
        if let Some(identity) = self.entries.get_mut(key) {
            hidden_rivals::hide_rivals(identity);
        }
        let contests = self.contested.get_mut(key);
        for contest in contests.into_iter().flat_map(BTreeMap::values_mut) {
            contest.hide_rivals();
        }
    }
}

/// Identity of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The entry's organization was found.
    Matched {
        /// The organization.
        organization: OrganizationId,
        /// The id or key by which it was found.
        by: MatchedBy,
    },
    /// No entry claims this organization, and it holds one of the entry's domains, verified.
    Adoptable {
        /// The organization.
        organization: OrganizationId,
        /// The domain that identifies it.
        domain: Domain,
    },
    /// There is none, and nothing that could be it.
    Missing,
    /// A person must decide; every reason that was found.
    Conflicted(Vec<IdentityConflict>),
}

impl Identity {
    /// The organization that the entry is, or would adopt.
    pub const fn organization(&self) -> Option<&OrganizationId> {
        match self {
            Self::Matched { organization, .. } | Self::Adoptable { organization, .. } => {
                Some(organization)
            }
            Self::Missing | Self::Conflicted(_) => None,
        }
    }
}

/// The id or key by which an entry found its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchedBy {
    /// The entry pins it by id.
    Id,
    /// The organization's external id is the entry's.
    ExternalId,
    /// The organization's external id is a former one of the entry.
    PreviousKey(ExternalId),
}

/// Conflict about the organization of an entry, with what resolves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityConflict {
    /// The code that `portalctl explain` knows.
    pub code: Code,
    /// Description of the conflict.
    pub message: String,
    /// Instruction that resolves the conflict.
    pub help: String,
}
