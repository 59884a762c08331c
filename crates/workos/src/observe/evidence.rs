//! Evidence that is not on the objects themselves: certificates of connections, and events.

use std::collections::{BTreeMap, BTreeSet};

use super::each::each;
use crate::{ApiResult, EventFilter, ReadPortal};
use portalctl_model::OrganizationId;
use portalctl_model::observed::{
    Answer, Certificate, DomainState, EventKind, FailedRead, History, Observed,
};

/// The events that readiness may rest on. WorkOS wants them named.
pub(super) const KINDS: [EventKind; 5] = [
    EventKind::CertificateRenewalRequired,
    EventKind::CertificateRenewed,
    EventKind::KeyVerificationCompleted,
    EventKind::KeyDeleted,
    EventKind::DomainVerificationFailed,
];

/// The organizations that need more than the objects themselves tell.
pub(super) struct Asking {
    /// About certificate renewal.
    pub(super) certificates: BTreeSet<OrganizationId>,
    /// About the customer's own key.
    pub(super) keys: BTreeSet<OrganizationId>,
    /// About domain verification.
    pub(super) domains: BTreeSet<OrganizationId>,
}

/// Reads the certificates of the organizations' active SAML connections, and the events where
/// certificates cannot be had or only events tell.
pub(super) async fn read(
    portal: &impl ReadPortal,
    observed: &mut Observed,
    asking: &Asking,
) -> ApiResult<()> {
    observed.certificates =
        certificates(portal, saml_connections(observed, &asking.certificates)).await?;
    let lacks_certificates = observed
        .certificates
        .values()
        .any(|answer| !matches!(answer, Answer::Found(_)));
    let has_failed_domain = asking
        .domains
        .iter()
        .any(|id| has_failed_domain(observed, id));
    if lacks_certificates || has_failed_domain || !asking.keys.is_empty() {
        let asking = [&asking.certificates, &asking.keys, &asking.domains];
        observed.history = history(portal, only_one(&asking)).await?;
    }
    Ok(())
}

/// Reads the events that readiness may rest on, of one organization or of all.
pub(super) async fn history(
    portal: &impl ReadPortal,
    organization: Option<&OrganizationId>,
) -> ApiResult<History> {
    let filter = EventFilter {
        organization,
        ..EventFilter::of(&KINDS)
    };
    let answer = match portal.events(&filter).await {
        Ok(answer) => answer,
        Err(error) if error.ends_every_read() => return Err(error),
        Err(error) => Answer::Failed(FailedRead::from(&error)),
    };
    Ok(match answer {
        Answer::Found(events) => History::Read(events),
        Answer::Absent => History::NotAvailable("there is no such list".to_owned()),
        Answer::NotEntitled(message) => History::NotAvailable(message),
        Answer::Failed(why) => History::Failed(why),
    })
}

/// Returns the only organization that is asked about, if there is only one.
pub(super) fn only_one<'a>(asking: &[&'a BTreeSet<OrganizationId>]) -> Option<&'a OrganizationId> {
    let mut ids = asking.iter().copied().flatten();
    let first = ids.next()?;
    ids.all(|id| id == first).then_some(first)
}

/// Returns whether an organization has a failed domain: only an event tells why it failed.
fn has_failed_domain(observed: &Observed, id: &OrganizationId) -> bool {
    let domains = observed
        .organizations
        .get(id)
        .map(|live| live.domains.as_slice());
    domains
        .unwrap_or_default()
        .iter()
        .any(|live| live.state == DomainState::Failed)
}

/// The connections of some organizations that may hang on a certificate and can be asked about.
pub(super) fn saml_connections(
    observed: &Observed,
    organizations: &BTreeSet<OrganizationId>,
) -> BTreeSet<String> {
    organizations
        .iter()
        .flat_map(|id| observed.connections_of(id).known())
        .filter(|connection| connection.may_have_certificate() && !connection.id.is_empty())
        .map(|connection| connection.id.clone())
        .collect()
}

/// Asks for the certificates of some connections: a request for each.
pub(super) async fn certificates(
    portal: &impl ReadPortal,
    connections: BTreeSet<String>,
) -> ApiResult<BTreeMap<String, Answer<Vec<Certificate>>>> {
    each(
        connections,
        |id| async move { portal.certificates(&id).await },
    )
    .await
}
