//! Tokens that the gateway signs itself: the session cookie, and the result for the app.
//!
//! Both are JWTs with keys and types of their own, so that neither can be taken for the other, nor
//! for a hand-off token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::hmac;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::config::ResultKeys;
use super::crypto;
use super::outcome::Outcome;
use portalctl_model::{Intent, OrgKey};

/// Lifetime of a session cookie, in seconds: the time that a set-up in the portal may take.
pub(super) const SESSION_SECONDS: i64 = 2 * 60 * 60;
/// Time for which a session is still good once its return page was shown, in seconds: longer than
/// the page polls.
pub(super) const SHOWN_SECONDS: i64 = 10 * 60;
/// Lifetime of a result, in seconds.
const RESULT_SECONDS: i64 = 60;

/// Time in which a person may confirm a change of what is set up, in seconds.
pub(super) const CONSENT_SECONDS: i64 = 2 * 60;

const CONSENT_TYPE: &str = "portalctl-consent+jwt";
const SESSION_TYPE: &str = "portalctl-session+jwt";
const RESULT_TYPE: &str = "portalctl-result+jwt";
/// Label that the key of the cookies is derived with.
const SESSION_LABEL: &[u8] = b"portalctl gateway: session cookies";
/// Label that the seed of the published keys of results is derived with.
const RESULT_LABEL: &[u8] = b"portalctl gateway: results";
/// Label that the key of the seats is derived with.
const SEAT_LABEL: &[u8] = b"portalctl gateway: seats";

/// Session of a browser that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    pub(super) sub: String,
    pub(super) organization: OrgKey,
    pub(super) intent: Intent,
    /// Id of the hand-off token, by which the app recognizes its own.
    pub(super) handoff: String,
    /// Expiry, in seconds since the epoch.
    pub(super) exp: i64,
}

/// Permission to change what is set up, once its person has asked for it: the field of a form, which
/// works once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Consent {
    pub(super) sub: String,
    pub(super) organization: OrgKey,
    pub(super) intent: Intent,
    /// Id of the hand-off token that led here.
    pub(super) handoff: String,
    pub(super) jti: String,
    /// Name of the process that asked, where used permissions are forgotten when it ends; else empty.
    pub(super) process: String,
    /// Expiry, in seconds since the epoch.
    pub(super) exp: i64,
}

impl Consent {
    /// Creates the permission to go on with a session; `None` where the system has no randomness.
    pub(super) fn of(session: Session, process: &str, now: i64) -> Option<Self> {
        let id = crypto::random::<16>()?;
        Some(Self {
            sub: session.sub,
            organization: session.organization,
            intent: session.intent,
            handoff: session.handoff,
            jti: URL_SAFE_NO_PAD.encode(id),
            process: process.to_owned(),
            exp: now.saturating_add(CONSENT_SECONDS),
        })
    }
}

/// Claims of a result. See `docs/guides/gateway.md`.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    organization: &'a OrgKey,
    intent: Intent,
    state: &'static str,
    handoff: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

/// Issuer and audience of a result.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parties<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
}

/// Signing keys of the gateway.
pub(super) struct SigningKeys {
    session: EncodingKey,
    sessions: Vec<DecodingKey>,
    seats: Vec<hmac::Key>,
    /// Key of the results; `None` where the app has no secret to verify them with.
    result: Option<ResultKey>,
    /// Public keys of the results, newest first; empty where the app has the secret.
    published: Vec<Jwk>,
}

/// Key that signs results.
struct ResultKey {
    header: Header,
    key: EncodingKey,
}

impl ResultKey {
    fn new(algorithm: Algorithm, kid: Option<String>, key: EncodingKey) -> Self {
        let mut header = Header::new(algorithm);
        header.typ = Some(RESULT_TYPE.to_owned());
        header.kid = kid;
        Self { header, key }
    }
}

/// Published key of results (RFC 8037).
#[derive(Debug, Clone, Serialize)]
pub(super) struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
    kid: String,
    x: String,
}

impl Jwk {
    fn of(seed: &[u8]) -> Option<Self> {
        let public = crypto::public_key(seed)?;
        let id = Sha256::digest(&public);
        Some(Self {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            purpose: "sig",
            kid: URL_SAFE_NO_PAD.encode(&id[..12]),
            x: URL_SAFE_NO_PAD.encode(&public),
        })
    }
}

