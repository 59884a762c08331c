//! Semantic checks of the gateway's configuration: decoded fields go in, a [`Config`] or every
//! problem comes out.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http::HeaderName;
use ipnet::IpNet;
use serde_saphyr::Spanned;
use url::Url;

use super::raw::{
    Raw, RawAgain, RawBrand, RawGroup, RawHeaders, RawLimits, RawProvision, RawProxy,
    RawResultKeys, RawReturns, RawToken, at,
};
use super::{
    Again, Brand, Config, Group, IdentityHeaders, IdentityProvider, KEY, KeySource, Limits,
    Problem, Provision, ProxyRules, ResultKeys, ReturnMode, StoreRules, TokenRules,
};
use portalctl_model::OrgKey;
use portalctl_model::return_url::is_template;
use portalctl_model::text::is_plain;
use portalctl_workos::Endpoint;

/// Default value of the `role` claim.
const ROLE: &str = "it_admin";
/// Default and maximum of `clock_leeway`, in seconds.
const LEEWAY: (u32, u32) = (5, 30);
/// Least, default and most of `token.keys_expire_after`, in seconds.
const KEYS_EXPIRE_AFTER: [u32; 3] = [60, 60 * 60, 24 * 60 * 60];
/// Longest text field, in characters.
const MAX_TEXT: usize = 256;
/// Upper bound of the limits per minute.
const MAX_PER_MINUTE: u32 = 10_000;
/// Message where used tokens are shared and cookies are not.
const SHARED_COOKIES: &str =
    "replicas that share used tokens share their cookies too, so they need a `secret_file`";
/// Message where a proxy and new customers are configured.
const PROVISION_BY_PROXY: &str =
    "`provision` needs `token`: only a token has the name of a new customer";
/// Default of `provision.per_hour`.
const PER_HOUR: u32 = 20;
/// Upper bound of `limits.in_flight`.
const MAX_IN_FLIGHT: u32 = 256;

/// Problems found so far.
struct Problems(Vec<Problem>);

impl Problems {
    fn add<T>(&mut self, place: &Spanned<T>, message: &str) {
        self.0.push(at(Some(place.referenced), message));
    }

    /// Checks a text of one line, 1 to [`MAX_TEXT`] characters long.
    fn text(&mut self, value: Spanned<String>, name: &str) -> String {
        if value.value.trim().is_empty() || value.value.chars().count() > MAX_TEXT {
            self.add(
                &value,
                &format!("`{name}` holds 1 to {MAX_TEXT} characters"),
            );
        } else if !value.value.chars().all(is_plain) {
            self.add(
                &value,
                &format!("`{name}` holds a control or invisible character"),
            );
        }
        value.value
    }

    /// Returns a number between 1 and `most`, or `usual` where the field is absent.
    fn number(&mut self, value: Option<Spanned<u32>>, name: &str, usual: u32, most: u32) -> u32 {
        let Some(value) = value else {
            return usual;
        };
        if !(1..=most).contains(&value.value) {
            self.add(&value, &format!("`{name}` is between 1 and {most}"));
        }
        value.value
    }
}

impl Problems {
    /// Returns `clock_leeway`, or its default.
    fn leeway(&mut self, value: Option<Spanned<u32>>) -> i64 {
        let (usual, most) = LEEWAY;
        if let Some(leeway) = value.as_ref().filter(|leeway| leeway.value > most) {
            let message = format!("`clock_leeway` is at most {most} seconds");
            self.add(leeway, &message);
        }
        i64::from(value.map_or(usual, |leeway| leeway.value))
    }

    /// Returns a number of seconds between a least and a most, or the default where the field is
    /// absent.
    fn seconds(
        &mut self,
        value: Option<Spanned<u32>>,
        name: &str,
        [least, usual, most]: [u32; 3],
    ) -> u32 {
        let Some(value) = value else {
            return usual;
        };
        if !(least..=most).contains(&value.value) {
            let message = format!("`{name}` is between {least} and {most} seconds");
            self.add(&value, &message);
        }
        value.value
    }
}

