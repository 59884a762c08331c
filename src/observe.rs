//! Observe: reads what is live, in one pass.
//!
//! Goes in: the desired state, which says what is needed, and a portal that can only be read. Comes
//! out: [`Observed`]. Lists of the whole environment are read at the same time; per-organization
//! calls are made only for the intents that need them.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::identity::identify;
use crate::model::desired::Desired;
use crate::model::observed::{Answer, AuditLogConfiguration, Listing, Observed};
use crate::model::{Intent, OrganizationId, Selection};
use crate::workos::{ApiError, ApiErrorKind, ApiResult, ReadPortal, ReadProgress};

/// How many per-organization calls are under way at once; the pace bounds their rate.
const CONCURRENT_CALLS: usize = 16;

/// Reads everything that planning and reporting the selected entries takes.
pub async fn observe(
    portal: &impl ReadPortal,
    desired: &Desired,
    selection: &Selection,
    progress: &dyn ReadProgress,
) -> Result<Observed, ApiError> {
    let needs = Needs::of(desired, selection);
    let connections = async {
        if !needs.connections {
            return Ok(Listing::NotRead);
        }
        let list = portal.connections(progress).await;
        listing(list, |connection| connection.organization_id.clone())
    };
    let directories = async {
        if !needs.directories {
            return Ok(Listing::NotRead);
        }
        let list = portal.directories(progress).await;
        listing(list, |directory| directory.organization_id.clone())
    };
    let (organizations, connections, directories) =
        futures::try_join!(portal.organizations(progress), connections, directories)?;
    let organizations = organizations
        .into_iter()
        .map(|o| (o.id.clone(), o))
        .collect();
    let mut observed = Observed {
        organizations,
        connections,
        directories,
        ..Observed::default()
    };
    observed.audit_logs = audit_logs(
        portal,
        organizations_with_logs(desired, selection, &observed),
    )
    .await?;
    Ok(observed)
}

/// Which lists the declared intents need.
struct Needs {
    connections: bool,
    directories: bool,
}

impl Needs {
    fn of(desired: &Desired, selection: &Selection) -> Self {
        let entries = desired
            .organizations
            .iter()
            .filter(|(key, _)| selection.has_key(key));
        let intents: BTreeSet<Intent> = entries
            .flat_map(|(_, entry)| entry.intents.keys().copied())
            .filter(|intent| selection.has_intent(*intent))
            .collect();
        Self {
            connections: intents.contains(&Intent::Sso)
                || intents.contains(&Intent::CertificateRenewal),
            directories: intents.contains(&Intent::Dsync),
        }
    }
}

/// Groups a list by organization. That the account lacks the feature is an answer, not a failure.
fn listing<T>(
    list: ApiResult<Vec<T>>,
    organization: impl Fn(&T) -> Option<OrganizationId>,
) -> ApiResult<Listing<T>> {
    let objects = match list {
        Ok(objects) => objects,
        Err(error) if error.kind == ApiErrorKind::Forbidden => {
            return Ok(Listing::NotEntitled(error.message));
        }
        Err(error) => return Err(error),
    };
    let mut grouped: BTreeMap<OrganizationId, Vec<T>> = BTreeMap::new();
    for object in objects {
        if let Some(id) = organization(&object) {
            grouped.entry(id).or_default().push(object);
        }
    }
    Ok(Listing::Read(grouped))
}

/// The live organizations of entries that ask about audit logs or log streams.
fn organizations_with_logs(
    desired: &Desired,
    selection: &Selection,
    observed: &Observed,
) -> Vec<OrganizationId> {
    let asks = |intent: &Intent| {
        matches!(intent, Intent::AuditLogs | Intent::LogStreams) && selection.has_intent(*intent)
    };
    if !desired
        .organizations
        .values()
        .any(|entry| entry.intents.keys().any(asks))
    {
        return Vec::new();
    }
    let identities = identify(desired, observed);
    desired
        .organizations
        .iter()
        .filter(|(key, entry)| selection.has_key(key) && entry.intents.keys().any(asks))
        .filter_map(|(key, _)| identities.organization_of(key).cloned())
        .collect()
}

async fn audit_logs(
    portal: &impl ReadPortal,
    organizations: Vec<OrganizationId>,
) -> ApiResult<BTreeMap<OrganizationId, Answer<AuditLogConfiguration>>> {
    stream::iter(organizations)
        .map(|id| async move {
            let answer = portal.audit_log_configuration(&id).await?;
            Ok((id, answer))
        })
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect()
        .await
}
