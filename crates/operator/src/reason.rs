//! Why a condition is as it is: a closed set of words for programs.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Why a condition is as it is. Its text is the variant's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// All of them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word for it.
            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

reasons! {
    /// WorkOS has what is declared.
    InSync,
    /// The organization exists as declared.
    Available,
    /// Every declared intent is configured.
    AllConfigured,
    /// No intent is declared.
    NothingDeclared,
    /// The key is there and accepted.
    Connected,
    /// Everything was read within its interval.
    Observed,
    /// The customer has not finished yet. Nothing is wrong.
    AwaitingCustomer,
    /// Something that worked, or should, does not: see the intents.
    NeedsAttention,
    /// WorkOS differs, and the operator is about to write.
    Pending,
    /// WorkOS differs, and nothing is written: paused.
    Paused,
    /// WorkOS differs, and nothing is written: managementPolicy is Observe.
    ObserveOnly,
    /// What is wanted is not allowed: the message says what would allow it.
    Held,
    /// The hourly limit of creations is reached: it waits.
    CreateLimit,
    /// Somebody else writes the same field again and again: it is written once an hour.
    Fighting,
    /// The organization was deleted at WorkOS by somebody else, and is not created again unasked.
    DeletedOutside,
    /// Most organizations that statuses name are not in the account that the API key opens.
    WrongAccount,
    /// The environment is being deleted: nothing is created or changed any more.
    EnvironmentTerminating,
    /// The environment is being deleted, and resources still need it.
    InUse,
    /// A person has to decide which organization is meant.
    Conflict,
    /// Another organization has verified a declared domain.
    DomainVerifiedElsewhere,
    /// The resource says something that no manifest may say.
    Invalid,
    /// WorkOS refused a change.
    Refused,
    /// The organization does not exist.
    NotFound,
    /// Another release of the operator keeps the environment.
    AnotherOperator,
    /// There is no such PortalEnvironment.
    EnvironmentMissing,
    /// The environment does not take organizations of this namespace.
    NotAllowed,
    /// The Secret with the API key, or its key, is not there.
    SecretMissing,
    /// What the Secret holds is no API key, or the key is of the other kind.
    KeyInvalid,
    /// WorkOS does not take the API key.
    Unauthorized,
    /// WorkOS asks to wait.
    RateLimited,
    /// WorkOS cannot be reached, or fails.
    Unreachable,
    /// The resource is being deleted, and the organization with it.
    Deleting,
    /// The resource is being deleted, and the organization may not be.
    DeletionBlocked,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
