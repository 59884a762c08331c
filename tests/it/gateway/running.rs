//! Tests the operation of the gateway: changing files, limits, failures, start and stop.

use std::net::TcpListener;

use serde_json::json;

use crate::support::cli::TestEnv;
use crate::support::gateway::{CONFIG, GatewayServer, MANIFEST, SECRET, Stage, signed};
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

#[test]
fn a_broken_edit_keeps_the_last_good_manifest_and_says_so() {
    let stage = Stage::new(CONFIG);
    let current = || {
        stage
            .gateway
            .metric("portalctl_gateway_manifest_is_current")
    };
    assert_eq!(current(), Some(1.0));
    stage
        .env
        .write("portal.yaml", "version: 1\norganisations: {}\n");
    wait::until("the edit to be seen", || {
        (current() == Some(0.0)).then_some(())
    });
    let ready = stage.gateway.get("/readyz", &[]);
    assert_eq!(ready.status, 200, "the last good one serves as well");
    assert!(ready.body.contains("before an edit"), "{}", ready.body);
    let told = |code: &str| {
        wait::until(code, || {
            let log = stage.gateway.log();
            log.into_iter().find(|line| line["code"] == code)
        })
    };
    let line = told("manifest/unknown-field");
    assert!(
        line["message"]
            .as_str()
            .unwrap()
            .contains("portal.yaml:2:1"),
        "{line}"
    );
    assert_eq!(stage.hand_over("sso").status, 303);
    // Another environment is none that the key was checked for.
    stage.env.write(
        "portal.yaml",
        &MANIFEST.replace("api_key: test", "api_key: live"),
    );
    let _ = told("gateway/manifest-kept");
    stage.env.write("portal.yaml", MANIFEST);
    wait::until("the repair to be seen", || {
        (current() == Some(1.0)).then_some(())
    });
}

#[test]
fn a_rotated_secret_is_read_while_the_old_one_still_holds() {
    let stage = Stage::new(CONFIG);
    let new = "another-secret-of-32-bytes-or-more";
    let read = || {
        let name = r#"portalctl_gateway_reloads_total{what="keys",outcome="read"}"#;
        stage.gateway.metric(name).unwrap_or_default()
    };
    let by = |secret: &str| {
        let header = r#"{"alg":"HS256"}"#;
        let claims = stage.claims().to_string();
        let token = crate::support::gateway::token(header, &claims, secret.as_bytes());
        let path = format!("/portal/acme/sso?token={token}");
        stage.gateway.get(&path, &[]).status
    };
    assert_eq!((by(SECRET), by(new)), (303, 403));
    stage
        .env
        .write("handoff.secret", &format!("{new}\n{SECRET}\n"));
    wait::until("both secrets", || (read() >= 1.0).then_some(()));
    assert_eq!((by(SECRET), by(new)), (303, 303));
    stage.env.write("handoff.secret", &format!("{new}\n"));
    wait::until("the new secret", || (read() >= 2.0).then_some(()));
    assert_eq!((by(SECRET), by(new)), (403, 303));
}

#[test]
fn a_token_from_before_the_start_is_asked_to_wait() {
    let stage = Stage::new(CONFIG);
    let mut claims = stage.claims();
    let now = crate::support::gateway::now();
    claims["iat"] = json!(now - 100);
    claims["exp"] = json!(now + 10);
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    let answer = stage.gateway.get(&path, &[]);
    assert_eq!(answer.status, 503, "{answer:?}");
    let wait: u64 = answer.headers["retry-after"].parse().unwrap();
    assert!((1..=40).contains(&wait), "{wait}");
    assert!(
        answer.body.contains("Wait a few seconds"),
        "{}",
        answer.body
    );
    assert_eq!(stage.gateway.audit(0)["code"], "gateway/token-before-start");
}

#[test]
fn with_a_shared_store_replicas_and_restarts_lose_no_press() {
    let Some(redis) = crate::support::redis::Server::start() else {
        return;
    };
    let config = format!(
        "{CONFIG}secret_file: handoff.secret\nused_tokens: {{ redis_url_file: redis.url }}\n"
    );
    let stage = Stage::prepared(&config, |env| env.write("redis.url", &redis.url()));
    let url = format!("--public-url {}", stage.gateway.url());
    let claims = stage.claims();
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    // Pressed before this replica started, and still good there.
    let other = GatewayServer::start(&stage.env, &stage.sandbox, &url);
    let linked = other.get(&path, &[]);
    assert_eq!(linked.status, 303, "{linked:?}");
    for gateway in [&stage.gateway, &other] {
        assert_eq!(gateway.get(&path, &[]).status, 403, "used");
    }
    // Whichever replica a person comes back to knows them.
    let cookie = linked.cookie();
    let back = stage
        .gateway
        .get("/return/acme/sso", &[("Cookie", &cookie)]);
    assert_eq!(back.status, 200, "{back:?}");
    drop(other);
    let again = GatewayServer::start(&stage.env, &stage.sandbox, &url);
    assert_eq!(again.get(&path, &[]).status, 403, "used before the restart");

    drop(redis);
    wait::until("the store to be missed", || {
        let ready = again.get("/readyz", &[]);
        (ready.status == 503 && ready.body.contains("store of used tokens")).then_some(())
    });
    let fresh = format!("/portal/acme/sso?token={}", signed(&stage.claims()));
    let answer = again.get(&fresh, &[]);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    let name = "portalctl_gateway_token_store_is_reachable";
    assert_eq!(again.metric(name), Some(0.0));
    let log: String = again.log().iter().map(ToString::to_string).collect();
    assert!(!log.contains("redis-password"), "{log}");
}

