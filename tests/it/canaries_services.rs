//! Runs the long-running services at their most verbose, in success and in failure: no secret
//! appears in an object of the cluster, an event, a metric, a log or a page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use crate::canaries::search;
use crate::support::canaries::{CANARIES, LINK, RequestFailure, WEBHOOK_SECRET, with_canaries};
use crate::support::cli::{KEY, TestEnv};
use crate::support::gateway::{Answer, CONFIG, GatewayServer, MANIFEST, claims, signed};
use crate::support::http::{self, Canned};
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait::LONG;

/// The gateway's own secret, of which its cookies are made.
const OWN_SECRET: &str = "canarycookie0123456789canarycookie0123456789";

#[track_caller]
fn holds_no_canary(what: &str, text: &str) {
    assert!(!text.is_empty(), "{what} was not looked at");
    for canary in CANARIES.into_iter().chain([OWN_SECRET]) {
        assert!(!text.contains(canary), "{canary} is in {what}: {text}");
    }
}

/// Starts the most verbose gateway, which uses a server of the test.
#[track_caller]
fn gateway(env: &TestEnv, url: &str) -> GatewayServer {
    env.write(
        "gateway.yaml",
        &format!("{CONFIG}secret_file: own.secret\n"),
    );
    env.write("own.secret", OWN_SECRET);
    env.write("handoff.secret", crate::support::gateway::SECRET);
    let line = "serve --listen 127.0.0.1:0 --config gateway.yaml -vv";
    let run = env.run(line).env("RUST_BACKTRACE", "full");
    GatewayServer::of(run.at_url(url))
}

/// Checks that a gateway's log and metrics contain no secret.
#[track_caller]
fn assert_no_secret(gateway: &GatewayServer, secrets: &[&str]) {
    let log: String = gateway.log().iter().map(Value::to_string).collect();
    let metrics = gateway.get("/metrics", &[]).body;
    for (what, text) in [("the log", &log), ("the metrics", &metrics)] {
        holds_no_canary(what, text);
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in {what}: {text}");
        }
    }
}

/// Returns the signature of a token or a cookie, the part that no one can guess.
fn signature(token: &str) -> &str {
    token.rsplit('.').next().unwrap()
}

/// Hands an admin over with a token.
#[track_caller]
fn hand_over(gateway: &GatewayServer, token: &str) -> Answer {
    gateway.get(&format!("/portal/acme/sso?token={token}"), &[])
}

#[test]
fn the_gateway_tells_nothing_secret_when_all_goes_well() {
    let env = TestEnv::with_manifest(MANIFEST);
    let sandbox = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&sandbox).exits(0);
    let server = with_canaries(&sandbox);
    let gateway = gateway(&env, &server.url());
    let token = signed(&claims(&gateway.url()));
    let linked = hand_over(&gateway, &token);
    assert_eq!(linked.headers["location"], LINK);
    assert_eq!(linked.body, "");
    let cookie = linked.cookie();
    for accept in ["text/html", "application/json"] {
        let headers = [("Cookie", cookie.as_str()), ("Accept", accept)];
        let back = gateway.get("/return/acme/sso", &headers);
        assert_eq!(back.status, 200);
        holds_no_canary("a page", &back.body);
    }
    let log: String = gateway.log().iter().map(Value::to_string).collect();
    assert!(log.contains("/portal/generate_link"), "{log}");
    assert_no_secret(&gateway, &[signature(&token), signature(&cookie)]);
}