pub(super) fn check(raw: Raw, folder: &Path) -> Result<Config, Vec<Problem>> {
    let Raw {
        version,
        token,
        proxy,
        clock_leeway,
        returns,
        popup_opener,
        again,
        secret_file,
        result_keys,
        used_tokens,
        provision,
        brand,
        limits,
    } = raw;
    let mut problems = Problems(Vec::new());
    if version.value != 1 {
        problems.add(&version, "this version of portalctl reads version 1");
    }
    let is_proxied = proxy.is_some();
    let identity_provider = identity_provider(token, proxy, folder, &mut problems);
    let clock_leeway = problems.leeway(clock_leeway);
    let return_mode = ReturnMode::from(returns);
    let popup_opener = popup_opener.map(|opener| origin(opener, return_mode, &mut problems));
    if secret_file.is_none() {
        needs_secret(return_mode, result_keys, &mut problems);
    }
    let shares_cookies = return_mode == ReturnMode::Direct || secret_file.is_some();
    if let (Some(store), false) = (&used_tokens, shares_cookies) {
        problems.add(store, SHARED_COOKIES);
    }
    let brand = checked_brand(brand, folder, &mut problems);
    let limits = checked_limits(limits, &mut problems);
    if let Some(provision) = provision.as_ref().filter(|_| is_proxied) {
        problems.add(provision, PROVISION_BY_PROXY);
    }
    let provision = provision.map(|it| checked_provision(it, &mut problems));
    let config = identity_provider.map(|identity_provider| Config {
        identity_provider,
        clock_leeway,
        return_mode,
        popup_opener,
        again: again.into(),
        secret_file: secret_file.map(|file| folder.join(file.value)),
        result_keys: result_keys.into(),
        used_tokens: used_tokens.map_or(StoreRules::Memory, |store| {
            StoreRules::Redis(folder.join(store.value.redis_url_file))
        }),
        provision,
        brand,
        limits,
    });
    problems
        .0
        .sort_by_key(|problem| (problem.line, problem.column));
    match config {
        Some(config) if problems.0.is_empty() => Ok(config),
        _ => Err(problems.0),
    }
}

impl From<RawReturns> for ReturnMode {
    fn from(raw: RawReturns) -> Self {
        match raw {
            RawReturns::Page => Self::Page,
            RawReturns::Forward => Self::Forward,
            RawReturns::Direct => Self::Direct,
        }
    }
}

impl From<RawAgain> for Again {
    fn from(raw: RawAgain) -> Self {
        match raw {
            RawAgain::Ask => Self::Ask,
            RawAgain::Refuse => Self::Refuse,
        }
    }
}

impl From<RawResultKeys> for ResultKeys {
    fn from(raw: RawResultKeys) -> Self {
        match raw {
            RawResultKeys::Shared => Self::Shared,
            RawResultKeys::Published => Self::Published,
        }
    }
}

