//! Doctor: every pre-flight check with its verdict and a hint.
//!
//! [`Facts`], which the shell gathered, go in; one [`Check`] for each [`Subject`] comes out, in the
//! order in which they rest on each other. Pure. A missing fact makes its check a skip with a
//! reason, and never prevents the others.

mod account;
mod credentials;
mod facts;
mod manifest;
mod network;
mod urls;
mod webhook;

use schemars::JsonSchema;
use serde::Serialize;

use portalctl_model::codes::Code;

pub use facts::{
    Account, Asked, CertificateFile, Certificates, EndpointFacts, EndpointOrigin, Facts, Finding,
    KeyFacts, KeyFile, LinkFailure, LinkTest, ManifestFacts, Probe, Probed, Probes, Problem,
};
pub use urls::UrlFacts;
pub use webhook::ExpectedWebhook;

/// Verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Good.
    Pass,
    /// Working, with a flaw.
    Warn,
    /// Broken.
    Fail,
    /// Not checked; the detail tells the reason.
    Skip,
}

impl Verdict {
    /// Returns the name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// Group of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Declaration.
    Manifest,
    /// API key and client id.
    Credentials,
    /// Way to WorkOS.
    Network,
    /// Answers of WorkOS.
    Account,
    /// Destinations of the portal.
    Portal,
}

impl Area {
    /// Returns the heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Credentials => "credentials",
            Self::Network => "network",
            Self::Account => "account",
            Self::Portal => "portal",
        }
    }
}

