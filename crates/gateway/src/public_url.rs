//! Address under which browsers reach the gateway.

use url::{Host, Url};

use portalctl_model::return_url::is_template;
use portalctl_model::{Intent, OrgKey};

/// Address of the gateway: https, or plain http on a loopback host; with a path where it shares its
/// host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Origin and path, without a slash at the end.
    text: String,
    /// Length of the origin.
    origin: usize,
    is_https: bool,
}

/// Reason why a text is no public URL; reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicUrl {
    /// Not a URL, or one with a user, a query, a fragment or an unusual path.
    #[error(
        "is not an address such as https://portal.example.com or https://example.com/portal-setup"
    )]
    NotAnOrigin,
    /// Plain http with a host that is not loopback.
    #[error("must use https; plain http is for this machine")]
    PlainHttp,
}

impl PublicUrl {
    /// Parses an address.
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        if is_template(text) {
            return Err(InvalidPublicUrl::NotAnOrigin);
        }
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl::NotAnOrigin)?;
        let prefix = url.path().trim_end_matches('/');
        let is_bare = is_prefix(prefix)
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let is_local = match url.host() {
            None => return Err(InvalidPublicUrl::NotAnOrigin),
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
        };
        let is_https = url.scheme() == "https";
        if !is_bare || !(is_https || url.scheme() == "http") {
            return Err(InvalidPublicUrl::NotAnOrigin);
        }
        if !is_https && !is_local {
            return Err(InvalidPublicUrl::PlainHttp);
        }
        let origin = url.origin().ascii_serialization();
        Ok(Self {
            text: format!("{origin}{prefix}"),
            origin: origin.len(),
            is_https,
        })
    }

    /// Returns the address, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns scheme, host and port.
    pub(super) fn origin(&self) -> &str {
        &self.text[..self.origin]
    }

    /// Returns the path, without a slash at the end; empty where the gateway has the whole host.
    pub(super) fn prefix(&self) -> &str {
        &self.text[self.origin..]
    }

    /// Returns the public path of a request, whose own path begins below that of the gateway: the router
    /// takes it away, or a proxy in front has done so.
    pub(super) fn own(&self, path: &str) -> String {
        format!("{}{path}", self.prefix())
    }

    /// Returns whether traffic to the gateway is encrypted.
    pub(super) const fn is_https(&self) -> bool {
        self.is_https
    }

    /// Returns the URL that the portal sends people back to.
    pub(super) fn return_url(&self, key: &OrgKey, intent: Intent) -> String {
        format!("{}{}", self.text, return_path(key, intent))
    }
}

/// Returns whether a path can be that of the gateway: segments of letters, digits and a few signs, so
/// that it is the same in a route, a cookie and a URL.
fn is_prefix(path: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    let is_segment = |text: &str| !text.is_empty() && text.chars().all(is_plain);
    path.is_empty()
        || path
            .strip_prefix('/')
            .is_some_and(|path| path.split('/').all(is_segment))
}

/// Path above all return pages, below that of the gateway.
pub(super) const RETURN_ROOT: &str = "/return";

/// Returns the path of the return page.
pub(super) fn return_path(key: &OrgKey, intent: Intent) -> String {
    format!("{RETURN_ROOT}/{key}/{intent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_part_of_every_address() {
        let url = PublicUrl::parse("https://example.com/setup/portal/").unwrap();
        assert_eq!(url.as_str(), "https://example.com/setup/portal");
        assert_eq!(url.origin(), "https://example.com");
        assert_eq!(url.prefix(), "/setup/portal");
        let key = OrgKey::parse("acme").unwrap();
        let back = url.return_url(&key, Intent::Sso);
        assert_eq!(back, "https://example.com/setup/portal/return/acme/sso");
        assert_eq!(
            PublicUrl::parse("https://example.com/").unwrap().prefix(),
            ""
        );
    }

    #[test]
    fn an_address_and_nothing_more() {
        let parsed = |text| PublicUrl::parse(text).map(|url| url.text);
        assert_eq!(
            parsed("https://Portal.example.com/").as_deref(),
            Ok("https://portal.example.com")
        );
        assert!(parsed("http://127.0.0.1:8080").is_ok());
        assert!(parsed("https://[::1]:8443").is_ok());
        assert_eq!(
            parsed("http://portal.example.com"),
            Err(InvalidPublicUrl::PlainHttp)
        );
        for bad in [
            "portal.example.com",
            "https://portal.example.com//x",
            "https://portal.example.com/{x}",
            "https://portal.example.com/a%2Fb",
            "https://portal.example.com/?x",
            "https://u@portal.example.com",
            "ftp://portal.example.com",
        ] {
            assert_eq!(parsed(bad), Err(InvalidPublicUrl::NotAnOrigin), "{bad}");
        }
    }
}
