//! Reviews: what somebody approved, and what of a new plan that covers.
//!
//! Goes in: a plan that was just made, and the reviews that it is held to. Comes out: the plan
//! without the entries that nobody reviewed, each of them as a conflict. A review gives no power: it
//! only takes changes away.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;

use crate::plan::change::{Change, Conflict, Held, HeldReason, Scope};
use crate::plan::digest::{Digest, of_destinations, of_target};
use crate::plan::effect::{effects, of_field, of_unused};
use crate::plan::fingerprint::{FINGERPRINT_BYTES, Fingerprint};
use crate::plan::moves::moving;
use crate::plan::{Plan, Target};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::text::{escape, mask_email};
use portalctl_model::{Domain, OrgKey};

/// Most effects of a review that is written as text; a longer one is kept as the plan's JSON.
pub const MAX_WRITTEN_EFFECTS: usize = 1_500;

/// Most fields that a message names.
const MAX_NAMED: usize = 5;

/// Approval of a plan: its environment, its addresses and its effects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The environment that the plan was made against.
    pub target: Fingerprint,
    /// The addresses that people are sent to.
    pub destinations: Fingerprint,
    /// The effects of its changes.
    pub effects: BTreeSet<Fingerprint>,
}

impl Review {
    /// Returns the review that approves all of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self {
            target: of_target(&plan.target),
            destinations: of_destinations(&plan.destinations),
            effects: plan.reviewed().flat_map(effects).collect(),
        }
    }

    /// Returns the review as one word of letters, digits, `+`, `/` and `=`; `None` where it has more
    /// than [`MAX_WRITTEN_EFFECTS`].
    pub fn encode(&self) -> Option<String> {
        if self.effects.len() > MAX_WRITTEN_EFFECTS {
            return None;
        }
        let parts = [&self.target, &self.destinations].into_iter();
        let bytes: Vec<u8> = parts.chain(&self.effects).flat_map(|it| it.0).collect();
        Some(BASE64.encode(&bytes))
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.as_bytes()).ok()?;
        let (parts, rest) = bytes.as_chunks::<FINGERPRINT_BYTES>();
        let mut parts = parts.iter().copied().map(Fingerprint);
        let (target, destinations) = (parts.next()?, parts.next()?);
        rest.is_empty().then(|| Self {
            target,
            destinations,
            effects: parts.collect(),
        })
    }

    /// Returns whether the plan was made against this environment.
    pub fn is_of(&self, target: &Target) -> bool {
        self.target == of_target(target)
    }
}

/// All reviews that a run is held to.
#[derive(Debug, Clone, Default)]
pub struct Reviews {
    /// Digests of whole plans.
    pub digests: BTreeSet<Digest>,
    /// Reviews whose effects are known.
    pub reviews: Vec<Review>,
}

/// Reason why reviews approve nothing of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotApproved {
    /// Every review is of another environment.
    OtherTarget,
    /// People would be sent elsewhere than in every review.
    OtherDestinations,
    /// Only digests are known, and each is of another plan.
    OtherDigest,
}

/// Approved part of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// The plan without the entries that were left out; each of those is a conflict.
    pub plan: Plan,
    /// Number of reviewed effects that are not planned: they are done, or no longer wanted.
    pub unplanned: usize,
}

impl Reviews {
    /// Returns what of a plan is approved.
    ///
    /// A plan with a reviewed digest is approved whole, and one that changes nothing needs no review.
    ///
    /// # Errors
    ///
    /// Fails where nothing of it may be done: the environment or the addresses are others, or only
    /// digests of other plans are known.
    pub fn approve(&self, plan: Plan) -> Result<Approved, NotApproved> {
        let here = self.reviews.iter().filter(|it| it.is_of(&plan.target));
        let here: Vec<&Review> = here.collect();
        if here.is_empty() && !self.reviews.is_empty() {
            return Err(NotApproved::OtherTarget);
        }
        let reviewed: BTreeSet<Fingerprint> = here
            .iter()
            .flat_map(|review| &review.effects)
            .copied()
            .collect();
        let is_whole = self.digests.contains(&Digest::of(&plan));
        if is_whole || plan.reviewed().next().is_none() {
            let unplanned = count_unplanned(&plan, &reviewed);
            let plan = if is_whole {
                plan
            } else {
                leave_out(plan, &reviewed)
            };
            return Ok(Approved { plan, unplanned });
        }
        if here.is_empty() {
            return Err(NotApproved::OtherDigest);
        }
        let destinations = of_destinations(&plan.destinations);
        if here.iter().all(|it| it.destinations != destinations) {
            return Err(NotApproved::OtherDestinations);
        }
        let unplanned = count_unplanned(&plan, &reviewed);
        let plan = leave_out(plan, &reviewed);
        Ok(Approved { plan, unplanned })
    }
}

