//! Tests that organizations that are in use, ambiguous or possibly renamed are not deleted.

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

/// Checks that a plan with `--prune` holds the deletion for `--prune-active`, that text, JSON and
/// Markdown name the evidence, and that applying it deletes nothing.
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
        let line = "apply plan.json --prune -o json";
        let output = env.run(line).at_url(&workos.url()).exits(7);
        let document = output.json_of("apply");
        assert_eq!(document["changes"], json!([]), "{told}");
        assert_eq!(document["conflicts"][0]["code"], "plan/reviewed-held");
        assert_eq!(document["held"][0]["allow"], "--prune-active");
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
    let line = "apply plan.json --prune";
    let output = env.run(line).at_url(&workos.url()).exits(7);
    assert!(output.stdout.contains("plan/reviewed-held"), "{output}");
    assert!(output.stdout.contains("AuthKit is off"), "{output}");
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn agreed_evidence_in_another_state_is_refused() {
    let (env, workos) = undeclared(|world| world.connection("conn_1", "org_a", "validating"));
    let plan = env.run("plan --prune --prune-active --out plan.json");
    let _ = plan.at_url(&workos.url()).exits(0);
    workos.with(|world| world.connections[0]["state"] = json!("active"));
    let line = "apply plan.json --prune --prune-active";
    let output = env.run(line).at_url(&workos.url()).exits(7);
    assert!(output.stdout.contains("plan/not-reviewed"), "{output}");
    assert_eq!(workos.writes(), [""; 0]);
}

/// Checks that the deletion of `a` is held for `--allow-bulk` with a code, that text, JSON and
/// Markdown give the reason, and that applying it deletes nothing.
#[track_caller]
fn held_in_doubt(env: &TestEnv, line: &str, workos: &StandIn, code: &str, told: &str) {
    let text = env.run(&format!("plan {line}")).at_url(&workos.url());
    let text = text.exits(7);
    assert!(text.stdout.contains(told), "{text}");
    assert!(text.stdout.contains("needs --allow-bulk"), "{text}");
    let json = env.run(&format!("plan {line} -o json"));
    let json = json.at_url(&workos.url()).exits(7).json_of("plan");
    assert_eq!(json["summary"]["delete"], 0, "{json}");
    assert_eq!(json["held"][0]["action"], "delete", "{json}");
    assert_eq!(json["held"][0]["code"], code, "{json}");
    let markdown = env.run(&format!("plan {line} -o markdown"));
    let markdown = markdown.at_url(&workos.url()).exits(7);
    assert!(markdown.stdout.contains("allow-bulk"), "{markdown}");
    let apply = env.run(&format!("apply {line} --yes"));
    let _ = apply.at_url(&workos.url()).exits(7);
    let deleted = workos.writes();
    let deleted = deleted.iter().any(|line| line.starts_with("DELETE"));
    assert!(!deleted);
}

// Renames.

const GAMMA: &str = "\
version: 1
manifest: customers
organizations:
  b: { name: Bee }
  c: { name: Cee }
  gamma-inc: { name: NAME }
";

fn gamma() -> StandIn {
    StandIn::of(|world| {
        ours(world, "gamma", "Gamma  Corp", &[]);
        ours(world, "b", "Bee", &[]);
        ours(world, "c", "Cee", &[]);
    })
}

#[test]
fn a_renamed_key_without_domains_is_a_conflict_that_names_the_former_key() {
    for name in ["Gamma Corp", "gamma corp"] {
        for line in ["plan", "plan --prune", "apply --yes", "apply --prune --yes"] {
            let workos = gamma();
            let env = TestEnv::with_manifest(&GAMMA.replace("NAME", name));
            let output = env.run(line).at_url(&workos.url()).exits(7);
            assert!(output.stdout.contains("plan/renamed-key"), "{output}");
            let help = "previous_keys: [gamma]";
            assert!(output.stdout.contains(help), "{output}");
            assert_eq!(workos.writes(), [""; 0]);
            let json = env.run(&format!("{line} -o json"));
            let json = json.at_url(&workos.url()).exits(7);
            let json = json.json_of(line.split(' ').next().unwrap());
            let conflict = &json["conflicts"][0];
            assert_eq!(conflict["code"], "plan/renamed-key", "{json}");
            assert_eq!(conflict["key"], "gamma-inc");
        }
    }
}

