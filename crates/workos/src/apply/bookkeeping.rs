//! Marks that nobody has to review: written last, when it is known what was done.
//!
//! Goes in: a change that was done. Comes out: the same account. Reads the organization again where
//! its last answer may be old, and writes one PUT at most: that all declared IT contacts are there,
//! and what WorkOS keeps otherwise than it was sent.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard};

use super::applier::{Applier, lock};
use super::outcome::Outcome;
use super::{owner, update};
use crate::WritePortal;
use portalctl_core::plan::{Action, Change, FieldChange};
use portalctl_model::desired::FieldPath;
use portalctl_model::mark::{self, KeptValues};
use portalctl_model::observed::Organization;

/// Values that the answer to a write shows otherwise than that write sent them.
///
/// Only these are WorkOS's doing: what a later read shows may be somebody else's edit.
#[derive(Debug, Default)]
pub(super) struct Answered {
    kept: Mutex<Vec<(FieldPath, Option<String>)>>,
    /// True where a change counts as done although the account has no IT contacts.
    may_lack_contacts: bool,
    /// Answer of an account that has no IT contacts.
    without_contacts: Mutex<Option<String>>,
}

impl Answered {
    /// Creates the notes of a planned change, which is done also without IT contacts where they are
    /// not to be had.
    pub(super) fn of_change() -> Self {
        Self {
            may_lack_contacts: true,
            ..Self::default()
        }
    }

    /// Notes fields that a request sent, by the organization of its answer.
    pub(super) fn note<'a>(
        &self,
        sent: impl Iterator<Item = &'a FieldChange>,
        answer: &Organization,
    ) {
        self.add(differing(sent, answer).collect());
    }

    /// Notes the fields that a create sent, by the organization of its answer.
    pub(super) fn note_created(&self, sent: &[FieldChange], answer: &Organization) {
        self.add(
            differing(sent.iter(), answer)
                .chain(other_domain(sent, answer))
                .collect(),
        );
    }

    fn add(&self, kept: Vec<Kept<'_>>) {
        let kept = kept
            .into_iter()
            .map(|Kept { field, value }| (field.path(), value));
        self.values().extend(kept);
    }

    fn has(&self, kept: &Kept<'_>) -> bool {
        let mut values = self.values().clone().into_iter();
        values.any(|(path, value)| path == kept.field.path() && value == kept.value)
    }

    fn values(&self) -> MutexGuard<'_, Vec<(FieldPath, Option<String>)>> {
        lock(&self.kept)
    }

    /// Notes that IT contacts are not to be had, with WorkOS's answer.
    pub(super) fn note_without_contacts(&self, why: &str) {
        if self.may_lack_contacts {
            *lock(&self.without_contacts) = Some(why.to_owned());
        }
    }

    /// Returns WorkOS's answer, where IT contacts are not to be had.
    pub(super) fn without_contacts(&self) -> Option<String> {
        lock(&self.without_contacts).clone()
    }
}

/// A value that WorkOS keeps otherwise than it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept<'a> {
    pub(super) field: &'a FieldChange,
    pub(super) value: Option<String>,
}

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
            Ok(None) => Err(update::gone(&live.id)),
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

/// Finds the fields whose values an organization shows otherwise than they were sent.
pub(super) fn kept_differently<'a>(change: &'a Change, live: &Organization) -> Vec<Kept<'a>> {
    let mut kept: Vec<Kept<'a>> = differing(change.fields.iter(), live).collect();
    if change.action == Action::Create {
        kept.extend(other_domain(&change.fields, live));
    }
    kept
}

/// Finds the own fields of an organization whose values differ from what was sent.
fn differing<'a>(
    sent: impl Iterator<Item = &'a FieldChange>,
    live: &Organization,
) -> impl Iterator<Item = Kept<'a>> {
    sent.filter_map(|field| {
        let is_own = !matches!(field, FieldChange::Domain { .. }) && !field.is_mark();
        let LiveValue::Of(value) = live_value(live, field) else {
            return None;
        };
        if !is_own {
            return None;
        }
        let is_same = (field.path()).is_same(field.after().as_deref(), value.as_deref());
        (!is_same).then_some(Kept { field, value })
    })
}

/// Finds the one domain that was sent and is missing, while the organization holds as many as were
/// sent: of an organization that was just created, each of its domains was one that was sent.
fn other_domain<'a>(fields: &'a [FieldChange], live: &Organization) -> Option<Kept<'a>> {
    let sent = || {
        let fields = fields.iter();
        fields.filter_map(|field| Some((field, field.added_domain()?)))
    };
    let mut missing = sent().filter(|(_, domain)| live.domain(domain).is_none());
    let mut others = live
        .domains
        .iter()
        .filter(|live| sent().all(|(_, domain)| *domain != live.domain));
    match (missing.next(), others.next(), missing.next(), others.next()) {
        (Some((field, _)), Some(live), None, None) => Some(Kept {
            field,
            value: Some(live.domain.to_string()),
        }),
        _ => None,
    }
}

/// Live value of a field, as far as the organization itself tells it.
pub(super) enum LiveValue {
    /// The value; `None` where the field is absent.
    Of(Option<String>),
    /// Told by requests of its own.
    Elsewhere,
}

/// Returns the value of a field that stands on the organization itself.
pub(super) fn live_value(live: &Organization, field: &FieldChange) -> LiveValue {
    LiveValue::Of(match field {
        FieldChange::Name { .. } => Some(live.name.clone()),
        FieldChange::ExternalId { .. } => live.external_id.clone(),
        FieldChange::StripeCustomerId { .. } => live.stripe_customer_id.clone(),
        FieldChange::OutsideProfiles { .. } => live
            .allow_profiles_outside_organization
            .map(|allow| allow.to_string()),
        FieldChange::Metadata { key, .. } => live.metadata.get(key).cloned(),
        FieldChange::Domain { domain, .. } => {
            live.domain(domain).map(|live| live.state.to_string())
        }
        FieldChange::RetentionDays { .. }
        | FieldChange::State
        | FieldChange::ItContact(_)
        | FieldChange::Connection { .. }
        | FieldChange::Directory { .. }
        | FieldChange::Dependent { .. } => return LiveValue::Elsewhere,
    })
}

/// Returns what a request sends for a field: the name of a domain, else the value.
fn sent(field: &FieldChange) -> Option<Cow<'_, str>> {
    match field {
        FieldChange::Domain { domain, .. } => Some(domain.as_str().into()),
        _ => field.after(),
    }
}
