//! Step 1 of a pass: the environment, its entries and its connection to WorkOS.
//!
//! Goes in: the objects that the watches show. Comes out: everything that the later steps need to
//! know about them, or the reason why the environment cannot be worked on. Reads and writes at the API
//! server only.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;

use super::clients::Connection;
use super::conditions::{BlockedReason, ReadOnly, Reason};
use super::context::{Context, Pass};
use super::entries::{self, Entry};
use super::events::Notice;
use super::finalizer;
use super::kube_api::{read_environment_status, read_secret};
use super::resource::{PortalEnvironment, Uid};
use super::schedule::Intervals;
use super::state::State;
use super::store::{is_being_deleted, is_environment_paused};
use portalctl_manifest::kubernetes::PortalEnvironmentStatus;
use portalctl_model::OrgKey;
use portalctl_model::desired::Desired;

/// Durations of a lease without a renewal after which its release counts as dead. The clocks of
/// machines differ, and a leader may change.
const DEAD_AFTER: i64 = 20;

/// Environment that can be worked on.
pub(super) struct Resolved {
    /// Resource of the environment.
    pub(super) environment: Arc<PortalEnvironment>,
    /// Connection to WorkOS.
    pub(super) connection: Connection,
    /// Resources of the environment, oldest first.
    pub(super) entries: Vec<Entry>,
    /// Desired state of all entries.
    pub(super) desired: Desired,
    /// Reason why nothing is written for any entry.
    pub(super) read_only: Option<ReadOnly>,
    /// Reason why the environment is still there while it is being deleted.
    pub(super) in_use: Option<BlockedReason>,
}

impl Resolved {
    /// Returns the entries that have a key.
    pub(super) fn by_key(&self) -> BTreeMap<&OrgKey, &Entry> {
        let entries = self.entries.iter();
        entries
            .filter_map(|entry| Some((entry.key()?, entry)))
            .collect()
    }
}

/// Resolves the environment, and claims it for this release of the operator.
pub(super) async fn resolve(pass: &Pass<'_>, state: &mut State) -> Result<Resolved, BlockedReason> {
    let environment = environment(pass, state)?;
    claim_release(pass, state, &environment).await?;
    let quota = &mut state.writes.quota;
    quota.load(pass.context, &environment).await?;
    quota.forget_old(pass.context.clock.now());
    let cluster = &pass.context.cluster_id;
    let (entries, desired) =
        entries::resolve(pass.objects, &environment, cluster, &mut state.reader)?;
    let connection = connect(pass, state, &environment).await?;
    Ok(Resolved {
        connection,
        entries,
        desired,
        read_only: is_environment_paused(&environment).then_some(ReadOnly::Paused),
        in_use: finalizer::in_use(&environment, pass.objects),
        environment,
    })
}

/// Finds the environment, and applies its settings to the schedule.
fn environment(
    pass: &Pass<'_>,
    state: &mut State,
) -> Result<Arc<PortalEnvironment>, BlockedReason> {
    let Some(stored) = &pass.objects.environment else {
        state.observation.reset();
        let message = format!(
            "there is no PortalEnvironment {}: create it, or correct environmentRef",
            pass.name
        );
        return Err(BlockedReason::new(Reason::EnvironmentMissing, message));
    };
    let invalid = |message| BlockedReason::new(Reason::Invalid, message);
    let environment = Arc::clone(stored.read().map_err(invalid)?);
    let schedule = &mut state.observation.schedule;
    if state.connection.generation != environment.metadata.generation {
        state.connection.generation = environment.metadata.generation;
        // The new settings may allow what was refused before.
        schedule.reopen();
        state.writes.failed.clear();
    }
    let settings = &environment.spec.operator;
    schedule.set_intervals(Intervals::of(settings, pass.context.poll));
    Ok(environment)
}

/// Connects to WorkOS with the key that the Secret holds now.
async fn connect(
    pass: &Pass<'_>,
    state: &mut State,
    environment: &PortalEnvironment,
) -> Result<Connection, BlockedReason> {
    let (context, spec) = (pass.context, &environment.spec);
    state.connection.key_read = Some(context.clock.instant());
    let secret = read_secret(&context.client, &pass.name.namespace, &spec.secret_ref).await;
    let uid = Uid::of(&environment.metadata);
    let connection = match (secret, &state.connection.last) {
        (Ok(secret), _) => context.clients.get(pass.name, spec, &secret)?,
        // Objects that are deleted together may go in any order, the Secret before its users.
        (Err(blocked), Some((of, connection)))
            if blocked.reason == Reason::SecretMissing
                && is_being_deleted(&environment.metadata)
                && *of == uid =>
        {
            connection.clone()
        }
        (Err(blocked), _) => return Err(blocked),
    };
    state.connection.last = Some((uid, connection.clone()));
    if state.observation.of != Some(connection.fingerprint) {
        state.observation.of = Some(connection.fingerprint);
        state.observation.reset();
    }
    Ok(connection)
}

