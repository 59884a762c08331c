//! Tests that single sign-on needs a verified domain, unless the organization allows profiles from
//! outside.

use serde_json::{Value, json};

use crate::support::cli::{Run, TestEnv};
use crate::support::sandbox_server::SandboxServer;
use crate::support::stand_in::{StandIn, World};

const MANIFEST: &str = "\
version: 1
organizations:
  acme: {name: Acme, intents: [sso, domain_verification]}
";

/// A world with `acme`, whose organization has these fields besides.
fn acme(more: &Value) -> StandIn {
    StandIn::of(|world| {
        let mut fields = json!({"external_id": "acme"});
        for (field, value) in more.as_object().unwrap() {
            fields[field] = value.clone();
        }
        world.organization("org_1", "Acme", &fields);
    })
}

fn run(env: &TestEnv, workos: &StandIn, line: &str) -> Run {
    env.run(line).at_url(&workos.url())
}

/// The row of `sso` in a status.
fn sso(env: &TestEnv, workos: &StandIn) -> Value {
    let status = run(env, workos, "status -o json")
        .exits(0)
        .json_of("status");
    status["organizations"][0]["intents"][0].clone()
}

#[test]
fn sso_says_in_every_format_that_a_verified_domain_is_missing() {
    let workos = acme(&json!({}));
    let env = TestEnv::with_manifest(MANIFEST);
    let row = sso(&env, &workos);
    assert_eq!(row["state"], "unconfigured");
    assert_eq!(row["verified_domain"], "missing");
    let reason = "no connection yet; a verified domain is missing";
    assert_eq!(row["reason"], reason);
    let step = "have a domain verified first: portalctl link acme domain_verification; then send \
                the customer's IT admin to the Admin Portal: portalctl link acme sso";
    assert_eq!(row["next_step"], step);
    for format in ["text", "markdown", "html", "csv"] {
        let output = run(&env, &workos, &format!("status -o {format}")).exits(0);
        let told = output.stdout.replace('`', "");
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            told.contains("a verified domain is missing"),
            "{format}: {told}"
        );
        assert!(
            told.contains("link acme domain_verification"),
            "{format}: {told}"
        );
    }
    // A plan reads no connections, and knows the domains all the same.
    let plan = run(&env, &workos, "plan").exits(0).stdout;
    let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        plan.contains("sso of 1 organization needs a verified domain"),
        "{plan}"
    );
    let plan = run(&env, &workos, "plan -o json").exits(0).json_of("plan");
    let row = &plan["readiness"][0]["intents"][0];
    assert_eq!(row["verified_domain"], "missing", "{plan:#}");
}

#[test]
fn the_next_step_of_sso_is_the_way_to_a_domain_that_the_manifest_knows() {
    let workos = acme(&json!({}));
    for (entry, step) in [
        (
            "domains: [acme.com], intents: [sso]",
            "portalctl verify-domain acme",
        ),
        ("intents: [sso]", "declare the customer's domains"),
    ] {
        let manifest = format!("version: 1\norganizations:\n  acme: {{name: Acme, {entry}}}\n");
        let env = TestEnv::with_manifest(&manifest);
        let row = sso(&env, &workos);
        let told = row["next_step"].as_str().unwrap();
        assert!(told.contains(step), "{told}");
    }
}

#[test]
fn sso_needs_no_domain_where_one_is_verified_or_profiles_from_outside_are_allowed() {
    let verified = json!({"domains": [World::domain("org_1", "acme.com", "verified")]});
    let allowed = json!({"allow_profiles_outside_organization": true});
    for more in [verified, allowed] {
        let env = TestEnv::with_manifest(MANIFEST);
        let row = sso(&env, &acme(&more));
        assert_eq!(row["reason"], "no connection yet", "{more}");
        assert_eq!(row.get("verified_domain"), None);
    }
}

#[test]
fn where_workos_does_not_tell_whether_sso_needs_a_domain_the_note_says_so() {
    let workos = acme(&json!({"allow_profiles_outside_organization": null}));
    let env = TestEnv::with_manifest(MANIFEST);
    let row = sso(&env, &workos);
    assert_eq!(row["verified_domain"], "not_known");
    let told = row["reason"].as_str().unwrap();
    assert!(told.contains("WorkOS does not tell"), "{told}");
    let step = row["next_step"].as_str().unwrap();
    assert!(
        step.contains("Admin Portal: portalctl link acme sso"),
        "{step}"
    );
}

