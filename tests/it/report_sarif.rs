//! SARIF, read by somebody else's types, which are made from the standard's own schema.

use std::sync::Arc;

use portalctl_core::plan::Plan;
use portalctl_manifest::{Input, read};
use portalctl_model::desired::{Desired, Source};
use portalctl_report::json_v1::ErrorItem;
use portalctl_report::sarif;
use serde_json::{Value, json};
use serde_sarif::sarif::{Result as Finding, Sarif};

use crate::support::cli::TestEnv;
use crate::support::samples::{plan_of, some_plan};
use crate::support::sandbox_server::SandboxServer;

/// Returns the findings as another SARIF library reads them, and checks that it loses nothing.
#[track_caller]
fn findings(text: &str) -> Vec<Finding> {
    let sarif: Sarif = serde_json::from_str(text).unwrap();
    let ours: Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&sarif).unwrap(), ours);
    let run = &sarif.runs[0];
    let results = run.results.clone().unwrap_or_default();
    let rules = run.tool.driver.rules.as_deref().unwrap_or_default();
    for result in &results {
        let id = result.rule_id.as_deref().unwrap();
        assert!(rules.iter().any(|rule| rule.id == id), "{id}");
    }
    results
}

/// `file:line:column`, as far as there is one.
fn place(finding: &Finding) -> Option<String> {
    let location = finding.locations.as_ref()?.first()?;
    let location = location.physical_location.as_ref()?;
    let uri = location.artifact_location.as_ref()?.uri.as_deref()?;
    let region = location.region.as_ref()?;
    let numbers = [region.start_line, region.start_column];
    let numbers = numbers.iter().flatten().map(|n| format!(":{n}"));
    Some(uri.to_owned() + &numbers.collect::<String>())
}

fn message(finding: &Finding) -> &str {
    finding.message.text.as_deref().unwrap_or_default()
}

fn desired(text: &str) -> Desired {
    let checked = read(&[Input::Stdin(text.as_bytes().to_vec())]);
    checked.desired.unwrap()
}

fn of(plan: &Plan, desired: &Desired) -> Vec<Finding> {
    findings(&sarif::plan(plan, desired, &[]).unwrap())
}

#[test]
fn what_needs_somebody_stands_on_its_entry() {
    let mut plan = some_plan();
    for conflict in &mut plan.conflicts {
        conflict.key = crate::support::samples::key("initech");
    }
    let mut desired = desired(
        "version: 1\norganizations:\n  globex: { name: Globex }\n  initech: { name: Initech }\n",
    );
    for organization in desired.organizations.values_mut() {
        organization.source.file = Arc::from("./portal/eu #1.yaml");
    }
    let findings = of(&plan, &desired);
    let told: Vec<_> = findings
        .iter()
        .map(|finding| {
            let level = serde_json::to_value(finding.level).unwrap();
            let level = level.as_str().unwrap().to_owned();
            let rule = finding.rule_id.clone().unwrap();
            (level, rule, place(finding).unwrap_or_default())
        })
        .collect();
    let expected = [
        ("error", "plan/domain-held", "portal/eu%20%231.yaml:4"),
        (
            "warning",
            "plan/domain-pending-elsewhere",
            "portal/eu%20%231.yaml:3",
        ),
        ("note", "plan/needs-flag", "portal.yaml:12"),
        ("note", "plan/limit-exceeded", "portal.yaml:12"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(told, expected);
}

#[test]
fn nothing_to_say_is_an_empty_list() {
    assert_eq!(of(&plan_of(Vec::new()), &Desired::default()).len(), 0);
}

#[test]
fn hostile_text_is_text() {
    let mut plan = some_plan();
    plan.held[0].change.source = Source::nowhere();
    plan.conflicts[0].message =
        "\u{202e}[click](https://evil.example) \\ \"\n::error::ada@acme.com".to_owned();
    let findings = of(&plan, &Desired::default());
    let text = message(&findings[0]);
    assert!(text.contains(r"\\u{202e}\[click\](https"), "{text}");
    assert!(
        text.contains("a***@acme.com") && !text.contains('\n'),
        "{text}"
    );
    // Without an entry or a place there is no location.
    assert_eq!(place(&findings[0]), None);
    assert_eq!(place(&findings[2]), None);
}

#[test]
fn problems_are_told_where_they_stand() {
    let mut item = ErrorItem::new(
        portalctl_model::codes::manifest::UNKNOWN_FIELD,
        "no field `nmae`",
        Some("did you mean `name`?".to_owned()),
    );
    item.file = Some("portal.yaml".to_owned());
    let text = sarif::problems(std::slice::from_ref(&item), &[item.clone()]).unwrap();
    let findings = findings(&text);
    assert_eq!(
        message(&findings[0]),
        "no field `nmae` (did you mean `name`?)"
    );
    // A problem of the whole file is one of its first line.
    assert_eq!(place(&findings[1]).unwrap(), "portal.yaml:1");
}

#[test]
fn a_broken_manifest_is_told_by_plan_and_validate_alike() {
    let env = TestEnv::with_manifest(
        "version: 1\norganizations:\n  acme: { nmae: Acme }\n  globex: { name: G, intents: [sos] }\n",
    );
    let validated = env.run("validate -o sarif").exits(3);
    let planned = env.run("plan --sandbox -o sarif").exits(3);
    assert_eq!(validated.stdout, planned.stdout);
    let findings = findings(&validated.stdout);
    let places: Vec<_> = findings.iter().filter_map(place).collect();
    assert_eq!(places.len(), findings.len());
    assert!(
        places.contains(&"portal.yaml:3:11".to_owned()),
        "{places:?}"
    );
    assert!(
        places.contains(&"portal.yaml:4:32".to_owned()),
        "{places:?}"
    );
}

#[test]
fn a_valid_manifest_has_its_warnings_and_a_wrong_command_line_its_error() {
    let env = TestEnv::with_manifest("version: 1\norganizations:\n  acme: { name: Acme }\n");
    let valid = env.run("validate -o sarif").exits(0);
    assert_eq!(findings(&valid.stdout).len(), 0);
    let wrong = env.run("plan --nonsense -o sarif").exits(3);
    let findings = findings(&wrong.stdout);
    assert_eq!(findings[0].rule_id.as_deref(), Some("cli/usage"));
    assert_eq!(place(&findings[0]), None);
}

#[test]
fn a_conflict_stands_on_the_line_of_its_entry() {
    let env =
        TestEnv::with_manifest("version: 1\norganizations:\n  # by hand\n  acme: { name: Acme }\n");
    let sandbox = SandboxServer::start(&env);
    let made_by_hand = json!({ "name": "Acme" });
    let _ = sandbox.send("POST", "/organizations", &made_by_hand);
    let planned = env.run("plan -o sarif").at(&sandbox).exits(7);
    let findings = findings(&planned.stdout);
    assert_eq!(findings[0].rule_id.as_deref(), Some("plan/same-name"));
    assert_eq!(place(&findings[0]).unwrap(), "portal.yaml:4");
}
