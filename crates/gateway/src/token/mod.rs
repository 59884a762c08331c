//! Hand-off tokens: JWTs by which an app vouches for a person, an organization and intents.
//!
//! The token's text, the keys, the rules and the time go in; a [`HandOff`] or the code of the first
//! problem comes out. Pure. No claim is believed before the signature is verified, and the key
//! decides the algorithm, never the header.

use std::collections::BTreeSet;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::keys::{Key, KeySet};
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::id::MAX_USER_ID_LENGTH;
use portalctl_model::text::{escape, is_plain};
use portalctl_model::{Intent, InvalidId, OrgKey, PortalOption};
use portalctl_workos::SsoOptions;

/// Longest token, in bytes.
pub(super) const MAX_TOKEN: usize = 4096;
/// Longest time between `iat` and `exp`, in seconds.
pub(super) const MAX_LIFETIME: i64 = 120;
/// Longest subject, in characters: WorkOS receives it as a user id.
pub(super) const MAX_SUBJECT: usize = MAX_USER_ID_LENGTH;
/// Allowed length of a token id, in characters. Shorter ones would not be unique.
const ID_LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Rules that every token has to fulfil.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) role: String,
    /// Largest accepted difference to the issuer's clock, in seconds.
    pub(super) leeway: i64,
    /// First accepted `iat`, in seconds since the epoch.
    pub(super) not_before: i64,
}

/// Accepted hand-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HandOff {
    /// User id of the app.
    pub(super) subject: String,
    pub(super) organization: OrgKey,
    pub(super) intents: BTreeSet<Intent>,
    /// Permission to change a connection that is active already.
    pub(super) again: bool,
    /// Start of the portal with single sign-on.
    pub(super) sso: SsoOptions,
    /// Customer to be created if there is none with this key.
    pub(super) provision: Option<NewCustomer>,
    /// Token id, valid for one link.
    pub(super) id: String,
    /// Time after which the token is refused anyway, in seconds since the epoch.
    pub(super) ends: i64,
}

/// Customer that the app vouches for before the manifest declares it; the rules of a manifest are not
/// checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewCustomer {
    pub(super) name: String,
    pub(super) domains: Vec<String>,
}

/// Claims of a token. Serde refuses duplicate claims and values of another type.
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
    #[serde(default)]
    provider_type: Option<String>,
    #[serde(default)]
    bookmark_slug: Option<String>,
    #[serde(default)]
    provision: bool,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    domains: Vec<String>,
    /// Purpose of a token that is no hand-off.
    #[serde(default, rename = "use")]
    purpose: Option<String>,
}

/// Audience: one text, or a list, which some libraries write.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List(Vec<String>),
}

impl Audience {
    /// Returns whether this is the only audience: every further one could use the token here.
    fn is_only(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::List(list) => matches!(list.as_slice(), [one] if one == audience),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::One(one) => quoted(one),
            Self::List(list) => quoted(&list.join(", ")),
        }
    }
}

/// Claims of a token that reads the state of a customer.
#[derive(Deserialize)]
struct StateClaims {
    iss: String,
    aud: Audience,
    #[serde(rename = "use")]
    purpose: String,
    organization: String,
    iat: i64,
    exp: i64,
}

/// Value of the claim `use` of a token that reads a state.
const STATE: &str = "state";

/// Longest value of a claim that a detail quotes, in characters.
const QUOTED: usize = 100;

/// Reason why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) code: Code,
    /// Claim, its value and the expected one, for the log: only of a token whose signature is good.
    pub(super) detail: Option<String>,
}

impl From<Code> for Rejected {
    fn from(code: Code) -> Self {
        Self { code, detail: None }
    }
}

impl Rejected {
    fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: Some(detail.into()),
        }
    }
}

/// Quotes the value of a claim.
fn quoted(value: &str) -> String {
    let shown: String = value.chars().take(QUOTED).collect();
    format!("`{}`", escape(&shown))
}

/// Verifies a hand-off token.
pub(super) fn check(
    text: &str,
    keys: &KeySet,
    rules: &Rules,
    now: i64,
) -> Result<HandOff, Rejected> {
    check_claims(signed_claims(text, keys)?, rules, now)
}

/// Verifies a token that reads the state of a customer; returns the organization.
pub(super) fn check_state(
    text: &str,
    keys: &KeySet,
    rules: &Rules,
    now: i64,
) -> Result<OrgKey, Rejected> {
    let StateClaims {
        iss,
        aud,
        purpose,
        organization,
        iat,
        exp,
    } = signed_claims(text, keys)?;
    check_parties(&iss, &aud, rules)?;
    check_times(
        Times {
            iat,
            exp,
            nbf: None,
        },
        rules,
        now,
    )?;
    if purpose != STATE {
        let detail = format!("use is {}, and `{STATE}` is wanted", quoted(&purpose));
        return Err(Rejected::new(codes::CLAIMS, detail));
    }
    key_of(&organization)
}

/// Times of a token, in seconds since the epoch.
#[derive(Clone, Copy)]
struct Times {
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
}

/// Checks who made a token, and for whom.
fn check_parties(iss: &str, aud: &Audience, rules: &Rules) -> Result<(), Rejected> {
    let wanted = |claim: &str, is: &str, wanted: &str| {
        format!("{claim} is {is}, and {} is wanted", quoted(wanted))
    };
    if iss != rules.issuer {
        let detail = wanted("iss", &quoted(iss), &rules.issuer);
        return Err(Rejected::new(codes::ISSUER, detail));
    }
    if !aud.is_only(&rules.audience) {
        let detail = wanted("aud", &aud.shown(), &rules.audience);
        return Err(Rejected::new(codes::AUDIENCE, detail));
    }
    Ok(())
}

