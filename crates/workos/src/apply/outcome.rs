//! Outcomes of every change: the account that apply always gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::kept::{self, Kept};
use crate::{ApiError, FailedRequest};
use portalctl_core::plan::{ActionKind, Change, Warning};
use portalctl_model::codes::{Code, plan as codes};
use portalctl_model::desired::FieldPath;
use portalctl_model::observed::{Answer, Observed, Organization};
use portalctl_model::text::escape;
use portalctl_model::{ExternalId, OrgKey, OrganizationId};

/// Every change of a plan with what became of it, whatever happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "an apply report holds what failed"]
pub struct ApplyReport {
    /// In the order of the plan.
    pub changes: Vec<AppliedChange>,
    /// Organizations as they are after the run, so far as it touched them.
    pub organizations: Vec<Organization>,
    /// Organizations that were as the plan wants them before the run: nothing was written to them.
    pub already_done: BTreeSet<OrganizationId>,
    /// Entries that were created or changed without their IT contacts, because WorkOS has none to
    /// be managed (403, 404), with its answer.
    pub without_contacts: BTreeMap<OrgKey, String>,
    /// True where the run was asked to stop before its end.
    pub interrupted: bool,
}

/// One change with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedChange {
    /// The change.
    pub change: Change,
    /// The outcome.
    pub outcome: Outcome,
}

/// Outcome of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The change took effect, or had already; the organization as it is now.
    Done(Box<Organization>),
    /// The organization is gone, as the change wanted.
    Gone,
    /// The change surely did not take (full) effect.
    Refused(Problem),
    /// The change may have taken effect: the answer was lost and could not be looked up.
    Unknown(Problem),
    /// No request was sent.
    NotTried(Problem),
}

/// The kind of an outcome, as reports count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The change took effect, or had already.
    Done,
    /// The change surely did not take (full) effect.
    Refused,
    /// The change may have taken effect.
    Unknown,
    /// No request was sent.
    NotTried,
}

/// Failure of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The code that `portalctl explain` knows.
    pub code: Code,
    /// Description of the failure on one line, the same for every attempt that fails alike; the
    /// [`Display`](fmt::Display) form adds the request ids.
    pub message: String,
    /// Failed requests behind it, in the order in which the message names them.
    pub requests: Vec<FailedRequest>,
    /// The organization as the change left it, when that is known.
    pub left: Option<Box<Organization>>,
    /// True where the same command can do better when it is run again: not after a refusal.
    pub can_repeat: bool,
    /// Outcomes of single fields; those that are not listed were done. Empty where all fields
    /// ended like the change.
    pub fields: Vec<FieldOutcome>,
}

/// Outcome of one field of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOutcome {
    /// The field.
    pub path: FieldPath,
    /// Kind of the outcome.
    pub kind: OutcomeKind,
    /// The failure; absent where the field was done.
    pub problem: Option<Problem>,
}

/// Benefit of running the same command again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// With all that was not done.
    Helps,
    /// With a part of it; the rest was refused.
    HelpsInPart,
    /// Not before what was refused is corrected.
    IsRefused,
}

/// Number of changes with each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutcomeTotals {
    /// Changes that took effect.
    pub done: usize,
    /// Changes that surely did not.
    pub refused: usize,
    /// Changes that may have.
    pub unknown: usize,
    /// Changes that were not sent.
    pub not_tried: usize,
}

impl AppliedChange {
    /// Returns the organization of a change that is done.
    pub fn done_to(&self) -> Option<&OrganizationId> {
        match &self.outcome {
            Outcome::Done(organization) => Some(&organization.id),
            Outcome::Gone => self.change.action.organization(),
            Outcome::Refused(_) | Outcome::Unknown(_) | Outcome::NotTried(_) => None,
        }
    }
}

impl Outcome {
    /// The kind of the outcome.
    pub const fn kind(&self) -> OutcomeKind {
        match self {
            Self::Done(_) | Self::Gone => OutcomeKind::Done,
            Self::Refused(_) => OutcomeKind::Refused,
            Self::Unknown(_) => OutcomeKind::Unknown,
            Self::NotTried(_) => OutcomeKind::NotTried,
        }
    }

