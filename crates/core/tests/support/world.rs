//! Build a world, make it live, change one thing, snapshot the plan.
//!
//! ```text
//! let mut world = World::new().org("acme", |o| o.name("Acme"));
//! let live = world.live();                        // as if apply had run
//! world.edit("acme", |o| o.name("Acme Corp"));    // drift exactly one thing
//! insta::assert_snapshot!(world.plan(&live), @r#"~ acme org_acme  name "Acme" -> "Acme Corp""#);
//! ```
//!
//! No network, no runtime. Every plan that is made here is held to the lint, to being the same
//! when made again, and to *twice is nothing*: once it is done, there is nothing left to do.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;

use super::lint::lint;
use portalctl_core::identity::{Identities, identify};
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{
    Action, ActionKind, Change, FieldChange, Flag, Held, HeldReason, Invitation, Plan, PlanInput,
    Policy, Target, plan,
};
use portalctl_core::readiness::readiness;
use portalctl_model::desired::{
    DeclaredDomainState, Desired, DesiredOrganization, DomainsPolicy, FieldGroup, FieldPath,
    IntentSettings, Invite, Limits, Management, Source,
};
use portalctl_model::observed::{
    Answer, DomainState, ItContact, Listing, Observed, Organization, OrganizationDomain,
};
use portalctl_model::{
    Domain, Email, ExternalId, Intent, ManifestName, OrgKey, OrganizationId, ResourceName,
    Selection, Unconfigured,
};

/// The mark of what a manifest created, spelt out: the tests share no constant with the code.
pub(crate) const OWNER: &str = "portalctl_owner";
/// The mark of the operator's resource that holds an organization.
pub(crate) const HOLDER: &str = "portalctl_holder";
/// The mark of what is never deleted.
pub(crate) const PROTECT: &str = "portalctl_protect";
/// The mark of who was invited.
pub(crate) const INVITED: &str = "portalctl_invited";
/// Metadata keys that WorkOS takes.
const MAX_METADATA: usize = 50;

/// Every power that a run can be given.
pub(crate) const ALL_POWERS: Policy = Policy {
    adopt: true,
    adopt_owned: true,
    allow_rekey: true,
    allow_trusted_domains: true,
    allow_domain_removal: true,
    allow_data_loss: true,
    prune: true,
    prune_active: true,
    allow_bulk: true,
};

pub(crate) fn key(text: &str) -> OrgKey {
    OrgKey::parse(text).unwrap()
}

pub(crate) fn org_id(text: &str) -> OrganizationId {
    OrganizationId::from_api(text)
}

pub(crate) fn external(text: &str) -> ExternalId {
    ExternalId::parse(text).unwrap()
}

