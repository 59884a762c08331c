//! Portal links as the API answers them, checked before anybody may see or follow one.
//!
//! A link is handed to a terminal, a browser or a `Location` header. A server in between could send
//! an option (`--version`), a script, a local file or escape sequences instead, so a [`PortalLink`]
//! exists only after the check. The text that is refused is never repeated: it may be a credential.

use std::borrow::Cow;
use std::fmt;

use portalctl_model::inert;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::endpoint::{Endpoint, is_loopback};

/// Longest link that is accepted, in bytes.
pub const MAX_LINK_LENGTH: usize = 4096;

/// Printable ASCII characters that no URL may contain (RFC 3986, section 2). Browsers and shells
/// disagree about some of them: a backslash ends the host for one and not for the other.
const NEVER_IN_A_URL: &[u8] = b"\"<>\\^`{|}";

/// A checked portal link: a credential, valid for five minutes and one use.
#[derive(Clone)]
pub struct PortalLink(SecretString);

/// Reason why a text is not a portal link; reads as the end of a sentence, and holds none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLink {
    /// More than [`MAX_LINK_LENGTH`] bytes.
    #[error("is longer than {MAX_LINK_LENGTH} bytes")]
    TooLong,
    /// White space, a control character, or a character outside ASCII.
    #[error("contains white space, a control character or a character outside ASCII")]
    NotVisibleAscii,
    /// A printable character that has to be percent-encoded.
    #[error("contains a character that no URL may contain")]
    NotInAUrl,
    /// No absolute URL.
    #[error("is not an absolute URL with a host")]
    NotAbsolute,
    /// A scheme other than https.
    #[error("does not begin with https://")]
    NotHttps,
    /// Plain http to a machine that is neither this one nor the endpoint's, or from an endpoint
    /// with https.
    #[error(
        "uses http; that is accepted only to this machine or the endpoint's own, from an endpoint \
         that uses http itself"
    )]
    PlainHttp,
    /// A host that programs spell in several ways, so that the one shown is not the one visited.
    #[error("spells its host in another way than browsers do")]
    HostSpelling,
    /// A part that the log of a CI system obeys, such as `##[add-path]`.
    #[error("contains a command of a CI system's log")]
    LogCommand,
    /// `user@` before the host.
    #[error("has a user name before its host")]
    UserInfo,
}

