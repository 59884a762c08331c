//! Conformance cases: each sends requests over HTTP and summarizes the answers in a few words.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::api_client::{ApiClient, pause};

/// Looks for an event that was just caused, a second apart.
const LOOKS_FOR_EVENTS: usize = 6;

type Case = fn(ApiClient) -> BoxFuture<'static, String>;

macro_rules! cases {
    ($($name:literal => $case:ident),+ $(,)?) => {
        pub(super) const CASES: &[(&str, Case)] = &[$(($name, |api_client| $case(api_client).boxed())),+];
    };
}

cases! {
    "create an organization" => create,
    "create without a name" => create_without_name,
    "create with a body that is no JSON object" => create_without_json,
    "create with a used external id" => create_twice,
    "create with metadata over its limits" => create_with_long_metadata,
    "create with a domain verified elsewhere" => create_with_domain_verified_elsewhere,
    "read an organization by external id" => read_by_external_id,
    "read an organization that does not exist" => read_nothing,
    "update a name" => update_name,
    "what an update does to unnamed metadata" => update_metadata,
    "what null does to a metadata key" => null_metadata,
    "assert an existing domain by update" => assert_domain,
    "delete an organization" => delete_organization,
    "without a key" => no_key,
    "with another key" => other_key,
    "a route that does not exist" => no_route,
    "page forward to the end" => page_forward,
    "before gives the nearest page" => page_before,
    "an unknown cursor" => unknown_cursor,
    "a limit over 100" => high_limit,
    "an unknown order" => unknown_order,
    "filter by domain" => filter_domain,
    "filter by two domains" => filter_domains,
    "search by name" => search,
    "add a domain" => add_domain,
    "add a domain twice" => add_domain_twice,
    "verify a domain without a record" => verify_without_record,
    "create a connection" => create_connection,
    "list connections of an organization" => list_connections,
    "delete a connection" => delete_connection,
    "list directories" => list_directories,
    "read a directory that does not exist" => no_directory,
    "audit-log configuration" => audit_logs,
    "generate a link" => link,
    "a link for an organization that does not exist" => link_for_nobody,
    "a link for an intent that does not exist" => link_for_no_intent,
    "revoke links" => revoke_links,
    "IT contacts" => contacts,
    "certificates of a connection" => certificates,
    "read the retention of audit logs" => retention,
    "events of a creation" => events,
}

