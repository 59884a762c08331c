//! Changes of single fields, with their values before and after.
//!
//! Goes in: a path and two texts, as documents spell them, or values that have a type already.
//! Comes out: a [`FieldChange`], whose values `apply` sends without reading any text. Decides
//! nothing.

use std::borrow::Cow;

use portalctl_model::desired::{DeclaredDomainState, Dependent, FieldPath};
use portalctl_model::observed::DomainState;
use portalctl_model::{Domain, Email, ExternalId, mark};

/// One field before and after a change; `None` is absent.
///
/// The last four are in deletions only: objects and states that the deletion takes along.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldChange {
    /// `name`
    Name {
        /// The live display name.
        before: Option<String>,
        /// The display name to set.
        after: Option<String>,
    },
    /// `external_id`
    ExternalId {
        /// The live external id, which need not be valid here.
        before: Option<String>,
        /// The external id to set.
        after: Option<ExternalId>,
    },
    /// `stripe_customer_id`
    StripeCustomerId {
        /// The live Stripe customer id.
        before: Option<String>,
        /// The Stripe customer id to set.
        after: Option<String>,
    },
    /// `allow_profiles_outside_organization`
    OutsideProfiles {
        /// The live setting.
        before: Option<bool>,
        /// The setting to make.
        after: Option<bool>,
    },
    /// `audit_logs.retention_days`
    RetentionDays {
        /// The days for which WorkOS keeps events now.
        before: Option<u32>,
        /// The days to set.
        after: Option<u16>,
    },
    /// `state`: `present` before, and gone afterwards.
    State,
    /// `domains.DOMAIN`
    Domain {
        /// The domain.
        domain: Domain,
        /// The live state.
        before: Option<DomainState>,
        /// The state to add the domain in; `None` removes it.
        after: Option<DeclaredDomainState>,
    },
    /// `it_contacts.EMAIL`: contacts are added only.
    ItContact(Email),
    /// `metadata.KEY`
    Metadata {
        /// The metadata key.
        key: String,
        /// The live value.
        before: Option<String>,
        /// The value to set; `None` removes the key.
        after: Option<String>,
    },
    /// `connections.ID`
    Connection {
        /// The connection's id.
        id: String,
        /// The connection's state, as WorkOS spells it.
        state: String,
    },
    /// `directories.ID`
    Directory {
        /// The directory's id.
        id: String,
        /// The directory's state, as WorkOS spells it.
        state: String,
    },
    /// `connections`, `directories`, `audit_logs`, `log_stream` or `members`
    Dependent {
        /// The part of the organization.
        part: Dependent,
        /// The part's state.
        state: String,
    },
}

/// Text of `state` for an organization that exists.
const PRESENT: &str = "present";
/// Text of an IT contact once it is added; WorkOS tells nothing more of it.
const ADDED: &str = "added";

/// A text that is no value of its field; reads as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` cannot change from {before:?} to {after:?}")]
pub struct InvalidValue {
    path: String,
    before: Option<String>,
    after: Option<String>,
}

impl FieldChange {
    /// Creates a change of one metadata key.
    pub fn metadata(key: impl Into<String>, before: Option<String>, after: Option<String>) -> Self {
        Self::Metadata {
            key: key.into(),
            before,
            after,
        }
    }

    /// Creates the addition of a domain that is not verified yet.
    pub const fn pending_domain(domain: Domain) -> Self {
        Self::Domain {
            domain,
            before: None,
            after: Some(DeclaredDomainState::Pending),
        }
    }

