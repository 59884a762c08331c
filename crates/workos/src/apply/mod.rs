//! Apply: walks a plan in order and accounts for every change.
//!
//! Goes in: a plan and a portal that can be written to. Comes out: an [`ApplyReport`], a value
//! also when everything failed. Decides nothing that the plan left open. Independent organizations
//! go on when one fails; what a failure would meet again (the key refused, no connection) stops
//! the rest, and so does an interruption, which lets what is in flight finish.
//!
//! ```text
//! stage   what              why in this order
//! 0       domains given up  another organization of the plan gets them
//! 1       create            nothing depends on what exists
//! 2       adopt             a claim before anything else is done to it
//! 3       update            changes of one organization one after the other
//! 4       invite            no e-mail is sent before the organization is as it should be
//! 5       delete            last, when all that stays is as it should be; one at a time
//! ```

mod books;
mod create;
mod delete;
mod invite;
mod outcome;
mod owner;
mod permit;
mod unmoved;
mod update;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::stream::{self, StreamExt};
use ring::rand::{SecureRandom, SystemRandom};
use tokio_util::sync::CancellationToken;

use crate::{ApiError, ApiErrorKind, FailedRequest, WritePortal};
use portalctl_core::plan::moves::{comes_first, moving};
use portalctl_core::plan::{Action, ActionKind, Change, Invitation, Plan};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::observed::Organization;
use portalctl_model::{Domain, OrgKey, OrganizationId};
use portalctl_platform::clock::Clock;

pub use invite::{InviteNow, Invited, invite_now, revoke};
use unmoved::Unmoved;

pub use outcome::{
    AppliedChange, ApplyReport, FieldOutcome, Outcome, OutcomeKind, OutcomeTotals, Problem, Repeat,
};
pub use permit::{Always, Permit};

/// How often a write whose answer was lost is looked up and tried again.
const MAX_ATTEMPTS: u32 = 4;

/// How long a server that went silent is given to finish before its effect is looked for; grows
/// with each attempt.
const BEFORE_LOOKING: Duration = Duration::from_millis(500);

/// The order in which a plan is applied.
const STAGES: [Stage; 6] = [
    Stage::Moves,
    Stage::Of(ActionKind::Create),
    Stage::Of(ActionKind::Adopt),
    Stage::Of(ActionKind::Update),
    Stage::Of(ActionKind::Invite),
    Stage::Of(ActionKind::Delete),
];

/// A part of a plan that has ended before the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Domains are removed that another organization of the plan gets.
    Moves,
    /// All other changes of a kind.
    Of(ActionKind),
}

impl Stage {
    fn of(change: &Change, moving: &BTreeSet<Domain>) -> Self {
        if comes_first(change, moving) {
            Self::Moves
        } else {
            Self::Of(change.action.kind())
        }
    }
}

/// How a plan is applied.
pub struct Options<'a> {
    /// How many organizations are worked on at once; the client's pace bounds the rate.
    pub concurrency: usize,
    /// Cancelled when the run should stop: what is in flight is finished, the rest is not tried.
    pub cancel: CancellationToken,
    /// Whether the plan may have been applied before: creates are looked up first.
    pub replay: bool,
    /// For waiting before a lost answer is looked up.
    pub clock: &'a dyn Clock,
    /// Gives the gate that the writes of each change pass.
    pub permit: &'a dyn Permit,
    /// Random text that no other run has ([`nonce`]): it tells this run's invitations from theirs.
    pub nonce: String,
}

/// Returns a random text for [`Options::nonce`].
pub fn nonce(clock: &dyn Clock) -> String {
    let mut bytes = [0; 12];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // Time and process tell runs apart where the system has no random bytes to give.
        return format!("{:x}-{:x}", clock.now().as_nanosecond(), std::process::id());
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Is told of each change as it ends.
pub trait ApplyProgress: Sync {
    /// A change ended.
    fn ended(&self, change: &Change, outcome: &Outcome);
}

/// Does what the plan says.
pub async fn apply(
    portal: &impl WritePortal,
    plan: &Plan,
    options: &Options<'_>,
    progress: &dyn ApplyProgress,
) -> ApplyReport {
    let stop = Stop::new(options.cancel.clone());
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    for stage in STAGES {
        let groups = groups(plan, stage);
        let earlier = Earlier::of(plan, &outcomes);
        let ended: Vec<Vec<(usize, Outcome)>> = stream::iter(groups)
            .map(|group| run_group(portal, plan, &earlier, group, options, &stop, progress))
            .buffer_unordered(concurrency(stage, options))
            .collect()
            .await;
        outcomes.extend(ended.into_iter().flatten());
    }
    report(plan, outcomes, &stop)
}

/// What earlier stages made of organizations, for what builds on them.
struct Earlier<'a> {
    unmoved: Unmoved<'a>,
    created: BTreeMap<OrgKey, OrganizationId>,
    /// The failures of changes that were not done.
    not_done: BTreeMap<OrgKey, Vec<&'a Problem>>,
}

