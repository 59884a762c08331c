//! Organizations, with the defaults merged in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::defaults::Defaults;
use super::domains::{self, Domains};
use super::metadata::{self, Metadata};
use super::overlays::{self, Patches};
use super::scope::Rivals;
use super::settings::Settings;
use super::unique::{DomainClaim, IdSource, Occurrence, Seen};
use super::{
    absent, allow, audit_logs, contacts, identity, ignore, intents, operator, resources, text,
};
use crate::decode::{self, RawPortalEnvironment, RawPortalOrganization};
use crate::diagnostic::Findings;
use crate::form::Form;
use crate::kubernetes::Tenant;
use crate::node::Node;
use crate::quote::quote;
use crate::raw::{Field, Layered, Text, accepted};
use crate::reader::Reader;
use crate::shape::{AuditLogs, Mapping, Organization, OrganizationObject, RawOrganization};
use crate::source::{FileId, Sources, Spot, Spotted};
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::{
    AbsentOrganization, DesiredOrganization, DomainsPolicy, ExcludedOrganization, Management,
    OrganizationState, Source,
};
use portalctl_model::{Allow, ExternalId, OrgKey, OrganizationId};

/// Checks all organizations of a manifest, and remembers unique declarations.
pub(super) struct Checker<'a> {
    settings: &'a Settings,
    findings: &'a mut Findings,
    seen: Seen,
    rivals: Rivals,
    /// Set where several environments share the entries.
    refuses_ids: bool,
    /// Name of the environment whose overlay was chosen.
    environment: Option<Text>,
    /// Patches of the overlay that no entry has taken yet, by key.
    patches: BTreeMap<Text, (Spot, RawOrganization)>,
    organizations: BTreeMap<OrgKey, DesiredOrganization>,
    absent: BTreeMap<OrgKey, AbsentOrganization>,
    excluded: BTreeMap<OrgKey, ExcludedOrganization>,
    objects: BTreeMap<OrgKey, OrganizationObject>,
}

/// The entries of a manifest, by what they declare.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) organizations: BTreeMap<OrgKey, DesiredOrganization>,
    pub(super) absent: BTreeMap<OrgKey, AbsentOrganization>,
    pub(super) excluded: BTreeMap<OrgKey, ExcludedOrganization>,
    pub(super) objects: BTreeMap<OrgKey, OrganizationObject>,
}

/// An entry, with the patch of an overlay laid over it.
pub(super) struct Entry {
    raw: RawOrganization,
    /// Fields that the patch takes away, also from the layers below the entry.
    taken_away: Vec<&'static str>,
}

impl Entry {
    /// Returns an entry that no overlay changes.
    pub(super) const fn of(raw: RawOrganization) -> Self {
        Self {
            raw,
            taken_away: Vec::new(),
        }
    }

    fn patched(raw: RawOrganization, patch: RawOrganization) -> Self {
        let mut taken_away = Organization::nulls(&patch);
        let audit_logs = accepted(patch.audit_logs.as_ref());
        if audit_logs.is_some_and(|(logs, _)| !AuditLogs::nulls(logs).is_empty()) {
            taken_away.push("audit_logs");
        }
        Self {
            raw: patch.over(Some(raw)),
            taken_away,
        }
    }
}

/// A document with organizations.
pub(super) struct Part {
    /// Number of the document.
    pub(super) number: usize,
    pub(super) file: FileId,
    pub(super) name: Arc<str>,
    pub(super) text: Arc<str>,
}

