//! WorkOS: the only module that knows its API.
//!
//! [`ReadPortal`] is what plans are made with and cannot write; [`WritePortal`] adds the writes
//! that only `apply` makes. Nothing in the traits is about HTTP; [`client::Client`] implements
//! both over a [`transport::Transport`], the one seam: request bytes in, response bytes out.

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "a test reads from top to bottom, and a table of cases is as long as it is"
    )
)]

pub mod apply;
mod calls;
pub mod client;
mod connect_failure;
pub mod dns;
pub mod endpoint;
pub mod error;
mod event_log;
pub mod http;
pub mod key;
mod key_ring;
pub mod observe;
mod pace;
mod paging;
mod portal_link;
mod proxy;
mod rate_headers;
mod redact;
mod refusal;
mod retry;
pub mod transport;
mod usage;
pub mod webhook;
mod wire;
mod write_gate;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use jiff::Timestamp;

use portalctl_model::desired::DeclaredDomainState;
use portalctl_model::observed::{
    Answer, AuditLogConfiguration, Certificate, Connection, Directory, Event, EventKind, ItContact,
    Organization, OrganizationDomain, Usage,
};
use portalctl_model::{
    Domain, Email, ExternalId, ExternalUserId, Intent, OrganizationId, PortalOption,
};

pub use self::http::{Bounds, HttpTransport};
pub use client::{ApiProbe, ApiProbeFailure, Client, Settings};
pub use endpoint::{Endpoint, InvalidEndpoint, PlainHttp};
pub use error::{ApiError, ApiErrorKind, FailedRequest};
pub use key::{ApiKey, InvalidKey, KeySource};
pub use pace::Rate;
pub use portal_link::{InvalidLink, MAX_LINK_LENGTH, PortalLink};
pub use proxy::Proxy;
pub use rate_headers::{Budget, retry_after};
pub use transport::{ConnectFailure, Transport, TransportError, TransportErrorKind};
pub use write_gate::WriteGate;

/// The result of one call.
pub type ApiResult<T> = Result<T, ApiError>;

/// Is told how far a long list has been read.
pub trait ReadProgress: Send + Sync {
    /// `count` more objects of a list were read.
    fn read(&self, list: List, count: usize);
}

/// A list of the whole environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// `GET /organizations`
    Organizations,
    /// `GET /connections`
    Connections,
    /// `GET /directories`
    Directories,
}

/// Read calls of WorkOS.
pub trait ReadPortal: Send + Sync {
    /// Lists every organization of the environment. How many are expected changes the time that it
    /// takes, and not the result.
    fn organizations(
        &self,
        progress: &dyn ReadProgress,
        expected: usize,
    ) -> impl Future<Output = ApiResult<Vec<Organization>>> + Send;

    /// Lists the organizations that have a domain, in any state.
    fn organizations_by_domain(
        &self,
        domain: &Domain,
    ) -> impl Future<Output = ApiResult<Vec<Organization>>> + Send;

    /// Finds organizations by their name: one request, the first page. How WorkOS compares names is
    /// not documented, so others may be among them.
    fn organizations_by_name(
        &self,
        name: &str,
    ) -> impl Future<Output = ApiResult<Vec<Organization>>> + Send;

    /// Lists every organization of the environment, or nothing when that takes more than so many
    /// requests.
    fn organizations_within(
        &self,
        progress: &dyn ReadProgress,
        requests: usize,
        expected: usize,
    ) -> impl Future<Output = ApiResult<Option<Vec<Organization>>>> + Send;

    /// Lists every connection of the environment.
    fn connections(
        &self,
        progress: &dyn ReadProgress,
    ) -> impl Future<Output = ApiResult<Vec<Connection>>> + Send;

    /// Lists every directory of the environment.
    fn directories(
        &self,
        progress: &dyn ReadProgress,
    ) -> impl Future<Output = ApiResult<Vec<Directory>>> + Send;

    /// Lists the connections of one organization.
    fn connections_of(
        &self,
        id: &OrganizationId,
    ) -> impl Future<Output = ApiResult<Vec<Connection>>> + Send;

    /// Lists the directories of one organization.
    fn directories_of(
        &self,
        id: &OrganizationId,
    ) -> impl Future<Output = ApiResult<Vec<Directory>>> + Send;

    /// Reads one organization; `None` when there is none with that id.
    fn organization(
        &self,
        id: &OrganizationId,
    ) -> impl Future<Output = ApiResult<Option<Organization>>> + Send;

    /// Reads the organization with that external id; `None` when there is none.
    fn organization_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> impl Future<Output = ApiResult<Option<Organization>>> + Send;

    /// Reads for how many days audit-log events of an organization are kept; `None` where nothing
    /// is set.
    fn retention(
        &self,
        id: &OrganizationId,
    ) -> impl Future<Output = ApiResult<Answer<Option<u32>>>> + Send;

    /// Reads an organization's audit-log configuration, its log stream included.
    fn audit_log_configuration(
        &self,
        id: &OrganizationId,
    ) -> impl Future<Output = ApiResult<Answer<AuditLogConfiguration>>> + Send;

