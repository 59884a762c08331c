//! Statuses: what the resources say about themselves. Pure.

use jiff::Timestamp;

use super::conditions::Reason;
use super::conditions::{self, ConditionSet, Progress, Verdict, merge, whole_second};
use portalctl_core::readiness::{OrganizationReadiness, State};
use portalctl_manifest::kubernetes::{
    Condition, ConditionStatus, DomainStatus, IntentStatus, IntentTotals, OrganizationTotals,
    PortalEnvironmentStatus, PortalOrganizationStatus,
};
use portalctl_model::observed::Organization;
use portalctl_model::text::escape;

/// The longest sentence of an intent, in characters. The definition bounds it.
const MAX_SENTENCE: usize = 1000;
/// The most domains that a status lists. The definition bounds it.
const MAX_DOMAINS: usize = 100;

/// The status of an organization that was looked at.
pub(super) fn of_organization(
    before: &PortalOrganizationStatus,
    conditions_set: &ConditionSet,
    generation: Option<i64>,
    live: Option<&Organization>,
    readiness: &OrganizationReadiness,
    now: Timestamp,
) -> PortalOrganizationStatus {
    let intents: Vec<IntentStatus> = readiness
        .intents
        .iter()
        .map(|intent| IntentStatus {
            intent: intent.intent,
            state: intent.state.to_string(),
            since: intent.since.map(whole_second),
            turn: intent.turn.to_string(),
            reason: Some(sentence(&intent.reason)),
            next_step: intent.next_step.as_deref().map(sentence),
        })
        .collect();
    let settled = readiness.intents.iter();
    let settled = settled.filter(|intent| intent.state.is_settled()).count();
    let domains = live.into_iter().flat_map(|live| &live.domains);
    PortalOrganizationStatus {
        observed_generation: generation,
        conditions: merge(&before.conditions, conditions_set, generation, now),
        // An organization that is gone is still the one that the resource had.
        organization_id: live
            .map(|live| escape(live.id.as_str()).into_owned())
            .or_else(|| before.organization_id.clone()),
        external_id: live
            .and_then(|live| live.external_id.as_deref())
            .map(|id| escape(id).into_owned()),
        configured: (!intents.is_empty()).then(|| format!("{settled}/{}", intents.len())),
        intents,
        domains: domains
            .take(MAX_DOMAINS)
            .map(|held| DomainStatus {
                domain: escape(held.domain.as_str()).into_owned(),
                state: escape(held.state.as_str()).into_owned(),
            })
            .collect(),
        deleted_outside: before.deleted_outside,
        recreated: before.recreated,
        field_writes: before.field_writes.clone(),
    }
}

/// The status of an organization that could not be looked at: what was known still stands.
pub(super) fn of_blocked_organization(
    before: &PortalOrganizationStatus,
    conditions_set: &ConditionSet,
    generation: Option<i64>,
    now: Timestamp,
) -> PortalOrganizationStatus {
    PortalOrganizationStatus {
        observed_generation: generation,
        conditions: merge(&before.conditions, conditions_set, generation, now),
        // They are of the version that was written for.
        field_writes: if before.observed_generation == generation {
            before.field_writes.clone()
        } else {
            Vec::new()
        },
        ..before.clone()
    }
}

fn sentence(text: &str) -> String {
    escape(text).chars().take(MAX_SENTENCE).collect()
}

/// What all organizations of an environment come to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    /// By organization.
    pub(super) organizations: OrganizationTotals,
    /// By intent.
    pub(super) intents: IntentTotals,
}

impl Totals {
    /// Adds an organization.
    pub(super) fn add(&mut self, status: &PortalOrganizationStatus) {
        self.organizations.declared += 1;
        let holds = |kind: &str| {
            let mut conditions = status.conditions.iter();
            conditions.any(|one| one.kind == kind && one.status == ConditionStatus::True)
        };
        self.organizations.ready += u32::from(holds(conditions::READY));
        self.organizations.onboarded += u32::from(holds(conditions::ONBOARDED));
        for intent in &status.intents {
            let state = State::ALL
                .into_iter()
                .find(|state| state.as_str() == intent.state);
            let total = match state {
                Some(State::Configured) => &mut self.intents.configured,
                Some(State::InProgress) => &mut self.intents.in_progress,
                Some(State::Unconfigured) => &mut self.intents.unconfigured,
                Some(State::Attention) => &mut self.intents.attention,
                Some(State::NotApplicable) => &mut self.intents.not_applicable,
                Some(State::Unknown) | None => &mut self.intents.unknown,
            };
            *total += 1;
        }
    }
}

/// What is said of an environment that works.
pub(super) fn connected(is_paused: bool) -> ConditionSet {
    let synced = if is_paused {
        Verdict::yes(
            Reason::Paused,
            "paused: WorkOS is read, and nothing is written",
        )
    } else {
        Verdict::yes(Reason::Observed, "WorkOS was read within its interval")
    };
    ConditionSet {
        synced,
        ready: Some(Verdict::yes(
            Reason::Connected,
            "the API key is there, and WorkOS takes it",
        )),
        onboarded: None,
        contested: conditions::Contested::None,
        progress: Progress::Settled,
    }
}

/// The status of an environment.
pub(super) fn of_environment(
    before: &PortalEnvironmentStatus,
    conditions_set: &ConditionSet,
    generation: Option<i64>,
    now: Timestamp,
) -> PortalEnvironmentStatus {
    PortalEnvironmentStatus {
        observed_generation: generation,
        conditions: merge(&before.conditions, conditions_set, generation, now),
        ..before.clone()
    }
}

/// Takes the conditions of others out: they are theirs to write.
pub(super) fn ours(conditions: &[Condition]) -> Vec<Condition> {
    conditions
        .iter()
        .filter(|condition| conditions::OURS.contains(&condition.kind.as_str()))
        .cloned()
        .collect()
}

/// Whether two lists of conditions say the same: their order does not matter, nor the order of the
/// list that the API server keeps.
pub(super) fn same_conditions(one: &[Condition], other: &[Condition]) -> bool {
    let sorted = |conditions: &[Condition]| {
        let mut conditions = ours(conditions);
        conditions.sort_by(|a, b| a.kind.cmp(&b.kind));
        conditions
    };
    sorted(one) == sorted(other)
}
