//! Tests that a refused write is named, and does not stop independent writes to the same
//! organization.

use serde_json::{Value, json};

use crate::support::cli::TestEnv;
use crate::support::sandbox_server::SandboxServer;
use crate::support::stand_in::StandIn;

const MANIFEST: &str = "\
version: 1
manifest: customers
organizations:
  acme:
    name: Acme
    domains: [a-bad.example, b-good.example]
    intents: [sso]
";

/// WorkOS's answer to a domain that it does not take.
fn refusal(field: &str) -> Value {
    json!({
        "code": "unprocessable_entity", "message": "Validation failed",
        "errors": [{"field": field, "code": "invalid_domain", "message": "is not accepted"}],
    })
}

fn domains(workos: &StandIn, external_id: &str) -> Vec<String> {
    let live = workos.with(|world| world.find(external_id).unwrap().clone());
    let domains = live["domains"].as_array().unwrap().iter();
    let text = |one: &Value| one["domain"].as_str().unwrap().to_owned();
    domains.map(text).collect()
}

fn acme() -> StandIn {
    StandIn::of(|world| {
        world.organization("org_1", "Acme", &json!({"external_id": "acme"}));
    })
}

#[test]
fn a_refused_domain_is_named_and_does_not_stop_the_others() {
    let workos = acme();
    workos.answer_times(1, "POST", "/organization_domains", 422, refusal("domain"));
    let env = TestEnv::with_manifest(MANIFEST);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let output = run("apply --yes -o json").exits(6);
    assert_eq!(domains(&workos, "acme"), ["b-good.example"]);
    let change = output.json_of("apply")["changes"][0].clone();
    assert_eq!(change["outcome"], "refused");
    let ended = |n: usize| {
        (
            change["fields"][n]["path"].clone(),
            change["fields"][n]["outcome"].clone(),
        )
    };
    assert_eq!(ended(0), (json!("domains.a-bad.example"), json!("refused")));
    assert_eq!(ended(1), (json!("domains.b-good.example"), json!("done")));
    let error = &change["fields"][0]["error"];
    assert_eq!(error["code"], "api/rejected");
    let told = error["message"].as_str().unwrap();
    assert!(told.contains("422 unprocessable_entity"), "{told}");
    assert!(
        told.contains("domain: is not accepted [invalid_domain]"),
        "{told}"
    );
    assert!(change["fields"][1].get("error").is_none());

    workos.answer_times(1, "POST", "/organization_domains", 422, refusal("domain"));
    let text = run("apply --yes").exits(6).stdout;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("answered 422 unprocessable_entity"), "{text}");
    assert!(
        !text.contains("again"),
        "a refusal is not mended by a repeat: {text}"
    );
    assert!(text.contains("correct what was refused"), "{text}");
}

#[test]
fn refused_fields_of_the_organization_stop_no_domain() {
    let workos = acme();
    let no = json!({"code": "invalid_metadata", "message": "The metadata is not accepted."});
    workos.answer("PUT", "/organizations/*", 400, no);
    let env = TestEnv::with_manifest(MANIFEST);
    env.edit(
        "portal.yaml",
        "name: Acme",
        "name: Acme\n    metadata: {tier: gold}",
    );
    let output = env
        .run("apply --yes -o json")
        .at_url(&workos.url())
        .exits(6);
    assert_eq!(
        domains(&workos, "acme"),
        ["a-bad.example", "b-good.example"]
    );
    let document = output.json_of("apply");
    let fields = document["changes"][0]["fields"].as_array().unwrap();
    let told: Vec<String> = fields
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one["path"].as_str().unwrap(),
                one["outcome"].as_str().unwrap()
            )
        })
        .collect();
    let ended = [
        "domains.a-bad.example done",
        "domains.b-good.example done",
        "metadata.tier refused",
    ];
    assert_eq!(told, ended);
}

