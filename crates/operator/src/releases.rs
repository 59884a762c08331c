//! Overlapping releases: two operators with leases of their own that watch the same environment.
//!
//! Both would stand for the same resources, so no mark at WorkOS tells them apart. The one that keeps
//! an environment says so in its status; any other leaves the environment, and what is said of it,
//! alone while the lease of the first is alive.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;

use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::kube_api;
use super::reconcile::Reconciler;
use super::resource::PortalEnvironment;
use super::resource::{Name, name_of};
use portalctl_manifest::kubernetes::PortalEnvironmentStatus;

/// How many durations of a lease without a renewal show that nobody runs for it any more. Schedule of
/// machines differ, and a leader may change.
const DEAD_AFTER: i64 = 20;

impl Reconciler {
    /// Checks that no other release of the operator keeps the environment, and claims it.
    pub(super) async fn is_only_release(
        &mut self,
        environment: &PortalEnvironment,
    ) -> Result<(), BlockedReason> {
        let metadata = &environment.metadata;
        let seen = environment.status.as_ref();
        let known = self.environment_statuses.current(metadata, seen);
        if known.operator.as_ref() == Some(&self.context.release) {
            self.other_release = None;
            return Ok(());
        }
        // The watch may be older than what another release has said.
        let Name { namespace, name } = name_of(metadata);
        let client = self.context.client.clone();
        let environments: Api<PortalEnvironment> = Api::namespaced(client, &namespace);
        let unreachable = |error: kube::Error| {
            let message = format!("the environment cannot be read: {error}");
            BlockedReason::new(Reason::Unreachable, message)
        };
        let current = environments.get_opt(&name).await.map_err(unreachable)?;
        let current = current.filter(|current| current.metadata.uid == metadata.uid);
        let status = current
            .and_then(|current| current.status)
            .unwrap_or_default();
        if let Some(other) = &status.operator
            && *other != self.context.release
            && self.is_alive(other).await
        {
            let blocked = another(other);
            if self.other_release.as_ref() != Some(other) {
                tracing::error!(environment = %self.name, message = blocked.message, "left alone");
                let events = &self.context.events;
                events.environment_trouble(environment, &blocked).await;
            }
            self.other_release = Some(other.clone());
            return Err(blocked);
        }
        self.other_release = None;
        let status = PortalEnvironmentStatus {
            operator: Some(self.context.release.clone()),
            ..status
        };
        let client = &self.context.client;
        match kube_api::status(client, metadata, status.clone()).await {
            Ok(()) => {
                self.context.metrics.status_written();
                self.environment_statuses.wrote(metadata, status);
            }
            Err(error) => {
                tracing::warn!(environment = %self.name, %error, "a status was not written");
            }
        }
        Ok(())
    }

    /// Returns whether a lease is held, or cannot be looked at.
    async fn is_alive(&self, release: &str) -> bool {
        let Some((namespace, name)) = release.split_once('/') else {
            return false;
        };
        let leases: Api<Lease> = Api::namespaced(self.context.client.clone(), namespace);
        match leases.get_opt(name).await {
            Ok(lease) => {
                let spec = lease.and_then(|lease| lease.spec);
                spec.is_some_and(|spec| is_held(&spec, self.context.clock.now()))
            }
            Err(error) => {
                tracing::warn!(lease = release, %error, "a lease was not looked at, so it counts as held");
                true
            }
        }
    }
}

fn is_held(spec: &LeaseSpec, now: Timestamp) -> bool {
    let is_taken = spec
        .holder_identity
        .as_ref()
        .is_some_and(|holder| !holder.is_empty());
    let duration = i64::from(spec.lease_duration_seconds.unwrap_or_default());
    let dead_after = duration.saturating_mul(DEAD_AFTER);
    let renewed = spec.renew_time.as_ref().map(|time| time.0.as_second());
    is_taken && renewed.is_some_and(|at| now.as_second().saturating_sub(at) < dead_after)
}

fn another(release: &str) -> BlockedReason {
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
        let held = |spec| is_held(&serde_json::from_value(spec).unwrap(), now);
        let lease = |holder: &str, renewed: &str| {
            json!({
                "holderIdentity": holder, "leaseDurationSeconds": 15,
                "renewTime": format!("2026-01-15T12:{renewed}.000000Z"),
            })
        };
        assert!(held(lease("one", "09:50")));
        // A clock that is behind, or a machine that was away for a while.
        assert!(held(lease("one", "15:00")));
        assert!(held(lease("one", "06:00")));
        assert!(!held(lease("one", "05:00")));
        assert!(!held(lease("", "09:50")));
        assert!(!held(json!({})));
    }
}
