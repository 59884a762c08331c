//! Enums whose values are written as words, in manifests and in resources.

use std::fmt::Debug;

/// An enum of which every value is written as one word.
pub trait Word: Copy + Debug + 'static {
    /// Every value with its word, in the order of declaration.
    const WORDS: &'static [(&'static str, Self)];

    /// Returns the word of a value.
    fn as_str(&self) -> &'static str;
}

/// Declares an enum with the word of each value.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$value_meta:meta])* $value:ident = $word:tt,)+ }) => {
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
            serde::Deserialize, schemars::JsonSchema,
        )]
        $(#[$meta])*
        pub enum $name {
            $($(#[$value_meta])* #[serde(rename = $word)] $value,)+
        }

        impl $name {
            /// Returns the word of the value.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        impl $crate::words::Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),+];

            fn as_str(&self) -> &'static str {
                Self::as_str(*self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::{
        DeclaredDomainState, DeletionPolicy, DomainsPolicy, Invite, KeyKind, Management,
        OrganizationState, Recreate,
    };
    use crate::{Allow, Intent};

    fn agree<W: Word + serde::Serialize>() {
        for (word, value) in W::WORDS {
            assert_eq!(value.as_str(), *word);
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
        }
    }

    #[test]
    fn every_word_reads_as_it_is_written() {
        agree::<Allow>();
        agree::<DeclaredDomainState>();
        agree::<DeletionPolicy>();
        agree::<DomainsPolicy>();
        agree::<Intent>();
        agree::<Invite>();
        agree::<KeyKind>();
        agree::<Management>();
        agree::<OrganizationState>();
        agree::<Recreate>();
    }
}
