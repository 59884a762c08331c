//! The deletions and creations of the last hour, which `maxDeletesPerHour` and `limits.create` are
//! held against, whoever leads.
//!
//! They stand in the environment's status. A term begins with what the API server has there: what the
//! watch shows may be older than what the last leader wrote down.

use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::core::ObjectMeta;

use super::conditions::Trouble;
use super::kube_writes;
use super::names::{Name, Uid, name_of};
use super::reason::Reason;
use super::reconcile::Reconciler;
use super::resource::PortalEnvironment;
use portalctl_manifest::kubernetes::{MinuteCount, PortalEnvironmentSpec, PortalEnvironmentStatus};

/// Organizations created within an hour unless `limits.create` says otherwise.
const DEFAULT_CREATIONS: u32 = 50;
/// The most minutes that a status lists. The definition bounds it.
const MAX_MINUTES: usize = 64;

/// What counts, as this process wrote it down or found it when it began to lead.
#[derive(Debug, Clone, Default)]
pub(super) struct Quota {
    /// The environment that it is of; none before it is known.
    of: Option<Uid>,
    deletions: Vec<Timestamp>,
    creations: Vec<MinuteCount>,
}

impl Quota {
    /// Deletions of the last hour.
    pub(super) fn deletions(&self) -> &[Timestamp] {
        &self.deletions
    }

    /// Returns how many organizations may still be created within the hour.
    pub(super) fn creations_left(&self, spec: &PortalEnvironmentSpec) -> usize {
        let done = self
            .creations
            .iter()
            .fold(0_u32, |sum, one| sum.saturating_add(one.count));
        most_creations(spec).saturating_sub(done) as usize
    }

    /// Forgets what is older than an hour.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        let hour = SignedDuration::from_hours(1);
        self.deletions.retain(|at| now.duration_since(*at) < hour);
        // The last creation of a minute may be of its end.
        let minute = SignedDuration::from_mins(1);
        self.creations
            .retain(|one| now.duration_since(one.minute) < hour + minute);
    }

    /// Takes the last deletion back: it did not come about.
    pub(super) fn take_back_deletion(&mut self) {
        self.deletions.pop();
    }

    /// Takes creations back that did not come about.
    pub(super) fn take_back_creations(&mut self, count: usize) {
        let mut left = u32::try_from(count).unwrap_or(u32::MAX);
        for one in self.creations.iter_mut().rev() {
            let taken = left.min(one.count);
            one.count -= taken;
            left -= taken;
        }
        self.creations.retain(|one| one.count > 0);
    }

    fn add_creations(&mut self, count: usize, now: Timestamp) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let second = now.as_second();
        let minute = Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(now);
        match self.creations.iter_mut().find(|one| one.minute == minute) {
            Some(one) => one.count = one.count.saturating_add(count),
            None => self.creations.push(MinuteCount { minute, count }),
        }
        self.creations.sort_by_key(|one| one.minute);
        // A clock that jumps makes more minutes than an hour has.
        while self.creations.len() > MAX_MINUTES {
            let first = self.creations.remove(0);
            if let Some(next) = self.creations.first_mut() {
                next.count = next.count.saturating_add(first.count);
            }
        }
    }

    /// Writes what counts into a status.
    pub(super) fn write_into(&self, status: &mut PortalEnvironmentStatus) {
        status.recent_deletions.clone_from(&self.deletions);
        status.recent_creations.clone_from(&self.creations);
    }

    fn is_of(&self, environment: &ObjectMeta) -> bool {
        self.of.as_ref() == Some(&Uid::of(environment))
    }
}

/// The most organizations that are created within an hour.
pub(super) fn most_creations(spec: &PortalEnvironmentSpec) -> u32 {
    let limits = spec.limits.as_ref();
    limits
        .and_then(|limits| limits.create)
        .unwrap_or(DEFAULT_CREATIONS)
}

impl Reconciler {
    /// Learns what counts already, once in a term.
    pub(super) async fn learn_quota(
        &mut self,
        environment: &PortalEnvironment,
    ) -> Result<(), Trouble> {
        let metadata = &environment.metadata;
        if self.quota.is_of(metadata) {
            return Ok(());
        }
        let Name { namespace, name } = name_of(metadata);
        let client = self.context.client.clone();
        let environments: Api<PortalEnvironment> = Api::namespaced(client, &namespace);
        let known = environments.get_opt(&name).await.map_err(|error| {
            let message = format!("the environment cannot be read: {error}");
            Trouble::new(Reason::Unreachable, message)
        })?;
        let known = known.filter(|known| known.metadata.uid == metadata.uid);
        let status = known.and_then(|known| known.status).unwrap_or_default();
        self.quota = Quota {
            of: Some(Uid::of(metadata)),
            deletions: status.recent_deletions,
            creations: status.recent_creations,
        };
        Ok(())
    }

