//! What may be declared only once in the whole manifest, over all files.

use std::collections::HashMap;

use crate::diagnostic::{Finding, Findings, Severity};
use crate::form::Form;
use crate::quote::quote;
use crate::source::{Spot, Spotted};
use portalctl_model::codes::{Code, manifest as codes};
use portalctl_model::{Domain, ExternalId, OrgKey, OrganizationId};

/// Everything seen so far, each with the place it was first declared at.
///
/// Hash maps are looked up only, never walked: their order reaches no finding.
#[derive(Default)]
pub(super) struct Seen {
    keys: HashMap<OrgKey, (usize, Spot)>,
    ids: HashMap<OrganizationId, Spot>,
    external_ids: HashMap<ExternalId, (Spot, bool)>,
    domains: HashMap<Domain, Holder>,
    objects: HashMap<(Option<String>, String), Spot>,
}

/// The first organization that declared a domain.
struct Holder {
    key: String,
    spot: Spot,
    shared: bool,
}

impl Seen {
    /// Whether a key is new. `part` numbers the mapping that it stands in: twice in one mapping
    /// has been reported as such.
    pub(super) fn key(
        &mut self,
        key: &OrgKey,
        part: usize,
        spot: Spot,
        findings: &mut Findings,
    ) -> bool {
        let Some((first_part, first)) = self.keys.get(key) else {
            self.keys.insert(key.clone(), (part, spot));
            return true;
        };
        if *first_part != part {
            let message = format!("the organization {} is declared twice", quote(key.as_str()));
            let help = match findings.form() {
                Form::Manifest => "keep one of the two: keys are unique across all files",
                Form::Kubernetes => "keep one of the two, or set another `key` in one of them",
            };
            twice(codes::DUPLICATE_KEY, message, spot, *first, help, findings);
        }
        false
    }

    /// The Kubernetes object that an organization is, or is converted to.
    pub(super) fn object(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        spot: Spot,
        findings: &mut Findings,
    ) {
        let object = (namespace.map(str::to_owned), name.to_owned());
        match self.objects.get(&object) {
            Some(first) => twice(
                codes::DUPLICATE_KEY,
                format!("two organizations are the object {}", quote(name)),
                spot,
                *first,
                "give one of the objects another name: the second would replace the first",
                findings,
            ),
            None => {
                self.objects.insert(object, spot);
            }
        }
    }

    pub(super) fn id(&mut self, id: &Spotted<OrganizationId>, findings: &mut Findings) {
        match self.ids.get(&id.value) {
            Some(first) => twice(
                codes::DUPLICATE_ID,
                format!("two entries pin the organization `{}`", id.value),
                id.spot,
                *first,
                "give each organization one entry",
                findings,
            ),
            None => {
                self.ids.insert(id.value.clone(), id.spot);
            }
        }
    }

    /// An external id, given or taken from the key, or a previous one.
    pub(super) fn external_id(
        &mut self,
        id: &Spotted<ExternalId>,
        from_key: bool,
        findings: &mut Findings,
    ) {
        match self.external_ids.get(&id.value) {
            Some((first, first_from_key)) => {
                let help = if from_key || *first_from_key {
                    "an entry without `external_id` takes its key: change one of the two, or \
                     remove it"
                } else {
                    "an external id leads to one organization: change one of the two, or remove it"
                };
                let message = format!("the external id {} is taken", quote(id.value.as_str()));
                twice(
                    codes::DUPLICATE_EXTERNAL_ID,
                    message,
                    id.spot,
                    *first,
                    &findings.spell(help),
                    findings,
                );
            }
            None => {
                self.external_ids
                    .insert(id.value.clone(), (id.spot, from_key));
            }
        }
    }

    /// A domain, which two organizations may have only when both say so.
    pub(super) fn domain(
        &mut self,
        domain: &Domain,
        spot: Spot,
        key: &str,
        shared: bool,
        findings: &mut Findings,
    ) {
        let Some(first) = self.domains.get(domain) else {
            let key = key.to_owned();
            self.domains
                .insert(domain.clone(), Holder { key, spot, shared });
            return;
        };
        if !(shared && first.shared) {
            let message = format!(
                "the domain {} is declared by {} and by {}",
                quote(&domain.shown()),
                quote(&first.key),
                quote(key)
            );
            twice(
                codes::DUPLICATE_DOMAIN,
                message,
                spot,
                first.spot,
                &findings.spell(
                    "remove it from one of them, or set `allow_shared_domain: true` on both",
                ),
                findings,
            );
        }
    }
}

fn twice(
    code: Code,
    message: String,
    spot: Spot,
    first: Spot,
    help: &str,
    findings: &mut Findings,
) {
    findings.push(
        Finding::new(code, Severity::Error, message)
            .at(spot)
            .related(first, "first declared here")
            .help(help),
    );
}
