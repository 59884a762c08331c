//! Statuses of both resources. Pure.
//!
//! Goes in: conditions and findings of a pass, and the status before. Comes out: the new status.

use jiff::Timestamp;

use super::conditions::{
    self, ConditionSet, Contested, Progress, ReadOnly, Reason, Verdict, merge, whole_second,
};
use portalctl_core::readiness::{OrganizationReadiness, State};
use portalctl_manifest::kubernetes::{
    Condition, ConditionStatus, DomainStatus, IntentStatus, IntentTotals, OrganizationTotals,
    PortalEnvironmentStatus, PortalOrganizationStatus,
};
use portalctl_model::observed::Organization;
use portalctl_model::text::escape;

/// Longest sentence about an intent in characters, as in the CRD.
const MAX_SENTENCE: usize = 1000;
/// Most domains that a status lists, as in the CRD.
const MAX_DOMAINS: usize = 100;

/// Conditions of a resource, and when they were found.
pub(super) struct Update<'a> {
    /// Conditions of the pass.
    pub(super) conditions: &'a ConditionSet,
    /// Generation of the resource.
    pub(super) generation: Option<i64>,
    /// Time of the pass.
    pub(super) now: Timestamp,
}

impl Update<'_> {
    fn merge(&self, before: &[Condition]) -> Vec<Condition> {
        merge(before, self.conditions, self.generation, self.now)
    }
}

/// Returns the status of an organization that was observed.
pub(super) fn of_organization(
    before: &PortalOrganizationStatus,
    update: &Update<'_>,
    live: Option<&Organization>,
    readiness: &OrganizationReadiness,
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
        observed_generation: update.generation,
        conditions: update.merge(&before.conditions),
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
            .map(|live| DomainStatus {
                domain: escape(live.domain.as_str()).into_owned(),
                state: escape(live.state.as_str()).into_owned(),
            })
            .collect(),
        deleted_outside: before.deleted_outside,
        recreated: before.recreated,
        field_writes: before.field_writes.clone(),
    }
}

/// Returns the status of an organization that could not be observed; earlier findings still stand.
pub(super) fn of_blocked_organization(
    before: &PortalOrganizationStatus,
    update: &Update<'_>,
) -> PortalOrganizationStatus {
    PortalOrganizationStatus {
        observed_generation: update.generation,
        conditions: update.merge(&before.conditions),
        // The counts are those of one generation.
        field_writes: if before.observed_generation == update.generation {
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

/// Counts over all organizations of an environment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    /// Counts of organizations.
    pub(super) organizations: OrganizationTotals,
    /// Counts of intents.
    pub(super) intents: IntentTotals,
}

impl Totals {
    /// Adds the status of an organization.
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

/// Returns the conditions of an environment that works.
pub(super) fn connected(read_only: Option<ReadOnly>) -> ConditionSet {
    let synced = match read_only {
        Some(_) => Verdict::yes(
            Reason::Paused,
            "paused: WorkOS is read, and nothing is written",
        ),
        None => Verdict::yes(Reason::Observed, "WorkOS was read within its interval"),
    };
    ConditionSet {
        synced,
        ready: Some(Verdict::yes(
            Reason::Connected,
            "the Secret holds an API key that WorkOS accepts",
        )),
        onboarded: None,
        contested: Contested::None,
        progress: Progress::Settled,
    }
}

/// Returns the status of an environment.
pub(super) fn of_environment(
    before: &PortalEnvironmentStatus,
    update: &Update<'_>,
) -> PortalEnvironmentStatus {
    PortalEnvironmentStatus {
        observed_generation: update.generation,
        conditions: update.merge(&before.conditions),
        ..before.clone()
    }
}
