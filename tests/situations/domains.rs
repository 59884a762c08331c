//! Tests that a contested domain stops its own cell and writes, and nothing else of its
//! organization.

use serde_json::{Value, json};

use crate::support::cli::{Output, TestEnv};
use crate::support::dns::{DnsServer, Zone};
use crate::support::stand_in::{StandIn, World};

const CELTICA: &str = "\
version: 1
manifest: customers
organizations:
  celtica:
    name: Celtica
    domains: [celtica.example, celtica-mail.example]
    intents: [sso, dsync, domain_verification]
";

/// `celtica`, whose sso works and whose directory is broken, and a rival that holds its domain.
fn celtica_and_a_rival(own: &'static str, rivals: &'static str) -> StandIn {
    StandIn::of(move |world| {
        let domains = json!([
            World::domain("org_1", "celtica.example", own),
            World::domain("org_1", "celtica-mail.example", "verified"),
        ]);
        let more = json!({"external_id": "celtica", "domains": domains});
        world.organization("org_1", "Celtica", &more);
        world.connection("conn_1", "org_1", "active");
        world.directory("directory_1", "org_1", "invalid_credentials");
        rival(world, "org_2", "celtica.example", rivals);
    })
}

fn rival(world: &mut World, id: &str, domain: &str, state: &str) {
    let more = json!({
        "external_id": format!("other-{}", id.replace('_', "-")),
        "domains": [World::domain(id, domain, state)],
    });
    world.organization(id, "Other Ltd", &more);
}

/// The state of an intent, and the sentence about it.
fn cell<'a>(document: &'a Value, field: &str, intent: &str) -> (&'a str, String) {
    let intents = document[field][0]["intents"].as_array().unwrap();
    let found = intents.iter().find(|one| one["intent"] == intent).unwrap();
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    let told = format!("{} -> {}", text("reason"), text("next_step"));
    (found["state"].as_str().unwrap(), told)
}

