//! Attacks that do not depend on the token, and header values that only a proxy or a cookie may
//! have.

use serde_json::json;

use super::{Attack, refuse, refuse_all};
use crate::support::gateway::{CONFIG, PROXY, Stage, claims, part, signed};

pub(super) fn wrong_requests(stage: &Stage) -> Vec<Attack> {
    let fresh = || signed(&stage.claims());
    let of = |path: &str| format!("{path}?token={}", fresh());
    let mut elsewhere = stage.claims();
    elsewhere["organization"] = json!("umbrella");
    let elsewhere = signed(&elsewhere);
    let mut undeclared = stage.claims();
    undeclared["intents"] = json!(["audit_logs"]);
    let undeclared = signed(&undeclared);
    let mut form = Attack::get(
        "a form with more",
        "/portal/acme/sso".to_owned(),
        "gateway/parameter",
    );
    form.method = "POST";
    form.body = format!("token={}&return_to=https://evil.example", fresh());
    let mut large = Attack::get(
        "a large form",
        "/portal/acme/sso".to_owned(),
        "gateway/token-malformed",
    );
    large.method = "POST";
    large.body = format!("token={}", "A".repeat(100_000));
    vec![
        Attack::get(
            "no token",
            "/portal/acme/sso".to_owned(),
            "gateway/no-token",
        ),
        Attack::get(
            "an empty token",
            "/portal/acme/sso?token=".to_owned(),
            "gateway/no-token",
        ),
        Attack::get(
            "an open redirect",
            format!("{}&return_to=https://evil.example", of("/portal/acme/sso")),
            "gateway/parameter",
        ),
        Attack::get(
            "return_url",
            format!("{}&return_url=//evil.example", of("/portal/acme/sso")),
            "gateway/parameter",
        ),
        Attack::get(
            "two tokens",
            format!("{}&token={}", of("/portal/acme/sso"), fresh()),
            "gateway/parameter",
        ),
        Attack::get(
            "an undeclared organization",
            format!("/portal/umbrella/sso?token={elsewhere}"),
            "gateway/undeclared",
        ),
        Attack::get(
            "an undeclared intent",
            format!("/portal/acme/audit_logs?token={undeclared}"),
            "gateway/undeclared",
        ),
        Attack::get(
            "an intent that does not exist",
            of("/portal/acme/admin"),
            "gateway/address",
        ),
        Attack::get(
            "a path upwards",
            of("/portal/../metrics"),
            "gateway/address",
        ),
        Attack::get(
            "a path out of the key",
            of("/portal/..%2f..%2fetc/sso"),
            "gateway/address",
        ),
        Attack::get(
            "a key of other letters",
            of("/portal/ACME/sso"),
            "gateway/address",
        ),
        Attack::get(
            "a key that ends early",
            of("/portal/acme%00/sso"),
            "gateway/address",
        ),
        Attack::get("no text", of("/portal/%ff/sso"), "gateway/address"),
        Attack::get(
            "headers of a proxy that is not there",
            "/portal/acme/sso".to_owned(),
            "gateway/no-token",
        )
        .with("X-Forwarded-User", "ada")
        .with("X-Forwarded-Groups", "acme-it"),
        form,
        large,
    ]
}

#[test]
fn methods_that_look_do_not_use_a_token_up() {
    let stage = Stage::new(CONFIG);
    let path = format!("/portal/acme/sso?token={}", signed(&stage.claims()));
    for method in ["HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get"] {
        let mut attack = Attack::get(method, path.clone(), "gateway/address");
        attack.method = method;
        let answer = refuse(&stage.gateway, &attack);
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers["allow"], "GET, POST", "{method}");
    }
    for path in [
        "/",
        "/portal",
        "/portal/acme",
        "/portal/acme/sso/",
        "/admin",
    ] {
        let attack = Attack::get("another page", path.to_owned(), "gateway/address");
        assert_eq!(refuse(&stage.gateway, &attack).status, 404, "{path}");
    }
    assert_eq!(stage.gateway.get(&path, &[]).status, 303);
}

