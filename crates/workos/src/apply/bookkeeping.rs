//! Marks that nobody has to review: written last, when it is known what was done.
//!
//! Goes in: a change that was done. Comes out: the same account. Reads the organization again where
//! its last answer may be old, and writes one PUT at most: that all declared IT contacts are there,
//! and what WorkOS keeps otherwise than it was sent.

use std::borrow::Cow;

use super::answered::Answered;
use super::applier::Applier;
use super::kept::{Kept, kept_differently};
use super::outcome::Outcome;
use super::owner;
use crate::WritePortal;
use portalctl_core::plan::{Change, FieldChange};
use portalctl_model::mark::{self, KeptValues};
use portalctl_model::observed::Organization;

impl<P: WritePortal> Applier<'_, P> {
    /// Writes the marks that follow from a change, if all of it was done.
    pub(super) async fn write_marks(
        &self,
        change: &Change,
        ended: Outcome,
        answered: &Answered,
    ) -> Outcome {
        let Outcome::Done(live) = ended else {
            return ended;
        };
        if marks(change, &live, answered).is_empty() || self.stop_reason().is_some() {
            return Outcome::Done(live);
        }
        let unwritten = |outcome: Outcome| outcome.after(UNWRITTEN).leaving((*live).clone());
        let fresh = match self.read_again(change, &live).await {
            Ok(fresh) if owner::has_moved(self.plan, &fresh) => {
                return unwritten(owner::refused(fresh));
            }
            Ok(fresh) => fresh,
            Err(outcome) => return unwritten(outcome),
        };
        let marks = marks(change, &fresh, answered);
        match self.apply_fields(fresh, &marks, &Answered::default()).await {
            Outcome::Done(live) => Outcome::Done(live),
            other => unwritten(other),
        }
    }

    /// Returns the organization as it is now: the marks are merged into its metadata, and adding
    /// domains and contacts may have taken long since its last answer.
    async fn read_again(
        &self,
        change: &Change,
        live: &Organization,
    ) -> Result<Organization, Outcome> {
        let is_apart = |field: &FieldChange| {
            matches!(
                field,
                FieldChange::Domain { .. } | FieldChange::ItContact(_)
            )
        };
        if !change.fields.iter().any(is_apart) {
            return Ok(live.clone());
        }
        match self.portal.organization(&live.id).await {
            Ok(Some(fresh)) => Ok(fresh),
            Ok(None) => Err(Outcome::gone(&live.id)),
            Err(error) => Err(self.not_tried(&error)),
        }
    }
}

const UNWRITTEN: &str = "everything was done, but portalctl's own marks were not written";

/// The change without the marks that nobody has to review, which come last.
pub(super) fn without(change: &Change) -> Change {
    Change {
        fields: change.reviewed_fields().cloned().collect(),
        ..change.clone()
    }
}

/// The marks that are to be written, as far as there is room for them.
fn marks(change: &Change, live: &Organization, answered: &Answered) -> Vec<FieldChange> {
    let planned = change.fields.iter();
    let mut marks: Vec<FieldChange> = planned
        .filter(|field| field.is_bookkeeping())
        .cloned()
        .collect();
    if answered.without_contacts().is_some() {
        // Nobody knows that WorkOS has them.
        marks.retain(|field| !field.is_mark_of(mark::CONTACTS));
    }
    let mut known = KeptValues::of(&live.metadata);
    let before = known.clone();
    let kept = kept_differently(change, live).into_iter();
    for Kept { field, value } in kept.filter(|kept| answered.has(kept)) {
        known.add(&field.path(), sent(field).as_deref(), value.as_deref());
    }
    if known != before {
        let before = live.metadata.get(mark::KEPT).cloned();
        let after = Some(known.to_string());
        marks.push(FieldChange::metadata(mark::KEPT, before, after));
    }
    let mut room = mark::MAX_METADATA_KEYS.saturating_sub(live.metadata.len());
    marks.retain(|field| {
        let is_new = field.is_addition();
        let fits = !is_new || room > 0;
        room -= usize::from(is_new && fits);
        fits
    });
    marks
}

/// Returns what a request sends for a field: the name of a domain, else the value.
fn sent(field: &FieldChange) -> Option<Cow<'_, str>> {
    match field {
        FieldChange::Domain { domain, .. } => Some(domain.as_str().into()),
        _ => field.after(),
    }
}