#[test]
fn emptied_secret_files_withdraw_what_they_held() {
    let config = format!("{CONFIG}secret_file: gateway.secret\n");
    let stage = Stage::prepared(&config, |env| {
        env.write("gateway.secret", &SECRET.repeat(2));
    });
    let cookie = stage.hand_over("sso").cookie();
    let back = || {
        let headers = [("Cookie", cookie.as_str())];
        stage.gateway.get("/return/acme/sso", &headers).status
    };
    assert_eq!(back(), 200);
    stage.env.write("gateway.secret", "");
    stage.env.write("handoff.secret", "\n");
    wait::until("the secrets to be withdrawn", || {
        let ready = stage.gateway.get("/readyz", &[]);
        (ready.status == 503 && ready.body.contains("withdrawn")).then_some(())
    });
    wait::until("the cookie to be worth nothing", || {
        (back() == 403).then_some(())
    });
    let path = format!("/portal/acme/sso?token={}", signed(&stage.claims()));
    assert_eq!(stage.gateway.get(&path, &[]).status, 403);
    stage.env.write("handoff.secret", SECRET);
    wait::until("the secret to be back", || {
        (stage.gateway.get("/readyz", &[]).status == 200).then_some(())
    });
    assert_eq!(stage.gateway.get(&path, &[]).status, 303);
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let config = format!("{CONFIG}limits: {{ per_subject: 2, per_organization: 3 }}\n");
    let stage = Stage::new(&config);
    let ask = |subject: &str| {
        let mut claims = stage.claims();
        claims["sub"] = json!(subject);
        stage
            .gateway
            .get(&format!("/portal/acme/sso?token={}", signed(&claims)), &[])
    };
    assert_eq!([ask("ada").status, ask("ada").status], [303, 303]);
    let limited = ask("ada");
    assert_eq!(limited.status, 429);
    let wait: u64 = limited.headers["retry-after"].parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    // Another person of the same customer has a share, until that of the customer is used up.
    assert_eq!(ask("grace").status, 303);
    assert_eq!(ask("hedy").status, 429);
}

