//! Domain names in one spelling: A-labels in lower case, without a final dot.
//!
//! Goes in: a domain as a person or WorkOS writes it. Comes out: the spelling by which domains are
//! compared. Makes no DNS request.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// The longest host name, in bytes. Source: RFC 1035.
const MAX_LENGTH: usize = 253;
/// The longest label of a host name, in bytes. Source: RFC 1035.
const MAX_LABEL_LENGTH: usize = 63;

/// Domains of public mail providers: WorkOS refuses them as a customer's domain.
pub const PUBLIC_MAIL_PROVIDERS: [&str; 24] = [
    "aol.com",
    "duck.com",
    "fastmail.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hey.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "yahoo.com",
    "yandex.ru",
    "zoho.com",
];

/// More mail providers, one on each line; the head of the file tells its source and licences.
static MORE_MAIL_PROVIDERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("mail_providers.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect()
});

/// A reason to doubt that a domain belongs to one customer alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedDomain {
    /// Customers of a company register names below it (`github.io`).
    PrivateSuffix,
    /// A provider at which everybody can have an address.
    MailProvider,
}

/// Returns the reason to doubt that a domain in its one spelling belongs to one customer.
pub(super) fn shared(domain: &str) -> Option<SharedDomain> {
    if is_suffix(domain, psl::Type::Private) {
        return Some(SharedDomain::PrivateSuffix);
    }
    MORE_MAIL_PROVIDERS
        .contains(domain)
        .then_some(SharedDomain::MailProvider)
}

/// Checks a domain that a person wrote, and returns its one spelling.
///
/// # Errors
///
/// The reason why it is refused, as the end of a sentence.
pub(super) fn parse(text: &str) -> Result<String, &'static str> {
    if text.starts_with("*.") {
        return Err("is a wildcard; name the domain itself");
    }
    if text.contains("://") || text.contains('/') {
        return Err("is a URL; write the bare domain");
    }
    if text.contains('@') {
        return Err("is an e-mail address; write the part after the @");
    }
    let domain = ascii(text).ok_or("is not a host name")?;
    let labels: Vec<&str> = domain.split('.').collect();
    if domain.len() > MAX_LENGTH || !labels.iter().all(|label| is_label(label)) {
        return Err("is not a host name");
    }
    if labels.len() < 2 {
        return Err("has no dot; write it in full, as in acme.com");
    }
    let is_number = |label: &&str| label.bytes().all(|b| b.is_ascii_digit());
    if labels.last().is_some_and(is_number) {
        return Err("is an IP address, not a domain");
    }
    if PUBLIC_MAIL_PROVIDERS.contains(&domain.as_ref()) {
        return Err("is a public mail provider's; WorkOS refuses domains that everybody shares");
    }
    if is_suffix(&domain, psl::Type::Icann) {
        return Err("is a public suffix, below which everybody registers domains");
    }
    Ok(domain.into_owned())
}

/// Returns the spelling by which a domain is compared; a text that is no domain in lower case.
pub(super) fn canonical(text: &str) -> String {
    match ascii(text) {
        Some(domain) => domain.into_owned(),
        None => text.strip_suffix('.').unwrap_or(text).to_lowercase(),
    }
}

/// Returns a domain in Unicode where that is another spelling than its A-labels.
pub(super) fn unicode(domain: &str) -> Option<String> {
    if !domain.contains("xn--") {
        return None;
    }
    let (unicode, valid) =
        Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
    (valid.is_ok() && unicode != domain).then(|| unicode.into_owned())
}

