//! Tests the path of an IT admin from the app through the gateway to the portal and back.

use serde_json::{Value, json};

use crate::support::gateway::{Answer, CONFIG, PROXY, SECRET, Stage, ask, claims, signed, token};
use crate::support::wait;

/// Finishes the portal as the IT admin of a link, and returns the address of the redirect.
#[track_caller]
pub(super) fn finish(stage: &Stage, link: &str) -> String {
    let path = link.strip_prefix(&stage.sandbox.url()).unwrap();
    let portal = ask(stage.sandbox.address(), "GET", path, &[], "");
    assert_eq!(portal.status, 200, "{portal:?}");
    let (_, form) = portal.body.split_once("action=\"").unwrap();
    let (form, _) = form.split_once('"').unwrap();
    let finished = ask(stage.sandbox.address(), "POST", form, &[], "");
    assert_eq!(finished.status, 303, "{finished:?}");
    finished.headers["location"].clone()
}

#[test]
fn the_whole_way_ends_with_what_workos_says() {
    let stage = Stage::new(CONFIG);
    let linked = stage.hand_over("sso");
    assert_eq!(linked.status, 303, "{linked:?}");
    assert_eq!(linked.headers["cache-control"], "no-store");
    let (cookie, link) = (linked.cookie(), &linked.headers["location"]);
    let back = |accept: &str| {
        let headers = [("Cookie", cookie.as_str()), ("Accept", accept)];
        stage.gateway.get("/return/acme/sso", &headers)
    };
    let unfinished = back("text/html");
    assert!(
        unfinished
            .body
            .contains("<h1>Not finished: single sign-on</h1>")
    );
    assert!(
        unfinished
            .body
            .contains(r#"href="https://app.example.com/settings""#)
    );
    assert_eq!(back("application/json").body, r#"{"state":"not_finished"}"#);

    let returned = finish(&stage, link);
    assert_eq!(returned, format!("{}/return/acme/sso", stage.gateway.url()));
    let done = back("text/html");
    assert!(
        done.body
            .contains("<h1>Done: single sign-on is set up</h1>"),
        "{}",
        done.body
    );
    // Nothing changes any more, so nothing is watched.
    assert!(!done.body.contains("<script"), "{}", done.body);
    assert_eq!(back("application/json").body, r#"{"state":"done"}"#);

    let again = stage.hand_over("sso");
    assert_eq!(again.status, 200);
    assert!(again.body.contains("set up already"), "{}", again.body);
    let mut claims = stage.claims();
    claims["again"] = json!(true);
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    assert_eq!(stage.gateway.get(&path, &[]).status, 303);

    let log: Vec<String> = stage.gateway.log().iter().map(Value::to_string).collect();
    let log = log.join("\n");
    let first = stage.gateway.audit(0);
    for (field, value) in [
        ("organization", "acme"),
        ("intent", "sso"),
        ("subject", "ada"),
        ("outcome", "linked"),
    ] {
        assert_eq!(first[field], value, "{first}");
    }
    let token = link.rsplit('/').next().unwrap();
    let cookie = cookie.rsplit('.').next().unwrap();
    assert!(!log.contains(token) && !log.contains(cookie), "{log}");
    assert!(!log.contains("eyJ"), "{log}");
}

#[test]
fn a_form_carries_a_token_as_well() {
    let stage = Stage::new(CONFIG);
    let body = format!("token={}", signed(&stage.claims()));
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = stage.gateway.send("POST", "/portal/acme/sso", &kind, &body);
    assert_eq!(answer.status, 303, "{answer:?}");
}

#[test]
fn what_was_begun_is_called_being_validated() {
    let stage = Stage::new(CONFIG);
    let cookie = stage.hand_over("domain_verification").cookie();
    let headers = [("Cookie", cookie.as_str())];
    let page = stage
        .gateway
        .get("/return/acme/domain_verification", &headers);
    assert!(
        page.body
            .contains("<h1>Being validated: domain verification</h1>"),
        "{}",
        page.body
    );
    let policy = &page.headers["content-security-policy"];
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn a_result_is_forwarded_signed_to_the_app_and_nowhere_else() {
    let config = format!("{CONFIG}returns: forward\nsecret_file: handoff.secret\n");
    let stage = Stage::new(&config);
    let claims = stage.claims();
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    let linked = stage.gateway.get(&path, &[]);
    let _ = finish(&stage, &linked.headers["location"]);
    let cookie = linked.cookie();
    let headers = [("Cookie", cookie.as_str())];
    let back = "/return/acme/sso?return_url=https://evil.example";
    let forwarded = stage.gateway.get(back, &headers);
    assert_eq!(forwarded.status, 303, "{forwarded:?}");
    let location = &forwarded.headers["location"];
    let result = location.strip_prefix("https://app.example.com/settings?portal_result=");
    let result = result.unwrap_or_else(|| panic!("{location}"));
    let (message, _) = result.rsplit_once('.').unwrap();
    let parts: Vec<Value> = message.split('.').map(decoded).collect();
    let [header, told] = parts.as_slice() else {
        panic!("{message}");
    };
    assert_eq!(header["typ"], "portalctl-result+jwt");
    assert_eq!(told["iss"], stage.gateway.url());
    assert_eq!(told["aud"], "https://app.example.com");
    assert_eq!(told["handoff"], claims["jti"]);
    for (field, value) in [
        ("sub", "ada"),
        ("organization", "acme"),
        ("intent", "sso"),
        ("state", "done"),
    ] {
        assert_eq!(told[field], value, "{told}");
    }
    assert_eq!(
        told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap(),
        60
    );
    assert_eq!(resigned(message), result);
}

fn decoded(part: &str) -> Value {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
    serde_json::from_slice(&text.unwrap()).unwrap()
}

/// The message with the signature that the app expects.
fn resigned(message: &str) -> String {
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    let signature = mac.finalize().into_bytes();
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature);
    format!("{message}.{signature}")
}

#[test]
fn a_browser_gets_a_page_that_goes_on_by_itself() {
    let stage = Stage::new(CONFIG);
    let path = format!("/portal/acme/sso?token={}", signed(&stage.claims()));
    let headers = [
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    ];
    let page = stage.gateway.get(&path, &headers);
    assert_eq!(page.status, 200, "{page:?}");
    assert!(!page.headers.contains_key("location"), "{page:?}");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    let (_, link) = page.body.split_once("content=\"0;url=").unwrap();
    let (link, _) = link.split_once('"').unwrap();
    let returned = finish(&stage, link);
    assert_eq!(returned, format!("{}/return/acme/sso", stage.gateway.url()));
    let cookie = page.cookie();
    let done = stage.gateway.get(
        &returned["http://".len()..][stage.gateway.address.len()..],
        &[("Cookie", &cookie)],
    );
    assert!(done.body.contains("Done: single sign-on"), "{}", done.body);
}

#[test]
fn behind_a_proxy_the_app_knows_its_own_request_again() {
    let config = format!("{PROXY}returns: forward\nsecret_file: handoff.secret\n");
    let stage = Stage::new(&config);
    let known = |user: &'static str| {
        [
            ("X-Forwarded-User", user),
            ("X-Forwarded-Groups", "acme-it"),
        ]
    };
    let linked = stage
        .gateway
        .get("/portal/acme/sso?handoff=request-1", &known("ada"));
    assert_eq!(linked.status, 303, "{linked:?}");
    let cookie = linked.cookie();
    let handoff = |user| {
        let [name, groups] = known(user);
        let back = stage
            .gateway
            .get("/return/acme/sso", &[name, groups, ("Cookie", &cookie)]);
        let location = &back.headers["location"];
        let (_, result) = location.split_once("portal_result=").unwrap();
        decoded(result.split('.').nth(1).unwrap())["handoff"].clone()
    };
    assert_eq!(handoff("ada"), "request-1");
    // Somebody else's result is bound to no request.
    assert_eq!(handoff("bob"), "");
}

/// The field by which a page's form says yes.
#[track_caller]
pub(super) fn consent(page: &Answer) -> String {
    let (_, field) = page.body.split_once("name=\"consent\" value=\"").unwrap();
    format!("consent={}", field.split_once('"').unwrap().0)
}

/// A customer whose single sign-on is active.
#[track_caller]
fn active(config: &str) -> Stage {
    let stage = Stage::new(config);
    let link = stage.hand_over("sso");
    let _ = finish(&stage, &link.headers["location"]);
    stage
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn an_active_connection_is_changed_after_one_yes_and_by_that_person_only() {
    let stage = active(CONFIG);
    let asked = stage.hand_over("sso");
    assert_eq!(asked.status, 200, "{asked:?}");
    let policy = &asked.headers["content-security-policy"];
    assert!(policy.contains("form-action 'self'"), "{policy}");
    assert!(!asked.headers.contains_key("set-cookie"), "{asked:?}");
    let yes = consent(&asked);
    let press = |path: &str, body: &str| stage.gateway.send("POST", path, &[FORM], body).status;
    // It is for this customer and intent, from a form, unchanged.
    assert_eq!(press("/portal/globex/sso", &yes), 403);
    assert_eq!(press("/portal/acme/dsync", &yes), 403);
    assert_eq!(
        stage
            .gateway
            .get(&format!("/portal/acme/sso?{yes}"), &[])
            .status,
        403
    );
    assert_eq!(press("/portal/acme/sso", &format!("{yes}x")), 403);
    assert_eq!(press("/portal/acme/sso", "consent="), 403);
    let changed = stage
        .gateway
        .send("POST", "/portal/acme/sso", &[FORM], &yes);
    assert_eq!(changed.status, 303, "{changed:?}");
    assert!(changed.headers.contains_key("set-cookie"));
    // Once is once.
    assert_eq!(press("/portal/acme/sso", &yes), 403);
    let log: String = stage.gateway.log().iter().map(Value::to_string).collect();
    assert!(
        log.contains("gateway/consent") && log.contains(r#""outcome":"asked""#),
        "{log}"
    );
    assert!(!log.contains("eyJ"), "{log}");
}

#[test]
fn the_configuration_may_leave_the_change_to_the_app() {
    let stage = active(&format!("{CONFIG}again: refuse\n"));
    let refused = stage.hand_over("sso");
    assert_eq!(refused.status, 409);
    assert!(!refused.body.contains("<form"), "{}", refused.body);
}

#[test]
fn behind_a_proxy_a_yes_is_the_persons_who_was_asked() {
    let stage = Stage::new(PROXY);
    let known = |user: &'static str| {
        [
            ("X-Forwarded-User", user),
            ("X-Forwarded-Groups", "acme-it"),
        ]
    };
    let linked = stage.gateway.get("/portal/acme/sso", &known("ada"));
    let _ = finish(&stage, &linked.headers["location"]);
    let asked = stage.gateway.get("/portal/acme/sso", &known("ada"));
    let yes = consent(&asked);
    let press = |user, site: &'static str| {
        let [name, groups] = known(user);
        let headers = [name, groups, FORM, ("Sec-Fetch-Site", site)];
        stage
            .gateway
            .send("POST", "/portal/acme/sso", &headers, &yes)
    };
    assert_eq!(press("bob", "same-origin").status, 403);
    let elsewhere = press("ada", "cross-site");
    assert!(
        elsewhere.body.contains("Do you want to continue?"),
        "{elsewhere:?}"
    );
    // Nothing came of those, so hers is still good.
    let changed = press("ada", "same-origin");
    assert_eq!(changed.status, 303, "{changed:?}");
}

#[test]
fn direct_returns_leave_the_manifests_url_alone() {
    let stage = Stage::new(&format!("{CONFIG}returns: direct\n"));
    let linked = stage.hand_over("sso");
    assert!(!linked.headers.contains_key("set-cookie"), "{linked:?}");
    let returned = finish(&stage, &linked.headers["location"]);
    assert_eq!(returned, "https://app.example.com/settings");
}

#[test]
fn a_customer_who_is_not_created_yet_is_told_so_without_a_reason() {
    let stage = Stage::new(CONFIG);
    let env = &stage.env;
    env.edit(
        "portal.yaml",
        "  globex:",
        "  umbrella: { name: Umbrella, intents: [sso] }\n  globex:",
    );
    wait::until("the manifest to be read again", || {
        let name = r#"portalctl_gateway_reloads_total{what="manifest",outcome="read"}"#;
        stage.gateway.metric(name)
    });
    let mut claims = stage.claims();
    claims["organization"] = json!("umbrella");
    let path = format!("/portal/umbrella/sso?token={}", signed(&claims));
    let answer = stage.gateway.get(&path, &[]);
    assert_eq!(answer.status, 409);
    assert!(
        answer.body.contains("not ready for you yet"),
        "{}",
        answer.body
    );
    let line = stage.gateway.audit(0);
    assert_eq!(line["code"], "link/no-organization", "{line}");
    // Nothing came of it, so the token is still good once it is.
    let _ = env.run("apply --yes").at(&stage.sandbox).exits(0);
    assert_eq!(stage.gateway.get(&path, &[]).status, 303);
}

/// The token of an app that reads the state of a customer.
fn state_token(stage: &Stage, organization: &str) -> String {
    let now = crate::support::gateway::now();
    signed(&json!({
        "iss": "https://app.example.com", "aud": stage.gateway.url(), "use": "state",
        "organization": organization, "iat": now, "exp": now + 60,
    }))
}

#[test]
fn the_app_reads_how_far_a_customer_is() {
    let stage = Stage::new(CONFIG);
    let linked = stage.hand_over("sso");
    let _ = finish(&stage, &linked.headers["location"]);
    let bearer = format!("Bearer {}", state_token(&stage, "acme"));
    let read = || {
        let answer = stage
            .gateway
            .get("/state/acme", &[("Authorization", &bearer)]);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        serde_json::from_str::<Value>(&answer.body).unwrap()
    };
    let told = read();
    assert_eq!(told["organization"], "acme");
    let id = told["organization_id"].as_str().unwrap();
    assert!(id.starts_with("org_"), "{told}");
    let intents = told["intents"].as_array().unwrap();
    assert_eq!(intents.len(), 3, "{told}");
    let sso = intents.iter().find(|it| it["intent"] == "sso").unwrap();
    assert_eq!(
        (&sso["state"], &sso["turn"]),
        (&json!("configured"), &json!("none"))
    );
    assert!(sso["since"].is_string(), "{sso}");
    let connection = sso["connection_ids"][0].as_str().unwrap();
    assert!(connection.starts_with("conn_"), "{sso}");
    let dsync = intents.iter().find(|it| it["intent"] == "dsync").unwrap();
    assert_eq!(dsync["state"], "unconfigured", "{dsync}");
    // It may be read again by the same token, which nothing uses up.
    assert_eq!(read()["intents"], told["intents"]);
}

#[test]
fn a_token_for_one_purpose_is_good_for_no_other() {
    let stage = Stage::new(CONFIG);
    let ask = |path: &str, header: &str| {
        let headers = [("Authorization", header)];
        stage.gateway.get(path, &headers)
    };
    let handoff = format!("Bearer {}", signed(&stage.claims()));
    let token = state_token(&stage, "acme");
    let bearer = format!("Bearer {token}");
    for (what, path, header) in [
        ("a hand-off", "/state/acme", handoff.as_str()),
        ("another customer", "/state/globex", &bearer),
        ("no scheme", "/state/acme", &token),
        ("nothing", "/state/acme", ""),
        (
            "a changed token",
            "/state/acme",
            &bearer[..bearer.len() - 4],
        ),
    ] {
        let answer = ask(path, header);
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        assert_eq!(answer.body, "{\"error\":\"denied\"}\n", "{what}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer", "{what}");
    }
    let path = format!("/portal/acme/sso?token={token}");
    assert_eq!(stage.gateway.get(&path, &[]).status, 403);
    let mut both = stage.claims();
    both["use"] = json!("state");
    let path = format!("/portal/acme/sso?token={}", signed(&both));
    assert_eq!(stage.gateway.get(&path, &[]).status, 403);
    let unknown = format!("Bearer {}", state_token(&stage, "umbrella"));
    let answer = ask("/state/umbrella", &unknown);
    assert_eq!(answer.status, 404, "{answer:?}");
    assert_eq!(answer.body, "{\"error\":\"gateway/undeclared\"}\n");
}

#[test]
fn a_gateway_may_share_its_host_with_an_app() {
    let options = "--public-url http://localhost:8080/setup/portal";
    let stage = Stage::with(CONFIG, options, "");
    let claims = claims("http://localhost:8080/setup/portal");
    // Whether the proxy in front passes the path on or takes it away.
    for (prefix, intent) in [("/setup/portal", "domain_verification"), ("", "dsync")] {
        let mut claims = claims.clone();
        claims["jti"] = json!(format!("token-of{prefix}-1"));
        claims["intents"] = json!([intent]);
        let path = format!("{prefix}/portal/acme/{intent}?token={}", signed(&claims));
        let answer = stage.gateway.get(&path, &[]);
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie = &answer.headers["set-cookie"];
        assert!(cookie.contains("Path=/setup/portal/return"), "{cookie}");
        let back = format!("{prefix}/return/acme/{intent}");
        let page = stage.gateway.get(&back, &[("cookie", &answer.cookie())]);
        assert_eq!(page.status, 200, "{page:?}");
        let back = finish(&stage, &answer.headers["location"]);
        let wanted = format!("http://localhost:8080/setup/portal/return/acme/{intent}");
        assert_eq!(back, wanted);
    }
    // What is for the cluster is not below the path that the proxy lets through.
    for path in [
        "/setup/portal/metrics",
        "/setup/portal/readyz",
        "/elsewhere/healthz",
    ] {
        assert_eq!(stage.gateway.get(path, &[]).status, 404, "{path}");
    }
    assert_eq!(stage.gateway.get("/readyz", &[]).status, 200);
}

#[test]
fn a_page_that_leads_to_itself_keeps_the_path_of_the_gateway() {
    let options = "--public-url http://localhost:8080/setup";
    let stage = Stage::with(PROXY, options, "");
    let ada = [
        ("X-Forwarded-User", "ada"),
        ("X-Forwarded-Groups", "acme-it"),
    ];
    let linked = stage.gateway.get("/portal/acme/sso", &ada);
    let _ = finish(&stage, &linked.headers["location"]);
    for prefix in ["/setup", ""] {
        let path = format!("{prefix}/portal/acme/sso?handoff=request-1");
        let [user, groups] = ada;
        let asked = stage.gateway.get(&path, &[user, groups]);
        let form = r#"action="/setup/portal/acme/sso""#;
        assert!(asked.body.contains(form), "{asked:?}");
        let elsewhere = [user, groups, ("Sec-Fetch-Site", "cross-site")];
        let asked = stage.gateway.get(&path, &elsewhere);
        let link = r#"href="/setup/portal/acme/sso?handoff=request-1""#;
        assert!(asked.body.contains(link), "{asked:?}");
    }
}

#[test]
fn the_log_says_which_claim_and_what_was_expected() {
    let stage = Stage::new(CONFIG);
    for (claim, value, detail) in [
        (
            "iss",
            json!("https://evil.example"),
            "iss is `https://evil.example`, and `https://app.example.com` is wanted",
        ),
        (
            "aud",
            json!(["a", "b"]),
            "aud is `a, b`, and `http://127.0.0.1",
        ),
        (
            "role",
            json!("member"),
            "role is `member`, and `it_admin` is wanted",
        ),
        ("exp", json!(1), "exp was "),
        (
            "jti",
            json!("short"),
            "jti has to have 8 to 128 visible ASCII characters",
        ),
        ("organization", json!("globex"), "the token is for `globex`"),
        (
            "intents",
            json!(["dsync"]),
            "intents of the token are dsync",
        ),
        ("iat", json!("x"), "invalid type: string"),
    ] {
        let mut claims = stage.claims();
        claims[claim] = value;
        let before = stage.gateway.audited();
        let path = format!("/portal/acme/sso?token={}", signed(&claims));
        let answer = stage.gateway.get(&path, &[]);
        let line = stage.gateway.audit(before);
        let said = line["detail"].as_str().unwrap_or_default();
        assert!(said.contains(detail), "{claim}: {line}");
        assert!(!answer.body.contains(detail), "{claim}: {}", answer.body);
    }
    // Of a token that nobody vouches for nothing is said.
    let mut claims = stage.claims();
    claims["role"] = json!("member");
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let forged = token(
        header,
        &claims.to_string(),
        b"another-secret-of-32-bytes-or-more",
    );
    let before = stage.gateway.audited();
    let _ = stage
        .gateway
        .get(&format!("/portal/acme/sso?token={forged}"), &[]);
    assert_eq!(stage.gateway.audit(before)["detail"], Value::Null);
}

/// Verifies a result by the keys that the gateway publishes, and returns the id of its key.
fn verified(stage: &Stage, result: &str) -> String {
    use base64::Engine as _;
    let decode = |text: &str| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(text)
            .unwrap()
    };
    let answer = stage.gateway.get("/.well-known/jwks.json", &[]);
    assert_eq!(answer.headers["content-type"], "application/jwk-set+json");
    let published: Value = serde_json::from_str(&answer.body).unwrap();
    let (message, signature) = result.rsplit_once('.').unwrap();
    let header = decoded(message.split('.').next().unwrap());
    assert_eq!(header["alg"], "EdDSA");
    let keys = published["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let public = decode(key["x"].as_str().unwrap());
    ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public)
        .verify(message.as_bytes(), &decode(signature))
        .unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[test]
fn an_app_verifies_results_without_a_secret_of_the_gateway() {
    let config =
        format!("{CONFIG}returns: forward\nsecret_file: own.secret\nresult_keys: published\n");
    let old = "old-old-old-old-old-old-old-old-";
    let new = "new-new-new-new-new-new-new-new-";
    let stage = Stage::prepared(&config, |env| env.write("own.secret", old));
    let result = || {
        let linked = stage.hand_over("sso");
        let headers = [("Cookie", linked.cookie())];
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let forwarded = stage.gateway.get("/return/acme/sso", &headers);
        let location = &forwarded.headers["location"];
        location.split_once("portal_result=").unwrap().1.to_owned()
    };
    let first = verified(&stage, &result());
    // The next key is published before it signs, so that no app meets one that it cannot know.
    let keys = || {
        let answer = stage.gateway.get("/.well-known/jwks.json", &[]);
        let published: Value = serde_json::from_str(&answer.body).unwrap();
        published["keys"].as_array().unwrap().len()
    };
    stage.env.write("own.secret", &format!("{old}\n{new}\n"));
    wait::until("the next key", || (keys() == 2).then_some(()));
    assert_eq!(verified(&stage, &result()), first);
    stage.env.write("own.secret", &format!("{new}\n{old}\n"));
    wait::until("the change of keys", || {
        (verified(&stage, &result()) != first).then_some(())
    });
    // Without that setting there is nothing to publish.
    let shared = Stage::new(CONFIG);
    assert_eq!(
        shared.gateway.get("/.well-known/jwks.json", &[]).status,
        404
    );
}
