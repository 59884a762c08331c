//! Configuration of the gateway: a small YAML file goes in, a [`Config`] or every problem with its
//! place comes out.
//!
//! The file holds no secret: it names the files that do. Unknown fields, duplicate fields and
//! values of another type are errors. Pure: reads no file.

mod check;
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderName;
use ipnet::IpNet;
use unic_langid::LanguageIdentifier;

use portalctl_model::{Intent, OrgKey};
use portalctl_workos::Endpoint;

/// Validated configuration: how users are authenticated, how pages look, and the limits.
#[derive(Debug, Clone)]
pub struct Config {
    /// Identity provider of incoming requests.
    pub(super) identity_provider: IdentityProvider,
    /// Largest accepted difference to the clock of the token's issuer, in seconds.
    pub(super) clock_leeway: i64,
    /// Destination after the portal.
    pub(super) return_mode: ReturnMode,
    /// Origin of the app's page that opens the gateway in a window, and is told of the outcome.
    pub(super) popup_opener: Option<String>,
    pub(super) again: Again,
    /// File with the gateway's own secret, which signs cookies and results.
    pub(super) secret_file: Option<PathBuf>,
    pub(super) result_keys: ResultKeys,
    pub(super) used_tokens: StoreRules,
    /// Rules for customers that no manifest declares yet; `None` where they are refused.
    pub(super) provision: Option<Provision>,
    pub(super) brand: Brand,
    pub(super) limits: Limits,
}

/// Rules for customers that the app hands over before the manifest declares them.
#[derive(Debug, Clone)]
pub(super) struct Provision {
    /// Intents that each of them has.
    pub(super) intents: BTreeSet<Intent>,
    /// Organizations that may be created in an hour.
    pub(super) per_hour: u32,
}

/// Store of used hand-off tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StoreRules {
    /// Memory of this process.
    Memory,
    /// Redis, whose address is in this file.
    Redis(PathBuf),
}

/// Identity provider for incoming requests: signed tokens or a trusted proxy.
#[derive(Debug, Clone)]
pub(super) enum IdentityProvider {
    /// Signed hand-off tokens of the app.
    Token(TokenRules),
    /// Headers of an authenticating proxy.
    Proxy(ProxyRules),
}

#[derive(Debug, Clone)]
pub(super) struct TokenRules {
    pub(super) issuer: String,
    /// Expected `aud` claim; the gateway's public URL where absent.
    pub(super) audience: Option<String>,
    pub(super) role: String,
    pub(super) keys: KeySource,
    /// Time for which keys count after their source could last be read.
    pub(super) keys_expire_after: Duration,
}

/// Source of the keys that verify hand-off tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeySource {
    /// File with one or two shared secrets, one a line.
    SecretFile(PathBuf),
    /// JWKS file with public keys.
    JwksFile(PathBuf),
    /// JWKS with public keys behind an https URL.
    JwksUrl(Endpoint, String),
}

/// Trusted proxies, and the meaning of the groups that they report.
#[derive(Debug, Clone)]
pub(super) struct ProxyRules {
    pub(super) peers: Vec<IpNet>,
    pub(super) headers: IdentityHeaders,
    /// Groups by name; a name with [`KEY`] is a pattern.
    pub(super) groups: BTreeMap<String, Group>,
}

/// Place of an organization's key in the name of a group.
pub(super) const KEY: &str = "{key}";

/// Names of the headers in which the proxy reports who somebody is.
#[derive(Debug, Clone)]
pub(super) struct IdentityHeaders {
    pub(super) user: HeaderName,
    /// In the place of the user's name where there is none.
    pub(super) email: HeaderName,
    pub(super) groups: HeaderName,
}

impl Default for IdentityHeaders {
    /// Returns the names of oauth2-proxy, which other proxies use as well.
    fn default() -> Self {
        Self {
            user: HeaderName::from_static("x-forwarded-user"),
            email: HeaderName::from_static("x-forwarded-email"),
            groups: HeaderName::from_static("x-forwarded-groups"),
        }
    }
}

/// Group of the proxy whose members are IT admins of one organization.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The organization; that of the pattern's key where absent.
    pub(super) organization: Option<OrgKey>,
    /// Intents that members may open; every declared intent where absent.
    pub(super) intents: Option<BTreeSet<Intent>>,
}

/// Destination after the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReturnMode {
    /// The gateway's own page, which shows the state of the intent.
    Page,
    /// The manifest's URL with a signed result, by way of the gateway.
    Forward,
    /// The manifest's URL, without the gateway.
    Direct,
}

/// Keys by which the app verifies results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultKeys {
    /// The secret of the gateway, which the app has too (HS256).
    Shared,
    /// Public keys that the gateway publishes (EdDSA): the app holds no secret of it.
    Published,
}

/// Answer to somebody who opens single sign-on while a connection is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Asks once whether they want to change it.
    Ask,
    /// Says that it is set up; only a token with `again: true` leads on.
    Refuse,
}

/// Look of the pages.
#[derive(Debug, Clone, Default)]
pub(super) struct Brand {
    /// Name of the product.
    pub(super) name: Option<String>,
    /// Colour of buttons and links, `#rrggbb`.
    pub(super) accent: Option<String>,
    /// Start page of the product, which refusals link to.
    pub(super) home: Option<String>,
    /// Support contact: an e-mail address or an https URL.
    pub(super) support: Option<String>,
    /// Picture above every page.
    pub(super) logo: Option<PathBuf>,
    /// Folder of the team's own texts.
    pub(super) texts: Option<PathBuf>,
    /// Language for visitors who want none of the others.
    pub(super) language: Option<LanguageIdentifier>,
}

/// Rate and concurrency limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Links for one person and organization in a minute.
    pub(super) per_subject: u32,
    /// Links for all people of one organization in a minute.
    pub(super) per_organization: u32,
    /// Requests that wait for WorkOS at the same time.
    pub(super) in_flight: u32,
}

/// Problem of a configuration, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; 0 for a problem of the whole file.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Description of the problem.
    pub message: String,
}

impl Problem {
    /// Describes the problem with its place in a file.
    pub fn told(&self, file: &Path) -> String {
        let Self {
            line,
            column,
            message,
        } = self;
        let file = file.display();
        match line {
            0 => format!("{file}: {message}"),
            line => format!("{file}:{line}:{column}: {message}"),
        }
    }
}

impl Config {
    /// Parses and checks a configuration. Relative paths in it are resolved against `folder`.
    pub fn read(text: &str, folder: &Path) -> Result<Self, Vec<Problem>> {
        check::check(raw::parse(text)?, folder)
    }

    /// Returns the settings that differ from those in use and take effect with a restart only: what
    /// keys are read from, and what is shared with other processes.
    pub(super) fn needs_restart(&self, in_use: &Self) -> Vec<&'static str> {
        let keys = |config: &Self| match &config.identity_provider {
            IdentityProvider::Token(token) => Some((token.keys.clone(), token.keys_expire_after)),
            IdentityProvider::Proxy(_) => None,
        };
        let differences = [
            (
                keys(self) != keys(in_use),
                "where the keys of tokens are read from",
            ),
            (self.secret_file != in_use.secret_file, "secret_file"),
            (self.result_keys != in_use.result_keys, "result_keys"),
            (self.used_tokens != in_use.used_tokens, "used_tokens"),
            (
                self.limits.in_flight != in_use.limits.in_flight,
                "limits.in_flight",
            ),
        ];
        let differences = differences.into_iter();
        differences
            .filter_map(|(differs, name)| differs.then_some(name))
            .collect()
    }
}

#[cfg(test)]
mod tests;
