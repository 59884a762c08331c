//! Decisions in git: permissions for one entry, each in place of a flag of the command line.

words! {
    /// A permission that an entry gives for itself, in its `allow` list.
    Allow {
        /// An organization without external id that has verified one of the domains is taken over.
        Adopt = "adopt",
        /// An organization that another manifest or an operator holds is changed and taken over.
        OtherOwner = "other_owner",
        /// A different external id is replaced.
        Rekey = "rekey",
        /// Domains with `state: verified` are created as verified, without proof.
        TrustedDomains = "trusted_domains",
        /// Verified domains that are not declared are removed, with `domains_policy: exact`.
        DomainRemoval = "domain_removal",
        /// Domains that many may share are declared without a warning.
        PublicDomain = "public_domain",
        /// An organization that is in use is deleted, with `state: absent`.
        ActiveDeletion = "active_deletion",
        /// Audit-log events are kept for a shorter time than now; older ones are deleted for good.
        DataLoss = "data_loss",
        /// The invitation of `invite: once` does not count against the most that one run sends.
        InviteBulk = "invite_bulk",
    }
}
