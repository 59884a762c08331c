//! Notes about one change, taken from the answers to its writes.

use std::sync::{Mutex, MutexGuard};

use super::applier::lock;
use super::kept::{Kept, differing, other_domain};
use portalctl_core::plan::FieldChange;
use portalctl_model::desired::FieldPath;
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

    /// Returns whether an answer showed this value.
    pub(super) fn has(&self, kept: &Kept<'_>) -> bool {
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
