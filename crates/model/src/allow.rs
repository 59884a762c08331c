//! Decisions in git: what a run may otherwise do only with a flag, allowed for one entry.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A permission that an entry gives for itself, in its `allow` list.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Allow {
    /// An organization without external id that has verified one of the domains is taken over.
    Adopt,
    /// An organization that another manifest or an operator holds is changed and taken over.
    OtherOwner,
    /// A different external id is replaced.
    Rekey,
    /// Domains with `state: verified` are created as verified, without proof.
    TrustedDomains,
    /// Verified domains that are not declared are removed, with `domains_policy: exact`.
    DomainRemoval,
    /// Domains that many may share are declared without a warning.
    PublicDomain,
    /// An organization that is in use is deleted, with `state: absent`.
    ActiveDeletion,
    /// Audit-log events are kept for a shorter time than now; older ones are deleted for good.
    DataLoss,
    /// The invitation of `invite: once` does not count against the most that one run sends.
    InviteBulk,
}

impl Allow {
    /// Every permission, by the word for it.
    pub const WORDS: [(&'static str, Self); 9] = [
        ("adopt", Self::Adopt),
        ("other_owner", Self::OtherOwner),
        ("rekey", Self::Rekey),
        ("trusted_domains", Self::TrustedDomains),
        ("domain_removal", Self::DomainRemoval),
        ("public_domain", Self::PublicDomain),
        ("active_deletion", Self::ActiveDeletion),
        ("data_loss", Self::DataLoss),
        ("invite_bulk", Self::InviteBulk),
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::OtherOwner => "other_owner",
            Self::Rekey => "rekey",
            Self::TrustedDomains => "trusted_domains",
            Self::DomainRemoval => "domain_removal",
            Self::PublicDomain => "public_domain",
            Self::ActiveDeletion => "active_deletion",
            Self::DataLoss => "data_loss",
            Self::InviteBulk => "invite_bulk",
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_as_it_is_written() {
        for (word, allow) in Allow::WORDS {
            assert_eq!(allow.as_str(), word);
            assert_eq!(serde_json::to_value(allow).unwrap(), word);
        }
    }
}
