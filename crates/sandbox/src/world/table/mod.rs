//! Storage of one kind of object: ordered by creation, found by id, paged by cursor.
//!
//! A page costs as much as its objects: cursors are resolved through an index, where the walk
//! starts. Only a filter without an index (`search`) visits more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::refusal::{FieldError, Refusal};

/// Properties of objects that a [`Table`] stores.
pub(crate) trait Record {
    /// Name of the kind in messages.
    const KIND: &'static str;

    /// Returns the id.
    fn id(&self) -> &str;

    /// Returns the time of creation, by which lists are ordered.
    fn created_at(&self) -> Timestamp;

    /// Returns the organization that owns the object.
    fn owner(&self) -> Option<&str>;
}

/// Implements [`Record`] for a type with the fields `id` and `created_at`; an object that belongs to an
/// organization names the field with its id.
macro_rules! record {
    ($type:ty, $kind:literal $(, $owner:ident)?) => {
        impl crate::world::table::Record for $type {
            const KIND: &'static str = $kind;

            fn id(&self) -> &str {
                &self.id
            }

            fn created_at(&self) -> Timestamp {
                self.created_at
            }

            fn owner(&self) -> Option<&str> {
                None::<&str>$(.or(Some(&self.$owner)))?
            }
        }
    };
}
pub(crate) use record;

/// Position in a table: by time of creation, then by arrival.
type Place = (Timestamp, u64);

/// All objects of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    rows: BTreeMap<Place, T>,
    by_id: HashMap<String, Place>,
    by_owner: HashMap<String, BTreeSet<Place>>,
    arrived: u64,
}

/// Order of a list.
///
/// Source: `PaginationOrder` of the WorkOS API description.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
    /// Newest first, but `before` fetches older records and `after` newer ones.
    Normal,
}

/// Direction of a walk over a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    OldestFirst,
    NewestFirst,
}

impl Direction {
    const fn reversed(self) -> Self {
        match self {
            Self::OldestFirst => Self::NewestFirst,
            Self::NewestFirst => Self::OldestFirst,
        }
    }
}

/// Largest number of objects on a page.
///
/// Source: the `limit` parameter of every list of the WorkOS API description.
pub const MAX_LIMIT: usize = 100;
/// Default number of objects on a page.
pub const DEFAULT_LIMIT: usize = 10;

/// Requested part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// Restricts the page to objects before the one with this id, nearest to it.
    pub before: Option<String>,
    /// Restricts the page to objects after the one with this id, nearest to it.
    pub after: Option<String>,
    /// Largest number of objects.
    pub limit: usize,
    /// Order of the list.
    pub order: Order,
}

impl Default for PageQuery {
    fn default() -> Self {
        Self {
            before: None,
            after: None,
            limit: DEFAULT_LIMIT,
            order: Order::default(),
        }
    }
}

/// One page of a list, and the cursors to its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Objects, in the requested order.
    pub data: Vec<T>,
    /// Cursor to the previous page, where there is one.
    pub before: Option<String>,
    /// Cursor to the next page, where there is one.
    pub after: Option<String>,
}

impl<T: Record> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            by_id: HashMap::new(),
            by_owner: HashMap::new(),
            arrived: 0,
        }
    }
}