#[test]
fn the_gateway_tells_nothing_secret_when_all_goes_wrong() {
    for status in [401, 422, 500] {
        let env = TestEnv::with_manifest(MANIFEST);
        let starting = Arc::new(AtomicBool::new(true));
        let starts = Arc::clone(&starting);
        // The gateway checks its key before it serves.
        let server = Canned::serve(move |_, _, _| {
            if starts.load(Ordering::Relaxed) {
                let none =
                    r#"{"object":"list","data":[],"list_metadata":{"before":null,"after":null}}"#;
                return (
                    200,
                    "Content-Type: application/json\r\n".to_owned(),
                    none.to_owned(),
                );
            }
            RequestFailure::Status(status).answer()
        });
        let gateway = gateway(&env, &server.url());
        starting.store(false, Ordering::Relaxed);
        let token = signed(&claims(&gateway.url()));
        let refused = hand_over(&gateway, &token);
        assert!(refused.status >= 500, "{refused:?}");
        holds_no_canary("a page", &refused.body);
        assert_no_secret(&gateway, &[signature(&token)]);
        // Unsigned values are not repeated either, in whichever field.
        let forged = format!("{}.{KEY}", &token[..token.rfind('.').unwrap()]);
        for answer in [
            hand_over(&gateway, &forged),
            gateway.get(&format!("/portal/{KEY}/sso"), &[("Cookie", KEY)]),
        ] {
            holds_no_canary("a page", &answer.body);
        }
        assert_no_secret(&gateway, &[signature(&token)]);
    }
}

/// The sandbox is given every kind of secret, and is asked with and without a valid key.
#[test]
fn the_sandbox_tells_nothing_secret() {
    for log_format in ["text", "json"] {
        let env = TestEnv::new();
        env.write("given/key", KEY);
        env.write("given/webhook", WEBHOOK_SECRET);
        let (sender, letters) = channel();
        let is_first = AtomicBool::new(true);
        let endpoint = Canned::serve(move |method, path, body| {
            // The client may have closed the connection.
            let _ = sender.send(format!("{method} {path} {body}"));
            // The first letter is not taken, so that there is a failure to tell.
            let is_first = is_first.swap(false, Ordering::Relaxed);
            let status = if is_first { 500 } else { 200 };
            (
                status,
                format!("Location: {LINK}\r\n"),
                format!("{KEY} {LINK}"),
            )
        });
        let sandbox = SandboxServer::talkative(
            &env,
            &format!(
                "--log-format {log_format} --key-file given/key --state state.json --load busy \
                 --webhook-url {}/hooks --webhook-secret-file given/webhook",
                endpoint.url()
            ),
        );
        let acme = json!({ "name": "Acme", "domain_data": [{ "domain": "acme.com", "state": "pending" }] });
        let made = sandbox.send("POST", "/organizations", &acme);
        for _ in 0..2 {
            let letter = letters.recv_timeout(LONG).unwrap();
            assert!(letter.starts_with("POST /hooks {"), "{letter}");
            assert!(letter.contains("organization.created"), "{letter}");
            holds_no_canary("a letter", &letter);
        }
        let wanted = json!({ "organization": made["id"], "intent": "sso" });
        let link = sandbox.send("POST", "/portal/generate_link", &wanted)["link"].take();
        let page = link.as_str().unwrap().strip_prefix(&sandbox.url()).unwrap();
        let refused = format!("{KEY}-not");
        for (key, method, path, body) in [
            (refused.as_str(), "GET", "/organizations", Value::Null),
            (KEY, "GET", &format!("/organizations/{KEY}"), Value::Null),
            (
                KEY,
                "GET",
                &format!("/organizations?limit={KEY}"),
                Value::Null,
            ),
            (KEY, "PUT", "/_sandbox/faults", json!({ "rules": KEY })),
            (
                KEY,
                "POST",
                "/organizations",
                json!({ "name": [WEBHOOK_SECRET] }),
            ),
            (KEY, "GET", page, Value::Null),
        ] {
            // The answer is for the client alone.
            let _ = http::send(sandbox.address(), key, method, path, Some(&body));
        }
        let deliveries = sandbox.send("GET", "/_sandbox/webhooks", &Value::Null);
        holds_no_canary("the deliveries", &deliveries.to_string());
        assert_eq!(sandbox.stop(), Some(0));
        let said = env.read("sandbox.err");
        holds_no_canary("the log", &said);
        assert!(!said.contains(page), "{said}");
        assert!(env.path("state.json").is_file());
        search(env.root());
    }
}

#[cfg(feature = "operator")]
mod operator {
    use serde_json::json;

