//! States of objects, in WorkOS's spelling.
//!
//! Each also accepts any other text, so that a test can play a WorkOS newer than this program.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// Value that WorkOS does not document.
            #[serde(untagged)]
            Other(String),
        }
    };
}

states! {
    /// `OrganizationDomain.state` of the API description.
    DomainState {
        /// Record did not appear in time, or another organization holds the domain.
        Failed,
        /// Verified before WorkOS asked for proof.
        LegacyVerified,
        /// Waiting for the DNS record.
        Pending,
        /// Verification has not been started.
        Unverified,
        /// Proved, or asserted.
        Verified,
    }
}

impl DomainState {
    /// Returns whether the domain is verified.
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified | Self::LegacyVerified)
    }
}

states! {
    /// `Connection.state` of the API description.
    ConnectionState {
        /// No identity provider chosen yet.
        RequiresType,
        /// Begun.
        Draft,
        /// Users can sign in.
        Active,
        /// Waiting for a first sign-in.
        Validating,
        /// Users cannot sign in.
        Inactive,
        /// About to disappear.
        Deleting,
    }
}

states! {
    /// `Directory.state` of the API description.
    DirectoryState {
        /// Users and groups arrive.
        Linked,
        /// Waiting for the first sync.
        Validating,
        /// Credentials were refused.
        InvalidCredentials,
        /// Disconnected.
        Unlinked,
        /// About to disappear.
        Deleting,
    }
}

states! {
    /// `AuditLogConfiguration.state` of the API description.
    AuditLogState {
        /// Events are taken.
        Active,
        /// Not set up.
        Inactive,
        /// Switched off.
        Disabled,
    }
}

states! {
    /// `AuditLogConfiguration.log_stream.state` of the API description.
    LogStreamState {
        /// Delivering.
        Active,
        /// Paused, or not finished.
        Inactive,
        /// Failing to deliver.
        Error,
        /// Invalid configuration.
        Invalid,
    }
}

states! {
    /// `UserlandUserOrganizationMembership.status` of the API description.
    MembershipStatus {
        /// User may sign in.
        Active,
        /// User was deactivated.
        Inactive,
        /// User was invited.
        Pending,
    }
}

impl MembershipStatus {
    /// Returns the spelling of WorkOS.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Other(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_and_write_the_spelling_of_workos() {
        for text in ["\"invalid_credentials\"", "\"linked\"", "\"quantum\""] {
            let state: DirectoryState = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&state).unwrap(), text);
        }
        assert_eq!(
            serde_json::from_str::<DomainState>("\"legacy_verified\"").unwrap(),
            DomainState::LegacyVerified
        );
    }
}
