//! One organization after the other, with the defaults merged in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::domains::{self, Domains};
use super::metadata;
use super::settings::Settings;
use super::unique::Seen;
use super::{
    absent, allow, audit_logs, contacts, identity, ignore, intents, operator, resources, text,
};
use crate::decode::{self, RawPortalEnvironment, RawPortalOrganization};
use crate::diagnostic::Findings;
use crate::form::Form;
use crate::kubernetes::Tenant;
use crate::node::Node;
use crate::quote::quote;
use crate::raw::{Text, good};
use crate::reader::Reader;
use crate::shape::{OrganizationObject, RawOrganization};
use crate::source::{FileId, Spot, Spotted};
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::{AbsentOrganization, DesiredOrganization, Management, Source};
use portalctl_model::{Allow, ExternalId, OrgKey};

/// Goes through all organizations of a manifest, remembering what must be unique.
pub(super) struct Walk<'a> {
    settings: &'a Settings,
    findings: &'a mut Findings,
    seen: Seen,
    rivals: Rivals,
    organizations: BTreeMap<OrgKey, DesiredOrganization>,
    absent: BTreeMap<OrgKey, AbsentOrganization>,
    objects: BTreeMap<OrgKey, OrganizationObject>,
}

/// The entries of a manifest, by what they declare.
pub(super) struct Entries {
    pub(super) organizations: BTreeMap<OrgKey, DesiredOrganization>,
    pub(super) absent: BTreeMap<OrgKey, AbsentOrganization>,
    pub(super) objects: BTreeMap<OrgKey, OrganizationObject>,
}

/// The treatment of entries that declare the same key, id, external id or domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rivals {
    /// The second one is an error.
    Refused,
    /// All are kept: who holds the organization is decided later, by what is live.
    Kept,
}