impl PortalLink {
    /// Checks a link that an endpoint answered.
    pub fn parse(text: &str, endpoint: &Endpoint) -> Result<Self, InvalidLink> {
        if text.len() > MAX_LINK_LENGTH {
            return Err(InvalidLink::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidLink::NotVisibleAscii);
        }
        if text.bytes().any(|byte| NEVER_IN_A_URL.contains(&byte)) {
            return Err(InvalidLink::NotInAUrl);
        }
        let url = Url::parse(text).map_err(|_| InvalidLink::NotAbsolute)?;
        // Of the text itself: to some programs `https:host` is a URL, to others a path.
        let (is_plain, rest, default_port) = match text.strip_prefix("https://") {
            Some(rest) => (false, rest, ":443"),
            None => match text.strip_prefix("http://") {
                Some(rest) => (true, rest, ":80"),
                None => return Err(InvalidLink::NotHttps),
            },
        };
        let host = url.host().ok_or(InvalidLink::NotAbsolute)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(InvalidLink::NotAbsolute);
        }
        if authority.contains('@') {
            return Err(InvalidLink::UserInfo);
        }
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        let shown = authority.to_ascii_lowercase();
        let shown = shown.strip_suffix(default_port).unwrap_or(&shown);
        if shown != format!("{host}{port}") {
            return Err(InvalidLink::HostSpelling);
        }
        if matches!(inert::output(text), Cow::Owned(_)) {
            return Err(InvalidLink::LogCommand);
        }
        if is_plain && !may_be_plain(&host, endpoint) {
            return Err(InvalidLink::PlainHttp);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// Returns the link itself, to be handed to whoever it was made for.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Returns whether a link to a host may use plain http: an endpoint on this machine leads to this
/// machine, and one with plain http to this machine or to its own host.
fn may_be_plain(host: &Host<&str>, endpoint: &Endpoint) -> bool {
    if is_loopback(host) {
        return endpoint.is_loopback() || endpoint.is_readable_on_the_way();
    }
    endpoint.is_readable_on_the_way() && host.to_string() == endpoint.host()
}

impl fmt::Debug for PortalLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PortalLink([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlainHttp;

    fn workos() -> Endpoint {
        Endpoint::default()
    }

    fn local() -> Endpoint {
        Endpoint::parse("http://127.0.0.1:4100").unwrap()
    }

    #[track_caller]
    fn refused(text: &str, why: InvalidLink) {
        for endpoint in [workos(), local()] {
            assert_eq!(
                PortalLink::parse(text, &endpoint).unwrap_err(),
                why,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_link_of_workos_passes_as_it_is() {
        for link in [
            "https://setup.workos.com?token=one",
            "https://setup.workos.com/portal/launch?secret=a-b_c.~d%20e&x=[1]",
            "https://id.customer.example:8443/x#y",
        ] {
            let checked = PortalLink::parse(link, &workos()).unwrap();
            assert_eq!(checked.expose(), link);
            assert!(!format!("{checked:?}").contains("://"));
        }
        let longest = format!("https://a.example/{}", "x".repeat(MAX_LINK_LENGTH - 18));
        assert!(PortalLink::parse(&longest, &workos()).is_ok());
        refused(&format!("{longest}x"), InvalidLink::TooLong);
    }

    #[test]
    fn a_sandbox_beside_this_process_leads_to_itself_or_to_this_machine() {
        let sandbox = Endpoint::parse_allowing("http://sandbox:4100", PlainHttp::Anywhere).unwrap();
        for good in [
            "http://sandbox:4100/portal/x",
            "http://localhost:4100/portal/x",
        ] {
            assert!(PortalLink::parse(good, &sandbox).is_ok(), "{good}");
            let https = Endpoint::parse("https://sandbox").unwrap();
            let refused = PortalLink::parse(good, &https).unwrap_err();
            assert_eq!(refused, InvalidLink::PlainHttp, "{good}");
        }
        for bad in ["http://other/portal/x", "http://sandbox.evil.example/x"] {
            let refused = PortalLink::parse(bad, &sandbox).unwrap_err();
            assert_eq!(refused, InvalidLink::PlainHttp, "{bad}");
        }
    }

    #[test]
    fn only_https_is_followed() {
        for text in [
            "javascript:alert(1)",
            "javascript://a.example/%0Aalert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "ftp://a.example/",
            "vbscript:x",
            "ms-settings://x",
        ] {
            refused(text, InvalidLink::NotHttps);
        }
        for text in [
            "",
            "--version",
            "-h",
            "/etc/passwd",
            "setup.workos.com/x",
            "//a.example/x",
            "https:a.example",
            "https:/a.example",
            "https:///a.example",
            "https://",
            "https://a b.example",
        ] {
            let refused = PortalLink::parse(text, &workos());
            assert!(refused.is_err(), "{text:?}");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine_on_both_sides() {
        for text in [
            "http://127.0.0.1:4100/portal/x",
            "http://localhost/x",
            "http://[::1]:9/x",
        ] {
            assert!(PortalLink::parse(text, &local()).is_ok(), "{text}");
            let error = PortalLink::parse(text, &workos()).unwrap_err();
            assert_eq!(error, InvalidLink::PlainHttp, "{text}");
        }
        refused("http://setup.workos.com/x", InvalidLink::PlainHttp);
        refused("http://localhost.evil.example/x", InvalidLink::PlainHttp);
        refused("http://127.0.0.1.evil.example/x", InvalidLink::PlainHttp);
    }

    #[test]
    fn nothing_invisible_or_ambiguous_passes() {
        for text in [
            "https://a.example/\u{1b}[2J",
            "https://a.example/\nx",
            "https://a.example/\r\nSet-Cookie: x",
            "https://a.example/ x",
            " https://a.example/",
            "https://a.example/\t",
            "https://a.example/\0",
            "https://a.example/\u{202e}x",
            "https://ä.example/",
        ] {
            refused(text, InvalidLink::NotVisibleAscii);
        }
        for text in [
            "https://workos.com\\@evil.example",
            "https:\\\\evil.example",
            "https://a.example/\"><script>",
            "https://a.example/`id`",
            "https://a.example/{x}",
        ] {
            refused(text, InvalidLink::NotInAUrl);
        }
        for text in [
            "https://workos.com@evil.example/",
            "https://workos.com:x@evil.example/",
            "https://@evil.example/",
        ] {
            refused(text, InvalidLink::UserInfo);
        }
    }

    #[test]
    fn the_host_that_is_shown_is_the_one_that_is_visited() {
        for text in [
            "https://setup.workos.com%2eevil.example/x",
            "https://setup.workos.com%2F.evil.example/x",
            "https://0x7f.1/x",
            "https://2130706433/x",
            "https://setup.workos.com:0443/x",
            "https://setup.workos.com:/x",
            "https://[0:0::1]/x",
        ] {
            let refused = PortalLink::parse(text, &workos());
            assert!(refused.is_err(), "{text}");
        }
        for text in [
            "https://SETUP.workos.com/x",
            "https://setup.workos.com:443/x",
            "https://setup.workos.com:8443?x#y",
            "https://xn--4ca.example/x",
            "https://[2001:db8::1]/x",
        ] {
            assert!(PortalLink::parse(text, &workos()).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_link_is_no_command_of_a_log() {
        for text in [
            "https://a.example/##[add-path]x",
            "https://a.example/?##vso[x]",
        ] {
            refused(text, InvalidLink::LogCommand);
        }
    }

    #[test]
    fn an_error_repeats_nothing_of_the_link() {
        let secret = "https://user:tok3n@evil.example/tok3n";
        let told = PortalLink::parse(secret, &workos())
            .unwrap_err()
            .to_string();
        assert!(!told.contains("tok3n") && !told.contains("evil"), "{told}");
    }
}
