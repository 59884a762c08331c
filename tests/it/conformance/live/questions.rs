//! Questions that no documentation answers: each does something and says what came of it.

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Url;
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::super::api_client::{ApiClient, pause};
use super::super::cases::{made, said};

/// Looks for events that were just caused, a second apart.
const LOOKS_FOR_EVENTS: usize = 6;

/// A question.
pub(super) struct Question {
    pub(super) wording: &'static str,
    /// Answer on which portalctl rests.
    pub(super) assumed: &'static str,
    /// Files and rules to change where the answer is another.
    pub(super) change: &'static str,
    /// Asks it; the address is one that may be sent e-mails.
    pub(super) ask: fn(ApiClient, Option<String>) -> BoxFuture<'static, Answer>,
}

/// An answer.
pub(super) enum Answer {
    AsAssumed(String),
    Differs(String),
    /// The question was not asked, or not answered, for this reason.
    NotAsked(String),
}

impl Answer {
    fn of(found: String, is_as_assumed: bool) -> Self {
        if is_as_assumed {
            Self::AsAssumed(found)
        } else {
            Self::Differs(found)
        }
    }
}

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        wording: "Does PUT replace or merge metadata?",
        assumed: "null removes a key; the rest is right either way, because portalctl sends the \
                  whole map",
        change: "crates/workos/src/apply/update.rs (the metadata of a PUT); metadata_on_put in crates/sandbox/src/world; \
                 docs/guides/sandbox.md",
        ask: |api_client, _| metadata(api_client).boxed(),
    },
    Question {
        wording: "In which form does an internationalised domain come back?",
        assumed: "in either form, and `domains=` finds it by its A-label",
        change: "crates/model/src/domain_name.rs (comparing); crates/workos/src/observe/lookup.rs (who holds a domain); \
                 docs/guides/domains.md",
        ask: |api_client, _| internationalised(api_client).boxed(),
    },
    Question {
        wording: "What is the error for a domain that is verified elsewhere?",
        assumed: "create verified: 409 domain_verified_by_other_organization; create pending: 201; \
                  add pending: 201",
        change: "crates/workos/src/error.rs (refusals that are about a domain); crates/workos/src/apply/update.rs; \
                 crates/sandbox/src/world/domains.rs",
        ask: |api_client, _| verified_elsewhere(api_client).boxed(),
    },
    Question {
        wording: "Does a new link end the one before?",
        assumed: "no: both work",
        change: "crates/sandbox/src/world/links.rs; docs/guides/onboarding.md and docs/guides/gateway.md (two links for \
                 one customer)",
        ask: |api_client, _| second_link(api_client).boxed(),
    },
    Question {
        wording: "How are features answered that were not bought?",
        assumed: "200, 403 or 404 each",
        change: "crates/workos/src/calls.rs (`answer`: what is absent and what is not entitled); \
                 crates/workos/src/refusal.rs",
        ask: |api_client, _| features(api_client).boxed(),
    },
    Question {
        wording: "What does inviting the same contact twice answer?",
        assumed: "first 204, again 204",
        change: "crates/workos/src/apply/invite.rs (a lost answer is never repeated); \
                 crates/sandbox/src/world/contacts.rs",
        ask: |api_client, to| invite_twice(api_client, to).boxed(),
    },
    Question {
        wording: "Are 50 metadata keys and an external id of 128 characters taken? (The guide says 10 \
                   and 64.)",
        assumed: "201",
        change: "crates/manifest/src/check/metadata.rs and crates/model/src/id.rs (limits); docs/reference/manifest.md",
        ask: |api_client, _| limits(api_client).boxed(),
    },
    Question {
        wording: "In which order are events listed, and what is refused?",
        assumed: "oldest first whatever `order` says; `after` beside `range_start` and a request \
                  without `events` are refused",
        change: "crates/workos/src/event_log.rs; crates/sandbox/src/world/events.rs; docs/guides/sandbox.md",
        ask: |api_client, _| events(api_client).boxed(),
    },
];

async fn metadata(api_client: ApiClient) -> Answer {
    let body = json!({ "name": api_client.own("Metadata"), "metadata": { "a": "1", "b": "2" } });
    let path = format!("/organizations/{}", made(&api_client, body).await);
    let put = async |metadata: Value| {
        let body = json!({ "metadata": metadata });
        let (status, _) = api_client.send("PUT", &path, body).await;
        assert!(status < 300, "PUT answered {status}");
        api_client.get(&path).await.1["metadata"].clone()
    };
    let is_gone = |metadata: &Value, key: &str| metadata[key].is_null();
    let after = put(json!({ "a": "3" })).await;
    let unnamed = if is_gone(&after, "b") {
        "goes"
    } else {
        "stays"
    };
    let after = put(json!({ "a": null, "b": "2" })).await;
    let is_removed = is_gone(&after, "a");
    let after = put(json!({})).await;
    let empty = if is_gone(&after, "b") {
        "removes"
    } else {
        "keeps"
    };
    let null = if is_removed { "removes" } else { "keeps" };
    let found = format!("a key that is not named {unnamed}; null {null} a key; {{}} {empty} all");
    Answer::of(found, is_removed)
}

