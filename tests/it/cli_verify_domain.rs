//! Tests `verify-domain` between a sandbox, which plays WorkOS, and a small DNS server.

use serde_json::{Value, json};

use crate::support::cli::{Output, Run, TestEnv, snapshot};
use crate::support::dns::{DnsServer, Zone};
use crate::support::http::Canned;
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

const MANIFEST: &str = "\
version: 1
environment: { name: staging, api_key: test }
organizations:
  acme:
    name: Acme Corp
    domains: [acme.com, acme.io]
    intents: [domain_verification]
  bare: { name: Bare }
";

/// A sandbox that holds the manifest, and a DNS.
struct Stage {
    env: TestEnv,
    server: SandboxServer,
    dns: DnsServer,
}

impl Stage {
    fn set() -> Self {
        let env = TestEnv::with_manifest(MANIFEST);
        let server = SandboxServer::start(&env);
        let _ = env.run("apply --yes").at(&server).exits(0);
        let dns = DnsServer::start();
        Self { env, server, dns }
    }

    fn run(&self, line: &str) -> Run {
        let line = format!("verify-domain {line} --resolver {}", self.dns.address());
        self.env.run(&line).at(&self.server)
    }

    fn json(&self, line: &str, code: i32) -> Value {
        let output = self.run(&format!("{line} -o json")).exits(code);
        if !line.contains("--reveal") {
            self.tells_no_token(&output);
        }
        output.json_of("verify-domain")
    }

    /// A domain of Acme, as WorkOS has it.
    fn domain(&self, name: &str) -> Value {
        let organizations = self.server.organizations();
        let acme = organizations.iter().find(|o| o["external_id"] == "acme");
        let domains = acme.unwrap()["domains"].as_array().unwrap().iter();
        let mut found = domains.filter(|domain| domain["domain"] == name);
        found.next().unwrap().clone()
    }

    fn value(&self, name: &str) -> String {
        let domain = self.domain(name);
        let text = |field: &str| domain[field].as_str().unwrap().to_owned();
        format!(
            "{}={}",
            text("verification_prefix"),
            text("verification_token")
        )
    }

    /// Plays the customer: sets the record, for the world and for the sandbox.
    fn publish(&self, name: &str) {
        self.dns
            .set(name, Zone::texts(&["v=spf1 -all", &self.value(name)]));
        self.control(name, &json!({ "record_published": true }));
    }

    fn control(&self, name: &str, body: &Value) {
        let id = self.domain(name)["id"].as_str().unwrap().to_owned();
        let path = format!("/_sandbox/organization_domains/{id}");
        let _ = self.server.send("PUT", &path, body);
    }

    fn tells_no_token(&self, output: &Output) {
        for name in ["acme.com", "acme.io"] {
            let token = self.domain(name)["verification_token"].clone();
            let token = token.as_str().unwrap();
            assert!(!output.stdout.contains(token), "{output}");
            assert!(!output.stderr.contains(token), "{output}");
        }
    }
}

/// Returns the DNS result of each domain, whether WorkOS was asked to verify it, and its state.
fn told(document: &Value) -> Vec<String> {
    let domains = document["domains"].as_array().unwrap().iter();
    let line = |item: &Value| {
        let asked = if item["asked"] == true { "asked" } else { "-" };
        let word = |value: &Value| value.as_str().unwrap_or("null").to_owned();
        let (seen, state) = (word(&item["dns"]["seen"]), word(&item["state"]));
        assert_eq!(item["verified"] == true, state.ends_with("verified"));
        assert_eq!(item["next_step"].is_null(), item["verified"] == true);
        format!("{} {seen} {asked} {state}", word(&item["domain"]))
    };
    domains.map(line).collect()
}

#[test]
fn from_the_first_look_to_verified() {
    let stage = Stage::set();
    let first = stage.json("acme", 2);
    assert_eq!(first["organization_id"], stage.server.id_of("acme"));
    assert_eq!(first["key"], "acme");
    assert_eq!(
        told(&first),
        ["acme.com no - pending", "acme.io no - pending"]
    );
    let record = json!({ "host": "acme.com", "type": "TXT", "value": null });
    assert_eq!(first["domains"][0]["record"], record);
    stage.publish("acme.com");
    let second = stage.json("acme", 2);
    assert_eq!(
        told(&second),
        ["acme.com yes asked verified", "acme.io no - pending"]
    );
    assert_eq!(second["domains"][0]["record"], Value::Null);
    stage.publish("acme.io");
    let third = stage.json("acme", 0);
    assert_eq!(
        told(&third),
        ["acme.com null - verified", "acme.io yes asked verified"]
    );
    // No request to DNS or WorkOS is left.
    let looked_up = stage.dns.asked().len();
    let quiet = stage.run("acme -v --log-format json").exits(0);
    assert!(quiet.methods().iter().all(|method| method == "GET"));
    assert_eq!(stage.dns.asked().len(), looked_up);
    snapshot!(quiet.stdout);
}

