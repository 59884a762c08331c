//! Verification: what proves a domain, and how far one is.
//!
//! Goes in: a domain as WorkOS has it, and what DNS answered. Comes out: the TXT record to set,
//! whether the world sees it, and what to do next. Pure: no I/O, no clock. `dns` looks records up,
//! `readiness` and `portalctl verify-domain` say what stands here.

mod check;
mod dns_check;
mod record;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use portalctl_model::observed::{DomainState, Event, EventKind, OrganizationDomain};
use portalctl_model::{Domain, OrganizationId};

pub use check::{Asked, Contested, DomainCheck, RecordValue, RivalHolder, ShownRecord};
pub use dns_check::{Answer, Answers, DnsCheck, RecordPresence, Trouble, check_record, combine};
pub use record::Record;

/// Days for which WorkOS looks for the DNS record before a verification fails.
///
/// Source: WorkOS, Domain Verification API guide.
pub const VERIFICATION_DAYS: i64 = 30;

/// Reason why WorkOS gave a verification up.
///
/// Source: `reason` of the event `organization_domain.verification_failed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The record did not appear in time.
    PeriodExpired,
    /// Another organization has verified the domain.
    VerifiedElsewhere,
    /// A reason that this version does not know, as WorkOS spells it.
    Other(String),
}

impl Failure {
    /// Reads WorkOS's word for it.
    pub fn from_api(reason: &str) -> Self {
        match reason {
            "domain_verification_period_expired" => Self::PeriodExpired,
            "domain_verified_by_other_organization" => Self::VerifiedElsewhere,
            other => Self::Other(other.to_owned()),
        }
    }

    /// WorkOS's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::PeriodExpired => "domain_verification_period_expired",
            Self::VerifiedElsewhere => "domain_verified_by_other_organization",
            Self::Other(reason) => reason,
        }
    }
}

/// Returns the reason of the latest failed verification of a domain, so far as WorkOS keeps events.
pub fn failure(
    events: &[Event],
    organization: &OrganizationId,
    domain: &Domain,
) -> Option<Failure> {
    let is_about = |event: &&Event| {
        event.kind == EventKind::DomainVerificationFailed
            && event.organization_id.as_ref() == Some(organization)
            && event.domain.as_ref() == Some(domain)
    };
    let latest = events
        .iter()
        .filter(is_about)
        .max_by_key(|event| (event.created_at, &event.id));
    latest
        .and_then(|event| event.reason.as_deref())
        .map(Failure::from_api)
}

/// Whole days until WorkOS gives a pending domain up, rounded up; 0 when that is over. Nothing for
/// any other state, or when WorkOS does not tell since when.
pub fn days_left(live_domain: &OrganizationDomain, now: Timestamp) -> Option<i64> {
    if live_domain.state != DomainState::Pending {
        return None;
    }
    let since = live_domain.updated_at.or(live_domain.created_at)?;
    let day = 24 * 60 * 60;
    let left = VERIFICATION_DAYS * day - now.duration_since(since).as_secs();
    let begun = i64::from(left.rem_euclid(day) > 0);
    Some((left.div_euclid(day) + begun).clamp(0, VERIFICATION_DAYS))
}
