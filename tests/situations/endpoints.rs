//! Tests that variables of other tools lead to this machine at most.

use crate::support::cli::{KEY, TestEnv};
use crate::support::stand_in::StandIn;

const MANIFEST: &str = "version: 1\norganizations:\n  acme: {name: Acme}\n";

#[test]
fn the_variables_of_official_sdks_lead_to_a_server_on_this_machine() {
    let workos = StandIn::start();
    let env = TestEnv::with_manifest(MANIFEST);
    let port = workos.url().rsplit(':').next().unwrap().to_owned();
    let apply = env
        .run("apply --yes")
        .env("WORKOS_API_KEY", KEY)
        .env("WORKOS_API_HOSTNAME", "127.0.0.1")
        .env("WORKOS_API_PORT", &port)
        .env("WORKOS_API_HTTPS", "false");
    let _ = apply.exits(0);
    assert_eq!(workos.with(|world| world.organizations.len()), 1);

    let plan = env
        .run("plan --detailed-exitcode")
        .env("WORKOS_API_KEY", KEY);
    let _ = plan.env("WORKOS_API_BASE_URL", &workos.url()).exits(0);
}

#[test]
fn the_variables_of_official_sdks_lead_to_no_other_machine_and_are_named() {
    let env = TestEnv::with_manifest(MANIFEST);
    for (name, value) in [
        ("WORKOS_API_HOSTNAME", "collector.example"),
        ("WORKOS_API_BASE_URL", "https://collector.example"),
    ] {
        let plan = env
            .run("plan")
            .env("WORKOS_API_KEY", KEY)
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env(name, value)
            .exits(5);
        assert!(
            plan.stderr.contains(&format!("{name} is ignored")),
            "{plan}"
        );
        assert!(plan.stderr.contains("api.workos.com"), "{plan}");
        assert!(!plan.stderr.contains("collector"), "{plan}");
    }
}