pub(crate) fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// A manifest, and what the run may do with it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) desired: Desired,
    pub(crate) policy: Policy,
    pub(crate) selection: Selection,
    pub(crate) target: Target,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            desired: Desired::default(),
            policy: Policy::default(),
            selection: Selection::default(),
            target: Target::default(),
        }
    }

    /// The manifest's own name.
    pub(crate) fn manifest(mut self, name: &str) -> Self {
        self.desired.manifest = Some(ManifestName::parse(name).unwrap());
        self
    }

    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.desired.limits = limits;
        self
    }

    /// Declares an organization under a key, with the key as its name.
    pub(crate) fn org(mut self, name: &str, build: impl FnOnce(Entry) -> Entry) -> Self {
        let line = u32::try_from(self.desired.organizations.len()).unwrap() + 3;
        let entry = build(Entry::new(name, line));
        let before = self.desired.organizations.insert(key(name), entry.0);
        assert!(before.is_none(), "{name} is declared twice");
        self
    }

    /// Declares `count` organizations: `PREFIX-00`, `PREFIX-01` and so on.
    pub(crate) fn many(self, prefix: &str, count: usize) -> Self {
        (0..count).fold(self, |world, n| {
            world.org(&format!("{prefix}-{n:02}"), |o| o)
        })
    }

    /// Changes what is declared under a key.
    #[track_caller]
    pub(crate) fn edit(&mut self, name: &str, build: impl FnOnce(Entry) -> Entry) {
        let entry = self.desired.organizations.remove(&key(name)).unwrap();
        let entry = build(Entry(entry));
        self.desired.organizations.insert(key(name), entry.0);
    }

    /// Changes everything that is declared.
    pub(crate) fn edit_all(&mut self, build: impl Fn(Entry) -> Entry) {
        let organizations = std::mem::take(&mut self.desired.organizations);
        self.desired.organizations = organizations
            .into_iter()
            .map(|(key, entry)| (key, build(Entry(entry)).0))
            .collect();
    }

    /// Moves an entry to another key; its external id, which is the key, moves with it.
    #[track_caller]
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        let mut entry = self.desired.organizations.remove(&key(from)).unwrap();
        entry.external_id = Some(external(to));
        self.desired.organizations.insert(key(to), entry);
    }

    /// Takes an entry out of the manifest.
    #[track_caller]
    pub(crate) fn forget(&mut self, name: &str) {
        self.desired.organizations.remove(&key(name)).unwrap();
    }

    /// Gives the run a flag.
    pub(crate) fn allow(mut self, flag: Flag) -> Self {
        match flag {
            Flag::Adopt => self.policy.adopt = true,
            Flag::AdoptOwned => self.policy.adopt_owned = true,
            Flag::AllowRekey => self.policy.allow_rekey = true,
            Flag::AllowTrustedDomains => self.policy.allow_trusted_domains = true,
            Flag::AllowDataLoss => self.policy.allow_data_loss = true,
            Flag::AllowDomainRemoval => self.policy.allow_domain_removal = true,
            Flag::PruneActive => self.policy.prune_active = true,
            Flag::AllowBulk => self.policy.allow_bulk = true,
        }
        self
    }

    /// Narrows the run: `--only` and `--intent`.
    pub(crate) fn select(mut self, only: &[&str], intents: &[&str]) -> Self {
        let owned = |patterns: &[&str]| -> Vec<String> {
            patterns.iter().map(|text| (*text).to_owned()).collect()
        };
        self.selection = Selection::new(&owned(only), &owned(intents)).unwrap();
        self
    }

    /// Returns the state of WorkOS once everything declared has been created, computed without the
    /// planner: the organization of `acme` is `org_acme`, unless it is pinned.
    pub(crate) fn live(&self) -> Live {
        let mut live = Live::new();
        for (key, entry) in &self.desired.organizations {
            let created = entry.id.is_none();
            let id = entry.id.clone().unwrap_or_else(|| id_of(key));
            let mut organization = blank(&id);
            if let Some(name) = &entry.name {
                organization.name.clone_from(name);
            }
            organization.external_id = entry.external_id.as_ref().map(ToString::to_string);
            organization
                .stripe_customer_id
                .clone_from(&entry.stripe_customer_id);
            let allows = entry.allow_profiles_outside_organization;
            organization.allow_profiles_outside_organization = allows;
            for (name, value) in &entry.metadata {
                let value = value.iter().map(|value| (name.clone(), value.clone()));
                organization.metadata.extend(value);
            }
            if let Some(manifest) = self.desired.manifest.as_ref().filter(|_| created) {
                let mark = (OWNER.to_owned(), manifest.to_string());
                organization.metadata.extend([mark]);
            }
            if entry.protect == Some(true) {
                let mark = (PROTECT.to_owned(), "true".to_owned());
                organization.metadata.extend([mark]);
            }
            for (domain, state) in entry.domains.iter().flatten() {
                let state = match state {
                    DeclaredDomainState::Verified if created => DomainState::Verified,
                    DeclaredDomainState::Verified | DeclaredDomainState::Pending => {
                        DomainState::Pending
                    }
                };
                organization.domains.push(held(domain.clone(), state));
            }
            if entry.invite == Invite::Once {
                let mark = (INVITED.to_owned(), "once".to_owned());
                organization.metadata.extend([mark]);
            }
            let addresses = entry.it_contacts.iter();
            let contacts = addresses.map(|email| contact(email.as_str())).collect();
            live.0
                .it_contacts
                .insert(id.clone(), Answer::Found(contacts));
            live.0.organizations.insert(id, organization);
        }
        live
    }

    pub(crate) fn identities(&self, live: &Live) -> Identities {
        identify(&self.desired, &live.0)
    }

    fn unconfigured(&self, live: &Live) -> Unconfigured {
        let now = Timestamp::UNIX_EPOCH;
        let identities = self.identities(live);
        readiness(&self.desired, &live.0, &identities, &self.selection, now).unconfigured()
    }

    /// The plan, held to the lint and to being the same twice.
    #[track_caller]
    pub(crate) fn plan_once(&self, live: &Live) -> Plan {
        let make = || {
            plan(
                PlanInput {
                    desired: &self.desired,
                    observed: &live.0,
                    identities: &self.identities(live),
                    unconfigured: &self.unconfigured(live),
                    policy: self.policy,
                    selection: &self.selection,
                },
                self.target.clone(),
            )
        };
        let first = make();
        assert_eq!(first, make(), "two plans of the same differ");
        let findings = lint(&first, &self.desired, &live.0);
        assert!(findings.is_empty(), "{findings:#?}\n{}", text(&first));
        first
    }

    /// The plan as text. Asserts that twice is nothing.
    #[track_caller]
    pub(crate) fn plan(&self, live: &Live) -> String {
        let (plan, _) = self.settle(live);
        text(&plan)
    }

    /// The plan, and what is live once it is done. Asserts that a second run has nothing to do,
    /// and that it holds and asks the same.
    #[track_caller]
    pub(crate) fn settle(&self, live: &Live) -> (Plan, Live) {
        let first = self.plan_once(live);
        let after = apply(&first, live);
        let second = self.plan_once(&after);
        assert!(
            second.changes.is_empty(),
            "there is more to do once it is done:\n{}first:\n{}",
            text(&second),
            text(&first)
        );
        assert_eq!(second.conflicts, first.conflicts);
        (first, after)
    }

    pub(crate) fn digest(&self, live: &Live) -> String {
        Digest::of(&self.plan_once(live)).to_string()
    }
}

