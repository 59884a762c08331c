//! Desired state: the meaning of a manifest that passed every check.
//!
//! Only `manifest::check` builds it, so later stages rely on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use super::field_path::{Dependent, FieldGroup, FieldPath};
use super::observed::Organization;
use super::{
    Allow, AllowedHosts, ClientId, Domain, Email, ExternalId, Holder, Intent, ManifestName, OrgKey,
    OrganizationId, ResourceName, ReturnUrl, mark,
};

/// Desired state of a whole manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// The manifest's own name: the owner mark on the organizations that it creates.
    pub manifest: Option<ManifestName>,
    /// Names that it had before: their owner marks count as its own.
    pub previous_manifests: Vec<ManifestName>,
    /// The environment the manifest is meant for.
    pub environment: Environment,
    /// Return and success URLs of the portal.
    pub return_urls: ReturnUrls,
    /// Limits on the changes of one run.
    pub limits: Limits,
    /// Permissions that the manifest gives every run.
    pub powers: Powers,
    /// Defaults of new entries; they are merged into the organizations here already.
    pub defaults: Defaults,
    /// The organizations, by key.
    pub organizations: BTreeMap<OrgKey, DesiredOrganization>,
    /// The organizations that are to be deleted, by key: entries with `state: absent`.
    pub absent: BTreeMap<OrgKey, AbsentOrganization>,
    /// The organizations that are not managed in this environment, by key: entries with
    /// `state: excluded`. They are never written, and count as declared for identity and prune.
    pub excluded: BTreeMap<OrgKey, ExcludedOrganization>,
    /// Paths of the files and folders that were not read; their declarations are missing here.
    pub skipped: Vec<String>,
}

/// Permissions that a manifest gives every run; a flag gives the same to one run.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each power stands for a flag of its own"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Powers {
    /// Unclaimed organizations may be taken over: `allowAdoption` of a `PortalEnvironment`.
    pub adopt: bool,
    /// Another external id may be written over: `allowRekey`.
    pub rekey: bool,
    /// Domains may be created as verified: `allowTrustedDomains`.
    pub trusted_domains: bool,
    /// Verified domains may be removed: `allowDomainRemoval`.
    pub domain_removal: bool,
    /// Audit-log events may be kept for a shorter time than now: `allowDataLoss`.
    pub data_loss: bool,
}

/// Defaults that show in a plan once an entry is added to the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Metadata: a value to set, or `None` for a key to remove.
    pub metadata: BTreeMap<String, Option<String>>,
    /// Treatment of live domains that are not declared.
    pub domains_policy: DomainsPolicy,
}

impl Desired {
    /// Returns the names of the manifest and of its environment.
    pub fn names(&self) -> Names {
        Names {
            environment: self.environment.name.clone(),
            manifest: self.manifest.clone(),
        }
    }
}

/// The WorkOS environment a manifest is meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Name, shown in every plan and report.
    pub name: Option<String>,
    /// Kind of API key; a key of another kind is refused before any request.
    pub api_key: Option<KeyKind>,
    /// Client id; must agree with `WORKOS_CLIENT_ID` when both are there.
    pub client_id: Option<ClientId>,
}

words! {
    /// The kind of an API key.
    KeyKind {
        /// `sk_test_…`: a staging environment.
        Test = "test",
        /// `sk_live_…`: a production environment.
        Live = "live",
    }
}

/// Names of a manifest and of its environment, known even when the rest has errors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The environment's name.
    pub environment: Option<String>,
    /// The manifest's own name.
    pub manifest: Option<ManifestName>,
}

/// Return and success URLs that hold for every organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnUrls {
    /// Target of the portal's back link.
    pub default: Option<ReturnUrl>,
    /// Targets of the portal's redirect after an intent was finished.
    pub success: BTreeMap<Intent, ReturnUrl>,
    /// Hosts that these URLs may name.
    pub allowed_hosts: AllowedHosts,
}