#[test]
fn a_refused_contact_is_named_and_does_not_stop_the_others() {
    let workos = acme();
    let no = json!({"message": ["email must be an email"], "error": "Unprocessable Entity"});
    workos.answer_times(1, "POST", "/organizations/*/it_contacts", 422, no);
    let env = TestEnv::with_manifest(MANIFEST);
    let contacts = "it_contacts: [ada@acme.example, bob@acme.example]";
    env.edit(
        "portal.yaml",
        "domains: [a-bad.example, b-good.example]",
        contacts,
    );
    let output = env
        .run("apply --yes -o json")
        .at_url(&workos.url())
        .exits(6);
    let fields = output.json_of("apply")["changes"][0]["fields"].clone();
    assert_eq!(fields[0]["path"], "it_contacts.ada@acme.example");
    assert_eq!(fields[0]["outcome"], "refused");
    let told = fields[0]["error"]["message"].as_str().unwrap();
    assert!(told.contains("email must be an email"), "{told}");
    assert_eq!(fields[1]["outcome"], "done");
    let there = workos.with(|world| world.contacts["org_1"].clone());
    assert_eq!(there.len(), 1);
    assert_eq!(there[0]["email"], "bob@acme.example");
}

#[test]
fn a_new_organization_is_made_without_the_one_domain_that_is_refused() {
    let workos = StandIn::start();
    let no = refusal("domain_data[0].domain");
    workos.answer_times(1, "POST", "/organizations", 422, no);
    let env = TestEnv::with_manifest(MANIFEST);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let output = run("apply --yes -o json").exits(6);
    assert_eq!(domains(&workos, "acme"), ["b-good.example"]);
    assert_eq!(workos.with(|world| world.organizations.len()), 1);
    let change = output.json_of("apply")["changes"][0].clone();
    assert_eq!(change["action"], "create");
    assert!(
        change["organization_id"]
            .as_str()
            .unwrap()
            .starts_with("org_")
    );
    let told = change["error"]["message"].as_str().unwrap();
    assert!(told.contains("was created, but"), "{told}");
    assert!(told.contains("domains.a-bad.example: "), "{told}");
    let fields = change["fields"].as_array().unwrap();
    let refused: Vec<&Value> = fields
        .iter()
        .filter(|one| one["outcome"] != "done")
        .collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["path"], "domains.a-bad.example");
    // Only the domain is left.
    let plan = run("plan -o json").exits(0).json_of("plan");
    assert_eq!(plan["summary"]["create"], 0);
    assert_eq!(
        plan["changes"][0]["fields"][0]["path"],
        "domains.a-bad.example"
    );
}

#[test]
fn a_repeat_is_advised_where_it_can_help() {
    let workos = acme();
    workos.answer(
        "POST",
        "/organization_domains",
        500,
        json!({"message": "Oops."}),
    );
    let env = TestEnv::with_manifest(MANIFEST);
    let output = env.run("apply --yes").at_url(&workos.url()).exits(6);
    assert!(output.stdout.contains("run apply again"), "{output}");
}

#[test]
fn an_external_id_in_use_that_nobody_has_may_be_a_deletion_under_way() {
    let workos = StandIn::start();
    let taken = json!({"code": "external_id_already_used", "message": "In use."});
    workos.answer("POST", "/organizations", 400, taken);
    let env = TestEnv::with_manifest(MANIFEST);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let output = run("apply --yes -o json").exits(6);
    let error = output.json_of("apply")["changes"][0]["error"].clone();
    assert_eq!(error["code"], "plan/deletion-under-way");
    let told = error["message"].as_str().unwrap();
    assert!(told.contains("may still be under way"), "{told}");
    assert!(told.contains("in a few minutes"), "{told}");
    let explained = run("explain plan/deletion-under-way").exits(0);
    assert!(explained.stdout.contains("external_id"), "{explained}");
    // Once the deletion is through, the same run creates it.
    workos.heal();
    let _ = run("apply --yes").exits(0);
}

/// An invitation does not wait for ever for a domain that WorkOS will not take.
#[test]
fn a_refused_domain_is_not_in_the_way_of_an_invitation() {
    let workos = acme();
    workos.answer("POST", "/organization_domains", 422, refusal("domain"));
    let env = TestEnv::with_manifest(MANIFEST);
    let invited = "name: Acme\n    invite: once\n    it_contacts: [ada@acme.example]";
    env.edit("portal.yaml", "name: Acme", invited);
    let output = env
        .run("apply --yes -o json")
        .at_url(&workos.url())
        .exits(6);
    let summary = output.json_of("apply")["summary"].clone();
    assert_eq!(summary["refused"], 1, "{output}");
    assert_eq!(summary["done"], 1, "{output}");
    assert_eq!(workos.with(|world| world.emails.len()), 1);
}