#[test]
fn a_rename_that_is_declared_is_an_update() {
    let workos = gamma();
    let renamed = GAMMA.replace("NAME", "Gamma Corp, previous_keys: [gamma]");
    let env = TestEnv::with_manifest(&renamed);
    let output = env.run("apply --prune --allow-rekey --yes");
    let _ = output.at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), ["PUT /organizations/org_gamma"]);
}

#[test]
fn another_customer_of_the_same_name_is_created_when_the_manifest_says_so() {
    let workos = gamma();
    let other = GAMMA.replace("NAME", "Gamma Corp, allow_same_name: true");
    let env = TestEnv::with_manifest(&other);
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), ["POST /organizations"]);
}

#[test]
fn a_key_and_a_name_renamed_together_hold_the_deletion() {
    let workos = gamma();
    let env = TestEnv::with_manifest(&GAMMA.replace("NAME", "Delta"));
    held_in_doubt(
        &env,
        "--prune",
        &workos,
        "plan/possible-rename",
        "previous_keys: [gamma]",
    );
    assert_eq!(workos.writes(), ["POST /organizations"]);
    // The next run creates nothing, so what is left is surely not declared any more.
    let _ = env
        .run("apply --prune --yes")
        .at_url(&workos.url())
        .exits(0);
    assert!(workos.with(|world| world.find("gamma").is_none()));
}

#[test]
fn allow_bulk_deletes_beside_a_creation() {
    let workos = gamma();
    let env = TestEnv::with_manifest(&GAMMA.replace("NAME", "Delta"));
    let output = env.run("apply --prune --allow-bulk --yes");
    let _ = output.at_url(&workos.url()).exits(0);
    assert!(workos.with(|world| world.find("gamma").is_none()));
}

#[test]
fn an_organization_that_a_contested_domain_names_is_not_deleted() {
    let workos = StandIn::of(|world| {
        ours(world, "a", "Aye", &[("b.example", "verified")]);
        ours(world, "b", "Bee", &[("b.example", "pending")]);
        ours(world, "c", "Cee", &[]);
    });
    let contested = MANIFEST.replace("name: Bee", "name: Bee, domains: [b.example]");
    let env = TestEnv::with_manifest(&contested);
    let output = env.run("apply --prune --prune-active --allow-bulk --yes");
    let output = output.at_url(&workos.url()).output();
    assert!(workos.with(|world| world.find("a").is_some()), "{output}");
    assert_eq!(workos.writes(), [""; 0]);
}

// Files of a manifest that were not read.

/// A folder `portal` without the file that declares `a`.
fn folder() -> (TestEnv, StandIn) {
    let (env, workos) = undeclared(|_| ());
    std::fs::remove_file(env.path("portal.yaml")).unwrap();
    env.write("portal/main.yaml", MANIFEST);
    (env, workos)
}

const A: &str = "organizations:\n  a: { name: Aye }\n";

/// Checks that a document repeats the warning about the file.
#[track_caller]
fn is_told(document: &Value, code: &str, file: &str) {
    let warning = &document["manifest_warnings"][0];
    assert_eq!(warning["code"], code, "{document:#}");
    assert!(
        warning["message"].as_str().unwrap().contains(file),
        "{warning}"
    );
}

