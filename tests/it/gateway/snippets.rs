//! Runs the code examples of docs/guides/gateway.md as they stand there: each makes an address that
//! the gateway accepts.

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::response::{IntoResponse, Redirect};
use jsonwebtoken::{EncodingKey, Header};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::watched;
use crate::conformance::api_client::node_modules;
use crate::support::cli::TestEnv;
use crate::support::gateway::{CONFIG, MANIFEST, SECRET, Stage, ask};
use crate::support::wait;

/// Address of the gateway in the guide's examples.
const PORTAL: &str = "https://portal.example.com";

/// A block of code of the guide, by its language.
#[track_caller]
fn lines_of_the_guide(language: &str) -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides/gateway.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let (_, rest) = guide.split_once(&format!("\n```{language}\n")).unwrap();
    let (lines, _) = rest.split_once("\n```\n").unwrap();
    assert!(lines.lines().count() <= 15, "{language} takes too long");
    assert!(lines.contains(PORTAL), "{lines}");
    lines.to_owned()
}

/// Returns a program with the guide's lines in place of its word LINES, at the same indentation,
/// for a gateway.
#[track_caller]
fn program(language: &str, around: &str, url: &str) -> String {
    let lines = lines_of_the_guide(language).replace(PORTAL, url);
    let place = around.lines().find(|line| line.trim() == "LINES").unwrap();
    let indent = place.trim_end_matches("LINES");
    let lines: Vec<String> = lines.lines().map(|it| format!("{indent}{it}")).collect();
    around.replace(place, &lines.join("\n"))
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
    let text = program(language, around, &stage.gateway.url());
    stage.env.write(file, &text);
    let output = command(&stage.env)
        .arg(file)
        .current_dir(stage.env.path(""))
        .env("HANDOFF_SECRET", SECRET)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}\n{text}");
    let address = String::from_utf8(output.stdout).unwrap();
    let path = address.trim().strip_prefix(&stage.gateway.url());
    let path = path.unwrap_or_else(|| panic!("{address:?}"));
    let answer = stage.gateway.get(path, &[]);
    assert_eq!(answer.status, 303, "{:#?}", stage.gateway.log());
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
    leads_to_the_portal("go", "main.go", around, |env| {
        for name in ["go.mod", "go.sum"] {
            let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go");
            let text = std::fs::read_to_string(module.join(name)).unwrap();
            env.write(name, &text);
        }
        let mut command = Command::new(&go);
        command.args(["run", "-mod=readonly"]);
        command
    });
}

/// A user who is logged in at an app.
struct User {
    id: &'static str,
}

/// Redirects a user to the gateway as an app in Rust would; the guide has the same lines.
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_for_rust_are_good() {
    let here: Vec<&str> = include_str!("snippets.rs").lines().map(str::trim).collect();
    let lines = lines_of_the_guide("rust");
    let lines: Vec<&str> = lines.lines().map(str::trim).collect();
    let is_here = here.windows(lines.len()).any(|window| window == lines);
    assert!(is_here, "the guide has other lines");

    let env = TestEnv::new();
    let (_tell, customers) = watch::channel(watched::desired(&env, MANIFEST));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let gateway = watched::gateway(&env, PORTAL, customers);
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
        ask(&address, "GET", path, &[], "").status
    });
    assert_eq!(asking.await.unwrap(), 303);
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}