#[test]
fn what_people_read() {
    let stage = Stage::set();
    let before = stage.run("acme").exits(2);
    stage.tells_no_token(&before);
    snapshot!(before.stdout);
    stage.dns.set(
        "acme.com",
        Zone::texts(&["sandbox-domain-verification-zzzzzz=old", "v=spf1 -all"]),
    );
    stage.publish("acme.io");
    let after = stage.run("acme").exits(2);
    stage.tells_no_token(&after);
    snapshot!(after.stdout);
}

#[test]
fn it_is_readable_on_a_narrow_terminal() {
    let stage = Stage::set();
    let wrong = "acme.com.acme.com";
    stage
        .dns
        .set(wrong, Zone::texts(&[&stage.value("acme.com")]));
    let output = stage.run("acme acme.com").env("COLUMNS", "50").exits(2);
    assert!(output.stdout.lines().all(|line| line.chars().count() <= 80));
    snapshot!(output.stdout);
}

#[test]
fn the_value_is_shown_to_whoever_asks_for_it() {
    let stage = Stage::set();
    let value = stage.value("acme.com");
    let document = stage.json("acme ACME.com --reveal", 2);
    assert_eq!(document["domains"].as_array().unwrap().len(), 1);
    assert_eq!(document["domains"][0]["record"]["value"], value);
    // On one line, to be copied, however narrow the terminal.
    let narrow = stage.run("acme acme.com --reveal").env("COLUMNS", "30");
    let output = narrow.exits(2);
    assert!(output.stdout.contains(&value), "{output}");
    let errors = stage.run("acme acme.com --reveal -vv").exits(2).stderr;
    assert!(
        !errors.contains(value.split_once('=').unwrap().1),
        "{errors}"
    );
}

#[test]
fn workos_is_not_asked_in_vain_unless_somebody_wants_it() {
    let stage = Stage::set();
    // The resolver here does not see the record yet, and WorkOS's would.
    stage.control("acme.com", &json!({ "record_published": true }));
    let document = stage.json("acme acme.com", 2);
    assert_eq!(told(&document), ["acme.com no - pending"]);
    let document = stage.json("acme acme.com --ask-anyway", 0);
    assert_eq!(told(&document), ["acme.com no asked verified"]);
}

#[test]
fn only_dns_is_asked_when_only_dns_is_wanted() {
    let stage = Stage::set();
    stage.publish("acme.com");
    let output = stage.run("acme acme.com --dns-only -v --log-format json -o json");
    let output = output.exits(2);
    assert!(output.methods().iter().all(|method| method == "GET"));
    let document = output.json_of("verify-domain");
    assert_eq!(told(&document), ["acme.com yes - pending"]);
    let _ = stage.run("acme --dns-only --ask-anyway").exits(3);
}

#[test]
fn trouble_with_dns_keeps_nobody_from_asking_workos() {
    let stage = Stage::set();
    stage.control("acme.com", &json!({ "record_published": true }));
    let failing = Zone::Fails(hickory_server::proto::op::ResponseCode::ServFail);
    stage.dns.set("acme.com", failing.clone());
    stage.dns.set("acme.io", failing);
    let document = stage.json("acme", 2);
    assert_eq!(
        told(&document),
        [
            "acme.com unknown asked verified",
            "acme.io unknown asked pending"
        ]
    );
    let message = document["domains"][1]["dns"]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "acme.io: its DNS servers fail to answer (SERVFAIL)"
    );
}

#[test]
fn a_failed_domain_begins_again_when_its_record_is_there() {
    let stage = Stage::set();
    let failed = json!({ "state": "failed", "reason": "domain_verification_period_expired" });
    stage.control("acme.com", &failed);
    let document = stage.json("acme acme.com", 2);
    assert_eq!(told(&document), ["acme.com no - failed"]);
    let item = &document["domains"][0];
    assert_eq!(item["reason"], "domain_verification_period_expired");
    assert_eq!(item["code"], "domain/period-expired");
    snapshot!(stage.run("acme acme.com").exits(2).stdout);
    let document = stage.json("acme acme.com --ask-anyway", 2);
    assert_eq!(told(&document), ["acme.com no asked pending"]);
    assert_eq!(document["domains"][0]["days_left"], 30);
    stage.control("acme.com", &failed);
    stage.publish("acme.com");
    let document = stage.json("acme acme.com", 0);
    assert_eq!(told(&document), ["acme.com yes asked verified"]);
}

#[test]
fn a_domain_that_another_organization_proved_first_is_for_a_person() {
    let stage = Stage::set();
    let reason = "domain_verified_by_other_organization";
    stage.control("acme.com", &json!({ "state": "failed", "reason": reason }));
    let document = stage.json("acme", 7);
    let item = &document["domains"][0];
    assert_eq!(item["reason"], reason);
    assert_eq!(item["code"], "domain/verified-elsewhere");
    assert!(
        stage
            .env
            .run("explain domain/verified-elsewhere")
            .exits(0)
            .stdout
            .contains(reason)
    );
}

#[test]
fn status_says_which_command_shows_the_record() {
    let stage = Stage::set();
    let status = stage.env.run("status").at(&stage.server).exits(0);
    assert!(
        status.stdout.contains("portalctl verify-domain acme"),
        "{status}"
    );
    stage.tells_no_token(&status);
}

