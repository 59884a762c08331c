//! Domains that were to move and were not removed where they are: they are not added elsewhere.

use std::collections::BTreeMap;

use super::{Outcome, Problem};
use portalctl_core::plan::moves::{comes_first, moving};
use portalctl_core::plan::{Change, Plan};
use portalctl_model::Domain;
use portalctl_model::codes::plan as codes;

/// The domains that are still where they were, with the key of the entry that gives them up.
#[derive(Debug, Default)]
pub(super) struct UnmovedDomains<'a>(BTreeMap<&'a Domain, &'a str>);

/// The part of a change that can be done, and the domains that are left out.
pub(super) struct Part<'a> {
    pub(super) change: Change,
    left_out: Vec<(&'a Domain, &'a str)>,
}

impl<'a> UnmovedDomains<'a> {
    /// Finds the removals that come first and were not done.
    pub(super) fn of(plan: &'a Plan, outcomes: &BTreeMap<usize, Outcome>) -> Self {
        let moving = moving(&plan.changes);
        let mut unmoved = BTreeMap::new();
        for (index, change) in plan.changes.iter().enumerate() {
            let is_done = matches!(outcomes.get(&index), Some(Outcome::Done(_) | Outcome::Gone));
            if comes_first(change, &moving) && !is_done {
                let removed = change.removed_domains();
                unmoved.extend(removed.map(|domain| (domain, change.key.as_str())));
            }
        }
        Self(unmoved)
    }

    /// The change without the domains that are still elsewhere; `None` where it adds none of them.
    pub(super) fn part(&self, change: &Change) -> Option<Part<'a>> {
        let left_out: Vec<(&Domain, &str)> = change
            .added_domains()
            .filter_map(|domain| self.0.get_key_value(domain))
            .map(|(domain, key)| (*domain, *key))
            .filter(|(_, key)| *key != change.key.as_str())
            .collect();
        if left_out.is_empty() {
            return None;
        }
        let mut change = change.clone();
        let is_left_out = |domain: &Domain| left_out.iter().any(|(other, _)| *other == domain);
        change
            .fields
            .retain(|field| !field.added_domain().is_some_and(is_left_out));
        Some(Part { change, left_out })
    }
}

impl Part<'_> {
    /// The outcome of the whole change, once its part ended; nothing ended where nothing was left.
    pub(super) fn outcome(&self, ended: Option<Outcome>) -> Outcome {
        let told: Vec<String> = self
            .left_out
            .iter()
            .map(|(domain, key)| {
                format!(
                    "the domain {} was not added, because it was not removed from `{key}`",
                    domain.shown()
                )
            })
            .collect();
        let told = told.join("; ");
        match ended {
            None => Outcome::NotTried(Problem::new(codes::WAITS, told)),
            Some(Outcome::Done(organization)) => {
                Outcome::Refused(Problem::new(codes::WAITS, told).leaving(*organization))
            }
            Some(other) => other.after(&told),
        }
    }
}