    /// Lists the signing certificates of a connection.
    fn certificates(
        &self,
        connection_id: &str,
    ) -> impl Future<Output = ApiResult<Answer<Vec<Certificate>>>> + Send;

    /// Lists an organization's IT contacts.
    fn it_contacts(
        &self,
        id: &OrganizationId,
    ) -> impl Future<Output = ApiResult<Answer<Vec<ItContact>>>> + Send;

    /// Returns whether an organization has at least one active member.
    fn has_members(&self, id: &OrganizationId) -> impl Future<Output = ApiResult<bool>> + Send;

    /// Reads what depends on an organization: four requests.
    ///
    /// A part that cannot be read is told in its place; only an error that every other request
    /// would meet too (see [`ApiError::is_fatal`]) is an error of the whole.
    fn usage(&self, id: &OrganizationId) -> impl Future<Output = ApiResult<Usage>> + Send {
        usage::read(self, id)
    }

    /// Lists the events that a filter lets through, as far back as WorkOS keeps them: 90 days.
    fn events(
        &self,
        filter: &EventFilter<'_>,
    ) -> impl Future<Output = ApiResult<Answer<Vec<Event>>>> + Send;

    /// Lists what has happened since an event or a time, oldest first: one page, one request.
    fn events_after(
        &self,
        kinds: &[EventKind],
        since: &Since,
    ) -> impl Future<Output = ApiResult<Answer<EventPage>>> + Send {
        async move {
            Ok(match self.events(&EventFilter::of(kinds)).await? {
                Answer::Found(mut events) => {
                    events.retain(|event| since.is_before(event));
                    Answer::Found(EventPage {
                        events,
                        more: false,
                    })
                }
                Answer::Absent => Answer::Absent,
                Answer::NotEntitled(message) => Answer::NotEntitled(message),
                Answer::Failed(why) => Answer::Failed(why),
            })
        }
    }

    /// Returns the number of requests that were sent so far, retries included.
    fn requests_used(&self) -> u64;
}

/// Events that a read asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFilter<'a> {
    /// Their kinds. WorkOS wants them named.
    pub kinds: &'a [EventKind],
    /// Organization that they are about; absent for every organization.
    pub organization: Option<&'a OrganizationId>,
    /// The oldest time, by WorkOS's clock; absent for all that WorkOS keeps. A caller with a clock
    /// of its own leaves room for the difference.
    pub since: Option<Timestamp>,
}

impl<'a> EventFilter<'a> {
    /// Creates a filter for events of some kinds, about any organization and of any age.
    pub const fn of(kinds: &'a [EventKind]) -> Self {
        Self {
            kinds,
            organization: None,
            since: None,
        }
    }

    /// Returns whether an event is among those asked for.
    pub fn has(&self, event: &Event) -> bool {
        let Self {
            kinds,
            organization,
            since,
        } = self;
        kinds.contains(&event.kind)
            && organization.is_none_or(|id| event.organization_id.as_ref() == Some(id))
            && since.is_none_or(|since| event.created_at.is_none_or(|at| at >= since))
    }
}

/// Position in the log of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// After this event.
    Event(String),
    /// After this time, by WorkOS's clock.
    Time(Timestamp),
}

impl Since {
    /// Returns whether an event came later. Ids of events sort by time.
    fn is_before(&self, event: &Event) -> bool {
        match self {
            Self::Event(id) => event.id > *id,
            Self::Time(time) => event.created_at.is_none_or(|at| at > *time),
        }
    }
}

/// One page of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventPage {
    /// Oldest first.
    pub events: Vec<Event>,
    /// True where there is another page.
    pub more: bool,
}

/// Write calls of WorkOS.
///
/// A write is tried again only when it surely had no effect; an
/// [ambiguous](ApiError::is_ambiguous) error is the caller's to look up.
pub trait WritePortal: ReadPortal {
    /// Creates an organization.
    fn create_organization(
        &self,
        organization: &NewOrganization,
    ) -> impl Future<Output = ApiResult<Organization>> + Send;

    /// Changes the fields of an organization that the patch holds.
    fn update_organization(
        &self,
        id: &OrganizationId,
        patch: &OrganizationPatch,
    ) -> impl Future<Output = ApiResult<Organization>> + Send;

    /// Sets for how many days audit-log events of an organization are kept; returns what WorkOS
    /// keeps then. Events that are older are deleted for good.
    fn set_retention(
        &self,
        id: &OrganizationId,
        days: u16,
    ) -> impl Future<Output = ApiResult<Option<u32>>> + Send;

    /// Deletes an organization; WorkOS may carry it out later.
    fn delete_organization(
        &self,
        id: &OrganizationId,
    ) -> impl Future<Output = ApiResult<()>> + Send;

    /// Adds a domain, in state pending, to an organization.
    fn add_domain(
        &self,
        id: &OrganizationId,
        domain: &Domain,
    ) -> impl Future<Output = ApiResult<OrganizationDomain>> + Send;

