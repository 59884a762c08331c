//! Tests the behaviour of the stand-in on which the other situations rely.

use serde_json::json;

use crate::support::cli::TestEnv;
use crate::support::stand_in::{StandIn, World};

const MANIFEST: &str = "\
version: 1
manifest: customers
organizations:
  acme:
    name: Acme
    domains: [acme.example]
    intents: [sso]
";

#[test]
fn what_is_applied_on_the_stand_in_is_there_and_planned_no_more() {
    let workos = StandIn::start();
    let env = TestEnv::with_manifest(MANIFEST);
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    let owner = workos.with(|world| world.find("acme").unwrap()["metadata"].clone());
    assert_eq!(owner["portalctl_owner"], "customers");
    workos.forget_requests();
    let plan = env.run("plan --detailed-exitcode").at_url(&workos.url());
    let _ = plan.exits(0);
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn lost_answers_have_their_effect_and_refused_requests_have_none() {
    let workos = StandIn::start();
    let env = TestEnv::with_manifest(MANIFEST);
    workos.lose(1, "POST", "/organizations");
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(workos.with(|world| world.organizations.len()), 1);

    let refusing = StandIn::of(|world| {
        let domain = World::domain("org_1", "acme.example", "pending");
        let more = json!({"external_id": "acme", "domains": [domain]});
        world.organization("org_1", "Old name", &more);
    });
    let refusal = json!({"code": "invalid_request", "message": "no"});
    refusing.answer("PUT", "/organizations/*", 422, refusal);
    let _ = env.run("apply --yes").at_url(&refusing.url()).exits(6);
    let name = refusing.with(|world| world.find("acme").unwrap()["name"].clone());
    assert_eq!(name, "Old name");
}
