//! Names and ids as distinct types, so that a swap does not compile.
//!
//! `parse` checks a value that a person wrote. `from_api` takes whatever WorkOS says: its ids
//! are its own business, and a new shape must not break a run.

use std::borrow::Borrow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not an id of the wanted kind; reads as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(pub String);

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type! {
    /// The stable key of an organization in a manifest (`acme`): ours, never WorkOS's.
    OrgKey
}
text_type! {
    /// The id that WorkOS gave an organization (`org_…`).
    OrganizationId
}
text_type! {
    /// The external id of an organization: set by us, unique within an environment.
    ExternalId
}
text_type! {
    /// A domain of an organization, lower-cased.
    Domain
}
text_type! {
    /// The e-mail address of an IT contact.
    Email
}
text_type! {
    /// The client id of a WorkOS environment (`client_…`).
    ClientId
}
text_type! {
    /// A manifest's own name: the owner mark on what it creates.
    ManifestName
}

/// The longest key: it must be usable as the name of a Kubernetes object and its labels.
pub const MAX_KEY_LENGTH: usize = 63;
/// The longest external id. Source: `external_id` of the WorkOS API description.
pub const MAX_EXTERNAL_ID_LENGTH: usize = 128;
/// The longest host name, by RFC 1035.
const MAX_DOMAIN_LENGTH: usize = 253;

impl OrgKey {
    /// Checks a key: lower-case letters, digits, `-`, and `.` between labels; at most 63 characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_key(text).map(Self)
    }

    /// What stands for a key where an organization is not declared any more: its external id,
    /// whatever it looks like.
    pub fn undeclared(external_id: impl Into<String>) -> Self {
        Self(external_id.into())
    }
}

impl ManifestName {
    /// Checks a manifest's name, by the rules of an organization's key.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_key(text).map(Self)
    }
}

fn parse_key(text: &str) -> Result<String, InvalidId> {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if text.len() > MAX_KEY_LENGTH {
        return Err(InvalidId(format!(
            "has {} characters, {MAX_KEY_LENGTH} are allowed",
            text.chars().count()
        )));
    }
    if !text.split('.').all(label) {
        return Err(InvalidId(
            "may hold lower-case letters, digits, `-` and `.`, and starts and ends with a letter \
             or digit"
                .to_owned(),
        ));
    }
    Ok(text.to_owned())
}

fn parse_prefixed(text: &str, prefix: &str) -> Result<String, InvalidId> {
    match text.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Ok(text.to_owned())
        }
        _ => Err(InvalidId(format!(
            "must be `{prefix}` followed by letters and digits"
        ))),
    }
}

impl OrganizationId {
    /// Checks an id that a person wrote: `org_` followed by letters and digits.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_prefixed(text, "org_").map(Self)
    }

    /// Takes the id that WorkOS gave, whatever it looks like.
    pub fn from_api(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl ClientId {
    /// Checks a client id: `client_` followed by letters and digits.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_prefixed(text, "client_").map(Self)
    }
}