/// Chooses between `token` and `proxy`. Exactly one is allowed: with both, an attacker would use
/// the weaker one.
fn identity_provider(
    token: Option<Spanned<RawToken>>,
    proxy: Option<Spanned<RawProxy>>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<IdentityProvider> {
    match (token, proxy) {
        (Some(token), None) => token_rules(token, folder, problems).map(IdentityProvider::Token),
        (None, Some(proxy)) => proxy_rules(proxy.value, problems).map(IdentityProvider::Proxy),
        (Some(_), Some(proxy)) => {
            problems.add(
                &proxy,
                "either `token` or `proxy` says who people are, not both",
            );
            None
        }
        (None, None) => {
            let message = "one of `token` and `proxy` has to say who people are";
            problems.0.push(at(None, message));
            None
        }
    }
}

fn token_rules(
    token: Spanned<RawToken>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<TokenRules> {
    let place = token.referenced;
    let RawToken {
        issuer,
        audience,
        role,
        secret_file,
        jwks_file,
        jwks_url,
        keys_expire_after,
    } = token.value;
    let seconds = problems.seconds(keys_expire_after, "keys_expire_after", KEYS_EXPIRE_AFTER);
    let keys = match (secret_file, jwks_file, jwks_url) {
        (Some(file), None, None) => Some(KeySource::SecretFile(folder.join(file.value))),
        (None, Some(file), None) => Some(KeySource::JwksFile(folder.join(file.value))),
        (None, None, Some(url)) => endpoint(&url, "jwks_url", problems)
            .map(|endpoint| KeySource::JwksUrl(endpoint, url.value)),
        _ => {
            let message =
                "`token` names its keys by one of `secret_file`, `jwks_file` and `jwks_url`";
            problems.0.push(at(Some(place), message));
            None
        }
    };
    Some(TokenRules {
        issuer: problems.text(issuer, "issuer"),
        audience: audience.map(|audience| problems.text(audience, "audience")),
        role: role.map_or_else(|| ROLE.to_owned(), |role| problems.text(role, "role")),
        keys: keys?,
        keys_expire_after: Duration::from_secs(seconds.into()),
    })
}

/// Refuses settings that need a secret, where there is none.
fn needs_secret(returns: ReturnMode, keys: RawResultKeys, problems: &mut Problems) {
    if returns == ReturnMode::Forward {
        let message = "`returns: forward` signs results, so it needs a `secret_file`, which the \
                       app has too";
        problems.0.push(at(None, message));
    }
    if keys == RawResultKeys::Published {
        let message =
            "`result_keys: published` derives keys from a secret, so it needs a `secret_file`";
        problems.0.push(at(None, message));
    }
}

/// Parses an https URL; plain http is accepted for loopback hosts only, as for the API endpoint.
fn endpoint(text: &Spanned<String>, name: &str, problems: &mut Problems) -> Option<Endpoint> {
    let endpoint = Endpoint::parse(&text.value)
        .ok()
        .filter(|_| !is_template(&text.value));
    if endpoint.is_none() {
        let message = format!(
            "`{name}` is an https URL without user, query and fragment; plain http is for this \
             machine"
        );
        problems.add(text, &message);
    }
    endpoint
}

fn proxy_rules(proxy: RawProxy, problems: &mut Problems) -> Option<ProxyRules> {
    let RawProxy {
        peers,
        headers,
        groups,
    } = proxy;
    let before = problems.0.len();
    if peers.is_empty() {
        let message = "`proxy.peers` names the addresses that the proxy comes from";
        problems.0.push(at(None, message));
    }
    let peers = peers.iter().filter_map(|peer| network(peer, problems));
    let peers = peers.collect();
    let groups: BTreeMap<String, Group> = groups
        .into_iter()
        .filter_map(|(name, group)| {
            let group = checked_group(&name, &group, problems)?;
            Some((name, group))
        })
        .collect();
    let headers = identity_headers(headers, problems);
    (problems.0.len() == before).then_some(ProxyRules {
        peers,
        headers,
        groups,
    })
}

/// Returns the names of the headers; those of oauth2-proxy where the file has none.
fn identity_headers(headers: RawHeaders, problems: &mut Problems) -> IdentityHeaders {
    let RawHeaders {
        user,
        email,
        groups,
    } = headers;
    let mut name = |text: Option<Spanned<String>>, default: HeaderName| {
        let Some(text) = text else { return default };
        HeaderName::from_bytes(text.value.as_bytes()).unwrap_or_else(|_| {
            problems.add(&text, "a header has a name such as `Remote-User`");
            default
        })
    };
    let default = IdentityHeaders::default();
    let headers = IdentityHeaders {
        user: name(user, default.user),
        email: name(email, default.email),
        groups: name(groups, default.groups),
    };
    if headers.groups == headers.user || headers.groups == headers.email {
        let message = "`proxy.headers.groups` names another header than `user` and `email`";
        problems.0.push(at(None, message));
    }
    headers
}

/// Parses a network such as `10.0.0.0/8`, or a single address.
fn network(text: &Spanned<String>, problems: &mut Problems) -> Option<IpNet> {
    let written = text.value.as_str();
    let network = written
        .parse::<IpNet>()
        .ok()
        .or_else(|| Some(IpNet::from(written.parse::<std::net::IpAddr>().ok()?)));
    match network {
        None => problems.add(
            text,
            "a peer is an address, or a network such as 10.0.0.0/8",
        ),
        Some(all) if all.prefix_len() == 0 => {
            problems.add(
                text,
                "this is every address there is, so anybody could be anybody",
            );
            return None;
        }
        Some(_) => {}
    }
    network
}

fn checked_group(name: &str, group: &Spanned<RawGroup>, problems: &mut Problems) -> Option<Group> {
    let RawGroup {
        organization,
        intents,
    } = &group.value;
    let intents = intents
        .as_ref()
        .map(|intents| intents.iter().copied().collect());
    let is_pattern = name.contains(KEY);
    let organization = match (organization, is_pattern) {
        (Some(organization), false) => organization,
        (None, true) if name.trim() != KEY && name.matches(KEY).count() == 1 => {
            return Some(Group {
                organization: None,
                intents,
            });
        }
        (None, true) => {
            let message = "a pattern has `{key}` once, and something beside it, as in `{key}-it`";
            problems.add(group, message);
            return None;
        }
        (Some(organization), true) => {
            let message = "the organization is that of `{key}` in the name of the group";
            problems.add(organization, message);
            return None;
        }
        (None, false) => {
            let message = "add `organization`, or make the name a pattern such as `{key}-it`";
            problems.add(group, message);
            return None;
        }
    };
    match OrgKey::parse_qualified(&organization.value) {
        Ok(key) => Some(Group {
            organization: Some(key),
            intents,
        }),
        Err(error) => {
            problems.add(organization, &format!("`organization` {error}"));
            None
        }
    }
}

fn checked_provision(provision: Spanned<RawProvision>, problems: &mut Problems) -> Provision {
    if provision.value.intents.is_empty() {
        problems.add(&provision, "`provision.intents` names an intent at least");
    }
    let RawProvision { intents, per_hour } = provision.value;
    Provision {
        intents: intents.into_iter().collect(),
        per_hour: problems.number(per_hour, "per_hour", PER_HOUR, MAX_PER_MINUTE),
    }
}

/// Checks the origin of the page that opens a window: a page is told by its origin alone.
fn origin(text: Spanned<String>, returns: ReturnMode, problems: &mut Problems) -> String {
    if returns != ReturnMode::Page {
        let message =
            "`popup_opener` is told by the gateway's own page, so it needs `returns: page`";
        problems.add(&text, message);
    }
    let is_origin = |url: &Url| url.origin().ascii_serialization() == text.value;
    if endpoint(&text, "popup_opener", problems).is_some()
        && !Url::parse(&text.value).is_ok_and(|url| is_origin(&url))
    {
        let message = "`popup_opener` is an origin such as https://app.example.com, without a path";
        problems.add(&text, message);
    }
    text.value
}

fn checked_brand(brand: RawBrand, folder: &Path, problems: &mut Problems) -> Brand {
    let RawBrand {
        name,
        accent,
        home,
        support,
        logo,
        texts,
        language,
    } = brand;
    let language = language.and_then(|language| {
        let tag = language.value.parse().ok();
        if tag.is_none() {
            problems.add(&language, "`language` is a language tag such as `de`");
        }
        tag
    });
    if let Some(accent) = &accent
        && !is_colour(&accent.value)
    {
        problems.add(accent, "`accent` is a colour such as \"#4338ca\"");
    }
    if let Some(home) = &home {
        endpoint(home, "home", problems);
    }
    if let Some(support) = &support
        && !is_support(&support.value)
    {
        problems.add(support, "`support` is an e-mail address or an https URL");
    }
    Brand {
        name: name.map(|name| problems.text(name, "name")),
        accent: accent.map(|accent| accent.value),
        home: home.map(|home| problems.text(home, "home")),
        support: support.map(|support| problems.text(support, "support")),
        logo: logo.map(|logo| folder.join(logo.value)),
        texts: texts.map(|texts| folder.join(texts.value)),
        language,
    }
}

fn is_colour(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_support(text: &str) -> bool {
    let is_address = |text: &str| {
        let parts = text.split_once('@');
        parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
            && !text.contains(|c: char| c.is_whitespace() || "<>\"?&:/".contains(c))
    };
    is_address(text)
        || (!is_template(text) && Url::parse(text).is_ok_and(|url| url.scheme() == "https"))
}

fn checked_limits(limits: RawLimits, problems: &mut Problems) -> Limits {
    let RawLimits {
        per_subject,
        per_organization,
        in_flight,
    } = limits;
    Limits {
        per_subject: problems.number(per_subject, "per_subject", 10, MAX_PER_MINUTE),
        per_organization: problems.number(per_organization, "per_organization", 30, MAX_PER_MINUTE),
        in_flight: problems.number(in_flight, "in_flight", 16, MAX_IN_FLIGHT),
    }
}
