//! Portal links, the page behind them, and the control API that plays the customer.

use serde_json::{Value, json};
use workos::admin_portal::{GenerateLinkParams, RevokeLinkParams};
use workos::{Client, GenerateLink, RevokeLink};
use workos_sandbox::Sandbox;

use super::organizations::create;
use super::{send, start};

async fn link(client: &Client, body: Value) -> Result<String, workos::Error> {
    let body: GenerateLink = serde_json::from_value(body).unwrap();
    let made = client
        .admin_portal()
        .generate_link(GenerateLinkParams::new(body))
        .await?;
    Ok(made.link.expose().to_owned())
}

async fn get(sandbox: &Sandbox, uri: &str) -> (u16, String) {
    send(sandbox, http::Request::get(uri), "").await
}

/// The address that the page's form is sent to.
fn form_action(page: &str) -> String {
    let (_, rest) = page.split_once("action=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_link_for_every_intent_opens_once_and_finishes() {
    let (sandbox, client) = start("empty");
    let organization = create(&client, "<b>Acme & \"Sons\"</b>").await;
    for intent in portalctl_model::intent::Intent::ALL {
        let body = json!({
            "organization": organization.id, "intent": intent,
            "success_url": "https://app.example.com/done",
        });
        let link = link(&client, body).await.unwrap();
        assert!(link.starts_with("http://127.0.0.1:4100/portal/"), "{link}");
        let (status, page) = get(&sandbox, &link).await;
        assert_eq!(status, 200);
        assert!(!page.contains("<b>") && page.contains("&lt;b&gt;Acme &amp; &quot;Sons"));
        assert_eq!(get(&sandbox, &link).await.0, 404);
        let action = form_action(&page);
        let request = http::Request::post(action.as_str());
        let (status, _) = send(&sandbox, request, "domain=acme.com").await;
        assert_eq!(status, 303, "{intent}");
        let request = http::Request::post(action.as_str());
        assert_eq!(send(&sandbox, request, "").await.0, 404);
    }
    let (_, state) = get(&sandbox, "/_sandbox/state").await;
    let state: Value = serde_json::from_str(&state).unwrap();
    let first = &state["organizations"][0];
    assert_eq!(first["connections"][0]["state"], "active");
    assert_eq!(first["directories"][0]["state"], "linked");
    assert_eq!(first["organization"]["domains"][0]["state"], "verified");
    assert_eq!(
        first["audit_log_configuration"]["log_stream"]["state"],
        "active"
    );
}

#[tokio::test]
async fn a_refused_domain_may_be_corrected() {
    let (sandbox, client) = start("empty");
    let organization = create(&client, "Acme").await;
    let body = json!({ "organization": organization.id, "intent": "domain_verification" });
    let link = link(&client, body).await.unwrap();
    let (_, page) = get(&sandbox, &link).await;
    let request = http::Request::post(form_action(&page));
    let (status, page) = send(&sandbox, request, "domain=gmail.com").await;
    assert_eq!(status, 422);
    assert!(page.contains("role=\"alert\""));
    let request = http::Request::post(form_action(&page));
    let (status, page) = send(&sandbox, request, "domain=acme.com").await;
    assert_eq!(status, 200);
    assert!(page.contains("Done"));
}

#[tokio::test]
async fn finishing_leads_to_the_success_url_and_the_logo_to_the_return_url() {
    let (sandbox, client) = start("empty");
    let organization = create(&client, "Acme").await;
    let body = json!({
        "organization": organization.id, "intent": "sso",
        "return_url": "https://app.example.com/back",
        "success_url": "https://app.example.com/done?x=1",
    });
    let link = link(&client, body).await.unwrap();
    let answer = sandbox
        .call(http::Request::get(link).body(bytes::Bytes::new()).unwrap())
        .await;
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    let page = String::from_utf8(answer.into_body().to_vec()).unwrap();
    assert!(
        page.contains("<a href=\"https://app.example.com/back\">"),
        "{page}"
    );
    let request = http::Request::post(form_action(&page));
    let answer = sandbox
        .call(request.body("domain=acme.com".into()).unwrap())
        .await;
    assert_eq!(
        answer.headers()["location"],
        "https://app.example.com/done?x=1"
    );
}

#[tokio::test]
async fn without_a_success_url_nobody_is_redirected() {
    let (sandbox, client) = start("empty");
    let organization = create(&client, "Acme").await;
    let body = json!({
        "organization": organization.id, "intent": "sso",
        "return_url": "https://app.example.com/back",
    });
    let link = link(&client, body).await.unwrap();
    let (_, page) = get(&sandbox, &link).await;
    let request = http::Request::post(form_action(&page));
    let (status, page) = send(&sandbox, request, "domain=acme.com").await;
    assert_eq!(status, 200);
    assert!(page.contains("<h1>Done"), "{page}");
    assert!(
        page.contains("<a href=\"https://app.example.com/back\">"),
        "{page}"
    );
}

#[tokio::test]
async fn links_are_revoked_by_the_user_they_were_made_for() {
    let (sandbox, client) = start("empty");
    let organization = create(&client, "Acme").await;
    let body = json!({ "organization": organization.id, "external_user_id": "user-1" });
    let link = link(&client, body).await.unwrap();
    let params = RevokeLinkParams::new(RevokeLink {
        organization: organization.id,
        external_user_id: "user-1".to_owned(),
    });
    client.admin_portal().revoke_link(params).await.unwrap();
    assert_eq!(get(&sandbox, &link).await.0, 404);
}

#[tokio::test]
async fn an_open_portal_ends_when_its_users_links_are_revoked() {
    let (sandbox, client) = start("empty");
    let organization = create(&client, "Acme").await;
    let mut finished = Vec::new();
    for user in ["user-1", "user-2"] {
        let body = json!({
            "organization": organization.id, "intent": "dsync", "external_user_id": user,
        });
        let link = link(&client, body).await.unwrap();
        let (_, page) = get(&sandbox, &link).await;
        finished.push(form_action(&page));
    }
    let params = RevokeLinkParams::new(RevokeLink {
        organization: organization.id,
        external_user_id: "user-1".to_owned(),
    });
    client.admin_portal().revoke_link(params).await.unwrap();
    for (action, status) in finished.iter().zip([404, 200]) {
        let request = http::Request::post(action.as_str());
        assert_eq!(send(&sandbox, request, "").await.0, status);
    }
}

#[tokio::test]
async fn a_link_may_make_its_readers_it_contacts() {
    let (_, client) = start("empty");
    let organization = create(&client, "Acme").await;
    for _ in 0..2 {
        let body = json!({
            "organization": organization.id, "it_contact_emails": ["ada@acme.com"],
        });
        let _ = link(&client, body).await.unwrap();
    }
    let api = client.organizations();
    let contacts = api.list_it_contacts(&organization.id).await;
    let contacts = contacts.unwrap().data;
    let emails: Vec<&str> = contacts.iter().map(|one| one.email.as_str()).collect();
    assert_eq!(emails, ["ada@acme.com"]);
}

#[tokio::test]
async fn links_are_refused_for_unknown_organizations_and_urls() {
    let (_, client) = start("empty");
    let refused = link(
        &client,
        json!({ "organization": "org_nobody", "intent": "sso" }),
    )
    .await;
    assert!(refused.unwrap_err().is_not_found());
    let organization = create(&client, "Acme").await;
    let body = json!({ "organization": organization.id, "return_url": "http://example.com" });
    assert_eq!(link(&client, body).await.unwrap_err().status(), Some(422));
}

#[tokio::test]
async fn the_control_api_plays_the_customer_from_this_machine_only() {
    let (sandbox, client) = start("busy");
    let json = |request: http::request::Builder| request.header("content-type", "application/json");
    let made = "/_sandbox/organizations/stark/connections";
    let request = json(http::Request::post(made));
    let (status, body) = send(&sandbox, request, r#"{"state":"draft"}"#).await;
    assert_eq!(status, 201);
    let made: Value = serde_json::from_str(&body).unwrap();
    let id = made["id"].as_str().unwrap();
    let request = json(http::Request::put(format!("/_sandbox/connections/{id}")));
    assert_eq!(
        send(&sandbox, request, r#"{"state":"quantum"}"#).await.0,
        200
    );
    let read = client.sso().get_connection(id).await.unwrap();
    assert_eq!(read.state.as_str(), "quantum");

    let finish = "/_sandbox/organizations/stark/finish";
    let bad = [
        (
            http::Request::post(finish).header("content-type", "text/plain"),
            415,
        ),
        (
            json(http::Request::post(finish).header("host", "evil.example")),
            403,
        ),
        (
            json(http::Request::post("/_sandbox/organizations/nobody/finish")),
            404,
        ),
    ];
    for (request, expected) in bad {
        let (status, _) = send(&sandbox, request, r#"{"intent":"sso"}"#).await;
        assert_eq!(status, expected);
    }
    let request = json(http::Request::post(finish));
    assert_eq!(
        send(&sandbox, request, r#"{"intent":"sso","x":1}"#).await.0,
        400
    );
    let request = json(http::Request::post(finish));
    assert_eq!(send(&sandbox, request, r#"{"intent":"sso"}"#).await.0, 200);
    let read = client.sso().get_connection(id).await.unwrap();
    assert_eq!(read.state.as_str(), "active");
}
