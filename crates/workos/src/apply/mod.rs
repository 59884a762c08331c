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

mod answered;
mod applier;
mod bookkeeping;
mod create;
mod delete;
mod invite;
mod kept;
mod organization_writer;
mod outcome;
mod owner;
mod permit;
mod remaining;
mod unmoved_domains;
mod update;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::stream::{self, StreamExt};
use ring::rand::{SecureRandom, SystemRandom};
use tokio_util::sync::CancellationToken;

use crate::WritePortal;
use portalctl_core::plan::moves::{comes_first, moving};
use portalctl_core::plan::{Action, ActionKind, Change, Invitation, Plan};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::observed::Organization;
use portalctl_model::{Domain, OrgKey, OrganizationId};
use portalctl_platform::clock::Clock;

use answered::Answered;
use applier::Applier;
pub use invite::{Delivery, InviteNow, Invited, invite_now, revoke};
use unmoved_domains::UnmovedDomains;

pub use outcome::{
    AppliedChange, ApplyReport, FieldOutcome, Outcome, OutcomeKind, OutcomeTotals, Problem, Repeat,
};
pub use permit::{Always, Permit};

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

/// Options of a run of apply.
pub struct Options<'a> {
    /// Number of organizations that are written at once; the client's pace bounds the rate.
    pub concurrency: usize,
    /// Cancelled when the run should stop: what is in flight is finished, the rest is not tried.
    pub cancel: CancellationToken,
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

/// Carries out a plan.
pub async fn apply(
    portal: &impl WritePortal,
    plan: &Plan,
    options: &Options<'_>,
    progress: &dyn ApplyProgress,
) -> ApplyReport {
    let applier = Applier::new(portal, plan, options);
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    for stage in STAGES {
        let earlier = Earlier::of(plan, &outcomes);
        let groups = groups(plan, stage).into_iter();
        let ended: Vec<Vec<(usize, Outcome)>> = stream::iter(groups)
            .map(|group| applier.run_group(&earlier, group, progress))
            .buffer_unordered(concurrency(stage, options))
            .collect()
            .await;
        outcomes.extend(ended.into_iter().flatten());
    }
    applier.report(outcomes)
}

/// Results of the earlier stages, for the changes that build on them.
struct Earlier<'a> {
    unmoved: UnmovedDomains<'a>,
    created: BTreeMap<OrgKey, OrganizationId>,
    /// The failures of changes that were not done.
    not_done: BTreeMap<OrgKey, Vec<&'a Problem>>,
}

impl<'a> Earlier<'a> {
    fn of(plan: &'a Plan, outcomes: &'a BTreeMap<usize, Outcome>) -> Self {
        let mut earlier = Self {
            unmoved: UnmovedDomains::of(plan, outcomes),
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

impl<P: WritePortal> Applier<'_, P> {
    /// Makes the changes of one organization, one after the other.
    async fn run_group(
        &self,
        earlier: &Earlier<'_>,
        group: Vec<usize>,
        progress: &dyn ApplyProgress,
    ) -> Vec<(usize, Outcome)> {
        let mut ended = Vec::with_capacity(group.len());
        for index in group {
            let change = &self.plan.changes[index];
            let running = self.run(earlier, change);
            let outcome = match (self.stop_reason(), self.options.permit.gate(change)) {
                (Some(problem), _) => Outcome::NotTried(problem),
                (None, Some(gate)) => gate.guard(running).await,
                (None, None) => running.await,
            };
            progress.ended(change, &outcome);
            ended.push((index, outcome));
        }
        ended
    }

    async fn run(&self, earlier: &Earlier<'_>, change: &Change) -> Outcome {
        match &change.action {
            Action::Create | Action::Adopt(_) | Action::Update(_) => {
                let Some(part) = earlier.unmoved.part(change) else {
                    return self.write(change).await;
                };
                if part.change.fields.is_empty() {
                    return part.outcome(None);
                }
                part.outcome(Some(self.write(&part.change).await))
            }
            Action::Invite(invitation) => match earlier.to_invite(&change.key, invitation) {
                Some(id) => invite::invite(self, id, invitation).await,
                None => Outcome::NotTried(Problem::new(
                    codes::WAITS,
                    "the organization's other change was not done",
                )),
            },
            Action::Delete(id) => self.delete(id, change).await,
        }
    }

    /// Writes the fields of one organization, and last portalctl's own marks.
    async fn write(&self, change: &Change) -> Outcome {
        let fields = bookkeeping::without(change);
        let answered = Answered::of_change();
        let ended = match change.action.organization() {
            Some(id) => self.update(id, &fields, &answered).await,
            None => self.create(&fields, &answered).await,
        };
        if let Some(answer) = answered.without_contacts() {
            self.note_without_contacts(&change.key, answer);
        }
        self.write_marks(change, ended, &answered).await
    }

    /// Gives the account of every change; one without an outcome was not begun.
    fn report(&self, mut outcomes: BTreeMap<usize, Outcome>) -> ApplyReport {
        let mut organizations: BTreeMap<OrganizationId, Organization> = BTreeMap::new();
        let mut already_done = BTreeSet::new();
        let changes = self.plan.changes.iter().enumerate();
        let changes = changes.map(|(index, change)| {
            let outcome = outcomes.remove(&index).unwrap_or_else(|| {
                let problem = Problem::new(codes::INTERRUPTED, "the run stopped before it");
                Outcome::NotTried(problem.repeatable())
            });
            if let Some(organization) = outcome.organization() {
                organizations.insert(organization.id.clone(), organization.clone());
            }
            let applied = AppliedChange {
                change: change.clone(),
                outcome,
            };
            let done = applied.done_to().filter(|id| !self.has_written_to(id));
            already_done.extend(done.cloned());
            applied
        });
        let changes = changes.collect();
        ApplyReport {
            changes,
            organizations: organizations.into_values().collect(),
            already_done,
            without_contacts: self.without_contacts(),
            interrupted: self.is_interrupted(),
        }
    }
}