async fn internationalised(api_client: ApiClient) -> Answer {
    let ascii = api_client.own_domain("xn--bcher-kva.example");
    let unicode = api_client.own_domain("bücher.example");
    let domains = json!([{ "domain": ascii, "state": "pending" }]);
    let body = json!({ "name": api_client.own("Umlaut"), "domain_data": domains });
    let answer = api_client.send("POST", "/organizations", body).await;
    if answer.0 >= 300 {
        return Answer::Differs(format!("the A-label is refused: {}", said(&answer)));
    }
    let back = answer.1["domains"][0]["domain"]
        .as_str()
        .unwrap_or_default();
    let body = json!({ "organization_id": answer.1["id"], "domain": unicode });
    let again = api_client.send("POST", "/organization_domains", body).await;
    let finds = async |domain: &str| {
        let domain: String = byte_serialize(domain.as_bytes()).collect();
        let (_, list) = api_client
            .get(&format!("/organizations?domains={domain}"))
            .await;
        let mut rows = list["data"].as_array().into_iter().flatten();
        rows.any(|row| row["id"] == answer.1["id"])
    };
    let (by_ascii, by_unicode) = (finds(&ascii).await, finds(&unicode).await);
    let found = format!(
        "the A-label comes back as {back}; the Unicode form on the same organization: {}; found by \
         A-label: {by_ascii}, by Unicode: {by_unicode}",
        said(&again)
    );
    Answer::of(found, (back == ascii || back == unicode) && by_ascii)
}

async fn verified_elsewhere(api_client: ApiClient) -> Answer {
    let domain = api_client.own_domain("held.example");
    let create = async |name: &str, state: &str| {
        let domains = json!([{ "domain": domain, "state": state }]);
        let body = json!({ "name": api_client.own(name), "domain_data": domains });
        api_client.send("POST", "/organizations", body).await
    };
    let (status, first) = create("Holder", "verified").await;
    if first["domains"][0]["state"] != "verified" {
        let state = &first["domains"][0]["state"];
        return Answer::NotAsked(format!(
            "no domain is taken as verified: {status}, state {state}"
        ));
    }
    let verified = said(&create("Rival", "verified").await);
    let pending = said(&create("Third", "pending").await);
    let id = made(&api_client, json!({ "name": api_client.own("Fourth") })).await;
    let body = json!({ "organization_id": id, "domain": domain });
    let added = said(&api_client.send("POST", "/organization_domains", body).await);
    let found =
        format!("create verified: {verified}; create pending: {pending}; add pending: {added}");
    let is_as_assumed = verified == "409 domain_verified_by_other_organization"
        && pending == "201"
        && added == "201";
    Answer::of(found, is_as_assumed)
}

async fn second_link(api_client: ApiClient) -> Answer {
    let id = made(&api_client, json!({ "name": api_client.own("Two links") })).await;
    let link = async || {
        let body = json!({ "organization": id, "intent": "domain_verification" });
        let (_, answer) = api_client.send("POST", "/portal/generate_link", body).await;
        Url::parse(answer["link"].as_str()?).ok()
    };
    let Some(lone) = link().await else {
        return Answer::NotAsked("no link was made".to_owned());
    };
    if !api_client.may_open(&lone) {
        return Answer::NotAsked("the links of this server lead elsewhere".to_owned());
    }
    let open = async |link: &Url| api_client.open(link).await.map_err(|why| why.to_string());
    let (fresh, used) = (open(&lone).await, open(&lone).await);
    if fresh == used {
        return Answer::NotAsked(format!(
            "a used link answers as a fresh one does ({fresh:?}): open two links by hand"
        ));
    }
    let (Some(first), Some(_second)) = (link().await, link().await) else {
        return Answer::NotAsked("no second link was made".to_owned());
    };
    let first = open(&first).await;
    let found = if first == fresh {
        "no: both work"
    } else {
        "yes: the first is dead"
    };
    Answer::of(found.to_owned(), first == fresh)
}