    /// Reads a change from its path and the texts of its values.
    ///
    /// # Errors
    ///
    /// Fails where a text is no value of the field, and for changes that no plan makes.
    pub fn read(
        path: FieldPath,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<Self, InvalidValue> {
        let shown = path.to_string();
        let invalid = || InvalidValue {
            path: shown.clone(),
            before: before.clone(),
            after: after.clone(),
        };
        let taken_along = || match (&before, &after) {
            (Some(state), None) => Ok(state.clone()),
            _ => Err(invalid()),
        };
        Ok(match path {
            FieldPath::Name => Self::Name { before, after },
            FieldPath::ExternalId => Self::ExternalId {
                after: optional(after.as_deref(), |id| ExternalId::parse(id).ok())
                    .map_err(|()| invalid())?,
                before,
            },
            FieldPath::StripeCustomerId => Self::StripeCustomerId { before, after },
            FieldPath::OutsideProfiles => Self::OutsideProfiles {
                before: optional(before.as_deref(), |it| it.parse().ok())
                    .map_err(|()| invalid())?,
                after: optional(after.as_deref(), |it| it.parse().ok()).map_err(|()| invalid())?,
            },
            FieldPath::RetentionDays => Self::RetentionDays {
                before: optional(before.as_deref(), |it| it.parse().ok())
                    .map_err(|()| invalid())?,
                after: optional(after.as_deref(), |it| it.parse().ok()).map_err(|()| invalid())?,
            },
            FieldPath::State if taken_along()? == PRESENT => Self::State,
            FieldPath::Domain(domain) => Self::Domain {
                domain,
                after: optional(after.as_deref(), declared_state).map_err(|()| invalid())?,
                before: before.as_deref().map(DomainState::from_api),
            },
            FieldPath::ItContact(email) if before.is_none() && after.as_deref() == Some(ADDED) => {
                Self::ItContact(email)
            }
            FieldPath::Metadata(key) => Self::Metadata { key, before, after },
            FieldPath::Connection(id) => Self::Connection {
                id,
                state: taken_along()?,
            },
            FieldPath::Directory(id) => Self::Directory {
                id,
                state: taken_along()?,
            },
            FieldPath::Dependent(part) => Self::Dependent {
                part,
                state: taken_along()?,
            },
            FieldPath::State | FieldPath::ItContact(_) | FieldPath::Whole(_) => {
                return Err(invalid());
            }
        })
    }

    /// Returns the path of the field.
    pub fn path(&self) -> FieldPath {
        match self {
            Self::Name { .. } => FieldPath::Name,
            Self::ExternalId { .. } => FieldPath::ExternalId,
            Self::StripeCustomerId { .. } => FieldPath::StripeCustomerId,
            Self::OutsideProfiles { .. } => FieldPath::OutsideProfiles,
            Self::RetentionDays { .. } => FieldPath::RetentionDays,
            Self::State => FieldPath::State,
            Self::Domain { domain, .. } => FieldPath::Domain(domain.clone()),
            Self::ItContact(email) => FieldPath::ItContact(email.clone()),
            Self::Metadata { key, .. } => FieldPath::Metadata(key.clone()),
            Self::Connection { id, .. } => FieldPath::Connection(id.clone()),
            Self::Directory { id, .. } => FieldPath::Directory(id.clone()),
            Self::Dependent { part, .. } => FieldPath::Dependent(*part),
        }
    }

    /// Returns the value before the change, as documents spell it.
    pub fn before(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Name { before, .. }
            | Self::ExternalId { before, .. }
            | Self::StripeCustomerId { before, .. }
            | Self::Metadata { before, .. } => before.as_deref().map(Cow::Borrowed),
            Self::OutsideProfiles { before, .. } => before.map(|it| it.to_string().into()),
            Self::RetentionDays { before, .. } => before.map(|it| it.to_string().into()),
            Self::State => Some(PRESENT.into()),
            Self::Domain { before, .. } => before.as_ref().map(|it| it.as_str().into()),
            Self::ItContact(_) => None,
            Self::Connection { state, .. }
            | Self::Directory { state, .. }
            | Self::Dependent { state, .. } => Some(state.into()),
        }
    }

