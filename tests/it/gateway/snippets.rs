//! Runs the snippets of docs/guides/gateway.md and docs/guides/gateway-snippets.md as they stand
//! there: each that signs makes an address that the gateway accepts, and each that verifies accepts
//! the gateway's results and refuses changed ones.

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::response::{IntoResponse, Redirect};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::tokens::Signer;
use super::watched;
use crate::conformance::api_client::node_modules;
use crate::support::cli::TestEnv;
use crate::support::gateway::{
    CONFIG, ISSUER, MANIFEST, SECRET, Stage, ask, claims, now, part, signed, token,
};
use crate::support::http::Canned;
use crate::support::wait;

/// Address of the gateway in the snippets.
const PORTAL: &str = "https://portal.example.com";
/// Text that is in each snippet that signs a token, and in no other.
const SIGN: &str = "/portal/acme/sso?token=";
/// Text that is in each snippet that verifies a result, and in no other.
const VERIFY: &str = "portalctl-result+jwt";
/// Path of the published keys.
const KEYS: &str = "/.well-known/jwks.json";

/// Configuration of a gateway that sends the browser back with a result and publishes its keys.
fn config_with_results() -> String {
    format!("{CONFIG}returns: forward\nsecret_file: handoff.secret\nresult_keys: published\n")
}

/// Returns the one snippet of a language that contains a text.
#[track_caller]
fn snippet(language: &str, text: &str) -> String {
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides");
    let pages = ["gateway.md", "gateway-snippets.md"]
        .map(|page| std::fs::read_to_string(guides.join(page)).unwrap());
    let pages = pages.join("\n");
    let opening = format!("\n```{language}\n");
    let blocks = pages.split(&opening).skip(1);
    let blocks = blocks.map(|rest| rest.split_once("\n```\n").unwrap().0);
    let blocks: Vec<&str> = blocks.filter(|block| block.contains(text)).collect();
    let [lines] = blocks.as_slice() else {
        panic!("{language} has {} snippets with {text}", blocks.len());
    };
    assert!(lines.lines().count() <= 15, "{language} takes too long");
    (*lines).to_owned()
}

#[test]
fn every_language_signs_and_verifies() {
    for language in [
        "ts", "python", "ruby", "go", "rust", "php", "java", "csharp",
    ] {
        assert!(snippet(language, SIGN).contains(PORTAL), "{language}");
        let lines = snippet(language, VERIFY);
        for checked in [PORTAL, ISSUER, "handoff"] {
            assert!(lines.contains(checked), "{language}: {checked}");
        }
    }
}

/// Returns a program with the snippet in place of its word LINES, at the same indentation, for a
/// gateway.
#[track_caller]
fn program(lines: &str, around: &str, url: &str) -> String {
    let place = around.lines().find(|line| line.trim() == "LINES").unwrap();
    let indent = place.trim_end_matches("LINES");
    let lines = lines.replace(PORTAL, url);
    let lines: Vec<String> = lines.lines().map(|it| format!("{indent}{it}")).collect();
    around.replace(place, &lines.join("\n"))
}

