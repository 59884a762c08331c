//! Observed state: answers of WorkOS, by key and sorted.
//!
//! Everything that WorkOS may extend is open: an enum value this version does not know becomes
//! `Unknown` with the raw text, a missing optional field is `None`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::escape;
use super::{Domain, OrganizationId};

/// Live state, as read in one pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Organizations by id.
    pub organizations: BTreeMap<OrganizationId, Organization>,
    /// Extent of `organizations`: the whole environment, or only lookups.
    pub coverage: Coverage,
    /// Single sign-on connections.
    pub connections: Listing<Connection>,
    /// Directories.
    pub directories: Listing<Directory>,
    /// Connections that could not be read, by organization, while others could; see
    /// [`Observed::connections_of`].
    pub failed_connections: BTreeMap<OrganizationId, FailedRead>,
    /// Directories that could not be read, by organization, while others could; see
    /// [`Observed::directories_of`].
    pub failed_directories: BTreeMap<OrganizationId, FailedRead>,
    /// Audit-log configurations of the organizations that were asked about.
    pub audit_logs: BTreeMap<OrganizationId, Answer<AuditLogConfiguration>>,
    /// Signing certificates of the connections that were asked about, by connection id.
    pub certificates: BTreeMap<String, Answer<Vec<Certificate>>>,
    /// Days for which audit-log events are kept, of the organizations that were asked about; `None`
    /// where nothing is set.
    pub retention: BTreeMap<OrganizationId, Answer<Option<u32>>>,
    /// IT contacts of the organizations that were asked about.
    pub it_contacts: BTreeMap<OrganizationId, Answer<Vec<ItContact>>>,
    /// Recent events, as far as they were read.
    pub history: History,
    /// Failed reads that belong to no known organization.
    #[serde(skip)]
    pub gaps: Vec<Gap>,
    /// Objects that depend on the organizations that may be deleted.
    pub usage: BTreeMap<OrganizationId, Usage>,
}

/// Objects that a deletion of their organization would take along.
///
/// Each part may fail to be read by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The organization's connections.
    pub connections: Result<Vec<Connection>, FailedRead>,
    /// The organization's directories.
    pub directories: Result<Vec<Directory>, FailedRead>,
    /// The organization's audit-log configuration, if it has one.
    pub audit_logs: Result<Option<AuditLogConfiguration>, FailedRead>,
    /// Presence of at least one active member.
    pub has_members: Result<bool, FailedRead>,
}

/// Part of an answer that could not be read, or a read that failed, and that no organization's
/// cell shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// Objects of a list without an id and without an organization.
    Objects {
        /// Plural of the kind of object: `connections`.
        kind: &'static str,
        /// Number of objects, at least.
        count: usize,
    },
    /// Organizations of the list without an id.
    Organizations(Vec<Organization>),
    /// Other organizations that hold a domain could not be looked up.
    Holders(Domain, FailedRead),
}

impl Observed {
    /// Returns the connections of an organization, or why they are not known.
    pub fn connections_of(&self, id: &OrganizationId) -> Objects<'_, Connection> {
        self.connections.of(id, self.failed_connections.get(id))
    }

    /// Returns the directories of an organization, or why they are not known.
    pub fn directories_of(&self, id: &OrganizationId) -> Objects<'_, Directory> {
        self.directories.of(id, self.failed_directories.get(id))
    }
}

/// Failed read: WorkOS's answer to one request, in words.
///
/// Made of the parts of an API error, so it holds no key, no portal link and no body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRead {
    /// Method and path of the request, without its query: `GET /connections`.
    pub request: String,
    /// HTTP status; `None` where no answer came.
    pub status: Option<u16>,
    /// WorkOS's own error code.
    pub code: Option<String>,
    /// WorkOS's message, or the network's: one redacted line, not escaped.
    pub message: String,
    /// Set when this request was not made, because many like it had failed in the same way.
    pub is_skipped: bool,
}

impl FailedRead {
    /// Returns the same failure for an object that was not asked about because of it.
    #[must_use]
    pub fn skipped(&self) -> Self {
        Self {
            is_skipped: true,
            ..self.clone()
        }
    }

    /// Returns the kind of request, without the id of the object:
    /// `GET /organizations/…/audit_log_configuration`.
    pub fn kind(&self) -> String {
        let mut parts: Vec<&str> = self.request.split('/').collect();
        if let Some(id) = parts.get_mut(2) {
            *id = "…";
        }
        parts.join("/")
    }

    /// Returns whether WorkOS refused the request: repeating it unchanged does not help.
    pub fn is_refused(&self) -> bool {
        self.status
            .is_some_and(|status| (400..500).contains(&status) && status != 429)
    }
}

