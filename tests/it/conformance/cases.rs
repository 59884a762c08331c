//! The cases: each does something over HTTP and says in a few words what came of it.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::face::{Face, pause};

/// Looks for an event that was just caused, a second apart.
const LOOKS_FOR_EVENTS: usize = 6;

type Case = fn(Face) -> BoxFuture<'static, String>;

macro_rules! cases {
    ($($name:literal => $case:ident),+ $(,)?) => {
        pub(super) const CASES: &[(&str, Case)] = &[$(($name, |face| $case(face).boxed())),+];
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

pub(super) async fn made(face: &Face, body: Value) -> String {
    let answer = face.send("POST", "/organizations", body).await;
    let id = answer.1["id"].as_str();
    id.unwrap_or_else(|| panic!("POST /organizations answered {}", said(&answer)))
        .to_owned()
}

async fn organization(face: &Face, name: &str) -> String {
    made(face, json!({ "name": face.own(name) })).await
}

async fn create(face: Face) -> String {
    let body = json!({
        "name": face.own("Acme"), "external_id": face.own_id("acme"),
        "metadata": { "tier": "enterprise" },
        "domain_data": [{ "domain": face.own_domain("acme.example"), "state": "pending" }],
    });
    let (status, made) = face.send("POST", "/organizations", body).await;
    let domain = &made["domains"][0];
    format!(
        "{status} {} {} {} {} {}",
        made["object"], made["name"], made["external_id"], made["metadata"], domain["state"]
    )
}

async fn create_without_name(face: Face) -> String {
    let answer = face.send("POST", "/organizations", json!({})).await;
    format!("{} {}", said(&answer), answer.1["errors"])
}

async fn create_without_json(face: Face) -> String {
    // A JSON text, but no object.
    said(&face.send("POST", "/organizations", json!("text")).await)
}

async fn create_twice(face: Face) -> String {
    let body = json!({ "name": face.own("Twice"), "external_id": face.own_id("twice") });
    made(&face, body.clone()).await;
    said(&face.send("POST", "/organizations", body).await)
}

async fn create_with_long_metadata(face: Face) -> String {
    let body = json!({ "name": face.own("Long"), "metadata": { "k": "v".repeat(601) } });
    said(&face.send("POST", "/organizations", body).await)
}

async fn create_with_domain_verified_elsewhere(face: Face) -> String {
    let domains = json!([{ "domain": face.own_domain("taken.example"), "state": "verified" }]);
    made(
        &face,
        json!({ "name": face.own("First"), "domain_data": domains }),
    )
    .await;
    let body = json!({ "name": face.own("Second"), "domain_data": domains });
    said(&face.send("POST", "/organizations", body).await)
}

async fn read_by_external_id(face: Face) -> String {
    let known = face.own_id("known");
    let id = made(
        &face,
        json!({ "name": face.own("Known"), "external_id": known }),
    )
    .await;
    let (status, body) = face
        .get(&format!("/organizations/external_id/{known}"))
        .await;
    format!("{status} {}", body["id"] == id.as_str())
}

async fn read_nothing(face: Face) -> String {
    said(&face.get("/organizations/org_nobody").await)
}

async fn update_name(face: Face) -> String {
    let body = json!({ "name": face.own("Old"), "external_id": face.own_id("old") });
    let path = format!("/organizations/{}", made(&face, body).await);
    let body = json!({ "name": face.own("New") });
    let (status, body) = face.send("PUT", &path, body).await;
    format!("{status} {} {}", body["name"], body["external_id"])
}

async fn update_metadata(face: Face) -> String {
    let id = made(
        &face,
        json!({ "name": face.own("M"), "metadata": { "a": "1", "b": "2" } }),
    )
    .await;
    let path = format!("/organizations/{id}");
    let body = json!({ "metadata": { "a": "3" } });
    face.send("PUT", &path, body).await.1["metadata"].to_string()
}

async fn null_metadata(face: Face) -> String {
    let id = made(
        &face,
        json!({ "name": face.own("M"), "metadata": { "a": "1" } }),
    )
    .await;
    let path = format!("/organizations/{id}");
    let body = json!({ "metadata": { "a": null, "b": "2" } });
    face.send("PUT", &path, body).await.1["metadata"].to_string()
}

async fn assert_domain(face: Face) -> String {
    let own = face.own_domain("asserted.example");
    let domain = |state: &str| json!([{ "domain": own, "state": state }]);
    let id = made(
        &face,
        json!({ "name": face.own("D"), "domain_data": domain("pending") }),
    )
    .await;
    let path = format!("/organizations/{id}");
    let body = json!({ "domain_data": domain("verified") });
    face.send("PUT", &path, body).await.1["domains"][0]["state"].to_string()
}

async fn delete_organization(face: Face) -> String {
    let id = organization(&face, "Gone").await;
    let path = format!("/organizations/{id}");
    let deleted = face.send("DELETE", &path, Value::Null).await;
    format!("{} then {}", said(&deleted), face.get(&path).await.0)
}

async fn no_key(face: Face) -> String {
    said(&face.with_key("").get("/organizations").await)
}

async fn other_key(face: Face) -> String {
    said(&face.with_key("sk_test_other").get("/organizations").await)
}

async fn no_route(face: Face) -> String {
    said(&face.get("/no/such/route").await)
}

/// Five customers that only this case has, newest first.
async fn customers(face: &Face, prefix: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.insert(0, organization(face, &format!("{prefix} {number}")).await);
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

async fn page_forward(face: Face) -> String {
    customers(&face, "Forward").await;
    let (mut pages, mut path) = (0, "/organizations?limit=3".to_owned());
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let (_, page) = face.get(&path).await;
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
    let (_, all) = face.get("/organizations?limit=100").await;
    let all = all["data"].as_array().unwrap().len();
    format!("{} {}", seen.len() == all, pages == all.div_ceil(3))
}

async fn page_before(face: Face) -> String {
    let ids = customers(&face, "Before").await;
    let path = format!("/organizations?limit=2&before={}", ids[4]);
    names(&face.get(&path).await.1)
}

async fn unknown_cursor(face: Face) -> String {
    let answer = face.get("/organizations?limit=1&after=org_nobody").await;
    let rows = answer.1["data"].as_array().map_or(0, Vec::len);
    format!("{}, {rows} organizations", said(&answer))
}

async fn high_limit(face: Face) -> String {
    said(&face.get("/organizations?limit=101").await)
}

async fn unknown_order(face: Face) -> String {
    said(&face.get("/organizations?order=up").await)
}

/// Two organizations with a domain each.
async fn with_domains(face: &Face, one: &str, other: &str) {
    for domain in [one, other] {
        let domains = json!([{ "domain": face.own_domain(domain), "state": "pending" }]);
        made(
            face,
            json!({ "name": face.own(domain), "domain_data": domains }),
        )
        .await;
    }
}

async fn filter_domain(face: Face) -> String {
    with_domains(&face, "one.example", "other.example").await;
    let path = format!("/organizations?domains={}", face.own_domain("one.example"));
    names(&face.get(&path).await.1)
}

async fn filter_domains(face: Face) -> String {
    with_domains(&face, "left.example", "right.example").await;
    let own = |domain| face.own_domain(domain);
    let (left, right) = (own("left.example"), own("right.example"));
    let path = format!("/organizations?domains={left},{right}");
    let found = face.get(&path).await.1["data"].as_array().unwrap().len();
    format!("{found} organizations")
}

async fn search(face: Face) -> String {
    organization(&face, "Needle").await;
    let text: String = byte_serialize(face.own("needle").as_bytes()).collect();
    let path = format!("/organizations?search={text}&limit=100");
    let found = face.get(&path).await.1;
    let found = found["data"].as_array().unwrap().len();
    format!("only the one: {}", found == 1)
}

async fn domain_of(face: &Face, domain: &str) -> (u16, Value) {
    let id = organization(face, domain).await;
    let body = json!({ "organization_id": id, "domain": face.own_domain(domain) });
    face.send("POST", "/organization_domains", body).await
}

async fn add_domain(face: Face) -> String {
    let (status, domain) = domain_of(&face, "added.example").await;
    format!("{status} {} {}", domain["object"], domain["state"])
}

async fn add_domain_twice(face: Face) -> String {
    let (_, domain) = domain_of(&face, "added-twice.example").await;
    let body = json!({
        "organization_id": domain["organization_id"],
        "domain": face.own_domain("added-twice.example"),
    });
    said(&face.send("POST", "/organization_domains", body).await)
}

async fn verify_without_record(face: Face) -> String {
    let (_, domain) = domain_of(&face, "unproved.example").await;
    let id = domain["id"].as_str().unwrap();
    let path = format!("/organization_domains/{id}/verify");
    let answer = face.send("POST", &path, Value::Null).await;
    format!("{} {}", said(&answer), answer.1["state"])
}

/// A connection of an organization that may have one: its domain is verified.
async fn connected(face: &Face, domain: &str) -> (u16, Value) {
    let domain = json!({ "domain": face.own_domain(domain), "state": "verified" });
    let body = json!({ "name": face.own("Connected"), "domain_data": [domain] });
    let id = made(face, body).await;
    let body = json!({
        "organization_id": id, "connection_type": "OktaSAML", "name": face.own("Okta"),
        "saml_options": { "idp_metadata_url": "https://idp.example.com/metadata" },
    });
    face.send("POST", "/connections", body).await
}

/// A connection that was made, which the case is not about.
async fn connection(face: &Face, domain: &str) -> Value {
    let answer = connected(face, domain).await;
    let is_made = answer.1["id"].is_string();
    assert!(is_made, "POST /connections answered {}", said(&answer));
    answer.1
}

async fn create_connection(face: Face) -> String {
    let answer = connected(&face, "connected.example").await;
    let connection = &answer.1;
    format!(
        "{} {} {}",
        said(&answer),
        connection["connection_type"],
        connection["state"]
    )
}

async fn list_connections(face: Face) -> String {
    let connection = connection(&face, "connections-listed.example").await;
    let owner = connection["organization_id"].as_str().unwrap();
    let (status, list) = face
        .get(&format!("/connections?organization_id={owner}"))
        .await;
    format!("{status} {}", names(&list))
}

async fn delete_connection(face: Face) -> String {
    let connection = connection(&face, "connection-deleted.example").await;
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    let deleted = face.send("DELETE", &path, Value::Null).await;
    format!("{} then {}", said(&deleted), face.get(&path).await.0)
}

async fn list_directories(face: Face) -> String {
    let id = organization(&face, "Without directories").await;
    let path = format!("/directories?organization_id={id}");
    let (status, list) = face.get(&path).await;
    format!("{status} {} {}", list["object"], list["data"])
}

async fn no_directory(face: Face) -> String {
    said(&face.get("/directories/directory_nobody").await)
}

async fn audit_logs(face: Face) -> String {
    let id = organization(&face, "Logged").await;
    let path = format!("/organizations/{id}/audit_log_configuration");
    let (status, body) = face.get(&path).await;
    let keys: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    format!("{status} {}", keys.join(" "))
}

async fn link(face: Face) -> String {
    let id = organization(&face, "Linked").await;
    let body = json!({ "organization": id, "intent": "sso" });
    let (status, answer) = face.send("POST", "/portal/generate_link", body).await;
    format!(
        "{status} {}",
        answer["link"]
            .as_str()
            .is_some_and(|link| link.starts_with("http"))
    )
}

async fn link_for_nobody(face: Face) -> String {
    let body = json!({ "organization": "org_nobody", "intent": "sso" });
    said(&face.send("POST", "/portal/generate_link", body).await)
}

async fn link_for_no_intent(face: Face) -> String {
    let id = organization(&face, "Linked").await;
    let body = json!({ "organization": id, "intent": "world_peace" });
    said(&face.send("POST", "/portal/generate_link", body).await)
}

async fn revoke_links(face: Face) -> String {
    let id = organization(&face, "Revoked").await;
    let body = json!({ "organization": id, "external_user_id": "user_1" });
    said(&face.send("POST", "/portal/revoke_link", body).await)
}

async fn contacts(face: Face) -> String {
    let id = organization(&face, "Contacted").await;
    said(&face.get(&format!("/organizations/{id}/it_contacts")).await)
}

async fn certificates(face: Face) -> String {
    let connection = connection(&face, "certificates.example").await;
    let id = connection["id"].as_str().unwrap();
    said(
        &face
            .get(&format!("/connections/{id}/saml_idp_signing_certs"))
            .await,
    )
}

async fn retention(face: Face) -> String {
    let id = organization(&face, "Retained").await;
    let answer = face
        .get(&format!("/organizations/{id}/audit_logs_retention"))
        .await;
    format!("{} {}", said(&answer), answer.1["retention_period_in_days"])
}

async fn events(face: Face) -> String {
    let id = organization(&face, "Told").await;
    // Of this organization: the oldest page of a whole account has other things to tell.
    let path = format!("/events?events=organization.created&organization_id={id}&limit=100");
    let mut told = (0, false);
    for look in 0..LOOKS_FOR_EVENTS {
        if look > 0 {
            pause(1).await;
        }
        let (status, list) = face.get(&path).await;
        let mut rows = list["data"].as_array().into_iter().flatten();
        told = (status, rows.any(|row| row["data"]["id"] == *id));
        if told.1 || status != 200 {
            break;
        }
    }
    format!("{} {}", told.0, told.1)
}
