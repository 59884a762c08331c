//! Tests that the gateway refuses every attack with the same page, which reveals nothing, and with
//! its own log line, which names the reason. Whoever the app vouches for is told what is wrong.

mod requests;
mod tokens;

use serde_json::Value;

use crate::support::cli::TestEnv;
use crate::support::gateway::{Answer, CONFIG, GatewayServer, MANIFEST, Stage, signed, token};
use crate::support::sandbox_server::SandboxServer;

/// An attack: a request, and the code of its refusal.
struct Attack {
    name: &'static str,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    code: &'static str,
}

impl Attack {
    fn get(name: &'static str, path: String, code: &'static str) -> Self {
        Self {
            name,
            method: "GET",
            path,
            headers: Vec::new(),
            body: String::new(),
            code,
        }
    }

    /// A token at the address of Acme's single sign-on.
    fn token(name: &'static str, token: &str, code: &'static str) -> Self {
        Self::get(name, format!("/portal/acme/sso?token={token}"), code)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The heading of the page that a person sees whom the app vouches for.
fn heading_of(code: &str) -> &'static str {
    match code {
        "gateway/role" => "This needs an IT admin of your organization",
        "gateway/other-organization" => "This set-up is for another organization",
        "gateway/other-intent" | "gateway/undeclared" => "This is not part of your set-up",
        _ => "This link does not work",
    }
}

/// A page without the name of its request.
fn without_reference(answer: &Answer) -> String {
    let (before, rest) = answer.body.split_once("Reference <code>").unwrap();
    let (_, after) = rest.split_once("</code>").unwrap();
    format!("{before}{after}")
}

/// Sends an attack, which has to be refused, and returns the page.
#[track_caller]
fn refuse(gateway: &GatewayServer, attack: &Attack) -> Answer {
    let Attack {
        name,
        method,
        path,
        headers,
        body,
        code,
    } = attack;
    let before = gateway.audited();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let answer = gateway.send(method, path, &headers, body);
    let line = gateway.audit(before);
    assert_eq!(line["code"], *code, "{name}: {line}");
    assert_eq!(line["outcome"], "refused", "{name}: {line}");
    assert!((400..500).contains(&answer.status), "{name}: {answer:?}");
    assert!(
        !answer.headers.contains_key("location"),
        "{name}: {answer:?}"
    );
    assert!(
        !answer.headers.contains_key("set-cookie"),
        "{name}: {answer:?}"
    );
    let reference = line["reference"].as_str().unwrap();
    let is_shown = answer.body.contains(reference);
    assert!(is_shown || *method == "HEAD", "{name}: {}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store", "{name}");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{name}");
    for telling in ["acme", "globex", "ada", "token", "evil", code] {
        assert!(!answer.body.contains(telling), "{name}: {}", answer.body);
    }
    answer
}

/// Sends every attack. All pages are the same, except those of people whom the app vouches for.
#[track_caller]
fn refuse_all(gateway: &GatewayServer, attacks: &[Attack]) {
    let pages: Vec<(u16, String)> = attacks
        .iter()
        .map(|attack| {
            let answer = refuse(gateway, attack);
            (answer.status, without_reference(&answer))
        })
        .collect();
    for (attack, page) in attacks.iter().zip(&pages) {
        assert_eq!(page.0, 403, "{}", attack.name);
        let heading = heading_of(attack.code);
        assert!(page.1.contains(heading), "{}: {}", attack.name, page.1);
        let same = attacks.iter().position(|it| heading_of(it.code) == heading);
        assert_eq!(
            *page,
            pages[same.unwrap()],
            "{} looks different",
            attack.name
        );
    }
    let log: String = gateway.log().iter().map(Value::to_string).collect();
    for attack in attacks {
        if let Some((_, token)) = attack.path.split_once("token=") {
            let signature = token.rsplit('.').next().unwrap();
            assert!(
                signature.len() < 20 || !log.contains(signature),
                "{} is in the log",
                attack.name
            );
        }
    }
}

#[test]
fn every_attack_gets_the_same_page_and_its_own_line() {
    let stage = Stage::new(CONFIG);
    let sent = || {
        let gateway = &stage.gateway;
        gateway.metric("portalctl_gateway_workos_requests_total")
    };
    // The check of the API key at the start.
    assert_eq!(sent(), Some(1.0));
    let mut attacks = tokens::wrong_claims(&stage);
    attacks.extend(tokens::wrong_tokens(&stage));
    attacks.extend(requests::wrong_requests(&stage));
    assert!(attacks.len() >= 50, "{}", attacks.len());
    refuse_all(&stage.gateway, &attacks);
    assert_eq!(
        stage.gateway.metric("portalctl_gateway_used_tokens"),
        Some(0.0)
    );
    // No attack made the gateway send a request to WorkOS.
    assert_eq!(sent(), Some(1.0));
}

#[test]
fn a_token_is_good_for_one_link_even_when_it_is_used_twice_at_once() {
    let stage = Stage::new(CONFIG);
    let path = format!("/portal/acme/sso?token={}", signed(&stage.claims()));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| stage.gateway.get(&path, &[]).status))
            .collect();
        tries.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let linked = statuses.iter().filter(|status| **status == 303).count();
    assert_eq!(linked, 1, "{statuses:?}");
    // The log tells of an answer after it was given: all four have to be there before the next.
    stage.gateway.audit(3);
    let replay = Attack::get("a replay", path, "gateway/token-replayed");
    assert_eq!(refuse(&stage.gateway, &replay).status, 403);
}