#[test]
fn only_the_proxy_says_who_somebody_is() {
    let proxy = |peers: &str| {
        format!(
            "version: 1\nproxy:\n  peers: [{peers}]\n  groups:\n    acme-it: {{ organization: acme }}\n"
        )
    };
    let ada = |attack: Attack| {
        attack
            .with("X-Forwarded-User", "ada")
            .with("X-Forwarded-Groups", "acme-it")
    };
    let path = "/portal/acme/sso".to_owned();
    // The tests come from 127.0.0.1, which is not this proxy.
    let stage = Stage::new(&proxy("10.1.0.0/16"));
    refuse_all(
        &stage.gateway,
        &[
            ada(Attack::get(
                "spoofed",
                path.clone(),
                "gateway/untrusted-peer",
            )),
            ada(Attack::get(
                "spoofed twice",
                path.clone(),
                "gateway/untrusted-peer",
            ))
            .with("X-Forwarded-For", "10.1.0.1")
            .with("Forwarded", "for=10.1.0.1"),
            Attack::get("nobody", path.clone(), "gateway/no-identity"),
            Attack::get(
                "a token where none is wanted",
                format!("{path}?token={}", signed(&claims("x"))),
                "gateway/parameter",
            ),
        ],
    );
    // Here it is, and says of some what they are not.
    let stage = Stage::new(&proxy("127.0.0.1"));
    refuse_all(
        &stage.gateway,
        &[
            ada(Attack::get(
                "another's",
                "/portal/globex/sso".to_owned(),
                "gateway/other-organization",
            )),
            ada(Attack::get(
                "two names",
                path.clone(),
                "gateway/no-identity",
            ))
            .with("X-Forwarded-User", "eve"),
            Attack::get("no group", path.clone(), "gateway/other-organization")
                .with("X-Forwarded-User", "ada"),
            Attack::get("no name", path.clone(), "gateway/no-identity")
                .with("X-Forwarded-Groups", "acme-it"),
        ],
    );
    let headers = [
        ("X-Forwarded-User", "ada"),
        ("X-Forwarded-Groups", "acme-it,staff"),
    ];
    assert_eq!(stage.gateway.get(&path, &headers).status, 303);
    let back = stage.gateway.get("/return/acme/sso", &headers);
    assert_eq!(back.status, 200);
    // Single sign-on needs a verified domain first.
    let first = r#"href="/portal/acme/domain_verification""#;
    assert!(back.body.contains(first), "{}", back.body);
    let told = "A verified domain is missing";
    assert!(back.body.contains(told), "{}", back.body);
}

#[test]
fn who_comes_back_is_known_by_the_cookie_of_this_page_alone() {
    let stage = Stage::new(CONFIG);
    let linked = stage.hand_over("sso");
    let cookie = linked.cookie();
    let (name, value) = cookie.split_once('=').unwrap();
    let mut parts: Vec<&str> = value.split('.').collect();
    let claims = part(
        r#"{"sub":"ada","organization":"globex","intent":"sso","handoff":"x","exp":9999999999}"#,
    );
    parts[1] = &claims;
    let forged = format!("{name}={}", parts.join("."));
    let handoff = format!("{name}={}", signed(&stage.claims()));
    let back = |what, path: &str, cookie: &str| {
        Attack::get(what, path.to_owned(), "gateway/session").with("Cookie", cookie)
    };
    for attack in [
        Attack::get(
            "no cookie",
            "/return/acme/sso".to_owned(),
            "gateway/session",
        ),
        back("a changed cookie", "/return/globex/sso", &forged),
        back("another organization", "/return/globex/sso", &cookie),
        back("another intent", "/return/acme/dsync", &cookie),
        back("a hand-off token as a cookie", "/return/acme/sso", &handoff),
        back(
            "half a cookie",
            "/return/acme/sso",
            &cookie[..cookie.len() - 4],
        ),
    ] {
        assert_eq!(refuse(&stage.gateway, &attack).status, 403);
    }
    let known = stage
        .gateway
        .get("/return/acme/sso", &[("Cookie", &cookie)]);
    assert_eq!(known.status, 200);
    for attribute in [
        "HttpOnly",
        "SameSite=Lax",
        "Path=/return/acme/sso",
        "Max-Age=7200",
    ] {
        let cookie = &linked.headers["set-cookie"];
        assert!(cookie.contains(attribute), "{cookie}");
    }
}

