//! Declarations that must be unique in the whole manifest, over all files.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use crate::diagnostic::Findings;
use crate::form::Form;
use crate::quote::quote;
use crate::source::{Spot, Spotted};
use portalctl_model::codes::manifest as codes;
use portalctl_model::{Domain, ExternalId, OrgKey, OrganizationId};

/// Declarations so far, each with its first place.
///
/// Hash maps are looked up only, never walked: their order reaches no finding.
#[derive(Default)]
pub(super) struct Seen {
    keys: HashMap<OrgKey, (usize, Spot)>,
    ids: HashMap<OrganizationId, Spot>,
    external_ids: HashMap<ExternalId, (Spot, IdSource)>,
    domains: HashMap<Domain, DomainClaim>,
    objects: HashMap<(Option<String>, String), Spot>,
}

/// Source of an external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdSource {
    Declared,
    /// The entry declares none, so that its key stands in.
    Key,
}

/// A domain that an organization declares.
pub(super) struct DomainClaim {
    /// Key of the organization.
    pub(super) key: String,
    pub(super) spot: Spot,
    /// Set when the organization accepts to share the domain.
    pub(super) is_shared: bool,
}

/// Occurrence of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occurrence {
    First,
    Again,
}

impl Seen {
    /// Adds a key. `part` numbers the mapping that it stands in: a second one in the same mapping has been
    /// reported already.
    pub(super) fn key(
        &mut self,
        key: &OrgKey,
        part: usize,
        spot: Spot,
        findings: &mut Findings,
    ) -> Occurrence {
        let Some((first_part, first)) = self.keys.get(key) else {
            self.keys.insert(key.clone(), (part, spot));
            return Occurrence::First;
        };
        if *first_part != part {
            let message = format!("the organization {} is declared twice", quote(key.as_str()));
            let help = match findings.form() {
                Form::Manifest => "keep one of the two: keys are unique across all files",
                Form::Kubernetes => "keep one of the two, or set another `key` in one of them",
            };
            findings.twice(codes::DUPLICATE_KEY, [*first, spot], message, help);
        }
        Occurrence::Again
    }

    /// Adds the Kubernetes object that an organization is, or is converted to.
    pub(super) fn object(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        spot: Spot,
        findings: &mut Findings,
    ) {
        let object = (namespace.map(str::to_owned), name.to_owned());
        if let Some(first) = first_place(&mut self.objects, object, spot) {
            findings.twice(
                codes::DUPLICATE_KEY,
                [first, spot],
                format!("two organizations are the object {}", quote(name)),
                "give one of the objects another name: the second would replace the first",
            );
        }
    }

    /// Adds the id of a pinned organization.
    pub(super) fn id(&mut self, id: &Spotted<OrganizationId>, findings: &mut Findings) {
        if let Some(first) = first_place(&mut self.ids, id.value.clone(), id.spot) {
            findings.twice(
                codes::DUPLICATE_ID,
                [first, id.spot],
                format!("two entries pin the organization `{}`", id.value),
                "give each organization one entry",
            );
        }
    }

    /// Adds an external id, or a previous one.
    pub(super) fn external_id(
        &mut self,
        id: &Spotted<ExternalId>,
        source: IdSource,
        findings: &mut Findings,
    ) {
        let place = (id.spot, source);
        let seen = first_place(&mut self.external_ids, id.value.clone(), place);
        let Some((first, first_source)) = seen else {
            return;
        };
        let help = if [source, first_source].contains(&IdSource::Key) {
            "an entry without `external_id` takes its key: change one of the two, or remove it"
        } else {
            "an external id leads to one organization: change one of the two, or remove it"
        };
        let message = format!("the external id {} is taken", quote(id.value.as_str()));
        let help = findings.spell(help).into_owned();
        findings.twice(
            codes::DUPLICATE_EXTERNAL_ID,
            [first, id.spot],
            message,
            help,
        );
    }

    /// Adds a domain, which two organizations may have only when both accept it.
    pub(super) fn domain(&mut self, domain: &Domain, claim: DomainClaim, findings: &mut Findings) {
        let Some(first) = self.domains.get(domain) else {
            self.domains.insert(domain.clone(), claim);
            return;
        };
        if !(claim.is_shared && first.is_shared) {
            let message = format!(
                "the domain {} is declared by {} and by {}",
                quote(&domain.shown()),
                quote(&first.key),
                quote(&claim.key)
            );
            let help = "remove it from one of them, or set `allow_shared_domain: true` on both";
            let help = findings.spell(help).into_owned();
            findings.twice(
                codes::DUPLICATE_DOMAIN,
                [first.spot, claim.spot],
                message,
                help,
            );
        }
    }
}

/// Returns the place of a declaration that was seen before; enters the place of a new one.
fn first_place<K: Eq + Hash, P: Copy>(seen: &mut HashMap<K, P>, key: K, place: P) -> Option<P> {
    match seen.entry(key) {
        Entry::Occupied(first) => Some(*first.get()),
        Entry::Vacant(new) => {
            new.insert(place);
            None
        }
    }
}