const METADATA: &str = "\
version: 1
organizations:
  acme:
    name: Acme
    protect: true
    metadata: {old: null, tier: gold, new: one}
";

/// The metadata keys and values that are not null.
fn set(metadata: &Value) -> Vec<String> {
    let metadata = metadata.as_object().unwrap().iter();
    let set = metadata.filter(|(_, value)| !value.is_null());
    set.map(|(key, value)| format!("{key}={}", value.as_str().unwrap()))
        .collect()
}

const AS_DECLARED: [&str; 4] = [
    "new=one",
    "portalctl_protect=true",
    "theirs=kept",
    "tier=gold",
];

#[test]
fn metadata_is_set_and_removed_by_one_request_where_a_put_merges_and_where_it_replaces() {
    for replaces in [false, true] {
        let workos = StandIn::of(|world| {
            world.replaces_metadata = replaces;
            let metadata = json!({"old": "x", "theirs": "kept", "tier": "trial"});
            let more = json!({"external_id": "acme", "metadata": metadata});
            world.organization("org_1", "Acme", &more);
        });
        let env = TestEnv::with_manifest(METADATA);
        let run = |line: &str| env.run(line).at_url(&workos.url());
        let _ = run("apply --yes").exits(0);
        let live = workos.with(|world| world.find("acme").unwrap().clone());
        assert_eq!(set(&live["metadata"]), AS_DECLARED, "replaces: {replaces}");
        assert_eq!(workos.writes(), ["PUT /organizations/org_1"]);
        let plan = run("plan -o json --detailed-exitcode").exits(0);
        assert_eq!(plan.json_of("plan")["summary"]["unchanged"], 1);
    }
}

#[test]
fn the_last_metadata_key_is_removed_by_one_request() {
    for replaces in [false, true] {
        let workos = StandIn::of(|world| {
            world.replaces_metadata = replaces;
            let more = json!({"external_id": "acme", "metadata": {"old": "x"}});
            world.organization("org_1", "Acme", &more);
        });
        let manifest = "version: 1\norganizations:\n  acme: {name: Acme, metadata: {old: null}}\n";
        let env = TestEnv::with_manifest(manifest);
        let run = |line: &str| env.run(line).at_url(&workos.url());
        let _ = run("apply --yes").exits(0);
        let live = workos.with(|world| world.find("acme").unwrap().clone());
        assert!(set(&live["metadata"]).is_empty(), "replaces: {replaces}");
        assert_eq!(workos.writes().len(), 1);
        let _ = run("plan --detailed-exitcode").exits(0);
    }
}

#[test]
fn the_sandbox_updates_metadata_partially_as_workos_does() {
    let env = TestEnv::with_manifest(METADATA);
    let sandbox = SandboxServer::start(&env);
    let metadata = json!({"old": "x", "theirs": "kept", "tier": "trial"});
    let body = json!({"name": "Acme", "external_id": "acme", "metadata": metadata});
    let made = sandbox.send("POST", "/organizations", &body);
    let path = format!("/organizations/{}", made["id"].as_str().unwrap());
    let run = |line: &str| env.run(line).at_url(&sandbox.url());
    let output = run("apply --yes -v --log-format json").exits(0);
    let puts = output.methods();
    let puts = puts.iter().filter(|method| *method == "PUT").count();
    assert_eq!(puts, 1, "{output}");
    let live = sandbox.send("GET", &path, &Value::Null);
    assert_eq!(set(&live["metadata"]), AS_DECLARED);
    let live = sandbox.send("PUT", &path, &json!({"metadata": {}}));
    assert_eq!(live["metadata"], json!({}));
}

