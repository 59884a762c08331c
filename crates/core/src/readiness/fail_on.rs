//! Conditions of `status --fail-on`: `attention`, `unconfigured`, `stalled:14d`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use super::{IntentReadiness, Readiness, State};
use portalctl_model::OrgKey;

/// One condition of `--fail-on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailOn {
    /// An intent is in this state.
    State(State),
    /// An intent that is not settled has been as it is for longer than this.
    Stalled {
        /// As it was written.
        text: String,
        /// The time without progress.
        limit: SignedDuration,
    },
}

/// The text is no condition; reads as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a state ({states}) or `stalled:` with a time, as in stalled:14d, is wanted", states = states())]
pub struct InvalidCondition;

fn states() -> String {
    State::ALL.map(State::as_str).join(", ")
}

impl FromStr for FailOn {
    type Err = InvalidCondition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(time) = text.strip_prefix("stalled:") {
            let span: Span = time.parse().map_err(|_| InvalidCondition)?;
            let limit = span
                .to_duration(SpanRelativeTo::days_are_24_hours())
                .map_err(|_| InvalidCondition)?;
            if !limit.is_positive() {
                return Err(InvalidCondition);
            }
            return Ok(Self::Stalled {
                text: text.to_owned(),
                limit,
            });
        }
        let state = State::ALL.into_iter().find(|state| state.as_str() == text);
        state.map(Self::State).ok_or(InvalidCondition)
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(state) => write!(f, "{state}"),
            Self::Stalled { text, .. } => f.write_str(text),
        }
    }
}

impl FailOn {
    /// Returns whether the condition holds for an intent; one without a known time is never
    /// stalled.
    fn holds_for(&self, intent: &IntentReadiness, now: Timestamp) -> bool {
        match self {
            Self::State(state) => intent.state == *state,
            Self::Stalled { limit, .. } => {
                let is_open = !intent.state.is_settled() && intent.state != State::Unknown;
                is_open
                    && intent
                        .since
                        .is_some_and(|since| now.duration_since(since) > *limit)
            }
        }
    }

    /// The intents for which the condition holds, in the report's order.
    pub fn matches<'a>(
        &self,
        readiness: &'a Readiness,
        now: Timestamp,
    ) -> Vec<(&'a OrgKey, &'a IntentReadiness)> {
        readiness
            .organizations
            .iter()
            .flat_map(|o| o.intents.iter().map(move |intent| (&o.key, intent)))
            .filter(|(_, intent)| self.holds_for(intent, now))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::Turn;
    use portalctl_model::Intent;

    fn intent(state: State, since: Option<&str>) -> IntentReadiness {
        IntentReadiness {
            intent: Intent::Sso,
            state,
            since: since.map(|since| since.parse().unwrap()),
            turn: Turn::Customer,
            reason: String::new(),
            next_step: None,
            evidence: Vec::new(),
            basis: crate::readiness::Basis::Read,
            missing_domain: None,
        }
    }

    #[test]
    fn conditions_are_states_and_times() {
        for good in [
            "attention",
            "unconfigured",
            "in_progress",
            "stalled:14d",
            "stalled:36h",
            "stalled:2w",
        ] {
            assert_eq!(good.parse::<FailOn>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "bad",
            "stalled",
            "stalled:",
            "stalled:x",
            "stalled:-1d",
            "stalled:0d",
        ] {
            assert_eq!(bad.parse::<FailOn>(), Err(InvalidCondition), "{bad}");
        }
    }

    #[test]
    fn only_what_is_open_and_dated_can_be_stalled() {
        let stalled: FailOn = "stalled:14d".parse().unwrap();
        let now = "2026-02-01T00:00:00Z".parse().unwrap();
        let old = Some("2026-01-01T00:00:00Z");
        assert!(stalled.holds_for(&intent(State::InProgress, old), now));
        assert!(stalled.holds_for(&intent(State::Unconfigured, old), now));
        assert!(!stalled.holds_for(&intent(State::Configured, old), now));
        assert!(!stalled.holds_for(&intent(State::Unknown, old), now));
        assert!(!stalled.holds_for(&intent(State::InProgress, None), now));
        assert!(!stalled.holds_for(
            &intent(State::InProgress, Some("2026-01-18T00:00:00Z")),
            now
        ));
    }
}