    /// Removes a domain, by its own id, from its organization.
    fn remove_domain(&self, domain_id: &str) -> impl Future<Output = ApiResult<()>> + Send;

    /// Asks WorkOS to look for a domain's DNS record; also begins a failed verification again.
    fn verify_domain(
        &self,
        domain_id: &str,
    ) -> impl Future<Output = ApiResult<OrganizationDomain>> + Send;

    /// Adds an IT contact to an organization. From then on WorkOS sends it alerts, such as that of
    /// an expiring certificate.
    fn add_it_contact(
        &self,
        id: &OrganizationId,
        email: &Email,
    ) -> impl Future<Output = ApiResult<ItContact>> + Send;

    /// Lets WorkOS e-mail a setup link for some intents to an IT contact.
    ///
    /// Never sent twice: inviting the same contact again sends another e-mail. 409
    /// `it_contact_invitation_already_active` where another contact has an active invitation.
    /// Intents without an [invite name](Intent::invite_name) are left out.
    fn invite_it_contact(
        &self,
        id: &OrganizationId,
        contact_id: &str,
        intents: &BTreeSet<Intent>,
    ) -> impl Future<Output = ApiResult<()>> + Send;

    /// Ends the organization's active invitation, whichever contact is named; succeeds also when
    /// there is none.
    fn revoke_invitation(
        &self,
        id: &OrganizationId,
        contact_id: &str,
    ) -> impl Future<Output = ApiResult<()>> + Send;

    /// Makes a portal link. An answer that is not a safe link is an error of kind
    /// [`ApiErrorKind::InvalidLink`].
    fn generate_link(
        &self,
        link: &LinkRequest,
    ) -> impl Future<Output = ApiResult<PortalLink>> + Send;

    /// Ends the portal links and the open portal sessions of one person at an organization;
    /// succeeds also when there are none.
    fn revoke_links(
        &self,
        id: &OrganizationId,
        user: &ExternalUserId,
    ) -> impl Future<Output = ApiResult<()>> + Send;
}

/// An organization to create; it always carries an external id, which makes the create findable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganization {
    /// The display name.
    pub name: String,
    /// The external id, by which it is found again after a lost answer.
    pub external_id: ExternalId,
    /// The domains it starts with.
    pub domains: BTreeMap<Domain, DeclaredDomainState>,
    /// The metadata it starts with.
    pub metadata: BTreeMap<String, String>,
    /// True where profiles from outside its domains may sign in; WorkOS's default when absent.
    pub allow_profiles_outside_organization: Option<bool>,
}

/// The fields of an organization to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationPatch {
    /// The display name.
    pub name: Option<String>,
    /// The external id.
    pub external_id: Option<ExternalId>,
    /// The Stripe customer id.
    pub stripe_customer_id: Option<String>,
    /// True where profiles from outside the domains may sign in.
    pub allow_profiles_outside_organization: Option<bool>,
    /// The whole metadata; `None` as a value is sent as null, which removes the key.
    pub metadata: Option<BTreeMap<String, Option<String>>>,
    /// Sends the metadata however long it waits for its turn after it was merged.
    pub may_be_old: bool,
}

impl OrganizationPatch {
    /// Returns whether the patch changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            name,
            external_id,
            stripe_customer_id,
            allow_profiles_outside_organization,
            metadata,
            may_be_old: _,
        } = self;
        name.is_none()
            && external_id.is_none()
            && stripe_customer_id.is_none()
            && allow_profiles_outside_organization.is_none()
            && metadata.is_none()
    }
}

/// A webhook endpoint of the account. Its secret is never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Id of the endpoint.
    pub id: String,
    /// The address that events are sent to.
    pub url: String,
    /// `enabled`, `disabled`, or what WorkOS says instead.
    pub status: String,
    /// Names of the events that are sent.
    pub events: BTreeSet<String>,
}

/// Start of the portal with single sign-on. Source: `intentOptions` of the official Node SDK 11.0.0; the
/// API description does not have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SsoOptions {
    /// Identity provider that is chosen already, such as `OktaSAML`.
    pub provider_type: Option<PortalOption>,
    /// Bookmark of an application.
    pub bookmark_slug: Option<PortalOption>,
}

impl SsoOptions {
    /// Returns whether there is an option.
    pub const fn is_some(&self) -> bool {
        self.provider_type.is_some() || self.bookmark_slug.is_some()
    }
}

/// A portal link to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    /// The customer's organization.
    pub organization: OrganizationId,
    /// Feature that the link is for.
    pub intent: Intent,
    /// Target of the portal's back link; WorkOS's dashboard default when absent.
    pub return_url: Option<String>,
    /// Target of the redirect once the intent is finished.
    pub success_url: Option<String>,
    /// The person the link is for: what it is revoked by.
    pub external_user_id: Option<ExternalUserId>,
    /// Options of single sign-on.
    pub sso: SsoOptions,
    /// IT contacts that get access to the portal, at most 20. WorkOS sends them alerts from then
    /// on.
    pub it_contacts: Vec<Email>,
}
