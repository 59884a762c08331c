//! Context of one run of apply, and the verdicts on its failed requests.
//!
//! Goes in: a portal, a plan and the options of the run. Comes out: an outcome for each failed
//! request, and the reason for which no further change is begun. Sends nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Options;
use super::outcome::{Outcome, Problem};
use crate::{ApiError, ApiErrorKind};
use portalctl_core::plan::Plan;
use portalctl_model::codes::plan as codes;
use portalctl_model::{OrgKey, OrganizationId};

/// Number of times that a write whose answer was lost is looked up and sent again.
pub(super) const MAX_ATTEMPTS: u32 = 4;

/// Time for a silent server to finish before its effect is looked up; grows with each attempt.
pub(super) const BEFORE_LOOKING: Duration = Duration::from_millis(500);

/// Remark on a lost write that may explain the failure of a later one.
pub(super) const EARLIER_TRY: &str = "an earlier try may have taken effect";

/// One run: the portal that it writes to, the plan that it carries out, and what stops it.
pub(super) struct Applier<'a, P> {
    pub(super) portal: &'a P,
    pub(super) plan: &'a Plan,
    pub(super) options: &'a Options<'a>,
    /// Failure that every other change would meet too.
    fatal: Mutex<Option<ApiError>>,
    /// Entries that were written without their IT contacts, with WorkOS's answer.
    without_contacts: Mutex<BTreeMap<OrgKey, String>>,
    /// Organizations that this run wrote to.
    written: Mutex<BTreeSet<OrganizationId>>,
}

impl<'a, P> Applier<'a, P> {
    pub(super) const fn new(portal: &'a P, plan: &'a Plan, options: &'a Options<'a>) -> Self {
        Self {
            portal,
            plan,
            options,
            fatal: Mutex::new(None),
            without_contacts: Mutex::new(BTreeMap::new()),
            written: Mutex::new(BTreeSet::new()),
        }
    }

    /// Notes an entry that was written without its IT contacts, with WorkOS's answer.
    pub(super) fn note_without_contacts(&self, key: &OrgKey, answer: String) {
        lock(&self.without_contacts).insert(key.clone(), answer);
    }

    /// Returns the entries that were written without their IT contacts, with WorkOS's answers.
    pub(super) fn without_contacts(&self) -> BTreeMap<OrgKey, String> {
        lock(&self.without_contacts).clone()
    }

    /// Notes an organization that this run wrote to.
    pub(super) fn note_written(&self, id: &OrganizationId) {
        lock(&self.written).insert(id.clone());
    }

    /// Returns whether this run wrote to an organization.
    pub(super) fn has_written_to(&self, id: &OrganizationId) -> bool {
        lock(&self.written).contains(id)
    }

    /// Returns whether the run was asked to stop.
    pub(super) fn is_interrupted(&self) -> bool {
        self.options.cancel.is_cancelled()
    }

    /// Returns the reason for which no further change is begun: an interruption, or a failure that
    /// every other change would meet too.
    pub(super) fn stop_reason(&self) -> Option<Problem> {
        if self.is_interrupted() {
            let message = "the run was interrupted before it";
            return Some(Problem::new(codes::INTERRUPTED, message).repeatable());
        }
        lock(&self.fatal).as_ref().map(|error| Problem {
            code: codes::INTERRUPTED,
            message: format!("the run stopped after: {}", error.summary()),
            ..Problem::of(error)
        })
    }

    /// Records an error, and stops the run where no other request can succeed.
    pub(super) fn record_error(&self, error: &ApiError) {
        if error.is_fatal() {
            lock(&self.fatal).get_or_insert_with(|| error.clone());
        }
    }

    /// Returns the outcome of a change whose first read failed: nothing was written.
    pub(super) fn not_tried(&self, error: &ApiError) -> Outcome {
        self.record_error(error);
        Outcome::NotTried(Problem::of(error))
    }

    /// Returns the outcome of a write that surely had no effect, unless an earlier try of it was
    /// lost.
    pub(super) fn failed(&self, error: &ApiError, lost_write: Option<&ApiError>) -> Outcome {
        self.record_error(error);
        let problem = Problem::of(error);
        match lost_write {
            Some(lost) => Outcome::Unknown(problem.noting_request(EARLIER_TRY, lost).repeatable()),
            None if error.is_fatal() || error.kind == ApiErrorKind::Withheld => {
                Outcome::NotTried(problem)
            }
            None => Outcome::Refused(problem),
        }
    }

    /// Returns the outcome of a write whose answer was lost, and whose effect could not be looked
    /// up.
    pub(super) fn lost(&self, write: &ApiError, lookup: &ApiError) -> Outcome {
        self.record_error(lookup);
        let remark = "looking whether it took effect failed too";
        let problem = Problem::of(write).noting_request(remark, lookup);
        Outcome::Unknown(problem.repeatable())
    }
}

/// Locks a value that stays whole whatever panicked while it was locked.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