/// The key of an entry and the place it stands at.
struct Heading<'a> {
    key: Option<OrgKey>,
    text: String,
    spot: Spot,
    tenant: Option<Tenant<'a>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(settings: &'a Settings, rivals: Rivals, findings: &'a mut Findings) -> Self {
        Self {
            rivals,
            settings,
            findings,
            seen: Seen::default(),
            organizations: BTreeMap::new(),
            absent: BTreeMap::new(),
            objects: BTreeMap::new(),
        }
    }

    /// The organizations of one document.
    pub(super) fn part(
        &mut self,
        part: usize,
        file: FileId,
        name: &Arc<str>,
        text: &str,
        entries: Vec<(Node, Node)>,
    ) {
        for (key_node, node) in entries {
            let mut reader = Reader {
                file,
                text,
                findings: self.findings,
            };
            let Some(key_text) = reader.spotted_text(&key_node, "the key of an organization")
            else {
                continue;
            };
            let what = format!("the organization {}", quote(&key_text.value));
            let raw = decode::organization(&mut reader, &node, &what);
            self.entry(part, name, key_text, raw.as_ref());
        }
    }

    /// Whether a resource belongs to the environment that is here.
    pub(super) fn belongs(
        &mut self,
        organization: &RawPortalOrganization,
        environments: &[RawPortalEnvironment],
    ) {
        let settings = &self.settings.object;
        resources::belongs(organization, environments, settings, self.findings);
    }

    /// One organization, as far as it could be decoded. `part` numbers what it stands in.
    pub(super) fn entry(
        &mut self,
        part: usize,
        name: &Arc<str>,
        key: Spotted<Text>,
        raw: Option<&RawOrganization>,
    ) {
        let Spotted { value: text, spot } = key;
        let object = raw
            .and_then(|raw| good(raw.kubernetes.as_ref()))
            .map(|(raw, _)| operator::organization(raw, self.findings));
        let tenant = Tenant::of(
            self.settings.object.namespace.as_deref(),
            object
                .as_ref()
                .and_then(|object| object.namespace.as_deref()),
        );
        let key = tenant
            .and_then(|tenant| tenant.plain(&text))
            .unwrap_or(&text);
        let key = identity::key(key, spot, self.findings);
        let heading = Heading {
            key: key.map(|key| match tenant {
                Some(tenant) => OrgKey::undeclared(tenant.qualified(key.as_str())),
                None => key,
            }),
            text: text.into(),
            spot,
            tenant,
        };
        if self.rivals == Rivals::Kept {
            self.seen = Seen::default();
        }
        let new = heading
            .key
            .as_ref()
            .is_none_or(|key| self.seen.key(key, part, spot, self.findings));
        let Some(raw) = raw else { return };
        let source = Source {
            file: Arc::clone(name),
            line: spot.line,
        };
        let mut organization = self.organization(&heading, raw, source, new);
        if raw.state.is_some() {
            let absent = absent::check(
                &heading.text,
                heading.spot,
                raw,
                &organization,
                self.findings,
            );
            if let (Some(key), Some(absent)) = (heading.key, absent) {
                self.absent.entry(key).or_insert(absent);
            }
            return;
        }
        if let Some(object) = &object {
            organization.management = object.policies.management_policy;
        }
        let Some(key) = heading.key else { return };
        let key = self.key_of_its_own(key, name);
        if new {
            self.is_one_object(&key, object.as_ref(), spot);
        }
        if let Some(object) = object {
            self.objects.entry(key.clone()).or_insert(object);
        }
        self.organizations.entry(key).or_insert(organization);
    }

    /// Returns a key that no other entry has: where rivals are kept, the name of the resource stands
    /// in for a key that another one has too.
    fn key_of_its_own(&self, key: OrgKey, name: &Arc<str>) -> OrgKey {
        if self.rivals == Rivals::Kept && self.organizations.contains_key(&key) {
            OrgKey::undeclared(&**name)
        } else {
            key
        }
    }

    /// Every organization is an object of its own, also of a manifest that is converted.
    fn is_one_object(&mut self, key: &OrgKey, object: Option<&OrganizationObject>, spot: Spot) {
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
            objects: self.objects,
        }
    }

    /// Checks one organization; `new` tells whether its key was not declared before.
    fn organization(
        &mut self,
        heading: &Heading<'_>,
        raw: &RawOrganization,
        source: Source,
        new: bool,
    ) -> DesiredOrganization {
        let findings = &mut *self.findings;
        let defaults = &self.settings.defaults;
        let urls = &self.settings.urls;

        let id = identity::id(raw.id.as_ref(), findings);
        let external_id = identity::external_id(
            raw.external_id.as_ref(),
            heading.key.as_ref(),
            heading.spot,
            raw.id.is_some(),
            findings,
        );
        // Of a manifest it is asked once it is converted: `convert` writes the patterns that it needs.
        if let (Some(tenant), Some(external_id), Some(_), Form::Kubernetes) = (
            heading.tenant,
            &external_id,
            &raw.external_id,
            findings.form(),
        ) {
            let patterns = &self.settings.object.operator.external_id_patterns;
            identity::may_be_set(external_id, tenant, patterns, findings);
        }
        let plain_key = heading
            .tenant
            .filter(|_| raw.external_id.is_none() && raw.id.is_none())
            .and_then(|tenant| tenant.plain(heading.key.as_ref()?.as_str()))
            .and_then(|key| ExternalId::parse(key).ok());
        let previous =
            identity::previous_keys(raw.previous_keys.as_ref(), heading.tenant, findings);
        has_a_name(heading, raw, findings);
        let policy = domains::policy(raw.domains_policy.as_ref(), findings)
            .unwrap_or(defaults.domains_policy);
        let allow = allow::check(raw.allow.as_ref(), findings);
        let may_be_public = allow.contains(&Allow::PublicDomain);
        let domains = domains::check(raw.domains.as_ref(), policy, may_be_public, findings);
        let shared = is_true(raw.allow_shared_domain.as_ref());
        let own_metadata = metadata::check(raw.metadata.as_ref(), findings);
        let metadata = metadata::merge(&defaults.metadata, own_metadata);
        let metadata_spot = raw
            .metadata
            .as_ref()
            .map_or(heading.spot, |field| field.key);
        metadata::fits(&metadata, metadata_spot, findings);

        // A second entry under the same key has been reported; that all its ids stand twice,
        // too, says nothing new.
        if new && let Some(id) = &id {
            self.seen.id(id, findings);
        }
        // What is to be deleted may have the ids and domains of an entry that stays.
        if new && raw.state.is_none() {
            if let Some(external_id) = &external_id {
                let from_key = raw.external_id.is_none();
                self.seen.external_id(external_id, from_key, findings);
            }
            for previous in &previous {
                self.seen.external_id(previous, false, findings);
            }
            for (domain, spot) in domains.iter().flat_map(|domains| &domains.spots) {
                self.seen
                    .domain(domain, *spot, &heading.text, shared, findings);
            }
        }

        DesiredOrganization {
            source,
            id: id.map(|id| id.value),
            external_id: external_id.map(|id| id.value),
            previous_keys: previous.into_iter().map(|id| id.value).collect(),
            plain_key,
            name: text::display_name(raw.name.as_ref(), findings),
            domains: domains.map(|Domains { declared, spots: _ }| declared),
            domains_policy: policy,
            intents: intents::check(raw.intents.as_ref(), urls, findings)
                .unwrap_or_else(|| defaults.intents.clone()),
            return_url: urls
                .check(raw.return_url.as_ref(), "the return URL", findings)
                .or_else(|| defaults.return_url.clone()),
            metadata,
            it_contacts: contacts::check(raw.it_contacts.as_ref(), findings),
            invite: contacts::invite(raw.invite.as_ref(), raw.it_contacts.as_ref(), findings),
            protect: good(raw.protect.as_ref())
                .map(|(protect, _)| *protect)
                .or(defaults.protect),
            stripe_customer_id: identity::stripe_customer_id(
                raw.stripe_customer_id.as_ref(),
                findings,
            ),
            allow_profiles_outside_organization: good(
                raw.allow_profiles_outside_organization.as_ref(),
            )
            .map(|(allow, _)| *allow),
            retention_days: audit_logs::retention_days(raw.audit_logs.as_ref(), findings),
            ignore_fields: ignore::check(raw.ignore_fields.as_ref(), findings)
                .unwrap_or_else(|| defaults.ignore_fields.clone()),
            allow_shared_domain: shared,
            allow_same_name: is_true(raw.allow_same_name.as_ref()),
            claim: allow::claim(raw.claim.as_ref(), self.settings.has_name, findings),
            allow,
            management: Management::Manage,
            resource: None,
            holder: None,
        }
    }
}

fn is_true(field: Option<&crate::raw::Field<bool>>) -> bool {
    good(field).is_some_and(|(value, _)| *value)
}

/// A pinned organization has a name already; any other must be given one.
fn has_a_name(heading: &Heading<'_>, raw: &RawOrganization, findings: &mut Findings) {
    if raw.name.is_none() && raw.id.is_none() {
        findings.error(
            codes::MISSING_FIELD,
            heading.spot,
            format!("the organization {} has no name", quote(&heading.text)),
            "add `name:`, or `id:` if it exists at WorkOS and its name is not yours to manage",
        );
    }
}
