//! Tests that `state: absent` deletes the organization that its id names, and no other.

use serde_json::{Value, json};

use crate::support::cli::{Output, Run, TestEnv};
use crate::support::stand_in::StandIn;

const MANIFEST: &str = "\
version: 1
manifest: customers
organizations:
  acme: {name: Acme}
  old: {id: org_OLD, state: absent}
";

/// `acme`, and the organization that is to be deleted, with these fields.
fn two(old: &Value) -> StandIn {
    StandIn::of(|world| {
        world.organization("org_1", "Acme", &json!({"external_id": "acme"}));
        world.organization("org_OLD", "Acme (old)", old);
        world.organization("org_3", "Other", &json!({}));
    })
}

fn run(env: &TestEnv, workos: &StandIn, line: &str) -> Run {
    env.run(line).at_url(&workos.url())
}

fn ids(workos: &StandIn) -> Vec<String> {
    workos.with(|world| {
        let live = world.organizations.iter();
        live.map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    })
}

fn plan(env: &TestEnv, workos: &StandIn, flags: &str) -> Value {
    let output = run(env, workos, &format!("plan -o json {flags}"));
    output.exits(0).json_of("plan")
}

#[test]
fn the_organization_with_this_id_is_deleted_without_prune_and_then_it_is_a_note() {
    let workos = two(&json!({"external_id": "legacy"}));
    let env = TestEnv::with_manifest(MANIFEST);
    let document = plan(&env, &workos, "");
    assert_eq!(document["summary"]["delete"], 1, "{document:#}");
    let change = &document["changes"][0];
    assert_eq!(change["key"], "old");
    assert_eq!(change["organization_id"], "org_OLD");
    for format in ["text", "markdown", "html"] {
        let told = run(&env, &workos, &format!("plan -o {format}"))
            .exits(0)
            .stdout;
        assert!(told.contains("org_OLD"), "{format}: {told}");
        assert!(told.contains("portal.yaml:5"), "{format}: {told}");
    }
    let _ = run(&env, &workos, "apply --yes").exits(0);
    assert_eq!(ids(&workos), ["org_1", "org_3"]);
    let output = run(&env, &workos, "plan --detailed-exitcode").exits(0);
    assert!(output.stdout.contains("plan/absent-gone"), "{output}");
    let sarif = run(&env, &workos, "plan -o sarif").exits(0).stdout;
    assert!(sarif.contains("plan/absent-gone"), "{sarif}");
    // Another one of the same name and external id is not its business.
    workos.with(|world| {
        world.organization("org_9", "Acme (old)", &json!({"external_id": "legacy"}));
    });
    let _ = run(&env, &workos, "apply --yes").exits(0);
    assert_eq!(ids(&workos).len(), 3);
    let explained = run(&env, &workos, "explain plan/absent-gone").exits(0);
    assert!(explained.stdout.contains("Remove the entry"), "{explained}");
}

#[test]
fn narrowed_to_others_nothing_is_deleted_and_narrowed_to_it_only_that() {
    let workos = two(&json!({}));
    let env = TestEnv::with_manifest(MANIFEST);
    let document = plan(&env, &workos, "--only acme");
    assert_eq!(document["summary"]["delete"], 0);
    let _ = run(&env, &workos, "apply --yes --only old").exits(0);
    assert_eq!(workos.writes(), ["DELETE /organizations/org_OLD"]);
}

#[test]
fn what_is_in_use_is_held_until_the_entry_or_the_run_allows_it() {
    let workos = two(&json!({}));
    workos.with(|world| world.connection("conn_1", "org_OLD", "active"));
    let env = TestEnv::with_manifest(MANIFEST);
    let document = plan(&env, &workos, "");
    let held = &document["held"][0];
    assert_eq!(held["allow"], "--prune-active", "{document:#}");
    assert_eq!(held["write"], "allow: [active_deletion]");
    let text = run(&env, &workos, "plan").exits(0).stdout;
    assert!(text.contains("connections.conn_1"), "{text}");
    let _ = run(&env, &workos, "apply --yes").exits(0);
    assert_eq!(ids(&workos).len(), 3);
    let flagged = plan(&env, &workos, "--prune-active");
    assert_eq!(flagged["summary"]["delete"], 1);

    env.edit(
        "portal.yaml",
        "state: absent",
        "state: absent, allow: [active_deletion]",
    );
    let _ = run(&env, &workos, "apply --yes").exits(0);
    assert_eq!(ids(&workos), ["org_1", "org_3"]);
}

