//! Reads a whole list while it may change.
//!
//! Goes in: a way to fetch one page. Comes out: every object that existed during the whole read,
//! once, sorted by id. A long list is read from both ends at once:
//!
//! ```text
//! newest ──▶ order=desc, page after page ──▶ ◀── order=asc, page after page ◀── oldest
//!                                         meet: everything has been read
//! ```
//!
//! Each reader covers the list from its end to its cursor, without a gap. When a page holds an
//! object that the other reader has, both together cover all of it. N objects cost at most ⌈N/100⌉ + 2
//! requests. Where more than a page is expected, both readers begin at once. This rests on
//! `asc` being the exact reverse of `desc` and on objects keeping their place, as they do when
//! lists are ordered by creation.
//!
//! A page that repeats what its own reader has means that the cursor was lost (the official
//! emulator starts over when the object it names was deleted). A reader that comes to the end of
//! the list without what the other one has was cut short. Either way the read starts over, a
//! bounded number of times: a list that changes at such a place during every pass is an error.
//!
//! A server that orders otherwise is never taken for one that was read whole: where both ends begin
//! with the same object, or the readers do not meet at their edges in reverse order, the list is
//! read forward from one end, page after page, until two passes agree and lack nothing at their end
//! that any pass had. From both ends, too, what an earlier pass had is gone only if two lack it.
//! Without `list_metadata` the last object of a page is the cursor, and only an empty page is the
//! end. Objects without an id take no part in any of this; they are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures::stream::{FuturesUnordered, StreamExt};

use super::{ApiError, ApiErrorKind};

/// The most objects of a page. Source: `limit` of the list endpoints.
pub(super) const PAGE_SIZE: usize = 100;
/// Most times that a read starts over.
const MAX_RESTARTS: u32 = 3;
/// The most pages of one read: 2.5 million objects, far beyond any real environment.
pub(super) const MAX_PAGES: usize = 25_000;
/// The most bytes of one read, which bounds the memory that a list without an end can take.
pub(super) const MAX_BYTES: usize = 2 * 1024 * 1024 * 1024;

/// An object of a list.
pub(super) trait Keyed {
    /// Returns the id, which is unique in the list and serves as a cursor.
    fn key(&self) -> &str;
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// The cursor of the next page; none on the last.
    pub(super) after: Option<String>,
    /// True where the answer says if there is a next page.
    pub(super) says_more: bool,
    /// Size of the page in bytes.
    pub(super) size: usize,
}

/// The order that a reader asks for: `before` cursors are not used, the emulator misreads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    NewestFirst,
    OldestFirst,
}

impl Order {
    /// The API's spelling.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NewestFirst => "desc",
            Self::OldestFirst => "asc",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::NewestFirst => 0,
            Self::OldestFirst => 1,
        }
    }
}

/// Reason why a list could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListError {
    /// A request failed.
    Api(ApiError),
    /// Every read was cut short by changes.
    Unstable,
    /// The list has more pages or bytes than any list can have.
    Endless,
}

/// From where a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Both,
    One,
}

/// Reads a whole list; `told` hears of every page's new objects.
#[cfg(test)]
pub(super) async fn read_all<T, F, Fut>(
    fetch: F,
    told: impl Fn(usize) + Sync,
) -> Result<Vec<T>, ListError>
where
    T: Keyed + Send,
    F: Fn(Order, Option<String>) -> Fut + Sync,
    Fut: Future<Output = Result<Page<T>, ApiError>> + Send,
{
    read_within(fetch, told, Size::default())
        .await
        .map(Option::unwrap_or_default)
}

/// Size of a list, as far as the caller knows it and cares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Requests that reading it may take; absent for any number.
    pub(super) most_requests: Option<usize>,
    /// Objects that it probably has, which changes the time that a read takes and not its result.
    pub(super) expected: usize,
}

