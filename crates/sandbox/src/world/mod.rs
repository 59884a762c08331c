//! Simulated WorkOS: state and rules, without HTTP, I/O or clock; the caller passes the time.
//!
//! There is one file for each kind of object. Documented behaviour is marked with its source, and
//! choices made here are marked as ours.

mod audit_logs;
mod byok;
mod certificates;
mod connections;
mod contacts;
mod directories;
mod domains;
mod events;
mod ids;
mod input;
mod links;
mod members;
mod organizations;
mod refusal;
mod scheduled_effects;
mod state;
mod table;
mod webhook_endpoints;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use audit_logs::{Access, AuditLogs, LogStream, read_retention};
pub use byok::{ByokEvent, KeyProvider};
pub use certificates::Certificate;
pub use connections::{Connection, ConnectionFilter, ConnectionInput, NewConnection};
pub use contacts::{Invitation, InviteIntent, ItContact, read_contact, read_invitation};
pub use directories::{Directory, DirectoryFilter, NewDirectory};
pub use domains::{FailureReason, OrganizationDomain};
pub use events::{Event, EventFilter};
pub use input::{DomainInput, Field, MetadataInput, OrganizationInput};
pub use links::{Finished, LINK_LIFETIME, LinkInput, PortalLink, PortalSession, is_return_url};
pub use members::{Membership, MembershipFilter};
pub use organizations::{Organization, OrganizationFilter};
pub use refusal::{FieldError, Refusal};
pub use state::{
    AuditLogState, ConnectionState, DirectoryState, DomainState, LogStreamState, MembershipStatus,
};
pub use table::{DEFAULT_LIMIT, MAX_LIMIT, Order, Page, PageQuery};
pub use webhook_endpoints::{WebhookEndpoint, WebhookEndpointInput};

use ids::Ids;
use links::Links;
use scheduled_effects::ScheduledEffects;
use table::Table;

/// One WorkOS environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub struct World {
    ids: Ids,
    rules: Rules,
    organizations: Table<Organization>,
    connections: Table<Connection>,
    directories: Table<Directory>,
    it_contacts: Table<ItContact>,
    memberships: Table<Membership>,
    webhook_endpoints: Table<WebhookEndpoint>,
    /// Last invitation of each organization that has had one.
    invitations: BTreeMap<String, Invitation>,
    audit_logs: BTreeMap<String, AuditLogs>,
    events: Table<Event>,
    /// Organizations whose deletion was accepted, with the time when it takes effect.
    deleting: BTreeMap<String, Timestamp>,
    /// Portal links, which are credentials and not saved.
    #[serde(skip)]
    links: Links,
    #[serde(skip)]
    index: Index,
    #[serde(skip)]
    scheduled: ScheduledEffects,
    /// Events since the last call of `take_unsent`, where they are collected.
    #[serde(skip)]
    unsent: Option<Vec<Event>>,
}

/// Behaviour where WorkOS's is not documented beyond doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Treatment of metadata keys that a PUT does not name.
    pub metadata_on_put: MetadataOnPut,
    /// Time that an organization stays visible after its deletion was accepted (202).
    pub deletion_delay: Duration,
    /// Seconds after which the customer finishes a link or an invitation; never by default.
    pub auto_finish_seconds: Option<u32>,
    /// True when single sign-on needs a verified domain, unless profiles from outside the domains
    /// are allowed.
    ///
    /// Source: <https://workos.com/docs/sso/domains>.
    pub sso_needs_verified_domain: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            metadata_on_put: MetadataOnPut::default(),
            deletion_delay: Duration::ZERO,
            auto_finish_seconds: None,
            sso_needs_verified_domain: true,
        }
    }
}

/// Treatment of metadata keys that a PUT does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataOnPut {
    /// Removed, as the official emulator does.
    Replace,
    /// Kept; a null value removes its key, and an empty object removes all.
    ///
    /// Source: <https://workos.com/docs/authkit/metadata>.
    #[default]
    Merge,
}

