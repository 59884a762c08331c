//! Tests that a failing or undecodable read of one object affects that object alone.

use serde_json::{Value, json};

use crate::support::cli::{Output, TestEnv};
use crate::support::gateway::{CONFIG, GatewayServer, SECRET, claims, signed};
use crate::support::stand_in::{EPOCH, StandIn, World};

/// Two customers who have everything, and one who is new.
const EVERYTHING: &str = "\
version: 1
manifest: customers
organizations:
  acme:
    name: Acme
    domains: [acme.example]
    intents: [sso, dsync, domain_verification, audit_logs, log_streams, certificate_renewal]
  globex:
    name: Globex
    intents: [sso, dsync, audit_logs, certificate_renewal]
";

/// The same with a customer who is not there yet.
const WITH_NEW: &str = "
  initech: { name: Initech, intents: [sso] }
";

fn two_customers(world: &mut World) {
    let domains = json!([World::domain("org_1", "acme.example", "verified")]);
    let more = json!({"external_id": "acme", "domains": domains});
    world.organization("org_1", "Acme", &more);
    world.organization("org_2", "Globex", &json!({"external_id": "globex"}));
    for number in [1, 2] {
        let id = format!("org_{number}");
        world.connection(&format!("conn_{number}"), &id, "active");
        world.directory(&format!("directory_{number}"), &id, "linked");
        let logs = json!({
            "object": "audit_log_configuration", "organization_id": id, "state": "active",
            "retention_period_in_days": 30,
            "log_stream": {"id": "audit_log_stream_1", "type": "Datadog", "state": "active"},
        });
        world.audit_logs.insert(id, logs);
        let certificate = json!({
            "object": "saml_idp_signing_certificate", "id": format!("cert_{number}"),
            "not_after": "2099-01-01T00:00:00.000Z", "created_at": EPOCH,
        });
        world
            .certificates
            .insert(format!("conn_{number}"), vec![certificate]);
    }
}

fn refused() -> Value {
    json!({"code": "feature_not_enabled", "message": "Not enabled for this organization."})
}

/// The cell of an intent in `organizations` or `readiness`.
fn cell<'a>(document: &'a Value, list: &str, key: &str, intent: &str) -> &'a Value {
    let organizations = document[list].as_array().unwrap();
    let organization = organizations.iter().find(|one| one["key"] == key).unwrap();
    let intents = organization["intents"].as_array().unwrap();
    intents.iter().find(|one| one["intent"] == intent).unwrap()
}

fn state<'a>(status: &'a Value, key: &str, intent: &str) -> &'a str {
    cell(status, "organizations", key, intent)["state"]
        .as_str()
        .unwrap()
}

