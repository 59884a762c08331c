//! Tests of `write`.

use serde_json::{Value, json};

use super::*;
use portalctl_core::plan::{Action, FieldChange, Reason as Why};
use portalctl_model::desired::Source;
use portalctl_model::mark;
use portalctl_workos::FailedRequest;

fn said(kind: ActionKind, environment: Value, organization: Value) -> Option<String> {
    let object = |name: &str, spec: Value, more: Value| {
        let mut object = json!({
            "metadata": { "name": name, "namespace": "portal" }, "spec": spec,
        });
        for (part, fields) in more.as_object().unwrap() {
            let part = object[part].as_object_mut().unwrap();
            part.extend(fields.as_object().unwrap().clone());
        }
        object
    };
    let environment = object(
        "production",
        json!({ "secretRef": { "name": "workos", "key": "api-key" }, "allowDeletion": true }),
        environment,
    );
    let organization = object(
        "acme",
        json!({ "environmentRef": { "name": "production" }, "deletionPolicy": "Delete" }),
        organization,
    );
    refusal(
        kind,
        &serde_json::from_value(environment).unwrap(),
        &serde_json::from_value(organization).unwrap(),
    )
}

#[test]
fn only_a_mark_of_this_cluster_that_is_replaced_names_a_former_holder() {
    let former = |before: Option<&str>, after: Option<&str>| {
        let change = Change {
            key: OrgKey::parse("acme").unwrap(),
            action: Action::Create,
            fields: vec![FieldChange::metadata(
                mark::HOLDER,
                before.map(str::to_owned),
                after.map(str::to_owned),
            )],
            reason: Why::Missing,
            source: Source::nowhere(),
        };
        former_holder(&change, "here").map(|former| former.to_string())
    };
    let (twin, acme) = ("here/portal/twin", "here/portal/acme");
    assert_eq!(former(Some(twin), Some(acme)).as_deref(), Some(twin));
    assert_eq!(former(Some("there/portal/twin"), Some(acme)), None);
    assert_eq!(former(Some(acme), Some(acme)), None);
    assert_eq!(former(None, Some(acme)), None);
    assert_eq!(former(Some(acme), None), None);
}

#[test]
fn a_write_is_refused_once_something_is_paused_observed_or_being_deleted() {
    let paused = json!({ "metadata": { "annotations": { "portalctl.dev/paused": "yes" } } });
    let suspended = json!({ "spec": { "suspend": true } });
    let leaving = json!({ "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z" } });
    let observed = json!({ "spec": { "managementPolicy": "Observe" } });
    for kind in [ActionKind::Create, ActionKind::Update, ActionKind::Invite] {
        assert_eq!(said(kind, json!({}), json!({})), None);
        for (environment, organization, wanted) in [
            (
                &paused,
                json!({}),
                "PortalEnvironment portal/production is paused",
            ),
            (
                &suspended,
                json!({}),
                "PortalEnvironment portal/production is paused",
            ),
            (
                &leaving,
                json!({}),
                "PortalEnvironment portal/production is being deleted",
            ),
            (
                &json!({}),
                paused.clone(),
                "PortalOrganization portal/acme is paused",
            ),
            (
                &json!({}),
                suspended.clone(),
                "PortalOrganization portal/acme is paused",
            ),
            (
                &json!({}),
                leaving.clone(),
                "PortalOrganization portal/acme is being deleted",
            ),
            (
                &json!({}),
                observed.clone(),
                "PortalOrganization portal/acme is only observed",
            ),
        ] {
            let said = said(kind, environment.clone(), organization);
            assert_eq!(said.as_deref(), Some(wanted));
        }
    }
}

#[test]
fn a_deletion_is_refused_once_a_pause_a_policy_or_the_environment_says_so() {
    let leaving = json!({ "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z" } });
    let said = |environment: Value, spec: Value| {
        let mut organization = leaving.clone();
        organization["spec"] = spec;
        said(ActionKind::Delete, environment, organization)
    };
    assert_eq!(said(json!({}), json!({})), None);
    assert_eq!(said(leaving.clone(), json!({})), None);
    let refused = [
        said(json!({ "spec": { "suspend": true } }), json!({})),
        said(json!({ "spec": { "allowDeletion": false } }), json!({})),
        said(json!({}), json!({ "suspend": true })),
        said(json!({}), json!({ "deletionPolicy": "Retain" })),
        said(json!({}), json!({ "managementPolicy": "Observe" })),
    ];
    assert!(refused.iter().all(Option::is_some), "{refused:?}");
}

#[test]
fn a_write_that_fails_again_is_reported_in_the_same_words() {
    let problem = |request: &str, attempts| Problem {
        code: codes::REJECTED,
        message: "PUT /organizations/org_1 answered 422".to_owned(),
        requests: vec![FailedRequest {
            request_id: Some(request.to_owned()),
            status: Some(422),
            upstream_code: None,
            attempts,
        }],
        left: None,
        can_repeat: false,
        fields: Vec::new(),
    };
    let (first, later) = (problem("req_1", 1), problem("req_2", 3));
    assert_ne!(first.to_string(), later.to_string());
    assert_eq!(in_words(&first), in_words(&later));
    assert!(!in_words(&first).contains("req_"));
}
