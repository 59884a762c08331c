//! Names and ids as distinct types, so that a swap does not compile.
//!
//! `parse` checks a value that a person wrote. `from_api` takes whatever WorkOS says: its ids
//! are its own business, and a new shape must not break a run.

use std::borrow::{Borrow, Cow};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::domain_name::{self, SharedDomain};
use super::text::is_plain;

/// Reason why a text is not an id of the wanted kind; reads as the end of a sentence.
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
            /// Returns the text.
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
    /// A domain of an organization, in A-labels and lower case, without a final dot.
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
    /// The id of a person in the application that hands them over to the portal; links and portal
    /// sessions are revoked by it.
    ExternalUserId
}
text_type! {
    /// An option of the portal for single sign-on, passed on as it is: a provider (`OktaSAML`) or a
    /// bookmark.
    PortalOption
}
text_type! {
    /// A manifest's own name: the owner mark on what it creates.
    ManifestName
}

/// The longest key, in characters: it must be usable as the name of a Kubernetes object and its labels.
pub const MAX_KEY_LENGTH: usize = 63;
/// The longest id of a person, in characters: as long as the subject of a hand-off token.
pub const MAX_USER_ID_LENGTH: usize = 256;
/// The longest option of the portal, in characters.
const MAX_PORTAL_OPTION_LENGTH: usize = 64;
/// The longest external id, in characters. Source: `external_id` of the WorkOS API description.
pub const MAX_EXTERNAL_ID_LENGTH: usize = 128;

impl OrgKey {
    /// Checks a key: lower-case letters, digits, `-`, and `.` between labels; at most 63 characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_key(text).map(Self)
    }

    /// Checks a key as it stands in addresses, tokens and configurations: a key, or the key of an
    /// organization outside its environment's namespace, `NAMESPACE.KEY`, of at most 127 characters.
    pub fn parse_qualified(text: &str) -> Result<Self, InvalidId> {
        if text.len() <= MAX_KEY_LENGTH {
            return Self::parse(text);
        }
        let too_long = || {
            InvalidId(format!(
                "has {} characters; {MAX_KEY_LENGTH} are allowed, and as many again for a namespace \
                 and a `.` in front",
                text.chars().count()
            ))
        };
        let (namespace, key) = text.split_once('.').ok_or_else(too_long)?;
        if namespace.len() > MAX_KEY_LENGTH || key.len() > MAX_KEY_LENGTH {
            return Err(too_long());
        }
        parse_key(namespace)?;
        parse_key(key)?;
        Ok(Self(text.to_owned()))
    }

    /// Makes the key of an organization that is not declared any more: its external id, unchecked.
    pub fn undeclared(external_id: impl Into<String>) -> Self {
        Self(external_id.into())
    }
}