impl fmt::Display for FailedRead {
    /// Writes `GET /connections answered 500 server_error: Internal error`, escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_skipped {
            write!(f, "not asked, because many like it failed: ")?;
            f.write_str(&escape(&self.kind()))?;
        } else {
            f.write_str(&escape(&self.request))?;
        }
        match self.status {
            Some(status) => write!(f, " answered {status}")?,
            None => f.write_str(" failed")?,
        }
        if let Some(code) = &self.code {
            write!(f, " {}", escape(code))?;
        }
        match self.message.trim() {
            "" => Ok(()),
            message => write!(f, ": {}", escape(message)),
        }
    }
}

/// Objects of one organization, as far as they are known.
#[derive(Debug, PartialEq, Eq)]
pub enum Objects<'a, T> {
    /// All of them, sorted by id.
    Read(&'a [T]),
    /// Not read: no declaration needs them.
    NotRead,
    /// 403: the account's plan does not include the feature; holds WorkOS's message.
    NotEntitled(&'a str),
    /// The read failed, for all organizations or for this one.
    Failed {
        /// Objects that were read all the same; mostly none.
        read: &'a [T],
        /// WorkOS's answer.
        why: &'a FailedRead,
    },
}

// Derived implementations would require the same of `T`.
impl<T> Clone for Objects<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Objects<'_, T> {}

impl<'a, T> Objects<'a, T> {
    /// Returns the objects that were read, which need not be all.
    pub const fn known(self) -> &'a [T] {
        match self {
            Self::Read(read) | Self::Failed { read, .. } => read,
            Self::NotRead | Self::NotEntitled(_) => &[],
        }
    }
}

/// Recent events; WorkOS keeps events for a limited time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// Not read: no declaration needs it.
    #[default]
    NotRead,
    /// The events that were asked about, sorted by id.
    Read(Vec<Event>),
    /// 403 or 404: the account cannot read events; holds WorkOS's message.
    NotAvailable(String),
    /// The read failed otherwise.
    Failed(FailedRead),
}

/// An event of WorkOS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `event_…`
    pub id: String,
    /// Kind of event.
    pub kind: EventKind,
    /// Organization of the event.
    pub organization_id: Option<OrganizationId>,
    /// Connection of the event.
    pub connection_id: Option<String>,
    /// Expiry of the certificate, in events about certificates.
    pub certificate_ends: Option<Timestamp>,
    /// Domain of the event.
    pub domain: Option<Domain>,
    /// Reason, as WorkOS spells it.
    pub reason: Option<String>,
    /// Success of a verification, in events about verifications.
    pub verified: Option<bool>,
    /// Time of the object's last change, as the event tells it.
    pub object_updated_at: Option<Timestamp>,
    /// Time of the event.
    pub created_at: Option<Timestamp>,
}

/// A certificate by which a SAML identity provider signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// `saml_idp_signing_cert_…`
    pub id: String,
    /// Time of expiry.
    pub not_after: Option<Timestamp>,
    /// Time of addition.
    pub created_at: Option<Timestamp>,
}

/// Extent of an observation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Every organization of the environment.
    #[default]
    Listed,
    /// Only organizations that were looked up for entries of the manifest.
    LookedUp,
}

/// A list of the whole environment, by organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing<T> {
    /// Not read: no declaration needs it.
    #[default]
    NotRead,
    /// All objects, each organization's sorted by id.
    Read(BTreeMap<OrganizationId, Vec<T>>),
    /// Objects of the organizations that were asked about; an empty list where there are none. Nothing
    /// is known of other organizations.
    ReadOf(BTreeMap<OrganizationId, Vec<T>>),
    /// 403: the account's plan does not include the feature; holds WorkOS's message.
    NotEntitled(String),
    /// The read of the whole list failed otherwise.
    Failed(FailedRead),
}

impl<T> Listing<T> {
    /// Enters an empty list for an organization that was just created.
    pub fn enter_none(&mut self, id: OrganizationId) {
        match self {
            Self::NotRead => *self = Self::ReadOf(BTreeMap::from([(id, Vec::new())])),
            Self::ReadOf(all) => {
                all.entry(id).or_default();
            }
            Self::Read(_) | Self::NotEntitled(_) | Self::Failed(_) => {}
        }
    }

    fn of<'a>(&'a self, id: &OrganizationId, failed: Option<&'a FailedRead>) -> Objects<'a, T> {
        match self {
            Self::Read(all) => {
                let read = all.get(id).map_or(&[][..], Vec::as_slice);
                match failed {
                    Some(why) => Objects::Failed { read, why },
                    None => Objects::Read(read),
                }
            }
            Self::ReadOf(all) => match (all.get(id), failed) {
                (read, Some(why)) => Objects::Failed {
                    read: read.map_or(&[][..], Vec::as_slice),
                    why,
                },
                (Some(read), None) => Objects::Read(read),
                (None, None) => Objects::NotRead,
            },
            Self::NotRead => Objects::NotRead,
            Self::NotEntitled(message) => Objects::NotEntitled(message),
            Self::Failed(why) => Objects::Failed { read: &[], why },
        }
    }
}

