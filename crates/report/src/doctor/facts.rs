//! Facts for the checks: plain data that the shell gathered, without a key, a link or the body of a
//! page.

use portalctl_model::codes::Code;
use portalctl_model::desired::{Environment, KeyKind};
use portalctl_model::observed::Answer;
use portalctl_model::{ClientId, Intent, OrgKey, OrganizationId};
use portalctl_workos::{
    ApiError, ApiProbe, ApiProbeFailure, ConnectFailure, Proxy, WebhookEndpoint,
};

use super::{ExpectedWebhook, UrlFacts};

/// Facts that all checks are made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// True when the in-memory WorkOS is asked, which needs neither key nor network.
    pub sandbox: bool,
    /// The manifest.
    pub manifest: ManifestFacts,
    /// Environment of a usable manifest; empty otherwise.
    pub environment: Environment,
    /// URLs of a usable manifest.
    pub urls: Option<UrlFacts>,
    /// The API key.
    pub key: Result<KeyFacts, Problem>,
    /// File that the key came from.
    pub key_file: KeyFile,
    /// Value of `WORKOS_CLIENT_ID`, if it is set, or the reason why it is no client id.
    pub client_id: Option<Result<ClientId, String>>,
    /// Endpoint of WorkOS.
    pub endpoint: Result<EndpointFacts, Problem>,
    /// Proxy on the way to the endpoint.
    pub proxy: Proxy,
    /// Certificate authorities that are trusted.
    pub certificates: Certificates,
    /// Answer to one cheap request.
    pub api_probe: Asked<Result<ApiProbe, ApiProbeFailure>>,
    /// True when WorkOS knows the client id.
    pub client_id_known: Asked<Result<bool, ApiError>>,
    /// Declared organizations that were looked up.
    pub account: Asked<Result<Account, ApiError>>,
    /// Webhook that the manifest expects.
    pub expected_webhook: Option<ExpectedWebhook>,
    /// Webhook endpoints of the account.
    pub webhooks: Asked<Result<Answer<Vec<WebhookEndpoint>>, ApiError>>,
    /// Answers of the return URLs.
    pub probes: Asked<Probes>,
    /// Result of making a link.
    pub link: Asked<LinkTest>,
}

impl Facts {
    /// Returns whether there is a key that may be sent. A key of another kind than the manifest's
    /// may not.
    pub fn sends_key(&self) -> bool {
        let Ok(key) = &self.key else {
            return false;
        };
        self.environment
            .api_key
            .is_none_or(|wanted| key.kind == Some(wanted))
    }

    /// Returns the client id that WorkOS is asked about: the variable's, else the manifest's.
    pub fn client_id_to_ask(&self) -> Option<&ClientId> {
        let set = self.client_id.as_ref().and_then(|id| id.as_ref().ok());
        set.or(self.environment.client_id.as_ref())
    }
}

/// Fact that takes a request, which may not have been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<T> {
    /// Result of the request.
    Answered(T),
    /// Reason why it was not made, as a sentence without its full stop.
    Not(String),
}

impl<T> Asked<T> {
    /// Creates a fact that was not asked for.
    pub fn not(why: impl Into<String>) -> Self {
        Self::Not(why.into())
    }
}

/// Problem that prevented a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Code of the problem.
    pub code: Code,
    /// Description of the problem.
    pub message: String,
    /// Hint for this very case.
    pub help: Option<String>,
}

/// Facts about the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestFacts {
    /// No manifest was named, and there is none in the usual places.
    Absent,
    /// Invalid manifest.
    Invalid {
        /// Number of problems.
        errors: usize,
        /// First problem.
        first: Finding,
        /// Number of problems about URLs and their hosts, and the first of these.
        urls: Option<(usize, Finding)>,
    },
    /// Usable manifest.
    Usable {
        /// Number of organizations.
        organizations: usize,
        /// Number of files.
        files: usize,
        /// Number of warnings.
        warnings: usize,
        /// First warning.
        first: Option<Finding>,
    },
}

/// Problem or warning of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Code of the problem.
    pub code: Code,
    /// Description of the problem.
    pub message: String,
    /// File, line and column.
    pub place: Option<String>,
    /// Hint on what to do.
    pub help: Option<String>,
}

/// Facts about a well-formed key; never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// Origin of the key: a variable's name, a file's, standard input.
    pub origin: String,
    /// Kind that its prefix names.
    pub kind: Option<KeyKind>,
}

/// File that a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFile {
    /// None: the key came from a variable or from standard input.
    None,
    /// No permissions are known: the system has none, it is not a plain file, or it cannot be
    /// inspected.
    Unknown,
    /// Permissions, as `chmod` takes them.
    Mode {
        /// Path as it was given.
        path: String,
        /// Lower nine bits of the mode.
        mode: u32,
    },
}

/// Endpoint that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointFacts {
    /// Host, with its port if that is not the scheme's default.
    pub authority: String,
    /// Source of the endpoint.
    pub origin: EndpointOrigin,
    /// True for plain http, which only loopback endpoints may use.
    pub is_plain_http: bool,
    /// Variable of the official SDKs that names another machine and is ignored.
    pub ignored: Option<&'static str>,
}

/// Source of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointOrigin {
    /// WorkOS itself, by default.
    Default,
    /// Environment variable.
    Variable(&'static str),
    /// `--api-url`
    Flag,
}

/// Trusted certificate authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificates {
    /// The system's.
    System,
    /// The system's, although variables name others, which this system ignores.
    NotHeeded,
    /// Others, which replace the system's.
    Replaced {
        /// File of `SSL_CERT_FILE`.
        file: Option<CertificateFile>,
        /// Folder of `SSL_CERT_DIR`, and whether it exists.
        folder: Option<(String, bool)>,
    },
}

/// File that `SSL_CERT_FILE` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFile {
    /// Path.
    pub path: String,
    /// Number of certificates, or the reason why it cannot be read.
    pub certificates: Result<usize, String>,
}

/// Declared organizations that were looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Number of declared organizations.
    pub declared: usize,
    /// Number of organizations that were looked up.
    pub asked: usize,
    /// Number of organizations that exist.
    pub found: usize,
    /// Entries whose pinned organization does not exist.
    pub missing_pins: Vec<(OrgKey, OrganizationId)>,
    /// Entries that declare `sso` and whose organization lacks the verified domain that it needs.
    pub without_domain: Vec<OrgKey>,
}

/// Answers of the return URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probes {
    /// URLs that were asked.
    pub probed: Vec<Probe>,
    /// Number of URLs beyond the limit.
    pub untried: usize,
}

/// Answer of one return URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// URL.
    pub url: String,
    /// Answer.
    pub answer: Probed,
}

/// Result of a request for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// Response with this status.
    Status(u16),
    /// Failure without a response.
    Failed {
        /// Step of the connection that failed, if it was one.
        at: Option<ConnectFailure>,
        /// Message of the network.
        message: String,
    },
}

/// Result of making a link that is discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTest {
    /// Entry of the link.
    pub key: OrgKey,
    /// Intent of the link, or the reason why there is none.
    pub outcome: Result<Intent, LinkFailure>,
}

/// Reason why no link was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkFailure {
    /// No intent is declared.
    NoIntent,
    /// The organization does not exist.
    NoOrganization,
    /// WorkOS refused, or did not answer.
    Refused(Problem),
}
