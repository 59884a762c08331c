//! Step 2 of a pass: the observed state of WorkOS, as fresh as the schedule says.
//!
//! Goes in: a resolved environment. Comes out: the cache, or the reason why WorkOS cannot be read or
//! is another account. Reads only.

use std::collections::BTreeSet;

use super::cache::{self, Cache};
use super::clients::Connection;
use super::conditions::{BlockedReason, Reason};
use super::context::Pass;
use super::entries::Entry;
use super::resolve::Resolved;
use super::state::{Observation, State};
use portalctl_manifest::kubernetes::PortalOrganizationStatus;
use portalctl_model::OrganizationId;
use portalctl_model::desired::Desired;
use portalctl_model::observed::{FailedRead, Observed};
use portalctl_platform::backoff::fraction;
use portalctl_platform::clock::Clock;
use portalctl_workos::{ApiError, ApiErrorKind};

/// Fewest missing organizations that count as another account.
const MIN_MISSING: usize = 3;

/// Reads WorkOS as far as the schedule and earlier errors allow, and checks the account.
///
/// The cache is taken out of the state; the pass puts it back at its end.
pub(super) async fn observe(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
) -> Result<Cache, BlockedReason> {
    read(
        pass,
        &mut state.observation,
        &resolved.connection,
        &resolved.desired,
    )
    .await?;
    let cache = state.observation.cache.take().ok_or_else(not_read_yet)?;
    if let Err(blocked) = check_account(pass, state, resolved, &cache.observed) {
        state.observation.cache = Some(cache);
        return Err(blocked);
    }
    Ok(cache)
}

/// Updates the cache.
async fn read(
    pass: &Pass<'_>,
    observation: &mut Observation,
    connection: &Connection,
    desired: &Desired,
) -> Result<(), BlockedReason> {
    let clock = &*pass.context.clock;
    if !observation.schedule.is_open(clock.instant()) {
        return Err(observation.error.clone().unwrap_or_else(not_read_yet));
    }
    let Observation {
        cache, schedule, ..
    } = observation;
    match cache::update(cache, schedule, &*connection.client, desired, clock).await {
        Ok(()) => {
            observation.error = None;
            let name = pass.name.to_string();
            pass.context.metrics.succeeded(&name, clock.now());
            Ok(())
        }
        Err(error) => {
            tracing::warn!(environment = %pass.name, %error, "WorkOS could not be read");
            let blocked = blocked_by(&error);
            back_off(observation, clock, &error, blocked.clone());
            Err(blocked)
        }
    }
}

/// Delays the next requests after an error.
fn back_off(
    observation: &mut Observation,
    clock: &dyn Clock,
    error: &ApiError,
    blocked: BlockedReason,
) {
    let random = fraction(clock.now().as_nanosecond());
    let schedule = &mut observation.schedule;
    schedule.failed(clock.instant(), error.retry_after, random);
    observation.error = Some(blocked);
}

fn not_read_yet() -> BlockedReason {
    BlockedReason::new(Reason::Unreachable, "WorkOS has not been read yet")
}

/// Returns the reason that an error of WorkOS is for a resource.
///
/// The log has the id of the request. A status does not: it would differ after each attempt, and every
/// status would be written again.
fn blocked_by(error: &ApiError) -> BlockedReason {
    let reason = match error.kind {
        ApiErrorKind::Unauthorized | ApiErrorKind::Forbidden => Reason::Unauthorized,
        ApiErrorKind::RateLimited => Reason::RateLimited,
        _ => Reason::Unreachable,
    };
    let mut failed = FailedRead::from(error);
    if error.kind == ApiErrorKind::Unauthorized {
        // The error concerns the key, whichever request meets it first.
        "WorkOS".clone_into(&mut failed.request);
    }
    BlockedReason::new(reason, format!("{failed} ({})", error.code()))
}

/// Checks, once for each key, endpoint and term, that the account has the organizations of statuses.
///
/// A Secret with the key of another WorkOS environment opens an account that lacks most of them;
/// creating them there would fill the wrong account.
fn check_account(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &Resolved,
    observed: &Observed,
) -> Result<(), BlockedReason> {
    let fingerprint = Some(resolved.connection.fingerprint);
    if state.connection.verified == fingerprint {
        return Ok(());
    }
    let entries = resolved.entries.iter();
    let statuses = entries.map(|entry| (entry, state.statuses.organization(&entry.object)));
    let check = AccountCheck::of(statuses, observed);
    if !check.is_other_account() {
        state.connection.verified = fingerprint;
        return Ok(());
    }
    let AccountCheck { known, missing } = check;
    tracing::warn!(environment = %pass.name, known, missing, "the API key opens another account");
    Err(BlockedReason::new(
        Reason::WrongAccount,
        "most of the organizations that the PortalOrganizations of this environment had are not in \
         the account that its API key opens: nothing is created, changed or deleted. Put the key of \
         the right WorkOS environment into the Secret; if the organizations are gone indeed, set \
         spec.recreate: once on their PortalOrganizations, or delete those",
    ))
}

/// Organizations that statuses name, compared with those of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct AccountCheck {
    /// Organizations that statuses name, without those that were known to be gone.
    known: usize,
    /// Organizations among them that the account lacks.
    missing: usize,
}

impl AccountCheck {
    /// Compares statuses with the observed state.
    fn of<'a>(
        statuses: impl Iterator<Item = (&'a Entry, PortalOrganizationStatus)>,
        observed: &Observed,
    ) -> Self {
        let ids: BTreeSet<OrganizationId> = statuses
            .filter(|(entry, status)| !is_known_to_be_gone(entry, status))
            .filter_map(|(_, status)| status.organization_id)
            .map(OrganizationId::from_api)
            .collect();
        let is_missing = |id: &&OrganizationId| !observed.organizations.contains_key(*id);
        Self {
            known: ids.len(),
            missing: ids.iter().filter(is_missing).count(),
        }
    }

    /// Returns whether so many are missing that the account must be another one.
    const fn is_other_account(self) -> bool {
        self.missing >= MIN_MISSING && self.missing * 2 > self.known
    }
}

/// Returns whether an earlier pass found the organization gone, or a new one is to be created.
fn is_known_to_be_gone(entry: &Entry, status: &PortalOrganizationStatus) -> bool {
    status.deleted_outside || (entry.object.spec.policies.recreate.is_some() && !status.recreated)
}

#[cfg(test)]
mod tests;
