//! Errors: their status, code, request id, and the limits.

use std::time::Duration;

use serde_json::{Value, json};
use workos::organizations::ListOrganizationsParams;
use workos_sandbox::{RateLimit, Sandbox};

use super::organizations::{create, input};
use super::{client, options, send, start};

#[track_caller]
fn check(error: &workos::Error, status: u16, code: &str) {
    assert_eq!(
        (error.status(), error.code()),
        (Some(status), Some(code)),
        "{error}"
    );
    assert!(
        error.request_id().is_some_and(|id| id.starts_with("req_")),
        "{error}"
    );
}

#[tokio::test]
async fn the_sdk_reads_every_kind_of_error() {
    let (_, client) = start("empty");
    let api = client.organizations();
    let absent = api.get_organization("org_nobody").await.unwrap_err();
    check(&absent, 404, "entity_not_found");
    assert!(
        absent
            .to_string()
            .contains("Organization not found: 'org_nobody'.")
    );

    let acme = json!({ "name": "Acme", "external_id": "acme" });
    api.create_organization(input(acme.clone())).await.unwrap();
    let taken = api.create_organization(input(acme)).await.unwrap_err();
    check(&taken, 400, "external_id_already_used");
    let long = json!({ "name": "A", "metadata": { "k": "v".repeat(601) } });
    let long = api.create_organization(input(long)).await.unwrap_err();
    check(&long, 400, "invalid_metadata");
    let blank = api
        .create_organization(input(json!({ "name": " " })))
        .await
        .unwrap_err();
    check(&blank, 422, "unprocessable_entity");
    let body: Value = serde_json::from_slice(&blank.api().unwrap().raw_body).unwrap();
    assert_eq!(
        body["errors"],
        json!([{ "field": "name", "code": "required" }])
    );

    for (limit, after) in [
        (Some(101), None),
        (Some(0), None),
        (None, Some("org_nobody")),
    ] {
        let params = ListOrganizationsParams {
            limit,
            after: after.map(str::to_owned),
            ..ListOrganizationsParams::default()
        };
        let refused = api.list_organizations(params).await.unwrap_err();
        check(&refused, 422, "unprocessable_entity");
    }
}

#[tokio::test]
async fn keys_are_checked() {
    let any = Sandbox::new(options("empty"));
    for key in [
        "sk_live_abcdefgh",
        "sk_test_",
        "sk_test_a b",
        "nonsense",
        "",
    ] {
        let refused = client(&any, key)
            .organizations()
            .get_organization("org_1")
            .await;
        check(&refused.unwrap_err(), 401, "unauthorized");
    }
    let mut named = options("empty");
    named.key = Some("sk_test_only".to_owned().into());
    let named = Sandbox::new(named);
    let refused = client(&named, "sk_test_other")
        .organizations()
        .get_organization("x")
        .await;
    assert!(refused.unwrap_err().is_unauthorized());
    create(&client(&named, "sk_test_only"), "Acme").await;
}

#[tokio::test]
async fn the_rate_limit_says_when_to_come_back() {
    let mut options = options("empty");
    options.rate_limit = RateLimit::Requests {
        requests: 2,
        per: Duration::from_mins(1),
    };
    let sandbox = Sandbox::new(options);
    let api = client(&sandbox, "sk_test_a");
    create(&api, "One").await;
    create(&api, "Two").await;
    let limited = api
        .organizations()
        .get_organization("org_1")
        .await
        .unwrap_err();
    check(&limited, 429, "rate_limit_exceeded");
    assert!(limited.is_rate_limited());
    assert_eq!(limited.retry_after(), Some(Duration::from_mins(1)));
    let headers = &limited.api().unwrap().headers;
    assert_eq!(headers["x-ratelimit-limit"], "2");
    assert_eq!(headers["x-ratelimit-remaining"], "0");
    assert_eq!(headers["x-ratelimit-reset"], "1768478460");
    create(
        &client(&sandbox, "sk_test_b"),
        "Another key, another budget",
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_answers_in_json() {
    let (sandbox, _) = start("empty");
    let key = |request: http::request::Builder| request.header("authorization", "Bearer sk_test_x");
    let cases = [
        (
            key(http::Request::get("/user_management/users")),
            "",
            404,
            "not_found",
        ),
        (
            key(http::Request::patch("/organizations")),
            "",
            405,
            "method_not_allowed",
        ),
        (
            key(http::Request::post("/organizations")),
            "{",
            400,
            "invalid_request_body",
        ),
        (
            key(http::Request::post("/organizations")),
            "[]",
            400,
            "invalid_request_body",
        ),
        (
            key(http::Request::get("/organizations/%ff")),
            "",
            404,
            "entity_not_found",
        ),
        (
            http::Request::get("/organizations"),
            "",
            401,
            "unauthorized",
        ),
    ];
    for (request, body, status, code) in cases {
        let shown = format!("{request:?}");
        let (got, body) = send(&sandbox, request, body).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (got, body["code"].as_str()),
            (status, Some(code)),
            "{shown}"
        );
    }
    let (status, body) = send(&sandbox, http::Request::get("/sso/jwks/client_1"), "").await;
    assert_eq!((status, body.as_str()), (200, r#"{"keys":[]}"#));
}