#[test]
fn a_permission_that_nothing_needs_is_a_note() {
    let workos = two(&json!({}));
    let env = TestEnv::with_manifest(MANIFEST);
    env.edit(
        "portal.yaml",
        "state: absent",
        "state: absent, allow: [active_deletion]",
    );
    let output = run(&env, &workos, "plan").exits(0);
    assert!(output.stdout.contains("plan/allow-unused"), "{output}");
}

#[test]
fn use_that_began_since_the_plan_holds_the_deletion() {
    let workos = two(&json!({}));
    let env = TestEnv::with_manifest(MANIFEST);
    let _ = run(&env, &workos, "plan --out plan.json").exits(0);
    workos.with(|world| world.member("m1", "org_OLD"));
    let output = run(&env, &workos, "apply --yes plan.json -o json").exits(7);
    let document = output.json_of("apply");
    let conflict = &document["conflicts"][0];
    assert_eq!(conflict["code"], "plan/reviewed-held", "{document:#}");
    assert!(ids(&workos).contains(&"org_OLD".to_owned()));
}

#[test]
fn a_saved_plan_and_its_digest_delete_what_they_showed() {
    for line in [
        "apply --yes plan.json",
        "apply --yes --expect-digest DIGEST",
    ] {
        let workos = two(&json!({}));
        let env = TestEnv::with_manifest(MANIFEST);
        let document = plan(&env, &workos, "--out plan.json");
        let digest = document["digest"].as_str().unwrap();
        let _ = run(&env, &workos, &line.replace("DIGEST", digest)).exits(0);
        assert_eq!(ids(&workos), ["org_1", "org_3"], "{line}");
    }
}

fn held_by(output: &Value) -> (String, String) {
    let held = &output["held"][0];
    let text = |field: &str| held[field].as_str().unwrap_or_default().to_owned();
    (text("code"), text("allow"))
}

#[test]
fn what_another_holds_is_held_until_it_is_taken_over() {
    let marks = [
        json!({"portalctl_owner": "others"}),
        json!({"portalctl_owner": "customers", "portalctl_holder": "prod/portal/acme"}),
    ];
    for mark in marks {
        let workos = two(&json!({"metadata": mark}));
        let env = TestEnv::with_manifest(MANIFEST);
        let document = plan(&env, &workos, "");
        let expected = (
            "plan/held-by-another".to_owned(),
            "--adopt-owned".to_owned(),
        );
        assert_eq!(held_by(&document), expected, "{document:#}");
        let _ = run(&env, &workos, "apply --yes").exits(0);
        assert_eq!(ids(&workos).len(), 3);
        env.edit(
            "portal.yaml",
            "state: absent",
            "state: absent, allow: [other_owner]",
        );
        let _ = run(&env, &workos, "apply --yes").exits(0);
        assert_eq!(ids(&workos), ["org_1", "org_3"]);
    }
}

#[test]
fn what_another_takes_since_the_plan_is_not_deleted() {
    let workos = two(&json!({}));
    let env = TestEnv::with_manifest(MANIFEST);
    let _ = run(&env, &workos, "plan --out plan.json").exits(0);
    workos.with(|world| {
        world.find_mut("org_OLD").unwrap()["metadata"] = json!({"portalctl_owner": "others"});
    });
    let output = run(&env, &workos, "apply --yes plan.json").exits(7);
    assert!(output.stdout.contains("plan/reviewed-held"), "{output}");
    assert!(ids(&workos).contains(&"org_OLD".to_owned()));
}

#[test]
fn what_is_protected_is_not_deleted_unless_the_entry_lifts_the_protection() {
    let workos = two(&json!({"metadata": {"portalctl_protect": "true"}}));
    let env = TestEnv::with_manifest(MANIFEST);
    let output = run(&env, &workos, "plan -o json").exits(7);
    let document = output.json_of("plan");
    assert_eq!(document["conflicts"][0]["code"], "plan/absent-protected");
    let _ = run(&env, &workos, "apply --yes").exits(7);
    assert!(ids(&workos).contains(&"org_OLD".to_owned()));

    env.edit(
        "portal.yaml",
        "state: absent",
        "state: absent, protect: false",
    );
    let _ = run(&env, &workos, "apply --yes").exits(0);
    assert_eq!(ids(&workos), ["org_1", "org_3"]);
}

