//! Address of the sandbox, and protection of the parts that need no key.

use axum::http::{HeaderMap, header};
use url::{Host, Url};

use crate::Audience;

/// Base of portal links when no address is known: the default port of `portalctl sandbox`.
const DEFAULT_ORIGIN: &str = "http://127.0.0.1:4100";

/// Returns the base of portal links: as configured, else as the caller reached the sandbox.
pub(super) fn of_links(
    configured: Option<&str>,
    audience: Audience,
    headers: &HeaderMap,
) -> String {
    if let Some(configured) = configured {
        return configured.trim_end_matches('/').to_owned();
    }
    match host(headers) {
        // Any other host would let a caller choose where its customer is sent.
        Some(host) if is_own(host, audience) => format!("http://{host}"),
        _ => DEFAULT_ORIGIN.to_owned(),
    }
}

/// Returns whether a request is addressed to the sandbox by one of its own names.
///
/// Without this, a page that a browser has loaded from elsewhere could point its own name at
/// 127.0.0.1 and drive the sandbox. A request without a host comes from this process.
pub(super) fn is_local(headers: &HeaderMap, audience: Audience) -> bool {
    !headers.contains_key(header::HOST) || host(headers).is_some_and(|host| is_own(host, audience))
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// Returns whether a host is a name of the sandbox that no web page of elsewhere can have.
fn is_own(host: &str, audience: Audience) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else {
        return false;
    };
    let is_remote = audience == Audience::Network;
    match url.host() {
        Some(Host::Domain(name)) => {
            name == "localhost"
                || name.ends_with(".localhost")
                || (is_remote && !name.contains('.'))
        }
        Some(Host::Ipv4(address)) => is_remote || address.is_loopback(),
        Some(Host::Ipv6(address)) => is_remote || address.is_loopback(),
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
            for audience in [Audience::ThisMachine, Audience::Network] {
                assert!(is_local(&with_host(host), audience), "{host}");
            }
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "a b"] {
            for audience in [Audience::ThisMachine, Audience::Network] {
                assert!(!is_local(&with_host(host), audience), "{host}");
            }
        }
        for host in ["10.0.0.1:4100", "sandbox:4100", "workos", "[fd00::1]"] {
            assert!(is_local(&with_host(host), Audience::Network), "{host}");
            assert!(!is_local(&with_host(host), Audience::ThisMachine), "{host}");
        }
        assert!(is_local(&HeaderMap::new(), Audience::ThisMachine));
    }

    #[test]
    fn links_never_begin_with_a_foreign_host() {
        let links = |host| of_links(None, Audience::ThisMachine, &with_host(host));
        assert_eq!(links("localhost:5000"), "http://localhost:5000");
        assert_eq!(links("evil.example"), DEFAULT_ORIGIN);
        let remote = |host| of_links(None, Audience::Network, &with_host(host));
        assert_eq!(remote("sandbox:4100"), "http://sandbox:4100");
        assert_eq!(remote("evil.example"), DEFAULT_ORIGIN);
        let configured = Some("http://sandbox.test/");
        let origin = of_links(
            configured,
            Audience::ThisMachine,
            &with_host("localhost:5000"),
        );
        assert_eq!(origin, "http://sandbox.test");
    }
}