    /// Returns the value after the change, as documents spell it.
    pub fn after(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Name { after, .. }
            | Self::StripeCustomerId { after, .. }
            | Self::Metadata { after, .. } => after.as_deref().map(Cow::Borrowed),
            Self::ExternalId { after, .. } => after.as_ref().map(|it| it.as_str().into()),
            Self::OutsideProfiles { after, .. } => after.map(|it| it.to_string().into()),
            Self::RetentionDays { after, .. } => after.map(|it| it.to_string().into()),
            Self::Domain { after, .. } => after.map(|state| state_text(state).into()),
            Self::ItContact(_) => Some(ADDED.into()),
            Self::State
            | Self::Connection { .. }
            | Self::Directory { .. }
            | Self::Dependent { .. } => None,
        }
    }

    /// Returns whether the field is absent before the change.
    pub fn is_addition(&self) -> bool {
        self.before().is_none()
    }

    /// Returns whether the field is absent after the change.
    pub fn is_removal(&self) -> bool {
        self.after().is_none()
    }

    /// Returns whether the change leaves the field as it is at WorkOS.
    pub fn is_no_change(&self) -> bool {
        let (before, after) = (self.before(), self.after());
        self.path().is_same(before.as_deref(), after.as_deref())
    }

    /// Returns the metadata key that changes, of a change of metadata.
    pub fn metadata_key(&self) -> Option<&str> {
        match self {
            Self::Metadata { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Returns whether the field is the mark of this name.
    pub fn is_mark_of(&self, name: &str) -> bool {
        self.metadata_key() == Some(name)
    }

    /// Returns whether the field is a mark of portalctl, kept in metadata.
    pub fn is_mark(&self) -> bool {
        self.metadata_key()
            .is_some_and(|key| key.starts_with(mark::RESERVED_PREFIX))
    }

    /// Returns whether the field is a mark that nobody has to review.
    pub fn is_bookkeeping(&self) -> bool {
        self.metadata_key().is_some_and(mark::is_bookkeeping)
    }

    /// Returns the domain that is added.
    pub const fn added_domain(&self) -> Option<&Domain> {
        match self {
            Self::Domain {
                domain,
                after: Some(_),
                ..
            } => Some(domain),
            _ => None,
        }
    }

    /// Returns the domain that is removed.
    pub const fn removed_domain(&self) -> Option<&Domain> {
        match self {
            Self::Domain {
                domain,
                after: None,
                ..
            } => Some(domain),
            _ => None,
        }
    }
}

/// Reads a text that may be absent, but not invalid.
fn optional<T>(text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ()> {
    text.map(|text| read(text).ok_or(())).transpose()
}

fn declared_state(text: &str) -> Option<DeclaredDomainState> {
    let mut states = [DeclaredDomainState::Pending, DeclaredDomainState::Verified].into_iter();
    states.find(|state| state_text(*state) == text)
}

const fn state_text(state: DeclaredDomainState) -> &'static str {
    match state {
        DeclaredDomainState::Pending => "pending",
        DeclaredDomainState::Verified => "verified",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_no_values_of_their_field_are_refused() {
        let read = |path: FieldPath, before: Option<&str>, after: Option<&str>| {
            FieldChange::read(path, before.map(str::to_owned), after.map(str::to_owned))
        };
        let domain = || FieldPath::Domain(Domain::parse("acme.com").unwrap());
        let contact = || FieldPath::ItContact(Email::parse("ada@acme.com").unwrap());
        for (path, before, after) in [
            (FieldPath::ExternalId, None, Some("not an id\n")),
            (FieldPath::OutsideProfiles, None, Some("yes")),
            (FieldPath::RetentionDays, Some("many"), Some("30")),
            (FieldPath::State, None, Some("present")),
            (domain(), None, Some("failed")),
            (contact(), Some("added"), None),
            (
                FieldPath::Connection("conn_1".to_owned()),
                None,
                Some("active"),
            ),
        ] {
            assert!(read(path.clone(), before, after).is_err(), "{path}");
        }
        for (path, before, after) in [
            (FieldPath::Name, Some("Acme"), Some("Acme Corp")),
            (FieldPath::ExternalId, Some("any text"), Some("acme")),
            (FieldPath::OutsideProfiles, Some("true"), Some("false")),
            (FieldPath::RetentionDays, Some("365"), Some("30")),
            (FieldPath::State, Some("present"), None),
            (domain(), Some("of the future"), None),
            (domain(), None, Some("verified")),
            (contact(), None, Some("added")),
            (
                FieldPath::Connection("conn_1".to_owned()),
                Some("active"),
                None,
            ),
        ] {
            let field = read(path.clone(), before, after).unwrap();
            assert_eq!(field.path(), path);
            assert_eq!(field.before().as_deref(), before, "{path}");
            assert_eq!(field.after().as_deref(), after, "{path}");
        }
    }
}