#[test]
fn refused_metadata_does_not_stop_the_other_fields_of_the_organization() {
    let workos = acme();
    let no = json!({"code": "invalid_metadata", "message": "The metadata is not accepted."});
    workos.answer_times(1, "PUT", "/organizations/*", 400, no);
    let env = TestEnv::with_manifest(MANIFEST);
    let changed = "name: Acme Corp\n    protect: true\n    metadata: {tier: gold}";
    env.edit("portal.yaml", "name: Acme", changed);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let output = run("apply --yes -o json").exits(6);
    let live = workos.with(|world| world.find("acme").unwrap().clone());
    assert_eq!(live["name"], "Acme Corp");
    assert_eq!(live["metadata"], json!({"portalctl_protect": "true"}));
    let change = output.json_of("apply")["changes"][0].clone();
    let fields = change["fields"].as_array().unwrap().iter();
    let refused: Vec<&Value> = fields.filter(|field| field["outcome"] != "done").collect();
    assert_eq!(refused.len(), 1, "{change:#}");
    assert_eq!(refused[0]["path"], "metadata.tier");
    let told = refused[0]["error"]["message"].as_str().unwrap();
    assert!(told.contains("invalid_metadata"), "{told}");
    // Only the metadata is left.
    let plan = run("plan -o json").exits(0).json_of("plan");
    let left = plan["changes"][0]["fields"].as_array().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["path"], "metadata.tier");
}

#[test]
fn a_new_organization_is_made_without_the_metadata_that_is_refused() {
    let workos = StandIn::start();
    let no = json!({"code": "invalid_metadata", "message": "At most 10 keys are allowed."});
    workos.answer_times(1, "POST", "/organizations", 400, no);
    let env = TestEnv::with_manifest(MANIFEST);
    env.edit(
        "portal.yaml",
        "name: Acme",
        "name: Acme\n    metadata: {tier: gold}",
    );
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let output = run("apply --yes -o json").exits(6);
    let live = workos.with(|world| world.find("acme").unwrap().clone());
    assert_eq!(live["metadata"], json!({"portalctl_owner": "customers"}));
    let change = output.json_of("apply")["changes"][0].clone();
    let told = change["error"]["message"].as_str().unwrap();
    assert!(told.contains("was created, but"), "{told}");
    assert!(told.contains("metadata.tier: "), "{told}");
    let _ = run("apply --yes").exits(0);
    let live = workos.with(|world| world.find("acme").unwrap().clone());
    assert_eq!(live["metadata"]["tier"], "gold");
}

#[test]
fn metadata_that_does_not_fit_stops_nothing_else_of_its_entry() {
    let workos = StandIn::of(|world| {
        let metadata: serde_json::Map<String, Value> = (0..50)
            .map(|n| (format!("key{n:02}"), json!("x")))
            .collect();
        let more = json!({"external_id": "acme", "metadata": metadata});
        world.organization("org_1", "Old", &more);
    });
    let env = TestEnv::with_manifest(MANIFEST);
    let metadata = "name: Acme\n    metadata: {tier: gold, key00: new}";
    env.edit("portal.yaml", "name: Acme", metadata);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let plan = run("plan -o json").exits(7).json_of("plan");
    let conflict = &plan["conflicts"][0];
    assert_eq!(conflict["code"], "plan/metadata-full");
    assert_eq!(conflict["scope"], "metadata");
    let told = conflict["message"].as_str().unwrap();
    assert!(told.contains("not set: metadata.tier"), "{told}");
    assert_eq!(plan["summary"]["update"], 1);
    let text = run("plan").exits(7).stdout;
    assert!(text.contains("plan/metadata-full"), "{text}");
    let _ = run("apply --yes").exits(7);
    let live = workos.with(|world| world.find("acme").unwrap().clone());
    assert_eq!(live["name"], "Acme");
    assert_eq!(live["metadata"]["key00"], "new");
    assert_eq!(live["metadata"]["tier"], Value::Null);
    assert_eq!(
        domains(&workos, "acme"),
        ["a-bad.example", "b-good.example"]
    );
    // A key that nothing uses makes room.
    env.edit("portal.yaml", "key00: new", "key00: null");
    let _ = run("apply --yes").exits(0);
    let _ = run("plan --detailed-exitcode").exits(0);
    let live = workos.with(|world| world.find("acme").unwrap().clone());
    assert_eq!(live["metadata"]["tier"], "gold");
}

const CONTACTS: &str = "\
version: 1
environment: { name: staging, api_key: test }
organizations:
  acme: { name: Acme, it_contacts: [ada@acme.example, bob@acme.example] }
  globex: { name: Globex, it_contacts: [eve@globex.example] }
  initech: { name: Initech }
";

/// An account whose IT contacts answer a status.
fn without_contacts(status: u16) -> StandIn {
    let workos = StandIn::start();
    let answer = json!({"message": "No IT contacts here.", "code": "not_available"});
    for (method, path) in [
        ("GET", "/organizations/*/it_contacts"),
        ("POST", "/organizations/*/it_contacts"),
    ] {
        workos.answer(method, path, status, answer.clone());
    }
    workos
}