/// Answer of WorkOS to a request about one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// The object exists.
    Found(T),
    /// 404: there is none.
    Absent,
    /// 403: the account's plan does not include the feature; holds WorkOS's message.
    NotEntitled(String),
    /// The read failed otherwise: refused, a server error, no answer, or one that is not the API's.
    Failed(FailedRead),
}

impl<T> Answer<T> {
    /// Returns the same answer with another object.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Found(object) => Answer::Found(change(object)),
            Self::Absent => Answer::Absent,
            Self::NotEntitled(message) => Answer::NotEntitled(message),
            Self::Failed(why) => Answer::Failed(why),
        }
    }
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// `org_…`
    pub id: OrganizationId,
    /// The display name, which need not be unique.
    pub name: String,
    /// External id; absent when empty.
    pub external_id: Option<String>,
    /// Stripe customer id; absent when empty.
    pub stripe_customer_id: Option<String>,
    /// Permission to sign in for profiles from outside the domains; `None` where WorkOS does not tell.
    pub allow_profiles_outside_organization: Option<bool>,
    /// Domains, sorted by name.
    pub domains: Vec<OrganizationDomain>,
    /// Metadata; keys whose value was null are left out.
    pub metadata: BTreeMap<String, String>,
    /// Time of creation.
    pub created_at: Option<Timestamp>,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

impl Organization {
    /// Returns the organization's domain of a name, if there is one.
    pub fn domain(&self, domain: &Domain) -> Option<&OrganizationDomain> {
        self.domains.iter().find(|live| live.domain == *domain)
    }

    /// Returns whether one of the domains is verified.
    pub fn has_verified_domain(&self) -> bool {
        self.domains.iter().any(|live| live.state.is_verified())
    }
}

/// A domain of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationDomain {
    /// `org_domain_…`; older answers leave it out.
    pub id: Option<String>,
    /// The domain, lower-cased.
    pub domain: Domain,
    /// Progress of the verification.
    pub state: DomainState,
    /// Beginning of the TXT record's value.
    pub verification_prefix: Option<String>,
    /// The secret part of the TXT record's value. Shown on request only.
    pub verification_token: Option<String>,
    /// Time of addition.
    pub created_at: Option<Timestamp>,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

/// A single sign-on connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `conn_…`
    pub id: String,
    /// The organization it belongs to.
    pub organization_id: Option<OrganizationId>,
    /// The name shown in the dashboard.
    pub name: String,
    /// The kind of identity provider, as WorkOS spells it (`OktaSAML`); empty where WorkOS does not
    /// tell.
    pub connection_type: String,
    /// Progress of the configuration.
    pub state: ConnectionState,
    /// Time of creation.
    pub created_at: Option<Timestamp>,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

impl Connection {
    /// Returns whether sign-ins may depend on the signing certificate of a SAML identity provider. An
    /// unknown type or state counts as yes.
    pub fn may_have_certificate(&self) -> bool {
        let kind = self.connection_type.trim().to_ascii_lowercase();
        let may_be_active = matches!(
            self.state,
            ConnectionState::Active | ConnectionState::Unknown(_)
        );
        may_be_active && (kind.is_empty() || kind.ends_with("saml"))
    }
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// `directory_…`
    pub id: String,
    /// The organization it belongs to.
    pub organization_id: Option<OrganizationId>,
    /// The name shown in the dashboard.
    pub name: String,
    /// The kind of directory, as WorkOS spells it (`okta scim v2.0`).
    pub directory_type: String,
    /// Progress of the configuration.
    pub state: DirectoryState,
    /// Time of creation.
    pub created_at: Option<Timestamp>,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

/// Audit-log configuration of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLogConfiguration {
    /// State of the audit logs.
    pub state: AuditLogState,
    /// The stream to the customer's own SIEM, if there is one.
    pub log_stream: Option<LogStream>,
}

/// A stream of audit logs to the customer's own SIEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStream {
    /// `audit_log_stream_…`; older answers leave it out.
    pub id: Option<String>,
    /// The destination, as WorkOS spells it (`Datadog`).
    pub stream_type: String,
    /// State of the delivery.
    pub state: LogStreamState,
    /// Time of the last delivery.
    pub last_synced_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Option<Timestamp>,
}

/// A member of a customer's IT team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItContact {
    /// `it_contact_…`
    pub id: String,
    /// Address as WorkOS has it; case does not count.
    pub email: String,
    /// Time of addition.
    pub created_at: Option<Timestamp>,
}

