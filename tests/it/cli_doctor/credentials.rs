//! `doctor` of the built binary with wrong, missing and exposed credentials.

use super::*;

#[test]
fn a_key_that_is_missing_or_malformed() {
    let env = TestEnv::with_manifest(SOUND);
    let server = SandboxServer::start(&env);
    let run = || {
        env.run("doctor -o json")
            .env("WORKOS_API_URL", &server.url())
    };
    let missing = report(run());
    fails(&missing, "api-key", "cli/no-api-key");
    is(&missing, "api-key-accepted", "skip");
    // The way there is looked at all the same.
    is(&missing, "reachable", "pass");
    is(&missing, "client-id-known", "pass");
    let quoted = report(run().env("WORKOS_API_KEY", "'sk_test_x'"));
    fails(&quoted, "api-key", "cli/invalid-api-key");
    let absent = report(env.run("doctor -o json --api-key-file nowhere"));
    fails(&absent, "api-key", "cli/no-api-key");
}

#[test]
fn a_key_of_another_kind_is_not_sent() {
    let env = TestEnv::with_manifest(SOUND);
    let (url, heads) = eavesdrop();
    let with = |key: &str| {
        let run = env.run("doctor -o json").at_url(&url);
        report(run.env("WORKOS_API_KEY", key))
    };
    let other = with("sk_live_0123456789abcdef");
    fails(&other, "api-key-kind", "cli/wrong-key-kind");
    is(&other, "api-key-accepted", "skip");
    is(&other, "organizations", "skip");
    let sent: Vec<String> = heads.try_iter().collect();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert!(
        sent.iter().all(|head| !head.contains("sk_live_")),
        "{sent:#?}"
    );
    // The right one is sent, but not for what everybody may ask.
    fails(&with(KEY), "api-key-accepted", "api/unauthorized");
    let sent: Vec<String> = heads.try_iter().collect();
    let with_key = sent.iter().filter(|head| head.contains(KEY));
    let with_key: Vec<&str> = with_key.filter_map(|head| head.lines().next()).collect();
    assert_eq!(with_key, ["GET /organizations?limit=1 HTTP/1.1"]);
    assert_eq!(sent.len(), 2, "{sent:#?}");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let env = TestEnv::with_manifest(SOUND);
    let server = SandboxServer::start(&env);
    env.write("key", KEY);
    let with = |mode| {
        set_permissions(env.path("key"), Permissions::from_mode(mode)).unwrap();
        let run = env.run("doctor -o json --api-key-file key");
        report(run.env("WORKOS_API_URL", &server.url()))
    };
    is(&with(0o600), "api-key-file", "pass");
    is(&with(0o400), "api-key-file", "pass");
    for (mode, who) in [
        (0o640, "its group on this machine"),
        (0o604, "everybody on this machine"),
        (0o644, "everybody on this machine"),
    ] {
        let open = with(mode);
        warns(&open, "api-key-file", "doctor/key-file-open");
        assert!(open.to_string().contains(who), "{open:#}");
        is(&open, "api-key-accepted", "pass");
    }
}

#[test]
fn a_client_id_that_differs_or_is_unknown() {
    let env = TestEnv::with_manifest(SOUND);
    let server = SandboxServer::with(&env, "--client-id client_01HXYZ");
    let with = |id: &str| {
        let run = env.run("doctor -o json").at(&server);
        report(run.env("WORKOS_CLIENT_ID", id))
    };
    let good = with("client_01HXYZ");
    is(&good, "client-id", "pass");
    is(&good, "client-id-known", "pass");
    let other = with("client_01OTHER");
    fails(&other, "client-id", "cli/client-id-differs");
    fails(&other, "client-id-known", "doctor/unknown-client-id");
    fails(&with("nonsense"), "client-id", "doctor/invalid-client-id");
}

#[test]
fn a_key_that_workos_refuses() {
    let env = TestEnv::with_manifest(SOUND);
    env.write("key", "sk_test_theonlyone");
    let server = SandboxServer::with(&env, "--key-file key");
    let refused = report(env.run("doctor -o json").at(&server));
    fails(&refused, "api-key-accepted", "api/unauthorized");
    is(&refused, "organizations", "skip");
    is(&refused, "client-id-known", "pass");
    let server = Canned::serve(|_, path, _| match path {
        "/organizations?limit=1" => (403, String::new(), r#"{"message":"No."}"#.to_owned()),
        _ => (200, String::new(), r#"{"keys":[]}"#.to_owned()),
    });
    let forbidden = report(env.run("doctor -o json").at_url(&server.url()));
    fails(&forbidden, "api-key-accepted", "api/forbidden");
}