/// Runs a program in the folder of a test; returns what it prints.
#[track_caller]
fn output(command: &mut Command, env: &TestEnv) -> String {
    let output = command
        .current_dir(env.path(""))
        .env("HANDOFF_SECRET", SECRET)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// Writes the program, runs it, and opens the address that it prints.
#[track_caller]
fn leads_to_the_portal(
    language: &str,
    file: &str,
    around: &str,
    command: impl Fn(&TestEnv) -> Command,
) {
    let stage = Stage::new(CONFIG);
    let text = program(&snippet(language, SIGN), around, &stage.gateway.url());
    stage.env.write(file, &text);
    let address = output(command(&stage.env).arg(file), &stage.env);
    let path = address.trim().strip_prefix(&stage.gateway.url());
    let path = path.unwrap_or_else(|| panic!("{address:?}\n{text}"));
    let answer = stage.gateway.get(path, &[]);
    assert_eq!(answer.status, 303, "{:#?}", stage.gateway.log());
}

/// Result, with the `handoff` of the session that it comes to.
struct Case {
    what: &'static str,
    result: String,
    handoff: Option<String>,
    is_good: bool,
}

impl Case {
    fn new(what: &'static str, result: &str, handoff: &str) -> Self {
        Self {
            what,
            result: result.to_owned(),
            handoff: Some(handoff.to_owned()),
            is_good: what == "good",
        }
    }
}

/// Returns a result that a gateway makes of a set-up that nobody finished, good and changed.
#[track_caller]
fn results_of_the_gateway(address: &str, audience: &str) -> Vec<Case> {
    let claims = claims(audience);
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    let linked = ask(address, "GET", &path, &[], "");
    let cookie = linked.cookie();
    let headers = [("Cookie", cookie.as_str())];
    let back = ask(address, "GET", "/return/acme/sso", &headers, "");
    let (_, result) = back.headers["location"]
        .split_once("?portal_result=")
        .unwrap();
    let parts: Vec<&str> = result.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        panic!("{result}");
    };
    let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert!(payload.contains("not_finished"), "{payload}");
    let done = payload.replace("not_finished", "done");
    let changed = format!("{header}.{}.{signature}", part(&done));
    let handoff = claims["jti"].as_str().unwrap();
    vec![
        Case::new("good", result, handoff),
        Case::new("changed", &changed, handoff),
        Case::new("of another session", result, "handoff-2"),
        Case {
            handoff: None,
            ..Case::new("of no session", result, handoff)
        },
    ]
}

/// Returns results with the gateway's claims under a key of the test, good and each wrong in one way.
fn results_of_a_key(signer: &Signer, issuer: &str) -> Vec<Case> {
    let header = json!({ "alg": "EdDSA", "kid": "gateway", "typ": "portalctl-result+jwt" });
    let now = now();
    let claims = json!({
        "iss": issuer, "aud": ISSUER, "sub": "ada", "organization": "acme", "intent": "sso",
        "state": "not_finished", "handoff": "handoff-1", "iat": now, "exp": now + 60, "jti": "1",
    });
    let without = |claim: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(claim);
        signer.sign_with_header(&header, &claims)
    };
    let with = |claim: &str, value: Value| {
        let mut claims = claims.clone();
        claims[claim] = value;
        signer.sign_with_header(&header, &claims)
    };
    let typed = json!({ "alg": "EdDSA", "kid": "gateway", "typ": "JWT" });
    let unsigned = json!({ "alg": "none", "kid": "gateway", "typ": "portalctl-result+jwt" });
    let symmetric = json!({ "alg": "HS256", "kid": "gateway", "typ": "portalctl-result+jwt" });
    let public = signer.jwk()["x"].as_str().unwrap().to_owned();
    let public = URL_SAFE_NO_PAD.decode(public).unwrap();
    let text = claims.to_string();
    let results = [
        ("good", signer.sign_with_header(&header, &claims)),
        (
            "of another app",
            with("aud", json!("https://other.example.com")),
        ),
        ("of no app", without("aud")),
        (
            "of another gateway",
            with("iss", json!("https://other.example.com")),
        ),
        ("of no gateway", without("iss")),
        ("of another session", with("handoff", json!("handoff-2"))),
        ("of no session", without("handoff")),
        ("expired", with("exp", json!(now - 10))),
        ("without end", without("exp")),
        ("of another type", signer.sign_with_header(&typed, &claims)),
        (
            "of another key",
            Signer::new("gateway", 2).sign_with_header(&header, &claims),
        ),
        (
            "unsigned",
            format!("{}.{}.", part(&unsigned.to_string()), part(&text)),
        ),
        (
            "by the public key",
            token(&symmetric.to_string(), &text, &public),
        ),
    ];
    let cases = results.map(|(what, result)| Case::new(what, &result, "handoff-1"));
    cases.into()
}