/// A status, with the code of an error.
pub(super) fn said((status, body): &(u16, Value)) -> String {
    match body["code"].as_str() {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}

pub(super) async fn made(api_client: &ApiClient, body: Value) -> String {
    let answer = api_client.send("POST", "/organizations", body).await;
    let id = answer.1["id"].as_str();
    id.unwrap_or_else(|| panic!("POST /organizations answered {}", said(&answer)))
        .to_owned()
}

async fn organization(api_client: &ApiClient, name: &str) -> String {
    made(api_client, json!({ "name": api_client.own(name) })).await
}

async fn create(api_client: ApiClient) -> String {
    let body = json!({
        "name": api_client.own("Acme"), "external_id": api_client.own_id("acme"),
        "metadata": { "tier": "enterprise" },
        "domain_data": [{ "domain": api_client.own_domain("acme.example"), "state": "pending" }],
    });
    let (status, made) = api_client.send("POST", "/organizations", body).await;
    let domain = &made["domains"][0];
    format!(
        "{status} {} {} {} {} {}",
        made["object"], made["name"], made["external_id"], made["metadata"], domain["state"]
    )
}

async fn create_without_name(api_client: ApiClient) -> String {
    let answer = api_client.send("POST", "/organizations", json!({})).await;
    format!("{} {}", said(&answer), answer.1["errors"])
}

async fn create_without_json(api_client: ApiClient) -> String {
    // A JSON text, but no object.
    said(
        &api_client
            .send("POST", "/organizations", json!("text"))
            .await,
    )
}

async fn create_twice(api_client: ApiClient) -> String {
    let body =
        json!({ "name": api_client.own("Twice"), "external_id": api_client.own_id("twice") });
    made(&api_client, body.clone()).await;
    said(&api_client.send("POST", "/organizations", body).await)
}

async fn create_with_long_metadata(api_client: ApiClient) -> String {
    let body = json!({ "name": api_client.own("Long"), "metadata": { "k": "v".repeat(601) } });
    said(&api_client.send("POST", "/organizations", body).await)
}

async fn create_with_domain_verified_elsewhere(api_client: ApiClient) -> String {
    let domains =
        json!([{ "domain": api_client.own_domain("taken.example"), "state": "verified" }]);
    made(
        &api_client,
        json!({ "name": api_client.own("First"), "domain_data": domains }),
    )
    .await;
    let body = json!({ "name": api_client.own("Second"), "domain_data": domains });
    said(&api_client.send("POST", "/organizations", body).await)
}

async fn read_by_external_id(api_client: ApiClient) -> String {
    let known = api_client.own_id("known");
    let id = made(
        &api_client,
        json!({ "name": api_client.own("Known"), "external_id": known }),
    )
    .await;
    let (status, body) = api_client
        .get(&format!("/organizations/external_id/{known}"))
        .await;
    format!("{status} {}", body["id"] == id.as_str())
}

async fn read_nothing(api_client: ApiClient) -> String {
    said(&api_client.get("/organizations/org_nobody").await)
}

async fn update_name(api_client: ApiClient) -> String {
    let body = json!({ "name": api_client.own("Old"), "external_id": api_client.own_id("old") });
    let path = format!("/organizations/{}", made(&api_client, body).await);
    let body = json!({ "name": api_client.own("New") });
    let (status, body) = api_client.send("PUT", &path, body).await;
    format!("{status} {} {}", body["name"], body["external_id"])
}

async fn update_metadata(api_client: ApiClient) -> String {
    let id = made(
        &api_client,
        json!({ "name": api_client.own("M"), "metadata": { "a": "1", "b": "2" } }),
    )
    .await;
    let path = format!("/organizations/{id}");
    let body = json!({ "metadata": { "a": "3" } });
    api_client.send("PUT", &path, body).await.1["metadata"].to_string()
}

async fn null_metadata(api_client: ApiClient) -> String {
    let id = made(
        &api_client,
        json!({ "name": api_client.own("M"), "metadata": { "a": "1" } }),
    )
    .await;
    let path = format!("/organizations/{id}");
    let body = json!({ "metadata": { "a": null, "b": "2" } });
    api_client.send("PUT", &path, body).await.1["metadata"].to_string()
}

async fn assert_domain(api_client: ApiClient) -> String {
    let own = api_client.own_domain("asserted.example");
    let domain = |state: &str| json!([{ "domain": own, "state": state }]);
    let id = made(
        &api_client,
        json!({ "name": api_client.own("D"), "domain_data": domain("pending") }),
    )
    .await;
    let path = format!("/organizations/{id}");
    let body = json!({ "domain_data": domain("verified") });
    api_client.send("PUT", &path, body).await.1["domains"][0]["state"].to_string()
}

async fn delete_organization(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Gone").await;
    let path = format!("/organizations/{id}");
    let deleted = api_client.send("DELETE", &path, Value::Null).await;
    format!("{} then {}", said(&deleted), api_client.get(&path).await.0)
}

async fn no_key(api_client: ApiClient) -> String {
    said(&api_client.with_key("").get("/organizations").await)
}

async fn other_key(api_client: ApiClient) -> String {
    said(
        &api_client
            .with_key("sk_test_other")
            .get("/organizations")
            .await,
    )
}

async fn no_route(api_client: ApiClient) -> String {
    said(&api_client.get("/no/such/route").await)
}

/// Five customers that only this case has, newest first.
async fn customers(api_client: &ApiClient, prefix: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.insert(
            0,
            organization(api_client, &format!("{prefix} {number}")).await,
        );
    }
    ids
}

fn names(body: &Value) -> String {
    let rows = body["data"].as_array().unwrap().iter();
    let names: Vec<_> = rows
        .map(|row| row["name"].as_str().unwrap_or("?"))
        .collect();
    names.join(", ")
}

