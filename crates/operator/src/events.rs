//! Kubernetes Events of both resources, as `kubectl describe` shows them.
//!
//! Goes in: results of writes, and statuses before and after a pass. An event that repeats within some
//! minutes is counted on the first one. No event holds a link, an address or a secret.

use kube::Resource;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use super::conditions::{BlockedReason, Reason, SYNCED, named, synced_reason};
use portalctl_core::readiness::State;
use portalctl_manifest::kubernetes::{Condition, PortalOrganizationStatus};
use portalctl_model::text::escape;

/// Longest note of an event in bytes, a limit of the API server.
const MAX_NOTE: usize = 1000;

named! {
    /// Machine-readable reason of an event that reports no error.
    EventReason {
        /// An organization was created at WorkOS.
        OrganizationCreated,
        /// An organization without a holder was taken over.
        OrganizationAdopted,
        /// An organization was changed at WorkOS.
        OrganizationUpdated,
        /// The former holder of the organization is gone, and this resource holds it now.
        HandedOver,
        /// An organization was written without its IT contacts, which WorkOS does not offer.
        ContactsUnavailable,
        /// WorkOS e-mailed an IT contact.
        InvitationSent,
        /// An organization was deleted at WorkOS.
        OrganizationDeleted,
        /// The customer has configured an intent.
        IntentConfigured,
        /// An intent that worked does not work any more.
        NeedsAttention,
        /// The resource was released, and the organization kept.
        Released,
        /// Writing for the resource stopped.
        Paused,
        /// Writing for the resource goes on.
        Resumed,
    }
}

impl EventReason {
    const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::NeedsAttention | Self::Released | Self::ContactsUnavailable
        )
    }
}

/// Content of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// Something that happened, with its note.
    Event(EventReason, String),
    /// A reason why a resource is not as declared.
    Blocked(BlockedReason),
}

/// Writer of Kubernetes Events.
#[derive(Clone)]
pub(super) struct EventRecorder {
    recorder: Recorder,
}

impl EventRecorder {
    /// Creates a recorder for the process of this identity.
    pub(super) fn new(client: kube::Client, identity: &str) -> Self {
        let reporter = Reporter {
            controller: "portalctl.dev/operator".to_owned(),
            instance: Some(identity.chars().take(128).collect()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Writes an event about an object. A failure is logged only, since no work depends on it.
    pub(super) async fn publish<K>(&self, object: &K, notice: &Notice)
    where
        K: Resource<DynamicType = ()>,
    {
        let (reason, is_warning, note) = match notice {
            Notice::Event(reason, note) => (reason.as_str(), reason.is_warning(), note),
            Notice::Blocked(blocked) => (blocked.reason.as_str(), true, &blocked.message),
        };
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
        let written = self.recorder.publish(&event, &object.object_ref(&())).await;
        if let Err(error) = written {
            tracing::debug!(%error, reason, "an event was not written");
        }
    }
}

/// Returns the events that a change of a status calls for. Pure.
pub(super) fn new_notices(
    before: &PortalOrganizationStatus,
    after: &PortalOrganizationStatus,
) -> Vec<Notice> {
    let mut notices = moved_intents(before, after);
    let (was, is) = (
        synced_reason(&before.conditions),
        synced_reason(&after.conditions),
    );
    if was == is {
        return notices;
    }
    let is_paused = |synced: Option<(&str, _)>| {
        synced.is_some_and(|(reason, _)| reason == Reason::Paused.as_str())
    };
    match (is_paused(was), is_paused(is)) {
        (false, true) => notices.push(Notice::Event(
            EventReason::Paused,
            "nothing is written to WorkOS".to_owned(),
        )),
        (true, false) => notices.push(Notice::Event(
            EventReason::Resumed,
            "changes are written to WorkOS again".to_owned(),
        )),
        (true, true) | (false, false) => {}
    }
    notices.extend(blocked_in(&after.conditions).map(Notice::Blocked));
    notices
}

/// Returns the reason why a resource is not in sync, where a person should know.
fn blocked_in(conditions: &[Condition]) -> Option<BlockedReason> {
    let synced = conditions.iter().find(|one| one.kind == SYNCED)?;
    let mut reasons = Reason::ALL.iter();
    let reason = reasons.find(|reason| reason.as_str() == synced.reason)?;
    let is_expected = matches!(
        reason,
        Reason::InSync | Reason::Pending | Reason::Paused | Reason::ObserveOnly
    );
    (!is_expected).then(|| BlockedReason::new(*reason, synced.message.clone()))
}

/// Returns events for intents that the customer has configured and for those that broke. An intent
/// without an earlier state gives none.
fn moved_intents(
    before: &PortalOrganizationStatus,
    after: &PortalOrganizationStatus,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    for intent in &after.intents {
        let mut known = before.intents.iter();
        let was = known.find(|one| one.intent == intent.intent);
        let Some(was) = was.filter(|was| was.state != intent.state) else {
            continue;
        };
        let reason = intent.reason.as_deref().unwrap_or(&intent.state);
        let title = intent.intent.title();
        if intent.state == State::Configured.as_str() {
            notices.push(Notice::Event(
                EventReason::IntentConfigured,
                format!("{title}: {reason}"),
            ));
        } else if intent.state == State::Attention.as_str() {
            let note = format!("{title} was {}, and now: {reason}", was.state);
            notices.push(Notice::Event(EventReason::NeedsAttention, note));
        }
    }
    notices
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
        let told = new_notices(before, after).into_iter();
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
            ["Event(IntentConfigured, \"single sign-on: because\")"]
        );
        assert_eq!(
            told(&done, &broken),
            ["Event(NeedsAttention, \"single sign-on was configured, and now: because\")"]
        );
        let unknown = PortalOrganizationStatus::default();
        assert_eq!(told(&unknown, &done), Vec::<String>::new());
    }

    #[test]
    fn pausing_resuming_and_trouble_are_told() {
        let (good, paused) = (status("InSync", "unknown"), status("Paused", "unknown"));
        let conflict = status("Conflict", "unknown");
        assert!(told(&good, &paused)[0].starts_with("Event(Paused"));
        assert!(told(&paused, &good)[0].starts_with("Event(Resumed"));
        assert!(told(&good, &conflict)[0].starts_with("Blocked("));
        assert!(told(&conflict, &good).is_empty());
    }
}