impl SigningKeys {
    /// Derives the keys from the secrets of a file, newest first. Cookies signed with an older
    /// secret are still accepted.
    pub(super) fn new(secrets: &[&[u8]], results: ResultKeys) -> Option<Self> {
        let newest = secrets.first()?;
        let derived = |secret: &[u8], label: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, label)
        };
        let sessions = secrets.iter().map(|secret| derived(secret, SESSION_LABEL));
        let seats = secrets.iter().map(|secret| derived(secret, SEAT_LABEL));
        let (result, published) = match results {
            ResultKeys::Shared => {
                let key = EncodingKey::from_secret(newest);
                (ResultKey::new(Algorithm::HS256, None, key), Vec::new())
            }
            ResultKeys::Published => {
                let published = secrets
                    .iter()
                    .map(|secret| Jwk::of(derived(secret, RESULT_LABEL).as_ref()));
                let published: Vec<Jwk> = published.collect::<Option<_>>()?;
                let kid = published.first().map(|key| key.kid.clone());
                let key = EncodingKey::from_ed_der(derived(newest, RESULT_LABEL).as_ref());
                (ResultKey::new(Algorithm::EdDSA, kid, key), published)
            }
        };
        Some(Self {
            session: EncodingKey::from_secret(derived(newest, SESSION_LABEL).as_ref()),
            sessions: sessions
                .map(|key| DecodingKey::from_secret(key.as_ref()))
                .collect(),
            seats: seats
                .map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
                .collect(),
            result: Some(result),
            published,
        })
    }

    /// Creates keys that live as long as the process and sign no results; `None` where the system
    /// has no randomness.
    pub(super) fn random() -> Option<Self> {
        let secret: [u8; 32] = crypto::random()?;
        let keys = Self::new(&[&secret], ResultKeys::Shared)?;
        Some(Self {
            result: None,
            ..keys
        })
    }

    /// Signs a session; returns the value of the cookie.
    pub(super) fn sign_session(&self, session: &Session) -> String {
        signed(SESSION_TYPE, session, &self.session)
    }

    /// Returns the seat of a person: the same for every hand-off, and guessed by nobody.
    pub(super) fn seat(&self, subject: &str) -> String {
        let newest = self.seats.first();
        newest.map_or_else(String::new, |key| {
            URL_SAFE_NO_PAD.encode(hmac::sign(key, subject.as_bytes()))
        })
    }

    /// Returns whether a seat is this person's.
    pub(super) fn is_seat_of(&self, seat: &str, subject: &str) -> bool {
        let Ok(seat) = URL_SAFE_NO_PAD.decode(seat) else {
            return false;
        };
        let mut keys = self.seats.iter();
        keys.any(|key| hmac::verify(key, subject.as_bytes(), &seat).is_ok())
    }

    /// Verifies a cookie; returns its session if the signature holds and it has not expired.
    pub(super) fn verify_session(&self, cookie: &str, now: i64) -> Option<Session> {
        let session: Session = self.verify(SESSION_TYPE, cookie)?;
        (session.exp > now).then_some(session)
    }

    /// Signs a permission.
    pub(super) fn sign_consent(&self, consent: &Consent) -> String {
        signed(CONSENT_TYPE, consent, &self.session)
    }

    /// Verifies a permission; returns it if the signature holds and it has not expired.
    pub(super) fn verify_consent(&self, text: &str, now: i64) -> Option<Consent> {
        let consent: Consent = self.verify(CONSENT_TYPE, text)?;
        (consent.exp > now).then_some(consent)
    }

    /// Returns the claims of a token of this type that one of the session keys has signed.
    fn verify<T: DeserializeOwned + Clone>(&self, typ: &str, text: &str) -> Option<T> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let mut tokens = self
            .sessions
            .iter()
            .filter_map(|key| decode::<T>(text, key, &validation).ok());
        let token = tokens.next()?;
        let is_ours = token.header.typ.as_deref() == Some(typ);
        is_ours.then_some(token.claims)
    }

    /// Signs the result for the app; `None` where the gateway has no secret, or the system no
    /// randomness.
    pub(super) fn sign_result(
        &self,
        session: &Session,
        outcome: Outcome,
        parties: Parties<'_>,
        now: i64,
    ) -> Option<String> {
        let key = self.result.as_ref()?;
        let id = crypto::random::<16>()?;
        let claims = Claims {
            iss: parties.issuer,
            aud: parties.audience,
            sub: &session.sub,
            organization: &session.organization,
            intent: session.intent,
            state: outcome.as_str(),
            handoff: &session.handoff,
            iat: now,
            exp: now.saturating_add(RESULT_SECONDS),
            jti: URL_SAFE_NO_PAD.encode(id),
        };
        encode(&key.header, &claims, &key.key).ok()
    }

    /// Returns the public keys by which the app verifies results, newest first; `None` where the app has
    /// the secret.
    pub(super) fn published(&self) -> Option<&[Jwk]> {
        (!self.published.is_empty()).then_some(&self.published)
    }
}