/// Key of an entry, and its place.
struct Heading<'a> {
    key: Option<OrgKey>,
    text: String,
    spot: Spot,
    tenant: Option<Tenant<'a>>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(settings: &'a Settings, rivals: Rivals, findings: &'a mut Findings) -> Self {
        Self {
            rivals,
            settings,
            findings,
            seen: Seen::default(),
            refuses_ids: false,
            environment: None,
            patches: BTreeMap::new(),
            organizations: BTreeMap::new(),
            absent: BTreeMap::new(),
            excluded: BTreeMap::new(),
            objects: BTreeMap::new(),
        }
    }

    /// Refuses ids in entries: several environments share them.
    pub(super) const fn refuse_ids(&mut self) {
        self.refuses_ids = true;
    }

    /// Takes the patches of an overlay, which are laid over entries as these are checked.
    pub(super) fn patch(&mut self, patches: Patches) {
        self.environment = Some(patches.environment.value);
        for (key, patch) in patches.entries {
            let Spotted { value: key, spot } = key;
            // Of a key that stands twice, which has been reported, the first counts.
            self.patches.entry(key).or_insert((spot, patch));
        }
    }

    /// Checks the patches that are about no entry: each adds one. `part` numbers the overlay.
    pub(super) fn added(&mut self, part: usize, sources: &Sources) {
        for (key, (spot, patch)) in std::mem::take(&mut self.patches) {
            let name = sources.name_of(spot.file);
            let key = Spotted { value: key, spot };
            let entry = Entry::patched(RawOrganization::default(), patch);
            self.entry(part, &name, key, Some(&entry));
        }
    }

    /// Checks the organizations of one document.
    pub(super) fn part(&mut self, part: &Part, entries: Vec<(Node, Node)>) {
        for (key, node) in entries {
            let mut reader = Reader::new(part.file, &part.text, self.findings);
            let Some(key) = reader.spotted_text(&key, "the key of an organization") else {
                continue;
            };
            let what = format!("the organization {}", quote(&key.value));
            let raw = decode::organization(&mut reader, &node, &what);
            if let (Some(raw), true) = (&raw, self.refuses_ids) {
                overlays::refuse_ids(raw, self.findings);
            }
            let patch = self.patches.remove(&key.value);
            let spots = patch.as_ref().map(|(spot, _)| [key.spot, *spot]);
            let entry = match (raw, patch) {
                (Some(raw), Some((_, patch))) => Some(Entry::patched(raw, patch)),
                (raw, _) => raw.map(Entry::of),
            };
            self.findings.set_layers(spots, self.environment.as_deref());
            self.entry(part.number, &part.name, key, entry.as_ref());
            self.findings.set_layers(None, None);
        }
    }

    /// Reports a resource that does not belong to the environment.
    pub(super) fn belongs(
        &mut self,
        organization: &RawPortalOrganization,
        environments: &[RawPortalEnvironment],
    ) {
        let settings = &self.settings.object;
        resources::belongs(organization, environments, settings, self.findings);
    }

    /// Checks one organization, as far as it could be decoded. `part` numbers the document.
    pub(super) fn entry(
        &mut self,
        part: usize,
        name: &Arc<str>,
        key: Spotted<Text>,
        entry: Option<&Entry>,
    ) {
        let object = entry
            .and_then(|entry| accepted(entry.raw.kubernetes.as_ref()))
            .map(|(raw, _)| operator::organization(raw, self.findings));
        let heading = self.heading(key, object.as_ref());
        if self.rivals == Rivals::Kept {
            self.seen = Seen::default();
        }
        let spot = heading.spot;
        let occurrence = heading.key.as_ref().map_or(Occurrence::First, |key| {
            self.seen.key(key, part, spot, self.findings)
        });
        let Some(entry) = entry else { return };
        let raw = &entry.raw;
        let source = Source {
            file: Arc::clone(name),
            line: spot.line,
        };
        let state = absent::state(raw, self.findings);
        let mut organization = self.organization(&heading, entry, source, occurrence);
        if state == Some(OrganizationState::Excluded) {
            if let Some(key) = heading.key {
                let excluded = absent::excluded(organization);
                self.excluded.entry(key).or_insert(excluded);
            }
            return;
        }
        if state == Some(OrganizationState::Absent) {
            let absent = absent::check(&heading.text, spot, raw, &organization, self.findings);
            if let (Some(key), Some(absent)) = (heading.key, absent) {
                self.absent.entry(key).or_insert(absent);
            }
            return;
        }
        if let Some(object) = &object {
            organization.management = object.policies.management_policy;
        }
        let Some(key) = heading.key else { return };
        let key = self.distinct_key(key, name);
        if occurrence == Occurrence::First {
            self.check_object(&key, object.as_ref(), spot);
        }
        if let Some(object) = object {
            self.objects.entry(key.clone()).or_insert(object);
        }
        self.organizations.entry(key).or_insert(organization);
    }

    /// Reads the key of an entry, which a tenant's namespace qualifies.
    fn heading<'o>(
        &mut self,
        key: Spotted<Text>,
        object: Option<&'o OrganizationObject>,
    ) -> Heading<'o> {
        let Spotted { value: text, spot } = key;
        let home = self.settings.object.namespace.as_deref();
        let namespace = object.and_then(|object| object.namespace.as_deref());
        let tenant = Tenant::of(home, namespace);
        let plain = tenant.and_then(|tenant| tenant.plain(&text));
        let key = identity::key(plain.unwrap_or(&text), spot, self.findings);
        Heading {
            key: key.map(|key| match tenant {
                Some(tenant) => OrgKey::undeclared(tenant.qualified(key.as_str())),
                None => key,
            }),
            text: text.into(),
            spot,
            tenant,
        }
    }

    /// Returns a key that no other entry has: where rivals are kept, the name of the resource stands
    /// in for a key that another one has too.
    fn distinct_key(&self, key: OrgKey, name: &Arc<str>) -> OrgKey {
        if self.rivals == Rivals::Kept && self.organizations.contains_key(&key) {
            OrgKey::undeclared(&**name)
        } else {
            key
        }
    }

    /// Reports an organization that is the same Kubernetes object as another one.
    fn check_object(&mut self, key: &OrgKey, object: Option<&OrganizationObject>, spot: Spot) {
        let home = self.settings.object.namespace.as_deref();
        let namespace = object.and_then(|object| object.namespace.as_deref());
        let name = object.and_then(|object| object.name.as_deref());
        let tenant = Tenant::of(home, namespace);
        let plain = tenant.and_then(|tenant| tenant.plain(key.as_str()));
        self.seen.object(
            namespace.or(home),
            name.or(plain).unwrap_or(key.as_str()),
            spot,
            self.findings,
        );
    }

    pub(super) fn finish(self) -> Entries {
        Entries {
            organizations: self.organizations,
            absent: self.absent,
            excluded: self.excluded,
            objects: self.objects,
        }
    }

    /// Checks one organization.
    fn organization(
        &mut self,
        heading: &Heading<'_>,
        entry: &Entry,
        source: Source,
        occurrence: Occurrence,
    ) -> DesiredOrganization {
        let raw = &entry.raw;
        let layers = &self.settings.layers;
        let below = layers.below(raw.r#use.as_ref(), &entry.taken_away, self.findings);
        let below: &Defaults = &below;
        let claims = self.claims(heading, raw, below);
        if occurrence == Occurrence::First {
            self.check_unique(heading, raw, &claims);
        }
        let metadata = self.metadata(heading, raw, below);
        let findings = &mut *self.findings;
        let urls = &self.settings.urls;
        let contacts = below.it_contacts.as_deref().unwrap_or_default();
        let (it_contacts, invite) = contacts::with_invitation(raw, contacts, findings);
        DesiredOrganization {
            source,
            id: claims.id.map(|id| id.value),
            external_id: claims.external_id.map(|id| id.value),
            previous_keys: claims.previous.into_iter().map(|id| id.value).collect(),
            plain_key: claims.plain_key,
            name: text::display_name(raw.name.as_ref(), findings),
            domains: claims
                .domains
                .map(|Domains { declared, spots: _ }| declared),
            domains_policy: claims.policy,
            intents: intents::check(raw.intents.as_ref(), urls, findings)
                .or_else(|| below.intents.clone())
                .unwrap_or_default(),
            return_url: urls
                .check(raw.return_url.as_ref(), "the return URL", findings)
                .or_else(|| below.return_url.clone()),
            metadata,
            it_contacts,
            invite,
            protect: value(raw.protect.as_ref()).or(below.protect),
            stripe_customer_id: identity::stripe_customer_id(
                raw.stripe_customer_id.as_ref(),
                findings,
            ),
            allow_profiles_outside_organization: value(
                raw.allow_profiles_outside_organization.as_ref(),
            )
            .or(below.allow_profiles_outside_organization),
            retention_days: audit_logs::retention_days(raw.audit_logs.as_ref(), findings)
                .or(below.retention_days),
            ignore_fields: ignore::check(raw.ignore_fields.as_ref(), findings)
                .or_else(|| below.ignore_fields.clone())
                .unwrap_or_default(),
            allow_shared_domain: claims.is_shared,
            allow_same_name: value(raw.allow_same_name.as_ref())
                .or(below.allow_same_name)
                .unwrap_or_default(),
            claim: allow::claim(raw.claim.as_ref(), self.settings.owner, findings),
            allow: claims.allow,
            management: Management::Manage,
            resource: None,
            holder: None,
        }
    }

    /// Reads the fields by which an organization is found, and the domains that it claims.
    fn claims(&mut self, heading: &Heading<'_>, raw: &RawOrganization, below: &Defaults) -> Claims {
        let findings = &mut *self.findings;
        require_name(heading, raw, findings);
        let policy = domains::policy(raw.domains_policy.as_ref(), findings)
            .or(below.domains_policy)
            .unwrap_or_default();
        let allow = allow::check(raw.allow.as_ref(), findings);
        let tenant = heading.tenant;
        let external_id = match &raw.external_id {
            Some(field) => identity::external_id(Some(field), findings),
            // An entry without an external id has its key as one; a pinned entry manages none.
            None => heading
                .key
                .as_ref()
                .filter(|_| raw.id.is_none())
                .map(|key| Spotted {
                    value: ExternalId::from(key),
                    spot: heading.spot,
                }),
        };
        // Manifests are checked once they are converted: `convert` writes the patterns that are needed.
        if let (Some(tenant), Some(external_id), Some(_), Form::Kubernetes) =
            (tenant, &external_id, &raw.external_id, findings.form())
        {
            let patterns = &self.settings.object.operator.external_id_patterns;
            identity::check_tenant(external_id, tenant, patterns, findings);
        }
        let plain_key = tenant
            .filter(|_| raw.external_id.is_none() && raw.id.is_none())
            .and_then(|tenant| tenant.plain(heading.key.as_ref()?.as_str()))
            .and_then(|key| ExternalId::parse(key).ok());
        Claims {
            id: identity::id(raw.id.as_ref(), findings),
            external_id,
            previous: identity::previous_keys(raw.previous_keys.as_ref(), tenant, findings),
            plain_key,
            domains: domains::check(raw.domains.as_ref(), policy, &allow, findings),
            policy,
            is_shared: value(raw.allow_shared_domain.as_ref())
                .or(below.allow_shared_domain)
                .unwrap_or_default(),
            allow,
        }
    }

    /// Reports claims that another entry has, too.
    fn check_unique(&mut self, heading: &Heading<'_>, raw: &RawOrganization, claims: &Claims) {
        let findings = &mut *self.findings;
        if let Some(id) = &claims.id {
            self.seen.id(id, findings);
        }
        // An organization that is to be deleted may have the ids and domains of an entry that stays,
        // and one that is excluded its domains.
        let state = raw.state.as_ref().and_then(|field| field.value.as_deref());
        let is_excluded = state == Some(OrganizationState::Excluded.as_str());
        if state.is_some() && !is_excluded {
            return;
        }
        if let Some(external_id) = &claims.external_id {
            let source = match raw.external_id {
                Some(_) => IdSource::Declared,
                None => IdSource::Key,
            };
            self.seen.external_id(external_id, source, findings);
        }
        for previous in &claims.previous {
            self.seen
                .external_id(previous, IdSource::Declared, findings);
        }
        if is_excluded {
            return;
        }
        for (domain, spot) in claims.domains.iter().flat_map(|domains| &domains.spots) {
            let claim = DomainClaim {
                key: heading.text.clone(),
                spot: *spot,
                is_shared: claims.is_shared,
            };
            self.seen.domain(domain, claim, findings);
        }
    }

    fn metadata(
        &mut self,
        heading: &Heading<'_>,
        raw: &RawOrganization,
        below: &Defaults,
    ) -> Metadata {
        let own = metadata::check(raw.metadata.as_ref(), self.findings);
        let merged = metadata::merge(&below.metadata, own);
        let field = raw.metadata.as_ref();
        let spot = field.map_or(heading.spot, |field| field.key);
        metadata::check_size(&merged, spot, self.findings);
        merged
    }
}

/// The fields by which an organization is found, and the domains that it claims.
struct Claims {
    id: Option<Spotted<OrganizationId>>,
    external_id: Option<Spotted<ExternalId>>,
    previous: Vec<Spotted<ExternalId>>,
    plain_key: Option<ExternalId>,
    domains: Option<Domains>,
    policy: DomainsPolicy,
    is_shared: bool,
    allow: BTreeSet<Allow>,
}

fn value(field: Option<&Field<bool>>) -> Option<bool> {
    accepted(field).map(|(value, _)| *value)
}

/// Reports an entry without a name; a pinned organization has one already.
fn require_name(heading: &Heading<'_>, raw: &RawOrganization, findings: &mut Findings) {
    let state = raw.state.as_ref().and_then(|field| field.value.as_deref());
    if state == Some(OrganizationState::Excluded.as_str()) {
        return;
    }
    if raw.name.is_none() && raw.id.is_none() {
        findings.error(
            codes::MISSING_FIELD,
            heading.spot,
            format!("the organization {} has no name", quote(&heading.text)),
            "add `name:`, or `id:` if it exists at WorkOS and its name is not yours to manage",
        );
    }
}
