//! Reads the log of events, forward only.
//!
//! `GET /events` is no list like the others: it is oldest first whatever `order` says, ignores
//! `before`, refuses `after` beside `range_start`, keeps 90 days and shows at most 30 of them at a
//! time. (Sources: the reference of `GET /events`; workos-node#1610 for `order`.) A read therefore
//! opens a window by time until one holds events, and goes on by cursor from there:
//!
//! ```text
//! since ──▶ [window of 30 days: empty] ──▶ [window: events] ──▶ after=event_… ──▶ end
//!                                                                    │ ended over 30 days ago?
//!                                                                    └──▶ next window
//! ```
//!
//! Goes in: a way to fetch one page, and the time to begin at. Comes out: every event since then,
//! once. A page that repeats what was read means that the cursor was lost, which is an error.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::ApiError;
use super::paging::{ListError, MAX_BYTES, MAX_PAGES, Page};
use portalctl_model::observed::Event;

/// Longest stretch of time that one request may name.
const WINDOW: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Age of the oldest event that is asked for: an hour less than WorkOS keeps, because the clocks
/// of both sides may differ.
const RETENTION: SignedDuration = SignedDuration::from_hours(24 * 90 - 1);
/// Overlap of two windows: both of a window's ends are exclusive.
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);

/// Beginning of a page of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    /// At a time, up to another one or to the present.
    Window {
        /// `range_start`
        start: Timestamp,
        /// `range_end`; absent in the last window, so that no clock cuts the newest events off.
        end: Option<Timestamp>,
    },
    /// After the event with this id.
    After(String),
}

impl Position {
    /// The window of 30 days that begins at a time.
    fn window(start: Timestamp, now: Timestamp) -> Self {
        let end = start.checked_add(WINDOW).ok().filter(|end| *end < now);
        Self::Window { start, end }
    }
}

