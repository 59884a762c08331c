//! Evidence that is not on the objects themselves: certificates of connections, and events.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};

use super::CONCURRENT_CALLS;
use crate::model::OrganizationId;
use crate::model::observed::{Answer, Certificate, EventKind, History, Listing, Observed};
use crate::workos::{ApiResult, ReadPortal};

/// The events that readiness may rest on. WorkOS wants them named.
const KINDS: [EventKind; 4] = [
    EventKind::CertificateRenewalRequired,
    EventKind::CertificateRenewed,
    EventKind::KeyVerificationCompleted,
    EventKind::KeyDeleted,
];

/// Reads the certificates of the organizations' active SAML connections, and the events where
/// certificates cannot be had or only events tell.
pub(super) async fn read(
    portal: &impl ReadPortal,
    observed: &mut Observed,
    with_certificates: &BTreeSet<OrganizationId>,
    with_keys: &BTreeSet<OrganizationId>,
) -> ApiResult<()> {
    observed.certificates =
        certificates(portal, saml_connections(observed, with_certificates)).await?;
    let lacks_certificates = observed
        .certificates
        .values()
        .any(|answer| !matches!(answer, Answer::Found(_)));
    if lacks_certificates || !with_keys.is_empty() {
        observed.history = match portal.events(&KINDS).await? {
            Answer::Found(events) => History::Read(events),
            Answer::Absent => History::NotAvailable("there is no such list".to_owned()),
            Answer::NotEntitled(message) => History::NotAvailable(message),
        };
    }
    Ok(())
}

fn saml_connections(
    observed: &Observed,
    organizations: &BTreeSet<OrganizationId>,
) -> BTreeSet<String> {
    let Listing::Read(connections) = &observed.connections else {
        return BTreeSet::new();
    };
    organizations
        .iter()
        .filter_map(|id| connections.get(id))
        .flatten()
        .filter(|connection| connection.has_certificate())
        .map(|connection| connection.id.clone())
        .collect()
}

async fn certificates(
    portal: &impl ReadPortal,
    connections: BTreeSet<String>,
) -> ApiResult<BTreeMap<String, Answer<Vec<Certificate>>>> {
    stream::iter(connections)
        .map(|id| async move {
            let answer = portal.certificates(&id).await?;
            Ok((id, answer))
        })
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await
}