/// Declaration of one organization.
pub(crate) struct Entry(pub(crate) DesiredOrganization);

impl Entry {
    fn new(key: &str, line: u32) -> Self {
        Self(DesiredOrganization {
            source: Source {
                file: "portal.yaml".into(),
                line,
            },
            id: None,
            external_id: Some(external(key)),
            plain_key: None,
            previous_keys: Vec::new(),
            name: Some(key.to_owned()),
            domains: None,
            domains_policy: DomainsPolicy::Add,
            intents: BTreeMap::new(),
            return_url: None,
            metadata: BTreeMap::new(),
            it_contacts: Vec::new(),
            invite: Invite::Never,
            protect: None,
            stripe_customer_id: None,
            allow_profiles_outside_organization: None,
            retention_days: None,
            ignore_fields: BTreeSet::new(),
            allow_shared_domain: false,
            allow_same_name: false,
            claim: false,
            allow: BTreeSet::new(),
            management: Management::Manage,
            resource: None,
            holder: None,
        })
    }

    /// Pins the organization. As in a manifest, it then manages no external id until one is given.
    pub(crate) fn pin(mut self, id: &str) -> Self {
        self.0.id = Some(org_id(id));
        self.0.external_id = None;
        self
    }

    pub(crate) fn external_id(mut self, id: &str) -> Self {
        self.0.external_id = Some(external(id));
        self
    }

    /// Makes it a resource of a namespace.
    pub(crate) fn resource(mut self, namespace: &str, name: &str) -> Self {
        self.0.resource = Some(ResourceName {
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        });
        self
    }

    /// The external id from before external ids had the namespace in front.
    pub(crate) fn plain_key(mut self, id: &str) -> Self {
        self.0.plain_key = Some(external(id));
        self
    }

    pub(crate) fn previously(mut self, id: &str) -> Self {
        self.0.previous_keys.push(external(id));
        self
    }

    pub(crate) fn name(mut self, name: &str) -> Self {
        self.0.name = Some(name.to_owned());
        self
    }

    pub(crate) fn nameless(mut self) -> Self {
        self.0.name = None;
        self
    }

    pub(crate) fn domains<const N: usize>(mut self, domains: [&str; N]) -> Self {
        let domains = domains.map(|text| (domain(text), DeclaredDomainState::Pending));
        self.0.domains = Some(BTreeMap::from(domains));
        self
    }

    /// Adds a domain with `state: verified`.
    pub(crate) fn trusted(mut self, text: &str) -> Self {
        let domains = self.0.domains.get_or_insert_default();
        domains.insert(domain(text), DeclaredDomainState::Verified);
        self
    }

    pub(crate) fn exact(mut self) -> Self {
        self.0.domains_policy = DomainsPolicy::Exact;
        self
    }

    pub(crate) fn intent(mut self, intent: Intent) -> Self {
        self.0.intents.insert(intent, IntentSettings::default());
        self
    }

    pub(crate) fn metadata(mut self, key: &str, value: &str) -> Self {
        let value = Some(value.to_owned());
        self.0.metadata.insert(key.to_owned(), value);
        self
    }