/// Checks that a snippet returned the state of good results, and refused the others.
#[track_caller]
fn assert_verified(cases: &[Case], answers: &[String]) {
    assert_eq!(cases.len(), answers.len(), "{answers:?}");
    for (case, answer) in cases.iter().zip(answers) {
        let is_as_wanted = if case.is_good {
            answer == "not_finished"
        } else {
            answer.starts_with("refused: ")
        };
        assert!(is_as_wanted, "{}: {answer}", case.what);
    }
}

/// Runs the lines that verify on results of a gateway, and on wrong ones. The program gets them as
/// JSON in CASES, and prints the state of each, or `refused: ` and the reason.
#[track_caller]
fn verifies_results(
    language: &str,
    file: &str,
    around: &str,
    command: impl Fn(&TestEnv) -> Command,
) {
    let stage = Stage::new(&config_with_results());
    let judge = |url: &str, cases: &[Case]| {
        let text = program(&snippet(language, VERIFY), around, url);
        stage.env.write(file, &text);
        let given = cases.iter();
        let given = given.map(|it| json!({ "result": it.result, "handoff": it.handoff }));
        let given = given.collect::<Value>().to_string();
        let printed = output(
            command(&stage.env).arg(file).env("CASES", given),
            &stage.env,
        );
        let answers: Vec<String> = serde_json::from_str(&printed).unwrap();
        assert_verified(cases, &answers);
    };
    let url = stage.gateway.url();
    judge(&url, &results_of_the_gateway(&stage.gateway.address, &url));

    let signer = Signer::new("gateway", 1);
    let keys = json!({ "keys": [signer.jwk()] }).to_string();
    let published = Canned::serve(move |_, path, _| {
        assert_eq!(path, KEYS);
        (200, String::new(), keys.clone())
    });
    judge(
        &published.url(),
        &results_of_a_key(&signer, &published.url()),
    );
}

/// The program of a language, by the variable that names it.
#[track_caller]
fn found(language: &str) -> Option<PathBuf> {
    let named = std::env::var_os(format!("PORTALCTL_{language}")).map(PathBuf::from);
    if named.is_none() {
        let required = std::env::var(format!("PORTALCTL_REQUIRE_{language}"));
        let is_required = required.is_ok_and(|it| it == "1");
        assert!(!is_required, "PORTALCTL_{language} is not set");
        println!("skipped: set PORTALCTL_{language}, as CONTRIBUTING.md says");
    }
    named
}

#[test]
fn the_lines_for_typescript_are_good() {
    let Some(modules) = node_modules() else {
        return;
    };
    let jose = modules.join("jose/dist/webapi/index.js");
    let around = format!(
        "import {{ SignJWT }} from '{}';
const user = {{ id: 'ada' }};
async function handOver() {{
  LINES
}}
console.log((await handOver()).headers.get('location'));
",
        jose.display()
    );
    leads_to_the_portal("ts", "handoff.mjs", &around, |_| Command::new("node"));
}

#[test]
fn results_are_verified_in_typescript() {
    let Some(modules) = node_modules() else {
        return;
    };
    let jose = modules.join("jose/dist/webapi/index.js");
    let around = format!(
        "import {{ createRemoteJWKSet, jwtVerify }} from '{}';
async function verify(portalResult, handoff) {{
  LINES
}}
const answers = [];
for (const {{ result, handoff }} of JSON.parse(process.env.CASES)) {{
  answers.push(await verify(result, handoff).catch((error) => `refused: ${{error.message}}`));
}}
console.log(JSON.stringify(answers));
",
        jose.display()
    );
    verifies_results("ts", "verify.mjs", &around, |_| Command::new("node"));
}

#[test]
fn the_lines_for_python_are_good() {
    let Some(python) = found("PYTHON") else {
        return;
    };
    let around = "import os, time, uuid
from types import SimpleNamespace
import jwt
def redirect(url, code):
    return url if code == 303 else None
def hand_over(user):
    LINES
print(hand_over(SimpleNamespace(id='ada')))
";
    leads_to_the_portal("python", "handoff.py", around, |_| Command::new(&python));
}

