//! Attacks by tokens with wrong claims, signatures or headers.

use serde_json::{Value, json};

use super::Attack;
use crate::support::gateway::{SECRET, Stage, now, part, signed, token};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Good claims with one changed.
fn with(stage: &Stage, claim: &str, value: Value) -> String {
    let mut claims = stage.claims();
    claims[claim] = value;
    signed(&claims)
}

/// Good claims with one left out.
fn without(stage: &Stage, claim: &str) -> String {
    let mut claims = stage.claims();
    claims.as_object_mut().unwrap().remove(claim);
    signed(&claims)
}

/// Good claims at other times.
fn at(stage: &Stage, iat: i64, exp: i64) -> String {
    let mut claims = stage.claims();
    claims["iat"] = json!(now() + iat);
    claims["exp"] = json!(now() + exp);
    signed(&claims)
}

pub(super) fn wrong_claims(stage: &Stage) -> Vec<Attack> {
    let good = stage.claims().to_string();
    let twice = good.replacen('{', r#"{"organization":"globex","#, 1);
    vec![
        Attack::token("expired", &at(stage, -100, -50), "gateway/token-expired"),
        Attack::token("not yet valid", &at(stage, 30, 60), "gateway/token-not-yet"),
        Attack::token(
            "begins later",
            &with(stage, "nbf", json!(now() + 30)),
            "gateway/token-not-yet",
        ),
        Attack::token(
            "lives too long",
            &at(stage, 0, 121),
            "gateway/token-lifetime",
        ),
        Attack::token(
            "for ever",
            &with(stage, "exp", json!(i64::MAX)),
            "gateway/token-lifetime",
        ),
        Attack::token(
            "another issuer",
            &with(stage, "iss", json!("https://evil.example")),
            "gateway/token-issuer",
        ),
        Attack::token(
            "another audience",
            &with(stage, "aud", json!("https://evil.example")),
            "gateway/token-audience",
        ),
        Attack::token(
            "two audiences",
            &with(
                stage,
                "aud",
                json!([stage.gateway.url(), "https://evil.example"]),
            ),
            "gateway/token-audience",
        ),
        Attack::token(
            "no IT admin",
            &with(stage, "role", json!("member")),
            "gateway/role",
        ),
        Attack::token(
            "a subject that writes a line of the log",
            &with(stage, "sub", json!("ada\n{\"outcome\":\"linked\"}")),
            "gateway/token-claims",
        ),
        Attack::token(
            "a subject that nobody can read",
            &with(stage, "sub", json!("ada\u{202e}")),
            "gateway/token-claims",
        ),
        Attack::token("no role", &without(stage, "role"), "gateway/token-claims"),
        Attack::token("no id", &without(stage, "jti"), "gateway/token-claims"),
        Attack::token("no time", &without(stage, "iat"), "gateway/token-claims"),
        Attack::token("no end", &without(stage, "exp"), "gateway/token-claims"),
        Attack::token(
            "a claim of another type",
            &with(stage, "exp", json!("9999999999")),
            "gateway/token-claims",
        ),
        Attack::token(
            "a claim twice",
            &token(HEADER, &twice, SECRET.as_bytes()),
            "gateway/token-claims",
        ),
        Attack::token(
            "another organization's token",
            &with(stage, "organization", json!("globex")),
            "gateway/other-organization",
        ),
        Attack::token(
            "an intent that was not handed over",
            &with(stage, "intents", json!(["dsync"])),
            "gateway/other-intent",
        ),
        Attack::token(
            "no intent",
            &with(stage, "intents", json!([])),
            "gateway/other-intent",
        ),
    ]
}

pub(super) fn wrong_tokens(stage: &Stage) -> Vec<Attack> {
    let good = stage.claims().to_string();
    let by = |header: &str| token(header, &good, SECRET.as_bytes());
    let unsigned = format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&good));
    let mut tampered = stage.claims();
    let genuine = signed(&tampered);
    let signature = genuine.rsplit('.').next().unwrap();
    tampered["intents"] = json!(["sso", "dsync"]);
    let tampered = format!(
        "{}.{}.{signature}",
        part(HEADER),
        part(&tampered.to_string())
    );
    let stripped = genuine.rsplit_once('.').unwrap().0.to_owned() + ".";
    vec![
        Attack::token("unsigned", &unsigned, "gateway/token-malformed"),
        Attack::token(
            "unsigned, in other letters",
            &unsigned.replace(&part(r#"{"alg":"none"}"#), &part(r#"{"alg":"nOnE"}"#)),
            "gateway/token-malformed",
        ),
        Attack::token(
            "without its signature",
            &stripped,
            "gateway/token-signature",
        ),
        Attack::token(
            "another secret",
            &token(HEADER, &good, b"another-secret-of-32-bytes-or-more"),
            "gateway/token-signature",
        ),
        Attack::token(
            "an empty secret",
            &token(HEADER, &good, b""),
            "gateway/token-signature",
        ),
        Attack::token("tampered intents", &tampered, "gateway/token-signature"),
        Attack::token(
            "another algorithm of the family",
            &by(r#"{"alg":"HS512"}"#),
            "gateway/token-algorithm",
        ),
        Attack::token(
            "an algorithm of public keys",
            &by(r#"{"alg":"RS256"}"#),
            "gateway/token-algorithm",
        ),
        Attack::token(
            "crit",
            &by(r#"{"alg":"HS256","crit":["exp"]}"#),
            "gateway/token-header",
        ),
        Attack::token(
            "jku",
            &by(r#"{"alg":"HS256","jku":"https://evil.example/jwks"}"#),
            "gateway/token-header",
        ),
        Attack::token(
            "x5u",
            &by(r#"{"alg":"HS256","x5u":"https://evil.example/cert"}"#),
            "gateway/token-header",
        ),
        Attack::token(
            "an unencoded payload",
            &by(r#"{"alg":"HS256","b64":false}"#),
            "gateway/token-header",
        ),
        Attack::token(
            "another kind of token",
            &by(r#"{"alg":"HS256","typ":"portalctl-session+jwt"}"#),
            "gateway/token-header",
        ),
        Attack::token(
            "alg twice",
            &by(r#"{"alg":"HS256","alg":"none"}"#),
            "gateway/token-malformed",
        ),
        Attack::token(
            "too long",
            &format!("{genuine}{}", "A".repeat(5000)),
            "gateway/token-malformed",
        ),
        Attack::token("two parts", "a.b", "gateway/token-malformed"),
        Attack::token(
            "five parts",
            &format!("{genuine}.a.b"),
            "gateway/token-malformed",
        ),
        Attack::token(
            "no token at all",
            "%00%ff%0d%0aSet-Cookie:x",
            "gateway/token-malformed",
        ),
    ]
}
