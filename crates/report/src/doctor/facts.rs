//! What the shell finds out for the checks: plain data, without a key, a link or a URL's answer.

use portalctl_model::codes::Code;
use portalctl_model::desired::{Environment, KeyKind};
use portalctl_model::observed::Answer;
use portalctl_model::{ClientId, Intent, OrgKey, OrganizationId};
use portalctl_workos::{ApiError, ConnectFailure, NoPulse, Proxy, Pulse, WebhookEndpoint};

use super::{ExpectedWebhook, UrlFacts};

/// Everything that checks are made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Whether the in-memory WorkOS is asked, which needs neither key nor network.
    pub sandbox: bool,
    /// The manifest.
    pub manifest: ManifestFacts,
    /// What a usable manifest says of its environment; nothing otherwise.
    pub environment: Environment,
    /// The URLs of a usable manifest.
    pub urls: Option<UrlFacts>,
    /// The API key.
    pub key: Result<KeyFacts, Problem>,
    /// The file that the key came from.
    pub key_file: KeyFile,
    /// `WORKOS_CLIENT_ID`, if it is set: the id, or why it is none.
    pub client_id: Option<Result<ClientId, String>>,
    /// Where WorkOS is.
    pub endpoint: Result<EndpointFacts, Problem>,
    /// The way there.
    pub proxy: Proxy,
    /// What is trusted on the way.
    pub certificates: Certificates,
    /// One cheap request.
    pub pulse: Asked<Result<Pulse, NoPulse>>,
    /// Whether WorkOS knows the client id.
    pub client_id_known: Asked<Result<bool, ApiError>>,
    /// What was found of the declared organizations.
    pub account: Asked<Result<Account, ApiError>>,
    /// The webhook that the manifest expects.
    pub expected_webhook: Option<ExpectedWebhook>,
    /// The account's webhook endpoints.
    pub webhooks: Asked<Result<Answer<Vec<WebhookEndpoint>>, ApiError>>,
    /// What the return URLs answered.
    pub probes: Asked<Probes>,
    /// Whether a link could be made.
    pub link: Asked<LinkTest>,
}

impl Facts {
    /// Whether there is a key that may be sent: one of another kind than the manifest takes may not.
    pub fn sends_key(&self) -> bool {
        let Ok(key) = &self.key else {
            return false;
        };
        self.environment
            .api_key
            .is_none_or(|wanted| key.kind == Some(wanted))
    }

    /// The client id that WorkOS is asked about: the variable's, else the manifest's.
    pub fn client_id_to_ask(&self) -> Option<&ClientId> {
        let set = self.client_id.as_ref().and_then(|id| id.as_ref().ok());
        set.or(self.environment.client_id.as_ref())
    }
}

/// A fact that takes a request, which may not have been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<T> {
    /// What came of it.
    Answered(T),
    /// Why it was not made, as a sentence without its full stop.
    Not(String),
}

impl<T> Asked<T> {
    /// Was not asked, for a reason.
    pub fn not(why: impl Into<String>) -> Self {
        Self::Not(why.into())
    }
}

/// What kept a fact from being had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its code.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// What to do about this very case.
    pub help: Option<String>,
}

/// What was found of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestFacts {
    /// None was named, and there is none in the usual places.
    Absent,
    /// It cannot be used.
    Invalid {
        /// How many problems it has.
        errors: usize,
        /// The first.
        first: Finding,
        /// How many of them are about URLs and their hosts, and the first of these.
        urls: Option<(usize, Finding)>,
    },
    /// It can be used.
    Usable {
        /// How many organizations it declares.
        organizations: usize,
        /// In how many files.
        files: usize,
        /// How many warnings it has.
        warnings: usize,
        /// The first.
        first: Option<Finding>,
    },
}

/// A problem or a warning of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its code.
    pub code: Code,
    /// What was found.
    pub message: String,
    /// File, line and column.
    pub place: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

/// What is known of a well-formed key: never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// Where it came from: a variable's name, a file's, standard input.
    pub origin: String,
    /// The kind that its prefix names.
    pub kind: Option<KeyKind>,
}

/// The file that a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFile {
    /// It came from a variable or from standard input.
    None,
    /// The system has no such permissions, it is not a plain file, or it cannot be looked at.
    Unknown,
    /// Its permissions, as `chmod` takes them.
    Mode {
        /// The path as it was given.
        path: String,
        /// The lower nine bits.
        mode: u32,
    },
}

/// An endpoint that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointFacts {
    /// The host, with its port if that is not the scheme's own.
    pub authority: String,
    /// Who named it.
    pub origin: EndpointOrigin,
    /// Whether nothing is encrypted, which only endpoints on this machine may do.
    pub is_plain_http: bool,
    /// A variable of the official SDKs that names another machine and is ignored.
    pub ignored: Option<&'static str>,
}

/// Who named an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointOrigin {
    /// Nobody: WorkOS itself.
    Default,
    /// This environment variable.
    Variable(&'static str),
    /// `--api-url`
    Flag,
}

/// Which certificate authorities are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificates {
    /// Those of the system.
    System,
    /// Those of the system, although variables name others: not heeded on this system.
    NotHeeded,
    /// Others, which replace the system's.
    Replaced {
        /// `SSL_CERT_FILE`
        file: Option<CertificateFile>,
        /// `SSL_CERT_DIR`, and whether there is such a folder.
        folder: Option<(String, bool)>,
    },
}

/// What `SSL_CERT_FILE` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFile {
    /// The path.
    pub path: String,
    /// How many certificates it holds, or why it cannot be read.
    pub certificates: Result<usize, String>,
}

/// What was found of the declared organizations that were looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// How many the manifest declares.
    pub declared: usize,
    /// How many were looked up.
    pub asked: usize,
    /// How many of these there are.
    pub found: usize,
    /// The entries among them whose pinned organization there is not.
    pub missing_pins: Vec<(OrgKey, OrganizationId)>,
    /// The entries among them that declare `sso` and whose organization lacks the verified domain that
    /// it needs.
    pub without_domain: Vec<OrgKey>,
}

/// What return URLs answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probes {
    /// Those that were asked.
    pub probed: Vec<Probe>,
    /// How many there were too many.
    pub untried: usize,
}

/// What one return URL answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The URL.
    pub url: String,
    /// What came back.
    pub answer: Probed,
}

/// What a request for a page brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// An answer with this status.
    Status(u16),
    /// No answer.
    Failed {
        /// At which step, if the connection failed.
        at: Option<ConnectFailure>,
        /// What the network said.
        message: String,
    },
}

/// What became of a link that was made to be thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTest {
    /// The entry it was for.
    pub key: OrgKey,
    /// The intent it was for, or why there is no link.
    pub outcome: Result<Intent, LinkFailure>,
}

/// Why no link was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkFailure {
    /// The entry declares no intent.
    NoIntent,
    /// Its organization does not exist.
    NoOrganization,
    /// WorkOS refused, or did not answer.
    Refused(Problem),
}
