//! Look-up tables over the live organizations, so that matching is linear.

use std::cell::OnceCell;
use std::collections::HashMap;

use portalctl_model::observed::{DomainState, Observed, Organization};
use portalctl_model::{Domain, ExternalId, name};

/// The live organizations by everything an entry can be found or confused by.
///
/// Hash maps are looked up only, never walked: their order reaches no plan. Among a million a look
/// into a tree would miss the processor's cache at every step.
pub(super) struct Index<'a> {
    observed: &'a Observed,
    by_external_id: HashMap<&'a str, Vec<&'a Organization>>,
    by_domain: HashMap<&'a Domain, Vec<Holder<'a>>>,
    by_stripe_customer: HashMap<&'a str, Vec<&'a Organization>>,
    /// Made when the first entry asks, which none does that has its organization.
    by_name: OnceCell<HashMap<String, Vec<&'a Organization>>>,
}

/// An organization that holds a domain.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) organization: &'a Organization,
    pub(super) state: &'a DomainState,
}

impl<'a> Index<'a> {
    pub(super) fn new(observed: &'a Observed) -> Self {
        let count = observed.organizations.len();
        let mut index = Self {
            observed,
            by_external_id: HashMap::with_capacity(count),
            by_domain: HashMap::with_capacity(count),
            // Few accounts hold any.
            by_stripe_customer: HashMap::new(),
            by_name: OnceCell::new(),
        };
        for organization in observed.organizations.values() {
            if let Some(external_id) = &organization.external_id {
                index
                    .by_external_id
                    .entry(external_id)
                    .or_default()
                    .push(organization);
            }
            if let Some(customer) = &organization.stripe_customer_id {
                index
                    .by_stripe_customer
                    .entry(customer)
                    .or_default()
                    .push(organization);
            }
            for domain in &organization.domains {
                let holder = Holder {
                    organization,
                    state: &domain.state,
                };
                index
                    .by_domain
                    .entry(&domain.domain)
                    .or_default()
                    .push(holder);
            }
        }
        index
    }

    pub(super) fn observed(&self) -> &'a Observed {
        self.observed
    }

    pub(super) fn with(&self, external_id: &ExternalId) -> &[&'a Organization] {
        self.by_external_id
            .get(external_id.as_str())
            .map_or(&[], Vec::as_slice)
    }

    pub(super) fn holders(&self, domain: &Domain) -> &[Holder<'a>] {
        self.by_domain.get(domain).map_or(&[], Vec::as_slice)
    }

    pub(super) fn with_stripe_customer(&self, customer: &str) -> &[&'a Organization] {
        self.by_stripe_customer
            .get(customer)
            .map_or(&[], Vec::as_slice)
    }

    pub(super) fn with_name(&self, name: &str) -> &[&'a Organization] {
        self.by_name
            .get_or_init(|| by_name(self.observed))
            .get(&name::folded(name))
            .map_or(&[], Vec::as_slice)
    }
}

fn by_name(observed: &Observed) -> HashMap<String, Vec<&Organization>> {
    let mut organizations: HashMap<String, Vec<&Organization>> = HashMap::new();
    for organization in observed.organizations.values() {
        let name = name::folded(&organization.name);
        organizations.entry(name).or_default().push(organization);
    }
    organizations
}
