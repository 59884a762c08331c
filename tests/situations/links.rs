//! Tests that a link from the API is shown, opened or forwarded to only if it is an https link.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::cli::{KEY, TestEnv};
use crate::support::gateway::{CONFIG, GatewayServer, SECRET, claims, signed};
use crate::support::stand_in::StandIn;
use crate::support::wait;

const MANIFEST: &str = "\
version: 1
environment: { name: staging, api_key: test }
return_urls: { default: https://app.example.com/settings }
organizations:
  acme: { name: Acme, intents: [sso] }
";

/// A customer with every intent, of which one has a success URL of its own.
const EVERY_INTENT: &str = "\
version: 1
environment: { name: staging, api_key: test }
return_urls:
  default: https://app.example.com/settings
  success: { audit_logs: https://app.example.com/logs }
organizations:
  acme:
    name: Acme
    intents:
      - sso
      - dsync
      - domain_verification
      - audit_logs
      - log_streams
      - { intent: certificate_renewal, success_url: https://app.example.com/renewed }
      - bring_your_own_key
";

/// The success URL that belongs to each intent of [`EVERY_INTENT`].
const SUCCESS_URLS: [(&str, &str); 7] = [
    ("sso", "https://app.example.com/settings"),
    ("dsync", "https://app.example.com/settings"),
    ("domain_verification", "https://app.example.com/settings"),
    ("audit_logs", "https://app.example.com/logs"),
    ("log_streams", "https://app.example.com/settings"),
    ("certificate_renewal", "https://app.example.com/renewed"),
    ("bring_your_own_key", "https://app.example.com/settings"),
];

/// The body of the last request for a link.
fn last_link_body(workos: &StandIn) -> Value {
    let requests = workos.requests();
    let mut made = requests.iter().rev();
    let made = made.find(|request| request.path == "/portal/generate_link");
    made.unwrap().body.clone()
}

/// Text of every hostile link that must never be seen again.
const PAYLOAD: &str = "p4yl0ad";

/// Links that must not be shown, opened or forwarded to, with what is said of each.
fn hostile_links() -> Vec<(String, &'static str)> {
    let not_https = "does not begin with https://";
    let not_visible = "contains white space, a control character";
    let with = |text: &str| text.replace('@', PAYLOAD);
    vec![
        ("--version".to_owned(), "is not an absolute URL"),
        (with("javascript:alert('@')"), not_https),
        (with("file:///etc/passwd#@"), not_https),
        (with("data:text/html,@"), not_https),
        (with("https://a.example/\u{1b}]0;@\u{7}"), not_visible),
        (with("https://a.example/\n::error::@"), not_visible),
        (with("https://a.example/\u{202e}@"), not_visible),
        (with("https://a.example/@ x"), not_visible),
        (
            format!("https://workos.com@evil.example/{PAYLOAD}"),
            "has a user name",
        ),
        (with("https://workos.com\\@.example"), "no URL may contain"),
        (with("http://setup.workos.com/@"), "uses http"),
        (
            format!("https://a.example/{PAYLOAD}{}", "x".repeat(4096)),
            "is longer than 4096 bytes",
        ),
    ]
}

/// An account with one customer, and the answer to every request for a link.
fn answering(link: &str) -> StandIn {
    let workos = StandIn::of(|world| {
        world.organization("org_1", "Acme", &json!({"external_id": "acme"}));
    });
    workos.answer("POST", "/portal/generate_link", 201, json!({"link": link}));
    workos
}

/// A `BROWSER` that writes its arguments and its environment down.
fn recording_browser(env: &TestEnv) -> String {
    let script = "#!/bin/sh\n{ printf '%s\\n' \"$@\"; env; } > \"$HOME/seen.tmp\" \
                  && mv \"$HOME/seen.tmp\" \"$HOME/seen\"\n";
    env.write("browser", script);
    let path = env.path("browser");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_hostile_link_is_neither_printed_nor_opened() {
    for (link, why) in hostile_links() {
        let workos = answering(&link);
        let env = TestEnv::with_manifest(MANIFEST);
        let browser = recording_browser(&env);
        for line in [
            "link acme sso --allow-non-tty",
            "link acme sso --allow-non-tty --wait --timeout 1s",
            "link acme sso --open",
            "link acme sso --open --wait --timeout 1s -vv",
            "link acme sso --open -o json",
        ] {
            let run = env.run(line).env("BROWSER", &browser);
            let output = run.at_url(&workos.url()).exits(5);
            assert!(!output.stdout.contains(PAYLOAD), "{line}: {output}");
            assert!(!output.stderr.contains(PAYLOAD), "{line}: {output}");
            assert!(!output.stderr.contains('\u{1b}'), "{line}: {output}");
            assert!(!env.root().join("home/seen").exists(), "{line}");
            if line.ends_with("json") {
                let error = &output.json_of("link")["errors"][0];
                assert_eq!(error["code"], "api/invalid-answer", "{output}");
                assert!(error["message"].as_str().unwrap().contains(why), "{error}");
            } else {
                assert_eq!(output.stdout, "", "{line}: {output}");
                let said = &output.stderr;
                assert!(said.contains("error[api/invalid-answer]"), "{output}");
                assert!(said.contains(why), "{link:?}: {output}");
            }
        }
    }
}

#[test]
fn plain_http_is_a_link_of_this_machine_only() {
    let env = TestEnv::with_manifest(MANIFEST);
    let line = "link acme sso --allow-non-tty -q";
    for link in [
        "http://127.0.0.1:4100/portal/x",
        "http://localhost/portal/x",
        "https://setup.workos.com?token=one",
    ] {
        let workos = answering(link);
        let output = env.run(line).at_url(&workos.url()).exits(0);
        assert_eq!(output.stdout, format!("{link}\n"));
    }
}

#[test]
fn doctor_says_that_the_links_of_an_account_are_not_links() {
    let workos = answering("file:///etc/p4yl0ad");
    let env = TestEnv::with_manifest(MANIFEST);
    let run = env.run("doctor --link-test acme -o json");
    let output = run.at_url(&workos.url()).output();
    assert!(!output.stdout.contains(PAYLOAD), "{output}");
    let document = output.json_of("doctor");
    let checks = document["checks"].as_array().unwrap().iter();
    let named = |check: &&Value| check["id"] == "portal-link";
    let check = checks.clone().find(named).unwrap();
    assert_eq!(check["code"], "api/invalid-answer", "{check}");
}

#[test]
fn the_browser_sees_the_link_and_no_key() {
    let workos = answering("https://setup.workos.com?token=one");
    let env = TestEnv::with_manifest(MANIFEST);
    let browser = recording_browser(&env);
    let run = env.run("link acme sso --open").env("BROWSER", &browser);
    let run = run.env("PORTALCTL_SECRET", "p4yl0ad").env("EDITOR", "kept");
    let _ = run.at_url(&workos.url()).exits(0);
    let seen = env.root().join("home/seen");
    let seen = wait::until("the browser", || fs::read_to_string(&seen).ok());
    assert!(
        seen.starts_with("https://setup.workos.com/?token=one\n"),
        "{seen}"
    );
    for hidden in [KEY, "WORKOS_API_KEY", "WORKOS_API_URL", PAYLOAD] {
        assert!(!seen.contains(hidden), "{hidden}: {seen}");
    }
    assert!(seen.contains("EDITOR=kept"), "{seen}");
}

#[test]
fn the_gateway_redirects_to_no_hostile_link() {
    for (link, why) in hostile_links() {
        let workos = answering(&link);
        let env = TestEnv::with_manifest(MANIFEST);
        env.write("gateway.yaml", CONFIG);
        env.write("handoff.secret", SECRET);
        let serve = "serve --listen 127.0.0.1:0 --config gateway.yaml";
        let gateway = GatewayServer::of(env.run(serve).at_url(&workos.url()));
        let token = signed(&claims(&gateway.url()));
        let answer = gateway.get(&format!("/portal/acme/sso?token={token}"), &[]);
        assert_eq!(answer.status, 502, "{link:?}: {answer:?}");
        assert!(!answer.headers.contains_key("location"), "{answer:?}");
        assert!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
        assert!(!answer.body.contains(PAYLOAD), "{answer:?}");
        let audit = gateway.audit(0);
        assert_eq!(audit["code"], "api/invalid-answer", "{audit}");
        let log = Value::from(gateway.log()).to_string();
        assert!(log.contains(why) && !log.contains(PAYLOAD), "{log}");
    }
}

#[test]
fn a_link_for_every_intent_has_a_success_url() {
    let workos = answering("https://setup.workos.com?token=one");
    let env = TestEnv::with_manifest(EVERY_INTENT);
    for (intent, success_url) in SUCCESS_URLS {
        let line = format!("link acme {intent} --allow-non-tty");
        let output = env.run(&line).at_url(&workos.url()).exits(0);
        let body = last_link_body(&workos);
        assert_eq!(body["success_url"], success_url, "{intent}");
        assert_eq!(
            body["return_url"], "https://app.example.com/settings",
            "{intent}"
        );
        let told = format!("success URL  {success_url}  (");
        assert!(output.stderr.contains(&told), "{output}");
    }
}

#[test]
fn the_gateway_leads_back_who_finishes_any_intent() {
    for (returns, all_of) in [("direct", None), ("page", Some("/return/acme/"))] {
        let workos = answering("https://setup.workos.com?token=one");
        let env = TestEnv::with_manifest(EVERY_INTENT);
        env.write("gateway.yaml", &format!("{CONFIG}returns: {returns}\n"));
        env.write("handoff.secret", SECRET);
        let serve = "serve --listen 127.0.0.1:0 --config gateway.yaml";
        let gateway = GatewayServer::of(env.run(serve).at_url(&workos.url()));
        for (intent, success_url) in SUCCESS_URLS {
            let mut claims = claims(&gateway.url());
            claims["intents"] = json!([intent]);
            let token = signed(&claims);
            let answer = gateway.get(&format!("/portal/acme/{intent}?token={token}"), &[]);
            assert_eq!(answer.status, 303, "{returns} {intent}: {answer:?}");
            let body = last_link_body(&workos);
            let sent = body["success_url"].as_str().unwrap();
            match all_of {
                None => assert_eq!(sent, success_url, "{intent}"),
                Some(path) => assert!(sent.ends_with(&format!("{path}{intent}")), "{sent}"),
            }
        }
    }
}

#[test]
fn the_gateway_serves_a_key_with_the_longest_namespace_in_front() {
    let longest = "k".repeat(63);
    let namespace = format!("n{}", "s".repeat(62));
    let key = format!("{namespace}.{longest}");
    let workos = StandIn::of(|world| {
        world.organization("org_1", "Acme", &json!({"external_id": key}));
    });
    let env = TestEnv::new();
    env.write(
        "portal.yaml",
        &format!(
            "apiVersion: portalctl.dev/v1alpha1\nkind: PortalEnvironment\n\
             metadata: {{ name: staging, namespace: portal }}\nspec:\n  \
             secretRef: {{ name: workos, key: api-key }}\n  apiKey: test\n  \
             allowedNamespaces: [\"*\"]\n  \
             returnUrls: {{ default: \"https://app.example.com/settings\" }}\n---\n\
             apiVersion: portalctl.dev/v1alpha1\nkind: PortalOrganization\n\
             metadata: {{ name: {longest}, namespace: {namespace} }}\nspec:\n  \
             environmentRef: {{ name: staging, namespace: portal }}\n  name: Acme\n  \
             intents: [{{ intent: sso }}]\n"
        ),
    );
    env.write("gateway.yaml", CONFIG);
    env.write("handoff.secret", SECRET);
    let serve = "serve --listen 127.0.0.1:0 --config gateway.yaml";
    let gateway = GatewayServer::of(env.run(serve).at_url(&workos.url()));
    let hand_over = |key: &str| {
        let mut claims = claims(&gateway.url());
        claims["organization"] = json!(key);
        let token = signed(&claims);
        gateway.get(&format!("/portal/{key}/sso?token={token}"), &[])
    };
    let answer = hand_over(&key);
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookie = answer.cookie();
    let back = format!("/return/{key}/sso");
    let returned = gateway.get(&back, &[("Cookie", cookie.as_str())]);
    assert_eq!(returned.status, 200, "{returned:?}");
    assert!(returned.body.contains("Not finished"), "{returned:?}");
    // One letter more is no key of anybody.
    assert_eq!(hand_over(&format!("{key}k")).status, 403);
}