/// Checks that no other release of the operator keeps the environment, and claims it in its status.
///
/// Two releases with leases of their own may watch the same environment. Both stand for the same
/// resources, so no mark at WorkOS tells them apart. The release that a status names keeps the
/// environment while its lease is alive.
async fn claim_release(
    pass: &Pass<'_>,
    state: &mut State,
    environment: &PortalEnvironment,
) -> Result<(), BlockedReason> {
    let (context, metadata) = (pass.context, &environment.metadata);
    let seen = environment.status.as_ref();
    let known = state.statuses.environments.current(metadata, seen);
    if known.operator.as_ref() == Some(&context.release) {
        state.other_release = None;
        return Ok(());
    }
    let status = read_environment_status(&context.client, metadata).await?;
    if let Some(other) = &status.operator
        && *other != context.release
        && is_release_alive(context, other).await
    {
        let blocked = kept_by_another(other);
        if state.other_release.as_ref() != Some(other) {
            tracing::error!(
                environment = %pass.name,
                message = blocked.message,
                "another release of the operator keeps the environment"
            );
            let notice = Notice::Blocked(blocked.clone());
            context.events.publish(environment, &notice).await;
        }
        state.other_release = Some(other.clone());
        return Err(blocked);
    }
    state.other_release = None;
    let status = PortalEnvironmentStatus {
        operator: Some(context.release.clone()),
        ..status
    };
    let written = state.statuses.environments.write(context, metadata, status);
    if let Err(error) = written.await {
        tracing::warn!(environment = %pass.name, %error, "a status was not written");
    }
    Ok(())
}

/// Returns whether a lease is taken, or cannot be read.
async fn is_release_alive(context: &Context, release: &str) -> bool {
    let Some((namespace, name)) = release.split_once('/') else {
        return false;
    };
    let leases: Api<Lease> = Api::namespaced(context.client.clone(), namespace);
    match leases.get_opt(name).await {
        Ok(lease) => {
            let spec = lease.and_then(|lease| lease.spec);
            spec.is_some_and(|spec| is_taken(&spec, context.clock.now()))
        }
        Err(error) => {
            tracing::warn!(lease = release, %error, "a lease could not be read, so it counts as taken");
            true
        }
    }
}

fn is_taken(spec: &LeaseSpec, now: Timestamp) -> bool {
    let holder = spec.holder_identity.as_deref();
    let is_taken = holder.is_some_and(|holder| !holder.is_empty());
    // A lease without a duration lasts no time.
    let duration = i64::from(spec.lease_duration_seconds.unwrap_or(0));
    let dead_after = duration.saturating_mul(DEAD_AFTER);
    let renewed = spec.renew_time.as_ref().map(|time| time.0.as_second());
    is_taken && renewed.is_some_and(|at| now.as_second().saturating_sub(at) < dead_after)
}

fn kept_by_another(release: &str) -> BlockedReason {
    BlockedReason::new(
        Reason::AnotherOperator,
        format!(
            "another release of the operator keeps this environment, by the Lease {release}: \
             uninstall one of the two, or give them different namespaces to watch"
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lease_that_was_given_back_or_never_renewed_again_is_nobodys() {
        let now: Timestamp = "2026-01-15T12:10:00Z".parse().unwrap();
        let taken = |spec| is_taken(&serde_json::from_value(spec).unwrap(), now);
        let lease = |holder: &str, renewed: &str| {
            json!({
                "holderIdentity": holder, "leaseDurationSeconds": 15,
                "renewTime": format!("2026-01-15T12:{renewed}.000000Z"),
            })
        };
        assert!(taken(lease("one", "09:50")));
        // A clock that is behind, or a machine that was away for a while.
        assert!(taken(lease("one", "15:00")));
        assert!(taken(lease("one", "06:00")));
        assert!(!taken(lease("one", "05:00")));
        assert!(!taken(lease("", "09:50")));
        assert!(!taken(json!({})));
    }
}
