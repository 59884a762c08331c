//! What is new about resources, told as Kubernetes Events.

use futures::stream::{self, StreamExt};

use super::announce::News;
use super::conditions::{SYNCED, Trouble};
use super::reason::Reason;
use super::reconcile::Reconciler;
use super::report::Said;
use portalctl_core::readiness::State;
use portalctl_manifest::kubernetes::{Condition, ConditionStatus, PortalOrganizationStatus};

/// How many events are written at once.
pub(super) const CONCURRENT_EVENTS: usize = 8;

/// Whose news are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Those of every resource.
    EveryResource,
    /// Those of resources that are being deleted.
    WhatIsLeaving,
}

/// Something to tell about a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    News(News, String),
    Trouble(Trouble),
}

impl Reconciler {
    /// Tells what is new.
    pub(super) async fn tell(&self, said: &[Said<'_>], audience: Audience) {
        let is_heard = |said: &&Said<'_>| match audience {
            Audience::EveryResource => true,
            Audience::WhatIsLeaving => said.entry.is_leaving(),
        };
        let told = said.iter().filter(is_heard).flat_map(|said| {
            let new = what_is_new(&said.before, &said.after);
            new.into_iter().map(|told| (&said.entry.object, told))
        });
        let (announcer, metrics) = (&self.context.announcer, &self.context.metrics);
        let telling = stream::iter(told).map(async |(object, told)| match told {
            Told::News(news, note) => announcer.organization(object, news, &note).await,
            Told::Trouble(trouble) => {
                metrics.trouble(trouble.reason);
                announcer.organization_trouble(object, &trouble).await;
            }
        });
        telling
            .buffer_unordered(CONCURRENT_EVENTS)
            .collect::<()>()
            .await;
    }
}

/// What somebody should know of a status that moved. Pure.
fn what_is_new(before: &PortalOrganizationStatus, after: &PortalOrganizationStatus) -> Vec<Told> {
    let mut told = intents_that_moved(before, after);
    let (was, is) = (
        synced_reason(&before.conditions),
        synced_reason(&after.conditions),
    );
    if was == is {
        return told;
    }
    let paused = Reason::Paused.as_str();
    let (was_paused, is_paused) = (
        was.is_some_and(|(reason, _)| reason == paused),
        is.is_some_and(|(reason, _)| reason == paused),
    );
    if is_paused && !was_paused {
        told.push(Told::News(
            News::Paused,
            "nothing is written to WorkOS".to_owned(),
        ));
    } else if was_paused && !is_paused {
        told.push(Told::News(
            News::Resumed,
            "written to WorkOS again".to_owned(),
        ));
    }
    told.extend(trouble_in(&after.conditions).map(Told::Trouble));
    told
}

/// Why a resource is in sync or not, and whether it is.
pub(super) fn synced_reason(conditions: &[Condition]) -> Option<(&str, ConditionStatus)> {
    let synced = conditions.iter().find(|one| one.kind == SYNCED)?;
    Some((&synced.reason, synced.status))
}

/// What is wrong with a resource, when somebody should know.
fn trouble_in(conditions: &[Condition]) -> Option<Trouble> {
    let synced = conditions.iter().find(|one| one.kind == SYNCED)?;
    let reason = Reason::ALL
        .iter()
        .find(|reason| reason.as_str() == synced.reason)?;
    let is_trouble = !matches!(
        reason,
        Reason::InSync | Reason::Pending | Reason::Paused | Reason::ObserveOnly
    );
    is_trouble.then(|| Trouble::new(*reason, synced.message.clone()))
}

/// The intents that a customer has finished, and those that broke. What was not known before is
/// nothing new.
fn intents_that_moved(
    before: &PortalOrganizationStatus,
    after: &PortalOrganizationStatus,
) -> Vec<Told> {
    let configured = State::Configured.as_str();
    let attention = State::Attention.as_str();
    let mut told = Vec::new();
    for intent in &after.intents {
        let mut known = before.intents.iter();
        let was = known.find(|one| one.intent == intent.intent);
        let Some(was) = was.filter(|was| was.state != intent.state) else {
            continue;
        };
        let reason = intent.reason.as_deref().unwrap_or_default();
        let title = intent.intent.title();
        if intent.state == configured {
            told.push(Told::News(
                News::IntentConfigured,
                format!("{title}: {reason}"),
            ));
        } else if intent.state == attention {
            let note = format!("{title} was {}, and now: {reason}", was.state);
            told.push(Told::News(News::NeedsAttention, note));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(synced: &str, intent: &str) -> PortalOrganizationStatus {
        let status: Value = json!({
            "conditions": [{
                "type": "Synced", "status": "False", "reason": synced, "message": "why",
                "lastTransitionTime": "2026-01-02T03:04:05Z",
            }],
            "intents": [{ "intent": "sso", "state": intent, "turn": "none", "reason": "because" }],
        });
        serde_json::from_value(status).unwrap()
    }

    fn told(before: &PortalOrganizationStatus, after: &PortalOrganizationStatus) -> Vec<String> {
        let told = what_is_new(before, after).into_iter();
        told.map(|told| format!("{told:?}")).collect()
    }

    #[test]
    fn what_did_not_move_is_not_told() {
        for reason in ["InSync", "Paused", "Conflict"] {
            let status = status(reason, "configured");
            assert_eq!(told(&status, &status), Vec::<String>::new(), "{reason}");
        }
    }

    #[test]
    fn what_a_customer_finished_is_told_once_and_what_broke_with_what_it_was() {
        let before = status("InSync", "in_progress");
        let done = status("InSync", "configured");
        let broken = status("InSync", "attention");
        assert_eq!(
            told(&before, &done),
            ["News(IntentConfigured, \"single sign-on: because\")"]
        );
        assert_eq!(
            told(&done, &broken),
            ["News(NeedsAttention, \"single sign-on was configured, and now: because\")"]
        );
        let unknown = PortalOrganizationStatus::default();
        assert_eq!(told(&unknown, &done), Vec::<String>::new());
    }

    #[test]
    fn pausing_resuming_and_trouble_are_told() {
        let (good, paused) = (status("InSync", "unknown"), status("Paused", "unknown"));
        let conflict = status("Conflict", "unknown");
        assert!(told(&good, &paused)[0].starts_with("News(Paused"));
        assert!(told(&paused, &good)[0].starts_with("News(Resumed"));
        assert!(told(&good, &conflict)[0].starts_with("Trouble("));
        assert!(told(&conflict, &good).is_empty());
    }
}
