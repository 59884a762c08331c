//! The TXT record that proves a domain.

use secrecy::{ExposeSecret, SecretString};

use portalctl_model::Domain;
use portalctl_model::observed::OrganizationDomain;

/// Text before the token where WorkOS gives the domain no prefix.
///
/// Source: WorkOS, Domain Verification API guide, where the answer without a prefix becomes a
/// record with the value `verification_token=3CVZ…`.
const DEFAULT_PREFIX: &str = "verification_token";

/// Label of the record in an earlier edition of the same guide, and in guides copied from it.
const FORMER_LABEL: &str = "_acme-challenge";

/// The longest name and the longest label of DNS. Source: RFC 1035, 2.3.4.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// The TXT record that WorkOS looks for, on the domain itself:
///
/// ```text
/// acme.com.  TXT  "superapp-domain-verification-z3kjny=m5Oztg3jdK4NJLgs8uIlIprMw"
///  (host)          (verification_prefix)                 (verification_token)
/// ```
///
/// The API description says no more than `The prefix used in DNS verification` and `Validation
/// token to be used in DNS TXT record`. That the prefix is a part of the value, and not of the
/// name, follows from WorkOS's Domain Verification API guide (name `domain-to-verify.com`, value
/// `verification_token=3CVZxo4HgvSiYRKlV4RdOWwWl`) and from the zones of companies that proved
/// themselves to products on WorkOS: `PRODUCT-domain-verification-XXXXXX=TOKEN`, at the apex, the
/// shapes of the API description's own examples.
#[derive(Debug, Clone)]
pub struct Record {
    host: Domain,
    prefix: String,
    token: SecretString,
}

impl Record {
    /// The kind of record.
    pub const KIND: &str = "TXT";

    /// The record that proves a domain; none when WorkOS gave it no token: it was asserted, or its
    /// verification has not been started.
    pub fn of(live_domain: &OrganizationDomain) -> Option<Self> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        Some(Self {
            host: live_domain.domain.clone(),
            prefix: given(&live_domain.verification_prefix)
                .unwrap_or_else(|| DEFAULT_PREFIX.to_owned()),
            token: given(&live_domain.verification_token)?.into(),
        })
    }

    /// The full name that carries it.
    pub const fn host(&self) -> &Domain {
        &self.host
    }

    /// Returns the text before the `=`; no secret.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The value: to be shown on request only.
    pub fn reveal(&self) -> String {
        format!("{}={}", self.prefix, self.token())
    }

    /// The token alone: to be compared with, not to be shown.
    pub(super) fn token(&self) -> &str {
        self.token.expose_secret()
    }

    /// Returns the beginning of all values of the same product: the prefix without its random end.
    pub(super) fn family(&self) -> &str {
        match self.prefix.rsplit_once('-') {
            Some((stem, end)) if stem.ends_with("verification") && !end.is_empty() => {
                self.prefix.get(..=stem.len()).unwrap_or(&self.prefix)
            }
            _ => &self.prefix,
        }
    }

    /// The names where the record stands when it was set at the wrong one:
    ///
    /// ```text
    /// acme.com.acme.com          the DNS panel added the zone once more
    /// PREFIX.acme.com            the prefix was taken for a host
    /// _acme-challenge.acme.com   where an earlier guide had it
    /// example.com                for a domain below it, app.example.com
    /// ```
    pub fn elsewhere(&self) -> Vec<String> {
        let host = self.host.as_str();
        let mut names = vec![format!("{host}.{host}")];
        if is_label(&self.prefix) {
            names.push(format!("{}.{host}", self.prefix.to_ascii_lowercase()));
        }
        names.push(format!("{FORMER_LABEL}.{host}"));
        let parent = host.split_once('.').map(|(_, parent)| parent);
        names.extend(
            parent
                .filter(|parent| parent.contains('.'))
                .map(str::to_owned),
        );
        names.retain(|name| name.len() <= MAX_NAME);
        names
    }
}

/// Returns whether a text may be one label of a name in DNS.
fn is_label(text: &str) -> bool {
    let is_part = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    (1..=MAX_LABEL).contains(&text.len()) && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_model::observed::DomainState;

    fn live_domain(domain: &str, prefix: Option<&str>, token: Option<&str>) -> OrganizationDomain {
        OrganizationDomain {
            id: None,
            domain: Domain::from_api(domain),
            state: DomainState::Pending,
            verification_prefix: prefix.map(str::to_owned),
            verification_token: token.map(str::to_owned),
            created_at: None,
            updated_at: None,
        }
    }

    #[test]
    fn the_record_stands_on_the_domain_and_begins_with_the_prefix() {
        let prefix = Some("superapp-domain-verification-z3kjny");
        let live_domain = live_domain("foo-corp.com", prefix, Some("m5Oztg3jdK4NJLgs8uIlIprMw"));
        let record = Record::of(&live_domain).unwrap();
        assert_eq!(record.host().as_str(), "foo-corp.com");
        let value = "superapp-domain-verification-z3kjny=m5Oztg3jdK4NJLgs8uIlIprMw";
        assert_eq!(record.reveal(), value);
        assert_eq!(record.family(), "superapp-domain-verification-");
    }

    #[test]
    fn without_a_prefix_it_has_the_guides_form() {
        for prefix in [None, Some(""), Some(" ")] {
            let live_domain = live_domain("domain-to-verify.com", prefix, Some("3CVZxo"));
            let record = Record::of(&live_domain).unwrap();
            assert_eq!(record.reveal(), "verification_token=3CVZxo");
            assert_eq!(record.family(), "verification_token");
        }
    }

    #[test]
    fn without_a_token_there_is_no_record() {
        for token in [None, Some("")] {
            assert!(Record::of(&live_domain("acme.com", Some("p"), token)).is_none());
        }
    }

    #[test]
    fn the_token_is_not_in_what_debugging_prints() {
        let record = Record::of(&live_domain("acme.com", Some("p"), Some("t0ken"))).unwrap();
        assert!(!format!("{record:?}").contains("t0ken"));
    }

    #[test]
    fn the_usual_wrong_names() {
        let at = |domain: &str, prefix: &str| {
            let record = Record::of(&live_domain(domain, Some(prefix), Some("t"))).unwrap();
            record.elsewhere()
        };
        assert_eq!(
            at("acme.com", "App-verification-1"),
            [
                "acme.com.acme.com",
                "app-verification-1.acme.com",
                "_acme-challenge.acme.com"
            ]
        );
        assert_eq!(
            at("eu.acme.com", "not a label"),
            [
                "eu.acme.com.eu.acme.com",
                "_acme-challenge.eu.acme.com",
                "acme.com"
            ]
        );
        let long = format!("{}.com", "a".repeat(63).as_str());
        let long = [long.as_str(); 3].join(".");
        assert!(at(&long, "p").iter().all(|name| name.len() <= MAX_NAME));
    }
}
