//! Session cookie of a browser that was handed over.

use http::{HeaderMap, header};

use super::public_url::{PublicUrl, return_path};
use super::session_token::{SESSION_SECONDS, Session};

/// Cookie name over https; browsers accept the prefix there only.
const NAME: &str = "__Secure-portalctl";
/// Cookie name over plain http, which loopback hosts use.
const LOCAL_NAME: &str = "portalctl";
/// Longest cookie value that is read, in bytes.
const MAX_LENGTH: usize = 4096;

/// Returns the `Set-Cookie` header of a signed session, scoped to the return page of its intent.
pub(super) fn set_cookie(public_url: &PublicUrl, session: &Session, value: &str) -> String {
    let secure = if public_url.is_https() {
        "; Secure"
    } else {
        ""
    };
    let name = name(public_url);
    let path = return_path(&session.organization, session.intent);
    format!(
        "{name}={value}; Path={path}; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Lax{secure}"
    )
}

/// Returns the values of all session cookies; one may have been set for another path.
pub(super) fn session_cookies<'h>(
    public_url: &PublicUrl,
    headers: &'h HeaderMap,
) -> impl Iterator<Item = &'h str> {
    values(headers, name(public_url))
}

const fn name(public_url: &PublicUrl) -> &'static str {
    if public_url.is_https() {
        NAME
    } else {
        LOCAL_NAME
    }
}

fn values<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    let headers = headers.get_all(header::COOKIE).iter();
    headers
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|value| value.len() <= MAX_LENGTH)
        .take(4)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_cookie_of_the_name_is_read_and_no_other() {
        let mut headers = HeaderMap::new();
        let line = "a=1; portalctl=x; portalctl2=y; __Secure-portalctl=z;portalctl=w";
        headers.append(header::COOKIE, HeaderValue::from_static(line));
        headers.append(header::COOKIE, HeaderValue::from_static("portalctl=v"));
        let found: Vec<&str> = values(&headers, LOCAL_NAME).collect();
        assert_eq!(found, ["x", "w", "v"]);
    }
}
