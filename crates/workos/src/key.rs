//! The API key: checked once, then shown to nobody.

use std::fmt;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::endpoint::Endpoint;
use portalctl_model::desired::KeyKind;
use portalctl_model::text::single_line;

/// A WorkOS API key. Its `Debug` tells the kind and nothing else.
#[derive(Clone)]
pub struct ApiKey {
    secret: SecretString,
    kind: Option<KeyKind>,
}

/// Source of an API key that may be replaced while a client lives.
pub trait KeySource: Send + Sync {
    /// Returns the key as it is now, or nothing where there is no usable one. May block for as long
    /// as a small file is read.
    fn read(&self) -> Option<ApiKey>;
}

/// Reason why a text is not a key; reads as the end of a sentence and never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// No text, or an empty line.
    #[error("is empty")]
    Empty,
    /// Quotes around it, as files of variables have them.
    #[error("is in quotes; leave them out")]
    Quoted,
    /// White space, control characters or text outside ASCII, which no key holds.
    #[error("holds white space, control or non-ASCII characters; copy the key alone, on one line")]
    NotAKey,
}

impl ApiKey {
    /// Takes a key as it stands in a variable or a file: a byte-order mark in front and line breaks
    /// at the end are dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let text = single_line(text);
        if text.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if text.starts_with(['"', '\'']) {
            return Err(InvalidKey::Quoted);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidKey::NotAKey);
        }
        let has = |prefix| {
            text.strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty())
        };
        let kind = if has("sk_test_") {
            Some(KeyKind::Test)
        } else if has("sk_live_") {
            Some(KeyKind::Live)
        } else {
            None
        };
        Ok(Self {
            secret: SecretString::from(text),
            kind,
        })
    }

    /// The kind that the key's prefix names, if it names one.
    pub const fn kind(&self) -> Option<KeyKind> {
        self.kind
    }

    /// Returns whether the key may be sent to an endpoint: only that of a test environment where it
    /// is readable on the way.
    pub fn may_be_sent_to(&self, endpoint: &Endpoint) -> bool {
        !endpoint.is_readable_on_the_way() || self.kind == Some(KeyKind::Test)
    }

    /// The `Authorization` header, marked so that no library logs it.
    ///
    /// Always there: visible ASCII is all that a header asks for.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let text = SecretString::from(format!("Bearer {}", self.secret.expose_secret()));
        let mut value = HeaderValue::from_str(text.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Returns whether another key is the same one.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }

    /// Takes the key out of a text that came from outside.
    pub(super) fn hide_in(&self, text: &str) -> String {
        let key = self.secret.expose_secret();
        // A key of a few letters is a stand-in whose text may stand anywhere by chance.
        if key.len() < 8 {
            return text.to_owned();
        }
        text.replace(key, "[key]")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_tells_the_kind() {
        let kind = |text| ApiKey::parse(text).unwrap().kind();
        assert_eq!(kind("sk_test_abc\n"), Some(KeyKind::Test));
        assert_eq!(kind("sk_live_abc\r\n"), Some(KeyKind::Live));
        assert_eq!(kind("\u{feff}sk_test_abc\r\n\r\n"), Some(KeyKind::Test));
        assert_eq!(kind("sk_test_abc\n\n\n"), Some(KeyKind::Test));
        assert_eq!(kind("sk_example_123"), None);
        assert_eq!(kind("sk_test_"), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in ["", "\n", "\r\n"] {
            assert_eq!(ApiKey::parse(bad).unwrap_err(), InvalidKey::Empty);
        }
        for bad in [
            " sk_test_a",
            "sk_test_a\n\nb",
            "sk_test_ä",
            "a\u{0}b",
            "a b",
        ] {
            assert_eq!(ApiKey::parse(bad).unwrap_err(), InvalidKey::NotAKey);
        }
    }

    #[test]
    fn nothing_prints_the_key() {
        let key = ApiKey::parse("sk_test_c0ffee").unwrap();
        assert!(!format!("{key:?}").contains("c0ffee"));
        let header = key.authorization().unwrap();
        assert_eq!(header.as_bytes(), b"Bearer sk_test_c0ffee");
        assert!(!format!("{header:?}").contains("c0ffee"));
        assert_eq!(key.hide_in("no sk_test_c0ffee here"), "no [key] here");
    }
}