/// Declares the subjects, each with its area, its stable id and its title.
macro_rules! subjects {
    ($($(#[$doc:meta])* $name:ident = $area:ident, $id:literal, $title:literal;)+) => {
        /// Subject of a check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Subject {
            $($(#[$doc])* $name,)+
        }

        impl Subject {
            /// All subjects, in the order of checks.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the stable id, as in JSON.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// Returns the title for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// Returns the area.
            pub const fn area(self) -> Area {
                match self { $(Self::$name => Area::$area,)+ }
            }
        }
    };
}

subjects! {
    /// Manifest: present and valid.
    Manifest = Manifest, "manifest", "manifest";
    /// API key: present and well formed.
    ApiKey = Credentials, "api-key", "API key";
    /// File of the key: readable by its owner alone.
    ApiKeyFile = Credentials, "api-key-file", "key file";
    /// Kind of the key: the one that the manifest takes.
    ApiKeyKind = Credentials, "api-key-kind", "key kind";
    /// Client id: present, well formed, and the manifest's.
    ClientId = Credentials, "client-id", "client id";
    /// Endpoint: allowed.
    Endpoint = Network, "endpoint", "endpoint";
    /// Proxy: usable.
    Proxy = Network, "proxy", "proxy";
    /// Certificates: readable.
    Certificates = Network, "certificates", "certificates";
    /// Connection: WorkOS answers.
    Reachable = Network, "reachable", "reachable";
    /// Clock: in agreement with the server's.
    Clock = Network, "clock", "clock";
    /// API key: accepted by WorkOS.
    ApiKeyAccepted = Account, "api-key-accepted", "key accepted";
    /// Client id: known to WorkOS.
    ClientIdKnown = Account, "client-id-known", "client id known";
    /// Rate limit: requests are left.
    RateLimit = Account, "rate-limit", "rate limit";
    /// Declared organizations: part of this environment.
    Organizations = Account, "organizations", "organizations";
    /// Webhook: sent to the expected URL.
    Webhook = Account, "webhook", "webhook";
    /// Return URLs: well formed.
    ReturnUrls = Portal, "return-urls", "return URLs";
    /// Hosts of return URLs: pinned.
    AllowedHosts = Portal, "allowed-hosts", "allowed hosts";
    /// Return URLs: answering.
    ReturnUrlsAnswer = Portal, "return-urls-answer", "URLs answer";
    /// Default return URL: not needed by any link.
    DefaultReturnUrl = Portal, "default-return-url", "default URL";
    /// Portal link: can be made.
    PortalLink = Portal, "portal-link", "portal link";
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Subject.
    pub subject: Subject,
    /// Verdict.
    pub verdict: Verdict,
    /// Finding, in a sentence; the reason when the check was skipped.
    pub detail: String,
    /// Hint on what to do.
    pub advice: Option<String>,
    /// Code that `portalctl explain` describes.
    pub code: Option<Code>,
}

impl Check {
    fn pass(subject: Subject, detail: impl Into<String>) -> Self {
        Self::without_code(subject, Verdict::Pass, detail)
    }

    fn skip(subject: Subject, why: impl Into<String>) -> Self {
        Self::without_code(subject, Verdict::Skip, why)
    }

    fn warn(subject: Subject, code: Code, detail: impl Into<String>) -> Self {
        Self::with_code(subject, Verdict::Warn, code, detail)
    }

    fn fail(subject: Subject, code: Code, detail: impl Into<String>) -> Self {
        Self::with_code(subject, Verdict::Fail, code, detail)
    }

    /// Creates a failed check from a problem.
    fn failed(subject: Subject, problem: &Problem) -> Self {
        let check = Self::fail(subject, problem.code, &problem.message);
        match &problem.help {
            Some(help) => check.advise(help),
            None => check,
        }
    }

    fn without_code(subject: Subject, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            subject,
            verdict,
            detail: detail.into(),
            advice: None,
            code: None,
        }
    }

    /// Creates a check whose hint is the code's general one.
    fn with_code(
        subject: Subject,
        verdict: Verdict,
        code: Code,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            advice: Some(code.entry().fix.to_owned()),
            code: Some(code),
            ..Self::without_code(subject, verdict, detail)
        }
    }

    /// Replaces the hint by one for this very case.
    #[must_use]
    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// Number of checks by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Checks that passed.
    pub pass: usize,
    /// Checks with a warning.
    pub warn: usize,
    /// Checks that failed.
    pub fail: usize,
    /// Checks that were skipped.
    pub skip: usize,
}

impl Totals {
    /// Counts checks.
    pub fn of(checks: &[Check]) -> Self {
        let mut totals = Self::default();
        for check in checks {
            *match check.verdict {
                Verdict::Pass => &mut totals.pass,
                Verdict::Warn => &mut totals.warn,
                Verdict::Fail => &mut totals.fail,
                Verdict::Skip => &mut totals.skip,
            } += 1;
        }
        totals
    }
}

/// Judges the facts: one check for each subject, in order.
pub fn examine(facts: &Facts) -> Vec<Check> {
    let judge = |subject: &Subject| match subject {
        Subject::Manifest => manifest::manifest(facts),
        Subject::ApiKey => credentials::api_key(facts),
        Subject::ApiKeyFile => credentials::key_file(facts),
        Subject::ApiKeyKind => credentials::key_kind(facts),
        Subject::ClientId => credentials::client_id(facts),
        Subject::Endpoint => network::endpoint(facts),
        Subject::Proxy => network::proxy(facts),
        Subject::Certificates => network::certificates(facts),
        Subject::Reachable => network::reachable(facts),
        Subject::Clock => network::clock(facts),
        Subject::ApiKeyAccepted => account::key_accepted(facts),
        Subject::ClientIdKnown => account::client_id_known(facts),
        Subject::RateLimit => account::rate_limit(facts),
        Subject::Organizations => account::organizations(facts),
        Subject::Webhook => webhook::webhook(facts),
        Subject::ReturnUrls => urls::return_urls(facts),
        Subject::AllowedHosts => urls::allowed_hosts(facts),
        Subject::ReturnUrlsAnswer => urls::answers(facts),
        Subject::DefaultReturnUrl => urls::default_url(facts),
        Subject::PortalLink => account::portal_link(facts),
    };
    Subject::ALL.iter().map(judge).collect()
}

#[cfg(test)]
mod tests;