    /// Returns the failure, unless the change was done.
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Done(_) | Self::Gone => None,
            Self::Refused(problem) | Self::Unknown(problem) | Self::NotTried(problem) => {
                Some(problem)
            }
        }
    }

    /// The organization as the change left it, when that is known.
    pub fn organization(&self) -> Option<&Organization> {
        match self {
            Self::Done(organization) => Some(organization),
            Self::Gone => None,
            Self::Refused(problem) | Self::Unknown(problem) | Self::NotTried(problem) => {
                problem.left.as_deref()
            }
        }
    }

    /// The outcome of a change whose organization was deleted meanwhile.
    pub(super) fn gone(id: &OrganizationId) -> Self {
        Self::Refused(Problem::new(codes::GONE, format!("{id} is gone")).repeatable())
    }

    /// The same of a change whose first part was done: it can no longer be called not tried.
    pub(super) fn after(self, done: &str) -> Self {
        let told = |problem: Problem| Problem {
            message: format!("{done}: {}", problem.message),
            ..problem
        };
        match self {
            Self::Done(_) | Self::Gone => self,
            Self::Unknown(problem) => Self::Unknown(told(problem)),
            Self::Refused(problem) | Self::NotTried(problem) => Self::Refused(told(problem)),
        }
    }

    /// The same with a remark behind its message.
    pub(super) fn noting(self, remark: &str) -> Self {
        let told = |problem: Problem| problem.noting(remark);
        match self {
            Self::Done(_) | Self::Gone => self,
            Self::Unknown(problem) => Self::Unknown(told(problem)),
            Self::Refused(problem) => Self::Refused(told(problem)),
            Self::NotTried(problem) => Self::NotTried(told(problem)),
        }
    }

    /// The same, with the organization as the change left it.
    pub(super) fn leaving(self, organization: Organization) -> Self {
        match self {
            Self::Done(_) => Self::Done(Box::new(organization)),
            Self::Gone => Self::Gone,
            Self::Refused(problem) => Self::Refused(problem.leaving(organization)),
            Self::Unknown(problem) => Self::Unknown(problem.leaving(organization)),
            Self::NotTried(problem) => Self::NotTried(problem.leaving(organization)),
        }
    }
}

impl OutcomeKind {
    /// The word for it in text and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotTried => "not_tried",
        }
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Problem {
    /// Creates a failure without a request behind it, that a repeat would meet again.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            requests: Vec::new(),
            left: None,
            can_repeat: false,
            fields: Vec::new(),
        }
    }

    /// Adds the requests behind other failures, each once.
    pub(super) fn with_requests_of<'a>(mut self, others: impl Iterator<Item = &'a Self>) -> Self {
        for request in others.flat_map(|other| &other.requests) {
            if !self.requests.contains(request) {
                self.requests.push(request.clone());
            }
        }
        self
    }

    /// Adds a remark to the message.
    pub(super) fn noting(mut self, remark: &str) -> Self {
        self.message = format!("{}; {remark}", self.message);
        self
    }

    /// Adds a remark and the failed request that it tells of to the message.
    pub(super) fn noting_request(mut self, remark: &str, error: &ApiError) -> Self {
        self.message = format!("{}; {remark}: {}", self.message, error.summary());
        self.requests.push(error.into());
        self
    }

    /// The same, where the same command again can do better.
    pub(super) fn repeatable(self) -> Self {
        Self {
            can_repeat: true,
            ..self
        }
    }

    pub(super) fn leaving(self, organization: Organization) -> Self {
        Self {
            left: Some(Box::new(organization)),
            ..self
        }
    }

    /// A failed request, as far as it surely had no effect.
    pub(super) fn of(error: &ApiError) -> Self {
        Self {
            can_repeat: error.is_transient(),
            requests: vec![error.into()],
            ..Self::new(error.code(), error.summary())
        }
    }

    /// The failure of an external id that WorkOS calls used, and that no organization has.
    pub(super) fn deletion_under_way(id: &ExternalId) -> Self {
        let message = format!(
            "WorkOS says that the external id `{id}` is in use, and no organization has it: the \
             deletion of one that had it may still be under way: try again in a few minutes"
        );
        Self::new(codes::DELETION_UNDER_WAY, message).repeatable()
    }

    /// The failure of a change that was planned for another state of its organization.
    pub(super) fn stale(message: impl Into<String>) -> Self {
        Self::new(codes::STALE, message).repeatable()
    }

    /// Returns the outcome of a field: as listed, else done, or like the whole change where none is
    /// listed.
    pub fn field(&self, path: &FieldPath) -> Option<&FieldOutcome> {
        self.fields.iter().find(|field| field.path == *path)
    }

    /// The fields that were not done, where some were.
    pub fn fields_not_done(&self) -> impl Iterator<Item = &FieldOutcome> {
        let fields = self.fields.iter();
        fields.filter(|field| field.kind != OutcomeKind::Done)
    }
}