/// Checks the times of a token by the clock of this machine.
fn check_times(times: Times, rules: &Rules, now: i64) -> Result<(), Rejected> {
    let Times { iat, exp, nbf } = times;
    let leeway = rules.leeway;
    if exp.saturating_add(leeway) <= now {
        let detail = format!("exp was {} s ago by this clock", now.saturating_sub(exp));
        return Err(Rejected::new(codes::EXPIRED, detail));
    }
    let begins = iat.max(nbf.unwrap_or(iat));
    if begins > now.saturating_add(leeway) {
        let ahead = begins.saturating_sub(now);
        let detail =
            format!("iat or nbf is {ahead} s ahead of this clock, and {leeway} s are accepted");
        return Err(Rejected::new(codes::NOT_YET, detail));
    }
    let lifetime = exp.saturating_sub(iat);
    if lifetime > MAX_LIFETIME {
        let detail = format!("exp is {lifetime} s after iat, and {MAX_LIFETIME} s are accepted");
        return Err(Rejected::new(codes::TOO_LONG, detail));
    }
    if exp <= iat {
        return Err(Rejected::new(codes::CLAIMS, "exp is not after iat"));
    }
    Ok(())
}

fn key_of(organization: &str) -> Result<OrgKey, Rejected> {
    OrgKey::parse_qualified(organization).map_err(|error| {
        let detail = format!("organization {} {error}", quoted(organization));
        Rejected::new(codes::CLAIMS, detail)
    })
}

/// Returns the claims of a token whose header and signature are good.
fn signed_claims<T: DeserializeOwned>(text: &str, keys: &KeySet) -> Result<T, Rejected> {
    if text.len() > MAX_TOKEN {
        return Err(codes::MALFORMED.into());
    }
    let header = decode_header(text).map_err(|_| codes::MALFORMED)?;
    let id = plain_header(header)?;
    let mut refused = Rejected::from(codes::SIGNATURE);
    for key in keys.candidates(id.as_deref())? {
        match verified(text, key) {
            Ok(claims) => return Ok(claims),
            Err(rejected) => refused = rejected,
        }
    }
    Err(refused)
}

/// Returns the key id of a header that has no other field.
fn plain_header(header: Header) -> Result<Option<String>, Code> {
    let Header {
        typ,
        // Compared with the key's own algorithm later.
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

/// Verifies the signature with this key and its algorithm; returns the claims.
fn verified<T: DeserializeOwned>(text: &str, key: &Key) -> Result<T, Rejected> {
    let mut validation = Validation::new(key.algorithm);
    // Only the signature is verified here: the claims are judged by a clock that tests can set.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode(text, &key.decoding, &validation)
        .map(|token| token.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => {
                codes::ALGORITHM.into()
            }
            // The claims are decoded after the signature was verified.
            ErrorKind::Json(error) => Rejected::new(codes::CLAIMS, quoted(&error.to_string())),
            ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => {
                codes::MALFORMED.into()
            }
            _ => codes::SIGNATURE.into(),
        })
}

/// Checks the claims of a token whose signature was verified.
fn check_claims(claims: Claims, rules: &Rules, now: i64) -> Result<HandOff, Rejected> {
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
        provider_type,
        bookmark_slug,
        provision,
        name,
        domains,
        purpose,
    } = claims;
    check_parties(&iss, &aud, rules)?;
    check_times(Times { iat, exp, nbf }, rules, now)?;
    if iat < rules.not_before {
        let detail = "iat is before the start of this gateway";
        return Err(Rejected::new(codes::BEFORE_START, detail));
    }
    let wrong = if !is_subject(&sub) {
        Some("sub is blank, too long, or more than one line")
    } else if !is_id(&jti) {
        Some("jti has to have 8 to 128 visible ASCII characters")
    } else if purpose.is_some() {
        Some("it has a use, so it is no hand-off")
    } else if provision && name.is_none() {
        Some("provision needs the claim name")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        return Err(Rejected::new(codes::CLAIMS, wrong));
    }
    // Last: whoever lacks only the role is told so.
    if role != rules.role {
        let detail = format!(
            "role is {}, and {} is wanted",
            quoted(&role),
            quoted(&rules.role)
        );
        return Err(Rejected::new(codes::ROLE, detail));
    }
    Ok(HandOff {
        sso: sso_options(provider_type, bookmark_slug)?,
        subject: sub,
        organization: key_of(&organization)?,
        intents: intents.into_iter().collect(),
        again,
        provision: name
            .filter(|_| provision)
            .map(|name| NewCustomer { name, domains }),
        id: jti,
        ends: exp.saturating_add(rules.leeway),
    })
}

/// Checks where the portal begins.
fn sso_options(
    provider_type: Option<String>,
    bookmark_slug: Option<String>,
) -> Result<SsoOptions, Rejected> {
    Ok(SsoOptions {
        provider_type: option(provider_type, "provider_type")?,
        bookmark_slug: option(bookmark_slug, "bookmark_slug")?,
    })
}

/// Checks an option of the portal.
fn option(value: Option<String>, claim: &str) -> Result<Option<PortalOption>, Rejected> {
    let wrong = |error: InvalidId| Rejected::new(codes::CLAIMS, format!("{claim} {error}"));
    value
        .map(|text| PortalOption::parse(&text))
        .transpose()
        .map_err(wrong)
}

/// Returns whether a text can name a person: one line, not blank, at most [`MAX_SUBJECT`]
/// characters.
pub(super) fn is_subject(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_SUBJECT && text.chars().all(is_plain)
}

/// Returns whether a text can be the id of a hand-off.
pub(super) fn is_id(text: &str) -> bool {
    ID_LENGTH.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
