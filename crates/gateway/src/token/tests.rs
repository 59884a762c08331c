//! Tests of hand-off tokens: the accepted form, and each check that refuses one.

use jsonwebtoken::{Algorithm, EncodingKey, encode};
use serde_json::{Value, json};

use super::*;
use crate::crypto;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_000_000;

fn rules() -> Rules {
    Rules {
        issuer: "app".to_owned(),
        audience: "https://portal.example.com".to_owned(),
        role: "it_admin".to_owned(),
        leeway: 5,
        not_before: NOW - 1000,
    }
}

fn good() -> Value {
    json!({
        "iss": "app", "aud": "https://portal.example.com", "sub": "ada", "organization": "acme",
        "intents": ["sso"], "role": "it_admin", "iat": NOW, "exp": NOW + 60, "jti": "12345678",
    })
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

fn checked(token: &str) -> Result<HandOff, Code> {
    crypto::install();
    check(token, &KeySet::secrets(SECRET).unwrap(), &rules(), NOW).map_err(|rejected| rejected.code)
}

/// Checks a good token with one claim changed, or removed where the value is null.
fn with(claim: &str, value: Value) -> Result<HandOff, Code> {
    let mut claims = good();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
        value => claims[claim] = value,
    }
    crypto::install();
    checked(&signed(&claims))
}

#[test]
fn a_good_token_says_who_comes_for_what() {
    let handoff = with("again", json!(true)).unwrap();
    assert_eq!(
        handoff,
        HandOff {
            subject: "ada".to_owned(),
            organization: OrgKey::parse("acme").unwrap(),
            intents: BTreeSet::from([Intent::Sso]),
            again: true,
            sso: SsoOptions::default(),
            provision: None,
            id: "12345678".to_owned(),
            ends: NOW + 65,
        }
    );
    assert!(with("aud", json!(["https://portal.example.com"])).is_ok());
    assert!(with("more", json!("is not looked at")).is_ok());
}

#[test]
fn every_claim_has_to_be_there_and_of_its_type() {
    for claim in [
        "iss",
        "aud",
        "sub",
        "organization",
        "intents",
        "role",
        "iat",
        "exp",
        "jti",
    ] {
        for value in [Value::Null, json!({}), json!(1.5)] {
            assert_eq!(with(claim, value), Err(codes::CLAIMS), "{claim}");
        }
    }
    for (claim, value) in [
        ("sub", json!(" ")),
        ("sub", json!("a\u{202e}b")),
        ("sub", json!("a".repeat(257))),
        ("organization", json!("../acme")),
        ("intents", json!(["sso", "admin"])),
        ("jti", json!("short")),
        ("jti", json!("with a space")),
        ("again", json!("yes")),
        ("provider_type", json!("Okta SAML")),
        ("bookmark_slug", json!("")),
        ("provision", json!(true)),
        ("exp", json!(NOW)),
    ] {
        assert_eq!(
            with(claim, value.clone()),
            Err(codes::CLAIMS),
            "{claim} {value}"
        );
    }
}

#[test]
fn a_token_of_another_issuer_for_another_gateway_or_another_role_is_refused() {
    for (claim, value, code) in [
        ("iss", json!("another-app"), codes::ISSUER),
        ("iss", json!("APP"), codes::ISSUER),
        ("aud", json!("https://other.example.com"), codes::AUDIENCE),
        ("aud", json!([]), codes::AUDIENCE),
        (
            "aud",
            json!(["https://portal.example.com", "https://other.example.com"]),
            codes::AUDIENCE,
        ),
        ("role", json!("member"), codes::ROLE),
        ("role", json!(""), codes::ROLE),
    ] {
        assert_eq!(with(claim, value.clone()), Err(code), "{claim} {value}");
    }
}

#[test]
fn times_are_held_against_the_clock_with_a_little_leeway() {
    let times = |iat: i64, exp: i64| {
        let mut claims = good();
        claims["iat"] = json!(NOW + iat);
        claims["exp"] = json!(NOW + exp);
        crypto::install();
        checked(&signed(&claims)).map(drop)
    };
    for (iat, exp, outcome) in [
        (-120, -4, Ok(())),
        (-120, -5, Err(codes::EXPIRED)),
        (0, 120, Ok(())),
        (0, 121, Err(codes::TOO_LONG)),
        (-1, 120, Err(codes::TOO_LONG)),
        (5, 60, Ok(())),
        (6, 60, Err(codes::NOT_YET)),
        (i64::MIN - NOW.min(0) + NOW, 60, Err(codes::TOO_LONG)),
    ] {
        let iat = iat.max(-NOW);
        assert_eq!(times(iat, exp), outcome, "{iat} {exp}");
    }
    assert_eq!(with("nbf", json!(NOW + 6)), Err(codes::NOT_YET));
    assert_eq!(with("exp", json!(i64::MAX)), Err(codes::TOO_LONG));
    let not_before = Rules {
        not_before: NOW + 1,
        ..rules()
    };
    let keys = KeySet::secrets(SECRET).unwrap();
    let early = check(&signed(&good()), &keys, &not_before, NOW);
    assert_eq!(early.unwrap_err().code, codes::BEFORE_START);
}

#[test]
fn another_secret_or_a_changed_token_does_not_hold() {
    crypto::install();
    let token = signed(&good());
    let other = KeySet::secrets("fedcba9876543210fedcba9876543210").unwrap();
    let refused = check(&token, &other, &rules(), NOW);
    assert_eq!(refused.unwrap_err().code, codes::SIGNATURE);
    let both = format!("fedcba9876543210fedcba9876543210\n{SECRET}");
    let both = KeySet::secrets(&both).unwrap();
    assert!(check(&token, &both, &rules(), NOW).is_ok());
    // No prefix of a token is one.
    for end in 0..token.len() {
        assert!(checked(&token[..end]).is_err(), "{end}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_fail_otherwise(text in "\\PC{0,300}") {
        proptest::prop_assert!(checked(&text).is_err());
        proptest::prop_assert!(checked(&text.replace(' ', ".")).is_err());
    }
}
