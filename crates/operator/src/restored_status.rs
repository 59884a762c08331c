//! Restores readiness from stored statuses until this process has read it from WorkOS itself.
//!
//! Questions about single objects are sent little by little. Until an answer is there, the status of
//! the same organization stands, so that a process that takes over changes no status.

use std::collections::BTreeSet;

use super::cache::Cache;
use super::conditions::{BlockedReason, Reason, SYNCED};
use super::diff::Diff;
use super::kube_api::Statuses;
use super::resolve::Resolved;
use portalctl_core::identity::Identities;
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, Readiness, State, Turn};
use portalctl_manifest::kubernetes::{IntentStatus, PortalOrganizationStatus};
use portalctl_model::Intent;
use portalctl_model::observed::Observed;
use portalctl_workos::observe::refresh;

/// Replaces the readiness that this process has not read yet by that of the statuses.
pub(super) fn restore_readiness(
    readiness: &mut Readiness,
    resolved: &Resolved,
    statuses: &Statuses,
    observed: &Observed,
) {
    let by_key = resolved.by_key();
    for one in &mut readiness.organizations {
        let (Some(id), Some(entry)) = (&one.organization_id, by_key.get(&one.key)) else {
            continue;
        };
        let unread = refresh::untold(observed, id);
        if one.intents.iter().any(|it| unread.contains(&it.intent)) {
            restore_intents(one, &unread, &statuses.organization(&entry.object));
        }
    }
}

/// Keeps changes held that the statuses name so, until all IT contacts are known, which they may be
/// about.
pub(super) fn restore_held(
    diff: &mut Diff,
    resolved: &Resolved,
    statuses: &Statuses,
    cache: &Cache,
    identities: &Identities,
) {
    let desired = &resolved.desired;
    if refresh::knows_contacts(desired, &cache.observed, identities) {
        return;
    }
    for entry in &resolved.entries {
        let declared = entry
            .key()
            .and_then(|key| desired.organizations.get_key_value(key));
        if let Some((key, declared)) = declared
            && !declared.it_contacts.is_empty()
            && !diff.by_key.contains_key(key)
            && let Some(held) = held(&statuses.organization(&entry.object), entry.generation())
        {
            diff.blocked.entry(key.clone()).or_insert(held);
        }
    }
}

/// Replaces the intents of one organization that were not read yet.
fn restore_intents(
    one: &mut OrganizationReadiness,
    unread: &BTreeSet<Intent>,
    before: &PortalOrganizationStatus,
) {
    let id = one.organization_id.as_ref().map(ToString::to_string);
    if id.is_none() || id != before.organization_id {
        return;
    }
    for intent in &mut one.intents {
        let mut known = before.intents.iter();
        if unread.contains(&intent.intent)
            && let Some(known) = known.find(|known| known.intent == intent.intent)
            && let Some(known) = read(known)
        {
            *intent = known;
        }
    }
}

/// Returns the reason by which a status calls a change held, if it is about this generation.
fn held(before: &PortalOrganizationStatus, generation: i64) -> Option<BlockedReason> {
    let mut conditions = before.conditions.iter();
    let synced = conditions.find(|one| one.kind == SYNCED)?;
    let is_held = synced.reason == Reason::Held.as_str();
    let is_current = synced.observed_generation == Some(generation);
    (is_held && is_current).then(|| BlockedReason::new(Reason::Held, synced.message.clone()))
}

/// Reads the readiness of an intent from a status, if this version knows its words.
fn read(status: &IntentStatus) -> Option<IntentReadiness> {
    let IntentStatus {
        intent,
        state,
        since,
        turn,
        reason,
        next_step,
    } = status;
    Some(IntentReadiness {
        intent: *intent,
        state: State::ALL.into_iter().find(|one| one.as_str() == state)?,
        since: *since,
        turn: Turn::ALL.into_iter().find(|one| one.as_str() == turn)?,
        reason: reason.clone().unwrap_or_else(|| state.clone()),
        next_step: next_step.clone(),
        evidence: Vec::new(),
        basis: portalctl_core::readiness::Basis::Read,
        missing_domain: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use portalctl_model::{OrgKey, OrganizationId};

    fn unasked(intent: Intent) -> IntentReadiness {
        IntentReadiness {
            intent,
            state: State::Unknown,
            since: None,
            turn: Turn::None,
            reason: "not asked yet".to_owned(),
            next_step: None,
            evidence: Vec::new(),
            basis: portalctl_core::readiness::Basis::Read,
            missing_domain: None,
        }
    }

    fn states(id: &str, state: &str) -> Vec<State> {
        let mut one = OrganizationReadiness {
            key: OrgKey::parse("acme").unwrap(),
            name: None,
            organization_id: Some(OrganizationId::from_api("org_1".to_owned())),
            intents: vec![unasked(Intent::AuditLogs), unasked(Intent::Sso)],
            invitation: None,
        };
        let said = |intent: &str| json!({ "intent": intent, "state": state, "turn": "none" });
        let before = json!({
            "organizationId": id, "intents": [said("audit_logs"), said("sso")],
        });
        let before = serde_json::from_value(before).unwrap();
        restore_intents(&mut one, &BTreeSet::from([Intent::AuditLogs]), &before);
        one.intents.iter().map(|intent| intent.state).collect()
    }

    #[test]
    fn what_was_held_is_so_for_the_same_version_of_the_resource() {
        let said = |reason: &str| {
            let synced = json!({
                "type": "Synced", "status": "False", "reason": reason, "message": "too many",
                "observedGeneration": 2, "lastTransitionTime": "2026-01-02T03:04:05Z",
            });
            serde_json::from_value(json!({ "conditions": [synced] })).unwrap()
        };
        let blocked = held(&said("Held"), 2).unwrap();
        assert_eq!(blocked.message, "too many");
        assert!(held(&said("Held"), 3).is_none());
        assert!(held(&said("Conflict"), 2).is_none());
    }

    #[test]
    fn what_was_not_asked_yet_stands_as_it_was_said_of_the_same_organization() {
        let (configured, unknown) = (State::Configured, State::Unknown);
        assert_eq!(states("org_1", "configured"), [configured, unknown]);
        assert_eq!(states("org_2", "configured"), [unknown, unknown]);
        assert_eq!(states("org_1", "a later word"), [unknown, unknown]);
    }
}