async fn features(api_client: ApiClient) -> Answer {
    let id = made(&api_client, json!({ "name": api_client.own("Features") })).await;
    let body = json!({
        "organization_id": id, "connection_type": "OktaSAML", "name": api_client.own("Okta"),
        "saml_options": { "idp_metadata_url": "https://idp.example.com/metadata" },
    });
    let (_, connection) = api_client.send("POST", "/connections", body).await;
    let mut routes = vec![
        ("IT contacts", format!("/organizations/{id}/it_contacts")),
        (
            "audit logs",
            format!("/organizations/{id}/audit_log_configuration"),
        ),
        (
            "retention",
            format!("/organizations/{id}/audit_logs_retention"),
        ),
        (
            "connections",
            format!("/connections?organization_id={id}&limit=1"),
        ),
        (
            "directories",
            format!("/directories?organization_id={id}&limit=1"),
        ),
        (
            "members",
            format!("/user_management/organization_memberships?organization_id={id}&limit=1"),
        ),
        (
            "events",
            "/events?events=vault.byok_key.deleted&limit=1".to_owned(),
        ),
        ("webhook endpoints", "/webhook_endpoints?limit=1".to_owned()),
    ];
    if let Some(connection) = connection["id"].as_str() {
        let path = format!("/connections/{connection}/saml_idp_signing_certs");
        routes.push(("certificates", path));
    }
    let mut found = Vec::new();
    let mut is_as_assumed = true;
    for (feature, path) in routes {
        let answer = api_client.get(&path).await;
        is_as_assumed &= matches!(answer.0, 200 | 403 | 404);
        found.push(format!("{feature}: {}", said(&answer)));
    }
    Answer::of(found.join(", "), is_as_assumed)
}

async fn invite_twice(api_client: ApiClient, to: Option<String>) -> Answer {
    let Some(to) = to else {
        return Answer::NotAsked("it sends two e-mails: run with --invite-to ADDRESS".to_owned());
    };
    let id = made(&api_client, json!({ "name": api_client.own("Invited") })).await;
    let contacts = format!("/organizations/{id}/it_contacts");
    let added = api_client
        .send("POST", &contacts, json!({ "email": to }))
        .await;
    let Some(contact) = added.1["id"].as_str() else {
        return Answer::NotAsked(format!("no IT contact was added: {}", said(&added)));
    };
    let path = format!("{contacts}/{contact}/invite");
    let body = json!({ "intents": ["domain_verification"] });
    let first = said(&api_client.send("POST", &path, body.clone()).await);
    let again = said(&api_client.send("POST", &path, body).await);
    let path = format!("{contacts}/{contact}/revoke");
    let revoked = said(&api_client.send("POST", &path, Value::Null).await);
    let found = format!("first {first}, again {again}; revoked: {revoked}");
    Answer::of(found, first == "204" && again == "204")
}

async fn limits(api_client: ApiClient) -> Answer {
    let mut id = api_client.own_id("limits-");
    id.push_str(&"x".repeat(128_usize.saturating_sub(id.len())));
    let metadata: Map<String, Value> = (0..50)
        .map(|number| (format!("key_{number:02}"), json!("value")))
        .collect();
    let body = json!({ "name": api_client.own("Limits"), "external_id": id, "metadata": metadata });
    let found = said(&api_client.send("POST", "/organizations", body).await);
    let is_as_assumed = found == "201";
    Answer::of(found, is_as_assumed)
}

async fn events(api_client: ApiClient) -> Answer {
    let id = made(&api_client, json!({ "name": api_client.own("Events 0") })).await;
    for number in 1..=2 {
        let body = json!({ "name": api_client.own(&format!("Events {number}")) });
        api_client
            .send("PUT", &format!("/organizations/{id}"), body)
            .await;
    }
    let kinds = "events=organization.created,organization.updated";
    let path = format!("/events?{kinds}&organization_id={id}&limit=10&order=desc");
    let mut rows = Vec::new();
    for look in 0..LOOKS_FOR_EVENTS {
        if look > 0 {
            pause(1).await;
        }
        let answer = api_client.get(&path).await;
        if answer.0 != 200 {
            return Answer::Differs(format!("GET /events: {}", said(&answer)));
        }
        let data = answer.1["data"].as_array().into_iter().flatten();
        rows = data
            .filter(|row| row["data"]["id"] == *id)
            .cloned()
            .collect();
        if rows.len() >= 3 {
            break;
        }
    }
    let is_created = |row: &Value| row["event"] == "organization.created";
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Answer::NotAsked("no event of the organization was listed".to_owned());
    };
    if is_created(first) == is_created(last) {
        let count = rows.len();
        return Answer::NotAsked(format!("{count} events, which tell no order"));
    }
    let order = if is_created(first) {
        "oldest"
    } else {
        "newest"
    };
    let event = first["id"].as_str().unwrap_or_default();
    let start = "range_start=2026-01-01T00:00:00.000Z";
    let both = api_client
        .get(&format!("/events?{kinds}&after={event}&{start}"))
        .await;
    let unnamed = api_client.get("/events?limit=1").await;
    let found = format!(
        "order=desc lists the {order} first; after beside range_start: {}; without events: {}",
        said(&both),
        said(&unnamed)
    );
    Answer::of(
        found,
        order == "oldest" && both.0 >= 400 && unnamed.0 >= 400,
    )
}
