//! Hand-off tokens: what an app signs to say who comes, for which customer and what for.
//!
//! Goes in: the token's text, the keys, the rules and the time. Comes out: a [`HandOff`], or the
//! code of the first thing that is wrong. Pure. A claim is believed only after the signature holds,
//! and the key decides the algorithm, never the header.

use std::collections::BTreeSet;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde::Deserialize;

use super::keys::{Key, KeySet};
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::id::MAX_USER_ID_LENGTH;
use portalctl_model::text::is_plain;
use portalctl_model::{Intent, OrgKey};

/// The longest token that is looked at, in bytes.
pub(super) const MAX_TOKEN: usize = 4096;
/// The longest time between `iat` and `exp`, in seconds.
pub(super) const MAX_LIFETIME: i64 = 120;
/// The longest subject, in characters: as long as WorkOS is sent it as a user id.
pub(super) const MAX_SUBJECT: usize = MAX_USER_ID_LENGTH;
/// How long an id may be, in characters. Shorter ones are not unique.
const ID_LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// What every token has to fulfil.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) role: String,
    /// How far the app's clock may differ, in seconds.
    pub(super) leeway: i64,
    /// Tokens from before this are refused, in seconds of the epoch.
    pub(super) begins: i64,
}

/// Somebody who was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HandOff {
    /// Who, in the app's own words.
    pub(super) subject: String,
    pub(super) organization: OrgKey,
    pub(super) intents: BTreeSet<Intent>,
    /// Whether the person may change a connection that is active already.
    pub(super) again: bool,
    /// The token's id: good for one link.
    pub(super) id: String,
    /// When the token cannot be used any more, in seconds of the epoch.
    pub(super) ends: i64,
}

/// What a token holds. Serde refuses a claim that stands twice, and what is not of its type.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    organization: String,
    intents: Vec<Intent>,
    role: String,
    iat: i64,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
    #[serde(default)]
    again: bool,
}

/// One text, or a list, which libraries make of it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List(Vec<String>),
}

impl Audience {
    /// Whether it is this one and no other: whoever else a token is meant for could use it here.
    fn is_only(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::List(list) => matches!(list.as_slice(), [one] if one == audience),
        }
    }
}

/// Checks a token.
pub(super) fn check(text: &str, keys: &KeySet, rules: &Rules, now: i64) -> Result<HandOff, Code> {
    if text.len() > MAX_TOKEN {
        return Err(codes::MALFORMED);
    }
    let header = decode_header(text).map_err(|_| codes::MALFORMED)?;
    let id = plain_header(header)?;
    let mut refused = codes::SIGNATURE;
    for key in keys.candidates(id.as_deref())? {
        match verified(text, key) {
            Ok(claims) => return judge(claims, rules, now),
            Err(code) => refused = code,
        }
    }
    Err(refused)
}

/// The key's id, of a header that says nothing else.
fn plain_header(header: Header) -> Result<Option<String>, Code> {
    let Header {
        typ,
        // Held against the key's own later on.
        alg: _,
        cty,
        jku,
        jwk,
        kid,
        x5u,
        x5c,
        x5t,
        x5t_s256,
        crit,
        enc,
        zip,
        url,
        nonce,
        extras,
    } = header;
    let texts = [cty, jku, x5u, x5t, x5t_s256, url, nonce];
    let is_plain = typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"))
        && texts.iter().all(Option::is_none)
        && jwk.is_none()
        && x5c.is_none()
        && crit.is_none()
        && enc.is_none()
        && zip.is_none()
        && extras == jsonwebtoken::Extras::default();
    if is_plain {
        Ok(kid)
    } else {
        Err(codes::HEADER)
    }
}

/// The claims, once the signature holds by this very key and its algorithm.
fn verified(text: &str, key: &Key) -> Result<Claims, Code> {
    let mut validation = Validation::new(key.algorithm);
    // Only the signature is looked at: the claims are judged by a clock that tests can set.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode(text, &key.decoding, &validation)
        .map(|token| token.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => codes::ALGORITHM,
            ErrorKind::Json(_) => codes::CLAIMS,
            ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => codes::MALFORMED,
            _ => codes::SIGNATURE,
        })
}

fn judge(claims: Claims, rules: &Rules, now: i64) -> Result<HandOff, Code> {
    let Claims {
        iss,
        aud,
        sub,
        organization,
        intents,
        role,
        iat,
        exp,
        nbf,
        jti,
        again,
    } = claims;
    let fails = [
        (iss != rules.issuer, codes::ISSUER),
        (!aud.is_only(&rules.audience), codes::AUDIENCE),
        (exp.saturating_add(rules.leeway) <= now, codes::EXPIRED),
        (
            iat.max(nbf.unwrap_or(iat)) > now.saturating_add(rules.leeway),
            codes::NOT_YET,
        ),
        (exp.saturating_sub(iat) > MAX_LIFETIME, codes::TOO_LONG),
        (iat < rules.begins, codes::BEFORE_START),
        (role != rules.role, codes::ROLE),
        (!is_name(&sub), codes::CLAIMS),
        (!is_id(&jti), codes::CLAIMS),
        (exp <= iat, codes::CLAIMS),
    ];
    if let Some((_, code)) = fails.into_iter().find(|(fails, _)| *fails) {
        return Err(code);
    }
    Ok(HandOff {
        subject: sub,
        organization: OrgKey::parse_qualified(&organization).map_err(|_| codes::CLAIMS)?,
        intents: intents.into_iter().collect(),
        again,
        id: jti,
        ends: exp.saturating_add(rules.leeway),
    })
}

/// Whether a text can say who somebody is: one line, not blank, not long.
pub(super) fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_SUBJECT && text.chars().all(is_plain)
}

fn is_id(text: &str) -> bool {
    ID_LENGTH.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