/// Reads a whole list, or nothing when that takes more requests than its size allows.
pub(super) async fn read_within<T, F, Fut>(
    fetch: F,
    told: impl Fn(usize) + Sync,
    size: Size,
) -> Result<Option<Vec<T>>, ListError>
where
    T: Keyed + Send,
    F: Fn(Order, Option<String>) -> Fut + Sync,
    Fut: Future<Output = Result<Page<T>, ApiError>> + Send,
{
    let mut ends = Ends::Both;
    let mut passes = Passes::default();
    let mut known = BTreeSet::new();
    let mut restarts = 0;
    loop {
        let mut pass = <[Vec<String>; 2]>::default();
        let mut tell = |order: Order, new: Vec<String>| {
            let before = known.len();
            known.extend(new.iter().cloned());
            told(known.len() - before);
            let [newest, oldest] = &mut pass;
            match order {
                Order::NewestFirst => newest.extend(new),
                Order::OldestFirst => oldest.extend(new),
            }
        };
        match read_once(ends, &fetch, &mut tell, size).await {
            Ok(Some(items)) => {
                let found: BTreeSet<String> =
                    items.iter().map(|item| item.key().to_owned()).collect();
                if passes.confirm(ends, pass[0].last(), &found, &known) {
                    return Ok(Some(items));
                }
                match ends {
                    _ if passes.in_doubt <= MAX_RESTARTS => {}
                    // Somebody goes on and on deleting.
                    Ends::Both => return Ok(Some(items)),
                    Ends::One => return Err(ListError::Unstable),
                }
                passes.in_doubt += 1;
                passes.whole = Some(found);
            }
            Ok(None) => return Ok(None),
            Err(Cut::Failed(error)) => return Err(ListError::Api(*error)),
            Err(Cut::Endless) => return Err(ListError::Endless),
            Err(Cut::OtherOrder) => ends = Ends::One,
            Err(Cut::CursorLost(_)) if restarts < MAX_RESTARTS => restarts += 1,
            // Forward, a list needs no order that both ends agree on.
            Err(Cut::CursorLost(None)) if ends == Ends::Both => {
                ends = Ends::One;
                restarts = 0;
            }
            Err(Cut::CursorLost(cause)) => {
                return Err(cause.map_or(ListError::Unstable, |error| ListError::Api(*error)));
            }
        }
        let [newest, mut oldest] = pass;
        oldest.reverse();
        passes.sequences.extend([newest, oldest]);
    }
}

/// Passes over one list so far: where one is in doubt, nothing but another confirms it.
#[derive(Default)]
struct Passes {
    /// The ids of each reader of each pass, newest first, as far as it came.
    sequences: Vec<Vec<String>>,
    /// The ids of the last pass that came to its end.
    whole: Option<BTreeSet<String>>,
    /// Number of passes that came to an end and were not confirmed.
    in_doubt: u32,
}

impl Passes {
    /// Returns whether a pass read all that there is, by what was known before and since.
    ///
    /// One from both ends did if it lacks nothing that was ever read, or another lacks it too. One
    /// from one end takes another that says the same; and what it lacks must have been in the
    /// middle, where it was deleted: the end may have been cut off each time.
    fn confirm(
        &self,
        ends: Ends,
        last: Option<&String>,
        found: &BTreeSet<String>,
        known: &BTreeSet<String>,
    ) -> bool {
        let mut missing = known.difference(found);
        match (ends, &self.whole) {
            (Ends::Both, None) => missing.next().is_none(),
            (Ends::Both, Some(before)) => missing.all(|id| !before.contains(id)),
            (Ends::One, None) => false,
            (Ends::One, Some(before)) => {
                before == found && missing.all(|id| self.was_in_the_middle(id, last, found))
            }
        }
    }

