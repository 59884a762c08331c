//! Details of one organization, behind a disclosure; compressed where there are thousands.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::cell::{Cell, capitalized};
use super::shown::{Moment, Shown};
use crate::view::{Emails, by_urgency, invitation_text};
use portalctl_core::readiness::{Evidence, OrganizationReadiness};

/// Compression level; a higher one takes much longer and gains little.
const LEVEL: u8 = 6;

/// Table row below an organization's own, with its details.
#[derive(Debug, Template)]
#[template(path = "details.html")]
pub(super) struct Details {
    /// Number of cells that the row spans.
    columns: usize,
    /// Most urgent next step, with the title of its intent.
    next: Option<(&'static str, Shown)>,
    /// Number of further next steps.
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
    /// Lays out an organization's details below a row of `intents` cells.
    pub(super) fn new(
        organization: &OrganizationReadiness,
        intents: usize,
        now: Option<Timestamp>,
    ) -> Self {
        let mut steps = by_urgency([organization]);
        steps.retain(|(_, intent)| intent.next_step.is_some());
        let next = steps.first().and_then(|(_, intent)| {
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
                let told = invitation_text(&organization.key, invitation, Emails::Masked);
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

/// Compresses rows, one a line, with zlib and base64, which browsers can unpack.
pub(super) fn pack(rows: &[String]) -> String {
    let lines = rows.join("\n");
    STANDARD.encode(miniz_oxide::deflate::compress_to_vec_zlib(
        lines.as_bytes(),
        LEVEL,
    ))
}
