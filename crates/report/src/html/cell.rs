//! Cell of the matrix: the state of one intent of one organization.

use jiff::Timestamp;

use super::shown::Moment;
use crate::view::{age, intent_label, intent_sign, turn_label};
use portalctl_core::readiness::{IntentReadiness, State, Turn};

/// One intent of one organization.
#[derive(Debug)]
pub(super) struct Cell {
    pub state: State,
    pub sign: &'static str,
    pub words: &'static str,
    pub since: Option<Moment>,
    pub age: Option<String>,
    pub turn: Option<(Turn, &'static str)>,
}

impl Cell {
    pub(super) fn new(intent: &IntentReadiness, now: Option<Timestamp>) -> Self {
        let turn = Some(intent.turn).filter(|turn| *turn != Turn::None);
        Self {
            state: intent.state,
            sign: intent_sign(intent),
            words: intent_label(intent),
            since: intent.since.map(Moment),
            age: intent.since.zip(now).map(|(since, now)| age(since, now)),
            turn: turn.map(|turn| (turn, turn_label(turn))),
        }
    }
}

/// Returns the text with its first letter in upper case.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