impl ExternalUserId {
    /// Checks a user id: one line of visible text, at most 256 characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let length = text.chars().count();
        if length > MAX_USER_ID_LENGTH {
            return Err(InvalidId(format!(
                "has {length} characters, {MAX_USER_ID_LENGTH} are allowed"
            )));
        }
        if text.trim().is_empty() {
            return Err(InvalidId("is blank".to_owned()));
        }
        if !text.chars().all(is_plain) {
            return Err(InvalidId(
                "has line breaks or characters that cannot be seen".to_owned(),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl PortalOption {
    /// Checks an option: 1 to 64 letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let is_option = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if (1..=MAX_PORTAL_OPTION_LENGTH).contains(&text.len()) && text.bytes().all(is_option) {
            Ok(Self(text.to_owned()))
        } else {
            let message =
                format!("must have 1 to {MAX_PORTAL_OPTION_LENGTH} letters, digits, `-` and `_`");
            Err(InvalidId(message))
        }
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

    /// Takes an id that WorkOS gave, unchecked.
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
    /// Checks an external id: 1 to 128 printable ASCII characters, with no space at either end.
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
    /// Returns the external id of an entry that declares none: its key, which is always a valid one.
    fn from(key: &OrgKey) -> Self {
        Self(key.0.clone())
    }
}

impl Domain {
    /// Checks a domain and brings it to its one spelling: a host name with a dot, no IP address, no
    /// wildcard, no public suffix, no public mail provider's.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        domain_name::parse(text)
            .map(Self)
            .map_err(|why| InvalidId(why.to_owned()))
    }

    /// Takes a domain that WorkOS gave, and brings it to its one spelling.
    pub fn from_api(text: &str) -> Self {
        Self(domain_name::canonical(text))
    }

    /// Returns the reason to doubt that the domain belongs to one customer alone.
    pub fn shared(&self) -> Option<SharedDomain> {
        domain_name::shared(&self.0)
    }

    /// Returns the domain as people read it: an internationalised one in both of its forms.
    pub fn shown(&self) -> Cow<'_, str> {
        match domain_name::unicode(&self.0) {
            Some(unicode) => Cow::Owned(format!("{unicode} ({})", self.0)),
            None => Cow::Borrowed(&self.0),
        }
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
        let ascii_host = if host.is_ascii() {
            host.to_owned()
        } else {
            domain_name::canonical(host)
        };
        let host_is_fine = ascii_host.contains('.')
            && ascii_host.split('.').all(|l| {
                !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
        if !local_is_fine || !host_is_fine {
            return refused();
        }
        Ok(Self(format!("{local}@{ascii_host}")))
    }

    /// Returns the address in the spelling by which addresses are compared: in lower case.
    pub fn folded(&self) -> String {
        fold_address(&self.0)
    }

    /// Returns whether an address that WorkOS gave is this one. Case, white space at the ends and the
    /// spelling of the domain do not count.
    pub fn is(&self, address: &str) -> bool {
        self.0.eq_ignore_ascii_case(address) || self.folded() == fold_address(address)
    }
}

fn fold_address(address: &str) -> String {
    let address = address.trim();
    match address.rsplit_once('@') {
        Some((local, host)) => {
            format!(
                "{}@{}",
                local.to_ascii_lowercase(),
                domain_name::canonical(host)
            )
        }
        None => address.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_have_a_namespace_of_its_length_in_front() {
        let longest = "a".repeat(MAX_KEY_LENGTH);
        for good in [
            "acme".to_owned(),
            longest.clone(),
            format!("team.{longest}"),
            format!("{longest}.acme"),
            format!("{longest}.{longest}"),
            format!("team.{}.eu", "a".repeat(60)),
        ] {
            let parsed = OrgKey::parse_qualified(&good);
            assert_eq!(parsed.map(|key| key.to_string()), Ok(good));
        }
        for bad in [
            String::new(),
            "Acme".to_owned(),
            format!("{longest}a"),
            format!("{longest}a.acme"),
            format!("team.{longest}a"),
            format!("{longest}.{longest}.x"),
            format!("{longest}._{longest}"),
            format!("-{longest}.acme"),
            format!("{longest}/acme"),
        ] {
            assert!(OrgKey::parse_qualified(&bad).is_err(), "{bad}");
        }
    }

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
            "",
            "::1",
        ] {
            assert!(Domain::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn external_ids_keep_to_the_limits_of_workos() {
        assert!(PortalOption::parse("OktaSAML").is_ok());
        for bad in ["", "a b", "ö", "a/b", &"x".repeat(65)] {
            assert!(PortalOption::parse(bad).is_err(), "{bad:?}");
        }
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

    #[test]
    fn spellings_of_one_address_are_one() {
        let ada = Email::parse("Ada@müller.example").unwrap();
        assert_eq!(ada.as_str(), "Ada@xn--mller-kva.example");
        for same in [
            "ada@xn--mller-kva.example",
            "ADA@MÜLLER.example",
            " ada@müller.example. ",
        ] {
            assert!(ada.is(same), "{same}");
        }
        assert!(!ada.is("ada@muller.example"));
        assert!(!ada.is("ada"));
        let shown = Domain::parse("MÜLLER.example").unwrap();
        assert_eq!(shown.shown(), "müller.example (xn--mller-kva.example)");
        assert_eq!(Domain::parse("acme.com").unwrap().shown(), "acme.com");
    }
}