#[test]
fn a_public_key_is_no_secret_and_a_token_names_a_known_one() {
    // As long as a real one; nobody has its private half.
    let modulus = "wcHB".repeat(85) + "wQ";
    let jwks = format!(
        r#"{{"keys":[{{"kty":"RSA","kid":"app-1","alg":"RS256","use":"sig","n":"{modulus}","e":"AQAB"}},
        {{"kty":"OKP","kid":"app-2","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}]}}"#
    );
    let config = CONFIG.replace("secret_file: handoff.secret", "jwks_file: gateway.jwks");
    let stage = stage_with_jwks(&config, &jwks);
    let good = stage.claims().to_string();
    let by = |header: &str, secret: &str| token(header, &good, secret.as_bytes());
    let embedded = r#"{"alg":"EdDSA","kid":"app-2","jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}"#;
    refuse_all(
        &stage.gateway,
        &[
            Attack::token(
                "a public key as a secret",
                &by(r#"{"alg":"HS256","kid":"app-1"}"#, &modulus),
                "gateway/token-algorithm",
            ),
            Attack::token(
                "the JWKS as a secret",
                &by(r#"{"alg":"HS256","kid":"app-1"}"#, &jwks),
                "gateway/token-algorithm",
            ),
            Attack::token(
                "one key's algorithm with another",
                &by(r#"{"alg":"EdDSA","kid":"app-1"}"#, "x"),
                "gateway/token-algorithm",
            ),
            Attack::token(
                "an unknown key",
                &by(r#"{"alg":"RS256","kid":"evil"}"#, "x"),
                "gateway/token-key",
            ),
            Attack::token(
                "a key that is a path",
                &by(r#"{"alg":"RS256","kid":"../../etc/passwd"}"#, "x"),
                "gateway/token-key",
            ),
            Attack::token(
                "no key",
                &by(r#"{"alg":"RS256"}"#, "x"),
                "gateway/token-key",
            ),
            Attack::token(
                "a key of its own",
                &by(embedded, "x"),
                "gateway/token-header",
            ),
            Attack::token(
                "a signature of nobody",
                &by(r#"{"alg":"RS256","kid":"app-1"}"#, "x"),
                "gateway/token-signature",
            ),
        ],
    );
}

/// The usual stage, whose gateway reads a JWKS.
fn stage_with_jwks(config: &str, jwks: &str) -> Stage {
    let env = TestEnv::with_manifest(MANIFEST);
    env.write("gateway.yaml", config);
    env.write("gateway.jwks", jwks);
    let sandbox = SandboxServer::start(&env);
    let gateway = GatewayServer::start(&env, &sandbox, "");
    Stage {
        env,
        sandbox,
        gateway,
    }
}
