//! Cookies of a browser that was handed over: the session of one page, and the person's seat.
//!
//! A session counts only together with the seat of the same person. The next person who is handed
//! over in the browser takes the seat, and signing out gives it up, so nobody sees the return page
//! of the one before.

use http::{HeaderMap, header};

use super::public_url::{PublicUrl, RETURN_ROOT, return_path};
use super::session_token::{SESSION_SECONDS, Session};

/// Cookie name over https; browsers accept the prefix there only.
const NAME: &str = "__Secure-portalctl";
/// Cookie name over plain http, which loopback hosts use.
const LOCAL_NAME: &str = "portalctl";
/// Cookie name of the seat over https, and over plain http.
const SEAT_NAMES: [&str; 2] = ["__Secure-portalctl-seat", "portalctl-seat"];
/// Longest cookie value that is read, in bytes.
const MAX_LENGTH: usize = 4096;

/// Returns the `Set-Cookie` header of a signed session, scoped to the return page of its intent.
pub(super) fn set_session(
    public_url: &PublicUrl,
    session: &Session,
    value: &str,
    seconds: i64,
) -> String {
    let path = return_path(&session.organization, session.intent);
    let path = format!("{}{path}", public_url.prefix());
    let name = name(public_url);
    let attributes = attributes(public_url, &path, seconds);
    format!("{name}={value}; {attributes}")
}

/// Returns the `Set-Cookie` header of a seat.
pub(super) fn set_seat(public_url: &PublicUrl, value: &str) -> String {
    let attributes = attributes(public_url, &root(public_url), SESSION_SECONDS);
    format!("{}={value}; {attributes}", seat_name(public_url))
}

/// Returns the `Set-Cookie` header that removes the seat, and with it every session.
pub(super) fn remove_seat(public_url: &PublicUrl) -> String {
    let attributes = attributes(public_url, &root(public_url), 0);
    format!("{}=; {attributes}", seat_name(public_url))
}

fn root(public_url: &PublicUrl) -> String {
    format!("{}{RETURN_ROOT}", public_url.prefix())
}

fn attributes(public_url: &PublicUrl, path: &str, seconds: i64) -> String {
    let secure = if public_url.is_https() {
        "; Secure"
    } else {
        ""
    };
    format!("Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Returns the values of all session cookies; one may have been set for another path.
pub(super) fn session_cookies<'h>(
    public_url: &PublicUrl,
    headers: &'h HeaderMap,
) -> impl Iterator<Item = &'h str> {
    values(headers, name(public_url))
}

/// Returns the values of all seat cookies.
pub(super) fn seats<'h>(
    public_url: &PublicUrl,
    headers: &'h HeaderMap,
) -> impl Iterator<Item = &'h str> {
    values(headers, seat_name(public_url))
}

const fn seat_name(public_url: &PublicUrl) -> &'static str {
    let [secure, local] = SEAT_NAMES;
    if public_url.is_https() { secure } else { local }
}

const fn name(public_url: &PublicUrl) -> &'static str {
    if public_url.is_https() {
        NAME
    } else {
        LOCAL_NAME
    }
}

/// Returns the values of a cookie. Other apps on the host may set cookies of any bytes and in any
/// number, so the header is read as bytes and no cookie counts for another; the size of a
/// request's head bounds them all.
fn values<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    let headers = headers.get_all(header::COOKIE).iter();
    headers
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(move |pair| {
            let value = pair.trim_ascii().strip_prefix(name.as_bytes())?;
            value.strip_prefix(b"=")
        })
        .filter(|value| value.len() <= MAX_LENGTH)
        .filter_map(|value| std::str::from_utf8(value).ok())
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

    #[test]
    fn a_cookie_of_another_app_hides_none() {
        let mut headers = HeaderMap::new();
        let line = b"name=J\xfcrgen; \xff=\x80; portalctl=x; portalctl=\xff;";
        headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        let many = "portalctl=bad; ".repeat(100) + "portalctl=y";
        headers.append(header::COOKIE, HeaderValue::from_str(&many).unwrap());
        let found: Vec<&str> = values(&headers, LOCAL_NAME).collect();
        assert_eq!((found.len(), found[0], found[101]), (102, "x", "y"));
    }
}
