//! Where the sandbox is reached, and who may reach the parts of it that need no key.

use axum::http::{HeaderMap, header};
use url::{Host, Url};

/// What links begin with when nothing says where the sandbox is: the port that `portalctl
/// sandbox` listens on by default.
const DEFAULT_ORIGIN: &str = "http://127.0.0.1:4100";

/// What links begin with: as configured, else as the caller reached us.
pub(super) fn of_links(configured: Option<&str>, headers: &HeaderMap) -> String {
    if let Some(configured) = configured {
        return configured.trim_end_matches('/').to_owned();
    }
    match host(headers) {
        // Any other host would let a caller choose where its customer is sent.
        Some(host) if is_loopback(host) => format!("http://{host}"),
        _ => DEFAULT_ORIGIN.to_owned(),
    }
}

/// Whether a request is addressed to this machine by one of its own names.
///
/// Without this, a page that a browser has loaded from elsewhere could point its own name at
/// 127.0.0.1 and drive the sandbox. A request without a host comes from this process.
pub(super) fn is_local(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::HOST) || host(headers).is_some_and(is_loopback)
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

fn is_loopback(host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else {
        return false;
    };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_host(host: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        headers
    }

    #[test]
    fn only_this_machine_is_local() {
        for host in ["localhost:4100", "127.0.0.1:9", "[::1]:4100"] {
            assert!(is_local(&with_host(host)), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "a b"] {
            assert!(!is_local(&with_host(host)), "{host}");
        }
        assert!(is_local(&HeaderMap::new()));
    }

    #[test]
    fn links_never_begin_with_a_foreign_host() {
        let links = |host| of_links(None, &with_host(host));
        assert_eq!(links("localhost:5000"), "http://localhost:5000");
        assert_eq!(links("evil.example"), DEFAULT_ORIGIN);
        let configured = Some("http://sandbox.test/");
        let origin = of_links(configured, &with_host("localhost:5000"));
        assert_eq!(origin, "http://sandbox.test");
    }
}