fn words(output: &Output) -> String {
    output
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_domain_verified_elsewhere_leaves_every_other_intent_as_it_is() {
    let workos = celtica_and_a_rival("pending", "verified");
    let env = TestEnv::with_manifest(CELTICA);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let status = run("status -o json").exits(0).json_of("status");
    assert_eq!(status["organizations"][0]["organization_id"], "org_1");
    assert_eq!(cell(&status, "organizations", "sso").0, "configured");
    assert_eq!(cell(&status, "organizations", "dsync").0, "attention");
    let (state, told) = cell(&status, "organizations", "domain_verification");
    assert_eq!(state, "attention");
    assert!(
        told.contains("celtica.example is verified for org_2 (Other Ltd)"),
        "{told}"
    );
    // The cell fails a run with `--fail-on attention` alone.
    let _ = run("status --fail-on attention").exits(2);
    let ids = run("ids -o json").exits(0).json_of("ids");
    assert_eq!(ids["ids"]["celtica"], "org_1");
}

#[test]
fn a_contested_domain_changes_no_exit_code_and_has_a_scope() {
    let workos = celtica_and_a_rival("pending", "verified");
    let env = TestEnv::with_manifest(CELTICA);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let plan = run("plan --detailed-exitcode -o json")
        .exits(0)
        .json_of("plan");
    let conflict = &plan["conflicts"][0];
    assert_eq!(conflict["scope"], "domain");
    assert_eq!(conflict["domain"], "celtica.example");
    assert_eq!(conflict["code"], "plan/domain-verified-elsewhere");
    assert_eq!(plan["summary"]["conflict"], 0);
    assert_eq!(plan["summary"]["contested_domain"], 1);
    let text = words(&run("plan").exits(0));
    assert!(text.contains("contested domains: not written"), "{text}");
    assert!(text.contains("org_2 (Other Ltd)"), "{text}");
    assert!(text.contains("nothing to do, 1 contested domain"), "{text}");
    let markdown = run("plan -o markdown").exits(0).stdout;
    assert!(
        markdown.contains("Contested domains: not written"),
        "{markdown}"
    );
    let sarif = run("plan -o sarif").exits(0).json();
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "warning");
    let _ = run("apply --yes").exits(0);
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn everything_but_the_contested_domain_is_written() {
    let workos = celtica_and_a_rival("pending", "verified");
    workos.with(|world| rival(world, "org_3", "taken.example", "verified"));
    let env = TestEnv::with_manifest(CELTICA);
    env.edit("portal.yaml", "name: Celtica", "name: Celtica Group");
    env.edit(
        "portal.yaml",
        "celtica-mail.example]",
        "celtica-mail.example, new.example, taken.example]",
    );
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let done = run("apply --yes -o json").exits(0).json_of("apply");
    assert_eq!(
        done["summary"],
        json!({"done": 1, "refused": 0, "unknown": 0, "not_tried": 0, "not_read": 2})
    );
    let writes = ["PUT /organizations/org_1", "POST /organization_domains"];
    assert_eq!(workos.writes(), writes);
    let live = workos.with(|world| world.find("celtica").unwrap().clone());
    assert_eq!(live["name"], "Celtica Group");
    let domains = live["domains"].as_array().unwrap().iter();
    let domains: Vec<&Value> = domains.map(|one| &one["domain"]).collect();
    assert_eq!(
        domains,
        ["celtica.example", "celtica-mail.example", "new.example"]
    );
    let scopes: Vec<&Value> = done["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["domain"])
        .collect();
    assert_eq!(scopes, ["celtica.example", "taken.example"]);
}

#[test]
fn links_waits_and_the_verification_of_other_domains_work_beside_a_contested_one() {
    let workos = celtica_and_a_rival("pending", "verified");
    workos.with(|world| {
        let domains = world.find_mut("celtica").unwrap()["domains"]
            .as_array_mut()
            .unwrap();
        domains[1]["state"] = json!("pending");
    });
    let env = TestEnv::with_manifest(CELTICA);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let _ = run("link celtica dsync --allow-non-tty").exits(0);
    let _ = run("wait celtica sso --timeout 5s").exits(0);
    let asked = run("verify-domain celtica celtica-mail.example --ask-anyway -o json").exits(2);
    let asked = asked.json_of("verify-domain");
    assert_eq!(asked["domains"][0]["asked"], true);
}

#[test]
fn a_new_entry_whose_domain_another_customer_has_verified_makes_no_second_customer() {
    let workos = StandIn::of(|world| rival(world, "org_2", "celtica.example", "verified"));
    let env = TestEnv::with_manifest(CELTICA);
    env.edit(
        "portal.yaml",
        "  celtica:",
        "  other-org-2:\n    name: Other Ltd\n  celtica:",
    );
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let plan = run("plan -o json").exits(7).json_of("plan");
    assert_eq!(plan["conflicts"][0]["scope"], "entry");
    assert!(plan["conflicts"][0].get("domain").is_none());
    assert_eq!(plan["summary"]["conflict"], 1);
    let _ = run("apply --yes").exits(7);
    assert_eq!(workos.writes(), [""; 0]);
}

#[test]
fn two_organizations_that_wait_for_one_domain_are_told_of_each_other() {
    let workos = celtica_and_a_rival("pending", "pending");
    let env = TestEnv::with_manifest(CELTICA);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let status = run("status -o json").exits(0).json_of("status");
    let (state, told) = cell(&status, "organizations", "domain_verification");
    assert_eq!(state, "in_progress");
    assert!(told.contains("org_2 (Other Ltd) has it too"), "{told}");
    assert!(told.contains("only one organization can verify"), "{told}");
    let plan = run("plan -o json").exits(0).json_of("plan");
    assert_eq!(plan["warnings"][0]["code"], "plan/domain-pending-elsewhere");
    let message = plan["warnings"][0]["message"].as_str().unwrap();
    assert!(message.contains("org_2 (Other Ltd)"), "{message}");

    // The record is set: WorkOS may still verify it for either of the two.
    let dns = DnsServer::start();
    dns.set("celtica.example", Zone::texts(&["workos=token"]));
    let line = format!(
        "verify-domain celtica celtica.example --resolver {}",
        dns.address()
    );
    let text = words(&run(&line).exits(2));
    assert!(text.contains("seen: "), "{text}");
    assert!(
        text.contains("rival org_2 (Other Ltd) has the domain too"),
        "{text}"
    );
    assert!(!text.contains("wait: WorkOS"), "{text}");
    let document = run(&format!("{line} -o json"))
        .exits(2)
        .json_of("verify-domain");
    let item = &document["domains"][0];
    assert_eq!(item["dns"]["seen"], "yes");
    let rival = json!({"organization_id": "org_2", "name": "Other Ltd", "state": "pending"});
    assert_eq!(item["rivals"], json!([rival]));
    let step = item["next_step"].as_str().unwrap();
    assert!(step.contains("only one can verify it"), "{step}");
}

#[test]
fn a_domain_that_another_organization_has_verified_is_not_asked_about() {
    let workos = celtica_and_a_rival("pending", "verified");
    let env = TestEnv::with_manifest(CELTICA);
    let run = |line: &str| env.run(line).at_url(&workos.url());
    let output = run("verify-domain celtica celtica.example -o json").exits(7);
    let item = output.json_of("verify-domain")["domains"][0].clone();
    assert_eq!(item["code"], "domain/verified-elsewhere");
    assert_eq!(item["rivals"][0]["organization_id"], "org_2");
    assert_eq!(workos.writes(), [""; 0]);
    // The other domain of the organization is as it was.
    let _ = run("verify-domain celtica celtica-mail.example").exits(0);
}

/// Looked up in a large environment, the rival costs one request for each declared domain.
#[test]
fn a_rival_is_found_among_many_without_listing_them() {
    let workos = celtica_and_a_rival("pending", "verified");
    workos.with(|world| {
        for n in 0..900 {
            world.organization(&format!("org_other_{n:04}"), "Somebody", &json!({}));
        }
    });
    let env = TestEnv::with_manifest(CELTICA);
    let status = env.run("status -o json").at_url(&workos.url()).exits(0);
    let status = status.json();
    let (state, told) = cell(&status, "organizations", "domain_verification");
    assert_eq!(state, "attention");
    assert!(told.contains("org_2 (Other Ltd)"), "{told}");
    let requests = workos.requests();
    let by_domain = requests
        .iter()
        .filter(|one| one.query.contains_key("domains"));
    assert_eq!(by_domain.count(), 2);
    assert!(requests.len() < 15, "{}", requests.len());
}
