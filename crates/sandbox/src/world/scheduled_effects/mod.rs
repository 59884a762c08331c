//! Schedule of effects that happen without a request, such as expiry, so that no request has to
//! search for them.
//!
//! An entry is a reminder, not the truth: whether it still holds is checked when it is due.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::state::DomainState;
use super::{FailureReason, OrganizationDomain, World, millis};

/// Time that a domain waits for its record: 30 days, by the documentation of domain verification;
/// then the event `organization_domain.verification_failed` gives the reason
/// `domain_verification_period_expired`.
const VERIFICATION_PERIOD: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Age of the oldest event that is kept: 90 days. Source: the reference of `GET /events`.
const EVENT_RETENTION: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Effect that becomes due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// Deletion of an organization that was accepted.
    Deletion(String),
    /// End of a domain's verification period.
    Domain(String),
    /// Expiry of a connection's certificates.
    Certificate(String),
    /// Portal link, by its token, that the customer finishes without being asked.
    Link(String),
    /// Invitation of an organization, sent at that time, that the customer follows.
    Invitation(String, Timestamp),
}

/// Effects with their times, soonest first.
#[derive(Debug, Clone, Default)]
pub(super) struct ScheduledEffects(BTreeSet<(Timestamp, Due)>);

impl ScheduledEffects {
    pub(super) fn add(&mut self, at: Timestamp, due: Due) {
        self.0.insert((at, due));
    }

    fn pop(&mut self, now: Timestamp) -> Option<Due> {
        let (at, _) = self.0.first()?;
        if *at > now {
            return None;
        }
        self.0.pop_first().map(|(_, due)| due)
    }
}

impl World {
    /// Carries out what has become due; returns whether there was anything.
    pub fn settle(&mut self, now: Timestamp) -> bool {
        let mut settled = false;
        while let Some(due) = self.scheduled.pop(now) {
            settled = true;
            match due {
                Due::Deletion(id) => {
                    if self.deleting.get(&id).is_some_and(|at| *at <= now) {
                        self.remove_organization(now, &id);
                    }
                }
                Due::Domain(id) => self.end_verification(now, &id),
                Due::Certificate(id) => self.tell_certificates(now, &id),
                Due::Link(token) => self.finish_link(now, &token),
                Due::Invitation(id, sent_at) => self.follow_invitation(now, &id, sent_at),
            }
        }
        let oldest = now.checked_sub(EVENT_RETENTION).unwrap_or(Timestamp::MIN);
        self.events.forget_before(oldest) || settled
    }

    /// Schedules the end of a pending domain's verification.
    pub(super) fn await_verification(&mut self, domain: &OrganizationDomain) {
        if domain.state == DomainState::Pending {
            self.scheduled
                .add(verification_ends(domain), Due::Domain(domain.id.clone()));
        }
    }

    /// Schedules an action of the customer, where the rules say so.
    pub(super) fn await_customer(&mut self, now: Timestamp, due: Due) {
        if let Some(seconds) = self.rules.auto_finish_seconds {
            let wait = SignedDuration::from_secs(i64::from(seconds));
            let at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            self.scheduled.add(at, due);
        }
    }

    /// Rebuilds the schedule from the objects. Actions of the customer are forgotten, as links are.
    pub(super) fn rebuild_schedule(&mut self) {
        self.scheduled = ScheduledEffects::default();
        for (id, at) in &self.deleting {
            self.scheduled.add(*at, Due::Deletion(id.clone()));
        }
        let organizations = self.organizations.iter();
        let domains: Vec<_> = organizations
            .flat_map(|organization| &organization.domains)
            .filter(|domain| domain.state == DomainState::Pending)
            .cloned()
            .collect();
        for domain in &domains {
            self.await_verification(domain);
        }
        let connections: Vec<String> = self.connections.iter().map(|c| c.id.clone()).collect();
        for id in connections {
            self.await_certificates(&id);
        }
    }

    /// Ends a domain's wait: it fails, unless its record is there, because WorkOS looks by itself.
    fn end_verification(&mut self, now: Timestamp, id: &str) {
        let Ok(domain) = self.domain(id) else { return };
        if domain.state != DomainState::Pending || verification_ends(domain) > now {
            return;
        }
        let now = millis(now);
        // The domain exists, so nothing can be refused.
        if domain.record_published {
            let _ = self.verify_domain(now, id);
        } else {
            let reason = Some(FailureReason::PeriodExpired);
            let _ = self.set_domain_state(now, id, DomainState::Failed, reason);
        }
    }
}

/// Returns the end of the verification: a domain's state is the last thing about it that changes,
/// so it waits since then.
fn verification_ends(domain: &OrganizationDomain) -> Timestamp {
    domain
        .updated_at
        .checked_add(VERIFICATION_PERIOD)
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