/// Checks that every command warns, and that the deletion is held.
#[track_caller]
fn skipped(env: &TestEnv, workos: &StandIn, code: &str, file: &str) {
    held_in_doubt(env, "-f portal --prune", workos, "plan/files-skipped", file);
    for (line, document) in [
        ("plan -f portal -o json", "plan"),
        ("apply -f portal --yes -o json", "apply"),
    ] {
        let json = env.run(line).at_url(&workos.url()).exits(0);
        is_told(&json.json_of(document), code, file);
    }
    for line in [
        "plan -f portal -o text",
        "plan -f portal -o markdown",
        "plan -f portal -o html",
        "plan -f portal -o sarif",
        "apply -f portal --yes -o text",
        "apply -f portal --yes -o markdown",
        "status -f portal -o text",
        "status -f portal -o markdown",
        "status -f portal -o html",
    ] {
        let output = env.run(line).at_url(&workos.url()).exits(0);
        assert!(output.stdout.contains(file), "{line}: {output}");
    }
    for (line, document) in [
        ("status -f portal -o json", "status"),
        ("ids -f portal -o json", "ids"),
    ] {
        let json = env.run(line).at_url(&workos.url()).exits(0);
        is_told(&json.json_of(document), code, file);
    }
    let validate = env.run("validate -f portal -o json").exits(0);
    let warnings = validate.json_of("validate")["warnings"].to_string();
    assert!(warnings.contains(code), "{warnings}");
    let status = env.run("status -f portal").at_url(&workos.url()).output();
    assert!(status.stderr.contains(file), "{status}");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_holds_deletions() {
    use std::os::unix::fs::symlink;
    let (env, workos) = folder();
    env.write("shared/vip.yaml", A);
    symlink(env.path("shared/vip.yaml"), env.path("portal/vip.yaml")).unwrap();
    skipped(&env, &workos, "manifest/link-skipped", "vip.yaml");

    let (env, workos) = folder();
    env.write("shared/vip.yaml", A);
    symlink(env.path("shared"), env.path("portal/vips")).unwrap();
    skipped(&env, &workos, "manifest/link-skipped", "vips");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_in_the_folder_holds_deletions() {
    use std::os::unix::fs::symlink;
    let (env, workos) = folder();
    symlink("gone.yaml", env.path("portal/vip.yaml")).unwrap();
    skipped(&env, &workos, "manifest/file-skipped", "vip.yaml");
}

#[test]
fn a_misspelt_ending_holds_deletions() {
    for file in ["vip.yamll", "vip.yam", "vip.ymal", "VIP.YAMLL"] {
        let (env, workos) = folder();
        env.write(&format!("portal/{file}"), A);
        skipped(&env, &workos, "manifest/file-skipped", file);
    }
}

#[test]
fn allow_bulk_deletes_beside_a_skipped_file() {
    let (env, workos) = folder();
    env.write("portal/notes.yamll", "# nothing\n");
    let output = env.run("apply -f portal --prune --allow-bulk --yes");
    let _ = output.at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), ["DELETE /organizations/org_a"]);
}

#[test]
fn an_ending_in_capitals_is_read() {
    for file in ["VIP.YAML", "vip.Yml", "vip.JSON"] {
        let (env, workos) = folder();
        let text = if file.ends_with("JSON") {
            r#"{"organizations": {"a": {"name": "Aye"}}}"#
        } else {
            A
        };
        env.write(&format!("portal/{file}"), text);
        let output = env.run("plan -f portal --prune --detailed-exitcode");
        let _ = output.at_url(&workos.url()).exits(0);
    }
}

#[cfg(unix)]
#[test]
fn hidden_files_and_other_endings_hold_nothing() {
    let (env, workos) = folder();
    env.write("portal/.vip.yaml", A);
    env.write("portal/README.md", "# x\n");
    env.write("portal/export.xml", "<x/>");
    env.write("elsewhere/notes.txt", "x");
    let notes = env.path("portal/notes.txt");
    std::os::unix::fs::symlink(env.path("elsewhere/notes.txt"), notes).unwrap();
    let output = env.run("apply -f portal --prune --yes");
    let _ = output.at_url(&workos.url()).exits(0);
    assert_eq!(workos.writes(), ["DELETE /organizations/org_a"]);
}
