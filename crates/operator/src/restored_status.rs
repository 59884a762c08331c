//! What is known from before this process: a status that somebody wrote when it was asked.
//!
//! What can only be asked one by one is asked little by little. Until it is, what a status says of the
//! same organization stands: a process that takes over is no news to anybody.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::generation;
use super::cache::Cache;
use super::conditions::Reason;
use super::conditions::{BlockedReason, SYNCED};
use super::diff::Diff;
use super::entries::Entry;
use super::reconcile::Reconciler;
use portalctl_core::identity::Identities;
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, Readiness, State, Turn};
use portalctl_manifest::kubernetes::{IntentStatus, PortalOrganizationStatus};
use portalctl_model::desired::Desired;
use portalctl_model::observed::Observed;
use portalctl_model::{Intent, OrgKey};
use portalctl_workos::observe::refresh;

impl Reconciler {
    /// Puts what statuses say in the place of what this process has not asked yet.
    pub(super) fn recall(&self, readiness: &mut Readiness, entries: &[Entry], observed: &Observed) {
        let by_key: BTreeMap<&OrgKey, &Entry> = entries
            .iter()
            .filter_map(|entry| Some((entry.key()?, entry)))
            .collect();
        for one in &mut readiness.organizations {
            let (Some(id), Some(entry)) = (&one.organization_id, by_key.get(&one.key)) else {
                continue;
            };
            let untold = refresh::untold(observed, id);
            if one.intents.iter().any(|it| untold.contains(&it.intent)) {
                recall(one, &untold, &self.before(entry));
            }
        }
    }

    /// What was held stays so until everybody's IT contacts are known, which it may be about.
    pub(super) fn recall_held(
        &self,
        diff: &mut Diff,
        entries: &[Entry],
        desired: &Desired,
        cache: &Cache,
        identities: &Identities,
    ) {
        if refresh::knows_contacts(desired, &cache.observed, identities) {
            return;
        }
        for entry in entries {
            let declared = entry
                .key()
                .and_then(|key| desired.organizations.get_key_value(key));
            if let Some((key, declared)) = declared
                && !declared.it_contacts.is_empty()
                && !diff.by_key.contains_key(key)
                && let Some(held) = held(&self.before(entry), generation(entry))
            {
                diff.blocked.entry(key.clone()).or_insert(held);
            }
        }
    }
}

/// Puts what a status says in the place of what was not asked yet.
fn recall(
    one: &mut OrganizationReadiness,
    untold: &BTreeSet<Intent>,
    before: &PortalOrganizationStatus,
) {
    let id = one.organization_id.as_ref().map(ToString::to_string);
    if id.is_none() || id != before.organization_id {
        return;
    }
    for intent in &mut one.intents {
        let mut known = before.intents.iter();
        if untold.contains(&intent.intent)
            && let Some(known) = known.find(|known| known.intent == intent.intent)
            && let Some(known) = read(known)
        {
            *intent = known;
        }
    }
}

/// What a status says is held, if it says so of this version of the resource.
fn held(before: &PortalOrganizationStatus, generation: i64) -> Option<BlockedReason> {
    let mut conditions = before.conditions.iter();
    let synced = conditions.find(|one| one.kind == SYNCED)?;
    let is_held = synced.reason == Reason::Held.as_str();
    let is_current = synced.observed_generation == Some(generation);
    (is_held && is_current).then(|| BlockedReason::new(Reason::Held, synced.message.clone()))
}

/// What a status says of an intent, if this version knows its words.
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
        reason: reason.clone().unwrap_or_default(),
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
        recall(&mut one, &BTreeSet::from([Intent::AuditLogs]), &before);
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
