//! JSON for machines: the agreed shapes, and the published schemas that describe them.

use std::collections::{BTreeMap, BTreeSet};

use portalctl_core::plan::digest::Digest;
use portalctl_core::readiness::{Readiness, State};
use portalctl_model::codes::{cli, plan as codes};
use portalctl_report::json_v1::{
    self, ApplyDocument, ErrorItem, IdsDocument, PlanDocument, StatusDocument, ValidateDocument,
};
use portalctl_report::{ApplyReportView, PlanReport, StatusReport};
use portalctl_workos::apply::ApplyReport;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::samples::{
    applied, create, headline, january, organization, problem, some_plan, some_readiness,
    some_report,
};

/// The document as scripts get it; it is what its schema says.
#[track_caller]
fn checked<T: Serialize + JsonSchema>(document: &T) -> Value {
    let value = serde_json::to_value(document).unwrap();
    let schema = json_v1::schema::<T>();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
    value
}

fn plan_document(readiness: &Readiness) -> Value {
    let plan = some_plan();
    checked(&json_v1::plan(&PlanReport {
        headline: &headline(&plan),
        plan: &plan,
        readiness,
    }))
}

fn status_document() -> Value {
    checked(&json_v1::status(&StatusReport {
        headline: &headline(&some_plan()),
        readiness: &some_readiness(),
        now: january(15),
    }))
}