#[test]
fn an_active_connection_stays_configured_without_a_verified_domain() {
    let workos = acme(&json!({}));
    workos.with(|world| world.connection("conn_1", "org_1", "active"));
    let env = TestEnv::with_manifest(MANIFEST);
    let row = sso(&env, &workos);
    assert_eq!(row["state"], "configured");
    assert_eq!(row["turn"], "none");
    let told = row["reason"].as_str().unwrap();
    assert!(
        told.contains("profile_not_allowed_outside_organization"),
        "{told}"
    );
}

#[test]
fn the_doctor_names_customers_whose_sso_lacks_a_verified_domain() {
    let workos = acme(&json!({}));
    let env = TestEnv::with_manifest(MANIFEST);
    let output = run(&env, &workos, "doctor -o json").exits(0);
    let doctor: Value = serde_json::from_str(&output.stdout).unwrap();
    let checks = doctor["checks"].as_array().unwrap();
    let check = checks.iter().find(|one| one["id"] == "organizations");
    let check = check.unwrap_or_else(|| panic!("{doctor:#}"));
    let told = check["detail"].as_str().unwrap();
    let expected = "sso needs a verified domain, which is missing for acme";
    assert!(told.contains(expected), "{told}");
}

const ALLOWS: &str = "\
version: 1
organizations:
  acme: {name: Acme, allow_profiles_outside_organization: true, intents: [sso]}
";

#[test]
fn profiles_from_outside_can_be_allowed_for_a_new_and_for_an_existing_organization() {
    let env = TestEnv::with_manifest(ALLOWS);
    for workos in [StandIn::start(), acme(&json!({}))] {
        let plan = run(&env, &workos, "plan").exits(0).stdout;
        assert!(
            plan.contains("allow_profiles_outside_organization"),
            "{plan}"
        );
        let _ = run(&env, &workos, "apply --yes").exits(0);
        assert_eq!(workos.writes().len(), 1, "{:?}", workos.writes());
        let live = workos.with(|world| world.find("acme").unwrap().clone());
        assert_eq!(live["allow_profiles_outside_organization"], true);
        let _ = run(&env, &workos, "plan --detailed-exitcode").exits(0);
        // And taken back.
        env.edit("portal.yaml", "_organization: true", "_organization: false");
        let _ = run(&env, &workos, "apply --yes").exits(0);
        let live = workos.with(|world| world.find("acme").unwrap().clone());
        assert_eq!(live["allow_profiles_outside_organization"], false);
        env.edit("portal.yaml", "_organization: false", "_organization: true");
    }
}

#[test]
fn the_sandbox_allows_profiles_from_outside() {
    let env = TestEnv::with_manifest(ALLOWS);
    let sandbox = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at_url(&sandbox.url()).exits(0);
    let plan = env.run("plan --detailed-exitcode").at_url(&sandbox.url());
    let _ = plan.exits(0);
    let status = env.run("status -o json").at_url(&sandbox.url()).exits(0);
    let row = status.json_of("status")["organizations"][0]["intents"][0].clone();
    assert_eq!(row["reason"], "no connection yet");
}

#[test]
fn a_server_that_never_tells_whether_profiles_are_allowed_is_not_asked_for_ever() {
    let workos = acme(&json!({}));
    let hide = |_: &_, (status, mut body): (u16, Value)| {
        let hidden = |one: &mut Value| {
            if let Some(fields) = one.as_object_mut() {
                fields.remove("allow_profiles_outside_organization");
            }
        };
        hidden(&mut body);
        for one in body["data"].as_array_mut().into_iter().flatten() {
            hidden(one);
        }
        (status, body)
    };
    workos.reshape("GET", "/organizations", hide);
    workos.reshape("GET", "/organizations/*", hide);
    workos.reshape("GET", "/organizations/external_id/*", hide);
    workos.reshape("PUT", "/organizations/*", hide);
    let env = TestEnv::with_manifest(ALLOWS);
    let _ = run(&env, &workos, "apply --yes").exits(0);
    let output = run(&env, &workos, "plan --detailed-exitcode").exits(0);
    assert!(output.stdout.contains("plan/kept-differently"), "{output}");
}
