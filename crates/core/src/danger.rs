//! Kinds of danger in a change of a manifest, the first the one to look at first.

use portalctl_model::codes::{Code, diff as codes};

/// Kind of danger; reports are sorted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DangerKind {
    /// People are sent to another address after the Admin Portal.
    Destination,
    /// A domain decides how people sign in.
    Domain,
    /// An organization loses its protection from deletion.
    Protection,
    /// One run may change or delete more than before.
    Limit,
    /// A permission is given, or differences are no longer looked at.
    Power,
    /// Other organizations are meant, or they get another owner.
    Owner,
    /// An organization is deleted, or may be by `--prune`.
    Deletion,
    /// A feature is no longer declared, while a connection of it may be live.
    Intent,
    /// Data is kept for a shorter time.
    DataLoss,
    /// Access to the Admin Portal, or an e-mail, for one more person.
    Contact,
}

impl DangerKind {
    /// Every kind, in order.
    pub const ALL: [Self; 10] = [
        Self::Destination,
        Self::Domain,
        Self::Protection,
        Self::Limit,
        Self::Power,
        Self::Owner,
        Self::Deletion,
        Self::Intent,
        Self::DataLoss,
        Self::Contact,
    ];

    /// Returns the code that `portalctl explain` knows.
    pub const fn code(self) -> Code {
        match self {
            Self::Destination => codes::DESTINATION,
            Self::Domain => codes::DOMAIN,
            Self::Protection => codes::PROTECTION,
            Self::Limit => codes::LIMIT,
            Self::Power => codes::POWER,
            Self::Owner => codes::OWNER,
            Self::Deletion => codes::DELETION,
            Self::Intent => codes::INTENT,
            Self::DataLoss => codes::DATA_LOSS,
            Self::Contact => codes::CONTACT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_list() {
        assert!(DangerKind::ALL.is_sorted());
    }
}