#[test]
fn what_is_not_declared_is_refused_before_any_request() {
    let env = TestEnv::with_manifest(MANIFEST);
    let nobody = Canned::serve(|_, _, _| panic!("a request was made"));
    for (line, code, hint) in [
        (
            "acme acme.co",
            "domain/not-declared",
            "did you mean `acme.com`?",
        ),
        ("acme example.org", "domain/not-declared", "declare it"),
        (
            "bare",
            "domain/none-declared",
            "Declare the customer's domains",
        ),
        ("acm", "cli/nothing-selected", "did you mean `acme`?"),
        ("acme --resolver dns.example", "cli/usage", ""),
    ] {
        let line = format!("verify-domain {line}");
        let output = env.run(&line).at_url(&nobody.url()).exits(3);
        assert!(output.stderr.contains(hint), "{output}");
        let output = env.run(&format!("{line} -o json")).at_url(&nobody.url());
        let document = output.exits(3).json_of("verify-domain");
        assert_eq!(document["errors"][0]["code"], code);
        assert_eq!(document["key"], Value::Null);
    }
}

#[test]
fn an_organization_or_a_domain_that_is_not_there_takes_apply() {
    let env = TestEnv::with_manifest(MANIFEST);
    let output = env.run("verify-domain acme --sandbox").exits(7);
    assert!(
        output.stderr.contains("error[domain/no-organization]"),
        "{output}"
    );
    assert!(output.stderr.contains("portalctl apply"), "{output}");
    let stage = Stage::set();
    stage
        .env
        .edit("portal.yaml", "acme.io]", "acme.io, acme.dev]");
    let document = stage.json("acme acme.dev", 2);
    assert_eq!(told(&document), ["acme.dev null - null"]);
    let item = &document["domains"][0];
    assert_eq!(item["code"], "domain/not-added");
    assert_eq!(item["next_step"], "run portalctl apply: it adds the domain");
}

#[test]
fn a_contested_domain_is_told_beside_the_others() {
    let stage = Stage::set();
    let other = json!({
        "name": "Other",
        "domain_data": [{ "domain": "acme.dev", "state": "verified" }],
    });
    let _ = stage.server.send("POST", "/organizations", &other);
    stage
        .env
        .edit("portal.yaml", "acme.io]", "acme.io, acme.dev]");
    let document = stage.json("acme acme.com", 2);
    assert_eq!(told(&document), ["acme.com no - pending"]);
    let document = stage.json("acme", 7);
    assert_eq!(document["errors"], json!([]));
    let domains = document["domains"].as_array().unwrap();
    assert_eq!(domains.len(), 3);
    let contested = domains
        .iter()
        .find(|one| one["domain"] == "acme.dev")
        .unwrap();
    assert_eq!(contested["code"], "domain/verified-elsewhere");
    assert_eq!(contested["rivals"][0]["name"], "Other");
    assert_eq!(contested["rivals"][0]["state"], "verified");
}

#[test]
fn the_sandbox_in_this_process_has_no_dns() {
    let env = TestEnv::with_manifest(MANIFEST);
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    let output = env.run("verify-domain acme --sandbox=s.json -o json");
    let document = output.exits(2).json_of("verify-domain");
    assert_eq!(
        told(&document),
        [
            "acme.com unknown asked pending",
            "acme.io unknown asked pending"
        ]
    );
    let dns = DnsServer::start();
    let line = format!(
        "verify-domain acme --sandbox=s.json --resolver {}",
        dns.address()
    );
    let output = env.run(&format!("{line} -o json"));
    let document = output.exits(2).json_of("verify-domain");
    assert_eq!(
        told(&document),
        ["acme.com no - pending", "acme.io no - pending"]
    );
}

#[test]
fn workos_failing_in_the_middle_is_told_with_what_is_known() {
    let stage = Stage::set();
    stage.publish("acme.com");
    stage.publish("acme.io");
    let fault = json!({
        "method": "POST",
        "path": "/organization_domains/*/verify",
        "nth": 1,
        "fault": "status",
        "status": 500,
        "effect": "before",
    });
    let _ = stage.server.send("POST", "/_sandbox/faults", &fault);
    let output = stage.run("acme -o json").exits(5);
    assert!(
        output.stderr.contains("error[api/server-error]"),
        "{output}"
    );
    let document = output.json_of("verify-domain");
    assert_eq!(
        told(&document),
        ["acme.com yes - pending", "acme.io yes asked verified"]
    );
    assert_eq!(document["errors"][0]["code"], "api/server-error");
    assert_eq!(
        document["domains"][0]["next_step"],
        "run portalctl verify-domain acme again"
    );
}

#[test]
fn an_interruption_ends_the_look_at_once() {
    let stage = Stage::set();
    stage.dns.set("acme.com", Zone::Silent);
    let running = stage.run("acme acme.com -o json").spawn();
    wait::until("the look", || stage.dns.asked().pop());
    running.wait_until_it_handles_signals();
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    let document = output.json_of("verify-domain");
    assert_eq!(document["errors"][0]["code"], "cli/interrupted");
    assert_eq!(stage.domain("acme.com")["state"], "pending");
}
