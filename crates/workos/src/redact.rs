//! Text from outside, made fit to be shown: one short line without credentials.
//!
//! Pure. Error messages of servers and proxies may echo a key or a portal link.

use portalctl_model::text::escape;

/// The longest text that is shown.
const MAX_LENGTH: usize = 300;
const KEY_PREFIXES: [&str; 2] = ["sk_test_", "sk_live_"];
const SECRET_PARAMETERS: [&str; 3] = ["token=", "secret=", "api_key="];

/// One line of at most 300 characters, escaped, without keys, tokens and portal links.
pub(super) fn one_line(text: &str) -> String {
    // Enough to fill the line whatever the redaction takes out, without working through megabytes.
    let text = text
        .get(..text.floor_char_boundary(16 * MAX_LENGTH))
        .unwrap_or(text);
    let words: Vec<String> = text.split_whitespace().map(word).collect();
    let line = escape(&words.join(" ")).into_owned();
    if line.chars().count() <= MAX_LENGTH {
        return line;
    }
    let mut cut: String = line.chars().take(MAX_LENGTH - 1).collect();
    cut.push('…');
    cut
}

fn word(word: &str) -> String {
    let mut word = without_links(word);
    for prefix in KEY_PREFIXES {
        word = hide_after(&word, prefix, "sk_…");
    }
    for parameter in SECRET_PARAMETERS {
        word = hide_after(&word, parameter, &format!("{parameter}…"));
    }
    word
}

/// Keeps the scheme and the host of every URL, and its path unless the URL has a query or looks
/// like a link into the portal.
fn without_links(word: &str) -> String {
    let mut shown = String::new();
    let mut rest = word;
    while let Some(scheme) = rest.find("://") {
        let host = scheme + "://".len();
        let (before, url) = rest.split_at(host);
        let end = url
            .find(['"', '\'', '<', '>', ')', ']', '}', ','])
            .unwrap_or(url.len());
        let (url, after) = url.split_at(end);
        shown.push_str(before);
        let path = url.find(['/', '?', '#']).unwrap_or(url.len());
        let (host, path) = url.split_at(path);
        // User info is a credential too.
        shown.push_str(host.rsplit('@').next().unwrap_or(host));
        let is_link =
            path.contains(['?', '#']) || path.contains("portal") || host.starts_with("setup.");
        shown.push_str(if is_link { "/…" } else { path });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Replaces every occurrence of a marker and the letters, digits and the like behind it.
fn hide_after(text: &str, marker: &str, shown_as: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(marker) {
        let (before, found) = rest.split_at(start);
        shown.push_str(before);
        shown.push_str(shown_as);
        let secret = found.get(marker.len()..).unwrap_or_default();
        let end = secret
            .find(|c: char| !c.is_ascii_alphanumeric() && !"_-.~+/=%".contains(c))
            .unwrap_or(secret.len());
        rest = secret.get(end..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_show() {
        for (text, shown) in [
            ("Invalid key 'sk_test_abc123'.", "Invalid key 'sk_…'."),
            ("\"sk_live_a\",\"sk_test_b\"", "\"sk_…\",\"sk_…\""),
            (
                "see https://setup.workos.com?token=eyJh.e30.x, please",
                "see https://setup.workos.com/…, please",
            ),
            (
                "http://127.0.0.1:4100/portal/sso/org_1",
                "http://127.0.0.1:4100/…",
            ),
            ("https://u:p@proxy.example/x", "https://proxy.example/x"),
            ("bad token=abc.def&x", "bad token=…&x"),
            ("client_secret=abc+/=", "client_secret=…"),
            ("secret=a,secret=b", "secret=…,secret=…"),
            ("?api_key=sk_other_1&x", "?api_key=…&x"),
            ("https://workos.com/docs", "https://workos.com/docs"),
        ] {
            assert_eq!(one_line(text), shown);
        }
    }

    #[test]
    fn a_page_becomes_a_short_line() {
        assert_eq!(one_line("a\n\n  b\tc\u{1b}[2J"), "a b c\\u{1b}[2J");
        let long = one_line(&"ä ".repeat(100_000));
        assert_eq!(long.chars().count(), 300);
        assert!(long.ends_with('…'));
    }
}
