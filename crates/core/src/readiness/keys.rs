//! Bring your own key: what events tell, as far back as WorkOS keeps them.

use super::{Evidence, Finding, PortalSteps, State, Subject, Turn};
use portalctl_model::Intent;
use portalctl_model::observed::{Event, EventKind, History};
use portalctl_model::text::escape;

pub(super) fn bring_your_own_key(subject: &Subject<'_>) -> Finding {
    let portal = PortalSteps::of(subject, Intent::BringYourOwnKey);
    let events = match &subject.observed.history {
        History::Read(events) => events,
        History::Failed(why) => return Finding::failed(why),
        History::NotAvailable(message) => return Finding::not_entitled(message),
        History::NotRead => {
            return Finding::not_read("events were");
        }
    };
    let is_about = |event: &&Event| {
        let kinds = [EventKind::KeyVerificationCompleted, EventKind::KeyDeleted];
        event.organization_id.as_ref() == Some(&subject.live.id) && kinds.contains(&event.kind)
    };
    let latest = events
        .iter()
        .filter(is_about)
        .max_by_key(|event| (event.created_at, &event.id));
    let Some(event) = latest else {
        let reason = "no event that WorkOS still has tells of a key; an older one may be in use";
        return Finding::new(State::Unknown, Turn::Customer, reason).next(portal.first());
    };
    let again = portal.after("send the customer's IT admin to the Admin Portal");
    let finding = match (&event.kind, event.verified) {
        (EventKind::KeyVerificationCompleted, Some(false)) => {
            let reason = "the customer's key could not be verified";
            Finding::new(State::Attention, Turn::Customer, reason).next(again)
        }
        (EventKind::KeyVerificationCompleted, Some(true) | None) => Finding::new(
            State::Configured,
            Turn::None,
            "the customer's key is verified",
        ),
        _ => Finding::new(
            State::Attention,
            Turn::Customer,
            "the customer's key was deleted",
        )
        .next(again),
    };
    finding.since(event.created_at).with(vec![Evidence {
        object: "event",
        id: Some(event.id.clone()),
        kind: None,
        state: escape(event.kind.as_str()).into_owned(),
        since: event.created_at,
    }])
}
