//! The rule of the header `Host` (RFC 9112, section 3.2). Pure.

use http::uri::Authority;
use http::{Request, Version, header};

/// Returns whether a request names one host, and no other one in its target. Only HTTP/1.0, which
/// some health checks speak, may name none.
pub(super) fn is_valid<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    let target = request.uri().authority();
    match (host, second) {
        (None, _) => request.version() == Version::HTTP_10 && target.is_none(),
        (Some(_), Some(_)) => false,
        (Some(host), None) => {
            let host = host.to_str().ok().and_then(authority);
            host.is_some_and(|host| target.is_none_or(|target| *target == host))
        }
    }
}

/// Parses a host with an optional port, without user information. Characters that no name has are
/// refused, such as the comma with which a proxy joins two headers.
fn authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    let port = text.strip_prefix(host)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    let has_host = !host.is_empty() && host.bytes().all(is_name);
    let has_port = port.is_empty() || authority.port_u16().is_some();
    (has_host && has_port).then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, target: &str, hosts: &[&[u8]]) -> Request<()> {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn a_request_names_one_host() {
        for good in [
            "portal.example.com",
            "portal.example.com:8443",
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost",
        ] {
            let request = request(Version::HTTP_11, "/healthz", &[good.as_bytes()]);
            assert!(is_valid(&request), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "eve@portal.example.com",
            "portal.example.com:",
            "portal.example.com:port",
            "portal.example.com:65536",
            "portal.example.com/path",
            "a,b",
            "http://portal.example.com",
            "portal.example.com\u{e9}",
        ] {
            let request = request(Version::HTTP_11, "/healthz", &[bad.as_bytes()]);
            assert!(!is_valid(&request), "{bad:?}");
        }
    }

    #[test]
    fn none_or_two_are_none() {
        let host: &[u8] = b"portal.example.com";
        assert!(!is_valid(&request(Version::HTTP_11, "/", &[])));
        assert!(!is_valid(&request(Version::HTTP_11, "/", &[host, host])));
        assert!(is_valid(&request(Version::HTTP_10, "/", &[])));
        assert!(!is_valid(&request(Version::HTTP_10, "/", &[host, host])));
    }

    #[test]
    fn the_target_names_no_other_host() {
        let host: &[u8] = b"portal.example.com";
        let named = |target: &str| is_valid(&request(Version::HTTP_11, target, &[host]));
        assert!(named("http://portal.example.com/"));
        assert!(named("http://PORTAL.example.com/"));
        assert!(!named("http://evil.example.com/"));
    }
}
