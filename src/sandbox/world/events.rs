//! The log of events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::World;
use super::refusal::Refusal;
use super::table::{Page, PageQuery, Record};

/// How many events are kept, whatever their age.
const MAX_EVENTS: usize = 100_000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `event_…`
    pub id: String,
    /// `organization.created` and the like.
    pub event: String,
    /// The organization that it is about.
    pub organization_id: String,
    /// The object, as it was then.
    pub data: Value,
    /// When it happened.
    pub created_at: Timestamp,
}

impl Record for Event {
    const KIND: &'static str = "Event";

    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.organization_id)
    }
}

/// Which events a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Those with one of these names; all if empty.
    pub events: Vec<String>,
    /// Those about one organization.
    pub organization_id: Option<String>,
    /// Those after this time.
    pub range_start: Option<Timestamp>,
    /// Those before this time.
    pub range_end: Option<Timestamp>,
}

impl World {
    /// Writes down that something happened.
    pub(super) fn emit(&mut self, now: Timestamp, event: &str, organization_id: &str, data: Value) {
        let id = self.ids.id("event", now);
        let event = Event {
            id,
            event: event.to_owned(),
            organization_id: organization_id.to_owned(),
            data,
            created_at: now,
        };
        if let Some(news) = &mut self.news {
            news.push(event.clone());
        }
        self.events.insert(event);
        self.events.keep_newest(MAX_EVENTS);
    }

    /// Begins to keep what happens for [`World::take_news`].
    pub fn keep_news(&mut self) {
        self.news.get_or_insert_default();
    }

    /// What has happened since it was last asked for.
    pub fn take_news(&mut self) -> Vec<Event> {
        self.news.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A page of events. Source: `GET /events`.
    pub fn list_events(
        &self,
        query: &PageQuery,
        filter: &EventFilter,
    ) -> Result<Page<&Event>, Refusal> {
        let EventFilter {
            events,
            organization_id,
            range_start,
            range_end,
        } = filter;
        let matches = |event: &Event| {
            (events.is_empty() || events.contains(&event.event))
                && range_start.is_none_or(|start| event.created_at > start)
                && range_end.is_none_or(|end| event.created_at < end)
        };
        match organization_id {
            Some(owner) => self.events.page_owned_by(owner, query, matches),
            None => self.events.page(query, matches),
        }
    }

    /// Every event that is kept, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }
}
