//! What somebody who comes back from the portal is told: pure.

use portalctl_core::readiness::{IntentReadiness, MissingDomain, State};
use portalctl_model::Intent;

/// How far the intent is, in the words of the person who was just in the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// WorkOS says that it is configured.
    Done,
    /// Begun, and it goes on without anything more in the portal: a record has to be seen, a first
    /// sign-in has to happen.
    Validating,
    /// Something is left to do in the portal.
    NotFinished,
    /// Single sign-on cannot be used before a domain is verified.
    NeedsDomain,
    /// WorkOS does not tell.
    Unclear,
}

impl Outcome {
    /// The word for it in results and metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Validating => "validating",
            Self::NotFinished | Self::NeedsDomain => "not_finished",
            Self::Unclear => "unclear",
        }
    }

    /// Whether it may change while somebody looks on.
    pub(super) const fn may_change(self) -> bool {
        !matches!(self, Self::Done)
    }
}

/// Judges a reading.
pub(super) fn judge(readiness: &IntentReadiness) -> Outcome {
    match readiness.state {
        State::Configured | State::NotApplicable => Outcome::Done,
        State::InProgress | State::Unconfigured | State::Attention
            if readiness.missing_domain == Some(MissingDomain::Missing) =>
        {
            Outcome::NeedsDomain
        }
        State::InProgress if validates(readiness) => Outcome::Validating,
        State::InProgress | State::Unconfigured | State::Attention => Outcome::NotFinished,
        State::Unknown => Outcome::Unclear,
    }
}

/// Whether what was begun is being validated. A connection that waits for its first sign-in and a
/// domain whose record is to be seen are; one without an identity provider is not.
fn validates(readiness: &IntentReadiness) -> bool {
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
            assert_eq!(judge(&reading), outcome, "{intent} {state} {evidence}");
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
            assert_eq!(judge(&reading), outcome, "{state} {missing:?}");
        }
    }
}
