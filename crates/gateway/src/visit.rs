//! One request: the gateway that serves it, the configuration that was in use when it came, and the
//! pages in its visitor's language.

use http::HeaderMap;

use super::limits::visitor_key;
use super::pages::View;
use super::refusal::{ErrorPage, Refusal};
use super::setup::Setup;
use super::state::GatewayState;
use portalctl_model::OrgKey;
use portalctl_model::codes::gateway as codes;

/// Everything that a handler works with. The whole request sees one configuration, also while that is read again.
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