fn count_unplanned(plan: &Plan, reviewed: &BTreeSet<Fingerprint>) -> usize {
    let held = plan.held.iter().map(|held| &held.change);
    let planned: BTreeSet<Fingerprint> = plan.reviewed().chain(held).flat_map(effects).collect();
    reviewed.difference(&planned).count()
}

/// Takes every entry with an effect that nobody reviewed out of a plan, whole, and those with which
/// it exchanges a domain.
fn leave_out(mut plan: Plan, reviewed: &BTreeSet<Fingerprint>) -> Plan {
    let mut left: BTreeMap<OrgKey, Conflict> = BTreeMap::new();
    for change in plan.reviewed() {
        let unreviewed = unreviewed(change, reviewed);
        if !unreviewed.is_empty() && !left.contains_key(&change.key) {
            let message = format!(
                "its {} has what nobody reviewed: {}",
                change.action.kind(),
                named(&unreviewed)
            );
            left.insert(change.key.clone(), not_reviewed(&change.key, message));
        }
    }
    add_bound(&plan.changes, &mut left);
    plan.changes
        .retain(|change| !left.contains_key(&change.key));
    let held = plan.held.iter();
    let held = held.filter(|held| is_reviewed(held, reviewed));
    let held: Vec<Conflict> = held.map(held_now).collect();
    plan.conflicts.extend(left.into_values().chain(held));
    plan.conflicts.sort();
    plan
}

/// Returns the names of the parts of a change that nobody reviewed.
fn unreviewed(change: &Change, reviewed: &BTreeSet<Fingerprint>) -> Vec<String> {
    let fields = change.reviewed_fields();
    let fields = fields.filter(|field| !reviewed.contains(&of_field(change, field)));
    let fields: Vec<String> = fields.map(|field| shown(&field.path())).collect();
    let missing = effects(change)
        .into_iter()
        .any(|effect| !reviewed.contains(&effect));
    match (missing, fields.is_empty()) {
        (false, _) => Vec::new(),
        (true, false) if change.action.kind().is_of_fields() => fields,
        (true, _) => vec![change.action.kind().as_str().to_owned()],
    }
}

fn shown(path: &FieldPath) -> String {
    match path {
        FieldPath::ItContact(email) => {
            format!("it_contacts.{}", mask_email(&escape(email.as_str())))
        }
        path => escape(&path.shown()).into_owned(),
    }
}

fn named(names: &[String]) -> String {
    let shown = names.iter().take(MAX_NAMED).map(String::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Adds the entries that exchange a domain with one that is left out: half of a move would leave the
/// domain with nobody.
fn add_bound(changes: &[Change], left: &mut BTreeMap<OrgKey, Conflict>) {
    let mut bound: BTreeMap<Domain, BTreeSet<&OrgKey>> = BTreeMap::new();
    let moving = moving(changes);
    for change in changes {
        for domain in change.added_domains().chain(change.removed_domains()) {
            if moving.contains(domain) {
                bound.entry(domain.clone()).or_default().insert(&change.key);
            }
        }
    }
    loop {
        let mut found = BTreeMap::new();
        for (domain, keys) in &bound {
            let Some(other) = keys.iter().find(|key| left.contains_key(**key)) else {
                continue;
            };
            for key in keys.iter().filter(|key| !left.contains_key(**key)) {
                let message = format!(
                    "the domain {} moves between it and `{other}`, which nobody reviewed as it is",
                    domain.shown()
                );
                found.insert((*key).clone(), not_reviewed(key, message));
            }
        }
        if found.is_empty() {
            return;
        }
        left.extend(found);
    }
}

/// Returns whether a held change was reviewed as one to make: all of it, or a deletion before its
/// organization was in use.
fn is_reviewed(held: &Held, reviewed: &BTreeSet<Fingerprint>) -> bool {
    let effects = effects(&held.change);
    let lacks_flag = matches!(
        held.reason,
        HeldReason::NeedsFlag | HeldReason::HeldByAnother(_)
    );
    let is_same = !effects.is_empty() && effects.iter().all(|effect| reviewed.contains(effect));
    let was_unused = of_unused(&held.change).is_some_and(|effect| reviewed.contains(&effect));
    lacks_flag && (is_same || was_unused)
}

fn not_reviewed(key: &OrgKey, message: String) -> Conflict {
    Conflict {
        key: key.clone(),
        code: codes::NOT_REVIEWED,
        message,
        help: "review the plan of now, and apply with its digest".to_owned(),
        scope: Scope::Entry,
    }
}

fn held_now(held: &Held) -> Conflict {
    Conflict {
        key: held.change.key.clone(),
        code: codes::REVIEWED_HELD,
        message: format!(
            "its {} was reviewed as one to make, and this run holds it: it needs {}",
            held.change.action.kind(),
            held.needs()
        ),
        help: format!("run it again with {}", held.flag),
        scope: Scope::Entry,
    }
}

#[cfg(test)]
mod tests;
