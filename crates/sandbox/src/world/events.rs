//! Event log.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::World;
use super::refusal::{FieldError, Refusal};
use super::table::{Page, PageQuery, record};

/// Most events that are kept, whatever their age.
const MAX_EVENTS: usize = 100_000;

/// Longest time range of one request. Source: the reference of `GET /events`.
const EVENT_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Event of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `event_…`
    pub id: String,
    /// Name, such as `organization.created`.
    pub event: String,
    /// Organization of the event.
    pub organization_id: String,
    /// Object, as it was at the time of the event.
    pub data: Value,
    /// Time of the event.
    pub created_at: Timestamp,
}

record!(Event, "Event", organization_id);

/// Filter of a list of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Names of the events; a request without any is refused.
    pub events: Vec<String>,
    /// Restricts the list to one organization.
    pub organization_id: Option<String>,
    /// Earliest time, excluded.
    pub range_start: Option<Timestamp>,
    /// Latest time, excluded.
    pub range_end: Option<Timestamp>,
}

impl World {
    /// Appends an event.
    pub(super) fn emit(&mut self, now: Timestamp, event: &str, organization_id: &str, data: Value) {
        let id = self.ids.id("event", now);
        let event = Event {
            id,
            event: event.to_owned(),
            organization_id: organization_id.to_owned(),
            data,
            created_at: now,
        };
        if let Some(unsent) = &mut self.unsent {
            unsent.push(event.clone());
        }
        self.events.insert(event);
        self.events.keep_newest(MAX_EVENTS);
    }

    /// Starts collecting events for [`World::take_unsent`].
    pub fn keep_news(&mut self) {
        self.unsent.get_or_insert_default();
    }

    /// Returns the events since the last call.
    pub fn take_unsent(&mut self) -> Vec<Event> {
        self.unsent.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Returns a page of events. Source: `GET /events`.
    ///
    /// The names of events are required; a cursor and `range_start` exclude each other; without a
    /// cursor at most 30 days are shown: those from `range_start` on, else the latest.
    pub fn list_events(
        &self,
        now: Timestamp,
        query: &PageQuery,
        filter: &EventFilter,
    ) -> Result<Page<&Event>, Refusal> {
        let EventFilter {
            events,
            organization_id,
            range_start,
            range_end,
        } = filter;
        if events.is_empty() {
            return Err(Refusal::invalid(FieldError::new("events", "required")));
        }
        if query.after.is_some() && range_start.is_some() {
            return Err(Refusal::invalid(FieldError::new(
                "range_start",
                "not_with_after",
            )));
        }
        let (start, end) = window(now, query, *range_start, *range_end)?;
        let matches = |event: &Event| {
            events.contains(&event.event)
                && start.is_none_or(|start| event.created_at > start)
                && end.is_none_or(|end| event.created_at < end)
        };
        match organization_id {
            Some(owner) => self.events.page_owned_by(owner, query, matches),
            None => self.events.page(query, matches),
        }
    }

    /// Returns every event that is kept, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }
}

/// Returns the time range of a request, its ends excluded.
fn window(
    now: Timestamp,
    query: &PageQuery,
    range_start: Option<Timestamp>,
    range_end: Option<Timestamp>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
    if query.after.is_some() {
        return Ok((None, range_end));
    }
    let Some(start) = range_start else {
        let latest = range_end.unwrap_or(now).checked_sub(EVENT_WINDOW);
        return Ok((latest.ok(), range_end));
    };
    let limit = start.checked_add(EVENT_WINDOW).unwrap_or(Timestamp::MAX);
    match range_end {
        Some(end) if end > limit => Err(Refusal::invalid(FieldError::new(
            "range_end",
            "range_too_long",
        ))),
        Some(end) => Ok((Some(start), Some(end))),
        None => Ok((Some(start), Some(limit))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        start + SignedDuration::from_hours(24 * number)
    }

    /// Builds a world with an event on each of the first eighty days.
    fn world() -> World {
        let mut world = World::new(1);
        for number in 0..80 {
            world.emit(day(number), "organization.created", "org_1", Value::Null);
        }
        world
    }

    fn filter(range_start: Option<Timestamp>, range_end: Option<Timestamp>) -> EventFilter {
        EventFilter {
            events: vec!["organization.created".to_owned()],
            organization_id: None,
            range_start,
            range_end,
        }
    }

    fn query(after: Option<String>) -> PageQuery {
        PageQuery {
            after,
            limit: 100,
            order: super::super::table::Order::Asc,
            ..PageQuery::default()
        }
    }

    #[test]
    fn thirty_days_are_shown_at_a_time_and_a_cursor_reaches_the_present() {
        let world = world();
        let shown = |range_start, range_end, after| {
            let page = world.list_events(day(80), &query(after), &filter(range_start, range_end));
            page.unwrap().data.len()
        };
        assert_eq!(shown(None, None, None), 29);
        assert_eq!(shown(Some(day(0)), None, None), 29);
        assert_eq!(shown(Some(day(0)), Some(day(10)), None), 9);
        let first = world.events().next().unwrap().id.clone();
        assert_eq!(shown(None, None, Some(first)), 79);
    }

    #[test]
    fn what_workos_refuses_of_a_request_for_events_is_refused() {
        let world = world();
        let refused = |query: &PageQuery, filter: &EventFilter| {
            let refusal = world.list_events(day(80), query, filter).unwrap_err();
            refusal.fields()[0].field.clone()
        };
        let nameless = EventFilter::default();
        assert_eq!(refused(&query(None), &nameless), "events");
        let first = world.events().next().unwrap().id.clone();
        let both = filter(Some(day(0)), None);
        assert_eq!(refused(&query(Some(first)), &both), "range_start");
        let long = filter(Some(day(0)), Some(day(31)));
        assert_eq!(refused(&query(None), &long), "range_end");
    }
}
