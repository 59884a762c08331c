//! One request: the gateway that serves it, the configuration that was in use when it came, and the
//! pages in its visitor's language.

use http::HeaderMap;

use super::limits::visitor_key;
use super::pages::View;
use super::provision::{self, Customer};
use super::refusal::{ErrorPage, Refusal};
use super::setup::Setup;
use super::state::GatewayState;
use super::token::NewCustomer;
use portalctl_model::OrgKey;
use portalctl_model::codes::gateway as codes;

/// Context of a handler. The whole request sees one configuration, also while that is read again.
pub(super) struct Visit<'a> {
    pub(super) state: &'a GatewayState,
    pub(super) setup: &'a Setup,
    pub(super) view: View<'a>,
}

impl<'a> Visit<'a> {
    pub(super) fn new(state: &'a GatewayState, setup: &'a Setup, headers: &HeaderMap) -> Self {
        Self {
            state,
            setup,
            view: setup.pages.view(headers),
        }
    }

    /// Returns the desired state to judge a hand-off by; `new` is what its token says of a customer whom
    /// the manifest may not declare yet.
    pub(super) fn customer(
        &self,
        key: &OrgKey,
        new: Option<&NewCustomer>,
    ) -> Result<Customer, Refusal> {
        let manifest = self.state.manifest.current();
        let rules = self.setup.config.provision.as_ref();
        let customer = provision::customer(manifest, key, new.zip(rules));
        customer.map_err(|why| Refusal::from(codes::PROVISION).with_detail(why))
    }

    /// Returns the desired state to read a customer by.
    pub(super) fn known_customer(&self, key: &OrgKey) -> Customer {
        let manifest = self.state.manifest.current();
        provision::known_customer(manifest, key, self.setup.config.provision.as_ref())
    }

    /// Takes an organization off those that may be created in this hour.
    pub(super) fn take_creation(&self) -> Result<(), Refusal> {
        let rules = self.setup.config.provision.as_ref();
        let most = rules.map_or(0, |rules| rules.per_hour);
        let taken = self
            .state
            .provisions
            .take((), most, self.state.clock.instant());
        taken.map_err(|wait| Refusal::new(codes::PROVISION_LIMIT, ErrorPage::Busy(wait)))
    }

    /// Takes a link off the limits of the person and of the organization.
    pub(super) fn take_link(&self, subject: &str, key: &OrgKey) -> Result<(), Refusal> {
        let (state, limits) = (self.state, &self.setup.config.limits);
        let now = state.clock.instant();
        let visitor = visitor_key(subject, key);
        let taken = state.subjects.take(visitor, limits.per_subject, now);
        let taken = taken.and_then(|()| {
            let organizations = &state.organizations;
            organizations.take(key.clone(), limits.per_organization, now)
        });
        taken.map_err(|wait| Refusal::new(codes::LIMITED, ErrorPage::TooMany(wait)))
    }
}
