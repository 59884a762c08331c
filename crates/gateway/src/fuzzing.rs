//! What the fuzz target of hand-off tokens reaches: no part of the program.

use super::crypto;
use super::keys::KeySet;
use super::token::{self, Rules};

/// The secret that the target signs with.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// When it is, in seconds of the epoch.
pub const NOW: i64 = 1_000_000;

/// Checks a token by the rules of a gateway that began a moment ago.
///
/// Of a token that is taken it gives the subject, the organization's key, the intents, the id and the
/// second that it ends in.
pub fn check(token: &str) -> Option<(String, String, usize, String, i64)> {
    crypto::install();
    let rules = Rules {
        issuer: "app".to_owned(),
        audience: "https://portal.example.com".to_owned(),
        role: "it_admin".to_owned(),
        leeway: 5,
        begins: NOW - 10,
    };
    let keys = KeySet::secrets(SECRET).ok()?;
    let taken = token::check(token, &keys, &rules, NOW).ok()?;
    Some((
        taken.subject,
        taken.organization.to_string(),
        taken.intents.len(),
        taken.id,
        taken.ends,
    ))
}

/// Reads a file of public keys.
pub fn read_keys(text: &str) -> bool {
    crypto::install();
    KeySet::jwks(text).is_ok()
}