    pub(crate) fn without_metadata(mut self, key: &str) -> Self {
        self.0.metadata.insert(key.to_owned(), None);
        self
    }

    pub(crate) fn protect(mut self, protect: bool) -> Self {
        self.0.protect = Some(protect);
        self
    }

    pub(crate) fn contacts<const N: usize>(mut self, addresses: [&str; N]) -> Self {
        self.0.it_contacts = addresses.map(email).to_vec();
        self
    }

    /// `invite: once`
    pub(crate) fn invite(mut self) -> Self {
        self.0.invite = Invite::Once;
        self
    }

    pub(crate) fn stripe(mut self, id: &str) -> Self {
        self.0.stripe_customer_id = Some(id.to_owned());
        self
    }

    pub(crate) fn ignore(mut self, path: FieldPath) -> Self {
        self.0.ignore_fields.insert(path);
        self
    }

    pub(crate) fn ignore_all(self, group: FieldGroup) -> Self {
        self.ignore(FieldPath::Whole(group))
    }

    pub(crate) fn shared_domain(mut self) -> Self {
        self.0.allow_shared_domain = true;
        self
    }

    pub(crate) fn observe_only(mut self) -> Self {
        self.0.management = Management::Observe;
        self
    }

    pub(crate) fn same_name(mut self) -> Self {
        self.0.allow_same_name = true;
        self
    }
}

/// State of WorkOS.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Live(pub(crate) Observed);

impl Live {
    /// An empty account, all of which was read.
    pub(crate) fn new() -> Self {
        Self(Observed {
            connections: Listing::Read(BTreeMap::new()),
            directories: Listing::Read(BTreeMap::new()),
            ..Observed::default()
        })
    }

    /// Gives an organization an IT contact.
    #[track_caller]
    pub(crate) fn contact(mut self, id: &str, address: &str) -> Self {
        self.contacts_mut(&org_id(id)).push(contact(address));
        self
    }

    /// The account has no list of IT contacts.
    pub(crate) fn without_contacts(mut self, answer: &Answer<Vec<ItContact>>) -> Self {
        for contacts in self.0.it_contacts.values_mut() {
            contacts.clone_from(answer);
        }
        self
    }

    #[track_caller]
    pub(crate) fn contacts_mut(&mut self, id: &OrganizationId) -> &mut Vec<ItContact> {
        match self.0.it_contacts.get_mut(id) {
            Some(Answer::Found(contacts)) => contacts,
            other => panic!("{id} has no contacts: {other:?}"),
        }
    }

    /// Adds an organization, made by somebody else: no external id, its id as its name.
    pub(crate) fn org(mut self, id: &str, build: impl FnOnce(LiveOrg) -> LiveOrg) -> Self {
        let LiveOrg(mut organization) = build(LiveOrg(blank(&org_id(id))));
        organization.domains.sort_by(|a, b| a.domain.cmp(&b.domain));
        let before = self.0.organizations.insert(org_id(id), organization);
        let nobody = Answer::Found(Vec::new());
        self.0.it_contacts.insert(org_id(id), nobody);
        assert!(before.is_none(), "{id} exists already");
        self
    }

    /// Changes an organization behind the manifest's back.
    #[track_caller]
    pub(crate) fn edit(&mut self, id: &str, build: impl FnOnce(LiveOrg) -> LiveOrg) {
        let organization = self.0.organizations.remove(&org_id(id)).unwrap();
        let LiveOrg(mut organization) = build(LiveOrg(organization));
        organization.domains.sort_by(|a, b| a.domain.cmp(&b.domain));
        self.0.organizations.insert(org_id(id), organization);
    }

    #[track_caller]
    pub(crate) fn get(&self, id: &str) -> &Organization {
        &self.0.organizations[&org_id(id)]
    }
}

/// One live organization.
pub(crate) struct LiveOrg(pub(crate) Organization);

impl LiveOrg {
    pub(crate) fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.name);
        self
    }

    pub(crate) fn external_id(mut self, id: &str) -> Self {
        self.0.external_id = Some(id.to_owned());
        self
    }

    pub(crate) fn stripe(mut self, id: &str) -> Self {
        self.0.stripe_customer_id = Some(id.to_owned());
        self
    }

    pub(crate) fn domain(mut self, text: &str, state: DomainState) -> Self {
        let text = domain(text);
        self.0.domains.retain(|held| held.domain != text);
        self.0.domains.push(held(text, state));
        self
    }

    pub(crate) fn metadata(mut self, key: &str, value: &str) -> Self {
        self.0.metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds so many keys that nobody declares.
    pub(crate) fn foreign_metadata(self, count: usize) -> Self {
        (0..count).fold(self, |org, n| org.metadata(&format!("foreign_{n:02}"), "x"))
    }
}

