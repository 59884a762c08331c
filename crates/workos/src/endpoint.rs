//! Endpoint of the API: a base URL that the key may be sent to.
//!
//! In comes text from a flag or the environment; out comes an [`Endpoint`]. It refuses everything
//! that would send the key in the clear, and never repeats the text it refuses.

use std::net::IpAddr;

use http::Uri;
use url::{Host, Url};

/// The base URL of the WorkOS API. Source: `servers` of the WorkOS API description.
pub const DEFAULT_ENDPOINT: &str = "https://api.workos.com";

/// A base URL: https, or plain http on this machine and where it was allowed. A path prefix is
/// kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme, host, port and path prefix; no slash at the end.
    base: String,
    host: String,
    authority: String,
    is_loopback: bool,
}

/// Reason why a text is not an endpoint; reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// The text is not an absolute http or https URL.
    #[error("is not an absolute URL such as {DEFAULT_ENDPOINT}")]
    NotAUrl,
    /// Plain http to another machine.
    #[error("must use https; plain http to another machine needs --allow-plain-http")]
    PlainHttp,
    /// User info, which is no place for a credential.
    #[error("must not hold a user name or a password")]
    UserInfo,
    /// A query or a fragment.
    #[error("must not hold a query or a fragment")]
    QueryOrFragment,
}

/// Reach of plain http.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// Loopback addresses.
    ThisMachine,
    /// Any host: a sandbox beside this process, in compose or a CI service. Keys and links are
    /// readable on the way, so only test keys may be sent.
    Anywhere,
}

impl Endpoint {
    /// Checks a base URL.
    pub fn parse(text: &str) -> Result<Self, InvalidEndpoint> {
        Self::parse_allowing(text, PlainHttp::ThisMachine)
    }

    /// Checks a base URL, where the caller says how far plain http may go.
    pub fn parse_allowing(text: &str, plain: PlainHttp) -> Result<Self, InvalidEndpoint> {
        let url = Url::parse(text).map_err(|_| InvalidEndpoint::NotAUrl)?;
        let (Some(host), Some(name)) = (url.host(), url.host_str()) else {
            return Err(InvalidEndpoint::NotAUrl);
        };
        let is_loopback = is_loopback(&host);
        match url.scheme() {
            "https" => {}
            "http" if is_loopback || plain == PlainHttp::Anywhere => {}
            "http" => return Err(InvalidEndpoint::PlainHttp),
            _ => return Err(InvalidEndpoint::NotAUrl),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidEndpoint::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidEndpoint::QueryOrFragment);
        }
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            host: name.to_owned(),
            authority: url.authority().to_owned(),
            is_loopback,
        })
    }

    /// The endpoint of a sandbox inside this process; nothing is sent over a network.
    pub fn in_process() -> Self {
        Self {
            base: "http://localhost".to_owned(),
            host: "localhost".to_owned(),
            authority: "localhost".to_owned(),
            is_loopback: true,
        }
    }

    /// The host's name or address without its port: what a plan's digest covers.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host with its port, when that is not the scheme's own: what people are shown.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns whether the endpoint is on this machine.
    pub const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Returns whether the connection is unencrypted.
    pub fn is_plain_http(&self) -> bool {
        self.base.starts_with("http:")
    }

    /// Returns whether requests are readable on their way to another machine.
    pub fn is_readable_on_the_way(&self) -> bool {
        self.is_plain_http() && !self.is_loopback
    }

    /// The absolute address of a path and query that begin with a slash.
    pub(super) fn address(&self, path_and_query: &str) -> Result<Uri, http::uri::InvalidUri> {
        format!("{}{path_and_query}", self.base).parse()
    }
}

/// Returns whether a host is this machine by name or address.
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => IpAddr::V4(*ip).is_loopback(),
        Host::Ipv6(ip) => IpAddr::V6(*ip).is_loopback(),
    }
}

impl Default for Endpoint {
    /// [`DEFAULT_ENDPOINT`].
    fn default() -> Self {
        Self {
            base: DEFAULT_ENDPOINT.to_owned(),
            host: "api.workos.com".to_owned(),
            authority: "api.workos.com".to_owned(),
            is_loopback: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_parsing_it_gives() {
        assert_eq!(Endpoint::parse(DEFAULT_ENDPOINT), Ok(Endpoint::default()));
    }

    #[test]
    fn the_endpoint_inside_the_process_is_what_parsing_it_gives() {
        let parsed = Endpoint::parse("http://localhost");
        assert_eq!(parsed, Ok(Endpoint::in_process()));
    }

    #[test]
    fn https_goes_anywhere_and_plain_http_stays_on_this_machine() {
        for good in [
            "https://api.example.com",
            "https://10.0.0.7:8443/workos/",
            "http://localhost:4100",
            "http://127.0.0.1:4100/",
            "http://127.8.9.1",
            "http://[::1]:4100",
        ] {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.workos.com",
            "http://localhost.evil.example",
            "http://10.0.0.7",
            "http://[::2]",
        ] {
            assert_eq!(
                Endpoint::parse(bad),
                Err(InvalidEndpoint::PlainHttp),
                "{bad}"
            );
        }
        let allowed = Endpoint::parse_allowing("http://sandbox:4100", PlainHttp::Anywhere).unwrap();
        assert!(allowed.is_readable_on_the_way() && !allowed.is_loopback());
        let local = Endpoint::parse_allowing("http://localhost:4100", PlainHttp::Anywhere).unwrap();
        assert!(!local.is_readable_on_the_way());
        let https = Endpoint::parse_allowing("https://sandbox", PlainHttp::Anywhere).unwrap();
        assert!(!https.is_readable_on_the_way());
        for bad in [
            "",
            "api.workos.com",
            "ftp://localhost",
            "file:///etc/passwd",
        ] {
            assert_eq!(Endpoint::parse(bad), Err(InvalidEndpoint::NotAUrl), "{bad}");
        }
        assert_eq!(
            Endpoint::parse("https://sk_test_1@api.workos.com"),
            Err(InvalidEndpoint::UserInfo)
        );
        for bad in ["https://a.example?x=1", "https://a.example#x"] {
            assert_eq!(Endpoint::parse(bad), Err(InvalidEndpoint::QueryOrFragment));
        }
    }

    #[test]
    fn a_path_prefix_is_kept_and_the_port_is_not_part_of_the_host() {
        let endpoint = Endpoint::parse("https://Proxy.Example:8443/workos/").unwrap();
        assert_eq!(endpoint.host(), "proxy.example");
        assert_eq!(endpoint.authority(), "proxy.example:8443");
        assert!(!endpoint.is_loopback());
        assert_eq!(
            endpoint.address("/organizations?limit=100").unwrap(),
            "https://proxy.example:8443/workos/organizations?limit=100"
        );
    }
}
