//! Tests tokens by the usual libraries of other languages, and changes of keys.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::conformance::api_client::node_modules;
use crate::support::cli::TestEnv;
use crate::support::gateway::{CONFIG, GatewayServer, ISSUER, MANIFEST, SECRET, claims, part};
use crate::support::http::Canned;
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

/// A gateway for tokens of one kind of keys.
struct Stage {
    env: TestEnv,
    _sandbox: SandboxServer,
    gateway: GatewayServer,
}

impl Stage {
    #[track_caller]
    fn new(keys: &str, files: &[(&str, &str)]) -> Self {
        let env = TestEnv::with_manifest(MANIFEST);
        env.write(
            "gateway.yaml",
            &CONFIG.replace("secret_file: handoff.secret", keys),
        );
        for (name, text) in files {
            env.write(name, text);
        }
        let sandbox = SandboxServer::start(&env);
        let _ = env.run("apply --yes").at(&sandbox).exits(0);
        let gateway = GatewayServer::start(&env, &sandbox, "");
        Self {
            env,
            _sandbox: sandbox,
            gateway,
        }
    }

    fn status(&self, token: &str) -> u16 {
        let path = format!("/portal/acme/sso?token={token}");
        self.gateway.get(&path, &[]).status
    }
}

/// A key of the tests, by a seed.
pub(super) struct Signer {
    id: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    pub(super) fn new(id: &'static str, seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        Self { id, pair }
    }

    pub(super) fn jwk(&self) -> Value {
        use base64::Engine as _;
        let x = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.pair.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": x, "use": "sig", "alg": "EdDSA" })
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_with_header(&json!({ "alg": "EdDSA", "kid": self.id }), claims)
    }

    pub(super) fn sign_with_header(&self, header: &Value, claims: &Value) -> String {
        use base64::Engine as _;
        let message = format!(
            "{}.{}",
            part(&header.to_string()),
            part(&claims.to_string())
        );
        let signature = self.pair.sign(message.as_bytes());
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature);
        format!("{message}.{signature}")
    }
}

#[test]
fn keys_behind_an_address_are_asked_for_again_when_one_is_unknown_but_not_without_bound() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    let published = Arc::new(Mutex::new((json!({ "keys": [old.jwk()] }), 0)));
    let answered = Arc::clone(&published);
    let address = Canned::serve(move |_, _, _| {
        let mut published = answered.lock().unwrap();
        published.1 += 1;
        (200, String::new(), published.0.to_string())
    });
    let url = format!("jwks_url: \"{}/jwks.json\"", address.url());
    let stage = Stage::new(&url, &[]);
    let token = |signer: &Signer| signer.sign(&claims(&stage.gateway.url()));
    assert_eq!(stage.status(&token(&old)), 303);
    assert_eq!(published.lock().unwrap().1, 1);
    // Asked for a moment ago: the new key has to wait, whoever asks how often.
    published.lock().unwrap().0 = json!({ "keys": [old.jwk(), new.jwk()] });
    for _ in 0..20 {
        assert_eq!(stage.status(&token(&new)), 403);
    }
    assert_eq!(published.lock().unwrap().1, 1);
}

#[test]
fn keys_of_a_file_are_read_again_when_it_changes() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    let jwks = |signers: &[&Signer]| {
        let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
        json!({ "keys": keys }).to_string()
    };
    let stage = Stage::new("jwks_file: app.jwks", &[("app.jwks", &jwks(&[&old]))]);
    let token = |signer: &Signer| signer.sign(&claims(&stage.gateway.url()));
    assert_eq!(
        (stage.status(&token(&old)), stage.status(&token(&new))),
        (303, 403)
    );
    stage.env.write("app.jwks", &jwks(&[&new, &old]));
    wait::until("the new key", || {
        (stage.status(&token(&new)) == 303).then_some(())
    });
    assert_eq!(stage.status(&token(&old)), 303);
}

/// Runs a script that signs tokens with another library, and checks that the gateway accepts each
/// of them with the published keys.
#[track_caller]
fn assert_library_tokens_accepted(command: &mut Command) {
    let stage = Stage::new(
        "jwks_file: app.jwks",
        &[(
            "app.jwks",
            &json!({ "keys": [Signer::new("none", 9).jwk()] }).to_string(),
        )],
    );
    let secrets = Stage::new("secret_file: handoff.secret", &[("handoff.secret", SECRET)]);
    let output = command
        .arg(ISSUER)
        .args([stage.gateway.url(), secrets.gateway.url()])
        .arg(SECRET)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    stage.env.write("app.jwks", &made["jwks"].to_string());
    wait::until("the library's keys", || {
        let name = r#"portalctl_gateway_reloads_total{what="keys",outcome="read"}"#;
        stage.gateway.metric(name)
    });
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let token = made["tokens"][algorithm].as_str().unwrap();
        assert_eq!(
            stage.status(token),
            303,
            "{algorithm}: {:#?}",
            stage.gateway.log()
        );
    }
    let token = made["tokens"]["HS256"].as_str().unwrap();
    assert_eq!(secrets.status(token), 303, "{:#?}", secrets.gateway.log());
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

#[test]
fn tokens_of_jose_for_node_are_good() {
    let Some(modules) = node_modules() else {
        return;
    };
    let mut node = Command::new("node");
    assert_library_tokens_accepted(node.arg(script("node/handoff.mjs")).arg(modules));
}

#[test]
fn tokens_of_pyjwt_are_good() {
    let Some(python) = std::env::var_os("PORTALCTL_PYTHON") else {
        let required = std::env::var("PORTALCTL_REQUIRE_PYTHON").is_ok_and(|it| it == "1");
        assert!(!required, "PORTALCTL_PYTHON is not set, and it is required");
        println!("skipped: set PORTALCTL_PYTHON to a python that has scripts/requirements.txt");
        return;
    };
    assert_library_tokens_accepted(Command::new(python).arg(script("python/handoff.py")));
}