/// Indexes of objects by other values than their ids.
#[derive(Debug, Clone, Default)]
struct Index {
    by_external_id: HashMap<String, String>,
    by_stripe_customer_id: HashMap<String, String>,
    /// Organizations by domain, in any state.
    by_domain: HashMap<String, BTreeSet<String>>,
    /// Domain id → organization id.
    domain_owner: HashMap<String, String>,
}

/// World as it is written to a file.
#[derive(Deserialize)]
struct Saved {
    ids: Ids,
    rules: Rules,
    organizations: Table<Organization>,
    connections: Table<Connection>,
    directories: Table<Directory>,
    #[serde(default)]
    it_contacts: Table<ItContact>,
    #[serde(default)]
    memberships: Table<Membership>,
    #[serde(default)]
    webhook_endpoints: Table<WebhookEndpoint>,
    #[serde(default)]
    invitations: BTreeMap<String, Invitation>,
    audit_logs: BTreeMap<String, AuditLogs>,
    events: Table<Event>,
    deleting: BTreeMap<String, Timestamp>,
}

impl From<Saved> for World {
    fn from(saved: Saved) -> Self {
        let Saved {
            ids,
            rules,
            organizations,
            connections,
            directories,
            it_contacts,
            memberships,
            webhook_endpoints,
            invitations,
            audit_logs,
            events,
            deleting,
        } = saved;
        let mut index = Index::default();
        for organization in organizations.iter() {
            index.add(organization);
        }
        let mut world = Self {
            ids,
            rules,
            organizations,
            connections,
            directories,
            it_contacts,
            memberships,
            webhook_endpoints,
            invitations,
            audit_logs,
            events,
            deleting,
            links: Links::default(),
            index,
            scheduled: ScheduledEffects::default(),
            unsent: None,
        };
        world.rebuild_schedule();
        world
    }
}

impl World {
    /// Creates an empty environment. The seed decides every id.
    pub fn new(seed: u64) -> Self {
        Self::from(Saved {
            ids: Ids::new(seed),
            rules: Rules::default(),
            organizations: Table::default(),
            connections: Table::default(),
            directories: Table::default(),
            it_contacts: Table::default(),
            memberships: Table::default(),
            webhook_endpoints: Table::default(),
            invitations: BTreeMap::new(),
            audit_logs: BTreeMap::new(),
            events: Table::default(),
            deleting: BTreeMap::new(),
        })
    }

    /// Returns the rules, for tests to change.
    pub fn rules_mut(&mut self) -> &mut Rules {
        &mut self.rules
    }
}

impl Index {
    fn add(&mut self, organization: &Organization) {
        let id = &organization.id;
        if let Some(external_id) = &organization.external_id {
            self.by_external_id.insert(external_id.clone(), id.clone());
        }
        if let Some(customer) = &organization.stripe_customer_id {
            self.by_stripe_customer_id
                .insert(customer.clone(), id.clone());
        }
        for domain in &organization.domains {
            self.add_domain(domain);
        }
    }

    fn remove(&mut self, organization: &Organization) {
        if let Some(external_id) = &organization.external_id {
            self.by_external_id.remove(external_id);
        }
        if let Some(customer) = &organization.stripe_customer_id {
            self.by_stripe_customer_id.remove(customer);
        }
        for domain in &organization.domains {
            self.remove_domain(domain);
        }
    }

    fn add_domain(&mut self, domain: &OrganizationDomain) {
        self.domain_owner
            .insert(domain.id.clone(), domain.organization_id.clone());
        self.by_domain
            .entry(domain.domain.clone())
            .or_default()
            .insert(domain.organization_id.clone());
    }

    fn remove_domain(&mut self, domain: &OrganizationDomain) {
        self.domain_owner.remove(&domain.id);
        if let Some(owners) = self.by_domain.get_mut(&domain.domain) {
            owners.remove(&domain.organization_id);
            if owners.is_empty() {
                self.by_domain.remove(&domain.domain);
            }
        }
    }

    fn organizations_with<'a>(&'a self, domain: &str) -> impl Iterator<Item = &'a String> {
        self.by_domain
            .get(&domain.to_ascii_lowercase())
            .into_iter()
            .flatten()
    }
}

/// Truncates a time to the millisecond, as WorkOS does.
fn millis(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests;
