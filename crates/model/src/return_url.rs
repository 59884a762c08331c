//! Return URLs: the targets of browsers that leave the Admin Portal.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};
use url::{Host, Url};

/// The hosts that return URLs may name.
///
/// A changed return URL is a phishing vector: the customer's admin trusts where the portal
/// sends them. With no list, any host is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(BTreeSet<String>);

impl AllowedHosts {
    /// Builds the list from host names, which are lower-cased.
    pub fn new(hosts: impl IntoIterator<Item = String>) -> Self {
        Self(
            hosts
                .into_iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
        )
    }

    /// Returns whether there is no list, so that every host is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the hosts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns whether a host may be named: any host, when there is no list.
    fn allow(&self, host: &str) -> bool {
        // A final dot names the same host.
        self.0.is_empty() || self.0.contains(host.strip_suffix('.').unwrap_or(host))
    }
}

/// Reason why a text is not a return URL; reads as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Not a URL at all, or without a scheme or host.
    #[error("is not an absolute URL: {0}")]
    NotAbsolute(String),
    /// A scheme other than https.
    #[error("must use https, not {0}")]
    NotHttps(String),
    /// `user:password@` in front of the host.
    #[error("must not carry a user name or password")]
    UserInfo,
    /// `#…` at the end.
    #[error("must not carry a fragment (#…)")]
    Fragment,
    /// Control characters or white space, which browsers strip without telling.
    #[error("holds a space, control or invisible character")]
    Unprintable,
    /// One of `{ } < >`, which belong to a template.
    #[error("contains `{0}`, which no URL may contain")]
    Template(char),
    /// `*` in the host.
    #[error("has a `*` in its host")]
    Wildcard,
    /// A host that is not on the manifest's list.
    #[error("names the host `{0}`, which is not one of return_urls.allowed_hosts")]
    HostNotAllowed(String),
}

/// Characters of templates, which no URL may contain unencoded (RFC 3986, section 2).
const TEMPLATE: [char; 4] = ['{', '}', '<', '>'];

/// Returns whether a URL has white space, a character of templates or a wildcard where no URL may
/// have one. Parsers of URLs accept some of them.
pub fn is_template(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    text.contains(|c: char| c.is_whitespace() || TEMPLATE.contains(&c)) || authority.contains('*')
}

/// A checked return URL: absolute, HTTPS, on an allowed host, without user info or fragment.
///
/// Kept as text: a manifest may hold hundreds of thousands of them, and a parsed one takes six
/// times the room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReturnUrl(Box<str>);

/// Acceptance of `http://localhost…` beside https.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalHttp {
    /// Only where the manifest's environment takes a test key.
    Allowed,
    /// Everywhere else.
    Refused,
}

