//! Fuzzes handoff tokens, signed by an app or sent by a stranger: every accepted token keeps every
//! rule.
//!
//! The input is a header and, on the next line, claims, which are signed by a secret that the gateway
//! knows; without a second line it is a token as it comes. Both are tried as public keys too.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use portalctl_gateway::fuzzing::{NOW, SECRET, check, read_keys};
use sha2::Sha256;

fn signed(header: &str, claims: &str) -> String {
    let text = [header, claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{text}.{signature}")
}

fuzz_target!(|input: &str| {
    let _ = read_keys(input);
    let Some((header, claims)) = input.split_once('\n') else {
        assert_eq!(check(input), None, "nobody signed it");
        return;
    };
    let Some((subject, organization, intents, id, ends)) = check(&signed(header, claims)) else {
        return;
    };
    assert!(
        !subject.trim().is_empty() && !subject.contains(['\n', '\u{1b}']),
        "{subject:?}"
    );
    assert!(
        !organization.is_empty() && !organization.contains(['/', '%', '\n']),
        "{organization:?}"
    );
    assert!(intents <= 7, "{intents}");
    assert!((8..=128).contains(&id.len()), "{id:?}");
    assert!(ends > NOW && ends <= NOW + 5 + 120 + 5, "{ends}");
    // No other signature, and no signature, will do.
    let token = signed(header, claims);
    let (text, _) = token.rsplit_once('.').unwrap();
    assert_eq!(check(&format!("{text}.")), None);
    assert_eq!(check(&format!("{text}.AAAA")), None);
});
