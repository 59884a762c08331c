//! Progress of an intent as a page or a result reports it to the person who comes back. Pure.

use portalctl_core::readiness::{IntentReadiness, MissingDomain, State};
use portalctl_model::Intent;

/// Progress of an intent, as told to the person who was just in the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Configured, by WorkOS's word.
    Done,
    /// In progress, with nothing left to do in the portal: a DNS record has to be seen, or a first
    /// sign-in has to happen.
    Validating,
    /// Not finished: a step in the portal is left.
    NotFinished,
    /// Not finished: single sign-on needs a verified domain first.
    NeedsDomain,
    /// Unknown, because WorkOS did not tell.
    Unclear,
}

impl Outcome {
    /// Derives the outcome from a readiness.
    pub(super) fn of(readiness: &IntentReadiness) -> Self {
        match readiness.state {
            State::Configured | State::NotApplicable => Self::Done,
            State::InProgress | State::Unconfigured | State::Attention
                if readiness.missing_domain == Some(MissingDomain::Missing) =>
            {
                Self::NeedsDomain
            }
            State::InProgress if is_validating(readiness) => Self::Validating,
            State::InProgress | State::Unconfigured | State::Attention => Self::NotFinished,
            State::Unknown => Self::Unclear,
        }
    }

    /// Returns the name in results and metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Validating => "validating",
            Self::NotFinished | Self::NeedsDomain => "not_finished",
            Self::Unclear => "unclear",
        }
    }

    /// Returns whether the outcome may change while the page is open.
    pub(super) const fn may_change(self) -> bool {
        !matches!(self, Self::Done)
    }
}

/// Returns whether WorkOS is validating what was entered. A connection that waits for its first
/// sign-in and a domain whose record is to be seen are; a connection without an identity provider
/// is not.
fn is_validating(readiness: &IntentReadiness) -> bool {
    let has = |state: &str| readiness.evidence.iter().any(|piece| piece.state == state);
    match readiness.intent {
        Intent::Sso | Intent::Dsync => has("validating"),
        Intent::DomainVerification => has("pending"),
        Intent::AuditLogs
        | Intent::LogStreams
        | Intent::CertificateRenewal
        | Intent::BringYourOwnKey => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_core::readiness::{Evidence, Turn};

    fn reading(intent: Intent, state: State, evidence: &str) -> IntentReadiness {
        let piece = Evidence {
            object: "connection",
            id: None,
            kind: None,
            state: evidence.to_owned(),
            since: None,
        };
        IntentReadiness {
            intent,
            state,
            since: None,
            turn: Turn::Customer,
            reason: String::new(),
            next_step: None,
            evidence: vec![piece],
            basis: portalctl_core::readiness::Basis::Read,
            missing_domain: None,
        }
    }

    #[test]
    fn what_is_left_to_do_in_the_portal_is_not_called_validating() {
        use Outcome::{Done, NotFinished, Unclear, Validating};
        for (intent, state, evidence, outcome) in [
            (Intent::Sso, State::Configured, "active", Done),
            (Intent::Sso, State::InProgress, "validating", Validating),
            (Intent::Sso, State::InProgress, "draft", NotFinished),
            (Intent::Sso, State::Attention, "inactive", NotFinished),
            (Intent::Sso, State::Unconfigured, "", NotFinished),
            (Intent::Dsync, State::InProgress, "validating", Validating),
            (
                Intent::DomainVerification,
                State::InProgress,
                "pending",
                Validating,
            ),
            (
                Intent::LogStreams,
                State::InProgress,
                "inactive",
                Validating,
            ),
            (Intent::CertificateRenewal, State::NotApplicable, "", Done),
            (Intent::BringYourOwnKey, State::Unknown, "", Unclear),
        ] {
            let reading = reading(intent, state, evidence);
            assert_eq!(
                Outcome::of(&reading),
                outcome,
                "{intent} {state} {evidence}"
            );
        }
    }

    #[test]
    fn single_sign_on_without_a_verified_domain_is_told_so_unless_it_works() {
        for (state, missing, outcome) in [
            (
                State::Unconfigured,
                MissingDomain::Missing,
                Outcome::NeedsDomain,
            ),
            (
                State::InProgress,
                MissingDomain::Missing,
                Outcome::NeedsDomain,
            ),
            (State::Configured, MissingDomain::Missing, Outcome::Done),
            (
                State::Unconfigured,
                MissingDomain::NotKnown,
                Outcome::NotFinished,
            ),
        ] {
            let reading = IntentReadiness {
                missing_domain: Some(missing),
                ..reading(Intent::Sso, state, "validating")
            };
            assert_eq!(Outcome::of(&reading), outcome, "{state} {missing:?}");
        }
    }
}
