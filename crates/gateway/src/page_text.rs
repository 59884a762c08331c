//! Choice of the text of each page: its sign, and the name of its message in `texts/`. Pure.
//!
//! The texts are written for IT admins who have never heard of the gateway. No text tells a visitor more
//! than they know already.

use super::outcome::Outcome;
use super::refusal::ErrorPage;
use portalctl_model::Intent;

/// Icon and message of one page.
pub(super) type PageText = (Icon, &'static str);

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

/// Text of the page that leads on to the portal.
pub(super) const ONWARD: PageText = (Icon::Open, "onward");
/// Text for somebody who signed out.
pub(super) const SIGNED_OUT: PageText = (Icon::Good, "signed-out");
/// Question to somebody who opens what is set up already.
pub(super) const CHANGE_ACTIVE: PageText = (Icon::Good, "change-active");

/// Returns the text about the state of an intent.
pub(super) const fn progress(outcome: Outcome, intent: Intent) -> PageText {
    match outcome {
        Outcome::Done => (Icon::Good, "done"),
        Outcome::Validating => (Icon::Waiting, validation(intent)),
        Outcome::NotFinished => (Icon::Open, "not-finished"),
        Outcome::NeedsDomain => (Icon::Open, "needs-domain"),
        Outcome::Unclear => (Icon::Waiting, "unclear"),
    }
}

const fn validation(intent: Intent) -> &'static str {
    match intent {
        Intent::Sso => "validating-sso",
        Intent::Dsync => "validating-dsync",
        Intent::DomainVerification => "validating-domain_verification",
        Intent::AuditLogs
        | Intent::LogStreams
        | Intent::CertificateRenewal
        | Intent::BringYourOwnKey => "validating",
    }
}

/// Returns the text of a refusal.
pub(super) const fn refused(page: ErrorPage) -> PageText {
    match page {
        ErrorPage::Denied => (Icon::Stopped, "denied"),
        ErrorPage::NeedsRole => (Icon::Stopped, "needs-role"),
        ErrorPage::OtherOrganization => (Icon::Stopped, "other-organization"),
        ErrorPage::NotOffered => (Icon::Stopped, "not-offered"),
        ErrorPage::Unknown => (Icon::Stopped, "other-browser"),
        ErrorPage::Confirm => (Icon::Open, "confirm"),
        ErrorPage::NoNavigation => (Icon::Stopped, "no-navigation"),
        ErrorPage::NoPage => (Icon::Stopped, "no-page"),
        ErrorPage::Method => (Icon::Stopped, "wrong-method"),
        ErrorPage::NotReady => (Icon::Waiting, "not-ready"),
        ErrorPage::AlreadyThere => (Icon::Good, "already-active"),
        ErrorPage::TooMany(_) => (Icon::Waiting, "too-many"),
        ErrorPage::Busy(_) => (Icon::Waiting, "busy"),
        ErrorPage::Restarted(_) => (Icon::Waiting, "restarted"),
        ErrorPage::Failed => (Icon::Stopped, "failed"),
    }
}
