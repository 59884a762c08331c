//! What the gateway signs itself: the cookie of a browser that was handed over, and the result that
//! it hands back to the app. Both are JWTs; their keys and types differ, so that neither can ever be
//! taken for the other, nor for a hand-off token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::crypto;
use super::outcome::Outcome;
use portalctl_model::{Intent, OrgKey};

/// How long somebody may take in the portal and still be known when they come back, in seconds.
pub(super) const SESSION_SECONDS: i64 = 2 * 60 * 60;
/// How long a result can be read, in seconds.
const RESULT_SECONDS: i64 = 60;

const SESSION_TYPE: &str = "portalctl-session+jwt";
const RESULT_TYPE: &str = "portalctl-result+jwt";
/// What the key of the cookies is derived with.
const SESSION_LABEL: &[u8] = b"portalctl gateway: session cookies";

/// Who was handed over in this browser, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    pub(super) sub: String,
    pub(super) organization: OrgKey,
    pub(super) intent: Intent,
    /// The hand-off token's id, for the app to know its own again.
    pub(super) handoff: String,
    /// In seconds of the epoch.
    pub(super) exp: i64,
}

/// What the app is told when somebody comes back. See `docs/gateway.md`.
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

/// The gateway's own keys.
pub(super) struct Seal {
    session: EncodingKey,
    sessions: Vec<DecodingKey>,
    result: EncodingKey,
}

impl Seal {
    /// Keys from the secrets of a file, newest first. Cookies by an older one are still read.
    pub(super) fn new(secrets: &[&[u8]]) -> Option<Self> {
        let newest = secrets.first()?;
        let derived = |secret: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, SESSION_LABEL)
        };
        let sessions = secrets.iter().map(|secret| derived(secret));
        Some(Self {
            session: EncodingKey::from_secret(derived(newest).as_ref()),
            sessions: sessions
                .map(|key| DecodingKey::from_secret(key.as_ref()))
                .collect(),
            result: EncodingKey::from_secret(newest),
        })
    }

    /// Keys that end with the process; `None` where the system has no randomness.
    pub(super) fn random() -> Option<Self> {
        let secret: [u8; 32] = crypto::random()?;
        Self::new(&[&secret])
    }

    /// The value of the cookie.
    pub(super) fn session(&self, session: &Session) -> Option<String> {
        signed(SESSION_TYPE, session, &self.session)
    }

    /// Reads a cookie: whose it is, if it is genuine and has not expired.
    pub(super) fn open(&self, cookie: &str, now: i64) -> Option<Session> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let mut tokens = self
            .sessions
            .iter()
            .filter_map(|key| decode::<Session>(cookie, key, &validation).ok());
        let token = tokens.next()?;
        let is_ours = token.header.typ.as_deref() == Some(SESSION_TYPE);
        (is_ours && token.claims.exp > now).then_some(token.claims)
    }

    /// What the app is told of somebody who came back.
    pub(super) fn result(
        &self,
        session: &Session,
        outcome: Outcome,
        issuer: &str,
        audience: &str,
        now: i64,
    ) -> Option<String> {
        let id = crypto::random::<16>()?;
        let claims = Claims {
            iss: issuer,
            aud: audience,
            sub: &session.sub,
            organization: &session.organization,
            intent: session.intent,
            state: outcome.as_str(),
            handoff: &session.handoff,
            iat: now,
            exp: now.saturating_add(RESULT_SECONDS),
            jti: URL_SAFE_NO_PAD.encode(id),
        };
        signed(RESULT_TYPE, &claims, &self.result)
    }
}

fn signed(typ: &str, claims: &impl Serialize, key: &EncodingKey) -> Option<String> {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(typ.to_owned());
    encode(&header, claims, key).ok()
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
        let seal = Seal::new(&[NEW, OLD]).unwrap();
        let cookie = seal.session(&session()).unwrap();
        assert_eq!(seal.open(&cookie, 99), Some(session()));
        assert_eq!(seal.open(&cookie, 100), None);
        assert_eq!(Seal::new(&[OLD]).unwrap().open(&cookie, 99), None);
        // Cookies from before a rotation are still good.
        let old = Seal::new(&[OLD]).unwrap().session(&session()).unwrap();
        assert_eq!(seal.open(&old, 99), Some(session()));
    }

    #[test]
    fn a_changed_cookie_and_a_result_are_no_cookies() {
        crypto::install();
        let seal = Seal::new(&[NEW]).unwrap();
        let cookie = seal.session(&session()).unwrap();
        for at in 0..cookie.len() {
            let mut bytes = cookie.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last digit of base64 holds bits that mean nothing.
            if seal.open(&changed, 0).is_some() {
                assert_eq!(at, cookie.len() - 1, "{changed}");
            }
        }
        let result = seal.result(&session(), Outcome::Done, "gateway", "app", 0);
        assert_eq!(seal.open(&result.unwrap(), 0), None);
        let forged = signed(SESSION_TYPE, &session(), &EncodingKey::from_secret(NEW));
        assert_eq!(seal.open(&forged.unwrap(), 0), None);
    }
}
