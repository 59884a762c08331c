//! Kubernetes Events: what people see under `kubectl describe`. The same one again within some
//! minutes is counted on the first, not told anew. No link, no address, no secret.

use futures::stream::{self, StreamExt};
use kube::Resource;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use super::conditions::Reason;
use super::conditions::{BlockedReason, SYNCED};
use super::reconcile::Reconciler;
use super::report::StatusChange;
use super::resource::{PortalEnvironment, PortalOrganization};
use portalctl_core::readiness::State;
use portalctl_manifest::kubernetes::{Condition, ConditionStatus, PortalOrganizationStatus};
use portalctl_model::text::escape;

/// The longest note that the API server takes, in bytes.
const MAX_NOTE: usize = 1000;

/// What is told: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EventReason {
    /// An organization was created at WorkOS.
    OrganizationCreated,
    /// An organization that nobody claimed was taken over.
    OrganizationAdopted,
    /// An organization was changed at WorkOS.
    OrganizationUpdated,
    /// The former holder of an organization is gone, and this resource holds it now.
    HandedOver,
    /// An organization was written without its IT contacts, which are not to be had.
    ContactsUnavailable,
    /// WorkOS e-mailed an IT contact.
    InvitationSent,
    /// An organization was deleted at WorkOS.
    OrganizationDeleted,
    /// The customer has configured an intent.
    IntentConfigured,
    /// Something that worked does not any more.
    NeedsAttention,
    /// The resource was released without deleting the organization.
    Released,
    /// Nothing is written for the resource.
    Paused,
    /// Something is written again.
    Resumed,
}

impl EventReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::OrganizationCreated => "OrganizationCreated",
            Self::OrganizationAdopted => "OrganizationAdopted",
            Self::OrganizationUpdated => "OrganizationUpdated",
            Self::HandedOver => "HandedOver",
            Self::ContactsUnavailable => "ContactsUnavailable",
            Self::InvitationSent => "InvitationSent",
            Self::OrganizationDeleted => "OrganizationDeleted",
            Self::IntentConfigured => "IntentConfigured",
            Self::NeedsAttention => "NeedsAttention",
            Self::Released => "Released",
            Self::Paused => "Paused",
            Self::Resumed => "Resumed",
        }
    }

    const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::NeedsAttention | Self::Released | Self::ContactsUnavailable
        )
    }
}

/// Tells what happened.
#[derive(Clone)]
pub(super) struct EventRecorder {
    recorder: Recorder,
}

impl EventRecorder {
    /// One that speaks for a process.
    pub(super) fn new(client: kube::Client, identity: &str) -> Self {
        let reporter = Reporter {
            controller: "portalctl.dev/operator".to_owned(),
            instance: Some(identity.chars().take(128).collect()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Tells something of an organization.
    pub(super) async fn organization(
        &self,
        object: &PortalOrganization,
        news: EventReason,
        note: &str,
    ) {
        self.publish(object, news.as_str(), news.is_warning(), note)
            .await;
    }

    /// Tells something of an environment.
    pub(super) async fn environment(
        &self,
        object: &PortalEnvironment,
        news: EventReason,
        note: &str,
    ) {
        self.publish(object, news.as_str(), news.is_warning(), note)
            .await;
    }

    /// Tells why an organization is not as declared.
    pub(super) async fn organization_trouble(
        &self,
        object: &PortalOrganization,
        blocked: &BlockedReason,
    ) {
        self.publish(object, blocked.reason.as_str(), true, &blocked.message)
            .await;
    }

    /// Tells why an environment cannot be worked on.
    pub(super) async fn environment_trouble(
        &self,
        object: &PortalEnvironment,
        blocked: &BlockedReason,
    ) {
        self.publish(object, blocked.reason.as_str(), true, &blocked.message)
            .await;
    }

    async fn publish<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        reason: &str,
        is_warning: bool,
        note: &str,
    ) {
        let mut note = escape(note).into_owned();
        note.truncate(note.floor_char_boundary(MAX_NOTE));
        let event = Event {
            type_: if is_warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: reason.to_owned(),
            note: Some(note),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let told = self.recorder.publish(&event, &object.object_ref(&())).await;
        if let Err(error) = told {
            // Nobody's work depends on it.
            tracing::debug!(%error, reason, "an event was not taken");
        }
    }
}

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
    EventReason(EventReason, String),
    Blocked(BlockedReason),
}

impl Reconciler {
    /// Tells what is new.
    pub(super) async fn tell(&self, said: &[StatusChange<'_>], audience: Audience) {
        let is_heard = |said: &&StatusChange<'_>| match audience {
            Audience::EveryResource => true,
            Audience::WhatIsLeaving => said.entry.is_being_deleted(),
        };
        let told = said.iter().filter(is_heard).flat_map(|said| {
            let new = what_is_new(&said.before, &said.after);
            new.into_iter().map(|told| (&said.entry.object, told))
        });
        let (events, metrics) = (&self.context.events, &self.context.metrics);
        let telling = stream::iter(told).map(async |(object, told)| match told {
            Told::EventReason(news, note) => events.organization(object, news, &note).await,
            Told::Blocked(blocked) => {
                metrics.blocked(blocked.reason);
                events.organization_trouble(object, &blocked).await;
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
        told.push(Told::EventReason(
            EventReason::Paused,
            "nothing is written to WorkOS".to_owned(),
        ));
    } else if was_paused && !is_paused {
        told.push(Told::EventReason(
            EventReason::Resumed,
            "written to WorkOS again".to_owned(),
        ));
    }
    told.extend(trouble_in(&after.conditions).map(Told::Blocked));
    told
}

/// Why a resource is in sync or not, and whether it is.
pub(super) fn synced_reason(conditions: &[Condition]) -> Option<(&str, ConditionStatus)> {
    let synced = conditions.iter().find(|one| one.kind == SYNCED)?;
    Some((&synced.reason, synced.status))
}

/// What is wrong with a resource, when somebody should know.
fn trouble_in(conditions: &[Condition]) -> Option<BlockedReason> {
    let synced = conditions.iter().find(|one| one.kind == SYNCED)?;
    let reason = Reason::ALL
        .iter()
        .find(|reason| reason.as_str() == synced.reason)?;
    let is_trouble = !matches!(
        reason,
        Reason::InSync | Reason::Pending | Reason::Paused | Reason::ObserveOnly
    );
    is_trouble.then(|| BlockedReason::new(*reason, synced.message.clone()))
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
            told.push(Told::EventReason(
                EventReason::IntentConfigured,
                format!("{title}: {reason}"),
            ));
        } else if intent.state == attention {
            let note = format!("{title} was {}, and now: {reason}", was.state);
            told.push(Told::EventReason(EventReason::NeedsAttention, note));
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
            ["EventReason(IntentConfigured, \"single sign-on: because\")"]
        );
        assert_eq!(
            told(&done, &broken),
            ["EventReason(NeedsAttention, \"single sign-on was configured, and now: because\")"]
        );
        let unknown = PortalOrganizationStatus::default();
        assert_eq!(told(&unknown, &done), Vec::<String>::new());
    }

    #[test]
    fn pausing_resuming_and_trouble_are_told() {
        let (good, paused) = (status("InSync", "unknown"), status("Paused", "unknown"));
        let conflict = status("Conflict", "unknown");
        assert!(told(&good, &paused)[0].starts_with("EventReason(Paused"));
        assert!(told(&paused, &good)[0].starts_with("EventReason(Resumed"));
        assert!(told(&good, &conflict)[0].starts_with("Blocked("));
        assert!(told(&conflict, &good).is_empty());
    }
}