async fn page_forward(api_client: ApiClient) -> String {
    customers(&api_client, "Forward").await;
    let (mut pages, mut path) = (0, "/organizations?limit=3".to_owned());
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let (_, page) = api_client.get(&path).await;
        pages += 1;
        for row in page["data"].as_array().unwrap() {
            let id = row["id"].as_str().unwrap().to_owned();
            assert!(seen.insert(id), "one stands on two pages");
        }
        match page["list_metadata"]["after"].as_str() {
            Some(after) => path = format!("/organizations?limit=3&after={after}"),
            None => break,
        }
    }
    let (_, all) = api_client.get("/organizations?limit=100").await;
    let all = all["data"].as_array().unwrap().len();
    format!("{} {}", seen.len() == all, pages == all.div_ceil(3))
}

async fn page_before(api_client: ApiClient) -> String {
    let ids = customers(&api_client, "Before").await;
    let path = format!("/organizations?limit=2&before={}", ids[4]);
    names(&api_client.get(&path).await.1)
}

async fn unknown_cursor(api_client: ApiClient) -> String {
    let answer = api_client
        .get("/organizations?limit=1&after=org_nobody")
        .await;
    let rows = answer.1["data"].as_array().map_or(0, Vec::len);
    format!("{}, {rows} organizations", said(&answer))
}

async fn high_limit(api_client: ApiClient) -> String {
    said(&api_client.get("/organizations?limit=101").await)
}

async fn unknown_order(api_client: ApiClient) -> String {
    said(&api_client.get("/organizations?order=up").await)
}

/// Two organizations with a domain each.
async fn with_domains(api_client: &ApiClient, one: &str, other: &str) {
    for domain in [one, other] {
        let domains = json!([{ "domain": api_client.own_domain(domain), "state": "pending" }]);
        made(
            api_client,
            json!({ "name": api_client.own(domain), "domain_data": domains }),
        )
        .await;
    }
}

async fn filter_domain(api_client: ApiClient) -> String {
    with_domains(&api_client, "one.example", "other.example").await;
    let path = format!(
        "/organizations?domains={}",
        api_client.own_domain("one.example")
    );
    names(&api_client.get(&path).await.1)
}

async fn filter_domains(api_client: ApiClient) -> String {
    with_domains(&api_client, "left.example", "right.example").await;
    let own = |domain| api_client.own_domain(domain);
    let (left, right) = (own("left.example"), own("right.example"));
    let path = format!("/organizations?domains={left},{right}");
    let found = api_client.get(&path).await.1["data"]
        .as_array()
        .unwrap()
        .len();
    format!("{found} organizations")
}

async fn search(api_client: ApiClient) -> String {
    organization(&api_client, "Needle").await;
    let text: String = byte_serialize(api_client.own("needle").as_bytes()).collect();
    let path = format!("/organizations?search={text}&limit=100");
    let found = api_client.get(&path).await.1;
    let found = found["data"].as_array().unwrap().len();
    format!("only the one: {}", found == 1)
}

async fn domain_of(api_client: &ApiClient, domain: &str) -> (u16, Value) {
    let id = organization(api_client, domain).await;
    let body = json!({ "organization_id": id, "domain": api_client.own_domain(domain) });
    api_client.send("POST", "/organization_domains", body).await
}

async fn add_domain(api_client: ApiClient) -> String {
    let (status, domain) = domain_of(&api_client, "added.example").await;
    format!("{status} {} {}", domain["object"], domain["state"])
}

async fn add_domain_twice(api_client: ApiClient) -> String {
    let (_, domain) = domain_of(&api_client, "added-twice.example").await;
    let body = json!({
        "organization_id": domain["organization_id"],
        "domain": api_client.own_domain("added-twice.example"),
    });
    said(&api_client.send("POST", "/organization_domains", body).await)
}

async fn verify_without_record(api_client: ApiClient) -> String {
    let (_, domain) = domain_of(&api_client, "unproved.example").await;
    let id = domain["id"].as_str().unwrap();
    let path = format!("/organization_domains/{id}/verify");
    let answer = api_client.send("POST", &path, Value::Null).await;
    format!("{} {}", said(&answer), answer.1["state"])
}

/// A connection of an organization that may have one: its domain is verified.
async fn connected(api_client: &ApiClient, domain: &str) -> (u16, Value) {
    let domain = json!({ "domain": api_client.own_domain(domain), "state": "verified" });
    let body = json!({ "name": api_client.own("Connected"), "domain_data": [domain] });
    let id = made(api_client, body).await;
    let body = json!({
        "organization_id": id, "connection_type": "OktaSAML", "name": api_client.own("Okta"),
        "saml_options": { "idp_metadata_url": "https://idp.example.com/metadata" },
    });
    api_client.send("POST", "/connections", body).await
}

