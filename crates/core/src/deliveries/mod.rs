//! Deliveries of changes to one receiver, such as the webhook of an app.
//!
//! Takes a [`Position`], the states of each reading and the outcome of each attempt. Returns the
//! deliveries that are due: at most one of an organization at a time, in the order of its changes.
//! Reads no clock, sends nothing and writes no file.

mod file;
mod position;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::readiness::compare::Picture;

pub use file::{InvalidPosition, Scope};
pub use position::{Delivery, Position, Stamp};

/// Deliveries of one receiver, with the times of their next attempts.
///
/// Times are durations since the start of the run.
#[derive(Debug)]
pub struct Deliveries {
    position: Position,
    /// Organizations with a delivery that waits for an attempt, by its earliest time.
    waiting: BTreeSet<(Duration, String)>,
    /// Organizations with a delivery that is being sent.
    in_flight: BTreeSet<String>,
    /// Failed attempts of the first delivery of an organization.
    failures: BTreeMap<String, u32>,
}

impl Deliveries {
    /// Creates the deliveries of a position; those that an earlier run left are due at once.
    pub fn new(position: Position) -> Self {
        let keys = position.keys_with_deliveries();
        let waiting = keys.map(|key| (Duration::ZERO, key.to_owned())).collect();
        Self {
            position,
            waiting,
            in_flight: BTreeSet::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Returns the position, which has to be saved before the next delivery is sent.
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// Takes the states of a reading; returns whether there is anything new to deliver.
    pub fn observe(&mut self, picture: &Picture, seen_at: Timestamp, now: Duration) -> bool {
        let changed = self.position.observe(picture, seen_at);
        let is_new = !changed.is_empty();
        for key in changed {
            // One with earlier deliveries is waiting or being sent already.
            if self.position.deliveries_of(&key) == 1 {
                self.waiting.insert((now, key));
            }
        }
        is_new
    }

    /// Takes the deliveries that are due, so that at most `limit` are being sent.
    pub fn take_due(&mut self, now: Duration, limit: usize) -> Vec<Delivery> {
        let mut due = Vec::new();
        while self.in_flight.len() < limit {
            let Some((at, key)) = self.waiting.pop_first() else {
                break;
            };
            if at > now {
                self.waiting.insert((at, key));
                break;
            }
            if let Some(delivery) = self.position.next_delivery(&key) {
                self.in_flight.insert(key);
                due.push(delivery);
            }
        }
        due
    }

    /// Returns the time of the next attempt, if a delivery waits for one.
    pub fn next_attempt(&self) -> Option<Duration> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// Returns the number of failed attempts of the first delivery of an organization.
    pub fn failures(&self, key: &str) -> u32 {
        self.failures.get(key).copied().unwrap_or_default()
    }

    /// Records that the delivery of an organization was accepted; the next one is due at once.
    pub fn accept(&mut self, key: &str, now: Duration) {
        if !self.in_flight.remove(key) {
            return;
        }
        self.failures.remove(key);
        self.position.accept(key);
        if self.position.next_delivery(key).is_some() {
            self.waiting.insert((now, key.to_owned()));
        }
    }

    /// Records that an attempt failed, and the time of the next one.
    pub fn fail(&mut self, key: &str, next_attempt: Duration) {
        if !self.in_flight.remove(key) {
            return;
        }
        let failures = self.failures.entry(key.to_owned()).or_default();
        *failures = failures.saturating_add(1);
        self.waiting.insert((next_attempt, key.to_owned()));
    }
}
