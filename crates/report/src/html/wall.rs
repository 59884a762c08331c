//! Matrix of organizations and intents, most urgent first.

use std::collections::BTreeSet;

use askama::Template;
use jiff::Timestamp;

use super::bars::{Piece, in_words, pieces};
use super::cell::{Cell, capitalized};
use super::details::{self, Details};
use super::shown::Shown;
use crate::view::{is_settled, organizations_by_urgency, state_label, state_sign};
use portalctl_core::readiness::{OrganizationReadiness, Readiness, State, Totals};
use portalctl_model::Intent;

/// Number of organizations up to which the table holds all details itself. Beyond, the details are
/// compressed and the script unpacks them: the page stays a few megabytes, and the table is
/// complete without the script all the same.
const UNPACKED: usize = 1000;

/// Values of the matrix template.
#[derive(Debug)]
pub(super) struct Wall {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// Compressed details of all rows, where the rows do not hold them.
    pub packed: Option<String>,
    /// Number of organizations with nothing left to do.
    pub settled: usize,
    /// Number of intents of all organizations.
    pub features: usize,
    pub totals: Vec<Total>,
    pub bar: Vec<Piece>,
    pub bar_in_words: String,
}

/// Intent that at least one organization declares.
#[derive(Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub title: String,
    pub configured: usize,
    pub of: usize,
    pub bar: Vec<Piece>,
}

/// Number of intents in a state.
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
    /// Name of the organization; its key where it has none.
    pub name: Shown,
    /// Key, where that is not the name.
    pub key: Option<Shown>,
    pub id: Option<Shown>,
    /// Cells by column; `None` where the intent is not declared.
    pub cells: Vec<Option<Cell>>,
    /// Table row with the details, as HTML; empty where the details are compressed.
    pub details: String,
}

impl Wall {
    /// Lays out a readiness; `now` is the time of the reading, for ages.
    pub(super) fn new(
        readiness: &Readiness,
        now: Option<Timestamp>,
    ) -> Result<Self, askama::Error> {
        let columns = columns(readiness);
        let intents: Vec<Intent> = columns.iter().map(|(intent, _)| *intent).collect();
        let ordered = organizations_by_urgency(readiness);
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
                    sign: state_sign(state),
                    words: state_label(state),
                    count: totals.of(state),
                })
                .collect(),
            bar: pieces(&totals),
            bar_in_words: in_words(&totals),
        })
    }

    /// Returns the headings of the columns.
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
            // The age of a settled intent is nothing to wait for.
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

/// Returns the declared intents with their totals.
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