    /// Counts a deletion that is about to be tried, on the environment too: whoever leads next, after
    /// a kill or a write that was lost, would otherwise delete one more.
    pub(super) async fn count_deletion(
        &mut self,
        environment: &PortalEnvironment,
    ) -> Result<(), Trouble> {
        self.quota.deletions.push(self.context.clock.now());
        self.write_quota(environment).await.map_err(|error| {
            self.quota.take_back_deletion();
            let message = format!("the deletion could not be counted, so it waits: {error}");
            Trouble::new(Reason::Deleting, message)
        })
    }

    /// Counts creations that are about to be tried, for the same reason.
    pub(super) async fn count_creations(
        &mut self,
        environment: &PortalEnvironment,
        count: usize,
    ) -> Result<(), Trouble> {
        self.quota.add_creations(count, self.context.clock.now());
        self.write_quota(environment).await.map_err(|error| {
            self.quota.take_back_creations(count);
            let message = format!("the creation could not be counted, so it waits: {error}");
            Trouble::new(Reason::Pending, message)
        })
    }

    async fn write_quota(&mut self, environment: &PortalEnvironment) -> kube::Result<()> {
        let metadata = &environment.metadata;
        let seen = environment.status.as_ref();
        let mut status = self
            .environment_statuses
            .current(metadata, seen)
            .into_owned();
        self.quota.write_into(&mut status);
        status.operator = Some(self.context.release.clone());
        kube_writes::status(&self.context.client, metadata, status.clone()).await?;
        self.context.metrics.status_written();
        self.environment_statuses.wrote(metadata, status);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn spec(limits: &serde_json::Value) -> PortalEnvironmentSpec {
        let spec = json!({
            "secretRef": { "name": "workos", "key": "api-key" }, "limits": limits,
        });
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn a_deletion_that_is_an_hour_old_counts_no_more() {
        let mut quota = Quota {
            deletions: vec![at(0), at(1), at(30)],
            ..Quota::default()
        };
        quota.forget_old(at(60));
        assert_eq!(quota.deletions(), [at(1), at(30)]);
        quota.take_back_deletion();
        assert_eq!(quota.deletions(), [at(1)]);
    }

    #[test]
    fn fifty_organizations_are_created_within_an_hour_unless_limits_say_otherwise() {
        let mut quota = Quota::default();
        assert_eq!(quota.creations_left(&spec(&json!({}))), 50);
        quota.add_creations(30, at(0));
        quota.add_creations(10, at(0) + SignedDuration::from_secs(59));
        quota.add_creations(5, at(10));
        assert_eq!(quota.creations.len(), 2);
        assert_eq!(quota.creations_left(&spec(&json!({}))), 5);
        assert_eq!(quota.creations_left(&spec(&json!({ "create": 500 }))), 455);
        assert_eq!(quota.creations_left(&spec(&json!({ "create": 0 }))), 0);
        // The last of the first minute was made at its end.
        quota.forget_old(at(60));
        assert_eq!(quota.creations_left(&spec(&json!({}))), 5);
        quota.forget_old(at(61));
        assert_eq!(quota.creations_left(&spec(&json!({}))), 45);
    }

    #[test]
    fn a_creation_that_did_not_come_about_does_not_count() {
        let mut quota = Quota::default();
        quota.add_creations(3, at(0));
        quota.add_creations(4, at(1));
        quota.take_back_creations(5);
        assert_eq!(
            quota.creations,
            [MinuteCount {
                minute: at(0),
                count: 2
            }]
        );
    }

    #[test]
    fn a_clock_that_jumps_makes_no_status_too_long_and_loses_no_count() {
        let mut quota = Quota::default();
        for minutes in 0..100 {
            quota.add_creations(1, at(minutes));
        }
        assert_eq!(quota.creations.len(), MAX_MINUTES);
        assert_eq!(quota.creations_left(&spec(&json!({ "create": 1000 }))), 900);
    }
}
