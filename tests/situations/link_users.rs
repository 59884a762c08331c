//! Tests that a link belongs to a user and is revoked by that user's id, and that IT contacts get
//! access only by a flag.

use serde_json::{Value, json};

use crate::support::cli::{Output, TestEnv};
use crate::support::gateway::{CONFIG, GatewayServer, SECRET, claims, signed};
use crate::support::stand_in::{Request, StandIn};

const MANIFEST: &str = "\
version: 1
environment: { name: staging, api_key: test }
return_urls: { default: https://app.example.com/settings }
organizations:
  acme:
    name: Acme
    intents: [sso]
    it_contacts: [ada@acme.example, bob@acme.example]
  globex: { name: Globex, intents: [sso] }
";

fn workos() -> StandIn {
    StandIn::of(|world| {
        world.organization("org_1", "Acme", &json!({"external_id": "acme"}));
        world.organization("org_2", "Globex", &json!({"external_id": "globex"}));
    })
}

fn run(workos: &StandIn, line: &str, exit: i32) -> Output {
    let env = TestEnv::with_manifest(MANIFEST);
    let run = env.run(line).at_url(&workos.url());
    run.env("BROWSER", "/bin/true").exits(exit)
}

/// The requests of a path, in order of arrival.
fn sent(workos: &StandIn, path: &str) -> Vec<Request> {
    let mut requests = workos.requests();
    requests.retain(|request| request.path == path);
    requests
}

fn link_body(workos: &StandIn) -> Value {
    let made = sent(workos, "/portal/generate_link");
    made.last().unwrap().body.clone()
}

#[test]
fn a_link_carries_the_user_it_is_for() {
    let workos = workos();
    let output = run(&workos, "link acme sso --allow-non-tty --user user-7", 0);
    assert_eq!(link_body(&workos)["external_user_id"], "user-7");
    assert!(output.stderr.contains("user         user-7"), "{output}");
    let line = "link acme sso --open --user user-7 -o json";
    let document = run(&workos, line, 0).json_of("link");
    assert_eq!(document["external_user_id"], "user-7");
    let output = run(&workos, "link acme sso --allow-non-tty", 0);
    assert_eq!(link_body(&workos).get("external_user_id"), None, "{output}");
    let env = TestEnv::with_manifest(MANIFEST);
    for user in ["", " ", "a\nb"] {
        let args = ["link", "acme", "sso", "--allow-non-tty", "--user", user];
        let _ = env.args(args).at_url(&workos.url()).exits(3);
    }
}

#[test]
fn the_gateway_says_for_whom_it_makes_a_link() {
    let workos = workos();
    let env = TestEnv::with_manifest(MANIFEST);
    env.write("gateway.yaml", CONFIG);
    env.write("handoff.secret", SECRET);
    let serve = "serve --listen 127.0.0.1:0 --config gateway.yaml";
    let gateway = GatewayServer::of(env.run(serve).at_url(&workos.url()));
    let token = signed(&claims(&gateway.url()));
    let answer = gateway.get(&format!("/portal/acme/sso?token={token}"), &[]);
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(link_body(&workos)["external_user_id"], "ada");
    assert_eq!(link_body(&workos).get("it_contact_emails"), None);
    assert_eq!(link_body(&workos).get("intent_options"), None);
    let mut claims = claims(&gateway.url());
    claims["provider_type"] = json!("OktaSAML");
    claims["bookmark_slug"] = json!("wiki");
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    assert_eq!(gateway.get(&path, &[]).status, 303);
    let options = json!({ "sso": { "provider_type": "OktaSAML", "bookmark_slug": "wiki" } });
    assert_eq!(link_body(&workos)["intent_options"], options);
}

#[test]
fn a_link_may_begin_with_a_provider() {
    let workos = workos();
    let line = "link acme sso --allow-non-tty --provider OktaSAML";
    let _ = run(&workos, line, 0);
    let options = json!({ "sso": { "provider_type": "OktaSAML" } });
    assert_eq!(link_body(&workos)["intent_options"], options);
    let before = workos.requests().len();
    for line in [
        "link acme dsync --allow-non-tty --provider OktaSAML",
        "link acme sso --allow-non-tty --provider Okta,SAML",
    ] {
        let _ = run(&workos, line, 3);
    }
    assert_eq!(workos.requests().len(), before);
}

#[test]
fn the_links_and_sessions_of_one_person_are_revoked() {
    let workos = workos();
    let output = run(&workos, "revoke-link acme user-7", 0);
    assert!(output.stdout.contains("✓ acme  revoked  org_1"), "{output}");
    assert!(
        output.stdout.contains("made for the user user-7"),
        "{output}"
    );
    let revoked = sent(&workos, "/portal/revoke_link");
    let body = json!({"organization": "org_1", "external_user_id": "user-7"});
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].body, body);
    let document = run(&workos, "revoke-link acme user-7 -o json", 0).json_of("revoke-link");
    assert_eq!(document["revoked"], true);
    assert_eq!(document["external_user_id"], "user-7");
    assert_eq!(document["errors"], json!([]));
    // Revoking again does no harm, so a lost answer is no reason to leave a session open.
    workos.forget_requests();
    workos.lose(1, "POST", "/portal/revoke_link");
    let _ = run(&workos, "revoke-link acme user-7", 0);
    assert_eq!(sent(&workos, "/portal/revoke_link").len(), 2);
}