#[test]
fn what_cannot_follow_to_the_portal_spends_nothing() {
    let stage = Stage::new(CONFIG);
    let path = format!("/portal/acme/sso?token={}", signed(&stage.claims()));
    let sent = || {
        let name = "portalctl_gateway_workos_requests_total";
        stage.gateway.metric(name)
    };
    let before = sent();
    let ask = |what, headers: &[(&'static str, &str)]| {
        let mut attack = Attack::get(what, path.clone(), "gateway/no-navigation");
        for (name, value) in headers {
            attack = attack.with(name, value);
        }
        assert_eq!(refuse(&stage.gateway, &attack).status, 400, "{what}");
    };
    ask(
        "a fetch",
        &[("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")],
    );
    ask("an old fetch", &[("Origin", "https://app.example.com")]);
    ask(
        "a frame",
        &[("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")],
    );
    ask(
        "a prefetch",
        &[
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"),
            ("Sec-Purpose", "prefetch;prerender"),
        ],
    );
    ask(
        "an image",
        &[("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")],
    );
    assert_eq!(sent(), before, "nothing was asked of WorkOS");
    assert_eq!(stage.gateway.get(&path, &BROWSER).status, 200);
}

/// The headers of a browser that opens a page.
const BROWSER: [(&str, &str); 3] = [
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Site", "same-site"),
];

#[test]
fn behind_a_proxy_another_site_makes_no_link() {
    let stage = Stage::new(PROXY);
    let known = [
        ("X-Forwarded-User", "ada"),
        ("X-Forwarded-Groups", "acme-it"),
    ];
    let ask = |path: &str, more: &[(&str, &str)]| {
        let headers: Vec<(&str, &str)> = known.iter().chain(more).copied().collect();
        stage.gateway.get(path, &headers)
    };
    let crossed = [
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    let path = "/portal/acme/sso?handoff=request-1";
    let asked = ask(path, &crossed);
    assert_eq!(asked.status, 200, "{asked:?}");
    assert!(
        asked.body.contains("Do you want to continue?"),
        "{}",
        asked.body
    );
    assert!(
        asked.body.contains(&format!("href=\"{path}\"")),
        "{}",
        asked.body
    );
    assert!(!asked.headers.contains_key("set-cookie"), "{asked:?}");
    assert_eq!(stage.gateway.audit(0)["code"], "gateway/cross-site");
    let form = stage.gateway.send(
        "POST",
        "/portal/acme/sso",
        &[known[0], known[1], ("Origin", "https://evil.example")],
        "",
    );
    assert!(form.body.contains("Do you want to continue?"), "{form:?}");
    assert_eq!(
        stage
            .gateway
            .metric("portalctl_gateway_workos_requests_total"),
        Some(1.0),
        "the check of the key at the start"
    );
    let on = ask(path, &BROWSER);
    assert!(on.body.contains("http-equiv=\"refresh\""), "{}", on.body);
    stage.gateway.audit(2);
    for wrong in ["?handoff=short", "?handoff=request-1&x=1", "?to=evil"] {
        let attack = Attack::get(
            "a parameter",
            format!("/portal/acme/sso{wrong}"),
            "gateway/parameter",
        );
        let attack = attack
            .with(known[0].0, known[0].1)
            .with(known[1].0, known[1].1);
        refuse(&stage.gateway, &attack);
    }
}

#[test]
fn cookies_of_others_hide_none_and_the_next_person_sees_nothing() {
    let stage = Stage::new(CONFIG);
    let ada = stage.hand_over("sso");
    let other_page = stage.hand_over("dsync").cookie();
    let (session, seat) = ada.cookie().split_once("; ").map(own).unwrap();
    let back = |cookie: &str| {
        let headers = [("Cookie", cookie)];
        stage.gateway.get("/return/acme/sso", &headers)
    };
    let (name, _) = session.split_once('=').unwrap();
    let bad = format!("{name}=bad; ").repeat(5);
    let (other_session, _) = other_page.split_once("; ").unwrap();
    let crowd = format!("theirs=J\u{fc}rgen; {bad}{other_session}; {session}; {seat}");
    assert_eq!(back(&crowd).status, 200);
    // The session alone proves nothing.
    assert_eq!(back(&session).status, 403);
    let mut claims = stage.claims();
    claims["sub"] = json!("bob");
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    let bob = stage.gateway.get(&path, &[]).cookie();
    let (_, seat_of_bob) = bob.split_once("; ").unwrap();
    assert_eq!(back(&format!("{session}; {seat_of_bob}")).status, 403);
    // Signing out gives the seat up.
    let out = stage.gateway.get("/return/signed-out", &[]);
    assert_eq!(out.status, 200);
    let removed = &out.headers["set-cookie"];
    let (seat_name, _) = seat.split_once('=').unwrap();
    assert!(removed.starts_with(&format!("{seat_name}=;")), "{removed}");
    assert!(removed.contains("Max-Age=0"), "{removed}");
    // Once the page was shown, the session is short.
    let shown = back(&ada.cookie());
    assert!(
        shown.headers["set-cookie"].contains("Max-Age=600"),
        "{shown:?}"
    );
    let again = shown.cookie() + "; " + &seat;
    assert!(!back(&again).headers.contains_key("set-cookie"));
}

fn own((first, second): (&str, &str)) -> (String, String) {
    (first.to_owned(), second.to_owned())
}
