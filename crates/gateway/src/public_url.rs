//! Address under which browsers reach the gateway.

use url::{Host, Url};

use portalctl_model::return_url::is_template;
use portalctl_model::{Intent, OrgKey};

/// Origin of the gateway: https, or plain http on a loopback host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Origin without a slash at the end.
    origin: String,
    is_https: bool,
}

/// Reason why a text is no public URL; reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicUrl {
    /// Not a URL, or one with more than scheme, host and port.
    #[error("is not an address such as https://portal.example.com: scheme, host and port only")]
    NotAnOrigin,
    /// Plain http with a host that is not loopback.
    #[error("must use https; plain http is for this machine")]
    PlainHttp,
}

impl PublicUrl {
    /// Parses an origin.
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        if is_template(text) {
            return Err(InvalidPublicUrl::NotAnOrigin);
        }
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl::NotAnOrigin)?;
        let is_bare = url.path() == "/"
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
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            is_https,
        })
    }

    /// Returns the origin, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// Returns whether traffic to the gateway is encrypted.
    pub(super) const fn is_https(&self) -> bool {
        self.is_https
    }

    /// Returns the URL that the portal sends people back to.
    pub(super) fn return_url(&self, key: &OrgKey, intent: Intent) -> String {
        format!("{}{}", self.origin, return_path(key, intent))
    }
}

/// Path above all return pages.
pub(super) const RETURN_ROOT: &str = "/return";

/// Returns the path of the return page.
pub(super) fn return_path(key: &OrgKey, intent: Intent) -> String {
    format!("{RETURN_ROOT}/{key}/{intent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_and_nothing_more() {
        let parsed = |text| PublicUrl::parse(text).map(|url| url.origin);
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
            "https://portal.example.com/x",
            "https://portal.example.com/?x",
            "https://u@portal.example.com",
            "ftp://portal.example.com",
        ] {
            assert_eq!(parsed(bad), Err(InvalidPublicUrl::NotAnOrigin), "{bad}");
        }
    }
}
