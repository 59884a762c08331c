//! Rules for how a browser has to ask for a portal link (Fetch Metadata,
//! <https://www.w3.org/TR/fetch-metadata/>). Pure: headers go in, a decision comes out.
//!
//! A link works once and a redirect cannot be taken back, so nothing is spent on a request whose
//! answer no person would see: a script's fetch, a prefetch, a frame. A client that sends none of
//! these headers is served as before.

use http::{HeaderMap, Method, header};

use portalctl_model::codes::{Code, gateway as codes};

const MODE: &str = "sec-fetch-mode";
const DESTINATION: &str = "sec-fetch-dest";
const SITE: &str = "sec-fetch-site";
/// Headers by which browsers mark a request that is made ahead of time.
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Kind of client that asks for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Navigation {
    /// A browser that opens a page in a tab or window of its own.
    Browser,
    /// A client that says nothing about it: an old browser, or a program.
    Unstated,
}

/// Returns the kind of client, or the refusal of a request that cannot follow to the portal.
pub(super) fn navigation(method: &Method, headers: &HeaderMap) -> Result<Navigation, Code> {
    if is_ahead_of_time(headers) {
        return Err(codes::NO_NAVIGATION);
    }
    let (mode, destination) = (headers.get(MODE), headers.get(DESTINATION));
    let is = |value: Option<&http::HeaderValue>, wanted: &[u8]| {
        value.is_none_or(|value| value.as_bytes() == wanted)
    };
    if !is(mode, b"navigate") || !is(destination, b"document") {
        return Err(codes::NO_NAVIGATION);
    }
    if mode.is_some() {
        return Ok(Navigation::Browser);
    }
    // Only a script's fetch sends an origin with a GET.
    if *method == Method::GET && headers.contains_key(header::ORIGIN) {
        return Err(codes::NO_NAVIGATION);
    }
    Ok(Navigation::Unstated)
}

/// Returns whether the request is a prefetch or a preview.
fn is_ahead_of_time(headers: &HeaderMap) -> bool {
    let values = PURPOSES.iter().flat_map(|name| headers.get_all(*name));
    values
        .filter_map(|value| value.to_str().ok())
        .map(str::to_ascii_lowercase)
        .any(|value| {
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|it| value.contains(it))
        })
}

/// Returns whether another site sent the browser here. A client that does not say so is judged by
/// its origin, which forms send: it has to be `own_origin`.
pub(super) fn is_cross_site(headers: &HeaderMap, own_origin: &str) -> bool {
    match (headers.get(SITE), headers.get(header::ORIGIN)) {
        (Some(site), _) => site.as_bytes() == b"cross-site",
        (None, Some(origin)) => origin.as_bytes() != own_origin.as_bytes(),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_what_a_person_sees_is_served() {
        let browser = [(MODE, "navigate"), (DESTINATION, "document")];
        let asked = |pairs: &[_]| navigation(&Method::GET, &headers(pairs));
        assert_eq!(asked(&browser), Ok(Navigation::Browser));
        assert_eq!(asked(&[]), Ok(Navigation::Unstated));
        for unseen in [
            &[(MODE, "cors"), (DESTINATION, "empty")][..],
            &[(MODE, "no-cors"), (DESTINATION, "image")],
            &[(MODE, "navigate"), (DESTINATION, "iframe")],
            &[(MODE, "same-origin")],
            &[(DESTINATION, "empty")],
            &[("origin", "https://app.example.com")],
            &[
                browser[0],
                browser[1],
                ("sec-purpose", "prefetch;prerender"),
            ],
            &[("purpose", "prefetch")],
            &[("x-moz", "Prefetch")],
        ] {
            assert_eq!(asked(unseen), Err(codes::NO_NAVIGATION), "{unseen:?}");
        }
        // Forms of old browsers send their origin.
        let form = headers(&[("origin", "https://app.example.com")]);
        assert_eq!(navigation(&Method::POST, &form), Ok(Navigation::Unstated));
    }

    #[test]
    fn another_site_is_known_by_the_browser_or_by_its_origin() {
        let own = "https://portal.example.com";
        let crosses = |pairs: &[_]| is_cross_site(&headers(pairs), own);
        assert!(crosses(&[(SITE, "cross-site")]));
        assert!(crosses(&[("origin", "https://evil.example")]));
        assert!(crosses(&[("origin", "null")]));
        for own in [
            &[][..],
            &[(SITE, "same-origin")],
            &[(SITE, "same-site"), ("origin", "https://app.example.com")],
            &[(SITE, "none")],
            &[("origin", "https://portal.example.com")],
        ] {
            assert!(!crosses(own), "{own:?}");
        }
    }
}