/// Limits on the changes of one run; a limit that is absent does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Organizations that may be created.
    pub create: Option<u32>,
    /// Existing organizations that may be updated.
    pub update: Option<UpdateLimit>,
    /// Organizations and domains that may be deleted.
    pub delete: u32,
}

/// Deletions that one run may hold unless the manifest declares a limit.
pub const DEFAULT_DELETE_LIMIT: u32 = 3;

impl Default for Limits {
    fn default() -> Self {
        Self {
            create: None,
            update: None,
            delete: DEFAULT_DELETE_LIMIT,
        }
    }
}

/// A limit on updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateLimit {
    /// A number of organizations.
    Count(u32),
    /// A percentage, 1 to 100, of the manifest's existing organizations.
    Percent(u8),
}

/// Place of a declaration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

impl Source {
    /// Creates the place of something that stands in no manifest.
    pub fn nowhere() -> Self {
        Self {
            file: Arc::from(""),
            line: 0,
        }
    }

    /// Returns whether there is a place to show.
    pub fn is_somewhere(&self) -> bool {
        self.line > 0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One customer organization, with the manifest's defaults merged in.
///
/// `None` and absent keys mean *not managed*: portalctl never touches what is not declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredOrganization {
    /// Place of the declaration.
    pub source: Source,
    /// Id of an existing organization that the entry pins.
    pub id: Option<OrganizationId>,
    /// The external id: as declared, else the key; `None` for a pinned entry that declares none.
    pub external_id: Option<ExternalId>,
    /// External ids that the organization had before.
    pub previous_keys: Vec<ExternalId>,
    /// The key without the namespace, for a resource outside the environment's namespace that
    /// declares no external id: an organization that has it is found, and keeps it.
    pub plain_key: Option<ExternalId>,
    /// The display name; always there unless the entry is pinned.
    pub name: Option<String>,
    /// The domains and the state declared for each.
    pub domains: Option<BTreeMap<Domain, DeclaredDomainState>>,
    /// Treatment of live domains that are not declared.
    pub domains_policy: DomainsPolicy,
    /// Intents that the customer should have.
    pub intents: BTreeMap<Intent, IntentSettings>,
    /// This organization's own return URL.
    pub return_url: Option<ReturnUrl>,
    /// Metadata: a value to set, or `None` for a key to remove.
    pub metadata: BTreeMap<String, Option<String>>,
    /// The customer's IT contacts.
    pub it_contacts: Vec<Email>,
    /// Invitation of the contacts by WorkOS.
    pub invite: Invite,
    /// Protection from deletion, whatever the flags. `None` leaves the mark as it is.
    pub protect: Option<bool>,
    /// The Stripe customer id.
    pub stripe_customer_id: Option<String>,
    /// Permission to sign in for profiles from outside the organization's domains.
    pub allow_profiles_outside_organization: Option<bool>,
    /// Days for which audit-log events are kept: 30 or 365.
    pub retention_days: Option<u16>,
    /// Fields whose differences are ignored.
    pub ignore_fields: BTreeSet<FieldPath>,
    /// Permission to share a domain with another organization.
    pub allow_shared_domain: bool,
    /// Permission to have the name of another organization.
    pub allow_same_name: bool,
    /// Request to write the owner mark, also where portalctl did not create the organization.
    pub claim: bool,
    /// Permissions for this entry, each as good as its flag.
    pub allow: BTreeSet<Allow>,
    /// Permission to write.
    pub management: Management,
    /// Resource in the Kubernetes form of a manifest.
    pub resource: Option<ResourceName>,
    /// Resource of the operator that holds the organization, written as its holder mark. Only an
    /// operator sets it, once it was granted the organization.
    pub holder: Option<Holder>,
}

/// An organization with `state: absent`: it is deleted by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentOrganization {
    /// Place of the declaration.
    pub source: Source,
    /// The organization's id.
    pub id: OrganizationId,
    /// Set by `protect: false`: the protection is lifted before the deletion.
    pub lifts_protection: bool,
    /// Permissions for this entry, each as good as its flag.
    pub allow: BTreeSet<Allow>,
}

