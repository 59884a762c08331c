//! Keys that verify hand-off tokens, each bound to one algorithm.
//!
//! The text of a secret file or of a JWKS goes in, a [`KeySet`] comes out. Pure: reads no file and
//! makes no request.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::text::single_line;

/// Shortest secret, in bytes: the length of the digest (RFC 7518, section 3.2).
pub(super) const MIN_SECRET: usize = 32;
/// Most secrets of a file: the current one and its predecessor or successor.
const MAX_SECRETS: usize = 2;
/// Most keys of a JWKS that are read.
const MAX_KEYS: usize = 32;
/// Longest `kid` that is kept or compared, in bytes.
const MAX_KID: usize = 256;

/// Reason why a text holds no keys; reads as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidKeys {
    #[error("holds no secret")]
    NoSecret,
    #[error("holds {0} secrets; two are read, one a line")]
    TooManySecrets(usize),
    #[error("holds a secret of {0} bytes; 32 are the least, as from `openssl rand -hex 32`")]
    ShortSecret(usize),
    #[error("is not a JWKS: {0}")]
    NotJwks(String),
    #[error("holds no public signing key of RS256, ES256 or EdDSA")]
    NoKey,
}

/// One key with its only algorithm.
#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// Keys of one app.
#[derive(Clone)]
pub(super) enum KeySet {
    /// One or two secrets; a token need not name one.
    Secrets(Vec<Key>),
    /// Public keys with their ids.
    Public(Vec<Key>),
}

impl KeySet {
    /// Reads a file of one or two secrets, one a line; white space around them is ignored.
    pub(super) fn secrets(text: &str) -> Result<Self, InvalidKeys> {
        let secrets = secrets(text)?;
        let keys = secrets.into_iter().map(|secret| Key {
            id: None,
            algorithm: Algorithm::HS256,
            decoding: DecodingKey::from_secret(secret.as_bytes()),
        });
        Ok(Self::Secrets(keys.collect()))
    }

    /// Reads a JWKS. Keys for other purposes are skipped (RFC 7517, section 5), and so are secrets
    /// (`oct`), which must not be published.
    pub(super) fn jwks(text: &str) -> Result<Self, InvalidKeys> {
        #[derive(Deserialize)]
        struct Jwks {
            keys: Vec<Value>,
        }
        let jwks: Jwks =
            serde_json::from_str(text).map_err(|error| InvalidKeys::NotJwks(error.to_string()))?;
        let keys = jwks.keys.into_iter().take(MAX_KEYS);
        let keys: Vec<Key> = keys
            .filter_map(|key| public(&serde_json::from_value(key).ok()?))
            .collect();
        if keys.is_empty() {
            return Err(InvalidKeys::NoKey);
        }
        Ok(Self::Public(keys))
    }

    /// Returns the set that a source leaves whose keys were all withdrawn; `None` where the text is
    /// merely broken.
    pub(super) const fn withdrawn(error: &InvalidKeys) -> Option<Self> {
        match error {
            InvalidKeys::NoSecret => Some(Self::Secrets(Vec::new())),
            InvalidKeys::NoKey => Some(Self::Public(Vec::new())),
            InvalidKeys::TooManySecrets(_)
            | InvalidKeys::ShortSecret(_)
            | InvalidKeys::NotJwks(_) => None,
        }
    }

    /// Returns whether no token can be verified.
    pub(super) const fn is_empty(&self) -> bool {
        match self {
            Self::Secrets(keys) | Self::Public(keys) => keys.is_empty(),
        }
    }

    /// Returns the keys that a token may be signed with: those with the id that it names. Without
    /// an id there must be one public key only; secrets are all tried.
    pub(super) fn candidates(&self, id: Option<&str>) -> Result<Vec<&Key>, Code> {
        let keys: Vec<&Key> = match (self, id) {
            // Secrets have no id, so the token's says nothing about them.
            (Self::Secrets(keys), _) => keys.iter().collect(),
            (Self::Public(keys), Some(id)) => keys
                .iter()
                .filter(|key| key.id.as_deref() == Some(id))
                .collect(),
            (Self::Public(keys), None) if keys.len() == 1 => keys.iter().collect(),
            (Self::Public(_), None) => Vec::new(),
        };
        if keys.is_empty() {
            return Err(codes::UNKNOWN_KEY);
        }
        Ok(keys)
    }
}