#[test]
fn results_are_verified_in_python() {
    let Some(python) = found("PYTHON") else {
        return;
    };
    let around = "import json, os
import jwt
def verify(portal_result, handoff):
    LINES
answers = []
for case in json.loads(os.environ['CASES']):
    try:
        answers.append(verify(case['result'], case['handoff']))
    except jwt.InvalidTokenError as error:
        answers.append(f'refused: {error}')
print(json.dumps(answers))
";
    verifies_results("python", "verify.py", around, |_| Command::new(&python));
}

/// `make test` installs no Ruby: this runs where somebody names one.
#[test]
fn the_lines_for_ruby_are_good() {
    let Some(ruby) = found("RUBY") else {
        return;
    };
    let around = "require 'jwt'
require 'securerandom'
def redirect_to(url, status:, allow_other_host:)
  puts url if status == 303 && allow_other_host
end
def hand_over(user)
  LINES
end
hand_over(Struct.new(:id).new('ada'))
";
    leads_to_the_portal("ruby", "handoff.rb", around, |_| Command::new(&ruby));
}

#[test]
fn results_are_verified_in_ruby() {
    let Some(ruby) = found("RUBY") else {
        return;
    };
    let around = "require 'json'
require 'jwt/eddsa'
require 'net/http'
class Integer
  def minutes = self * 60
end
class Rails
  def self.cache = self
  def self.fetch(_name, expires_in:) = yield
end
def verify(portal_result, handoff)
  LINES
end
answers = JSON.parse(ENV.fetch('CASES')).map do |it|
  verify(it['result'], it['handoff'])
rescue JWT::DecodeError => e
  \"refused: #{e.message}\"
end
puts JSON.generate(answers)
";
    verifies_results("ruby", "verify.rb", around, |_| Command::new(&ruby));
}

#[test]
fn the_lines_for_go_are_good() {
    let Some(go) = found("GO") else {
        return;
    };
    let around = r#"package main
import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)
func handOver(w http.ResponseWriter, r *http.Request, user struct{ ID string }) error {
	LINES
	return nil
}

func main() {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	if err := handOver(w, r, struct{ ID string }{"ada"}); err != nil {
		panic(err)
	}
	fmt.Println(w.Header().Get("Location"))
}
"#;
    leads_to_the_portal("go", "main.go", around, |env| go_run(&go, env));
}

/// Returns the command that runs a file of Go, beside the modules of the tests.
fn go_run(go: &Path, env: &TestEnv) -> Command {
    for name in ["go.mod", "go.sum"] {
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go");
        let text = std::fs::read_to_string(module.join(name)).unwrap();
        env.write(name, &text);
    }
    let mut command = Command::new(go);
    command.args(["run", "-mod=readonly"]);
    command
}

#[test]
fn results_are_verified_in_go() {
    let Some(go) = found("GO") else {
        return;
    };
    let around = r#"package main
import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)
func verify(ctx context.Context, portalResult, handoff string) (string, error) {
	LINES
}
func main() {
	var cases []struct{ Result, Handoff string }
	if err := json.Unmarshal([]byte(os.Getenv("CASES")), &cases); err != nil {
		panic(err)
	}
	var answers []string
	for _, it := range cases {
		state, err := verify(context.Background(), it.Result, it.Handoff)
		if err != nil {
			state = "refused: " + err.Error()
		}
		answers = append(answers, state)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
"#;
    verifies_results("go", "main.go", around, |env| go_run(&go, env));
}

/// A user who is logged in at an app.
struct User {
    id: &'static str,
}

/// Redirects a user to the gateway as an app in Rust would; the page has the same lines.
fn hand_over(user: &User, secret: &str) -> Result<Redirect, jsonwebtoken::errors::Error> {
    let now = jsonwebtoken::get_current_timestamp();
    let claims = serde_json::json!({
        "iss": "https://app.example.com", "aud": "https://portal.example.com",
        "sub": user.id, "organization": "acme", "intents": ["sso"], "role": "it_admin",
        "iat": now, "exp": now + 60, "jti": uuid::Uuid::new_v4().to_string(),
    });
    let key = EncodingKey::from_secret(secret.as_bytes());
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key)?;
    let address = format!("https://portal.example.com/portal/acme/sso?token={token}");
    Ok(Redirect::to(&address))
}