impl ReturnUrl {
    /// Checks a URL by the rules of a manifest.
    pub fn parse(text: &str, hosts: &AllowedHosts, local: LocalHttp) -> Result<Self, InvalidUrl> {
        if text
            .chars()
            .any(|c| c.is_whitespace() || !super::text::is_plain(c) || c == '\\')
        {
            return Err(InvalidUrl::Unprintable);
        }
        if let Some(bad) = text.chars().find(|c| TEMPLATE.contains(c)) {
            return Err(InvalidUrl::Template(bad));
        }
        let url = Url::parse(text).map_err(|error| InvalidUrl::NotAbsolute(error.to_string()))?;
        let Some(host) = url.host() else {
            return Err(InvalidUrl::NotAbsolute("it has no host".to_owned()));
        };
        let local_http =
            local == LocalHttp::Allowed && url.scheme() == "http" && is_localhost(&host);
        if url.scheme() != "https" && !local_http {
            return Err(InvalidUrl::NotHttps(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidUrl::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(InvalidUrl::Fragment);
        }
        let host = host.to_string();
        if host.contains('*') {
            return Err(InvalidUrl::Wildcard);
        }
        if !hosts.allow(&host) && !local_http {
            return Err(InvalidUrl::HostNotAllowed(host));
        }
        Ok(Self(String::from(url).into_boxed_str()))
    }

    /// Returns the URL as it is sent to WorkOS.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host, with the port where one is written.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or(rest)
    }
}

fn is_localhost(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl fmt::Display for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ReturnUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ReturnUrl, InvalidUrl> {
        let hosts = AllowedHosts::new(["App.example.com".to_owned()]);
        ReturnUrl::parse(text, &hosts, LocalHttp::Refused)
    }

    #[test]
    fn only_plain_https_on_an_allowed_host_passes() {
        assert!(parse("https://app.example.com/settings?tab=sso").is_ok());
        assert!(parse("https://APP.example.com/").is_ok());
        assert!(matches!(
            parse("http://app.example.com/"),
            Err(InvalidUrl::NotHttps(_))
        ));
        assert!(matches!(
            parse("/settings"),
            Err(InvalidUrl::NotAbsolute(_))
        ));
        assert!(matches!(
            parse("https://u:p@app.example.com/"),
            Err(InvalidUrl::UserInfo)
        ));
        assert!(matches!(
            parse("https://app.example.com/#x"),
            Err(InvalidUrl::Fragment)
        ));
        assert!(matches!(
            parse("https://app.example.com\\@evil.com"),
            Err(InvalidUrl::Unprintable)
        ));
        assert!(matches!(
            parse("https://app.example.com/a b"),
            Err(InvalidUrl::Unprintable)
        ));
        assert!(matches!(
            parse("https://evil.com/"),
            Err(InvalidUrl::HostNotAllowed(_))
        ));
        assert!(matches!(
            parse("https://app.example.com.evil.com/"),
            Err(InvalidUrl::HostNotAllowed(_))
        ));
    }

    #[test]
    fn a_url_tells_its_host_and_port() {
        let any = AllowedHosts::default();
        for (url, host) in [
            ("https://App.Example.com", "app.example.com"),
            (
                "https://app.example.com:8443/a@b?c=://d",
                "app.example.com:8443",
            ),
            ("https://app.example.com?x=/y", "app.example.com"),
            ("http://[::1]:8080/", "[::1]:8080"),
        ] {
            let url = ReturnUrl::parse(url, &any, LocalHttp::Allowed).unwrap();
            assert_eq!(url.host(), host);
        }
    }

    #[test]
    fn templates_and_wildcards_are_no_urls() {
        let any = AllowedHosts::default();
        for text in [
            "https://app.example.com/{key}/settings",
            "https://app.example.com/<key>",
            "https://app.example.com/?next={{ url }}",
            "https://{tenant}.example.com/",
            "https://${HOST}/x",
            "https://*.example.com/x",
            "https://app.*/x",
            "https://app.example.com/a b",
        ] {
            assert!(
                ReturnUrl::parse(text, &any, LocalHttp::Allowed).is_err(),
                "{text}"
            );
            assert!(is_template(text), "{text}");
        }
        let error = ReturnUrl::parse("https://*.example.com/", &any, LocalHttp::Refused);
        assert_eq!(error, Err(InvalidUrl::Wildcard));
        for text in [
            "https://app.example.com/%7Bkey%7D/*",
            "https://a.example/?q=*",
        ] {
            assert!(
                ReturnUrl::parse(text, &any, LocalHttp::Allowed).is_ok(),
                "{text}"
            );
            assert!(!is_template(text), "{text}");
        }
    }

    #[test]
    fn http_on_localhost_needs_a_test_environment() {
        let any = AllowedHosts::default();
        for url in [
            "http://localhost:3000/back",
            "http://127.0.0.1/",
            "http://[::1]:8080/",
        ] {
            assert!(
                ReturnUrl::parse(url, &any, LocalHttp::Allowed).is_ok(),
                "{url}"
            );
            assert!(
                ReturnUrl::parse(url, &any, LocalHttp::Refused).is_err(),
                "{url}"
            );
        }
        assert!(ReturnUrl::parse("http://evil.com/", &any, LocalHttp::Allowed).is_err());
    }
}
