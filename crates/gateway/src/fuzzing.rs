//! Entry points for the fuzz target of hand-off tokens; not part of the program.

use super::crypto;
use super::keys::KeySet;
use super::token::{self, Rules};

/// Secret that the target signs with.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Current time of the checks, in seconds since the epoch.
pub const NOW: i64 = 1_000_000;

/// Checks a token by the rules of a gateway that has just started.
///
/// Returns the subject, the organization's key, the number of intents, the token id and the second
/// of expiry of an accepted token.
pub fn check(token: &str) -> Option<(String, String, usize, String, i64)> {
    crypto::install();
    let rules = Rules {
        issuer: "app".to_owned(),
        audience: "https://portal.example.com".to_owned(),
        role: "it_admin".to_owned(),
        leeway: 5,
        not_before: NOW - 10,
    };
    let keys = KeySet::secrets(SECRET).ok()?;
    let handoff = token::check(token, &keys, &rules, NOW).ok()?;
    Some((
        handoff.subject,
        handoff.organization.to_string(),
        handoff.intents.len(),
        handoff.id,
        handoff.ends,
    ))
}

/// Returns whether a text is a usable JWKS.
pub fn read_keys(text: &str) -> bool {
    crypto::install();
    KeySet::jwks(text).is_ok()
}