    /// Returns whether an earlier pass had an object before another that is still there, or behind
    /// one that is not the last.
    fn was_in_the_middle(&self, id: &str, last: Option<&String>, found: &BTreeSet<String>) -> bool {
        self.sequences.iter().any(|earlier| {
            let Some(at) = earlier.iter().position(|other| other == id) else {
                return false;
            };
            let (before, after) = earlier.split_at(at);
            let mut nearest = before.iter().rev();
            let nearest = nearest.find(|other| found.contains(*other));
            after.iter().any(|later| found.contains(later))
                || nearest.is_some_and(|it| Some(it) != last)
        })
    }
}

/// Reason why one pass over the list did not reach its end.
enum Cut {
    /// A page does not continue where its cursor was, or the cursor was refused.
    CursorLost(Option<Box<ApiError>>),
    /// The two ends are not the ends of one order.
    OtherOrder,
    Failed(Box<ApiError>),
    /// More than any list has.
    Endless,
}

async fn read_once<T, F, Fut>(
    ends: Ends,
    fetch: &F,
    told: &mut (dyn FnMut(Order, Vec<String>) + Send),
    size: Size,
) -> Result<Option<Vec<T>>, Cut>
where
    T: Keyed + Send,
    F: Fn(Order, Option<String>) -> Fut + Sync,
    Fut: Future<Output = Result<Page<T>, ApiError>> + Send,
{
    let ask = |order: Order, after: Option<String>| {
        let is_first = after.is_none();
        let page = fetch(order, after);
        async move { (order, is_first, page.await) }
    };
    let mut readers = Readers::default();
    let mut pending = FuturesUnordered::new();
    pending.push(ask(Order::NewestFirst, None));
    let mut left = size.most_requests.unwrap_or(MAX_PAGES).saturating_sub(1);
    let mut bytes = 0_usize;
    let mut has_both = ends == Ends::Both && size.expected > PAGE_SIZE && left > 0;
    if has_both {
        left -= 1;
        pending.push(ask(Order::OldestFirst, None));
    }
    for pages in 1..=MAX_PAGES {
        let Some((order, is_first, page)) = pending.next().await else {
            return Ok(None);
        };
        let page = page.map_err(|error| match error.kind {
            ApiErrorKind::NotFound | ApiErrorKind::Rejected if !is_first => {
                Cut::CursorLost(Some(Box::new(error)))
            }
            _ => Cut::Failed(Box::new(error)),
        })?;
        bytes = bytes.saturating_add(page.size);
        if bytes > MAX_BYTES {
            return Err(Cut::Endless);
        }
        let named = page.items.iter().filter(|item| !item.key().is_empty());
        told(order, named.map(|item| item.key().to_owned()).collect());
        let after = match readers.take(order, page)? {
            // The other reader's page has to agree that this was the end; a first page is the whole
            // list.
            Read::ToTheEnd if pages > 1 && !pending.is_empty() => continue,
            // Nobody looked from the other end, for want of requests: whether it is the end is not
            // known.
            Read::ToTheEnd if pages > 1 && ends == Ends::Both && !has_both => return Ok(None),
            // What is under way is abandoned.
            Read::All | Read::ToTheEnd => return Ok(Some(readers.into_items())),
            Read::UpTo(after) => after,
        };
        let mut go_on = |order, after| {
            let may_ask = left > 0;
            if may_ask {
                left -= 1;
                pending.push(ask(order, after));
            }
            may_ask
        };
        go_on(order, Some(after));
        if pages == 1 && ends == Ends::Both && !has_both {
            has_both = go_on(Order::OldestFirst, None);
        }
    }
    Err(Cut::Endless)
}

/// Progress of a pass over a list.
enum Read {
    /// The readers have met: there is nothing else.
    All,
    /// To where one reader found the end, all by itself.
    ToTheEnd,
    /// To a cursor, from which that reader goes on.
    UpTo(String),
}