/// Returns the A-labels of a domain in lower case, without a final dot; `None` where IDNA
/// processing (UTS #46, non-transitional) refuses it.
fn ascii(text: &str) -> Option<Cow<'_, str>> {
    let is_settled = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let (text, has_final_dot) = match text.strip_suffix('.') {
        Some(text) => (text, true),
        None => (text, false),
    };
    if text.bytes().all(is_settled) && !text.contains("xn--") {
        return Some(Cow::Borrowed(text));
    }
    let ascii = Uts46::new()
        .to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Allow,
            DnsLength::Ignore,
        )
        .ok()?;
    // An ideographic full stop at the end is a final dot, too.
    match ascii.strip_suffix('.') {
        Some(_) if has_final_dot => None,
        Some(without) => Some(Cow::Owned(without.to_owned())),
        None => Some(ascii),
    }
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_LENGTH).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Returns whether a domain is itself a suffix of that section of the Public Suffix List.
fn is_suffix(domain: &str, section: psl::Type) -> bool {
    let is_exact = |name: &str| {
        psl::suffix(name.as_bytes()).is_some_and(|suffix| {
            suffix.typ() == Some(section) && suffix.as_bytes() == name.as_bytes()
        })
    };
    is_exact(domain) || unicode(domain).is_some_and(|unicode| is_exact(&unicode))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_domain_are_one() {
        for text in [
            "müller.example",
            "MÜLLER.example",
            "mu\u{308}ller.example",
            "müller.example.",
            "xn--mller-kva.example",
            "XN--MLLER-KVA.Example.",
            "müller。example",
        ] {
            assert_eq!(
                parse(text).as_deref(),
                Ok("xn--mller-kva.example"),
                "{text}"
            );
            assert_eq!(canonical(text), "xn--mller-kva.example", "{text}");
        }
        assert_eq!(
            unicode("xn--mller-kva.example").as_deref(),
            Some("müller.example")
        );
        assert_eq!(unicode("acme.example"), None);
        assert_eq!(
            parse("straße.example").as_deref(),
            Ok("xn--strae-oqa.example")
        );
        assert_eq!(parse("r3---sn.acme.com").as_deref(), Ok("r3---sn.acme.com"));
    }

    #[test]
    fn what_is_no_domain_of_one_customer_is_refused() {
        for (text, why) in [
            ("", "is not a host name"),
            (".", "is not a host name"),
            ("acme..com", "is not a host name"),
            ("acme.com..", "is not a host name"),
            ("acme.com。.", "is not a host name"),
            (".acme.com", "is not a host name"),
            ("-acme.com", "is not a host name"),
            ("acme-.com", "is not a host name"),
            ("ac_me.com", "is not a host name"),
            ("ac me.com", "is not a host name"),
            ("xn--a.com", "is not a host name"),
            ("xn--acme-.com", "is not a host name"),
            ("a\u{200d}b.com", "is not a host name"),
            ("::1", "is not a host name"),
            ("localhost", "has no dot"),
            ("com.", "has no dot"),
            ("10.0.0.1", "is an IP address"),
            ("*.acme.com", "is a wildcard"),
            ("https://acme.com", "is a URL"),
            ("ada@acme.com", "is an e-mail address"),
            ("gmail.com", "is a public mail provider's"),
            ("GMAIL.com.", "is a public mail provider's"),
            ("ｇｍａｉｌ.com", "is a public mail provider's"),
            ("co.uk", "is a public suffix"),
            ("CO.UK.", "is a public suffix"),
            ("公司.cn", "is a public suffix"),
            ("xn--55qx5d.cn", "is a public suffix"),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.starts_with(why), "{text}: {refused}");
        }
        let long = format!("{}.com", "a".repeat(64));
        assert_eq!(parse(&long), Err("is not a host name"));
        let longest = format!("{}.com", ["a".repeat(62).as_str(); 4].join("."));
        assert_eq!(longest.len(), 255);
        assert_eq!(parse(&longest), Err("is not a host name"));
    }

    #[test]
    fn what_many_share_is_doubted_and_not_refused() {
        assert_eq!(shared("github.io"), Some(SharedDomain::PrivateSuffix));
        assert_eq!(shared("acme.github.io"), None);
        assert_eq!(shared("web.de"), Some(SharedDomain::MailProvider));
        assert_eq!(shared("yahoo.co.uk"), Some(SharedDomain::MailProvider));
        for domain in ["acme.com", "acme.co.uk", "acme.example", "example.com"] {
            assert_eq!(shared(domain), None, "{domain}");
            assert_eq!(parse(domain).as_deref(), Ok(domain));
        }
        assert_eq!(parse("github.io").as_deref(), Ok("github.io"));
        assert!(MORE_MAIL_PROVIDERS.len() > 5_000);
        let odd = MORE_MAIL_PROVIDERS
            .iter()
            .find(|name| canonical(name) != **name);
        assert_eq!(odd, None);
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_canonical_already(text in "[a-zA-Zäß0-9.。-]{1,20}") {
            if let Ok(domain) = parse(&text) {
                prop_assert_eq!(canonical(&domain), domain.clone());
                prop_assert_eq!(parse(&domain), Ok(domain.clone()));
                let text = text.trim_end_matches(['.', '。']).to_ascii_uppercase();
                prop_assert_eq!(canonical(&format!("{text}.")), domain);
            }
        }
    }
}
