//! Desired state: what a *checked* manifest means.
//!
//! Built only by `manifest::check`; every later stage may trust it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use super::field_path::{Dependent, FieldGroup, FieldPath};
use super::observed::Organization;
use super::{
    Allow, AllowedHosts, ClientId, Domain, Email, ExternalId, Holder, Intent, ManifestName, OrgKey,
    OrganizationId, ResourceName, ReturnUrl, mark,
};

/// Everything a manifest declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// The manifest's own name: the owner mark on what it creates.
    pub manifest: Option<ManifestName>,
    /// Names that it had before: their owner marks count as its own.
    pub previous_manifests: Vec<ManifestName>,
    /// The environment the manifest is meant for.
    pub environment: Environment,
    /// Where the portal sends browsers back to.
    pub return_urls: ReturnUrls,
    /// How much one run may change.
    pub limits: Limits,
    /// What the manifest itself allows every run.
    pub powers: Powers,
    /// What holds for organizations that do not say otherwise; merged into those here already.
    pub defaults: Defaults,
    /// The organizations, by key.
    pub organizations: BTreeMap<OrgKey, DesiredOrganization>,
    /// The organizations that are to be deleted, by key: entries with `state: absent`.
    pub absent: BTreeMap<OrgKey, AbsentOrganization>,
    /// Paths of the files and folders that were not read: what they declare is missing here.
    pub skipped: Vec<String>,
}

/// What a manifest allows every run, as a flag would allow one of them.
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

/// What an entry gets that is added to the manifest, as far as it shows in a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Metadata: a value to set, or `None` for a key to remove.
    pub metadata: BTreeMap<String, Option<String>>,
    /// What happens to domains that are not declared.
    pub domains_policy: DomainsPolicy,
}

impl Desired {
    /// What it calls itself and its environment.
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
    /// Shown in every plan and report.
    pub name: Option<String>,
    /// The kind of key it takes; a key of another kind is refused before any request.
    pub api_key: Option<KeyKind>,
    /// Must agree with `WORKOS_CLIENT_ID` when both are there.
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

/// What a manifest calls itself and its environment: known also when the rest of it is unusable.
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
    /// Where the portal's back link goes.
    pub default: Option<ReturnUrl>,
    /// Where the portal redirects when an intent was finished.
    pub success: BTreeMap<Intent, ReturnUrl>,
    /// The hosts that all of them are on.
    pub allowed_hosts: AllowedHosts,
}

/// How much one run may change; absent means no limit, but for `delete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At most this many organizations are created.
    pub create: Option<u32>,
    /// At most this many existing organizations are updated.
    pub update: Option<UpdateLimit>,
    /// At most this many organizations and domains are deleted.
    pub delete: u32,
}

/// How many deletions one run may hold when the manifest does not say.
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

/// Where in the manifest something was declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

impl Source {
    /// For what stands in no manifest.
    pub fn nowhere() -> Self {
        Self {
            file: Arc::from(""),
            line: 0,
        }
    }

