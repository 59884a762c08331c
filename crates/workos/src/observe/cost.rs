//! Cost of each way of reading, in requests: chooses the way, and never changes the plan.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Needs;
use crate::{List, ReadProgress};

/// WorkOS has no count of organizations: the list is read until it has cost this part of what
/// looking up costs. Then looking up costs a quarter more than it had to, at most, and an
/// environment that is cheap to list is listed.
const PART: usize = 4;
/// Both ends of the list are looked at in any case.
pub(super) const LEAST: usize = 2;
/// Objects of a page of a list.
pub(super) const PAGE: usize = 100;
/// So many organizations show that the environment is large, and the other lists are begun too.
const LARGE: usize = 800;

/// Returns the requests that listing the organizations may take before they are looked up instead;
/// `None` when there is nothing to look up.
pub(super) fn before_looking_up(needs: &Needs<'_>) -> Option<usize> {
    let cost: usize = needs
        .entries
        .iter()
        .map(|(_, entry)| {
            usize::from(entry.id.is_some())
                + entry.external_ids().count()
                + entry.domains.as_ref().map_or(0, BTreeMap::len)
                + usize::from(needs.connections_of(entry))
                + usize::from(needs.directories_of(entry))
        })
        .sum();
    let cost = cost + needs.absent.len();
    (cost > 0).then_some((cost / PART).max(LEAST))
}

/// Watches the list grow, and says once when it is large and worth reading to its end.
pub(super) struct Watched<'a, F> {
    progress: &'a dyn ReadProgress,
    large: F,
    /// A small budget ends before the other lists would be of use.
    is_worth_it: bool,
    organizations: AtomicUsize,
}

impl<'a, F: Fn()> Watched<'a, F> {
    pub(super) fn new(progress: &'a dyn ReadProgress, budget: usize, large: F) -> Self {
        let is_worth_it = budget * 100 > LARGE;
        Self {
            progress,
            large,
            is_worth_it,
            organizations: AtomicUsize::new(0),
        }
    }
}

impl<F: Fn() + Send + Sync> ReadProgress for Watched<'_, F> {
    fn read(&self, list: List, count: usize) {
        self.progress.read(list, count);
        let before = self.organizations.fetch_add(count, Ordering::Relaxed);
        if self.is_worth_it && before < LARGE && before + count >= LARGE {
            (self.large)();
        }
    }
}