fn words(output: &Output) -> String {
    output
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[track_caller]
fn assert_unknown_but_for_it(status: &Value, key: &str, unknown: &[&str]) {
    for organization in status["organizations"].as_array().unwrap() {
        for intent in organization["intents"].as_array().unwrap() {
            let is_its =
                organization["key"] == key && unknown.iter().any(|name| intent["intent"] == **name);
            let wanted = if is_its { "unknown" } else { "configured" };
            assert_eq!(intent["state"], wanted, "{organization}");
        }
    }
}

#[test]
fn one_objects_refused_read_leaves_everything_else_known() {
    for (path, intents) in [
        (
            "/connections/conn_1/saml_idp_signing_certs",
            &["certificate_renewal"][..],
        ),
        (
            "/organizations/org_1/audit_log_configuration",
            &["audit_logs", "log_streams"][..],
        ),
    ] {
        let workos = StandIn::of(two_customers);
        workos.answer("GET", path, 422, refused());
        let env = TestEnv::with_manifest(EVERYTHING);
        let run = |line: &str| env.run(line).at_url(&workos.url());
        let status = run("status -o json").exits(0).json_of("status");
        assert_unknown_but_for_it(&status, "acme", intents);
        let reason = cell(&status, "organizations", "acme", intents[0])["reason"]
            .as_str()
            .unwrap();
        assert!(
            reason.contains("answered 422 feature_not_enabled: Not enabled for this organization."),
            "{reason}"
        );
        let warnings = status["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1, "{status}");
        assert_eq!(warnings[0]["code"], "api/read-failed");
        assert_eq!(warnings[0]["keys"], json!(["acme"]));
        let text = run("status").exits(0);
        assert!(
            words(&text).contains("warnings * api/read-failed"),
            "{text}"
        );
        // An unknown cell fails a run with `--fail-on unknown` alone.
        let _ = run("status --fail-on unknown").exits(2);
        let _ = run("status --fail-on attention").exits(0);
    }
}

#[test]
fn a_server_error_a_lost_answer_and_a_garbled_one_are_answers_too() {
    let path = "/connections/conn_1/saml_idp_signing_certs";
    for (shape, wanted) in [
        (
            Some((500, json!({"message": "Internal error"}))),
            "answered 500: Internal error",
        ),
        (Some((200, json!("<html>"))), "answered 200"),
        (
            Some((200, json!({"data": "none"}))),
            "a list without `data`",
        ),
        (None, "failed"),
    ] {
        let workos = StandIn::of(two_customers);
        match shape {
            Some((status, body)) => workos.answer("GET", path, status, body),
            None => workos.lose(usize::MAX, "GET", path),
        }
        let env = TestEnv::with_manifest(EVERYTHING);
        let status = env.run("status -o json").at_url(&workos.url()).exits(0);
        let status = status.json_of("status");
        assert_unknown_but_for_it(&status, "acme", &["certificate_renewal"]);
        let cell = cell(&status, "organizations", "acme", "certificate_renewal");
        assert!(cell["reason"].as_str().unwrap().contains(wanted), "{cell}");
    }
}

#[test]
fn a_list_that_the_account_does_not_have_is_unknown_for_its_feature_alone() {
    for (status, list, intents) in [
        (404, "/directories", &["dsync"][..]),
        (422, "/directories", &["dsync"][..]),
        (404, "/connections", &["sso", "certificate_renewal"][..]),
    ] {
        let workos = StandIn::of(two_customers);
        workos.answer("GET", list, status, refused());
        let env = TestEnv::with_manifest(EVERYTHING);
        let report = env.run("status -o json").at_url(&workos.url()).exits(0);
        let report = report.json_of("status");
        for key in ["acme", "globex"] {
            for intent in intents {
                assert_eq!(state(&report, key, intent), "unknown", "{list} {status}");
            }
            assert_eq!(state(&report, key, "audit_logs"), "configured");
        }
        assert_eq!(report["warnings"].as_array().unwrap().len(), 1, "{report}");
        assert_eq!(report["warnings"][0]["keys"], json!(["acme", "globex"]));
    }
}

#[test]
fn events_that_cannot_be_read_leave_a_key_unknown_and_nothing_else() {
    let workos = StandIn::of(two_customers);
    workos.answer("GET", "/events", 422, refused());
    let manifest = EVERYTHING.replace("certificate_renewal]", "bring_your_own_key]");
    let env = TestEnv::with_manifest(&manifest);
    let status = env.run("status -o json").at_url(&workos.url()).exits(0);
    let status = status.json_of("status");
    assert_eq!(state(&status, "acme", "bring_your_own_key"), "unknown");
    assert_eq!(state(&status, "acme", "sso"), "configured");
}

#[test]
fn every_format_tells_what_could_not_be_read() {
    let workos = StandIn::of(two_customers);
    workos.answer(
        "GET",
        "/organizations/org_1/audit_log_configuration",
        422,
        refused(),
    );
    let env = TestEnv::with_manifest(EVERYTHING);
    for format in ["text", "json", "markdown", "html", "csv"] {
        let line = format!("status -o {format}");
        let output = env.run(&line).at_url(&workos.url()).exits(0);
        let all = format!("{}{}", output.stdout, output.stderr);
        assert!(all.contains("api/read-failed"), "{format}: {all}");
        assert!(all.contains("422"), "{format}: {all}");
    }
}

#[test]
fn a_plan_and_an_apply_do_not_need_what_they_do_not_ask() {
    let workos = StandIn::of(two_customers);
    for path in [
        "/connections",
        "/directories",
        "/events",
        "/connections/*/saml_idp_signing_certs",
        "/organizations/*/audit_log_configuration",
    ] {
        workos.answer("GET", path, 500, refused());
    }
    let env = TestEnv::with_manifest(&format!("{EVERYTHING}{}", &WITH_NEW[1..]));
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let plan = run("plan -o json").exits(0).json_of("plan");
    assert_eq!(plan["summary"]["create"], 1, "{plan}");
    assert_eq!(plan["summary"]["not_read"], 9, "{plan}");
    assert_eq!(plan["requests_used"], 1, "{plan}");
    let sso = cell(&plan, "readiness", "acme", "sso");
    assert_eq!(sso["state"], "unknown");
    assert_eq!(sso["not_read"], true);
    assert_eq!(sso["next_step"], "run portalctl status");
    let domain = cell(&plan, "readiness", "acme", "domain_verification");
    assert_eq!(
        (&domain["state"], &domain["not_read"]),
        (&json!("configured"), &Value::Null)
    );
    let text = run("plan").exits(0);
    assert!(
        words(&text).contains(
            "9 intents were not read, because this run decides nothing by them; \
                               `portalctl status` reads them"
        ),
        "{text}"
    );
    let apply = run("apply --yes -o json").exits(0).json_of("apply");
    assert_eq!(apply["summary"]["done"], 1, "{apply}");
    assert_eq!(apply["summary"]["not_read"], 9, "{apply}");
    // A new organization cannot be configured yet.
    let new = cell(&apply, "readiness", "initech", "sso");
    assert_eq!(
        (&new["state"], &new["not_read"]),
        (&json!("unconfigured"), &Value::Null)
    );
    assert_eq!(workos.writes(), ["POST /organizations"]);
}

const INVITED: &str = "\
version: 1
manifest: customers
organizations:
  acme:
    name: Acme
    intents: [sso, dsync, certificate_renewal]
    it_contacts: [ada@acme.example]
    invite: once
  globex:
    name: Globex
    intents: [sso, dsync, log_streams]
    it_contacts: [bob@globex.example]
    invite: once
";

fn two_uninvited(world: &mut World) {
    for (id, name, email) in [
        ("org_1", "Acme", "ada@acme.example"),
        ("org_2", "Globex", "bob@globex.example"),
    ] {
        world.organization(id, name, &json!({"external_id": name.to_lowercase()}));
        let contact =
            json!({"object": "it_contact", "id": format!("contact_{id}"), "email": email});
        world.contacts.insert(id.to_owned(), vec![contact]);
    }
}

#[test]
fn an_invitation_asks_for_its_own_evidence_only() {
    let workos = StandIn::of(two_uninvited);
    let env = TestEnv::with_manifest(INVITED);
    let plan = env.run("plan -o json").at_url(&workos.url()).exits(0);
    let plan = plan.json_of("plan");
    assert_eq!(plan["summary"]["invite"], 2, "{plan}");
    // Certificates decide no invitation, and nobody has a connection that could have one.
    assert_eq!(plan["summary"]["not_read"], 0, "{plan}");
    let requests = workos.requests();
    assert!(!requests.iter().any(|one| one.path == "/events"));
    assert!(!requests.iter().any(|one| one.path.ends_with("certs")));
    // No evidence is read for contacts that were invited before.
    workos.with(|world| {
        for organization in &mut world.organizations {
            organization["metadata"]["portalctl_invited"] = json!(EPOCH);
        }
    });
    workos.forget_requests();
    let plan = env.run("plan -o json").at_url(&workos.url()).exits(0);
    assert_eq!(plan.json_of("plan")["summary"]["not_read"], 6);
    let paths: Vec<String> = workos
        .requests()
        .iter()
        .map(|one| one.path.clone())
        .collect();
    assert!(
        !paths
            .iter()
            .any(|path| path == "/connections" || path == "/directories"),
        "{paths:?}"
    );
}

#[test]
fn nobody_is_invited_on_evidence_that_could_not_be_read() {
    let workos = StandIn::of(two_uninvited);
    workos.answer(
        "GET",
        "/organizations/org_2/audit_log_configuration",
        422,
        refused(),
    );
    let env = TestEnv::with_manifest(INVITED);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    for format in ["text", "json", "markdown", "html", "sarif"] {
        let plan = run(&format!("plan -o {format}")).exits(0);
        assert!(plan.stdout.contains("api/read-failed"), "{format}: {plan}");
        assert!(plan.stdout.contains("log_streams"), "{format}: {plan}");
    }
    let plan = run("plan -o json").exits(0).json_of("plan");
    assert_eq!(plan["summary"]["invite"], 1, "{plan}");
    assert_eq!(plan["warnings"][0]["key"], "globex");
    let _ = run("apply --yes").exits(0);
    let emails = workos.with(|world| world.emails.clone());
    assert_eq!(emails, [("org_1".to_owned(), "contact_org_1".to_owned())]);
}

#[test]
fn contacts_that_cannot_be_read_keep_no_other_customer_from_his() {
    let workos = StandIn::of(|world| {
        two_uninvited(world);
        world.contacts.clear();
    });
    workos.answer("GET", "/organizations/org_1/it_contacts", 422, refused());
    let manifest = INVITED.replace("    invite: once\n", "");
    let env = TestEnv::with_manifest(&manifest);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let plan = run("plan -o json").exits(0).json_of("plan");
    assert_eq!(plan["summary"]["update"], 1, "{plan}");
    assert_eq!(plan["changes"][0]["key"], "globex");
    let warning = &plan["warnings"][0];
    assert_eq!(warning["code"], "plan/contacts-unavailable");
    assert!(
        warning["message"]
            .as_str()
            .unwrap()
            .contains("answered 422"),
        "{warning}"
    );
    let _ = run("apply --yes").exits(0);
    let writes = [
        "POST /organizations/org_2/it_contacts",
        "PUT /organizations/org_2",
    ];
    assert_eq!(workos.writes(), writes);
}

#[test]
fn a_refused_key_ends_the_run_whenever_it_is_refused() {
    for path in [
        "/organizations",
        "/connections",
        "/organizations/org_1/audit_log_configuration",
        "/connections/conn_2/saml_idp_signing_certs",
    ] {
        let workos = StandIn::of(two_customers);
        workos.answer("GET", path, 401, json!({"message": "Unauthorized"}));
        let env = TestEnv::with_manifest(EVERYTHING);
        let status = env.run("status -o json").at_url(&workos.url()).exits(4);
        assert_eq!(
            status.json_of("status")["errors"][0]["code"],
            "api/unauthorized"
        );
    }
}

#[test]
fn the_list_of_organizations_is_essential() {
    let workos = StandIn::of(two_customers);
    workos.answer("GET", "/organizations", 422, refused());
    let env = TestEnv::with_manifest(EVERYTHING);
    for line in ["plan", "status", "apply --yes", "ids"] {
        // A refusal does not look like a WorkOS that cannot be reached.
        let _ = env.run(line).at_url(&workos.url()).exits(7);
    }
    drop(workos);
    let _ = env.run("status").at_url("http://127.0.0.1:9").exits(5);
}

#[test]
fn a_feature_that_fails_for_everybody_is_given_up() {
    const COUNT: usize = 300;
    let workos = StandIn::of(|world| {
        for number in 0..COUNT {
            let more = json!({"external_id": format!("c{number}")});
            world.organization(&format!("org_{number:03}"), "Customer", &more);
        }
    });
    workos.answer(
        "GET",
        "/organizations/*/audit_log_configuration",
        422,
        refused(),
    );
    let mut manifest = "version: 1\norganizations:\n".to_owned();
    for number in 0..COUNT {
        manifest += &format!("  c{number}: {{name: Customer {number}, intents: [audit_logs]}}\n");
    }
    let env = TestEnv::with_manifest(&manifest);
    let status = env
        .run("status -o json --requests-per-second 500")
        .at_url(&workos.url())
        .exits(0);
    let status = status.json_of("status");
    assert_eq!(status["summary"]["unknown"], COUNT, "{}", status["summary"]);
    assert!(
        status["requests_used"].as_u64().unwrap() < 130,
        "{}",
        status["requests_used"]
    );
    let message = status["warnings"][0]["message"].as_str().unwrap();
    assert!(message.contains("of 300 organizations"), "{message}");
    assert!(
        message.contains("of them were not asked about"),
        "{message}"
    );
}

#[test]
fn a_failed_read_is_no_change_to_whoever_compares() {
    let workos = StandIn::of(two_customers);
    let env = TestEnv::with_manifest(EVERYTHING);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let _ = run("status -o json --output-file old.json").exits(0);
    workos.answer("GET", "/connections", 422, refused());
    let status = run("status -o json --compare old.json").exits(0);
    assert_eq!(status.json_of("status")["changed"], json!([]));
}

#[test]
fn an_import_writes_everybody_whose_logs_could_be_read() {
    let workos = StandIn::of(two_customers);
    workos.answer(
        "GET",
        "/organizations/org_1/audit_log_configuration",
        422,
        refused(),
    );
    let env = TestEnv::new();
    let import = env
        .run("import --dir portal --with logs -o json")
        .at_url(&workos.url());
    let import = import.exits(0).json_of("import");
    assert_eq!(import["files"].as_array().unwrap().len(), 1, "{import}");
    assert!(env.read("portal/globex.yaml").contains("audit_logs"));
    let skipped = &import["skipped"][0];
    assert_eq!(skipped["organization_id"], "org_1", "{import}");
    assert!(
        skipped["reason"].as_str().unwrap().contains("answered 422"),
        "{import}"
    );
    // The next import goes on with who is missing.
    workos.heal();
    let _ = env
        .run("import --dir portal --with logs")
        .at_url(&workos.url())
        .exits(0);
    assert!(env.read("portal/acme.yaml").contains("log_streams"));
}

#[test]
fn a_link_is_made_although_how_far_the_customer_is_could_not_be_read() {
    let workos = StandIn::of(two_customers);
    workos.answer("GET", "/connections", 422, refused());
    let env = TestEnv::with_manifest(EVERYTHING);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let link = run("link acme sso --allow-non-tty").exits(0);
    assert!(link.stderr.contains("warning[api/read-failed]"), "{link}");
    let _ = run("verify-domain acme --dns-only -o json").exits(0);
    let _ = run("ids").exits(0);
}

#[test]
fn the_gateway_sends_an_admin_on_although_the_connections_could_not_be_read() {
    for (status, body) in [(422, refused()), (200, json!("<html>"))] {
        let workos = StandIn::of(two_customers);
        workos.answer("GET", "/connections", status, body);
        let manifest = EVERYTHING.replacen(
            "organizations:",
            "return_urls: { default: https://app.example.com/settings }\norganizations:",
            1,
        );
        let env = TestEnv::with_manifest(&manifest);
        env.write("gateway.yaml", CONFIG);
        env.write("handoff.secret", SECRET);
        let serve = "serve --listen 127.0.0.1:0 --config gateway.yaml";
        let gateway = GatewayServer::of(env.run(serve).at_url(&workos.url()));
        let token = signed(&claims(&gateway.url()));
        let answer = gateway.get(&format!("/portal/acme/sso?token={token}"), &[]);
        assert_eq!(answer.status, 303, "{status}: {answer:?}");
        assert!(answer.headers.contains_key("location"), "{answer:?}");
    }
}

#[test]
fn an_active_connection_of_no_known_type_may_have_a_certificate() {
    for shape in ["missing", "null", "unknown state"] {
        let workos = StandIn::of(|world| {
            two_customers(world);
            world.certificates.remove("conn_1");
            let connection = &mut world.connections[0];
            match shape {
                "missing" => drop(
                    connection
                        .as_object_mut()
                        .unwrap()
                        .remove("connection_type"),
                ),
                "null" => connection["connection_type"] = Value::Null,
                _ => connection["state"] = json!("paused"),
            }
        });
        let env = TestEnv::with_manifest(EVERYTHING);
        let status = env.run("status -o json").at_url(&workos.url()).exits(0);
        let status = status.json_of("status");
        assert_eq!(
            state(&status, "acme", "certificate_renewal"),
            "unknown",
            "{shape}"
        );
        assert_eq!(
            state(&status, "globex", "certificate_renewal"),
            "configured"
        );
    }
}

#[test]
fn a_state_that_nobody_has_heard_of_is_unknown() {
    let workos = StandIn::of(|world| {
        two_customers(world);
        world.connections[0]["state"] = json!("paused");
        world.directories[0]["state"] = json!("suspended");
    });
    let env = TestEnv::with_manifest(EVERYTHING);
    let status = env.run("status -o json").at_url(&workos.url()).exits(0);
    let status = status.json_of("status");
    for (intent, raw) in [("sso", "paused"), ("dsync", "suspended")] {
        let cell = cell(&status, "organizations", "acme", intent);
        assert_eq!(cell["state"], "unknown");
        assert!(cell["reason"].as_str().unwrap().contains(raw), "{cell}");
    }
}

#[test]
fn one_object_that_cannot_be_read_does_not_fail_its_page() {
    let workos = StandIn::of(|world| {
        two_customers(world);
        // One that is acme's all the same, and three that are nobody's.
        world.connections[0]["id"] = Value::Null;
        world
            .connections
            .push(json!({"object": "connection", "state": "active"}));
        world.connections.push(json!(null));
        world.directories.push(json!("garbage"));
    });
    let env = TestEnv::with_manifest(EVERYTHING);
    let status = env.run("status -o json").at_url(&workos.url()).exits(0);
    let status = status.json_of("status");
    assert_eq!(state(&status, "acme", "sso"), "configured");
    assert_eq!(state(&status, "acme", "certificate_renewal"), "unknown");
    assert_eq!(
        state(&status, "globex", "certificate_renewal"),
        "configured"
    );
    let warnings = status["warnings"].to_string();
    assert!(
        warnings.contains("2 of the connections that WorkOS lists have no id"),
        "{warnings}"
    );
    assert!(
        warnings.contains("1 of the directories that WorkOS lists have no id"),
        "{warnings}"
    );
}

#[test]
fn an_organization_without_an_id_is_not_created_a_second_time() {
    let workos = StandIn::of(|world| {
        two_customers(world);
        world.organizations[0]["id"] = Value::Null;
    });
    let env = TestEnv::with_manifest(EVERYTHING);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let plan = run("plan -o json").exits(7).json_of("plan");
    assert_eq!(plan["summary"]["create"], 0, "{plan}");
    assert_eq!(plan["conflicts"][0]["code"], "plan/organization-without-id");
    assert_eq!(plan["conflicts"][0]["key"], "acme");
    let _ = run("apply --yes").exits(7);
    assert_eq!(workos.writes(), Vec::<String>::new());
}

/// So many customers that their list has three pages.
fn many(world: &mut World) {
    for number in 0..250 {
        let more = json!({"external_id": format!("c{number}")});
        world.organization(
            &format!("org_{number:03}"),
            &format!("Customer {number}"),
            &more,
        );
    }
}

fn many_declared() -> TestEnv {
    let mut manifest = "version: 1\norganizations:\n".to_owned();
    for number in 0..250 {
        manifest += &format!("  c{number}: {{name: Customer {number}}}\n");
    }
    TestEnv::with_manifest(&manifest)
}

#[test]
fn a_list_that_knows_no_order_is_read_forward() {
    let workos = StandIn::of(many);
    workos.ignore_order();
    let env = many_declared();
    let plan = env.run("plan -o json").at_url(&workos.url()).exits(0);
    let plan = plan.json_of("plan");
    assert_eq!(
        (&plan["summary"]["create"], &plan["summary"]["unchanged"]),
        (&json!(0), &json!(250))
    );
}

#[test]
fn a_list_without_metadata_is_read_to_an_empty_page() {
    let workos = StandIn::of(many);
    workos.reshape("GET", "/organizations", |_, (status, mut body)| {
        body.as_object_mut().unwrap().remove("list_metadata");
        (status, body)
    });
    let env = many_declared();
    let plan = env.run("plan -o json").at_url(&workos.url()).exits(0);
    assert_eq!(plan.json_of("plan")["summary"]["unchanged"], 250);
}

#[test]
fn a_list_that_always_answers_with_its_first_page_is_an_error() {
    let workos = StandIn::of(many);
    workos.reshape("GET", "/organizations", |_, (status, mut body)| {
        body["data"] = (0..100)
            .map(|n| json!({"id": format!("org_{n:03}")}))
            .collect();
        body.as_object_mut().unwrap().remove("list_metadata");
        (status, body)
    });
    let env = many_declared();
    let plan = env.run("plan -o json").at_url(&workos.url()).exits(5);
    assert_eq!(
        plan.json_of("plan")["errors"][0]["code"],
        "api/unstable-list"
    );
}

#[test]
fn a_page_that_lists_an_object_twice_is_an_error() {
    let workos = StandIn::of(many);
    workos.reshape("GET", "/organizations", |_, (status, mut body)| {
        let first = body["data"][0].clone();
        body["data"][1] = first;
        (status, body)
    });
    let env = many_declared();
    let plan = env.run("plan -o json").at_url(&workos.url()).exits(5);
    assert_eq!(
        plan.json_of("plan")["errors"][0]["code"],
        "api/unstable-list"
    );
}
