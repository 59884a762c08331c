//! Everything about one organization, behind a disclosure; packed where there are thousands.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::shown::{Moment, Shown};
use super::wall::{Cell, capitalized};
use crate::text::{self, WORDS};
use portalctl_core::readiness::{Evidence, OrganizationReadiness};

/// How hard the details are packed; more takes much longer and gains little.
const LEVEL: u8 = 6;

/// One row of the table below an organization's own.
#[derive(Debug, Template)]
#[template(path = "details.html")]
pub(super) struct Details {
    /// How many cells the row stands for.
    columns: usize,
    /// The most urgent next step, and of which intent it is.
    next: Option<(&'static str, Shown)>,
    /// How many next steps there are beside it.
    more: usize,
    key: Shown,
    id: Option<Shown>,
    /// State of the organization's invitation.
    invitation: Option<Shown>,
    items: Vec<Item>,
}

/// One intent.
#[derive(Debug)]
struct Item {
    title: String,
    cell: Cell,
    reason: Shown,
    next: Option<Shown>,
    evidence: Vec<Found>,
}

/// One object at WorkOS.
#[derive(Debug)]
struct Found {
    object: String,
    id: Option<Shown>,
    kind: Option<Shown>,
    state: Shown,
    since: Option<Moment>,
}

impl Details {
    /// Lays out an organization below a row of so many intents.
    pub(super) fn new(
        organization: &OrganizationReadiness,
        intents: usize,
        now: Option<Timestamp>,
    ) -> Self {
        let steps = organization.intents.iter();
        let mut steps: Vec<_> = steps.filter(|i| i.next_step.is_some()).collect();
        steps.sort_by_key(|i| (i.state, i.since.unwrap_or(Timestamp::MAX)));
        let next = steps.first().and_then(|intent| {
            let step = intent.next_step.as_deref()?;
            Some((intent.intent.title(), Shown::new(step)))
        });
        let items = organization.intents.iter().map(|intent| Item {
            title: capitalized(intent.intent.title()),
            cell: Cell::new(intent, now),
            reason: Shown::new(&intent.reason),
            next: intent.next_step.as_deref().map(Shown::new),
            evidence: intent.evidence.iter().map(Found::new).collect(),
        });
        Self {
            columns: intents + 1,
            next,
            more: steps.len().saturating_sub(1),
            key: Shown::new(organization.key.as_str()),
            id: organization
                .organization_id
                .as_ref()
                .map(|id| Shown::new(id.as_str())),
            invitation: organization.invitation.as_ref().map(|invitation| {
                let told = text::invitation_told(&organization.key, invitation, &WORDS);
                Shown::new(&told)
            }),
            items: items.collect(),
        }
    }
}

impl Found {
    fn new(evidence: &Evidence) -> Self {
        let Evidence {
            object,
            id,
            kind,
            state,
            since,
        } = evidence;
        Self {
            object: object.replace('_', " "),
            id: id.as_deref().map(Shown::new),
            kind: kind.as_deref().map(Shown::new),
            state: Shown::new(state),
            since: since.map(Moment),
        }
    }
}

/// Packs rows, one a line, as browsers unpack them: zlib, in base64.
pub(super) fn pack(rows: &[String]) -> String {
    let lines = rows.join("\n");
    STANDARD.encode(miniz_oxide::deflate::compress_to_vec_zlib(
        lines.as_bytes(),
        LEVEL,
    ))
}