/// The id that an entry's organization gets when it is created here.
pub(crate) fn id_of(key: &OrgKey) -> OrganizationId {
    org_id(&format!("org_{key}"))
}

fn blank(id: &OrganizationId) -> Organization {
    Organization {
        id: id.clone(),
        name: id.to_string(),
        external_id: None,
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: Vec::new(),
        metadata: BTreeMap::new(),
        created_at: None,
        updated_at: None,
    }
}

pub(crate) fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

fn contact(address: &str) -> ItContact {
    ItContact {
        id: format!("it_contact_{address}"),
        email: address.to_owned(),
        created_at: None,
    }
}

fn held(domain: Domain, state: DomainState) -> OrganizationDomain {
    OrganizationDomain {
        id: None,
        domain,
        state,
        verification_prefix: None,
        verification_token: None,
        created_at: None,
        updated_at: None,
    }
}

/// Does what a plan says, as WorkOS would, in the plan's order; what WorkOS would refuse panics.
#[track_caller]
pub(crate) fn apply(plan: &Plan, live: &Live) -> Live {
    let mut live = live.clone();
    for change in &plan.changes {
        let id = match &change.action {
            Action::Create => {
                let id = id_of(&change.key);
                let nobody = Answer::Found(Vec::new());
                live.0.it_contacts.insert(id.clone(), nobody);
                let taken = live.0.organizations.insert(id.clone(), blank(&id));
                assert!(taken.is_none(), "{id} is created twice");
                id
            }
            Action::Adopt(id) | Action::Update(id) => id.clone(),
            Action::Invite(invitation) => {
                send(&mut live, &change.key, invitation);
                continue;
            }
            Action::Delete(id) => {
                assert!(live.0.organizations.remove(id).is_some(), "{id} is gone");
                continue;
            }
        };
        for field in &change.fields {
            if let FieldChange::ItContact(email) = field {
                let held = live.contacts_mut(&id);
                let mut there = held.iter();
                assert!(!there.any(|held| email.is(&held.email)), "{email} is there");
                held.push(contact(email.as_str()));
            }
        }
        let organization = live.0.organizations.get_mut(&id).unwrap();
        for field in &change.fields {
            write_field(organization, field);
        }
        assert!(
            organization.metadata.len() <= MAX_METADATA,
            "{id} holds too much metadata"
        );
        if let Some(given) = set_external_id(change) {
            let organizations = live.0.organizations.values();
            let same = organizations.filter(|other| other.external_id.as_deref() == Some(given));
            assert_eq!(same.count(), 1, "the external id {given} is taken");
        }
    }
    live
}

/// Writes to a contact, as WorkOS would, and marks it.
#[track_caller]
fn send(live: &mut Live, key: &OrgKey, invitation: &Invitation) {
    let id = invitation
        .organization
        .clone()
        .unwrap_or_else(|| id_of(key));
    let mut held = live.contacts_mut(&id).iter();
    let is_there = held.any(|held| invitation.contact.is(&held.email));
    assert!(is_there, "{} is no contact of {id}", invitation.contact);
    let organization = live.0.organizations.get_mut(&id).unwrap();
    let mark = organization
        .metadata
        .insert(INVITED.to_owned(), "once".to_owned());
    assert_eq!(mark, None, "{id} is invited again");
    assert!(organization.metadata.len() <= MAX_METADATA, "{id} is full");
}

fn set_external_id(change: &Change) -> Option<&str> {
    change.fields.iter().find_map(|field| match field {
        FieldChange::ExternalId { after, .. } => after.as_ref().map(ExternalId::as_str),
        _ => None,
    })
}