/// Objects that the two readers of a pass have.
struct Readers<T> {
    items: BTreeMap<String, T>,
    /// Objects without an id.
    nameless: Vec<T>,
    has: [BTreeSet<String>; 2],
    /// The ids of each reader in the order in which they came.
    sequences: [Vec<String>; 2],
    /// True once a reader has come to the end of the list.
    has_ended: bool,
}

impl<T> Default for Readers<T> {
    fn default() -> Self {
        Self {
            items: BTreeMap::new(),
            nameless: Vec::new(),
            has: <[BTreeSet<String>; 2]>::default(),
            sequences: <[Vec<String>; 2]>::default(),
            has_ended: false,
        }
    }
}

impl<T: Keyed> Readers<T> {
    fn into_items(self) -> Vec<T> {
        self.items.into_values().chain(self.nameless).collect()
    }

    /// Takes a reader's next page.
    fn take(&mut self, order: Order, page: Page<T>) -> Result<Read, Cut> {
        let Page {
            items,
            mut after,
            says_more,
            ..
        } = page;
        let own = order.index();
        let other = 1 - own;
        let is_empty = items.is_empty();
        let (items, nameless): (Vec<T>, Vec<T>) =
            items.into_iter().partition(|item| !item.key().is_empty());
        let keys: Vec<String> = items.iter().map(|item| item.key().to_owned()).collect();
        if !says_more {
            after = keys.last().cloned();
        }
        // Looked for before the other's: a cursor that starts over must not pass for a meeting.
        let new: BTreeSet<&String> = keys.iter().collect();
        let repeats = new.len() < keys.len() || keys.iter().any(|key| self.has[own].contains(key));
        // Behind a cursor there is something, unless all of it was deleted meanwhile; only where
        // nothing says that there is more, looking is how the end is found.
        let goes_nowhere = is_empty && says_more && (after.is_some() || !self.has[own].is_empty());
        if repeats || goes_nowhere {
            return Err(Cut::CursorLost(None));
        }
        let is_first = self.sequences[own].is_empty();
        if is_first && !keys.is_empty() && keys.first() == self.sequences[other].first() {
            return Err(Cut::OtherOrder);
        }
        let meets = keys.iter().any(|key| self.has[other].contains(key));
        if meets && !meet_at_their_edges(&keys, &self.sequences[other], &self.has[other]) {
            return Err(Cut::CursorLost(None));
        }
        let is_cut_short = after.is_none() && !meets && !self.has[other].is_empty();
        if is_cut_short || (self.has_ended && !meets) {
            return Err(Cut::CursorLost(None));
        }
        self.has_ended |= after.is_none();
        self.nameless.extend(nameless);
        self.sequences[own].extend(keys.iter().cloned());
        self.has[own].extend(keys);
        for item in items {
            self.items.insert(item.key().to_owned(), item);
        }
        Ok(match after {
            _ if meets => Read::All,
            Some(after) => Read::UpTo(after),
            None => Read::ToTheEnd,
        })
    }
}

/// Returns whether a page goes on exactly where the other reader stands, and in reverse order.
fn meet_at_their_edges(page: &[String], other: &[String], has: &BTreeSet<String>) -> bool {
    let Some(start) = page.iter().position(|key| has.contains(key)) else {
        return false;
    };
    let overlap: Vec<&String> = page
        .iter()
        .skip(start)
        .take_while(|key| has.contains(*key))
        .collect();
    // Behind the overlap is only what is newer than all that the other reader has.
    let rest = page.iter().skip(start + overlap.len());
    let mut rest_is_new = rest.map(|key| !has.contains(key));
    // What was deleted meanwhile is in the other's sequence, and not on the page.
    let on_page: BTreeSet<&&String> = overlap.iter().collect();
    let reversed = other.iter().rev().filter(|key| on_page.contains(key));
    overlap.first().copied() == other.last()
        && rest_is_new.all(|is_new| is_new)
        && reversed.eq(overlap.iter().copied())
}

#[cfg(test)]
mod tests;