/// Reads every event since a time, or all that WorkOS keeps; sorted by id.
pub(super) async fn read<F, Fut>(
    fetch: F,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<Event>, ListError>
where
    F: Fn(Position) -> Fut,
    Fut: Future<Output = Result<Page<Event>, ApiError>>,
{
    let oldest = now.checked_sub(RETENTION).unwrap_or(Timestamp::MIN);
    let start = since.map_or(oldest, |since| since.max(oldest));
    let mut log = Log::default();
    let mut position = Position::window(start, now);
    let mut bytes = 0_usize;
    for _ in 0..MAX_PAGES {
        let page = fetch(position.clone()).await.map_err(ListError::Api)?;
        bytes = bytes.saturating_add(page.size);
        if bytes > MAX_BYTES {
            return Err(ListError::Endless);
        }
        match log.take(&position, page, now)? {
            Some(next) => position = next,
            None => return Ok(log.events.into_values().collect()),
        }
    }
    Err(ListError::Endless)
}

/// Events read so far.
#[derive(Default)]
struct Log {
    /// By id.
    events: BTreeMap<String, Event>,
    /// Time of the newest one.
    newest: Option<Timestamp>,
}

impl Log {
    /// Adds a page; returns where the next one begins, or nothing at the end of the log.
    fn take(
        &mut self,
        position: &Position,
        page: Page<Event>,
        now: Timestamp,
    ) -> Result<Option<Position>, ListError> {
        let Page {
            items,
            after,
            says_more,
            ..
        } = page;
        // Without `list_metadata` only an empty page is the end.
        let has_more = after.is_some() || (!says_more && !items.is_empty());
        let named = items.iter().rfind(|event| !event.id.is_empty());
        let last = named.map(|event| event.id.clone());
        let known = self.events.len();
        for event in items {
            self.newest = self.newest.max(event.created_at);
            self.events.insert(event.id.clone(), event);
        }
        let next = last.filter(|_| self.events.len() > known);
        Ok(match (position, next) {
            // The cursor goes on behind the window's last event, whatever the window's own end.
            (Position::Window { .. }, Some(last)) if has_more => Some(Position::After(last)),
            (Position::Window { end, .. }, _) => {
                end.map(|end| Position::window(end.checked_sub(OVERLAP).unwrap_or(end), now))
            }
            (Position::After(_), Some(last)) if has_more => Some(Position::After(last)),
            // A cursor that starts over, as the official emulator's does when it is unknown.
            (Position::After(_), None) if has_more => return Err(ListError::Unstable),
            // Whether a cursor alone reaches further than a window is not documented.
            (Position::After(_), _) => self
                .newest
                .filter(|newest| now.duration_since(*newest) > WINDOW)
                .map(|newest| Position::window(newest, now)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use portalctl_model::observed::EventKind;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn now() -> Timestamp {
        "2026-11-30T12:00:00Z".parse().unwrap()
    }

    fn event(number: usize, at: Timestamp) -> Event {
        Event {
            id: format!("event_{number:06}"),
            kind: EventKind::KeyDeleted,
            organization_id: None,
            connection_id: None,
            certificate_ends: None,
            domain: None,
            reason: None,
            verified: None,
            object_updated_at: None,
            created_at: Some(at),
        }
    }

    /// WorkOS's log: oldest first, 100 a page, at most 30 days at a time.
    struct Server {
        events: Vec<Event>,
        asked: Mutex<Vec<Position>>,
    }

    impl Server {
        fn new(ages_in_days: impl IntoIterator<Item = i64>) -> Self {
            let ages = ages_in_days.into_iter().enumerate();
            let events =
                ages.map(|(number, age)| event(number, now() - DAY * i32::try_from(age).unwrap()));
            Self {
                events: events.collect(),
                asked: Mutex::default(),
            }
        }

        fn page(&self, position: &Position) -> Page<Event> {
            self.asked.lock().unwrap().push(position.clone());
            let is_within = |event: &&Event| match position {
                Position::After(id) => event.id > *id,
                Position::Window { start, end } => {
                    let limit = *start + WINDOW;
                    let end = end.map_or(limit, |end| end.min(limit));
                    event.created_at.is_some_and(|at| at > *start && at < end)
                }
            };
            let mut rest = self.events.iter().filter(is_within);
            let items: Vec<Event> = rest.by_ref().take(100).cloned().collect();
            let after = rest.next().and(items.last()).map(|last| last.id.clone());
            Page {
                items,
                after,
                says_more: true,
                size: 1,
            }
        }

        async fn read(&self, since: Option<Timestamp>) -> Result<Vec<Event>, ListError> {
            read(
                |position| async move { Ok(self.page(&position)) },
                since,
                now(),
            )
            .await
        }
    }

    #[tokio::test]
    async fn every_event_of_ninety_days_is_read_once_whatever_their_number() {
        let server = Server::new((0..330).map(|number| 80 - number * 80 / 330));
        let read = server.read(None).await.unwrap();
        assert_eq!(read, server.events);
    }

    #[tokio::test]
    async fn a_log_without_events_costs_three_requests() {
        let server = Server::new([]);
        assert_eq!(server.read(None).await.unwrap(), []);
        assert_eq!(server.asked.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_gap_longer_than_a_window_hides_nothing() {
        let server = Server::new([85, 84, 40, 2]);
        assert_eq!(server.read(None).await.unwrap().len(), 4);
        // A server whose cursors reach no further than its windows.
        let ends = |position: Position| {
            let mut page = server.page(&position);
            if let Position::After(_) = position {
                page.items
                    .retain(|event| event.created_at < Some(now() - DAY * 80));
                page.after = None;
            }
            async move { Ok(page) }
        };
        assert_eq!(read(ends, None, now()).await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn a_read_since_a_time_begins_there_in_one_window() {
        let server = Server::new([20, 3, 1]);
        let read = server.read(Some(now() - DAY * 2)).await.unwrap();
        assert_eq!(read.len(), 1);
        let asked = server.asked.lock().unwrap();
        let start = now() - DAY * 2;
        assert_eq!(asked.first(), Some(&Position::Window { start, end: None }));
    }

    #[tokio::test]
    async fn a_cursor_that_starts_over_is_an_error_and_no_end() {
        let server = Server::new([3, 2, 1]);
        let fetch = |position: Position| {
            let position = match position {
                Position::After(_) => Position::window(now() - DAY * 5, now()),
                window @ Position::Window { .. } => window,
            };
            let page = server.page(&position);
            async move {
                Ok(Page {
                    after: page.items.last().map(|event| event.id.clone()),
                    ..page
                })
            }
        };
        let failed = read(fetch, None, now()).await;
        assert_eq!(failed, Err(ListError::Unstable));
    }
}