/// Declares an enum that WorkOS may extend: known values, and `Unknown` with the raw text.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A value that this version does not know, as WorkOS spelt it.
            Unknown(String),
        }

        impl $name {
            /// Reads WorkOS's spelling.
            pub fn from_api(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => Self::Unknown(text.to_owned()),
                }
            }

            /// Returns WorkOS's spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Ok(Self::from_api(&text))
            }
        }
    };
}

open_enum! {
    /// Events that readiness and the observation of progress use.
    EventKind {
        /// A SAML certificate is about to run out, or has.
        CertificateRenewalRequired = "connection.saml_certificate_renewal_required",
        /// A SAML certificate was renewed.
        CertificateRenewed = "connection.saml_certificate_renewed",
        /// The customer's own key was checked.
        KeyVerificationCompleted = "vault.byok_key.verification_completed",
        /// The customer's own key was taken away.
        KeyDeleted = "vault.byok_key.deleted",
        /// An organization was created.
        OrganizationCreated = "organization.created",
        /// An organization's own fields changed.
        OrganizationUpdated = "organization.updated",
        /// An organization is gone.
        OrganizationDeleted = "organization.deleted",
        /// An organization got a domain.
        DomainCreated = "organization_domain.created",
        /// A domain's state changed.
        DomainUpdated = "organization_domain.updated",
        /// A domain was verified.
        DomainVerified = "organization_domain.verified",
        /// An organization lost a domain.
        DomainDeleted = "organization_domain.deleted",
        /// A domain could not be verified.
        DomainVerificationFailed = "organization_domain.verification_failed",
        /// Users can sign in with a connection.
        ConnectionActivated = "connection.activated",
        /// Users can no longer sign in with a connection.
        ConnectionDeactivated = "connection.deactivated",
        /// A connection is gone.
        ConnectionDeleted = "connection.deleted",
        /// Users and groups arrive from a directory.
        DirectoryActivated = "dsync.activated",
        /// A directory is gone.
        DirectoryDeleted = "dsync.deleted",
    }
}

open_enum! {
    /// State of the verification of a domain.
    DomainState {
        /// Proved by DNS.
        Verified = "verified",
        /// Verified before WorkOS asked for proof; as good as verified.
        LegacyVerified = "legacy_verified",
        /// Waiting for the DNS record.
        Pending = "pending",
        /// Verification has not been started.
        Unverified = "unverified",
        /// The record did not appear in time, or another organization holds the domain.
        Failed = "failed",
    }
}

impl DomainState {
    /// Returns whether the organization holds the domain for good.
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified | Self::LegacyVerified)
    }
}

open_enum! {
    /// State of a connection.
    ConnectionState {
        /// The customer has not chosen an identity provider yet.
        RequiresType = "requires_type",
        /// The customer has begun.
        Draft = "draft",
        /// Waiting for a first sign-in.
        Validating = "validating",
        /// Users can sign in.
        Active = "active",
        /// Users cannot sign in.
        Inactive = "inactive",
        /// About to disappear.
        Deleting = "deleting",
    }
}

open_enum! {
    /// State of a directory.
    DirectoryState {
        /// Users and groups arrive.
        Linked = "linked",
        /// An older spelling of linked.
        Active = "active",
        /// Waiting for the first sync.
        Validating = "validating",
        /// The directory's credentials were refused.
        InvalidCredentials = "invalid_credentials",
        /// The customer has disconnected it.
        Unlinked = "unlinked",
        /// About to disappear.
        Deleting = "deleting",
    }
}

impl DirectoryState {
    /// Returns whether users and groups arrive; a deletion would take them away.
    pub fn is_linked(&self) -> bool {
        matches!(self, Self::Linked | Self::Active)
    }
}

open_enum! {
    /// State of the audit logs of an organization.
    AuditLogState {
        /// Events are taken.
        Active = "active",
        /// Not set up yet.
        Inactive = "inactive",
        /// Switched off.
        Disabled = "disabled",
    }
}

open_enum! {
    /// State of a log stream.
    LogStreamState {
        /// Events are delivered.
        Active = "active",
        /// Not finished, or paused.
        Inactive = "inactive",
        /// Deliveries fail.
        Error = "error",
        /// The configuration is refused.
        Invalid = "invalid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_from_the_future_keeps_its_text() {
        let state = ConnectionState::from_api("quantum_entangled");
        assert_eq!(
            state,
            ConnectionState::Unknown("quantum_entangled".to_owned())
        );
        assert_eq!(state.to_string(), "quantum_entangled");
        assert_eq!(
            ConnectionState::from_api("requires_type"),
            ConnectionState::RequiresType
        );
    }
}
