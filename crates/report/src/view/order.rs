//! Order of urgency, the same in every format: the most urgent state first, then the longest wait,
//! then the key.

use jiff::Timestamp;
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, Readiness, State};

/// Returns the most urgent unsettled state of an organization and the time since when it waits.
/// `None` where every intent is settled or was not read.
pub(crate) fn urgency(organization: &OrganizationReadiness) -> Option<(State, Timestamp)> {
    let open = || {
        let intents = organization.intents.iter();
        intents.filter(|intent| !intent.is_not_read() && !intent.state.is_settled())
    };
    let state = open().map(|intent| intent.state).min()?;
    let since = open().filter_map(|intent| intent.since).min();
    Some((state, since.unwrap_or(Timestamp::MAX)))
}

/// Returns all organizations, most urgent first and those without urgency last.
pub(crate) fn organizations_by_urgency(readiness: &Readiness) -> Vec<&OrganizationReadiness> {
    let mut organizations: Vec<&OrganizationReadiness> = readiness.organizations.iter().collect();
    organizations.sort_by_key(|organization| {
        let urgency = urgency(organization);
        (urgency.is_none(), urgency, &organization.key)
    });
    organizations
}

/// Returns the intents of organizations that were read, most urgent first.
pub(crate) fn by_urgency<'a>(
    organizations: impl IntoIterator<Item = &'a OrganizationReadiness>,
) -> Vec<(&'a OrganizationReadiness, &'a IntentReadiness)> {
    let each = organizations.into_iter().flat_map(|organization| {
        let intents = organization.intents.iter();
        intents.map(move |intent| (organization, intent))
    });
    let mut intents: Vec<_> = each.filter(|(_, intent)| !intent.is_not_read()).collect();
    // The sort is stable: the rest stays in the order of keys and intents.
    intents.sort_by_key(|(_, intent)| (intent.state, intent.since.unwrap_or(Timestamp::MAX)));
    intents
}

/// Returns whether every intent of an organization was read and is settled.
pub(crate) fn is_settled(organization: &OrganizationReadiness) -> bool {
    let mut intents = organization.intents.iter();
    intents.all(|intent| !intent.is_not_read() && intent.state.is_settled())
}
