//! What is in use, doubtful or possibly renamed is not deleted.

use serde_json::{Value, json};

use crate::support::cli::TestEnv;
use crate::support::stand_in::{StandIn, World};

const MEMBERSHIPS: &str = "/user_management/organization_memberships";

/// The organization `a` is ours, and not declared any more; `b` and `c` are declared.
const MANIFEST: &str = "\
version: 1
manifest: customers
organizations:
  b: { name: Bee }
  c: { name: Cee }
";

/// An organization that this manifest created, by the name of its key.
fn ours(world: &mut World, key: &str, name: &str, domains: &[(&str, &str)]) {
    let id = format!("org_{key}");
    let domains: Vec<Value> = domains
        .iter()
        .map(|(domain, state)| World::domain(&id, domain, state))
        .collect();
    let more = json!({
        "external_id": key, "domains": domains, "metadata": {"portalctl_owner": "customers"},
    });
    world.organization(&id, name, &more);
}

/// Three organizations of the manifest, of which one was undeclared, and more.
fn undeclared(more: impl FnOnce(&mut World)) -> (TestEnv, StandIn) {
    let workos = StandIn::of(|world| {
        ours(world, "a", "Aye", &[]);
        ours(world, "b", "Bee", &[]);
        ours(world, "c", "Cee", &[]);
        more(world);
    });
    (TestEnv::with_manifest(MANIFEST), workos)
}

/// The plan of a run with `--prune` holds the deletion for `--prune-active`, names the evidence in
/// text, JSON and Markdown, and applying it deletes nothing.
#[track_caller]
fn held_as_in_use(env: &TestEnv, workos: &StandIn, path: &str, state: &str) {
    let text = env.run("plan --prune").at_url(&workos.url()).exits(0);
    assert!(text.stdout.contains("--prune-active"), "{text}");
    assert!(text.stdout.contains(path), "{text}");
    let json = env.run("plan --prune -o json").at_url(&workos.url());
    let json = json.exits(0).json_of("plan");
    assert_eq!(json["summary"]["delete"], 0);
    let held = &json["held"][0];
    assert_eq!(held["allow"], "--prune-active");
    assert_eq!(held["code"], "plan/needs-flag");
    let shown = held["fields"].as_array().unwrap().iter();
    let shown: Vec<_> = shown.filter(|field| field["path"] == path).collect();
    assert_eq!(shown.len(), 1, "{held}");
    assert_eq!(shown[0]["before"], state, "{held}");
    let markdown = env.run("plan --prune -o markdown").at_url(&workos.url());
    assert!(markdown.exits(0).stdout.contains("prune-active"));
    let _ = env
        .run("apply --prune --yes")
        .at_url(&workos.url())
        .exits(0);
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn an_undeclared_organization_that_nobody_uses_is_deleted() {
    let (env, workos) = undeclared(|world| {
        world.connection("conn_1", "org_a", "draft");
        world.connection("conn_2", "org_a", "requires_type");
        world.directory("directory_1", "org_a", "deleting");
        world.member("om_1", "org_b");
    });
    let output = env.run("apply --prune --yes -o json").at_url(&workos.url());
    let json = output.exits(0).json_of("apply");
    assert_eq!(json["summary"]["done"], 1);
    assert_eq!(workos.writes(), ["DELETE /organizations/org_a"]);
    let asked = workos.requests();
    let asked = asked.iter().filter(|request| request.path == MEMBERSHIPS);
    let asked: Vec<&str> = asked
        .map(|request| request.query["organization_id"].as_str())
        .collect();
    assert_eq!(asked, ["org_a", "org_a"], "for the plan, and right before");
}

#[test]
fn members_are_not_asked_for_without_prune() {
    let (env, workos) = undeclared(|_| ());
    let _ = env.run("plan").at_url(&workos.url()).exits(0);
    assert!(workos.requests().iter().all(|one| one.path != MEMBERSHIPS));
}

#[test]
fn a_connection_in_a_state_nobody_has_heard_of_keeps_its_organization() {
    for state in ["paused", "active", "inactive", "validating"] {
        let (env, workos) = undeclared(|world| world.connection("conn_1", "org_a", state));
        held_as_in_use(&env, &workos, "connections.conn_1", state);
    }
}

#[test]
fn a_directory_in_any_state_of_use_keeps_its_organization() {
    for state in [
        "linked",
        "suspended",
        "invalid_credentials",
        "validating",
        "unlinked",
    ] {
        let (env, workos) = undeclared(|world| world.directory("directory_1", "org_a", state));
        held_as_in_use(&env, &workos, "directories.directory_1", state);
    }
}

#[test]
fn a_member_keeps_the_organization() {
    let (env, workos) = undeclared(|world| world.member("om_1", "org_a"));
    held_as_in_use(&env, &workos, "members", "at least one");
}

#[test]
fn a_verified_domain_keeps_its_organization() {
    for state in ["verified", "legacy_verified"] {
        let (env, workos) = undeclared(|world| {
            let domain = World::domain("org_a", "a.example", state);
            world.find_mut("a").unwrap()["domains"] = json!([domain]);
        });
        held_as_in_use(&env, &workos, "domains.a.example", state);
    }
}

#[test]
fn audit_logs_and_a_log_stream_keep_their_organization() {
    for (configuration, path) in [
        (json!({"state": "active"}), "audit_logs"),
        (
            json!({"state": "inactive", "log_stream": {"type": "Datadog", "state": "active"}}),
            "log_stream",
        ),
    ] {
        let (env, workos) = undeclared(|world| {
            world.audit_logs.insert("org_a".to_owned(), configuration);
        });
        held_as_in_use(&env, &workos, path, "active");
    }
}

#[test]
fn what_cannot_be_read_keeps_the_organization() {
    for (list, path) in [
        (MEMBERSHIPS, "members"),
        ("/organizations/*/audit_log_configuration", "audit_logs"),
    ] {
        for status in [403, 422] {
            let (env, workos) = undeclared(|_| ());
            let refusal = json!({"code": "refused", "message": "not for this account"});
            workos.answer("GET", list, status, refusal);
            held_as_in_use(&env, &workos, path, "cannot be read");
        }
    }
    let (env, workos) = undeclared(|_| ());
    workos.answer("GET", MEMBERSHIPS, 200, json!({"people": []}));
    held_as_in_use(&env, &workos, "members", "cannot be read");
}

#[test]
fn the_answer_of_workos_stands_beside_what_could_not_be_read() {
    let (env, workos) = undeclared(|_| ());
    let refusal = json!({"code": "forbidden", "message": "AuthKit is off"});
    workos.answer("GET", MEMBERSHIPS, 403, refusal);
    let output = env.run("plan --prune").at_url(&workos.url()).exits(0);
    assert!(output.stdout.contains("AuthKit is off"), "{output}");
    let json = env.run("plan --prune -o json").at_url(&workos.url());
    let warnings = json.exits(0).json_of("plan")["warnings"].clone();
    assert_eq!(warnings[0]["code"], "plan/usage-not-read", "{warnings}");
    assert_eq!(warnings[0]["key"], "a");
}

#[test]
fn prune_active_deletes_what_is_in_use() {
    let (env, workos) = undeclared(|world| {
        world.connection("conn_1", "org_a", "paused");
        world.member("om_1", "org_a");
    });
    let output = env.run("apply --prune --prune-active --yes");
    let _ = output.at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), ["DELETE /organizations/org_a"]);
}