impl<'a> Earlier<'a> {
    fn of(plan: &'a Plan, outcomes: &'a BTreeMap<usize, Outcome>) -> Self {
        let mut earlier = Self {
            unmoved: Unmoved::of(plan, outcomes),
            created: BTreeMap::new(),
            not_done: BTreeMap::new(),
        };
        for (index, outcome) in outcomes {
            let Change { key, action, .. } = &plan.changes[*index];
            if *action == Action::Create
                && let Some(organization) = outcome.organization()
            {
                earlier.created.insert(key.clone(), organization.id.clone());
            }
            if let Some(problem) = outcome.problem() {
                let problems = earlier.not_done.entry(key.clone()).or_default();
                problems.push(problem);
            }
        }
        earlier
    }

    /// The organization to write to the contacts of, once all that comes first is done. A domain or
    /// another contact that was refused is not in the way.
    fn to_invite<'b>(
        &'b self,
        key: &OrgKey,
        invitation: &'b Invitation,
    ) -> Option<&'b OrganizationId> {
        let existing = invitation.organization.as_ref();
        let id = existing.or_else(|| self.created.get(key))?;
        let mut problems = self.not_done.get(key).into_iter().flatten();
        problems
            .all(|problem| leaves_room(problem, invitation))
            .then_some(id)
    }
}

/// Returns whether all that a change lacks are refused domains and other contacts, which the next
/// run would not get either.
fn leaves_room(problem: &Problem, invitation: &Invitation) -> bool {
    if problem.can_repeat {
        return false;
    }
    let mut missing = problem.fields_not_done().peekable();
    missing.peek().is_some()
        && missing.all(|field| {
            let is_apart = match &field.path {
                FieldPath::Domain(_) => true,
                FieldPath::ItContact(email) => !invitation.contact.is(email.as_str()),
                _ => false,
            };
            is_apart && field.kind == OutcomeKind::Refused
        })
}

/// The changes of a stage: those of one organization together, in their order.
fn groups(plan: &Plan, stage: Stage) -> Vec<Vec<usize>> {
    let moving = moving(&plan.changes);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, change) in plan.changes.iter().enumerate() {
        if Stage::of(change, &moving) != stage {
            continue;
        }
        match groups.last_mut() {
            Some(group)
                if group
                    .last()
                    .is_some_and(|i| plan.changes[*i].key == change.key) =>
            {
                group.push(index);
            }
            _ => groups.push(vec![index]),
        }
    }
    groups
}

async fn run_group(
    portal: &impl WritePortal,
    plan: &Plan,
    earlier: &Earlier<'_>,
    group: Vec<usize>,
    options: &Options<'_>,
    stop: &Stop,
    progress: &dyn ApplyProgress,
) -> Vec<(usize, Outcome)> {
    let mut ended = Vec::with_capacity(group.len());
    for index in group {
        let change = &plan.changes[index];
        let running = run(portal, plan, earlier, change, options, stop);
        let outcome = match (stop.reason(), options.permit.gate(change)) {
            (Some(problem), _) => Outcome::NotTried(problem),
            (None, Some(gate)) => gate.guard(running).await,
            (None, None) => running.await,
        };
        progress.ended(change, &outcome);
        ended.push((index, outcome));
    }
    ended
}

/// WorkOS takes 50 deletions a minute: they are not worth being made side by side.
fn concurrency(stage: Stage, options: &Options<'_>) -> usize {
    match stage {
        Stage::Of(ActionKind::Delete) => 1,
        Stage::Moves
        | Stage::Of(
            ActionKind::Create | ActionKind::Adopt | ActionKind::Update | ActionKind::Invite,
        ) => options.concurrency.max(1),
    }
}

async fn run(
    portal: &impl WritePortal,
    plan: &Plan,
    earlier: &Earlier<'_>,
    change: &Change,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    match &change.action {
        Action::Create | Action::Adopt(_) | Action::Update(_) => {
            let Some(part) = earlier.unmoved.part(change) else {
                return write(portal, change, plan, options, stop).await;
            };
            if part.change.fields.is_empty() {
                return part.outcome(None);
            }
            let ended = write(portal, &part.change, plan, options, stop).await;
            part.outcome(Some(ended))
        }
        Action::Invite(invitation) => match earlier.to_invite(&change.key, invitation) {
            Some(id) => invite::invite(portal, id, invitation, plan, options, stop).await,
            None => Outcome::NotTried(Problem::new(
                codes::WAITS,
                "the organization's other change was not done",
            )),
        },
        Action::Delete(id) => {
            let manifest = plan.target.manifest.as_ref();
            delete::delete(portal, id, change, manifest, options, stop).await
        }
    }
}

