//! Resources that are gone as far as a process knows: it looked for them at the API server and did
//! not find them, and no watch has shown them since.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::time::Instant;

use super::knowledge::PASS;

/// Each process's knowledge of the resources that may hold an organization.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    /// Time at which a process last looked for a resource in vain.
    missed: BTreeMap<(usize, String), Instant>,
    /// Time since which the watch of a process shows a resource.
    shown: BTreeMap<(usize, String), Instant>,
    /// Resources that a process has listed and may not have processed yet.
    listed: BTreeMap<usize, BTreeSet<String>>,
}

impl Lookups {
    /// Records that a process looked for a resource.
    pub(crate) fn looked(&mut self, process: usize, name: String, is_found: bool, now: Instant) {
        if is_found {
            self.missed.remove(&(process, name));
        } else {
            self.missed.insert((process, name), now);
        }
    }

    /// Records an event of a process's watch.
    pub(crate) fn told(&mut self, process: usize, object: &Value, is_there: bool, now: Instant) {
        let told = (process, name_of(object));
        if is_there {
            self.shown.entry(told).or_insert(now);
        } else {
            self.shown.remove(&told);
        }
    }

    /// Records an item of a process's list.
    pub(crate) fn listed(&mut self, process: usize, object: &Value) {
        let listed = self.listed.entry(process).or_default();
        listed.insert(name_of(object));
    }

    /// Records that a process watches from its list on.
    pub(crate) fn watches(&mut self, process: usize, now: Instant) {
        let Some(listed) = self.listed.remove(&process) else {
            return;
        };
        // Resources that are missing in a list are gone, although no watch showed it.
        self.shown
            .retain(|(of, name), _| *of != process || listed.contains(name));
        for name in listed {
            self.shown.entry((process, name)).or_insert(now);
        }
    }

    /// Returns whether a resource was gone, as far as a process knew when it sent a request.
    pub(crate) fn is_known_gone(&self, process: usize, name: &str, sent: Instant) -> bool {
        let about = (process, name.to_owned());
        let is_missed = self.missed.get(&about);
        let is_missed = is_missed.is_some_and(|at| *at <= sent && sent - *at <= PASS);
        is_missed && self.shown.get(&about).is_none_or(|since| *since >= sent)
    }
}

fn name_of(object: &Value) -> String {
    let word = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    format!("{}/{}", word("namespace"), word("name"))
}
