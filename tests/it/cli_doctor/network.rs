//! `doctor` of the built binary behind proxies, broken TLS and silent endpoints.

use super::*;

#[test]
fn nobody_listens() {
    let env = TestEnv::with_manifest(SOUND);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let report = report(env.run("doctor -o json").at_url(&url));
    fails(&report, "reachable", "doctor/connection-refused");
    for id in [
        "clock",
        "api-key-accepted",
        "rate-limit",
        "organizations",
        "client-id-known",
    ] {
        is(&report, id, "skip");
    }
    assert_eq!(report["requests_used"], 0);
}

#[test]
fn what_listens_speaks_no_tls() {
    let env = TestEnv::with_manifest(SOUND);
    let server = SandboxServer::start(&env);
    let url = server.url().replace("http:", "https:");
    let report = report(env.run("doctor -o json").at_url(&url));
    fails(&report, "reachable", "doctor/tls");
}

#[test]
fn an_endpoint_that_may_not_be_used_is_not_repeated() {
    let env = TestEnv::with_manifest(SOUND);
    let output = env
        .run("doctor -o json")
        .at_url("http://ada:canary@workos.example.com")
        .exits(2);
    let report = output.json_of("doctor");
    fails(&report, "endpoint", "cli/invalid-endpoint");
    is(&report, "reachable", "skip");
    assert!(!output.stdout.contains("canary"), "{output}");
}

#[test]
fn a_proxy_is_told_without_its_password() {
    let env = TestEnv::with_manifest(SOUND);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let run = || {
        env.run("doctor -o json -vv")
            .at_url("https://workos.invalid")
    };
    let proxy = format!("http://ada:canary@{address}");
    let output = run().env("HTTPS_PROXY", &proxy).exits(2);
    let through = output.json_of("doctor");
    is(&through, "proxy", "pass");
    let detail = check(&through, "proxy")["detail"].as_str().unwrap();
    assert_eq!(detail, format!("requests go through http://{address}"));
    fails(&through, "reachable", "doctor/connection-refused");
    assert!(!output.stdout.contains("canary") && !output.stderr.contains("canary"));
    let exempt = run()
        .env("HTTPS_PROXY", &proxy)
        .env("NO_PROXY", "workos.invalid");
    let detail = check(&report(exempt), "proxy")["detail"].clone();
    assert_eq!(detail, "none: NO_PROXY exempts the endpoint");
    let unusable = report(run().env("HTTPS_PROXY", "::canary"));
    warns(&unusable, "proxy", "doctor/proxy-unusable");
}

#[test]
fn certificates_that_cannot_be_used() {
    let env = TestEnv::with_manifest(SOUND);
    env.write("empty.pem", "nothing\n");
    let run = env.run("doctor -o json").at_url("https://127.0.0.1:1");
    let report = report(run.env("SSL_CERT_FILE", "empty.pem"));
    fails(&report, "certificates", "doctor/certificates");
}

/// A server that answers with an empty list and these headers.
fn with_headers(headers: &'static str) -> Canned {
    Canned::serve(move |_, path, _| {
        let body = if path.starts_with("/sso/jwks/") {
            r#"{"keys":[]}"#
        } else {
            NOBODY
        };
        (200, headers.to_owned(), body.to_owned())
    })
}

#[test]
fn a_clock_that_is_years_off() {
    let env = TestEnv::new();
    let server = with_headers("Date: Thu, 01 Jan 2015 00:00:00 GMT\r\n");
    let skewed = report(env.run("doctor -o json").at_url(&server.url()));
    fails(&skewed, "clock", "doctor/clock-skew");
    let server = with_headers("");
    let untold = report(env.run("doctor -o json").at_url(&server.url()));
    is(&untold, "clock", "skip");
}

#[test]
fn a_rate_limit_that_is_nearly_used_up() {
    let env = TestEnv::new();
    let server = with_headers(
        "X-RateLimit-Limit: 6000\r\nX-RateLimit-Remaining: 12\r\nX-RateLimit-Reset: 30\r\n",
    );
    let low = report(env.run("doctor -o json").at_url(&server.url()));
    warns(&low, "rate-limit", "doctor/low-budget");
    let server = with_headers("");
    let untold = report(env.run("doctor -o json").at_url(&server.url()));
    is(&untold, "rate-limit", "pass");
    let server = SandboxServer::with(&env, "--rate-limit 1");
    let first = report(env.run("doctor -o json").at(&server));
    warns(&first, "rate-limit", "doctor/low-budget");
    let second = report(env.run("doctor -o json").at(&server));
    warns(&second, "rate-limit", "api/rate-limited");
}

#[test]
fn something_else_answers() {
    let env = TestEnv::new();
    let page = Canned::serve(|_, _, _| (200, String::new(), "<html>".to_owned()));
    let report = report(env.run("doctor -o json").at_url(&page.url()));
    fails(&report, "reachable", "api/invalid-answer");
    is(&report, "api-key-accepted", "skip");
}

#[test]
fn an_interruption_comes_before_the_report() {
    let env = TestEnv::with_manifest(SOUND);
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let running = env.run("doctor -o json").at_url(&url).spawn();
    running.wait_until_it_handles_signals();
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    let report = output.json_of("doctor");
    is(&report, "api-key", "pass");
    is(&report, "reachable", "skip");
    assert_eq!(check(&report, "reachable")["detail"], "interrupted");
}
