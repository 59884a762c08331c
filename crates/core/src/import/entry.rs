//! One live organization as an entry of a manifest.

use std::collections::{BTreeMap, BTreeSet};

use super::LeftOut;
use super::evidence::Evidence;
use super::validator::{Refusal, Validator};
use portalctl_manifest::redact;
use portalctl_manifest::shape::{self, IntentSettings};
use portalctl_model::codes::import as codes;
use portalctl_model::desired::{Desired, DomainsPolicy};
use portalctl_model::observed::{
    Answer, DomainState, ItContact, Observed, Organization, OrganizationDomain,
};
use portalctl_model::{Domain, Intent, OrgKey, mark};

/// Live and declared state that an imported entry has to fit.
pub(super) struct Neighbours<'a> {
    /// Number of holders of a domain: live organizations, and entries that share it.
    holders: BTreeMap<&'a str, usize>,
    /// Number of organizations with an external id: one, unless WorkOS errs.
    external_ids: BTreeMap<&'a str, usize>,
    /// Domains that an entry declares and does not share, with its key.
    unshared: BTreeMap<&'a str, &'a OrgKey>,
    /// True where the manifest removes undeclared domains, unless an entry says no.
    removes_domains: bool,
}

impl<'a> Neighbours<'a> {
    pub(super) fn new(desired: &'a Desired, observed: &'a Observed) -> Self {
        let mut holders = BTreeMap::new();
        let mut external_ids = BTreeMap::new();
        for live in observed.organizations.values() {
            for domain in domains_of(live) {
                *holders.entry(domain.as_str()).or_default() += 1;
            }
            if let Some(id) = &live.external_id {
                *external_ids.entry(id.as_str()).or_default() += 1;
            }
        }
        let mut unshared = BTreeMap::new();
        for (key, entry) in &desired.organizations {
            for domain in entry.domains.iter().flat_map(BTreeMap::keys) {
                if entry.allow_shared_domain {
                    *holders.entry(domain.as_str()).or_default() += 1;
                } else {
                    unshared.insert(domain.as_str(), key);
                }
            }
        }
        Self {
            holders,
            external_ids,
            unshared,
            removes_domains: desired.defaults.domains_policy == DomainsPolicy::Exact,
        }
    }

    fn is_shared(&self, domain: &str) -> bool {
        self.holders.get(domain) > Some(&1)
    }

    /// Returns why a value cannot be declared beside the rest of the manifest; nothing where it can.
    fn refuse(&self, part: &Part) -> Option<Refusal> {
        match part {
            Part::ExternalId(id) if self.external_ids.get(id.as_str()) > Some(&1) => {
                Some(Refusal {
                    code: codes::SHARED_EXTERNAL_ID,
                    reason: "several organizations have this external id".to_owned(),
                })
            }
            Part::Domain(domain) => self.unshared.get(domain.as_str()).map(|key| Refusal {
                code: codes::DOMAIN_DECLARED,
                reason: format!(
                    "the domain `{domain}` is declared by `{key}`, which does not share it"
                ),
            }),
            Part::Name(_)
            | Part::ExternalId(_)
            | Part::Contact(_)
            | Part::Metadata(..)
            | Part::StripeCustomerId(_) => None,
        }
    }
}

/// Something of an organization that may be left out of its entry.
enum Part {
    Name(String),
    ExternalId(String),
    Domain(String),
    Contact(String),
    Metadata(String, String),
    StripeCustomerId(String),
}

impl Part {
    /// The field it is, in a form that may be shown.
    fn field(&self) -> String {
        let field = match self {
            Self::Name(_) => "name".to_owned(),
            Self::ExternalId(_) => "external_id".to_owned(),
            Self::Domain(domain) => format!("domains.{domain}"),
            Self::Contact(email) => format!("it_contacts.{email}"),
            Self::Metadata(key, _) => format!("metadata.{key}"),
            Self::StripeCustomerId(_) => "stripe_customer_id".to_owned(),
        };
        redact(&field).into_owned()
    }

    fn put(&self, entry: &mut shape::Organization) {
        match self {
            Self::Name(name) => entry.name = Some(name.clone()),
            Self::ExternalId(id) => entry.external_id = Some(id.clone()),
            Self::Domain(domain) => {
                let domains = entry.domains.get_or_insert_default();
                domains.push(domain.clone().into());
            }
            Self::Contact(email) => {
                let contacts = entry.it_contacts.get_or_insert_default();
                contacts.push(email.clone());
            }
            Self::Metadata(key, value) => {
                let metadata = entry.metadata.get_or_insert_default();
                metadata.insert(key.clone(), Some(value.clone()));
            }
            Self::StripeCustomerId(id) => entry.stripe_customer_id = Some(id.clone()),
        }
    }
}

/// Live and declared state beside which an imported entry stands.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    pub(super) observed: &'a Observed,
    pub(super) neighbours: &'a Neighbours<'a>,
    pub(super) validator: &'a Validator,
}