/// Writes the fields of one organization, and last the marks that tell of it.
async fn write(
    portal: &impl WritePortal,
    change: &Change,
    plan: &Plan,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let fields = books::without(change);
    let answered = books::Answered::of_change();
    let ended = match change.action.organization() {
        Some(id) => update::update(portal, id, &fields, plan, options, stop, &answered).await,
        None => create::create(portal, &fields, options, stop, &answered).await,
    };
    if let Some(why) = answered.without_contacts() {
        stop.note_without_contacts(&change.key, why);
    }
    books::keep(portal, change, plan, ended, options, stop, &answered).await
}

fn report(plan: &Plan, mut outcomes: BTreeMap<usize, Outcome>, stop: &Stop) -> ApplyReport {
    let mut organizations: BTreeMap<OrganizationId, Organization> = BTreeMap::new();
    let changes = plan
        .changes
        .iter()
        .enumerate()
        .map(|(index, change)| {
            let outcome = outcomes.remove(&index).unwrap_or_else(|| {
                let problem = Problem::new(codes::INTERRUPTED, "the run stopped before it");
                Outcome::NotTried(problem.repeatable())
            });
            if let Some(organization) = outcome.organization() {
                organizations.insert(organization.id.clone(), organization.clone());
            }
            AppliedChange {
                change: change.clone(),
                outcome,
            }
        })
        .collect();
    ApplyReport {
        changes,
        organizations: organizations.into_values().collect(),
        without_contacts: {
            let without = stop.without_contacts.lock();
            without.unwrap_or_else(PoisonError::into_inner).clone()
        },
        interrupted: stop.was_interrupted(),
    }
}

/// Why no further change is begun: an interruption, or a failure that every other would meet too.
struct Stop {
    cancel: CancellationToken,
    fatal: Mutex<Option<ApiError>>,
    /// Entries without their IT contacts, for the report.
    without_contacts: Mutex<BTreeMap<OrgKey, String>>,
}

impl Stop {
    fn new(cancel: CancellationToken) -> Self {
        Self {
            cancel,
            fatal: Mutex::new(None),
            without_contacts: Mutex::default(),
        }
    }

    /// Takes note of an entry that was written without its IT contacts.
    fn note_without_contacts(&self, key: &OrgKey, why: String) {
        let without = self.without_contacts.lock();
        let mut without = without.unwrap_or_else(PoisonError::into_inner);
        without.insert(key.clone(), why);
    }

    /// Takes note of an error, and stops the run when no other request can do better.
    fn heed(&self, error: &ApiError) {
        if error.is_fatal() {
            let mut fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner);
            fatal.get_or_insert_with(|| error.clone());
        }
    }

    fn reason(&self) -> Option<Problem> {
        if self.cancel.is_cancelled() {
            let message = "the run was interrupted before it";
            return Some(Problem::new(codes::INTERRUPTED, message).repeatable());
        }
        let fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner);
        fatal.as_ref().map(|error| Problem {
            code: codes::INTERRUPTED,
            message: format!("the run stopped after: {}", error.summary()),
            ..Problem::of(error)
        })
    }

    fn was_interrupted(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Adds the requests behind a failure to others, each once.
fn add_requests(requests: &mut Vec<FailedRequest>, problem: &Problem) {
    for request in &problem.requests {
        if !requests.contains(request) {
            requests.push(request.clone());
        }
    }
}

/// A read before any write failed: nothing was changed.
fn not_looked_at(error: &ApiError, stop: &Stop) -> Outcome {
    stop.heed(error);
    Outcome::NotTried(Problem::of(error))
}

/// A failed write that surely had no effect, unless an earlier try of it was lost.
fn failed(error: &ApiError, lost_write: Option<&ApiError>, stop: &Stop) -> Outcome {
    stop.heed(error);
    match lost_write {
        Some(lost) => Outcome::Unknown(
            Problem::of(error)
                .noting_request(EARLIER_TRY, lost)
                .repeatable(),
        ),
        None if error.is_fatal() || error.kind == ApiErrorKind::Withheld => {
            Outcome::NotTried(Problem::of(error))
        }
        None => Outcome::Refused(Problem::of(error)),
    }
}

/// A write whose answer was lost and could not be looked up either.
fn lost(write: &ApiError, lookup: &ApiError, stop: &Stop) -> Outcome {
    stop.heed(lookup);
    let remark = "looking whether it took effect failed too";
    let problem = Problem::of(write).noting_request(remark, lookup);
    Outcome::Unknown(problem.repeatable())
}

/// Remark on a lost write that may explain the failure of a later one.
const EARLIER_TRY: &str = "an earlier try may have taken effect";
