//! HTML of the portal pages: self-contained, with all text from outside escaped.

use std::fmt::Write as _;

use super::world::{Finished, PortalSession, Refusal};
use portalctl_model::intent::Intent;
use portalctl_model::text;

const STYLE: &str = include_str!("style.css");

/// Hash of the pages' style, which their policy allows. A test keeps it true.
pub(super) const STYLE_HASH: &str = "Nt4bNhfMQSnUmitSwtknB0HsOObfD0frkGy0WPwA/Mg=";

/// Renders the page that a link opens. Its logo leads to the link's return URL, else to the default.
pub(super) fn setup(
    session: &PortalSession,
    refused: Option<&Refusal>,
    default_return_url: Option<&str>,
) -> String {
    let title = session.link.intent.title();
    let name = escape(&session.organization_name);
    let mut body = format!(
        "{}<h1>Set up {title} for {name}</h1>\n\
         <p class=\"note\">This is the portalctl sandbox. The real Admin Portal guides your \
         customer’s IT admin step by step; here one button does it all.</p>\n\
         <p>{}</p>\n",
        logo(session.link.return_url.as_deref().or(default_return_url)),
        what_happens(session.link.intent),
    );
    let needs_domain = session.verifies_domains && session.link.intent == Intent::Sso;
    if needs_domain {
        body.push_str(
            "<p>Single sign-on needs a verified domain, so the button verifies it first.</p>\n",
        );
    }
    if refused.is_some() {
        body.push_str(
            "<p role=\"alert\">That was not accepted: enter a domain such as acme.com.</p>\n",
        );
    }
    let _ = writeln!(
        body,
        "<form method=\"post\" action=\"/portal/{}/finish\">",
        escape(&session.token)
    );
    if session.verifies_domains {
        if session.domains.is_empty() {
            body.push_str(
                "<label for=\"domain\">Domain</label>\n<input id=\"domain\" name=\"domain\" \
                 required autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" \
                 placeholder=\"acme.com\">\n",
            );
        } else {
            body.push_str("<ul>\n");
            for domain in &session.domains {
                let _ = writeln!(body, "<li>{}</li>", escape(domain));
            }
            body.push_str("</ul>\n");
        }
    }
    body.push_str("<button type=\"submit\">Finish as the IT admin</button>\n</form>\n");
    document(&format!("Set up {title}"), &body)
}

/// Renders the page that is shown after finishing a link without a success URL.
///
/// The return URL does not redirect: only the logo leads there.
pub(super) fn done(finished: &Finished, default_return_url: Option<&str>) -> String {
    let title = finished.link.intent.title();
    let name = escape(&finished.organization_name);
    let body = format!(
        "{}<h1>Done: {title} is set up for {name}</h1>\n<p>You can close this page.</p>\n",
        logo(finished.link.return_url.as_deref().or(default_return_url)),
    );
    document("Done", &body)
}

/// Renders the app's logo: the portal's way out, where there is a URL for it.
fn logo(return_url: Option<&str>) -> String {
    match return_url {
        Some(url) => format!(
            "<p class=\"logo\"><a href=\"{}\">‹ Your app</a></p>\n",
            escape(url)
        ),
        None => "<p class=\"logo\">Your app</p>\n".to_owned(),
    }
}

/// Renders the page of a link that cannot be opened. It gives no reason, which would reveal whether
/// the link was ever real.
pub(super) fn dead_link() -> String {
    document(
        "This link does not work",
        "<h1>This link does not work</h1>\n\
         <p>A portal link works once and for five minutes. Ask for a new one.</p>\n",
    )
}

fn what_happens(intent: Intent) -> &'static str {
    match intent {
        Intent::Sso => "The button makes a connection to an identity provider active.",
        Intent::Dsync => "The button links a directory.",
        Intent::AuditLogs => "There is nothing to configure; the button switches audit logs on.",
        Intent::LogStreams => "The button makes a log stream active.",
        Intent::DomainVerification => "The button sets the DNS record and verifies the domain.",
        Intent::CertificateRenewal => "The button renews the certificates of SAML connections.",
        Intent::BringYourOwnKey => "The button verifies the customer’s own encryption key.",
    }
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · portalctl sandbox</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Escapes text for HTML, also inside a quoted attribute.
fn escape(outside: &str) -> String {
    let mut safe = String::with_capacity(outside.len());
    for c in text::escape(outside).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_exactly_this_style() {
        let hash: [u8; 32] = Sha256::digest(STYLE).into();
        assert_eq!(base64(&hash), STYLE_HASH);
    }

    #[test]
    fn names_cannot_break_out_of_the_page() {
        assert_eq!(
            escape("<script>\"'&\u{202e}"),
            "&lt;script&gt;&quot;&#39;&amp;\\u{202e}"
        );
    }

    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let word = chunk
                .iter()
                .fold(0_u32, |word, b| (word << 8) | u32::from(*b))
                << (8 * (3 - chunk.len()));
            for digit in 0..4 {
                let index = (word >> (18 - 6 * digit)) & 63;
                let pad = digit > chunk.len();
                text.push(if pad {
                    '='
                } else {
                    char::from(DIGITS[index as usize])
                });
            }
        }
        text
    }
}
