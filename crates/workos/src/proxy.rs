//! Proxy for requests to an endpoint, and the setting that names it.
//!
//! The matcher is the HTTP library's own, so what is said here is what happens there. Whatever user
//! name or password a proxy's address holds is left out.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::Endpoint;

/// The way to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// Straight: no proxy is set.
    None,
    /// Straight: the endpoint is on this machine.
    Loopback,
    /// Straight: a proxy is set, and `NO_PROXY` exempts the host.
    Exempt,
    /// Straight: what the variable says is not the address of a proxy.
    Unusable,
    /// Through this proxy: scheme, host and port.
    Through(String),
}

impl Proxy {
    /// The way to an endpoint; `variable` is the value of the variable that names its proxy.
    pub fn of(endpoint: &Endpoint, variable: Option<&str>) -> Self {
        if endpoint.is_loopback() {
            return Self::Loopback;
        }
        let Ok(address) = endpoint.address("/") else {
            return Self::None;
        };
        if let Some(through) = intercept(&Matcher::from_system(), &address) {
            return Self::Through(through);
        }
        let Some(variable) = variable.filter(|value| !value.is_empty()) else {
            return Self::None;
        };
        let unfiltered = Matcher::builder().https(variable.to_owned()).build();
        match intercept(&unfiltered, &address) {
            Some(_) => Self::Exempt,
            None => Self::Unusable,
        }
    }
}

fn intercept(matcher: &Matcher, address: &Uri) -> Option<String> {
    let found = matcher.intercept(address)?;
    let proxy = found.uri();
    let authority = proxy.authority()?.as_str();
    // A password with an @ in it is cut at the first one there; at the last one here.
    let host = authority.rsplit('@').next().unwrap_or(authority);
    Some(format!("{}://{host}", proxy.scheme_str().unwrap_or("http")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address: Uri = "https://api.workos.com/".parse().unwrap();
        for (variable, shown) in [
            (
                "http://proxy.example:3128",
                Some("http://proxy.example:3128"),
            ),
            ("proxy.example:3128", Some("http://proxy.example:3128")),
            (
                "http://ada:canary@proxy.example:3128",
                Some("http://proxy.example:3128"),
            ),
            (
                "http://ada:can@ary@proxy.example",
                Some("http://proxy.example"),
            ),
            ("ftp://proxy.example", None),
            ("not an address", None),
        ] {
            let matcher = Matcher::builder().https(variable.to_owned()).build();
            assert_eq!(
                intercept(&matcher, &address).as_deref(),
                shown,
                "{variable}"
            );
        }
    }

    #[test]
    fn an_endpoint_on_this_machine_takes_no_proxy() {
        let endpoint = Endpoint::parse("http://127.0.0.1:4100").unwrap();
        let way = Proxy::of(&endpoint, Some("http://proxy.example:3128"));
        assert_eq!(way, Proxy::Loopback);
    }
}