impl ExternalId {
    /// Checks an external id: 1 to 128 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            return Err(InvalidId("must not be empty".to_owned()));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') || text.trim() != text {
            return Err(InvalidId(
                "may hold printable ASCII characters only, and no space at either end".to_owned(),
            ));
        }
        if text.len() > MAX_EXTERNAL_ID_LENGTH {
            return Err(InvalidId(format!(
                "has {} characters, WorkOS allows {MAX_EXTERNAL_ID_LENGTH}",
                text.len()
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl From<&OrgKey> for ExternalId {
    /// The external id of an entry that names none is its key, which is always a valid one.
    fn from(key: &OrgKey) -> Self {
        Self(key.0.clone())
    }
}

/// Providers whose addresses belong to everybody: WorkOS refuses them as a customer's domain.
pub(crate) const PUBLIC_MAIL_PROVIDERS: [&str; 24] = [
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

impl Domain {
    /// Checks and lower-cases a domain: a host name with a dot, no IP address, no wildcard, no
    /// public mail provider's.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let refused = |why: &str| Err(InvalidId(why.to_owned()));
        let domain = text.to_ascii_lowercase();
        if domain.starts_with("*.") {
            return refused("is a wildcard; name the domain itself");
        }
        if domain.contains("://") || domain.contains('/') {
            return refused("is a URL; write the bare domain");
        }
        if domain.contains('@') {
            return refused("is an e-mail address; write the part after the @");
        }
        if !domain.is_ascii() {
            return refused("holds characters outside ASCII; write its punycode form (xn--…)");
        }
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let labels: Vec<&str> = domain.split('.').collect();
        let all_digits = |l: &&str| l.bytes().all(|b| b.is_ascii_digit());
        if domain.len() > MAX_DOMAIN_LENGTH || !labels.iter().all(|l| label(l)) {
            return refused("is not a host name");
        }
        if labels.len() < 2 {
            return refused("has no dot; write it in full, as in acme.com");
        }
        if labels.last().is_some_and(all_digits) {
            return refused("is an IP address, not a domain");
        }
        if PUBLIC_MAIL_PROVIDERS.contains(&domain.as_str()) {
            return refused(
                "is a public mail provider's; WorkOS refuses domains that everybody shares",
            );
        }
        Ok(Self(domain))
    }

    /// Takes a domain as WorkOS says it, lower-cased.
    pub fn from_api(text: &str) -> Self {
        Self(text.to_ascii_lowercase())
    }
}

impl Email {
    /// Checks an e-mail address loosely: one `@`, something before it, a host name after it.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let refused = || Err(InvalidId("is not an e-mail address".to_owned()));
        let Some((local, host)) = text.rsplit_once('@') else {
            return refused();
        };
        let local_is_fine = (1..=64).contains(&local.len())
            && local
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"@<>()[],;:\\\"".contains(&b));
        let host_is_fine = host.contains('.')
            && host.split('.').all(|l| {
                !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
        if !local_is_fine || !host_is_fine {
            return refused();
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as it is compared: case does not tell two contacts apart.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether an address, as WorkOS has it, is this one.
    pub fn is(&self, address: &str) -> bool {
        self.0.eq_ignore_ascii_case(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_usable_as_kubernetes_names() {
        for good in ["acme", "a", "7", "acme-eu.prod", "a--b"] {
            assert!(OrgKey::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "Acme",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a_b",
            "a b",
            "ä",
            long.as_str(),
        ] {
            assert!(OrgKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn domains_are_lower_cased_host_names_of_one_customer() {
        assert_eq!(Domain::parse("ACME.com").unwrap().as_str(), "acme.com");
        for bad in [
            "localhost",
            "*.acme.com",
            "192.168.0.1",
            "https://acme.com",
            "a@acme.com",
            "gmail.com",
            "acme..com",
            "-acme.com",
            "münchen.de",
            "",
            "::1",
        ] {
            assert!(Domain::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn external_ids_keep_to_the_limits_of_workos() {
        assert!(ExternalId::parse("cus_42/EU").is_ok());
        assert!(ExternalId::parse(&"x".repeat(128)).is_ok());
        for bad in ["", " a", "a\n", "ü", &"x".repeat(129)] {
            assert!(ExternalId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ids_and_addresses_are_recognised() {
        assert!(OrganizationId::parse("org_01EHZNVPK3SFK441A1RGBFSHRT").is_ok());
        assert!(OrganizationId::parse("01EHZN").is_err());
        assert!(ClientId::parse("client_01HXYZ").is_ok());
        assert!(ClientId::parse("client_").is_err());
        assert!(Email::parse("Ada.L+it@acme.com").is_ok());
        for bad in [
            "ada",
            "ada@",
            "@acme.com",
            "ada@acme",
            "a b@acme.com",
            "a@b@c..d",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }
}