    use super::{KEY, WEBHOOK_SECRET, holds_no_canary, http, with_canaries};
    use crate::support::operator::{self, Operator, World};

    /// The Secret with canaries for the key and for webhooks.
    #[track_caller]
    fn keys(world: &World<'_>, key: &str) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "workos" },
            "stringData": { "api-key": key, "webhook-secret": WEBHOOK_SECRET },
        });
        let line = "apply --server-side --force-conflicts -f -";
        world.kubectl(line, &secret.to_string());
    }

    /// Points the environment at a server, with webhooks.
    #[track_caller]
    fn environment(world: &World<'_>, url: &str) {
        let webhook = json!({ "secretRef": { "name": "workos", "key": "webhook-secret" } });
        world.environment(json!({ "apiUrl": url, "webhook": webhook }));
    }

    /// Checks that the operator's log, metrics, objects and events contain no secret.
    #[track_caller]
    fn assert_no_secret(world: &World<'_>, operator: &Operator) {
        for kind in [
            "portalorganizations",
            "portalenvironments",
            "events.events.k8s.io",
            "leases",
        ] {
            let line = format!("get {kind} --show-managed-fields -o yaml");
            let objects = world.kubectl(&line, "");
            assert!(!objects.contains("items: []"), "there are no {kind}");
            holds_no_canary(kind, &objects);
        }
        // The operator creates no other kind of object; Secrets are created by people.
        let others = world.kubectl("get configmaps,services,pods -o name", "");
        assert_eq!(others, "");
        holds_no_canary("the log", &operator.log());
        holds_no_canary("the metrics", &operator.text("/metrics").1);
    }

    #[test]
    fn the_operator_tells_nothing_secret_when_all_goes_well() {
        let Some(cluster) = operator::cluster() else {
            return;
        };
        let world = World::new(cluster);
        let server = with_canaries(&world.sandbox);
        keys(&world, KEY);
        environment(&world, &server.url());
        let domains = json!([{ "domain": "acme.com" }]);
        let intents = json!([{ "intent": "sso" }, { "intent": "domain_verification" }]);
        world.organization("acme", json!({ "domains": domains, "intents": intents }));
        let operator = world.operator("-vv");
        world.is_in_sync("acme");
        let invited = json!({
            "domains": domains, "intents": intents,
            "itContacts": ["ada@acme.com"], "invite": "once",
        });
        world.organization("acme", invited);
        world.is_told("acme", "InvitationSent");

        let path = format!("/webhooks/{}/production", world.namespace);
        let url = format!("http://{}{path}", operator.address);
        let endpoint = json!({ "url": url, "secret": WEBHOOK_SECRET });
        world.sandbox.send("POST", "/_sandbox/webhooks", &endpoint);
        world.finish("acme", "sso");
        world.is_told("acme", "IntentConfigured");
        let forged = http::send(
            &operator.address,
            KEY,
            "POST",
            &path,
            Some(&json!({ "a": KEY })),
        );
        assert_eq!(forged.0, 401);
        // A domain that is not proven shows in the status, and its record does not.
        let acme = world.get("acme");
        assert_eq!(acme["status"]["domains"][0]["state"], "pending", "{acme:#}");
        assert_no_secret(&world, &operator);
    }

    #[test]
    fn the_operator_tells_nothing_secret_when_all_goes_wrong() {
        let Some(cluster) = operator::cluster() else {
            return;
        };
        for (status, reason) in [
            (401, "Unauthorized"),
            (422, "Unreachable"),
            (500, "Unreachable"),
        ] {
            let world = World::new(cluster);
            let server = crate::support::canaries::refusing_server(status);
            keys(&world, KEY);
            environment(&world, &server.url());
            world.organization("acme", json!({}));
            let operator = world.operator("-vv");
            world.waits_for("acme", "Synced", "False", reason);
            // A key that is none is not repeated.
            keys(&world, &format!("{KEY} {KEY}"));
            world.waits_for("acme", "Synced", "False", "KeyInvalid");
            assert_no_secret(&world, &operator);
        }
    }
}