impl<T: Record> Table<T> {
    /// Adds an object. A state file may hold an id twice: the later object wins.
    pub(crate) fn insert(&mut self, row: T) {
        self.remove(row.id());
        let place = (row.created_at(), self.arrived);
        self.arrived += 1;
        self.by_id.insert(row.id().to_owned(), place);
        if let Some(owner) = row.owner() {
            self.by_owner
                .entry(owner.to_owned())
                .or_default()
                .insert(place);
        }
        self.rows.insert(place, row);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.by_id.get(id)?)
    }

    /// Returns an object, or WorkOS's error that there is none.
    pub(crate) fn find(&self, id: &str) -> Result<&T, Refusal> {
        self.get(id).ok_or_else(|| Refusal::not_found(T::KIND, id))
    }

    /// Returns an object to change. Its id, owner and time of creation must stay as they are.
    pub(crate) fn find_mut(&mut self, id: &str) -> Result<&mut T, Refusal> {
        self.by_id
            .get(id)
            .and_then(|place| self.rows.get_mut(place))
            .ok_or_else(|| Refusal::not_found(T::KIND, id))
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let place = self.by_id.remove(id)?;
        let row = self.rows.remove(&place)?;
        if let Some(owner) = row.owner()
            && let Some(places) = self.by_owner.get_mut(owner)
        {
            places.remove(&place);
            if places.is_empty() {
                self.by_owner.remove(owner);
            }
        }
        Some(row)
    }

    /// Removes the oldest objects until at most `most` are left.
    pub(crate) fn keep_newest(&mut self, most: usize) {
        while self.rows.len() > most {
            let Some(id) = self.rows.values().next().map(|row| row.id().to_owned()) else {
                return;
            };
            self.remove(&id);
        }
    }

    /// Removes the objects from before a time; returns whether there were any.
    pub(crate) fn forget_before(&mut self, oldest: Timestamp) -> bool {
        let before = self.rows.len();
        while let Some(row) = self.rows.values().next()
            && row.created_at() < oldest
        {
            let id = row.id().to_owned();
            self.remove(&id);
        }
        self.rows.len() < before
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns all objects, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.values()
    }

    /// Returns an organization's objects, oldest first.
    pub(crate) fn owned_by<'a>(&'a self, owner: &str) -> impl Iterator<Item = &'a T> {
        self.by_owner
            .get(owner)
            .into_iter()
            .flatten()
            .filter_map(|place| self.rows.get(place))
    }

    /// Returns a page of all objects that pass a filter.
    pub(crate) fn page(
        &self,
        query: &PageQuery,
        filter: impl Fn(&T) -> bool,
    ) -> Result<Page<&T>, Refusal> {
        self.cut(None, query, &filter)
    }

    /// Returns a page of an organization's objects that pass a filter.
    pub(crate) fn page_owned_by(
        &self,
        owner: &str,
        query: &PageQuery,
        filter: impl Fn(&T) -> bool,
    ) -> Result<Page<&T>, Refusal> {
        let nothing = BTreeSet::new();
        let among = self.by_owner.get(owner).unwrap_or(&nothing);
        self.cut(Some(among), query, &filter)
    }

    /// Returns a page of the objects with the given ids that pass a filter.
    pub(crate) fn page_among<'i>(
        &self,
        ids: impl Iterator<Item = &'i String>,
        query: &PageQuery,
        filter: impl Fn(&T) -> bool,
    ) -> Result<Page<&T>, Refusal> {
        let among = ids.filter_map(|id| self.by_id.get(id).copied()).collect();
        self.cut(Some(&among), query, &filter)
    }

    fn cut(
        &self,
        among: Option<&BTreeSet<Place>>,
        query: &PageQuery,
        filter: &dyn Fn(&T) -> bool,
    ) -> Result<Page<&T>, Refusal> {
        let mut before = self.cursor("before", query.before.as_deref())?;
        let mut after = self.cursor("after", query.after.as_deref())?;
        let reversed = query.order == Order::Normal;
        if reversed {
            std::mem::swap(&mut before, &mut after);
        }
        let direction = match query.order {
            Order::Asc => Direction::OldestFirst,
            Order::Desc | Order::Normal => Direction::NewestFirst,
        };
        let passing = |from: Option<Place>, to: Option<Place>, direction: Direction| {
            self.walk(among, from, to, direction)
                .filter(move |(_, row)| filter(row))
        };
        let mut rows: Vec<(Place, &T)> = match (before, after) {
            // The page just before the cursor, not the first page of what precedes it.
            (Some(before), None) => {
                let mut rows: Vec<_> = passing(Some(before), None, direction.reversed())
                    .take(query.limit)
                    .collect();
                rows.reverse();
                rows
            }
            (before, after) => passing(after, before, direction)
                .take(query.limit)
                .collect(),
        };
        let id_if = |more: bool, edge: Option<&(Place, &T)>| {
            edge.filter(|_| more).map(|(_, row)| row.id().to_owned())
        };
        let beyond = |edge: Option<&(Place, &T)>, direction: Direction| {
            edge.is_some_and(|(place, _)| passing(Some(*place), None, direction).next().is_some())
        };
        let mut earlier = id_if(beyond(rows.first(), direction.reversed()), rows.first());
        let mut later = id_if(beyond(rows.last(), direction), rows.last());
        if reversed {
            std::mem::swap(&mut earlier, &mut later);
        }
        Ok(Page {
            data: rows.drain(..).map(|(_, row)| row).collect(),
            before: earlier,
            after: later,
        })
    }

    /// Resolves a cursor.
    ///
    /// An unknown cursor is an error: starting again at the first page, as the official emulator
    /// does, makes a pager go in circles. The API description documents 422 for lists without
    /// giving the reason.
    fn cursor(&self, field: &'static str, id: Option<&str>) -> Result<Option<Place>, Refusal> {
        let Some(id) = id else { return Ok(None) };
        match self.by_id.get(id) {
            Some(place) => Ok(Some(*place)),
            None => Err(Refusal::invalid(FieldError::new(field, "invalid_cursor"))),
        }
    }

    /// Walks from one position (excluded) to another (excluded), in either direction.
    fn walk<'t: 'w, 'w>(
        &'t self,
        among: Option<&'w BTreeSet<Place>>,
        from: Option<Place>,
        to: Option<Place>,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = (Place, &'t T)> + 'w> {
        let (oldest, newest) = match direction {
            Direction::OldestFirst => (from, to),
            Direction::NewestFirst => (to, from),
        };
        if let (Some(oldest), Some(newest)) = (oldest, newest)
            && oldest >= newest
        {
            return Box::new(std::iter::empty());
        }
        let bound = |place: Option<Place>| place.map_or(Bound::Unbounded, Bound::Excluded);
        let range = (bound(oldest), bound(newest));
        let row_at = move |place: &Place| self.rows.get(place).map(|row| (*place, row));
        match (among, direction) {
            (None, Direction::OldestFirst) => {
                Box::new(self.rows.range(range).map(|(place, row)| (*place, row)))
            }
            (None, Direction::NewestFirst) => {
                let rows = self.rows.range(range).rev();
                Box::new(rows.map(|(place, row)| (*place, row)))
            }
            (Some(places), Direction::OldestFirst) => {
                Box::new(places.range(range).filter_map(row_at))
            }
            (Some(places), Direction::NewestFirst) => {
                Box::new(places.range(range).rev().filter_map(row_at))
            }
        }
    }
}

impl<T: Record> FromIterator<T> for Table<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        let mut table = Self::default();
        for row in rows {
            table.insert(row);
        }
        table
    }
}

/// Serializes as an ordered list, from which the indexes are rebuilt.
impl<T: Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.values())
    }
}

impl<'de, T: Record + Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
