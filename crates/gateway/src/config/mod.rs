//! The gateway's configuration: a small YAML file → [`Config`], or every problem with its place.
//!
//! It holds no secret: keys are named by their files. Strict as a manifest is: an unknown field, a
//! field that stands twice and a value of another type are errors. Pure: reads no file.

mod check;
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use portalctl_model::{Intent, OrgKey};
use portalctl_workos::Endpoint;

/// How the gateway knows people, what it shows them, and how much it bears.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who says who somebody is.
    pub(super) trust: Trust,
    /// How far the clock of whoever makes tokens may differ, in seconds.
    pub(super) clock_leeway: i64,
    /// Where the portal sends people back to.
    pub(super) returns: Returns,
    /// The file of the gateway's own secret, for cookies and results.
    pub(super) secret_file: Option<PathBuf>,
    pub(super) brand: Brand,
    pub(super) limits: Limits,
}

/// Who says who somebody is.
#[derive(Debug, Clone)]
pub(super) enum Trust {
    /// The app, by a token.
    Token(TokenRules),
    /// A proxy, by headers.
    Proxy(ProxyRules),
}

#[derive(Debug, Clone)]
pub(super) struct TokenRules {
    pub(super) issuer: String,
    /// The gateway's public URL unless said.
    pub(super) audience: Option<String>,
    pub(super) role: String,
    pub(super) keys: KeySource,
}

/// Where the keys of tokens are.
#[derive(Debug, Clone)]
pub(super) enum KeySource {
    /// One or two secrets, a line each.
    SecretFile(PathBuf),
    /// Public keys.
    JwksFile(PathBuf),
    /// Public keys, over https.
    JwksUrl(Endpoint, String),
}

/// Which peers are proxies, and what their groups mean.
#[derive(Debug, Clone)]
pub(super) struct ProxyRules {
    pub(super) peers: Vec<IpNet>,
    pub(super) groups: BTreeMap<String, Group>,
}

/// A group of people: the IT admins of one customer.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) organization: OrgKey,
    /// All that the manifest declares when there are none.
    pub(super) intents: Option<BTreeSet<Intent>>,
}

/// Where the portal sends people back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Returns {
    /// To the gateway, which shows how far they are.
    Page,
    /// To the gateway, which sends them on to the manifest's URL with a signed result.
    Forward,
    /// To the manifest's URL; the gateway does not see them again.
    Direct,
}

/// How pages look.
#[derive(Debug, Clone, Default)]
pub(super) struct Brand {
    /// The product's name.
    pub(super) name: Option<String>,
    /// The colour of buttons and links, `#rrggbb`.
    pub(super) accent: Option<String>,
    /// The product's own page, to which those lead back who cannot be sent anywhere nearer.
    pub(super) home: Option<String>,
    /// Where people get help: an e-mail address or an https URL.
    pub(super) support: Option<String>,
}

/// How much is borne.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Links that one person may ask for in a minute.
    pub(super) per_subject: u32,
    /// Links that the people of one customer may ask for in a minute.
    pub(super) per_organization: u32,
    /// How many people are served by WorkOS at the same time.
    pub(super) in_flight: u32,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; 0 when it is about the file as a whole.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl Config {
    /// Reads a configuration. Its paths are relative to a folder.
    pub fn read(text: &str, folder: &Path) -> Result<Self, Vec<Problem>> {
        check::check(raw::parse(text)?, folder)
    }
}

#[cfg(test)]
mod tests;
