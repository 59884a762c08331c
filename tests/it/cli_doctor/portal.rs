//! `doctor` of the built binary on return URLs and links.

use super::*;

#[test]
fn a_page_that_is_asked_gets_no_credential() {
    let (page, heads) = eavesdrop();
    let env = TestEnv::with_manifest(SOUND);
    env.edit(
        "portal.yaml",
        "https://app.example.com/settings/portal",
        &page,
    );
    env.edit("portal.yaml", "[app.example.com]", "[127.0.0.1]");
    let server = SandboxServer::start(&env);
    // 401: it is there, behind a login.
    let report = report(env.run("doctor --probe -o json").at(&server));
    is(&report, "return-urls-answer", "pass");
    let head = heads.recv_timeout(wait::LONG).unwrap();
    let names: Vec<String> = head
        .lines()
        .skip(1)
        .map(|line| line.split(':').next().unwrap().to_ascii_lowercase())
        .collect();
    for credential in ["authorization", "cookie", "proxy-authorization"] {
        assert!(!names.iter().any(|name| name == credential), "{head}");
    }
    assert!(head.contains("portalctl/") && !head.contains(KEY), "{head}");
}

#[test]
fn return_urls_are_asked_without_the_key() {
    let (heard, requests) = channel();
    let page = Canned::serve(move |method, path, _| {
        heard.send(format!("{method} {path}")).unwrap();
        let status = match path {
            "/gone" => 404,
            "/login" => 403,
            "/around" => 302,
            _ => 200,
        };
        (status, "Location: /around\r\n".to_owned(), String::new())
    });
    let env = TestEnv::with_manifest(SOUND);
    env.edit(
        "portal.yaml",
        "https://app.example.com/settings/portal",
        &page.url(),
    );
    env.edit(
        "portal.yaml",
        "allowed_hosts: [app.example.com]",
        "allowed_hosts: [127.0.0.1]",
    );
    let entry = |name: &str, path: &str| {
        format!(
            "  {name}: {{ name: {name}, intents: [sso], return_url: {}{path} }}\n",
            page.url()
        )
    };
    let mut text = env.read("portal.yaml");
    text.push_str(&entry("behind-a-login", "/login"));
    text.push_str(&entry("elsewhere", "/around"));
    env.write("portal.yaml", &text);
    let server = SandboxServer::start(&env);
    let run = || report(env.run("doctor --probe -o json").at(&server));
    let good = run();
    is(&good, "return-urls-answer", "pass");
    assert_eq!(
        check(&good, "return-urls-answer")["detail"],
        "3 URLs asked, all answer"
    );
    text.push_str(&entry("mistyped", "/gone"));
    env.write("portal.yaml", &text);
    let bad = run();
    fails(&bad, "return-urls-answer", "doctor/return-url-fails");
    let detail = check(&bad, "return-urls-answer")["detail"]
        .as_str()
        .unwrap();
    assert!(detail.ends_with("/gone answered 404"), "{detail}");
    // A redirect is not followed: everybody was asked once, in each run.
    assert_eq!(requests.try_iter().count(), 3 + 4);
}

#[test]
fn a_link_is_made_and_shown_to_nobody() {
    let env = TestEnv::with_manifest(SOUND);
    let server = SandboxServer::start(&env);
    let before = report(env.run("doctor --link-test acme -o json").at(&server));
    fails(&before, "portal-link", "link/no-organization");
    let _ = env.run("apply --yes").at(&server).exits(0);
    for line in [
        "doctor --link-test acme -vv",
        "doctor --link-test acme -vv -o json",
    ] {
        let output = env.run(line).at(&server).exits(0);
        assert!(!output.stdout.contains("/portal/"), "{output}");
        assert!(
            !output
                .stderr
                .contains(&format!("{}/portal/", server.address())),
            "{output}"
        );
    }
    let refused = Canned::serve(|method, path, _| match (method, path) {
        ("POST", _) => (
            422,
            String::new(),
            r#"{"message":"No portal here."}"#.to_owned(),
        ),
        ("GET", "/organizations?limit=1") => (200, String::new(), NOBODY.to_owned()),
        ("GET", _) => (200, String::new(), r#"{"id":"org_1","keys":[]}"#.to_owned()),
        _ => (404, String::new(), "{}".to_owned()),
    });
    let refused = report(
        env.run("doctor --link-test acme -o json")
            .at_url(&refused.url()),
    );
    fails(&refused, "portal-link", "api/rejected");
    let detail = check(&refused, "portal-link")["detail"].as_str().unwrap();
    assert!(detail.contains("No portal here."), "{detail}");
    let typo = env
        .run("doctor --link-test amce -o json")
        .at(&server)
        .exits(3);
    assert_eq!(
        typo.json_of("doctor")["errors"][0]["code"],
        "cli/nothing-selected"
    );
    assert!(typo.stderr.contains("did you mean `acme`?"), "{typo}");
}
