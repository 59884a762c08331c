//! The doctor: every pre-flight check with its verdict and what to do about it.
//!
//! Goes in: [`Facts`], which the shell gathered. Comes out: one [`Check`] for each [`Subject`], in
//! the order in which one thing rests on the other. Pure; a fact that could not be had makes its
//! check a skip that says why, and never keeps the others from being made.

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

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is as it should be.
    Pass,
    /// It works, and something about it is not as it should be.
    Warn,
    /// It does not work.
    Fail,
    /// It was not looked at; the detail says why.
    Skip,
}

impl Verdict {
    /// The verdict in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// What subjects are about: how they are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// What was declared.
    Manifest,
    /// Who asks.
    Credentials,
    /// The way to WorkOS.
    Network,
    /// What WorkOS says.
    Account,
    /// Where the portal leads.
    Portal,
}

impl Area {
    /// The heading.
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
        /// What is checked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Subject {
            $($(#[$doc])* $name,)+
        }

        impl Subject {
            /// All of them, in the order of checks.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its stable id, in JSON.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// Its name for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// Its area.
            pub const fn area(self) -> Area {
                match self { $(Self::$name => Area::$area,)+ }
            }
        }
    };
}

subjects! {
    /// The manifest is there and valid.
    Manifest = Manifest, "manifest", "manifest";
    /// The API key is there and well formed.
    ApiKey = Credentials, "api-key", "API key";
    /// Nobody else can read the key's file.
    ApiKeyFile = Credentials, "api-key-file", "key file";
    /// The key is of the kind that the manifest takes.
    ApiKeyKind = Credentials, "api-key-kind", "key kind";
    /// The client id is there, well formed, and the manifest's.
    ClientId = Credentials, "client-id", "client id";
    /// The endpoint may be used.
    Endpoint = Network, "endpoint", "endpoint";
    /// The way out.
    Proxy = Network, "proxy", "proxy";
    /// Which certificates are trusted.
    Certificates = Network, "certificates", "certificates";
    /// WorkOS answers.
    Reachable = Network, "reachable", "reachable";
    /// The clock agrees with the server's.
    Clock = Network, "clock", "clock";
    /// WorkOS accepts the key.
    ApiKeyAccepted = Account, "api-key-accepted", "key accepted";
    /// WorkOS knows the client id.
    ClientIdKnown = Account, "client-id-known", "client id known";
    /// How many requests are left.
    RateLimit = Account, "rate-limit", "rate limit";
    /// The declared organizations are of this environment.
    Organizations = Account, "organizations", "organizations";
    /// WorkOS sends webhooks to where they are expected.
    Webhook = Account, "webhook", "webhook";
    /// The return URLs are well formed.
    ReturnUrls = Portal, "return-urls", "return URLs";
    /// The hosts of return URLs are pinned.
    AllowedHosts = Portal, "allowed-hosts", "allowed hosts";
    /// The return URLs answer.
    ReturnUrlsAnswer = Portal, "return-urls-answer", "URLs answer";
    /// Every link has a return URL of the manifest.
    DefaultReturnUrl = Portal, "default-return-url", "default URL";
    /// A link can be made.
    PortalLink = Portal, "portal-link", "portal link";
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub subject: Subject,
    /// What was found.
    pub verdict: Verdict,
    /// What was found, in a sentence; why, when it was skipped.
    pub detail: String,
    /// What to do.
    pub advice: Option<String>,
    /// What `portalctl explain` tells more of.
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

    /// Fails for what kept a fact from being had.
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

    /// The advice is the code's general one.
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

    /// Says what to do in the words of this very case.
    #[must_use]
    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// How many checks ended in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// As it should be.
    pub pass: usize,
    /// Works, and is not as it should be.
    pub warn: usize,
    /// Does not work.
    pub fail: usize,
    /// Not looked at.
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

/// `1 organization`, `2 organizations`.
fn counted(count: usize, thing: &str) -> String {
    if count == 1 {
        format!("1 {thing}")
    } else {
        format!("{count} {thing}s")
    }
}

#[cfg(test)]
mod tests;