#[test]
fn an_endpoint_that_cannot_revoke_links_is_named_as_such() {
    let workos = workos();
    let answer = json!({"message": "Not Found", "code": "not_found"});
    workos.answer("POST", "/portal/revoke_link", 404, answer);
    let output = run(&workos, "revoke-link acme user-7", 7);
    assert!(
        output.stderr.contains("error[link/cannot-revoke]"),
        "{output}"
    );
    assert!(
        output.stderr.contains("dies after five minutes"),
        "{output}"
    );
    assert_eq!(output.stdout, "");
    let document = run(&workos, "revoke-link acme user-7 -o json", 7).json_of("revoke-link");
    assert_eq!(document["errors"][0]["code"], "link/cannot-revoke");
    assert_eq!(document["errors"][0]["http_status"], 404);
    let output = TestEnv::new().run("explain link/cannot-revoke").exits(0);
    assert!(output.stdout.contains("official emulator"), "{output}");
}

#[test]
fn contacts_get_access_with_a_link_by_a_flag_only() {
    let workos = workos();
    let _ = run(&workos, "link acme sso --allow-non-tty", 0);
    assert_eq!(link_body(&workos).get("it_contact_emails"), None);
    let output = run(&workos, "link acme sso --allow-non-tty --grant-contacts", 0);
    let both = json!(["ada@acme.example", "bob@acme.example"]);
    assert_eq!(link_body(&workos)["it_contact_emails"], both);
    assert!(
        output.stderr.contains("WorkOS sends them its alerts"),
        "{output}"
    );
    let line = "link acme sso --open --grant-contacts -o json";
    let document = run(&workos, line, 0).json_of("link");
    assert_eq!(document["contacts_granted"], both);
    // No contact is declared, so no request is made.
    workos.forget_requests();
    let output = run(
        &workos,
        "link globex sso --allow-non-tty --grant-contacts",
        3,
    );
    assert!(
        output.stderr.contains("error[link/no-contacts]"),
        "{output}"
    );
    assert_eq!(workos.requests().len(), 0);
}

#[test]
fn a_link_with_contacts_that_is_refused_may_do_without_them() {
    let workos = workos();
    let refusal = json!({"message": "Not allowed.", "code": "forbidden"});
    workos.answer("POST", "/portal/generate_link", 403, refusal);
    let output = run(&workos, "link acme sso --allow-non-tty --grant-contacts", 4);
    assert!(
        output.stderr.contains("leave out --grant-contacts"),
        "{output}"
    );
    let output = run(&workos, "link acme sso --allow-non-tty", 4);
    assert!(!output.stderr.contains("--grant-contacts"), "{output}");
}