/// Says of an organization what is true of it, and what is left unsaid; an organization that
/// no entry may pin is refused.
pub(super) fn entry(
    live: &Organization,
    key: &OrgKey,
    evidence: &[Evidence],
    beside: Beside<'_>,
) -> Result<(shape::Organization, Vec<LeftOut>), Refusal> {
    let Beside {
        observed,
        neighbours,
        validator,
    } = beside;
    let base = shape::Organization {
        id: Some(live.id.to_string()),
        protect: is_protected(live).then_some(true),
        // `false` is WorkOS's default, and need not be declared.
        allow_profiles_outside_organization: live
            .allow_profiles_outside_organization
            .filter(|allows| *allows),
        // Also when there are none: those of `defaults` would be a wish, and not what is there.
        intents: Some(Vec::new()),
        ..shape::Organization::default()
    };
    let mut left_out = Vec::new();
    let mut refuse = |part: &Part, Refusal { code, reason }| {
        left_out.push(LeftOut {
            field: part.field(),
            code,
            reason,
        });
    };
    let mut parts = parts(live, observed);
    parts.retain(|part| match neighbours.refuse(part) {
        Some(refusal) => {
            refuse(part, refusal);
            false
        }
        None => true,
    });

    let mut entry = with_all(&base, &parts);
    if validator.refusal(key, &entry).is_some() {
        // One of the parts, or the base: which one shows when they come one by one.
        if let Some(refusal) = validator.refusal(key, &base) {
            return Err(refusal);
        }
        entry = base;
        for part in &parts {
            let mut more = entry.clone();
            part.put(&mut more);
            match validator.refusal(key, &more) {
                Some(refusal) => refuse(part, refusal),
                None => entry = more,
            }
        }
    }
    finish(&mut entry, live, evidence, neighbours);
    Ok((entry, left_out))
}

fn with_all(base: &shape::Organization, parts: &[Part]) -> shape::Organization {
    let mut entry = base.clone();
    for part in parts {
        part.put(&mut entry);
    }
    entry
}

/// Adds the fields that depend on the parts that were kept.
fn finish(
    entry: &mut shape::Organization,
    live: &Organization,
    evidence: &[Evidence],
    neighbours: &Neighbours<'_>,
) {
    let items = entry.domains.as_deref().unwrap_or_default();
    let is_in = |domain: &Domain| items.iter().any(|item| item.domain == domain.as_str());
    let (kept, others): (Vec<_>, Vec<_>) = live
        .domains
        .iter()
        .partition(|domain| is_in(&domain.domain));

    let is_shared = |domain: &OrganizationDomain| neighbours.is_shared(domain.domain.as_str());
    let shares = kept.iter().any(|domain| is_shared(domain));
    entry.allow_shared_domain = shares.then_some(true);
    let removes_others = neighbours.removes_domains && !kept.is_empty() && !others.is_empty();
    entry.domains_policy = removes_others.then_some(DomainsPolicy::Add);

    // There is nothing to prove where WorkOS took every domain over from before it asked for proof.
    let is_asked_for_proof =
        |domain: &OrganizationDomain| domain.state != DomainState::LegacyVerified;
    let has_domains = kept.iter().any(|domain| is_asked_for_proof(domain));
    let has = |intent: Intent| {
        let by_domains = intent == Intent::DomainVerification && has_domains;
        by_domains || evidence.iter().any(|evidence| evidence.intent == intent)
    };
    let intents = Intent::ALL.into_iter().filter(|intent| has(*intent));
    entry.intents = Some(intents.map(IntentSettings::from).collect());
}

fn is_protected(live: &Organization) -> bool {
    live.metadata.get(mark::PROTECT).map(String::as_str) == Some(mark::PROTECTED)
}

/// The organization's domains; a list that names one twice means it once.
fn domains_of(live: &Organization) -> BTreeSet<&Domain> {
    live.domains.iter().map(|domain| &domain.domain).collect()
}

fn parts(live: &Organization, observed: &Observed) -> Vec<Part> {
    let external_id = live.external_id.iter().cloned().map(Part::ExternalId);
    let domains = domains_of(live).into_iter();
    let domains = domains.map(|domain| Part::Domain(domain.to_string()));
    let contacts = match observed.it_contacts.get(&live.id) {
        Some(Answer::Found(contacts)) => contacts.as_slice(),
        Some(Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_)) | None => &[],
    };
    let contacts = contacts
        .iter()
        .map(|ItContact { email, .. }| Part::Contact(email.clone()));
    let metadata = live
        .metadata
        .iter()
        .filter(|(key, _)| !key.starts_with(mark::RESERVED_PREFIX))
        .map(|(key, value)| Part::Metadata(key.clone(), value.clone()));
    let stripe = live.stripe_customer_id.iter().cloned();
    std::iter::once(Part::Name(live.name.clone()))
        .chain(external_id)
        .chain(domains)
        .chain(contacts)
        .chain(metadata)
        .chain(stripe.map(Part::StripeCustomerId))
        .collect()
}
