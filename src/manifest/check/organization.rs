//! One organization after the other, with the defaults merged in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::domains::{self, Domains};
use super::metadata::{self, Metadata};
use super::settings::Settings;
use super::unique::Seen;
use super::urls::UrlRules;
use super::{contacts, identity, ignore, intents, text};
use crate::codes::manifest as codes;
use crate::manifest::decode::{self, Reader};
use crate::manifest::diagnostic::Findings;
use crate::manifest::node::Node;
use crate::manifest::quote::quote;
use crate::manifest::raw::{RawOrganization, good};
use crate::manifest::source::{FileId, Spot};
use crate::model::desired::{
    self, DesiredOrganization, DomainsPolicy, FieldPath, IntentSettings, Source,
};
use crate::model::{Intent, OrgKey, ReturnUrl};

/// What holds for organizations that do not say otherwise.
#[derive(Default)]
pub(super) struct Defaults {
    intents: BTreeMap<Intent, IntentSettings>,
    metadata: Metadata,
    return_url: Option<ReturnUrl>,
    domains_policy: DomainsPolicy,
    ignore_fields: BTreeSet<FieldPath>,
    protect: Option<bool>,
}

impl Defaults {
    /// What an entry gets that says nothing itself.
    pub(super) fn into_desired(self) -> desired::Defaults {
        desired::Defaults {
            metadata: self.metadata,
            domains_policy: self.domains_policy,
        }
    }
}

/// Checks `defaults`. Decoding has refused the fields that may not stand there.
pub(super) fn defaults(
    raw: &RawOrganization,
    urls: &UrlRules,
    findings: &mut Findings,
) -> Defaults {
    Defaults {
        intents: intents::check(raw.intents.as_ref(), urls, findings).unwrap_or_default(),
        metadata: metadata::defaults(raw.metadata.as_ref(), findings),
        return_url: urls.check(raw.return_url.as_ref(), "the return URL", findings),
        domains_policy: domains::policy(raw.domains_policy.as_ref(), findings).unwrap_or_default(),
        ignore_fields: ignore::check(raw.ignore_fields.as_ref(), findings).unwrap_or_default(),
        protect: good(raw.protect.as_ref()).map(|(protect, _)| *protect),
    }
}

/// Goes through all organizations of a manifest, remembering what must be unique.
pub(super) struct Walk<'a> {
    settings: &'a Settings,
    findings: &'a mut Findings,
    seen: Seen,
    organizations: BTreeMap<OrgKey, DesiredOrganization>,
}

/// The key of an entry and the place it stands at.
struct Heading {
    key: Option<OrgKey>,
    text: String,
    spot: Spot,
}

impl<'a> Walk<'a> {
    pub(super) fn new(settings: &'a Settings, findings: &'a mut Findings) -> Self {
        Self {
            settings,
            findings,
            seen: Seen::default(),
            organizations: BTreeMap::new(),
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
            let key_spot = key_node.spot(file);
            let Some(key_text) = reader.spotted_text(&key_node, "the key of an organization")
            else {
                continue;
            };
            let what = format!("the organization {}", quote(&key_text.value));
            let raw = decode::organization(&mut reader, &node, &what);
            let heading = Heading {
                key: identity::key(&key_text.value, key_spot, self.findings),
                text: key_text.value.into(),
                spot: key_spot,
            };
            let new = heading
                .key
                .as_ref()
                .is_none_or(|key| self.seen.key(key, part, key_spot, self.findings));
            let Some(raw) = raw else { continue };
            let source = Source {
                file: Arc::clone(name),
                line: key_spot.line,
            };
            let organization = self.organization(&heading, &raw, source, new);
            if let Some(key) = heading.key {
                self.organizations.entry(key).or_insert(organization);
            }
        }
    }

    pub(super) fn finish(self) -> BTreeMap<OrgKey, DesiredOrganization> {
        self.organizations
    }

    /// Checks one organization; `new` tells whether its key was not declared before.
    fn organization(
        &mut self,
        heading: &Heading,
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
        let previous = identity::previous_keys(raw.previous_keys.as_ref(), findings);
        has_a_name(heading, raw, findings);
        let policy = domains::policy(raw.domains_policy.as_ref(), findings)
            .unwrap_or(defaults.domains_policy);
        let domains = domains::check(raw.domains.as_ref(), policy, findings);
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
        if new {
            if let Some(id) = &id {
                self.seen.id(id, findings);
            }
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
            name: text::required(raw.name.as_ref(), "the name", findings),
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
            ignore_fields: ignore::check(raw.ignore_fields.as_ref(), findings)
                .unwrap_or_else(|| defaults.ignore_fields.clone()),
            allow_shared_domain: shared,
            allow_same_name: is_true(raw.allow_same_name.as_ref()),
        }
    }
}

fn is_true(field: Option<&crate::manifest::raw::Field<bool>>) -> bool {
    good(field).is_some_and(|(value, _)| *value)
}

/// A pinned organization has a name already; any other must be given one.
fn has_a_name(heading: &Heading, raw: &RawOrganization, findings: &mut Findings) {
    if raw.name.is_none() && raw.id.is_none() {
        findings.error(
            codes::MISSING_FIELD,
            heading.spot,
            format!("the organization {} has no name", quote(&heading.text)),
            "add `name:`, or `id:` if it exists at WorkOS and its name is not yours to manage",
        );
    }
}