/// An organization with `state: excluded`: nothing is done for it in this environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcludedOrganization {
    /// Place of the declaration.
    pub source: Source,
    /// Id of an existing organization that the entry pins.
    pub id: Option<OrganizationId>,
    /// External id: as declared, else the key.
    pub external_id: Option<ExternalId>,
    /// External ids that the organization had before.
    pub previous_keys: Vec<ExternalId>,
}

words! {
    /// Permission to write to WorkOS.
    #[derive(Default)]
    #[schemars(rename = "ManagementPolicy")]
    Management {
        /// The organization is created and kept as declared.
        #[default]
        Manage = "Manage",
        /// The organization is only read and reported; nothing is written.
        Observe = "Observe",
    }
}

words! {
    /// Fate of the organization when the object is deleted.
    #[derive(Default)]
    DeletionPolicy {
        /// The organization stays at WorkOS as it is.
        #[default]
        Retain = "Retain",
        /// The organization is deleted, with its connections and directories. The environment has to
        /// allow it, and only an organization with the environment's owner mark is deleted.
        Delete = "Delete",
    }
}

words! {
    /// Permission to create an organization again that was deleted at WorkOS by somebody else.
    Recreate {
        /// One time.
        Once = "once",
    }
}

words! {
    /// State of an organization other than the usual one.
    OrganizationState {
        /// The organization is deleted, with its connections, directories and members.
        Absent = "absent",
        /// The organization is not managed in this environment: nothing is done for it.
        Excluded = "excluded",
    }
}

words! {
    /// State in which a domain is created.
    #[derive(Default)]
    #[schemars(rename = "DomainState")]
    DeclaredDomainState {
        /// The customer proves it with a DNS record.
        #[default]
        Pending = "pending",
        /// The domain is asserted without proof when portalctl creates the organization; needs
        /// `--allow-trusted-domains`.
        Verified = "verified",
    }
}

words! {
    /// Treatment of domains that are live but not declared.
    #[derive(Default)]
    DomainsPolicy {
        /// Leaves them alone.
        #[default]
        Add = "add",
        /// Removes them.
        Exact = "exact",
    }
}

words! {
    /// Invitation of the IT contacts, which WorkOS sends by e-mail.
    #[derive(Default)]
    Invite {
        /// Only when asked with `portalctl invite`.
        #[default]
        Never = "never",
        /// Once, while something is left for them to set up.
        Once = "once",
    }
}

/// Settings of one intent of one organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntentSettings {
    /// Return URL of this intent.
    pub return_url: Option<ReturnUrl>,
    /// Success URL of this intent.
    pub success_url: Option<ReturnUrl>,
    /// Days before a certificate's end at which it needs attention (certificate renewal only).
    pub warn_days: Option<u16>,
}

impl DesiredOrganization {
    /// Returns the mark that says that WorkOS has all declared contacts; `None` where there are
    /// none, or where one of them is ignored.
    pub fn contacts_mark(&self) -> Option<String> {
        let ignores = |email: &Email| self.ignores(&FieldPath::ItContact(email.clone()));
        let has_mark = !self.it_contacts.is_empty() && !self.it_contacts.iter().any(ignores);
        has_mark.then(|| mark::contacts(&self.it_contacts))
    }

    /// Returns whether an organization is marked as having all declared contacts.
    pub fn has_contacts_of(&self, live: &Organization) -> bool {
        let mark = live.metadata.get(mark::CONTACTS);
        mark.is_some() && mark == self.contacts_mark().as_ref()
    }

    /// Returns the external ids that the organization may be found by, in the order in which they count.
    pub fn external_ids(&self) -> impl Iterator<Item = &ExternalId> {
        let former = self.external_id.iter().chain(&self.previous_keys);
        former.chain(&self.plain_key)
    }

    /// Returns whether differences in this field are ignored.
    pub fn ignores(&self, path: &FieldPath) -> bool {
        self.ignore_fields.contains(path)
            || path
                .group()
                .is_some_and(|group| self.ignore_fields.contains(&FieldPath::Whole(group)))
    }
}
