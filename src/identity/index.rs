//! Look-up tables over the live organizations, so that matching is linear.

use std::collections::BTreeMap;

use crate::model::observed::{DomainState, Observed, Organization};
use crate::model::{Domain, ExternalId};

/// The live organizations by everything an entry can be found or confused by.
pub(super) struct Index<'a> {
    observed: &'a Observed,
    by_external_id: BTreeMap<&'a str, Vec<&'a Organization>>,
    by_domain: BTreeMap<&'a Domain, Vec<Holder<'a>>>,
    by_name: BTreeMap<String, Vec<&'a Organization>>,
    by_stripe_customer: BTreeMap<&'a str, Vec<&'a Organization>>,
}

/// An organization that holds a domain.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) organization: &'a Organization,
    pub(super) state: &'a DomainState,
}

impl<'a> Index<'a> {
    pub(super) fn new(observed: &'a Observed) -> Self {
        let mut index = Self {
            observed,
            by_external_id: BTreeMap::new(),
            by_domain: BTreeMap::new(),
            by_name: BTreeMap::new(),
            by_stripe_customer: BTreeMap::new(),
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
            index
                .by_name
                .entry(fold_name(&organization.name))
                .or_default()
                .push(organization);
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
            .get(&fold_name(name))
            .map_or(&[], Vec::as_slice)
    }
}

/// People tell names apart by neither case nor spacing.
fn fold_name(name: &str) -> String {
    name.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}
