//! Tells, reading after reading, whether the customer has finished, begun, or run into something.
//!
//! What counts is what has changed since the beginning: a connection that was switched off last
//! month is why a link is made at all, and one that was active all along is not what somebody who
//! asks for another waits for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::readiness::{Basis, Evidence, IntentReadiness, State};
use portalctl_model::Intent;
use portalctl_model::observed::{Event, EventKind};

/// Condition that ends the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The intent is configured, however it came to be.
    Configured,
    /// The intent is configured by something that was not there at the beginning, or has changed
    /// since.
    ConfiguredAnew,
}

/// Verdict on one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The condition holds.
    Configured,
    /// The set-up came into a state that needs attention; readiness says why.
    WentWrong,
    /// Neither, yet.
    Waiting(Phase),
}

/// Progress of the customer's set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No step has been taken.
    NotStarted,
    /// Something has been begun.
    InProgress,
    /// The state of the beginning goes on: something wrong, or something configured.
    AsBefore,
    /// WorkOS does not tell.
    Unclear,
}

/// End of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitOutcome {
    /// The condition holds.
    Configured,
    /// The set-up came into a state that needs attention.
    WentWrong,
    /// The time ran out first.
    TimedOut,
    /// The wait was interrupted.
    Interrupted,
}

/// Follows one intent of one customer.
#[derive(Debug, Clone)]
pub struct Watch {
    until: Until,
    first: State,
    /// True while the state is the one of the beginning.
    is_unbroken: bool,
    beginning: BTreeMap<Mark, Option<Timestamp>>,
    known_events: BTreeSet<String>,
    /// True where the state at the beginning could not be read: the first readable one stands for
    /// it.
    lacks_beginning: bool,
}

/// Identity of a piece of evidence: the object in its state.
type Mark = (&'static str, Option<String>, String);

impl Watch {
    /// Begins with what holds before the customer does anything, and the events until then.
    pub fn begin(until: Until, readiness: &IntentReadiness, events: &[Event]) -> Self {
        let evidence = readiness.evidence.iter();
        Self {
            until,
            first: readiness.state,
            is_unbroken: true,
            beginning: evidence.map(|piece| (mark(piece), piece.since)).collect(),
            known_events: events.iter().map(|event| event.id.clone()).collect(),
            lacks_beginning: readiness.basis != Basis::Read,
        }
    }

    /// Judges a reading; also returns what has happened since the last one.
    pub fn look<'a>(
        &mut self,
        readiness: &IntentReadiness,
        events: &'a [Event],
    ) -> (Verdict, Vec<&'a Event>) {
        let fresh: Vec<&Event> = events
            .iter()
            .filter(|event| self.known_events.insert(event.id.clone()))
            .collect();
        // A state that could not be read is no change.
        if readiness.basis != Basis::Read {
            return (Verdict::Waiting(Phase::Unclear), fresh);
        }
        if std::mem::take(&mut self.lacks_beginning) {
            let known_events = std::mem::take(&mut self.known_events);
            *self = Self {
                known_events,
                ..Self::begin(self.until, readiness, &[])
            };
        }
        self.is_unbroken &= readiness.state == self.first;
        (self.judge(readiness, &fresh), fresh)
    }

    fn judge(&self, readiness: &IntentReadiness, fresh: &[&Event]) -> Verdict {
        let evidence = &readiness.evidence;
        match readiness.state {
            State::Configured if self.until == Until::Configured || !self.is_unbroken => {
                Verdict::Configured
            }
            State::Configured => {
                let completed = evidence.iter().any(|piece| self.completes(piece))
                    || fresh.iter().any(|event| completes(&event.kind));
                if completed {
                    Verdict::Configured
                } else if evidence.iter().any(|piece| self.is_new(piece)) {
                    Verdict::Waiting(Phase::InProgress)
                } else {
                    Verdict::Waiting(Phase::AsBefore)
                }
            }
            State::Attention => {
                let alarms = |piece: &Evidence| {
                    self.is_new(piece) && piece.judged() == Some(State::Attention)
                };
                if !self.is_unbroken
                    || evidence.iter().any(alarms)
                    || fresh.iter().any(|event| alarming(&event.kind))
                {
                    Verdict::WentWrong
                } else if evidence.iter().any(|piece| self.is_new(piece)) {
                    Verdict::Waiting(Phase::InProgress)
                } else {
                    Verdict::Waiting(Phase::AsBefore)
                }
            }
            State::InProgress => Verdict::Waiting(Phase::InProgress),
            State::Unconfigured | State::NotApplicable => Verdict::Waiting(Phase::NotStarted),
            State::Unknown => Verdict::Waiting(Phase::Unclear),
        }
    }

    /// Returns whether a piece of evidence is new or was in another state at the beginning.
    fn is_new(&self, piece: &Evidence) -> bool {
        !self.beginning.contains_key(&mark(piece))
    }

    /// Returns whether a piece of evidence configures the intent and did not do so at the
    /// beginning. A connection counts also when it was changed and is active as before; other
    /// objects move their time on their own, with every delivery or sync.
    fn completes(&self, piece: &Evidence) -> bool {
        let is_fine = matches!(piece.judged(), Some(State::Configured) | None);
        let is_other = match self.beginning.get(&mark(piece)) {
            None => true,
            Some(since) => piece.object == "connection" && *since != piece.since,
        };
        is_fine && is_other
    }
}

fn mark(piece: &Evidence) -> Mark {
    let Evidence {
        object,
        id,
        kind: _,
        state,
        since: _,
    } = piece;
    (object, id.clone(), state.clone())
}

/// The events that tell more about an intent than its objects do; empty where there are none.
pub const fn kinds(intent: Intent) -> &'static [EventKind] {
    match intent {
        Intent::Sso => &[
            EventKind::ConnectionActivated,
            EventKind::ConnectionDeactivated,
            EventKind::ConnectionDeleted,
        ],
        Intent::Dsync => &[EventKind::DirectoryActivated, EventKind::DirectoryDeleted],
        Intent::DomainVerification => &[EventKind::DomainVerificationFailed],
        Intent::CertificateRenewal => &[EventKind::CertificateRenewed],
        // Readiness itself rests on events here, or there are none.
        Intent::BringYourOwnKey | Intent::AuditLogs | Intent::LogStreams => &[],
    }
}

/// Returns whether an event says that a configured intent was configured anew.
fn completes(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::ConnectionActivated
            | EventKind::DirectoryActivated
            | EventKind::CertificateRenewed
    )
}

/// Returns whether an event says that a failed set-up failed once more.
fn alarming(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::DomainVerificationFailed | EventKind::ConnectionDeactivated
    )
}

#[cfg(test)]
mod tests;