/// Claims of a result that an app reads.
#[derive(Deserialize)]
struct Claims {
    handoff: String,
    state: String,
}

/// Verifies a result as an app in Rust would; the page has the same lines.
fn verify(
    portal_result: &str,
    keys: &JwkSet,
    handoff: Option<&str>,
) -> Result<String, jsonwebtoken::errors::Error> {
    let header = jsonwebtoken::decode_header(portal_result)?;
    let key = keys.find(header.kid.as_deref().unwrap_or_default());
    let key = DecodingKey::from_jwk(key.ok_or(ErrorKind::InvalidSignature)?)?;
    let mut checks = Validation::new(Algorithm::EdDSA);
    checks.leeway = 5;
    checks.set_required_spec_claims(&["exp", "iss", "aud"]);
    checks.set_issuer(&["https://portal.example.com"]);
    checks.set_audience(&["https://app.example.com"]);
    let claims = jsonwebtoken::decode::<Claims>(portal_result, &key, &checks)?.claims;
    let is_result = header.typ.as_deref() == Some("portalctl-result+jwt");
    if !is_result || Some(claims.handoff.as_str()) != handoff {
        return Err(ErrorKind::InvalidToken.into());
    }
    Ok(claims.state)
}

/// Checks that the Rust lines of the pages are those of this file.
#[track_caller]
fn assert_lines_of_this_file(lines: &str) {
    let here: Vec<&str> = include_str!("snippets.rs").lines().map(str::trim).collect();
    let lines: Vec<&str> = lines.lines().map(str::trim).collect();
    let is_here = here.windows(lines.len()).any(|window| window == lines);
    assert!(is_here, "the page has other lines: {lines:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_for_rust_are_good() {
    assert_lines_of_this_file(&snippet("rust", SIGN));
    assert_lines_of_this_file(&snippet("rust", VERIFY));

    let env = TestEnv::new();
    let (_tell, customers) = watch::channel(watched::desired(&env, MANIFEST));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let gateway = watched::gateway(&env, &config_with_results(), PORTAL, customers);
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(gateway.serve(listener, shutdown.clone()));
    let asking = tokio::task::spawn_blocking(move || {
        wait::until("readiness", || {
            (ask(&address, "GET", "/readyz", &[], "").status == 200).then_some(())
        });
        let redirect = hand_over(&User { id: "ada" }, SECRET)
            .unwrap()
            .into_response();
        assert_eq!(redirect.status(), 303);
        let location = redirect.headers()["location"].to_str().unwrap();
        let path = location.strip_prefix(PORTAL).unwrap();
        assert_eq!(ask(&address, "GET", path, &[], "").status, 303);

        let judge = |keys: &str, cases: &[Case]| {
            let keys: JwkSet = serde_json::from_str(keys).unwrap();
            let answers = cases.iter().map(|it| {
                let state = verify(&it.result, &keys, it.handoff.as_deref());
                state.unwrap_or_else(|error| format!("refused: {error}"))
            });
            assert_verified(cases, &answers.collect::<Vec<_>>());
        };
        let published = ask(&address, "GET", KEYS, &[], "").body;
        judge(&published, &results_of_the_gateway(&address, PORTAL));
        let signer = Signer::new("gateway", 1);
        let keys = json!({ "keys": [signer.jwk()] }).to_string();
        judge(&keys, &results_of_a_key(&signer, PORTAL));
    });
    asking.await.unwrap();
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}