/// A connection that was made, which the case is not about.
async fn connection(api_client: &ApiClient, domain: &str) -> Value {
    let answer = connected(api_client, domain).await;
    let is_made = answer.1["id"].is_string();
    assert!(is_made, "POST /connections answered {}", said(&answer));
    answer.1
}

async fn create_connection(api_client: ApiClient) -> String {
    let answer = connected(&api_client, "connected.example").await;
    let connection = &answer.1;
    format!(
        "{} {} {}",
        said(&answer),
        connection["connection_type"],
        connection["state"]
    )
}

async fn list_connections(api_client: ApiClient) -> String {
    let connection = connection(&api_client, "connections-listed.example").await;
    let owner = connection["organization_id"].as_str().unwrap();
    let (status, list) = api_client
        .get(&format!("/connections?organization_id={owner}"))
        .await;
    format!("{status} {}", names(&list))
}

async fn delete_connection(api_client: ApiClient) -> String {
    let connection = connection(&api_client, "connection-deleted.example").await;
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    let deleted = api_client.send("DELETE", &path, Value::Null).await;
    format!("{} then {}", said(&deleted), api_client.get(&path).await.0)
}

async fn list_directories(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Without directories").await;
    let path = format!("/directories?organization_id={id}");
    let (status, list) = api_client.get(&path).await;
    format!("{status} {} {}", list["object"], list["data"])
}

async fn no_directory(api_client: ApiClient) -> String {
    said(&api_client.get("/directories/directory_nobody").await)
}

async fn audit_logs(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Logged").await;
    let path = format!("/organizations/{id}/audit_log_configuration");
    let (status, body) = api_client.get(&path).await;
    let keys: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    format!("{status} {}", keys.join(" "))
}

async fn link(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Linked").await;
    let body = json!({ "organization": id, "intent": "sso" });
    let (status, answer) = api_client.send("POST", "/portal/generate_link", body).await;
    format!(
        "{status} {}",
        answer["link"]
            .as_str()
            .is_some_and(|link| link.starts_with("http"))
    )
}

async fn link_for_nobody(api_client: ApiClient) -> String {
    let body = json!({ "organization": "org_nobody", "intent": "sso" });
    said(&api_client.send("POST", "/portal/generate_link", body).await)
}

async fn link_for_no_intent(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Linked").await;
    let body = json!({ "organization": id, "intent": "world_peace" });
    said(&api_client.send("POST", "/portal/generate_link", body).await)
}

async fn revoke_links(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Revoked").await;
    let body = json!({ "organization": id, "external_user_id": "user_1" });
    said(&api_client.send("POST", "/portal/revoke_link", body).await)
}

async fn contacts(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Contacted").await;
    said(
        &api_client
            .get(&format!("/organizations/{id}/it_contacts"))
            .await,
    )
}

async fn certificates(api_client: ApiClient) -> String {
    let connection = connection(&api_client, "certificates.example").await;
    let id = connection["id"].as_str().unwrap();
    said(
        &api_client
            .get(&format!("/connections/{id}/saml_idp_signing_certs"))
            .await,
    )
}

async fn retention(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Retained").await;
    let answer = api_client
        .get(&format!("/organizations/{id}/audit_logs_retention"))
        .await;
    format!("{} {}", said(&answer), answer.1["retention_period_in_days"])
}

async fn events(api_client: ApiClient) -> String {
    let id = organization(&api_client, "Told").await;
    // Of this organization: the oldest page of a whole account has other things to tell.
    let path = format!("/events?events=organization.created&organization_id={id}&limit=100");
    let mut told = (0, false);
    for look in 0..LOOKS_FOR_EVENTS {
        if look > 0 {
            pause(1).await;
        }
        let (status, list) = api_client.get(&path).await;
        let mut rows = list["data"].as_array().into_iter().flatten();
        told = (status, rows.any(|row| row["data"]["id"] == *id));
        if told.1 || status != 200 {
            break;
        }
    }
    format!("{} {}", told.0, told.1)
}