#[test]
fn when_workos_does_not_answer_the_page_says_so_and_the_token_stays_good() {
    let stage = Stage::new(CONFIG);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let env = &stage.env;
    let line = "serve --listen 127.0.0.1:0 --config gateway.yaml";
    let gateway = GatewayServer::of(env.run(line).at_url(&format!("http://{address}")));
    let claims = crate::support::gateway::claims(&gateway.url());
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    for _ in 0..2 {
        let answer = gateway.get(&path, &[]);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    let line = gateway.audit(1);
    assert_eq!(line["code"], "gateway/no-answer", "{line}");
}

#[test]
fn whoever_comes_back_while_workos_is_away_is_not_turned_away() {
    for returns in ["page", "forward"] {
        let config = format!("{CONFIG}returns: {returns}\nsecret_file: handoff.secret\n");
        let Stage {
            env: _env,
            sandbox,
            gateway,
        } = Stage::new(&config);
        let claims = crate::support::gateway::claims(&gateway.url());
        let path = format!("/portal/acme/sso?token={}", signed(&claims));
        let cookie = gateway.get(&path, &[]).cookie();
        drop(sandbox);
        let back = gateway.get("/return/acme/sso", &[("Cookie", &cookie)]);
        if returns == "page" {
            assert_eq!(back.status, 200, "{back:?}");
            assert!(back.body.contains("We cannot tell yet"), "{}", back.body);
            assert!(
                back.body.contains(r#"data-state="unclear""#),
                "{}",
                back.body
            );
        } else {
            assert_eq!(back.status, 303, "{back:?}");
            assert!(
                back.headers["location"].contains("portal_result="),
                "{back:?}"
            );
        }
        assert_eq!(gateway.audit(1)["state"], "unclear");
        let log = gateway.log();
        assert!(
            log.iter().any(|line| line["code"] == "gateway/no-answer"),
            "{log:#?}"
        );
    }
}

#[test]
fn a_refused_key_is_a_failure_that_the_log_tells_and_the_page_does_not() {
    let env = TestEnv::with_manifest(MANIFEST);
    env.write("gateway.yaml", CONFIG);
    env.write("handoff.secret", SECRET);
    env.write("only.key", "sk_test_onlythisone");
    let sandbox = SandboxServer::with(&env, "");
    let gateway = GatewayServer::start(&env, &sandbox, "");
    // The key was good when the gateway started, and is revoked now.
    let address = sandbox.url().replace("http://", "");
    drop(sandbox);
    let _revoked = SandboxServer::listening(&env, &address, "--key-file only.key");
    let claims = crate::support::gateway::claims(&gateway.url());
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    let answer = gateway.get(&path, &[]);
    assert_eq!(answer.status, 502);
    assert!(!answer.body.contains("401"), "{}", answer.body);
    let line = gateway.audit(0);
    assert_eq!(
        (&line["code"], &line["level"]),
        (&json!("api/unauthorized"), &json!("ERROR"))
    );
}

#[test]
fn the_end_waits_for_those_who_are_being_served() {
    let stage = Stage::with(CONFIG, "", "--latency-ms 300");
    let gateway = &stage.gateway;
    let claims = crate::support::gateway::claims(&gateway.url());
    let path = format!("/portal/acme/sso?token={}", signed(&claims));
    let status = std::thread::scope(|scope| {
        let asking = scope.spawn(|| gateway.get(&path, &[]).status);
        wait::until("somebody to be served", || {
            (gateway.metric("portalctl_gateway_in_flight") == Some(1.0)).then_some(())
        });
        gateway.signal("TERM");
        asking.join().unwrap()
    });
    assert_eq!(status, 303);
    assert_eq!(stage.gateway.finish(), Some(0));
}

#[test]
fn what_keeps_it_from_starting_is_told_with_a_code() {
    let env = TestEnv::with_manifest(MANIFEST);
    env.write("handoff.secret", SECRET);
    let refused = |config: &str, options: &str| {
        env.write("gateway.yaml", config);
        let line = format!("serve --config gateway.yaml {options}");
        let run = env.run(&line).env("WORKOS_API_KEY", "sk_test_example");
        let output = run.env("WORKOS_API_URL", "http://127.0.0.1:9").exits(3);
        assert_eq!(output.stdout, "", "{output}");
        output.stderr
    };
    for (config, options, told) in [
        (
            "version: 1\ntokens: {}\n",
            "",
            "error[gateway/config]: gateway.yaml:2:1: unknown field",
        ),
        (
            "version: 1\n",
            "",
            "error[gateway/config]: gateway.yaml: one of `token` and `proxy`",
        ),
        (
            &CONFIG.replace("handoff.secret", "gone.secret"),
            "--listen 127.0.0.1:0",
            "error[gateway/keys]",
        ),
        (
            CONFIG,
            "--listen 127.0.0.1:0 --public-url http://portal.example.com",
            "error[gateway/public-url]",
        ),
        (CONFIG, "--listen 0.0.0.0:0", "error[gateway/public-url]"),
        (CONFIG, "--sandbox", "portalctl sandbox"),
    ] {
        let stderr = refused(config, options);
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
    env.write("short.secret", "secret");
    let stderr = refused(&CONFIG.replace("handoff", "short"), "--listen 127.0.0.1:0");
    assert!(stderr.contains("holds a secret of 6 bytes"), "{stderr}");
}

#[test]
fn a_refused_key_keeps_the_gateway_from_starting() {
    let env = TestEnv::with_manifest(MANIFEST);
    env.write("gateway.yaml", CONFIG);
    env.write("handoff.secret", SECRET);
    env.write("only", "sk_test_another0123456789abcdef\n");
    let sandbox = SandboxServer::with(&env, "--key-file only");
    let serve = env.run("serve --listen 127.0.0.1:0 --config gateway.yaml");
    let output = serve.at(&sandbox).exits(4);
    assert!(
        output.stderr.contains("error[api/unauthorized]"),
        "{output}"
    );
    assert_eq!(output.stdout, "", "it never said that it serves");
}

#[test]
fn a_workos_that_cannot_be_reached_is_worth_a_warning_only() {
    let env = TestEnv::with_manifest(MANIFEST);
    env.write("gateway.yaml", CONFIG);
    env.write("handoff.secret", SECRET);
    let serve = env.run("serve --listen 127.0.0.1:0 --config gateway.yaml");
    let gateway = GatewayServer::of(serve.at_url("http://127.0.0.1:9"));
    let log = gateway.log();
    let warned = log.iter().find(|line| line["code"] == "api/unreachable");
    let warned = warned.unwrap_or_else(|| panic!("{log:#?}"));
    assert_eq!(warned["level"], "WARN");
}
