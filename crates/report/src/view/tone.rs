//! Meaning of a sign or a count, which each renderer maps to its colour or style.

use portalctl_core::readiness::State;

use crate::doctor::Verdict;

/// Meaning of a sign or a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Success or an addition.
    Good,
    /// Change, wait or held change.
    Notice,
    /// Failure or a removal.
    Bad,
    /// Unknown state.
    Unsure,
    /// Warning.
    Warning,
    /// Secondary.
    Quiet,
    /// Neutral.
    Plain,
}

impl From<State> for Tone {
    fn from(state: State) -> Self {
        match state {
            State::Configured => Self::Good,
            State::InProgress => Self::Notice,
            State::Attention => Self::Bad,
            State::Unknown => Self::Unsure,
            State::NotApplicable => Self::Quiet,
            State::Unconfigured => Self::Plain,
        }
    }
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Warn => Self::Notice,
            Verdict::Fail => Self::Bad,
            Verdict::Skip => Self::Quiet,
        }
    }
}