fn apply_document(report: &ApplyReport) -> Value {
    let plan = some_plan();
    checked(&json_v1::apply(&ApplyReportView {
        headline: &headline(&plan),
        plan: &plan,
        report,
        readiness: &some_readiness(),
    }))
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// Scripts may rely on these; more may be added, none renamed or removed.
#[track_caller]
fn assert_has(value: &Value, agreed: &[&str]) {
    let agreed: BTreeSet<&str> = agreed.iter().copied().collect();
    assert!(fields(value).is_superset(&agreed), "{value:#}");
}

#[test]
fn a_plan_has_the_agreed_shape() {
    let plan = plan_document(&some_readiness());
    assert_has(
        &plan,
        &[
            "format_version",
            "environment",
            "digest",
            "requests_used",
            "summary",
            "changes",
            "held",
            "conflicts",
            "warnings",
            "errors",
            "readiness",
        ],
    );
    assert_eq!(plan["format_version"], "1");
    assert_eq!(plan["environment"], "production");
    assert_eq!(plan["requests_used"], 13);
    assert_eq!(plan["digest"], Digest::of(&some_plan()).to_string());
    assert_eq!(
        plan["summary"],
        json!({
            "create": 1, "adopt": 0, "update": 1, "bookkeeping": 0, "invite": 0, "delete": 0,
            "held": 2, "conflict": 1, "contested_domain": 0, "warning": 1, "unchanged": 7,
            "not_read": 0
        })
    );
    assert_eq!(
        plan["changes"][1],
        json!({
            "key": "globex",
            "name": "Globex",
            "action": "update",
            "organization_id": "org_globex",
            "fields": [
                {"path": "name", "before": "Globex", "after": "Globex Corporation"},
                {"path": "metadata.legacy_flag", "before": "yes", "after": null},
                {"path": "metadata.tier", "before": "trial", "after": "enterprise"}
            ],
            "reason": "the organization with this external id differs",
            "source": {"file": "portal.yaml", "line": 12}
        })
    );
    assert_eq!(plan["changes"][0]["organization_id"], Value::Null);
    assert_eq!(plan["changes"][0]["fields"][2]["path"], "domains.acme.com");
    assert_has(
        &plan["held"][0],
        &[
            "key",
            "action",
            "reason",
            "allow",
            "organization_id",
            "fields",
        ],
    );
    assert_eq!(plan["held"][0]["allow"], "--adopt");
    assert_has(
        &plan["conflicts"][0],
        &["key", "code", "message", "help", "scope"],
    );
    assert_eq!(plan["conflicts"][0]["code"], "plan/domain-held");
    assert_has(&plan["warnings"][0], &["key", "code", "message"]);
    assert_eq!(plan["errors"], json!([]));
    assert_eq!(plan["readiness"], status_document()["organizations"]);
}

#[test]
fn a_status_has_the_agreed_shape() {
    let status = status_document();
    assert_has(
        &status,
        &[
            "format_version",
            "environment",
            "requests_used",
            "summary",
            "organizations",
            "errors",
        ],
    );
    assert_eq!(
        status["summary"],
        json!({
            "configured": 3, "in_progress": 1, "unconfigured": 1,
            "attention": 1, "unknown": 1, "not_applicable": 1, "not_read": 0
        })
    );
    let acme = &status["organizations"][0];
    assert_has(acme, &["key", "organization_id", "intents"]);
    assert_eq!(
        acme["intents"][0],
        json!({
            "intent": "sso",
            "state": "configured",
            "since": "2026-01-03T00:00:00Z",
            "turn": "none",
            "reason": "the OktaSAML connection is active",
            "next_step": null,
            "evidence": [{
                "object": "connection", "id": "conn_1", "kind": "OktaSAML",
                "state": "active", "since": "2026-01-03T00:00:00Z"
            }]
        })
    );
    let unknown = &status["organizations"][3]["intents"][0];
    assert_eq!(unknown["since"], Value::Null);
    assert_eq!(unknown["turn"], "you");
}

#[test]
fn an_apply_has_the_agreed_shape() {
    let apply = apply_document(&some_report());
    assert_has(
        &apply,
        &[
            "format_version",
            "environment",
            "digest",
            "requests_used",
            "summary",
            "changes",
            "held",
            "conflicts",
            "warnings",
            "readiness",
            "errors",
        ],
    );
    assert_eq!(
        apply["summary"],
        json!({"done": 2, "refused": 1, "unknown": 1, "not_tried": 1, "not_read": 0})
    );
    let outcomes: Vec<&Value> = apply["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["outcome"])
        .collect();
    assert_eq!(
        outcomes,
        ["done", "refused", "unknown", "done", "not_tried"]
    );
    let done = &apply["changes"][0];
    assert_eq!(done["error"], Value::Null);
    assert_eq!(
        done["organization_id"], "org_acme",
        "what it was created as"
    );
    let planned = plan_document(&some_readiness());
    assert!(fields(done).is_superset(&fields(&planned["changes"][0])));
    let refused = &apply["changes"][1];
    assert_eq!(refused["organization_id"], Value::Null);
    assert_eq!(refused["error"]["code"], "api/rejected");
    assert_has(&refused["error"], &["code", "message"]);
    for same in ["digest", "held", "conflicts", "warnings"] {
        assert_eq!(apply[same], planned[same], "{same}");
    }
}

#[test]
fn a_change_done_in_part_names_its_organization() {
    let mut partly = problem(codes::GONE, "only half of it");
    partly.left = Some(Box::new(organization("acme")));
    let outcome = portalctl_workos::apply::Outcome::Refused(partly);
    let apply = apply_document(&applied(vec![(create("acme", &[]), outcome)]));
    assert_eq!(apply["changes"][0]["organization_id"], "org_acme");
}

#[test]
fn a_failed_run_is_a_document_of_its_command() {
    let error = || {
        let mut error = ErrorItem::new(
            cli::NO_MANIFEST,
            "there is none",
            Some("write one".to_owned()),
        );
        error.file = Some("portal.yaml".to_owned());
        error.line = Some(1);
        error.column = Some(2);
        vec![error]
    };
    let plan = checked(&json_v1::failed_plan(error()));
    let documents: [Value; 5] = [
        plan.clone(),
        checked(&json_v1::failed_status(error())),
        checked(&json_v1::failed_apply(error())),
        checked(&json_v1::failed_ids(error())),
        checked(&json_v1::failed_validate(error())),
    ];
    for document in documents {
        assert_eq!(document["format_version"], "1");
        assert_eq!(
            document["errors"],
            json!([{
                "code": cli::NO_MANIFEST.as_str(), "message": "there is none",
                "help": "write one", "file": "portal.yaml", "line": 1, "column": 2
            }])
        );
    }
    assert_eq!(plan["digest"], Value::Null);
    assert_eq!(
        fields(&plan),
        fields(&plan_document(&Readiness::default())),
        "scripts find every field"
    );
}

#[test]
fn ids_and_validate_are_what_their_schemas_say() {
    let ids = BTreeMap::from([
        ("acme".to_owned(), Some("org_acme".to_owned())),
        ("globex".to_owned(), None),
    ]);
    let document = checked(&json_v1::ids(&headline(&some_plan()), ids));
    assert_eq!(document["ids"], json!({"acme": "org_acme", "globex": null}));
    let document = checked(&ValidateDocument::valid(2, 1, Vec::new()));
    assert_eq!(document["valid"], true);
}

#[test]
fn a_schema_refuses_what_scripts_would_trip_over() {
    let schema = json_v1::schema::<StatusDocument>();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let good = status_document();
    assert!(validator.is_valid(&good));
    let spoil: [fn(&mut Value); 6] = [
        |v| v["format_version"] = json!("2"),
        |v| v["format_version"] = json!(1),
        |v| v["organizations"][0]["intents"][0]["state"] = json!("done"),
        |v| v["organizations"][0]["intents"][0]["turn"] = json!("mine"),
        |v| v["organizations"][0]["intents"][0]["since"] = json!("yesterday"),
        |v| {
            v.as_object_mut().unwrap().remove("errors");
        },
    ];
    for (n, spoil) in spoil.into_iter().enumerate() {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(!validator.is_valid(&bad), "{n}");
    }
}

#[test]
fn every_field_that_is_always_written_is_required() {
    fn required(schema: &Value) -> BTreeSet<&str> {
        let required = schema["required"].as_array().unwrap();
        required.iter().filter_map(Value::as_str).collect()
    }
    let of_plan = json_v1::schema::<PlanDocument>();
    let of_apply = json_v1::schema::<ApplyDocument>();
    let of_status = json_v1::schema::<StatusDocument>();
    let of_ids = json_v1::schema::<IdsDocument>();
    assert_eq!(
        required(&of_plan),
        fields(&plan_document(&some_readiness()))
    );
    assert_eq!(required(&of_apply), fields(&apply_document(&some_report())));
    assert_eq!(required(&of_status), fields(&status_document()));
    let ids = checked(&json_v1::ids(&headline(&some_plan()), BTreeMap::new()));
    assert_eq!(required(&of_ids), fields(&ids));
}

#[test]
fn states_are_named_alike_everywhere() {
    for state in State::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
}
