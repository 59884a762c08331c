//! Tests `audit_logs.retention_days`: no event is deleted earlier without consent.

use serde_json::{Value, json};

use crate::support::cli::{Run, TestEnv};
use crate::support::sandbox_server::SandboxServer;
use crate::support::stand_in::StandIn;

const PATH: &str = "/organizations/*/audit_logs_retention";

fn manifest(days: u16) -> String {
    format!(
        "version: 1\nmanifest: customers\norganizations:\n  acme: {{name: Acme, audit_logs: \
         {{retention_days: {days}}}}}\n  globex: {{name: Globex}}\n"
    )
}

/// `acme` and `globex`, of which `acme` keeps events for so many days.
fn two(days: Option<u64>) -> StandIn {
    StandIn::of(|world| {
        world.organization("org_1", "Acme", &json!({"external_id": "acme"}));
        world.organization("org_2", "Globex", &json!({"external_id": "globex"}));
        world
            .retention
            .extend(days.map(|days| ("org_1".to_owned(), days)));
    })
}

fn run(env: &TestEnv, workos: &StandIn, line: &str) -> Run {
    env.run(line).at_url(&workos.url())
}

fn kept(workos: &StandIn) -> Option<u64> {
    workos.with(|world| world.retention.get("org_1").copied())
}

#[test]
fn a_longer_retention_is_set_and_read_only_where_it_is_declared() {
    for before in [None, Some(30)] {
        let workos = two(before);
        let env = TestEnv::with_manifest(&manifest(365));
        let plan = run(&env, &workos, "plan").exits(0);
        assert!(plan.stdout.contains("audit_logs.retention_days"), "{plan}");
        let _ = run(&env, &workos, "apply --yes").exits(0);
        assert_eq!(kept(&workos), Some(365));
        let writes = ["PUT /organizations/org_1/audit_logs_retention"];
        assert_eq!(workos.writes(), writes);
        let _ = run(&env, &workos, "plan --detailed-exitcode").exits(0);
        let requests = workos.requests();
        let of_other = "/organizations/org_2/audit_logs_retention";
        assert!(requests.iter().all(|request| request.path != of_other));
    }
}

#[test]
fn a_shorter_retention_is_held_until_the_run_or_the_entry_allows_it() {
    let workos = two(Some(365));
    let env = TestEnv::with_manifest(&manifest(30));
    let document = run(&env, &workos, "plan -o json").exits(0).json_of("plan");
    let held = &document["held"][0];
    assert_eq!(held["allow"], "--allow-data-loss", "{document:#}");
    assert_eq!(held["write"], "allow: [data_loss]");
    let field = json!({
        "path": "audit_logs.retention_days", "before": "365", "after": "30",
    });
    assert_eq!(held["fields"][0], field, "{document:#}");
    for format in ["text", "markdown", "html", "sarif"] {
        let told = run(&env, &workos, &format!("plan -o {format}"))
            .exits(0)
            .stdout;
        assert!(told.contains("allow-data-loss"), "{format}: {told}");
    }
    let _ = run(&env, &workos, "apply --yes").exits(0);
    assert_eq!(kept(&workos), Some(365));

    let allowed = manifest(30).replace("30}", "30}, allow: [data_loss]");
    let entry = TestEnv::with_manifest(&allowed);
    let _ = run(&entry, &workos, "apply --yes").exits(0);
    assert_eq!(kept(&workos), Some(30));
    let plan = run(&entry, &workos, "plan").exits(0);
    assert!(plan.stdout.contains("plan/allow-unused"), "{plan}");

    let flagged = two(Some(365));
    let _ = run(&env, &flagged, "apply --yes --allow-data-loss").exits(0);
    assert_eq!(kept(&flagged), Some(30));
}

#[test]
fn what_cannot_be_read_is_a_warning_and_no_change() {
    for (status, told) in [(403, "403"), (404, "404"), (500, "500")] {
        let workos = two(Some(30));
        workos.answer("GET", PATH, status, json!({"message": "No."}));
        let env = TestEnv::with_manifest(&manifest(365));
        let plan = run(&env, &workos, "plan --detailed-exitcode").exits(0);
        assert!(plan.stdout.contains("plan/retention-not-read"), "{plan}");
        assert!(plan.stdout.contains(told), "{plan}");
        let _ = run(&env, &workos, "apply --yes").exits(0);
        assert!(workos.writes().is_empty());
    }
}

