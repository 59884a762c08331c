//! What pages say: in words that a person who has never heard of the gateway can act on, and that tell
//! nobody more than they know already. Pure.

use super::outcome::Outcome;
use super::refusal::Face;
use portalctl_model::Intent;

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) sign: Sign,
    pub(super) heading: String,
    pub(super) paragraphs: Vec<String>,
}

/// What the picture beside the heading says; the heading says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Done.
    Good,
    /// It goes on by itself.
    Waiting,
    /// Something is left to do.
    Open,
    /// It does not go on here.
    Stopped,
}

impl Sign {
    /// The name that the style knows it by.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Stopped => "stopped",
        }
    }
}

fn text(sign: Sign, heading: impl Into<String>, paragraphs: &[&str]) -> Text {
    Text {
        sign,
        heading: heading.into(),
        paragraphs: paragraphs.iter().map(|p| (*p).to_owned()).collect(),
    }
}

/// How far somebody is who came back.
pub(super) fn progress(outcome: Outcome, intent: Intent) -> Text {
    let title = intent.title();
    match outcome {
        Outcome::Done => text(
            Sign::Good,
            format!("Done: {title} is set up"),
            &["There is nothing left to do here. You can close this page."],
        ),
        Outcome::Validating => text(
            Sign::Waiting,
            format!("Being validated: {title}"),
            &[
                validation(intent),
                "You do not have to keep this page open.",
            ],
        ),
        Outcome::NotFinished => text(
            Sign::Open,
            format!("Not finished: {title}"),
            &[
                "Something is left to do in the set-up. What you have entered so far is kept.",
                "If you have just finished, give it a moment.",
            ],
        ),
        Outcome::NeedsDomain => text(
            Sign::Open,
            format!("Not finished: {title}"),
            &[
                "A verified domain is missing: your company's domain has to be verified before \
                 anybody can sign in. What you have entered so far is kept.",
                "Go back, and verify the domain first. If it was verified just now, give it a \
                 moment.",
            ],
        ),
        Outcome::Unclear => text(
            Sign::Waiting,
            format!("We cannot tell yet how far {title} is"),
            &["What you have entered is kept. Look again in a few minutes."],
        ),
    }
}

const fn validation(intent: Intent) -> &'static str {
    match intent {
        Intent::Sso => {
            "Everything is entered. Somebody has to sign in once through your identity provider."
        }
        Intent::Dsync => "Everything is entered. Your directory is being read for the first time.",
        Intent::DomainVerification => {
            "We are looking for the DNS record. It can take up to three days until it is seen \
             everywhere."
        }
        Intent::AuditLogs
        | Intent::LogStreams
        | Intent::CertificateRenewal
        | Intent::BringYourOwnKey => "Everything is entered and is being checked.",
    }
}

/// Why somebody gets nothing: the same words for everybody who may not.
pub(super) fn refused(face: Face) -> Text {
    match face {
        Face::Denied => text(
            Sign::Stopped,
            "This link does not work",
            &[
                "A link to the set-up works once and for a short time. Go back to the app you came \
               from, and start again there.",
            ],
        ),
        Face::Unknown => text(
            Sign::Stopped,
            "We cannot show how far you are",
            &[
                "This page is for the browser that began the set-up, for two hours. What you have \
               entered is kept. The app you came from shows how far you are.",
            ],
        ),
        Face::NoPage => text(
            Sign::Stopped,
            "There is no such page",
            &["Go back to the app you came from."],
        ),
        Face::Method => text(
            Sign::Stopped,
            "This page cannot be used like this",
            &["Go back to the app you came from, and start again there."],
        ),
        Face::NotReady => text(
            Sign::Waiting,
            "The set-up is not ready for you yet",
            &[
                "Your organization has not been prepared. Ask whoever invited you, or try again \
               later.",
            ],
        ),
        Face::AlreadyThere => text(
            Sign::Good,
            "Single sign-on is set up already",
            &[
                "A connection is active, so there is nothing to do. To change or replace it, ask \
               whoever invited you.",
            ],
        ),
        Face::TooMany(_) => text(
            Sign::Waiting,
            "Too many attempts",
            &["Wait a minute, then start again in the app you came from."],
        ),
        Face::Busy(_) => text(
            Sign::Waiting,
            "Please try again in a moment",
            &[
                "We cannot open the set-up right now. Reload this page in a few seconds; if it does \
               not work then, start again in the app you came from.",
            ],
        ),
        Face::Failed => text(
            Sign::Stopped,
            "The set-up cannot be opened",
            &[
                "Something has to be repaired on our side first, and we have been told. Try again \
               later.",
            ],
        ),
    }
}
