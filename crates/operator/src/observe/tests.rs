//! Tests of `observe`.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use serde_json::json;

use super::*;
use portalctl_model::observed::Organization;

fn entry(more: &serde_json::Value) -> Entry {
    let mut object = json!({
        "metadata": { "name": "acme", "namespace": "portal" },
        "spec": { "environmentRef": { "name": "production" }, "name": "Acme" },
    });
    let spec = object["spec"].as_object_mut().unwrap();
    spec.extend(more.as_object().unwrap().clone());
    Entry::of(Arc::new(serde_json::from_value(object).unwrap()), "here")
}

/// Counts an environment with so many organizations that are live, and so many that are not.
fn check(
    live: usize,
    gone: usize,
    spec: &serde_json::Value,
    status: &serde_json::Value,
) -> AccountCheck {
    let organization = |id: &OrganizationId| Organization {
        id: id.clone(),
        name: "One".to_owned(),
        external_id: None,
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: Vec::new(),
        metadata: BTreeMap::new(),
        created_at: None,
        updated_at: None,
    };
    let ids = |kind: &str, count: usize| -> Vec<OrganizationId> {
        let id = |number| OrganizationId::from_api(format!("org_{kind}{number}"));
        (0..count).map(id).collect()
    };
    let (live, gone) = (ids("live", live), ids("gone", gone));
    let observed = Observed {
        organizations: live
            .iter()
            .map(|id| (id.clone(), organization(id)))
            .collect(),
        ..Observed::default()
    };
    let entry = entry(spec);
    let statuses = live.iter().chain(&gone).map(|id| {
        let mut status = status.clone();
        status["organizationId"] = json!(id.as_str());
        (&entry, serde_json::from_value(status).unwrap())
    });
    AccountCheck::of(statuses, &observed)
}

#[test]
fn more_than_half_and_at_least_three_missing_are_another_account() {
    let is_another = |live, gone| check(live, gone, &json!({}), &json!({})).is_other_account();
    for (live, gone, wanted) in [
        (0, 0, false),
        (0, 2, false),
        (0, 3, true),
        (2, 3, true),
        (3, 3, false),
        (4, 3, false),
        (100, 99, false),
        (99, 100, true),
    ] {
        assert_eq!(is_another(live, gone), wanted, "{live} live, {gone} gone");
    }
}

#[test]
fn what_is_known_to_be_gone_or_asked_for_anew_says_nothing_of_the_account() {
    let nothing = AccountCheck::default();
    assert_eq!(
        check(0, 5, &json!({}), &json!({ "deletedOutside": true })),
        nothing
    );
    assert_eq!(
        check(0, 5, &json!({ "recreate": "once" }), &json!({})),
        nothing
    );
}

#[test]
fn a_failure_that_goes_on_is_told_in_the_same_words_after_each_attempt() {
    let failure = |path: &str, request: &str, attempts| ApiError {
        method: Method::GET,
        path: path.to_owned(),
        kind: ApiErrorKind::Unauthorized,
        status: Some(401),
        upstream_code: None,
        message: "Unauthorized".to_owned(),
        request_id: Some(request.to_owned()),
        attempts,
        retry_after: None,
    };
    let first = blocked_by(&failure("/organizations", "req_1", 1));
    assert_eq!(first.reason, Reason::Unauthorized);
    assert!(
        first
            .message
            .starts_with("WorkOS answered 401: Unauthorized ("),
        "{}",
        first.message
    );
    let later = blocked_by(&failure("/connections", "req_2", 3));
    assert_eq!(first.message, later.message);
}