#[test]
fn it_counts_under_the_limit_of_deletions() {
    let workos = two(&json!({}));
    let env = TestEnv::with_manifest(MANIFEST);
    env.edit(
        "portal.yaml",
        "manifest: customers\n",
        "manifest: customers\nlimits: {delete: 0}\n",
    );
    let output = run(&env, &workos, "plan -o json").exits(7);
    let expected = ("plan/limit-exceeded".to_owned(), "--allow-bulk".to_owned());
    assert_eq!(held_by(&output.json_of("plan")), expected);
    let _ = run(&env, &workos, "apply --yes").exits(7);
    assert_eq!(ids(&workos).len(), 3);
}

#[test]
fn an_organization_that_another_entry_is_about_is_not_deleted() {
    let workos = two(&json!({"external_id": "legacy"}));
    let env = TestEnv::with_manifest(MANIFEST);
    env.edit(
        "portal.yaml",
        "  acme: {name: Acme}",
        "  acme: {name: Acme}\n  legacy: {name: Legacy}",
    );
    let output = run(&env, &workos, "plan -o json").exits(7);
    let document = output.json_of("plan");
    let conflicts = document["conflicts"].as_array().unwrap().iter();
    let told: Vec<(&str, &str)> = conflicts
        .map(|one| (one["key"].as_str().unwrap(), one["code"].as_str().unwrap()))
        .collect();
    let both = [
        ("legacy", "plan/claimed-twice"),
        ("old", "plan/claimed-twice"),
    ];
    assert_eq!(told, both);
    assert_eq!(document["summary"]["delete"], 0);
}

#[test]
fn pruning_leaves_what_is_declared_absent_to_its_entry() {
    let workos = two(&json!({"metadata": {"portalctl_owner": "customers"}}));
    workos.with(|world| {
        world.find_mut("org_1").unwrap()["metadata"] = json!({"portalctl_owner": "customers"});
    });
    let env = TestEnv::with_manifest(MANIFEST);
    let document = plan(&env, &workos, "--prune");
    let changes = document["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{document:#}");
    assert_eq!(changes[0]["key"], "old");
}

fn invalid(manifest: &str) -> Output {
    TestEnv::with_manifest(manifest).run("validate").exits(3)
}

#[test]
fn an_absence_without_id_or_with_protection_is_an_error() {
    let output = invalid(&MANIFEST.replace("id: org_OLD, ", "name: Old, "));
    assert!(output.stderr.contains("without `id`"), "{output}");
    let output = invalid(&MANIFEST.replace("state: absent", "state: absent, protect: true"));
    assert!(
        output.stderr.contains("manifest/absent-and-protected"),
        "{output}"
    );
    let by_default = "manifest: customers\ndefaults: {protect: true}\n";
    let output = invalid(&MANIFEST.replace("manifest: customers\n", by_default));
    assert!(
        output.stderr.contains("manifest/absent-and-protected"),
        "{output}"
    );
    let output = invalid(&MANIFEST.replace("state: absent", "state: gone"));
    assert!(output.stderr.contains("absent"), "{output}");
    let in_defaults = "manifest: customers\ndefaults: {state: absent}\n";
    let output = invalid(&MANIFEST.replace("manifest: customers\n", in_defaults));
    assert!(output.stderr.contains("state"), "{output}");
}

#[test]
fn kubernetes_has_no_absence_and_convert_says_what_is_lost() {
    let env = TestEnv::with_manifest(MANIFEST);
    let output = env.run("convert --to kubernetes -f portal.yaml").exits(0);
    assert!(output.stderr.contains("state: absent"), "{output}");
    assert!(!output.stdout.contains("org_OLD"), "{output}");
    let same = env.run("convert --to manifest -f portal.yaml").exits(0);
    assert!(same.stdout.contains("state: absent"), "{same}");
    let resource = "\
apiVersion: portalctl.dev/v1alpha1
kind: PortalOrganization
metadata: {name: old}
spec: {environmentRef: {name: staging}, id: org_OLD, state: absent}
";
    let output = TestEnv::with_manifest(resource).run("validate").exits(3);
    assert!(output.stderr.contains("deletionPolicy"), "{output}");
}

#[test]
fn commands_about_one_customer_say_that_it_is_declared_absent() {
    let workos = two(&json!({}));
    let env = TestEnv::with_manifest(MANIFEST);
    let output = run(&env, &workos, "link old sso --allow-non-tty").exits(3);
    assert!(output.stderr.contains("`state: absent`"), "{output}");
    assert!(workos.writes().is_empty());
    let _ = run(&env, &workos, "status --only old").exits(0);
}