#[test]
fn what_came_into_use_since_the_plan_is_refused_and_named() {
    type Change = fn(&mut World);
    let changes: [(Change, &str); 5] = [
        (
            |world| world.connection("conn_1", "org_a", "paused"),
            "connection conn_1 is paused",
        ),
        (
            |world| world.directory("directory_1", "org_a", "suspended"),
            "directory directory_1 is suspended",
        ),
        (|world| world.member("om_1", "org_a"), "it has members"),
        (
            |world| {
                let domain = World::domain("org_a", "a.example", "verified");
                world.find_mut("a").unwrap()["domains"] = json!([domain]);
            },
            "domain a.example is verified",
        ),
        (
            |world| {
                let active = json!({"state": "active"});
                world.audit_logs.insert("org_a".to_owned(), active);
            },
            "its audit logs are active",
        ),
    ];
    for (change, told) in changes {
        let (env, workos) = undeclared(|_| ());
        let plan = env.run("plan --prune --out plan.json");
        let _ = plan.at_url(&workos.url()).exits(0);
        workos.with(change);
        let output = env.run("apply plan.json -o json").at_url(&workos.url());
        let change = output.exits(6).json_of("apply")["changes"][0].clone();
        assert_eq!(change["outcome"], "refused", "{change}");
        assert_eq!(change["error"]["code"], "plan/guard");
        let message = change["error"]["message"].as_str().unwrap();
        assert!(message.contains(told), "{message}");
        let output = env.run("apply plan.json").at_url(&workos.url()).exits(6);
        assert!(output.stdout.contains(told), "{output}");
        assert_eq!(workos.writes(), [""; 0]);
    }
}

#[test]
fn what_cannot_be_read_right_before_the_deletion_is_refused() {
    let (env, workos) = undeclared(|_| ());
    let plan = env.run("plan --prune --out plan.json");
    let _ = plan.at_url(&workos.url()).exits(0);
    let refusal = json!({"code": "forbidden", "message": "AuthKit is off"});
    workos.answer("GET", MEMBERSHIPS, 403, refusal);
    let output = env.run("apply plan.json -o json").at_url(&workos.url());
    let change = output.exits(6).json_of("apply")["changes"][0].clone();
    assert_eq!(change["outcome"], "refused");
    let message = change["error"]["message"].as_str().unwrap();
    assert!(message.contains("members cannot be read"), "{message}");
    assert!(message.contains("AuthKit is off"), "{message}");
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn agreed_evidence_in_another_state_is_refused() {
    let (env, workos) = undeclared(|world| world.connection("conn_1", "org_a", "validating"));
    let plan = env.run("plan --prune --prune-active --out plan.json");
    let _ = plan.at_url(&workos.url()).exits(0);
    workos.with(|world| world.connections[0]["state"] = json!("active"));
    let output = env.run("apply plan.json").at_url(&workos.url()).exits(6);
    assert!(
        output.stdout.contains("connection conn_1 is active"),
        "{output}"
    );
    assert_eq!(workos.writes(), [""; 0]);
}
