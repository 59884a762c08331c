//! Counts the requests of each command at the stand-in, in small and in large environments.

use serde_json::{Value, json};

use crate::support::cli::{Run, TestEnv};
use crate::support::dns::{DnsServer, Zone};
use crate::support::gateway::{CONFIG, GatewayServer, SECRET, claims, signed};
use crate::support::stand_in::{EPOCH, Request, StandIn, World};

/// Numbers of organizations beside those of the manifest.
const SIZES: [usize; 2] = [3, 2_000];
/// Requests that one customer costs, without what follows.
const BASE: usize = 6;
/// Requests for the events of one customer: a window of 30 days each.
const EVENTS: usize = 3;
/// One for each previous key, domain and active SAML connection of `acme`.
const OF_ACME: usize = 1 + 2 + 2;

const INTENTS: [&str; 7] = [
    "sso",
    "dsync",
    "domain_verification",
    "audit_logs",
    "log_streams",
    "certificate_renewal",
    "bring_your_own_key",
];

/// The customer that costs the most requests, a new one, and one that is not selected.
const MANIFEST: &str = "\
version: 1
manifest: customers
environment: { name: staging, api_key: test }
return_urls: { default: https://app.example.com/settings }
defaults:
  intents: [sso, dsync, domain_verification, audit_logs, log_streams, certificate_renewal, bring_your_own_key]
organizations:
  acme:
    id: org_acme
    external_id: acme-id
    previous_keys: [acme-before]
    name: Acme
    domains: [acme.example, acme-two.example]
    it_contacts: [ada@acme.example]
  initech: { name: Initech, domains: [initech.example] }
  globex: { name: Globex }
";

/// The customers, and so many others who have as much as they do.
fn environment(others: usize) -> StandIn {
    StandIn::of(|world| {
        for number in 0..others {
            let id = format!("org_other{number:05}");
            let more = json!({"external_id": format!("other-{number}")});
            world.organization(&id, &format!("Other {number}"), &more);
            world.connection(&format!("conn_other{number:05}"), &id, "active");
            world.directory(&format!("directory_other{number:05}"), &id, "linked");
            let data = json!({"organization_id": id});
            world.event("vault.byok_key.deleted", "2026-11-01T00:00:00.000Z", &data);
        }
        let domains = json!([
            World::domain("org_acme", "acme.example", "verified"),
            World::domain("org_acme", "acme-two.example", "pending"),
        ]);
        let more = json!({
            "external_id": "acme-id", "domains": domains,
            "metadata": {"portalctl_owner": "customers"},
        });
        world.organization("org_acme", "Acme", &more);
        world.organization("org_globex", "Globex", &json!({"external_id": "globex"}));
        for number in 1..=2 {
            let id = format!("conn_acme{number}");
            world.connection(&id, "org_acme", "active");
            let certificate = json!({
                "object": "saml_idp_signing_certificate", "id": format!("cert_{number}"),
                "not_after": "2099-01-01T00:00:00.000Z", "created_at": EPOCH,
            });
            world.certificates.insert(id, vec![certificate]);
        }
        world.directory("directory_acme", "org_acme", "validating");
        let contact = json!({
            "object": "it_contact", "id": "it_contact_1", "organization_id": "org_acme",
            "email": "ada@acme.example", "created_at": EPOCH,
        });
        world.contacts.insert("org_acme".to_owned(), vec![contact]);
    })
}

fn stage(others: usize) -> (StandIn, TestEnv) {
    (environment(others), TestEnv::with_manifest(MANIFEST))
}

/// A command without a rate limit, which would only cost time.
fn run(env: &TestEnv, workos: &StandIn, line: &str) -> Run {
    let line = format!("{line} --requests-per-second 10000");
    env.run(&line).at_url(&workos.url())
}

/// The requests so far, which are forgotten.
fn taken(workos: &StandIn) -> Vec<Request> {
    let requests = workos.requests();
    workos.forget_requests();
    requests
}

fn lines(requests: &[Request]) -> Vec<String> {
    let line = |request: &Request| format!("{} {:?}", request.line(), request.query);
    requests.iter().map(line).collect()
}

#[track_caller]
fn assert_at_most(what: &str, requests: &[Request], most: usize) {
    let count = requests.len();
    assert!(
        count <= most,
        "{what}: {count} > {most}: {:#?}",
        lines(requests)
    );
    assert!(count > 0, "{what}: nothing was asked");
}

/// Plays one command in environments of every size; returns its requests, as many in each.
#[track_caller]
fn in_every_size(line: &str, exit: i32, most: usize) -> Vec<Request> {
    let mut costs = Vec::new();
    let mut last = Vec::new();
    for others in SIZES {
        let (workos, env) = stage(others);
        let _ = run(&env, &workos, line).exits(exit);
        last = taken(&workos);
        assert_at_most(&format!("{line}, {others} others"), &last, most);
        costs.push(last.len());
    }
    let is_same = costs.iter().all(|cost| *cost == costs[0]);
    assert!(is_same, "{line}: {costs:?} requests in {SIZES:?}");
    last
}

#[test]
fn the_status_of_one_customer_costs_as_much_in_a_large_environment() {
    let requests = in_every_size("status --only acme", 0, BASE + EVENTS + OF_ACME);
    // No list of the environment, and no events of anybody else.
    for request in requests {
        let is_list = ["/organizations", "/connections", "/directories", "/events"]
            .contains(&request.path.as_str());
        let filters = ["domains", "organization_id"];
        let is_filtered = filters
            .iter()
            .any(|filter| request.query.contains_key(*filter));
        assert!(!is_list || is_filtered, "{request:?}");
    }
    in_every_size("ids --only acme", 0, BASE + OF_ACME);
}

#[test]
fn the_status_of_a_customer_who_is_not_there_yet_costs_no_list() {
    let requests = in_every_size("status --only initech", 0, BASE + 1);
    let search: Vec<&Request> = requests
        .iter()
        .filter(|request| request.query.contains_key("search"))
        .collect();
    assert_eq!(search.len(), 1, "{:?}", lines(&requests));
}

#[test]
fn a_customer_of_the_same_name_is_told_without_a_list() {
    let (workos, env) = stage(2_000);
    workos.with(|world| world.organization("org_twin", "initech", &json!({})));
    let status = run(&env, &workos, "status --only initech -o json").exits(0);
    let requests = taken(&workos);
    assert_at_most("status", &requests, BASE + 1);
    let status = status.json_of("status");
    let cell = &status["organizations"][0]["intents"][0];
    let text = cell.to_string();
    assert!(text.contains("org_twin"), "{cell:#}");
    // The whole list says the same.
    let all = run(&env, &workos, "status -o json")
        .exits(0)
        .json_of("status");
    let organizations = all["organizations"].as_array().unwrap();
    let listed = organizations.iter().find(|one| one["key"] == "initech");
    assert_eq!(listed, Some(&status["organizations"][0]));
}

#[test]
fn a_search_that_is_refused_is_no_error_of_a_status() {
    let (workos, env) = stage(3);
    workos.reshape("GET", "/organizations", |request, answer| {
        if request.query.contains_key("search") {
            return (
                422,
                json!({"code": "invalid_request", "message": "no search"}),
            );
        }
        answer
    });
    let status = run(&env, &workos, "status --only initech -o json").exits(0);
    let status = status.json_of("status");
    let cell = &status["organizations"][0]["intents"][0];
    assert_eq!(cell["state"], "unconfigured", "{cell:#}");
}

#[test]
fn a_link_costs_what_its_customer_and_intent_need() {
    for intent in INTENTS {
        let events = if intent == "bring_your_own_key" {
            EVENTS
        } else {
            0
        };
        let line = format!("link acme {intent} --again --allow-non-tty");
        let requests = in_every_size(&line, 0, BASE + events + OF_ACME);
        let links = requests
            .iter()
            .filter(|one| one.path == "/portal/generate_link");
        assert_eq!(links.count(), 1, "{intent}");
    }
}

#[test]
fn a_look_of_wait_costs_what_its_customer_and_intent_need() {
    let requests = in_every_size("wait acme sso", 0, BASE + EVENTS + OF_ACME);
    let events: Vec<_> = requests
        .iter()
        .filter(|one| one.path == "/events")
        .collect();
    assert!(
        events
            .iter()
            .all(|one| one.query["organization_id"] == "org_acme"),
        "{events:?}"
    );
}

#[test]
fn an_invitation_costs_few_reads_and_a_bounded_protocol_that_sends_it_once() {
    // Marking, reading back, sending and marking again, each on a fresh read.
    let protocol = 9;
    let most = BASE + EVENTS + OF_ACME;
    let requests = in_every_size("invite acme --yes", 0, most + protocol);
    let before = requests.iter().take_while(|one| one.method == "GET");
    // The protocol begins with three reads.
    assert!(before.count() <= most + 3, "{:#?}", lines(&requests));
    let sent = requests.iter().filter(|one| one.path.ends_with("/invite"));
    assert_eq!(sent.count(), 1);
}

#[test]
fn verifying_domains_costs_few_reads_and_one_request_for_each_domain_asked_about() {
    let dns = DnsServer::start();
    dns.set("acme-two.example", Zone::texts(&["workos=token"]));
    let line = format!(
        "verify-domain acme --ask-anyway --resolver {}",
        dns.address()
    );
    let requests = in_every_size(&line, 2, BASE + OF_ACME);
    let asked = requests.iter().filter(|one| one.method == "POST");
    assert_eq!(asked.count(), 1, "{:#?}", lines(&requests));
}

#[test]
fn the_gateway_asks_only_about_whom_it_hands_over() {
    let mut costs: Vec<Vec<usize>> = Vec::new();
    for others in SIZES {
        let (workos, env) = stage(others);
        env.write("gateway.yaml", CONFIG);
        env.write("handoff.secret", SECRET);
        let serve = "serve --listen 127.0.0.1:0 --config gateway.yaml";
        let gateway = GatewayServer::of(run(&env, &workos, serve));
        let mut cost = Vec::new();
        for intent in INTENTS {
            let events = if intent == "bring_your_own_key" {
                EVENTS
            } else {
                0
            };
            let most = BASE + events + OF_ACME;
            let mut claims = claims(&gateway.url());
            claims["intents"] = json!([intent]);
            workos.forget_requests();
            let token = signed(&claims);
            // Single sign-on is configured, and would not be handed over again.
            workos.with(|world| set_connections(world, intent == "certificate_renewal"));
            let answer = gateway.get(&format!("/portal/acme/{intent}?token={token}"), &[]);
            assert_eq!(answer.status, 303, "{intent}: {answer:?}");
            let handed = taken(&workos);
            assert_at_most(&format!("hand-off to {intent}"), &handed, most);
            let cookie = answer.cookie();
            let path = format!("/return/acme/{intent}");
            let back = gateway.get(&path, &[("Cookie", &cookie)]);
            assert_eq!(back.status, 200, "{intent}: {back:?}");
            let returned = taken(&workos);
            assert_at_most(&format!("return from {intent}"), &returned, most);
            cost.extend([handed.len(), returned.len()]);
        }
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1]);
}

