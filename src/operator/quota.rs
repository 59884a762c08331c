//! The deletions that `maxDeletesPerHour` is held against, whoever leads.
//!
//! They stand in the environment's status. A term begins with what the API server has there: what the
//! watch shows may be older than what the last leader wrote down.

use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::core::ObjectMeta;

use super::conditions::Trouble;
use super::kube_writes;
use super::names::{Name, Uid};
use super::reason::Reason;
use super::reconcile::Reconciler;
use super::resource::PortalEnvironment;
use crate::manifest::kubernetes::PortalEnvironmentStatus;

/// The deletions that count, as this process wrote them down or found them when it began to lead.
#[derive(Debug, Clone, Default)]
pub(super) struct Deletions {
    /// The environment that they are of; none before they are known.
    of: Option<Uid>,
    recent: Vec<Timestamp>,
}

impl Deletions {
    /// Those that count.
    pub(super) fn recent(&self) -> &[Timestamp] {
        &self.recent
    }

    /// Counts those of the last hour only.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        let hour = SignedDuration::from_hours(1);
        self.recent.retain(|at| now.duration_since(*at) < hour);
    }

    /// The last that was counted did not come about.
    pub(super) fn take_back(&mut self) {
        self.recent.pop();
    }

    fn are_of(&self, environment: &ObjectMeta) -> bool {
        self.of.as_ref() == Some(&Uid::of(environment))
    }
}

impl Reconciler {
    /// Learns which deletions count already, once in a term.
    pub(super) async fn learn_deletions(
        &mut self,
        environment: &PortalEnvironment,
    ) -> Result<(), Trouble> {
        let metadata = &environment.metadata;
        if self.deletions.are_of(metadata) {
            return Ok(());
        }
        let Name { namespace, name } = Name::of(metadata);
        let client = self.context.client.clone();
        let environments: Api<PortalEnvironment> = Api::namespaced(client, &namespace);
        let known = environments.get_opt(&name).await.map_err(|error| {
            let message = format!("the environment cannot be read: {error}");
            Trouble::new(Reason::Unreachable, message)
        })?;
        let known = known.filter(|known| known.metadata.uid == metadata.uid);
        let status = known.and_then(|known| known.status);
        self.deletions = Deletions {
            of: Some(Uid::of(metadata)),
            recent: status
                .map(|status| status.recent_deletions)
                .unwrap_or_default(),
        };
        Ok(())
    }

    /// Counts a deletion that is about to be tried, on the environment too: whoever leads next, after
    /// a kill or a write that was lost, would otherwise delete one more.
    pub(super) async fn count_deletion(
        &mut self,
        environment: &PortalEnvironment,
    ) -> Result<(), Trouble> {
        self.deletions.recent.push(self.context.clock.now());
        let metadata = &environment.metadata;
        let seen = environment.status.as_ref();
        let status = PortalEnvironmentStatus {
            recent_deletions: self.deletions.recent.clone(),
            ..self
                .environment_statuses
                .current(metadata, seen)
                .into_owned()
        };
        if let Err(error) =
            kube_writes::status(&self.context.client, metadata, status.clone()).await
        {
            self.deletions.take_back();
            let message = format!("the deletion could not be counted, so it waits: {error}");
            return Err(Trouble::new(Reason::Deleting, message));
        }
        self.context.metrics.status_written();
        self.environment_statuses.wrote(metadata, status);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_hour_old_counts_no_more() {
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let mut deletions = Deletions {
            of: None,
            recent: vec![at(0), at(1), at(30)],
        };
        deletions.forget_old(at(60));
        assert_eq!(deletions.recent(), [at(1), at(30)]);
        deletions.take_back();
        assert_eq!(deletions.recent(), [at(1)]);
    }
}