fn write_field(organization: &mut Organization, field: &FieldChange) {
    match field.clone() {
        FieldChange::Name { after, .. } => organization.name = after.unwrap(),
        FieldChange::ExternalId { after, .. } => {
            organization.external_id = after.map(|id| id.to_string());
        }
        FieldChange::StripeCustomerId { after, .. } => organization.stripe_customer_id = after,
        FieldChange::OutsideProfiles { after, .. } => {
            organization.allow_profiles_outside_organization = after;
        }
        FieldChange::Metadata { key, after, .. } => {
            organization.metadata.remove(&key);
            organization
                .metadata
                .extend(after.map(|value| (key, value)));
        }
        FieldChange::Domain { domain, .. } => {
            organization.domains.retain(|held| held.domain != domain);
            let state = field.after();
            let state = state.map(|state| DomainState::from_api(&state));
            let added = state.map(|state| held(domain, state));
            organization.domains.extend(added);
            organization.domains.sort_by(|a, b| a.domain.cmp(&b.domain));
        }
        // Not on the organization itself.
        FieldChange::ItContact(_) | FieldChange::RetentionDays { .. } => {}
        FieldChange::State
        | FieldChange::Connection { .. }
        | FieldChange::Directory { .. }
        | FieldChange::Dependent { .. } => panic!("{} is never written", field.path()),
    }
}

/// A plan on as few lines as can be read: `+` create, `>` adopt, `~` update, `#` held,
/// `@` invite, `!` conflict, `*` warning, `=` unchanged, `.` unmanaged.
pub(crate) fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for change in plan.reviewed() {
        let sign = match change.action.kind() {
            ActionKind::Create => '+',
            ActionKind::Adopt => '>',
            ActionKind::Update => '~',
            ActionKind::Invite => '@',
            ActionKind::Delete => '-',
        };
        let _ = write!(out, "{sign} {}", change.key);
        subject(&mut out, change);
        invitation(&mut out, change);
        let reviewed: Vec<FieldChange> = change.reviewed_fields().cloned().collect();
        fields(&mut out, &reviewed);
    }
    for held in &plan.held {
        let Held {
            change,
            reason,
            flag,
            permission: _,
        } = held;
        let _ = write!(out, "# {} {}", change.key, change.action.kind());
        subject(&mut out, change);
        let _ = write!(out, "  needs {flag}");
        if let HeldReason::LimitExceeded { planned, allowed } = reason {
            let _ = write!(out, " ({planned}, {allowed} allowed)");
        }
        invitation(&mut out, change);
        fields(&mut out, &change.fields);
    }
    for conflict in &plan.conflicts {
        let scope = conflict.scope.domain();
        let scope = scope.map_or_else(String::new, |domain| format!(" ({domain} only)"));
        let _ = writeln!(out, "! {} {}{scope}", conflict.key, conflict.code);
        let _ = writeln!(out, "    {}", conflict.message);
        let _ = writeln!(out, "    -> {}", conflict.help);
    }
    for warning in &plan.warnings {
        let _ = writeln!(out, "* {} {}", warning.key, warning.code);
        let _ = writeln!(out, "    {}", warning.message);
    }
    if plan.unchanged > 0 {
        let _ = writeln!(out, "= {} unchanged", plan.unchanged);
    }
    if let Some(count) = plan.unmanaged.count.filter(|count| *count > 0) {
        let _ = writeln!(out, ". {count} unmanaged");
    }
    for portalctl_core::plan::UndeclaredOrganization { id, .. } in &plan.unmanaged.formerly_declared
    {
        let _ = writeln!(out, ". {id} is not declared any more");
    }
    out
}

fn subject(out: &mut String, change: &Change) {
    let id = change.action.organization();
    out.extend(id.map(|id| format!(" {id}")));
}

fn invitation(out: &mut String, change: &Change) {
    let Some(invitation) = change.action.invitation() else {
        return;
    };
    let names = |intents: &BTreeSet<Intent>| {
        let names: Vec<&str> = intents.iter().map(|intent| intent.as_str()).collect();
        names.join(" ")
    };
    let _ = write!(
        out,
        "  {} to {}",
        invitation.contact,
        names(&invitation.intents)
    );
    if !invitation.not_invitable.is_empty() {
        let _ = write!(out, ", not to {}", names(&invitation.not_invitable));
    }
}

fn fields(out: &mut String, fields: &[FieldChange]) {
    let show = |value: Option<Cow<'_, str>>| match value {
        Some(value) => format!("{value:?}"),
        None => "absent".to_owned(),
    };
    let lines = fields.iter().map(|field| {
        let (path, after) = (field.path(), show(field.after()));
        match field.before() {
            None => format!("{path} {after}"),
            before => format!("{path} {} -> {after}", show(before)),
        }
    });
    let lines: Vec<String> = lines.collect();
    match lines.as_slice() {
        [one] => {
            let _ = writeln!(out, "  {one}");
        }
        many => {
            out.push('\n');
            for line in many {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
}
