//! The two kinds of resources, by all of their names.

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A WorkOS environment.
    PortalEnvironment,
    /// An organization.
    PortalOrganization,
}

impl Kind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::PortalEnvironment, Self::PortalOrganization];

    /// Returns the name of the kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PortalEnvironment => "PortalEnvironment",
            Self::PortalOrganization => "PortalOrganization",
        }
    }

    /// Returns the name in URLs and for kubectl.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::PortalEnvironment => "portalenvironments",
            Self::PortalOrganization => "portalorganizations",
        }
    }

    pub(super) const fn singular(self) -> &'static str {
        match self {
            Self::PortalEnvironment => "portalenvironment",
            Self::PortalOrganization => "portalorganization",
        }
    }

    pub(super) const fn short(self) -> &'static str {
        match self {
            Self::PortalEnvironment => "penv",
            Self::PortalOrganization => "porg",
        }
    }
}