#[test]
fn a_retention_that_somebody_lengthened_since_the_plan_is_not_shortened() {
    let workos = two(None);
    let env = TestEnv::with_manifest(&manifest(30));
    let _ = run(&env, &workos, "plan --out plan.json").exits(0);
    workos.with(|world| world.retention.insert("org_1".to_owned(), 365));
    let output = run(&env, &workos, "apply plan.json -o json").exits(0);
    let document = output.json_of("apply");
    assert_eq!(document["changes"], json!([]));
    assert_eq!(document["held"][0]["allow"], "--allow-data-loss");
    assert_eq!(kept(&workos), Some(365));
}

#[test]
fn a_lost_answer_is_looked_up_and_a_refusal_stops_nothing_else() {
    let workos = two(Some(30));
    workos.lose(1, "PUT", PATH);
    let env = TestEnv::with_manifest(&manifest(365));
    let _ = run(&env, &workos, "apply --yes").exits(0);
    assert_eq!(workos.writes().len(), 1);

    let workos = two(Some(30));
    let no = json!({"code": "not_entitled", "message": "No audit logs."});
    workos.answer("PUT", PATH, 403, no);
    env.edit("portal.yaml", "name: Acme", "name: Acme Corp");
    let output = run(&env, &workos, "apply --yes -o json").exits(6);
    let change = output.json_of("apply")["changes"][0].clone();
    let outcome = |path: &str| -> Value {
        let mut fields = change["fields"].as_array().unwrap().iter();
        fields.find(|one| one["path"] == path).unwrap()["outcome"].clone()
    };
    assert_eq!(outcome("name"), "done", "{change:#}");
    assert_eq!(outcome("audit_logs.retention_days"), "refused");
    assert_eq!(
        workos.with(|world| world.find("acme").unwrap()["name"].clone()),
        "Acme Corp"
    );
}

#[test]
fn a_new_organization_gets_its_retention_with_its_creation() {
    let env = TestEnv::with_manifest(&manifest(365));
    let workos = StandIn::start();
    let plan = run(&env, &workos, "plan -o json").exits(0).json_of("plan");
    let fields = plan["changes"][0]["fields"].as_array().unwrap();
    assert!(
        fields
            .iter()
            .any(|one| one["path"] == "audit_logs.retention_days"),
        "{plan:#}"
    );
    let _ = run(&env, &workos, "apply --yes").exits(0);
    assert_eq!(
        workos.with(|world| world.retention.values().copied().collect::<Vec<_>>()),
        [365]
    );
    let _ = run(&env, &workos, "plan --detailed-exitcode").exits(0);
}

#[test]
fn the_sandbox_keeps_what_is_declared() {
    let env = TestEnv::with_manifest(&manifest(365));
    let sandbox = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at_url(&sandbox.url()).exits(0);
    let plan = env.run("plan --detailed-exitcode").at_url(&sandbox.url());
    let _ = plan.exits(0);
    env.write("portal.yaml", &manifest(30));
    let held = env.run("plan -o json").at_url(&sandbox.url()).exits(0);
    assert_eq!(
        held.json_of("plan")["held"][0]["allow"],
        "--allow-data-loss"
    );
}

#[test]
fn another_number_of_days_is_an_error_and_both_forms_have_the_field() {
    let output = TestEnv::with_manifest(&manifest(90))
        .run("validate")
        .exits(3);
    assert!(output.stderr.contains("write 30 or 365"), "{output}");
    let env = TestEnv::with_manifest(&manifest(365));
    let output = env.run("convert --to kubernetes -f portal.yaml").exits(0);
    assert!(output.stdout.contains("retentionDays: 365"), "{output}");
    env.write("resources.yaml", &output.stdout);
    let back = env.run("convert --to manifest -f resources.yaml").exits(0);
    assert!(back.stdout.contains("retention_days: 365"), "{back}");
}