/// Returns the secrets of a file, newest first.
pub(super) fn secrets(text: &str) -> Result<Vec<&str>, InvalidKeys> {
    let lines = single_line(text).lines().map(str::trim);
    let secrets: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    if secrets.is_empty() {
        return Err(InvalidKeys::NoSecret);
    }
    if secrets.len() > MAX_SECRETS {
        return Err(InvalidKeys::TooManySecrets(secrets.len()));
    }
    if let Some(short) = secrets.iter().find(|secret| secret.len() < MIN_SECRET) {
        return Err(InvalidKeys::ShortSecret(short.len()));
    }
    Ok(secrets)
}

/// Returns a public signing key of one of the three algorithms; `None` for any other key.
fn public(jwk: &Jwk) -> Option<Key> {
    let common = &jwk.common;
    if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if common.key_algorithm.is_some_and(|said| said != name) {
        return None;
    }
    let id = common.key_id.clone();
    if id.as_ref().is_some_and(|id| id.len() > MAX_KID) {
        return None;
    }
    Some(Key {
        id,
        algorithm,
        decoding: DecodingKey::from_jwk(jwk).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = r#"{"kty":"RSA","kid":"r","n":"sXch","e":"AQAB"}"#;

    #[test]
    fn one_or_two_long_secrets_are_read() {
        let long = "0123456789abcdef0123456789abcdef";
        assert_eq!(secrets(&format!("\n {long} \r\n")), Ok(vec![long]));
        assert_eq!(secrets(&format!("{long}\n{long}")), Ok(vec![long, long]));
        assert_eq!(secrets(" \n"), Err(InvalidKeys::NoSecret));
        assert_eq!(secrets("short"), Err(InvalidKeys::ShortSecret(5)));
        let three = format!("{long}\n{long}\n{long}");
        assert_eq!(secrets(&three), Err(InvalidKeys::TooManySecrets(3)));
    }

    #[test]
    fn only_public_signing_keys_count() {
        for none in [
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
            r#"{"keys":[{"kty":"RSA","use":"enc","n":"sXch","e":"AQAB"}]}"#,
            r#"{"keys":[{"kty":"RSA","alg":"PS256","n":"sXch","e":"AQAB"}]}"#,
            r#"{"keys":[{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}]}"#,
        ] {
            assert_eq!(KeySet::jwks(none).err(), Some(InvalidKeys::NoKey), "{none}");
        }
        assert!(matches!(KeySet::jwks("[]"), Err(InvalidKeys::NotJwks(_))));
        // What is not understood does not hide what is.
        let mixed = format!(r#"{{"keys":[{{"kty":"strange"}},{RSA}]}}"#);
        assert!(KeySet::jwks(&mixed).is_ok());
    }

    #[test]
    fn a_key_is_found_by_its_id_and_without_one_only_where_there_is_no_choice() {
        let one = KeySet::jwks(&format!(r#"{{"keys":[{RSA}]}}"#)).unwrap();
        assert_eq!(one.candidates(None).unwrap().len(), 1);
        assert_eq!(one.candidates(Some("r")).unwrap().len(), 1);
        assert_eq!(one.candidates(Some("x")).err(), Some(codes::UNKNOWN_KEY));
        let other = RSA.replace("\"r\"", "\"s\"");
        let two = KeySet::jwks(&format!(r#"{{"keys":[{RSA},{other}]}}"#)).unwrap();
        assert_eq!(two.candidates(None).err(), Some(codes::UNKNOWN_KEY));
        assert_eq!(two.candidates(Some("s")).unwrap().len(), 1);
    }
}