fn set_connections(world: &mut World, are_active: bool) {
    let state = if are_active { "active" } else { "validating" };
    let connections = world.connections.iter_mut();
    for connection in connections.filter(|one| one["organization_id"] == "org_acme") {
        connection["state"] = json!(state);
    }
}

/// A manifest of so many customers with everything and one contact.
fn declared(count: usize) -> String {
    let mut text = "\
version: 1
manifest: customers
defaults:
  intents: [sso, dsync, domain_verification, audit_logs, log_streams, certificate_renewal, bring_your_own_key]
organizations:
"
    .to_owned();
    for number in 0..count {
        text.push_str(&format!(
            "  c{number:05}:\n    name: Customer {number}\n    domains: [c{number:05}.example]\n    \
             it_contacts: [ada@it.example]\n"
        ));
    }
    text
}

/// Makes the environment what an apply has made it for three, for so many customers.
fn settle(world: &mut World, count: usize) {
    let model = world.find("c00000").unwrap().clone();
    world.organizations.clear();
    world.contacts.clear();
    for number in 0..count {
        let id = format!("org_c{number:05}");
        let domain = format!("c{number:05}.example");
        let more = json!({
            "external_id": format!("c{number:05}"), "metadata": model["metadata"],
            "domains": [World::domain(&id, &domain, "verified")],
        });
        world.organization(&id, &format!("Customer {number}"), &more);
        world.connection(&format!("conn_c{number:05}"), &id, "active");
        world.directory(&format!("directory_c{number:05}"), &id, "linked");
    }
}

#[test]
fn a_plan_of_everybody_with_nothing_to_do_costs_its_lists() {
    for count in [3_usize, 2_000] {
        let env = TestEnv::with_manifest(&declared(3));
        let workos = StandIn::start();
        let _ = run(&env, &workos, "apply --yes").exits(0);
        let made = taken(&workos);
        let contacts = |one: &&Request| one.path.ends_with("/it_contacts");
        assert!(
            made.iter().filter(contacts).count() >= 3,
            "{:?}",
            lines(&made)
        );
        workos.with(|world| settle(world, count));
        env.write("portal.yaml", &declared(count));
        let most = 3 * count.div_ceil(100) + 10;
        for line in ["plan -o json", "apply --yes -o json"] {
            let output = run(&env, &workos, line).exits(0);
            let schema = if line.starts_with("plan") {
                "plan"
            } else {
                "apply"
            };
            let document: Value = output.json_of(schema);
            let requests = taken(&workos);
            assert_at_most(&format!("{line} of {count}"), &requests, most);
            let writes = requests.iter().filter(|one| one.method != "GET");
            assert_eq!(writes.count(), 0, "{line}: {:?}", lines(&requests));
            assert_eq!(document["requests_used"], requests.len(), "{line}");
        }
    }
}