#[test]
fn customers_are_created_where_contacts_are_not_to_be_had() {
    for status in [403, 404] {
        let workos = without_contacts(status);
        let env = TestEnv::with_manifest(CONTACTS);
        let run = |line: &str| env.run(line).at_url(&workos.url());
        let report = run("apply --yes -o json").exits(0).json_of("apply");
        assert_eq!(report["summary"]["done"], 3, "{report}");
        assert_eq!(report["summary"]["refused"], 0, "{report}");
        let warnings = report["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1, "{report}");
        assert_eq!(warnings[0]["code"], "plan/contacts-unavailable");
        let told = warnings[0]["message"].as_str().unwrap();
        assert!(told.contains("those of another organization"), "{told}");
        assert!(told.contains(&format!("answered {status}")), "{told}");
        // One contact of each organization was tried, and no mark says that they are there.
        let writes = workos.writes();
        let tried = writes.iter().filter(|line| line.ends_with("/it_contacts"));
        assert_eq!(tried.count(), 2, "{writes:?}");
        let organizations = workos.with(|world| world.organizations.clone());
        assert_eq!(organizations.len(), 3);
        for one in organizations {
            assert_eq!(one["metadata"].get("portalctl_contacts"), None, "{one}");
        }
        let plan = run("plan -o json --detailed-exitcode")
            .exits(0)
            .json_of("plan");
        assert_eq!(plan["summary"]["update"], 0, "{plan}");
        assert_eq!(plan["warnings"][0]["code"], "plan/contacts-unavailable");
    }
}

#[test]
fn every_format_tells_of_contacts_that_are_not_to_be_had() {
    for format in ["text", "markdown"] {
        let workos = without_contacts(403);
        let env = TestEnv::with_manifest(CONTACTS);
        let line = format!("apply --yes -o {format}");
        let output = env.run(&line).at_url(&workos.url()).exits(0);
        let told = output
            .stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(told.contains("contacts-unavailable"), "{output}");
        assert!(
            told.contains("not added; everything else was done"),
            "{output}"
        );
        assert!(!output.stdout.contains("ada@acme.example"), "{output}");
    }
}

#[test]
fn a_customer_who_is_gone_is_not_taken_for_one_without_contacts() {
    let workos = without_contacts(404);
    let env = TestEnv::with_manifest(CONTACTS);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    // Deleted right after it was created.
    workos.reshape("POST", "/organizations/*/it_contacts", |_, answer| answer);
    let gone = json!({"message": "Organization not found.", "code": "entity_not_found"});
    workos.answer("POST", "/organizations/*/it_contacts", 404, gone.clone());
    workos.answer("GET", "/organizations/*", 404, gone);
    let report = run("apply --yes --only acme -o json")
        .exits(6)
        .json_of("apply");
    assert_eq!(report["summary"]["refused"], 1, "{report}");
    assert_eq!(
        report["changes"][0]["error"]["code"], "plan/gone",
        "{report}"
    );
    assert_eq!(report["warnings"], json!([]), "{report}");
}

#[test]
fn what_a_validator_says_is_told_in_full() {
    for (body, told) in [
        (
            json!({"message": ["success_url must be a URL", "intent must be an intent"],
                "error": "Unprocessable Entity", "statusCode": 422}),
            "success_url must be a URL, intent must be an intent",
        ),
        (
            json!({"message": "Validation failed", "errors": [
                {"property": "name", "constraints": {"maxLength": "must be shorter"}}]}),
            "Validation failed (name: must be shorter)",
        ),
    ] {
        let workos = StandIn::start();
        workos.answer("POST", "/organizations", 422, body);
        let env = TestEnv::with_manifest("version: 1\norganizations: { acme: { name: Acme } }\n");
        let output = env.run("apply --yes").at_url(&workos.url()).exits(6);
        let text = output
            .stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(text.contains(told), "{output}");
        assert!(!text.contains("[Unprocessable Entity]"), "{output}");
        let report = env
            .run("apply --yes -o json")
            .at_url(&workos.url())
            .exits(6);
        let report = report.json_of("apply");
        let error = &report["changes"][0]["error"];
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
        assert_eq!(error["code"], "api/rejected");
    }
}
