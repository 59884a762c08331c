//! Texts of the pages, written for IT admins who have never heard of the gateway. Pure.
//!
//! No text tells a visitor more than they know already.

use super::outcome::Outcome;
use super::refusal::ErrorPage;
use portalctl_model::Intent;

/// Text of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageText {
    pub(super) icon: Icon,
    pub(super) heading: String,
    pub(super) paragraphs: Vec<String>,
    /// Name of the request, which its line in the log has, too.
    pub(super) reference: Option<String>,
}

/// Icon beside the heading; the heading says the same in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    /// Finished.
    Good,
    /// Waiting, with nothing to do.
    Waiting,
    /// A step is left to do.
    Open,
    /// Refused or failed.
    Stopped,
}

impl Icon {
    /// Returns the CSS class.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Stopped => "stopped",
        }
    }
}

fn text(icon: Icon, heading: impl Into<String>, paragraphs: &[&str]) -> PageText {
    PageText {
        icon,
        heading: heading.into(),
        paragraphs: paragraphs.iter().map(|p| (*p).to_owned()).collect(),
        reference: None,
    }
}

/// Builds the text of a refusal: a heading and one paragraph.
fn refusal(icon: Icon, heading: &str, paragraph: &str) -> PageText {
    text(icon, heading, &[paragraph])
}

/// Returns the text about the state of an intent.
pub(super) fn progress(outcome: Outcome, intent: Intent) -> PageText {
    let title = intent.title();
    match outcome {
        Outcome::Done => text(
            Icon::Good,
            format!("Done: {title} is set up"),
            &["There is nothing left to do here. You can close this page."],
        ),
        Outcome::Validating => text(
            Icon::Waiting,
            format!("Being validated: {title}"),
            &[
                validation(intent),
                "You do not have to keep this page open.",
            ],
        ),
        Outcome::NotFinished => text(
            Icon::Open,
            format!("Not finished: {title}"),
            &[
                "Something is left to do in the set-up. What you have entered so far is kept.",
                "If you have just finished, give it a moment.",
            ],
        ),
        Outcome::NeedsDomain => text(
            Icon::Open,
            format!("Not finished: {title}"),
            &[
                "A verified domain is missing: your company's domain has to be verified before \
                 anybody can sign in. What you have entered so far is kept.",
                "Go back, and verify the domain first. If it was verified just now, give it a \
                 moment.",
            ],
        ),
        Outcome::Unclear => text(
            Icon::Waiting,
            format!("We cannot tell yet how far {title} is"),
            &["What you have entered is kept. You can leave this page and look again later."],
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

/// Returns the text of the page that leads on to the portal.
pub(super) fn onward(intent: Intent) -> PageText {
    let heading = format!("Opening the set-up: {}", intent.title());
    let paragraph =
        "If nothing happens, continue by yourself. The link works once, for five minutes.";
    text(Icon::Open, heading, &[paragraph])
}

/// Returns the text for somebody who signed out.
pub(super) fn signed_out() -> PageText {
    text(
        Icon::Good,
        "You are signed out here",
        &["This browser shows no set-up any more. You can close this page."],
    )
}

/// Returns the text of a refusal.
#[expect(clippy::too_many_lines, reason = "a table of texts")]
pub(super) fn refused(page: ErrorPage) -> PageText {
    match page {
        ErrorPage::Denied => refusal(
            Icon::Stopped,
            "This link does not work",
            "A link to the set-up works once and for a short time. Go back to the app you came \
               from, and start again there.",
        ),
        ErrorPage::NeedsRole => refusal(
            Icon::Stopped,
            "This needs an IT admin of your organization",
            "You are signed in, and your role may not open the set-up. Ask an admin of your \
               organization to open it, or to give you the role in the app you came from.",
        ),
        ErrorPage::OtherOrganization => refusal(
            Icon::Stopped,
            "This set-up is for another organization",
            "You are signed in for a different one. Switch to the organization that you want to \
               set up in the app you came from, and open the set-up there.",
        ),
        ErrorPage::NotOffered => refusal(
            Icon::Stopped,
            "This is not part of your set-up",
            "It has not been switched on for your organization or for you. Ask whoever invited \
               you whether it is included.",
        ),
        ErrorPage::Unknown => refusal(
            Icon::Stopped,
            "We cannot show how far you are",
            "This page is for the browser that began the set-up, for two hours. What you have \
               entered is kept. The app you came from shows how far you are.",
        ),
        ErrorPage::Confirm => refusal(
            Icon::Open,
            "Do you want to continue?",
            "Another site sent you to the set-up of your organization. Continue if that was your \
               intention; otherwise close this page, and nothing has happened.",
        ),
        ErrorPage::NoNavigation => refusal(
            Icon::Stopped,
            "Open the set-up in a page of its own",
            "It opens by a link, a form or a new address, and neither inside another page nor in \
               the background. Go back to the app you came from, and start again there.",
        ),
        ErrorPage::NoPage => refusal(
            Icon::Stopped,
            "There is no such page",
            "Go back to the app you came from.",
        ),
        ErrorPage::Method => refusal(
            Icon::Stopped,
            "This page cannot be used like this",
            "Go back to the app you came from, and start again there.",
        ),
        ErrorPage::NotReady => refusal(
            Icon::Waiting,
            "The set-up is not ready for you yet",
            "Your organization has not been prepared. Ask whoever invited you, or try again \
               later.",
        ),
        ErrorPage::AlreadyThere => refusal(
            Icon::Good,
            "Single sign-on is set up already",
            "A connection is active, so there is nothing to do. To change or replace it, ask \
               whoever invited you.",
        ),
        ErrorPage::TooMany(_) => refusal(
            Icon::Waiting,
            "Too many attempts",
            "Wait a minute, then start again in the app you came from.",
        ),
        ErrorPage::Busy(_) => refusal(
            Icon::Waiting,
            "Please try again in a moment",
            "We cannot open the set-up right now. Reload this page in a few seconds; if it does \
               not work then, start again in the app you came from.",
        ),
        ErrorPage::Restarted(_) => refusal(
            Icon::Waiting,
            "Please wait a few seconds",
            "The set-up has just been updated. Wait a few seconds, then press the button in the app \
               you came from again. Nothing you have entered is lost.",
        ),
        ErrorPage::Failed => refusal(
            Icon::Stopped,
            "The set-up cannot be opened",
            "Something has to be repaired on our side first, and we have been told. Try again \
               later.",
        ),
    }
}
