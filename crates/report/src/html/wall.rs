//! The wall: organizations by intents, what is most urgent first.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use askama::Template;
use jiff::Timestamp;

use super::bars::{Piece, in_words, pieces};
use super::details::{self, Details};
use super::shown::{Moment, Shown};
use crate::text::{age, shown, sign, whose, words};
use portalctl_core::readiness::{
    IntentReadiness, OrganizationReadiness, Readiness, State, Totals, Turn,
};
use portalctl_model::Intent;

/// Up to so many organizations, everything about each stands in the table as it is. Beyond, the
/// details are packed and the script unpacks them: the page stays a few megabytes, and the table
/// is complete without the script all the same.
const UNPACKED: usize = 1000;

/// Everything that the wall's template shows.
#[derive(Debug)]
pub(super) struct Wall {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// The details of all rows, packed, when they are not in the rows.
    pub packed: Option<String>,
    /// How many organizations have nothing left to do.
    pub settled: usize,
    /// How many intents there are, of all organizations.
    pub features: usize,
    pub totals: Vec<Total>,
    pub bar: Vec<Piece>,
    pub bar_in_words: String,
}

/// One intent that at least one organization declares.
#[derive(Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub title: String,
    pub configured: usize,
    pub of: usize,
    pub bar: Vec<Piece>,
}

/// How many intents are in a state.
#[derive(Debug)]
pub(super) struct Total {
    pub state: State,
    pub sign: &'static str,
    pub words: &'static str,
    pub count: usize,
}

/// One organization.
#[derive(Debug)]
pub(super) struct Row {
    /// Its name; its key where it has none.
    pub name: Shown,
    /// Its key, where that is not its name.
    pub key: Option<Shown>,
    pub id: Option<Shown>,
    /// One for each column; `None` where the intent is not declared.
    pub cells: Vec<Option<Cell>>,
    /// A row of the table, as HTML; empty where the details are packed.
    pub details: String,
}

/// One intent of one organization.
#[derive(Debug)]
pub(super) struct Cell {
    pub state: State,
    pub sign: &'static str,
    pub words: &'static str,
    pub since: Option<Moment>,
    pub age: Option<String>,
    pub turn: Option<(Turn, &'static str)>,
}

impl Cell {
    pub(super) fn new(intent: &IntentReadiness, now: Option<Timestamp>) -> Self {
        let turn = Some(intent.turn).filter(|turn| *turn != Turn::None);
        Self {
            state: intent.state,
            sign: shown(intent).0,
            words: shown(intent).1,
            since: intent.since.map(Moment),
            age: intent.since.zip(now).map(|(since, now)| age(since, now)),
            turn: turn.map(|turn| (turn, whose(turn))),
        }
    }
}

impl Wall {
    /// Lays out a readiness; `now` is when it was read, for durations.
    pub(super) fn new(
        readiness: &Readiness,
        now: Option<Timestamp>,
    ) -> Result<Self, askama::Error> {
        let columns = columns(readiness);
        let intents: Vec<Intent> = columns.iter().map(|(intent, _)| *intent).collect();
        let ordered = most_urgent_first(readiness);
        let mut all_details = Vec::with_capacity(ordered.len());
        for organization in &ordered {
            all_details.push(Details::new(organization, intents.len(), now).render()?);
        }
        let packed = (ordered.len() > UNPACKED).then(|| details::pack(&all_details));
        if packed.is_some() {
            all_details.iter_mut().for_each(String::clear);
        }
        let rows = ordered.iter().zip(all_details);
        let totals = readiness.totals().with_unread_as_unknown();
        Ok(Self {
            columns: columns
                .into_iter()
                .map(|(intent, totals)| Column::new(intent, &totals))
                .collect(),
            rows: rows
                .map(|(organization, details)| Row::new(organization, &intents, now, details))
                .collect(),
            packed,
            features: State::ALL.iter().map(|state| totals.of(*state)).sum(),
            settled: ordered.iter().filter(|o| is_settled(o)).count(),
            totals: State::ALL
                .into_iter()
                .map(|state| Total {
                    state,
                    sign: sign(state),
                    words: words(state),
                    count: totals.of(state),
                })
                .collect(),
            bar: pieces(&totals),
            bar_in_words: in_words(&totals),
        })
    }

    /// The headings of the columns.
    pub(super) fn titles(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.title.as_str())
    }
}

impl Column {
    fn new(intent: Intent, totals: &Totals) -> Self {
        let of: usize = State::ALL.iter().map(|state| totals.of(*state)).sum();
        Self {
            name: intent.as_str(),
            title: capitalized(intent.title()),
            configured: totals.configured,
            of: of - totals.not_applicable,
            bar: pieces(totals),
        }
    }
}

impl Row {
    fn new(
        organization: &OrganizationReadiness,
        columns: &[Intent],
        now: Option<Timestamp>,
        details: String,
    ) -> Self {
        let key = organization.key.as_str();
        let name = organization.name.as_deref().unwrap_or(key);
        let cell = |column: &Intent| {
            let mut intents = organization.intents.iter();
            let intent = intents.find(|intent| intent.intent == *column)?;
            // How long something has been done is nothing to wait for.
            let now = now.filter(|_| !intent.state.is_settled());
            Some(Cell::new(intent, now))
        };
        Self {
            name: Shown::new(name),
            key: (name != key).then(|| Shown::new(key)),
            id: organization
                .organization_id
                .as_ref()
                .map(|id| Shown::new(id.as_str())),
            cells: columns.iter().map(cell).collect(),
            details,
        }
    }
}

/// The intents that are declared, with how far they are.
fn columns(readiness: &Readiness) -> Vec<(Intent, Totals)> {
    let intents = || readiness.organizations.iter().flat_map(|o| &o.intents);
    let used: BTreeSet<Intent> = intents().map(|intent| intent.intent).collect();
    let totals = |intent: Intent| {
        let of_intent = intents().filter(move |other| other.intent == intent);
        Totals::count(of_intent).with_unread_as_unknown()
    };
    Intent::ALL
        .into_iter()
        .filter(|intent| used.contains(intent))
        .map(|intent| (intent, totals(intent)))
        .collect()
}

/// The order of the wall: the most urgent state, then what has waited longest, then the key.
fn most_urgent_first(readiness: &Readiness) -> Vec<&OrganizationReadiness> {
    let mut organizations: Vec<&OrganizationReadiness> = readiness.organizations.iter().collect();
    organizations.sort_by_key(|organization| {
        let open = || {
            organization
                .intents
                .iter()
                .filter(|i| !i.state.is_settled())
        };
        let urgency = open().map(|intent| Reverse(intent.state)).max();
        let waits = open().filter_map(|intent| intent.since).min();
        (
            Reverse(urgency),
            waits.unwrap_or(Timestamp::MAX),
            &organization.key,
        )
    });
    organizations
}

fn is_settled(organization: &OrganizationReadiness) -> bool {
    organization.intents.iter().all(|i| i.state.is_settled())
}

/// The first letter in upper case: what begins a heading.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
