//! Paths of managed fields, as plans, saved plans and `ignore_fields` write them.

use std::fmt;
use std::str::FromStr;

use super::id::InvalidId;
use super::{Domain, Email, mark, name};

/// The path of a managed field.
///
/// A path reads as it is written:
///
/// ```
/// use portalctl_model::desired::FieldPath;
/// let path: FieldPath = "metadata.tier".parse()?;
/// assert_eq!(path, FieldPath::Metadata("tier".to_owned()));
/// assert_eq!(path.to_string(), "metadata.tier");
/// # Ok::<(), portalctl_model::field_path::InvalidPath>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldPath {
    /// `name`
    Name,
    /// `external_id`
    ExternalId,
    /// `stripe_customer_id`
    StripeCustomerId,
    /// `allow_profiles_outside_organization`: `true` or `false`
    OutsideProfiles,
    /// `audit_logs.retention_days`: a number of days
    RetentionDays,
    /// `state`: only in deletions, where an entry declares `state: absent`.
    State,
    /// `domains.DOMAIN`
    Domain(Domain),
    /// `it_contacts.EMAIL`
    ItContact(Email),
    /// `metadata.KEY`
    Metadata(String),
    /// `connections.ID`: only in deletions, which take it along.
    Connection(String),
    /// `directories.ID`: only in deletions, which take it along.
    Directory(String),
    /// `connections`, `directories`, `audit_logs`, `log_stream` or `members`: only in deletions,
    /// which take them along.
    Dependent(Dependent),
    /// `domains`, `metadata` or `it_contacts` as a whole; only in `ignore_fields`.
    Whole(FieldGroup),
}

/// Part of an organization that a deletion names as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependent {
    /// All connections, where they cannot be listed.
    Connections,
    /// All directories, where they cannot be listed.
    Directories,
    /// The audit logs.
    AuditLogs,
    /// The log stream.
    LogStream,
    /// The members.
    Members,
}

impl Dependent {
    /// Every part.
    pub const ALL: [Self; 5] = [
        Self::Connections,
        Self::Directories,
        Self::AuditLogs,
        Self::LogStream,
        Self::Members,
    ];

    /// Returns the part's name in a path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Directories => "directories",
            Self::AuditLogs => "audit_logs",
            Self::LogStream => "log_stream",
            Self::Members => "members",
        }
    }
}

/// A group of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldGroup {
    /// All domains.
    Domains,
    /// All IT contacts.
    ItContacts,
    /// All metadata.
    Metadata,
}

impl FieldGroup {
    /// Every group.
    pub const ALL: [Self; 3] = [Self::Domains, Self::ItContacts, Self::Metadata];

    /// Returns the group's name in a path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Domains => "domains",
            Self::ItContacts => "it_contacts",
            Self::Metadata => "metadata",
        }
    }
}

impl FieldPath {
    /// Returns the group that a path belongs to, if any.
    pub fn group(&self) -> Option<FieldGroup> {
        match self {
            Self::Domain(_) => Some(FieldGroup::Domains),
            Self::ItContact(_) => Some(FieldGroup::ItContacts),
            Self::Metadata(_) => Some(FieldGroup::Metadata),
            Self::Whole(group) => Some(*group),
            Self::Name
            | Self::ExternalId
            | Self::StripeCustomerId
            | Self::OutsideProfiles
            | Self::RetentionDays
            | Self::State
            | Self::Connection(_)
            | Self::Directory(_)
            | Self::Dependent(_) => None,
        }
    }

    /// Returns whether two values of the field are the same at WorkOS: white space at the ends and
    /// the form of composed characters do not count. Marks of portalctl are compared exactly.
    pub fn is_same(&self, one: Option<&str>, other: Option<&str>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => one == other || (!self.is_mark() && name::same(one, other)),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Returns whether the field is a mark of portalctl, kept in metadata.
    pub fn is_mark(&self) -> bool {
        matches!(self, Self::Metadata(key) if key.starts_with(mark::RESERVED_PREFIX))
    }

    /// Returns whether the field is a mark that nobody has to review.
    pub fn is_bookkeeping(&self) -> bool {
        matches!(self, Self::Metadata(key) if mark::is_bookkeeping(key))
    }

    /// Returns the path as people read it: an internationalised domain in both of its forms.
    pub fn shown(&self) -> String {
        match self {
            Self::Domain(domain) => format!("domains.{}", domain.shown()),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::ExternalId => f.write_str("external_id"),
            Self::StripeCustomerId => f.write_str("stripe_customer_id"),
            Self::OutsideProfiles => f.write_str("allow_profiles_outside_organization"),
            Self::RetentionDays => f.write_str("audit_logs.retention_days"),
            Self::State => f.write_str("state"),
            Self::Domain(domain) => write!(f, "domains.{domain}"),
            Self::ItContact(email) => write!(f, "it_contacts.{email}"),
            Self::Metadata(key) => write!(f, "metadata.{key}"),
            Self::Connection(id) => write!(f, "connections.{id}"),
            Self::Directory(id) => write!(f, "directories.{id}"),
            Self::Dependent(part) => f.write_str(part.as_str()),
            Self::Whole(group) => f.write_str(group.as_str()),
        }
    }
}

/// The text is not the path of a managed field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// There is no such field.
    #[error("there is no field `{0}`")]
    Unknown(String),
    /// The part behind the group's name is not one of its members.
    #[error("{0}")]
    Member(#[from] InvalidId),
}

impl FromStr for FieldPath {
    type Err = InvalidPath;

    /// Reads a path. Its domain, key or id may be one that no manifest may declare: live organizations
    /// have such, too.
    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let path = match text.split_once('.') {
            Some(("audit_logs", "retention_days")) => Self::RetentionDays,
            Some(("metadata", key)) => Self::Metadata(key.to_owned()),
            Some(("domains", domain)) => Self::Domain(Domain::from_api(domain)),
            Some(("it_contacts", email)) => Self::ItContact(Email::parse(email)?),
            Some(("connections", id)) => Self::Connection(id.to_owned()),
            Some(("directories", id)) => Self::Directory(id.to_owned()),
            Some(_) => return Err(InvalidPath::Unknown(text.to_owned())),
            None => {
                let single = [
                    Self::Name,
                    Self::ExternalId,
                    Self::StripeCustomerId,
                    Self::OutsideProfiles,
                    Self::State,
                ];
                let dependents = Dependent::ALL.into_iter().map(Self::Dependent);
                let groups = FieldGroup::ALL.into_iter().map(Self::Whole);
                let mut paths = single.into_iter().chain(dependents).chain(groups);
                paths
                    .find(|path| path.to_string() == text)
                    .ok_or_else(|| InvalidPath::Unknown(text.to_owned()))?
            }
        };
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_it_is_written() {
        for text in [
            "name",
            "external_id",
            "stripe_customer_id",
            "allow_profiles_outside_organization",
            "audit_logs.retention_days",
            "state",
            "domains.acme.com",
            "domains.gmail.com",
            "it_contacts.ada@acme.com",
            "metadata.tier",
            "metadata.a.b",
            "connections.conn_1",
            "directories.directory_1",
            "connections",
            "directories",
            "audit_logs",
            "log_stream",
            "members",
            "domains",
            "it_contacts",
            "metadata",
        ] {
            let path: FieldPath = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
        }
        for text in ["", "nmae", "name.x", "audit_logs.days", "it_contacts.ada"] {
            assert!(text.parse::<FieldPath>().is_err(), "{text}");
        }
    }
}