/// Signs claims under a header with the given type.
fn signed(typ: &str, claims: &impl Serialize, key: &EncodingKey) -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(typ.to_owned());
    encode(&header, claims, key).expect("texts are serialized and signed by HS256 without failing")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = b"old-old-old-old-old-old-old-old-";
    const NEW: &[u8] = b"new-new-new-new-new-new-new-new-";

    fn session() -> Session {
        Session {
            sub: "ada".to_owned(),
            organization: OrgKey::parse("acme").unwrap(),
            intent: Intent::Sso,
            handoff: "12345678".to_owned(),
            exp: 100,
        }
    }

    #[test]
    fn a_cookie_is_read_until_it_expires_and_by_nobody_else() {
        crypto::install();
        let keys = SigningKeys::new(&[NEW, OLD], ResultKeys::Shared).unwrap();
        let cookie = keys.sign_session(&session());
        assert_eq!(keys.verify_session(&cookie, 99), Some(session()));
        assert_eq!(keys.verify_session(&cookie, 100), None);
        assert_eq!(
            SigningKeys::new(&[OLD], ResultKeys::Shared)
                .unwrap()
                .verify_session(&cookie, 99),
            None
        );
        // Cookies from before a rotation are still accepted.
        let old = SigningKeys::new(&[OLD], ResultKeys::Shared)
            .unwrap()
            .sign_session(&session());
        assert_eq!(keys.verify_session(&old, 99), Some(session()));
    }

    #[test]
    fn a_permission_is_no_cookie_and_a_cookie_no_permission() {
        crypto::install();
        let keys = SigningKeys::new(&[NEW], ResultKeys::Shared).unwrap();
        let consent = Consent::of(session(), "", 7).unwrap();
        let text = keys.sign_consent(&consent);
        assert_eq!(keys.verify_consent(&text, 8), Some(consent));
        assert_eq!(keys.verify_consent(&text, 7 + CONSENT_SECONDS), None);
        assert_eq!(keys.verify_session(&text, 8), None);
        let cookie = keys.sign_session(&session());
        assert_eq!(keys.verify_consent(&cookie, 8), None);
        let other = SigningKeys::new(&[OLD], ResultKeys::Shared).unwrap();
        assert_eq!(other.verify_consent(&text, 8), None);
    }

    #[test]
    fn a_seat_is_one_persons() {
        let keys = SigningKeys::new(&[NEW, OLD], ResultKeys::Shared).unwrap();
        let seat = keys.seat("ada");
        assert!(keys.is_seat_of(&seat, "ada"));
        assert!(!keys.is_seat_of(&seat, "bob") && !keys.is_seat_of("", "ada"));
        let old = SigningKeys::new(&[OLD], ResultKeys::Shared).unwrap();
        assert!(keys.is_seat_of(&old.seat("ada"), "ada"));
        assert!(!old.is_seat_of(&seat, "ada"));
    }

    #[test]
    fn a_changed_cookie_and_a_result_are_no_cookies() {
        crypto::install();
        let keys = SigningKeys::new(&[NEW], ResultKeys::Shared).unwrap();
        let cookie = keys.sign_session(&session());
        for at in 0..cookie.len() {
            let mut bytes = cookie.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last digit of base64 holds bits without meaning.
            if keys.verify_session(&changed, 0).is_some() {
                assert_eq!(at, cookie.len() - 1, "{changed}");
            }
        }
        let parties = Parties {
            issuer: "gateway",
            audience: "app",
        };
        let result = keys.sign_result(&session(), Outcome::Done, parties, 0);
        assert_eq!(keys.verify_session(&result.unwrap(), 0), None);
        let own = SigningKeys::random().unwrap();
        assert_eq!(own.sign_result(&session(), Outcome::Done, parties, 0), None);
        let forged = signed(SESSION_TYPE, &session(), &EncodingKey::from_secret(NEW));
        assert_eq!(keys.verify_session(&forged, 0), None);
    }
}