    /// Whether there is a place to show.
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
    /// Where it was declared.
    pub source: Source,
    /// Pins an existing organization.
    pub id: Option<OrganizationId>,
    /// The external id: as declared, else the key; `None` for a pinned entry that declares none.
    pub external_id: Option<ExternalId>,
    /// External ids this organization had before.
    pub previous_keys: Vec<ExternalId>,
    /// The key without the namespace, for a resource outside the environment's namespace that
    /// declares no external id: an organization that has it is found, and keeps it.
    pub plain_key: Option<ExternalId>,
    /// The display name; always there unless the entry is pinned.
    pub name: Option<String>,
    /// The domains and the state declared for each.
    pub domains: Option<BTreeMap<Domain, DeclaredDomainState>>,
    /// What happens to domains that are not declared.
    pub domains_policy: DomainsPolicy,
    /// The intents this customer should have.
    pub intents: BTreeMap<Intent, IntentSettings>,
    /// This organization's own return URL.
    pub return_url: Option<ReturnUrl>,
    /// Metadata: a value to set, or `None` for a key to remove.
    pub metadata: BTreeMap<String, Option<String>>,
    /// The customer's IT contacts.
    pub it_contacts: Vec<Email>,
    /// Whether WorkOS should e-mail the contacts once.
    pub invite: Invite,
    /// Never deleted, whatever the flags. `None` leaves the mark as it is.
    pub protect: Option<bool>,
    /// The Stripe customer id.
    pub stripe_customer_id: Option<String>,
    /// Whether profiles from outside the organization's domains may sign in.
    pub allow_profiles_outside_organization: Option<bool>,
    /// Days for which audit-log events are kept: 30 or 365.
    pub retention_days: Option<u16>,
    /// Fields whose differences are not planned.
    pub ignore_fields: BTreeSet<FieldPath>,
    /// Accepts that another organization holds one of the domains.
    pub allow_shared_domain: bool,
    /// Accepts that another organization has the same name.
    pub allow_same_name: bool,
    /// The owner mark is written on the organization, also where portalctl did not create it.
    pub claim: bool,
    /// Permissions for this entry, each as good as its flag.
    pub allow: BTreeSet<Allow>,
    /// Whether anything may be written.
    pub management: Management,
    /// The resource that it is, in the Kubernetes form of a manifest.
    pub resource: Option<ResourceName>,
    /// The operator's resource that holds the organization, written as its mark. Only an operator
    /// sets it, once it was granted the organization.
    pub holder: Option<Holder>,
}

/// An organization that is declared with `state: absent`: the one with this id is deleted, and no
/// other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentOrganization {
    /// Where it was declared.
    pub source: Source,
    /// The organization's id.
    pub id: OrganizationId,
    /// Whether `protect: false` is declared: its protection is lifted before it is deleted.
    pub lifts_protection: bool,
    /// Permissions for this entry, each as good as its flag.
    pub allow: BTreeSet<Allow>,
}

words! {
    /// Whether anything may be written to WorkOS.
    #[derive(Default)]
    #[schemars(rename = "ManagementPolicy")]
    Management {
        /// The organization is created and kept as declared.
        #[default]
        Manage = "Manage",
        /// Nothing is written: the organization is only read and reported.
        Observe = "Observe",
    }
}

words! {
    /// What happens at WorkOS when the object is deleted.
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
    /// Whether an organization that was deleted at WorkOS by somebody else is created again.
    Recreate {
        /// One time.
        Once = "once",
    }
}

words! {
    /// What should be of an organization.
    OrganizationState {
        /// It is deleted, with its connections, directories and members.
        Absent = "absent",
    }
}

words! {
    /// Whether the ownership of a domain is still to be proven.
    #[derive(Default)]
    #[schemars(rename = "DomainState")]
    DeclaredDomainState {
        /// The customer proves it with a DNS record.
        #[default]
        Pending = "pending",
        /// It is asserted without proof when portalctl creates the organization; needs
        /// `--allow-trusted-domains`.
        Verified = "verified",
    }
}

words! {
    /// What happens to domains that are live but not declared.
    #[derive(Default)]
    DomainsPolicy {
        /// They are left alone.
        #[default]
        Add = "add",
        /// They are removed.
        Exact = "exact",
    }
}

words! {
    /// Whether WorkOS should e-mail the IT contacts.
    #[derive(Default)]
    Invite {
        /// Only when asked with `portalctl invite`.
        #[default]
        Never = "never",
        /// Once, while something is left for them to set up.
        Once = "once",
    }
}

/// What is declared for one intent of one organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntentSettings {
    /// This intent's own return URL.
    pub return_url: Option<ReturnUrl>,
    /// This intent's own success URL.
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
        let held = live.metadata.get(mark::CONTACTS);
        held.is_some() && held == self.contacts_mark().as_ref()
    }

    /// The external ids that the organization may be found by, in the order in which they count.
    pub fn external_ids(&self) -> impl Iterator<Item = &ExternalId> {
        let former = self.external_id.iter().chain(&self.previous_keys);
        former.chain(&self.plain_key)
    }

    /// Whether differences in this field are left alone.
    pub fn ignores(&self, path: &FieldPath) -> bool {
        self.ignore_fields.contains(path)
            || path
                .group()
                .is_some_and(|group| self.ignore_fields.contains(&FieldPath::Whole(group)))
    }
}
