//! Signs and labels of states, intents and turns.

use portalctl_core::readiness::{IntentReadiness, State, Turn};

/// Returns the sign of a state, so that it never shows by colour alone.
pub(crate) const fn state_sign(state: State) -> &'static str {
    match state {
        State::Configured => "✓",
        State::InProgress => "◐",
        State::Unconfigured => "○",
        State::Attention => "✗",
        State::Unknown => "?",
        State::NotApplicable => "–",
    }
}

/// Returns the label of a state.
pub(crate) const fn state_label(state: State) -> &'static str {
    match state {
        State::InProgress => "in progress",
        State::NotApplicable => "n/a",
        State::Configured | State::Unconfigured | State::Attention | State::Unknown => {
            state.as_str()
        }
    }
}

/// Returns the sign of an intent's state; `·` where it was not read.
pub(crate) fn intent_sign(intent: &IntentReadiness) -> &'static str {
    if intent.is_not_read() {
        "·"
    } else {
        state_sign(intent.state)
    }
}

/// Returns the label of an intent's state, or `not read`.
pub(crate) fn intent_label(intent: &IntentReadiness) -> &'static str {
    if intent.is_not_read() {
        "not read"
    } else {
        state_label(intent.state)
    }
}

/// Returns the party that has to act; nothing where none has.
pub(crate) const fn turn_label(turn: Turn) -> &'static str {
    match turn {
        Turn::You => "your turn",
        Turn::Customer => "the customer's turn",
        Turn::Dns => "waiting for DNS",
        Turn::WorkOs => "WorkOS's turn",
        Turn::None => "",
    }
}