impl fmt::Display for Problem {
    /// Writes the message, and behind it the ids that WorkOS gave the failed requests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let [request] = self.requests.as_slice() {
            return request.fmt(f);
        }
        let mut ids: Vec<&str> = Vec::new();
        for id in self
            .requests
            .iter()
            .filter_map(|request| request.request_id.as_deref())
        {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        match ids.as_slice() {
            [] => Ok(()),
            [id] => write!(f, " [request {}]", escape(id)),
            ids => write!(f, " [requests {}]", escape(&ids.join(", "))),
        }
    }
}

impl ApplyReport {
    /// Returns whether a change was done before the run.
    pub fn is_already_done(&self, applied: &AppliedChange) -> bool {
        let id = applied.done_to();
        id.is_some_and(|id| self.already_done.contains(id))
    }

    /// Counts the changes by outcome.
    pub fn totals(&self) -> OutcomeTotals {
        let mut totals = OutcomeTotals::default();
        for change in &self.changes {
            match change.outcome.kind() {
                OutcomeKind::Done => totals.done += 1,
                OutcomeKind::Refused => totals.refused += 1,
                OutcomeKind::Unknown => totals.unknown += 1,
                OutcomeKind::NotTried => totals.not_tried += 1,
            }
        }
        totals
    }

    /// Returns a warning for every value that WorkOS keeps otherwise than this run sent it.
    pub fn kept_differently(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for AppliedChange { change, outcome } in &self.changes {
            let (
                Outcome::Done(organization),
                ActionKind::Create | ActionKind::Adopt | ActionKind::Update,
            ) = (outcome, change.action.kind())
            else {
                continue;
            };
            let kept = kept::kept_differently(change, organization).into_iter();
            warnings.extend(kept.map(|Kept { field, value }| {
                Warning::kept_differently(&change.key, field, value.as_deref())
            }));
        }
        warnings
    }

    /// Returns what is worth knowing of changes that were done: one warning for all entries without
    /// their IT contacts, and one for every value that WorkOS keeps otherwise than it was sent.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.kept_differently();
        let mut without = self.without_contacts.iter();
        if let Some((key, why)) = without.next() {
            warnings.push(Warning::contacts_not_added(key, without.count(), why));
        }
        warnings
    }

    /// Brings an observation up to date with what the run did, so far as it is known.
    pub fn update(&self, observed: &mut Observed) {
        for organization in &self.organizations {
            let id = organization.id.clone();
            observed.organizations.insert(id, organization.clone());
        }
        // What the run created nobody can have configured yet.
        let created = self
            .changes
            .iter()
            .filter(|applied| applied.change.action.kind() == ActionKind::Create)
            .filter_map(|applied| applied.outcome.organization());
        for organization in created {
            observed
                .audit_logs
                .entry(organization.id.clone())
                .or_insert(Answer::Absent);
            observed.connections.enter_none(organization.id.clone());
            observed.directories.enter_none(organization.id.clone());
        }
    }

    /// Returns the benefit of running the same command again for the changes that were not done.
    pub fn repeat(&self) -> Repeat {
        let problems = || {
            let changes = self.changes.iter();
            changes.filter_map(|applied| applied.outcome.problem())
        };
        let can = problems().any(|problem| problem.can_repeat);
        // What waits for another change of its organization ends as that one does.
        let cannot = problems().any(|problem| !problem.can_repeat && problem.code != codes::WAITS);
        match (can, cannot) {
            (true, false) => Repeat::Helps,
            (true, true) => Repeat::HelpsInPart,
            (false, _) => Repeat::IsRefused,
        }
    }

    /// Returns whether every change was done.
    pub fn is_complete(&self) -> bool {
        let OutcomeTotals {
            done: _,
            refused,
            unknown,
            not_tried,
        } = self.totals();
        refused + unknown + not_tried == 0
    }
}
