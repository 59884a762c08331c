//! Tests the sandbox's answers, successes and errors, against the official API description, on
//! every route that both know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use portalctl_platform::clock::FixedClock;
use serde_json::{Value, json};
use workos_sandbox::scenario::Scenario;
use workos_sandbox::world::World;
use workos_sandbox::{Sandbox, SandboxOptions};

use crate::conformance::api_client::node_modules;
use crate::support::events::EVERY_EVENT;

/// Answers that the description does not have for their route, and why they are right.
const DEVIATIONS: [(&str, &str, u16, &str); 5] = [
    // The description says that deleting succeeds with 200 or 202, and nothing of what is absent.
    (
        "DELETE",
        "/organizations/{id}",
        404,
        "as every route with an id",
    ),
    (
        "DELETE",
        "/directories/{id}",
        404,
        "as every route with an id",
    ),
    (
        "POST",
        "/organization_domains",
        404,
        "the organization may not exist",
    ),
    // An account's plan may not include a feature; which answer that gives is not described.
    (
        "GET",
        "/organizations/{id}/audit_log_configuration",
        403,
        "not entitled",
    ),
    (
        "GET",
        "/organizations/{id}/audit_logs_retention",
        403,
        "not entitled",
    ),
];

const MEMBERSHIPS: &str = "/user_management/organization_memberships";

/// The API description, as far as it is needed here.
struct Description {
    document: Value,
}

impl Description {
    fn read() -> Option<Self> {
        let path = node_modules()?.join("@workos/openapi-spec/open-api-spec.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let mut document = serde_saphyr::from_str(&text).unwrap();
        name_once(&mut document);
        Some(Self { document })
    }

    fn operation(&self, method: &str, route: &str) -> &Value {
        let operation = &self.document["paths"][route][method.to_lowercase()];
        assert!(!operation.is_null(), "{method} {route} is not described");
        operation
    }

    /// Returns the schema of an operation's answer with a status.
    fn answer(&self, method: &str, route: &str, status: u16) -> Option<&Value> {
        self.operation(method, route)["responses"].get(status.to_string())
    }

    /// A schema with those that it refers to, and no others: the whole takes long to compile.
    fn complete(&self, schema: &Value) -> Value {
        let mut named = BTreeMap::new();
        let mut waiting = vec![schema];
        while let Some(next) = waiting.pop() {
            match next {
                Value::Object(fields) => {
                    if let Some(Value::String(reference)) = fields.get("$ref") {
                        let name = reference.strip_prefix("#/components/schemas/").unwrap();
                        let target = &self.document["components"]["schemas"][name];
                        if named.insert(name, target).is_none() {
                            waiting.push(target);
                        }
                    }
                    waiting.extend(fields.values());
                }
                Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
        json!({ "allOf": [schema], "components": { "schemas": named } })
    }

    fn check(&self, schema: &Value, body: &Value) -> Vec<String> {
        let schema = self.complete(schema);
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .unwrap();
        let errors = validator.iter_errors(body);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }
}

/// Lists name `list_metadata` twice among what they require, which no validator takes.
fn name_once(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Array(required)) = fields.get_mut("required") {
                let mut seen = BTreeSet::new();
                required.retain(|name| seen.insert(name.to_string()));
            }
            fields.values_mut().for_each(name_once);
        }
        Value::Array(items) => items.iter_mut().for_each(name_once),
        _ => {}
    }
}

/// An answer without the events of connections whose type nobody has chosen yet: `Connection` is
/// described with the type `Pending` and the state `requires_type`, its events are not.
fn without_unknown(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(rows) = answer["data"].as_array_mut() {
        rows.retain(|row| row["data"]["connection_type"] != "Pending");
    }
    answer
}

/// A validator of answers that counts the operations it has seen.
struct Judge {
    description: Description,
    sandbox: Sandbox,
    seen: BTreeSet<(String, String, u16)>,
    complaints: Vec<String>,
}

impl Judge {
    /// Sends a request to a route, whose ids are given in order, and judges the answer.
    async fn ask(
        &mut self,
        method: &str,
        route: &str,
        ids: &[&str],
        query: &str,
        body: Value,
    ) -> Value {
        let mut path = route.to_owned();
        for id in ids {
            let (begin, rest) = path.split_once('{').unwrap();
            let (_, end) = rest.split_once('}').unwrap();
            path = format!("{begin}{id}{end}");
        }
        let sent = http::Request::builder()
            .method(method)
            .uri(format!("{path}{query}"))
            .header("authorization", "Bearer sk_test_openapi");
        let bytes = match &body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let answer = self.sandbox.call(sent.body(bytes).unwrap()).await;
        let status = answer.status().as_u16();
        let said: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        self.seen
            .insert((method.to_owned(), route.to_owned(), status));
        let known = DEVIATIONS
            .iter()
            .any(|(m, r, s, _)| (*m, *r, *s) == (method, route, status));
        let complaint = match self.description.answer(method, route, status) {
            Some(answer) => match answer.pointer("/content/application~1json/schema") {
                Some(schema) => self.description.check(schema, &without_unknown(&said)),
                None => Vec::new(),
            },
            None if known => Vec::new(),
            None => vec!["the description has no such answer".to_owned()],
        };
        for complaint in complaint {
            self.complaints.push(format!(
                "{method} {path}{query} {status}: {complaint}\n  {said}"
            ));
        }
        // Errors have one shape everywhere, described or not.
        if status >= 400 && !(said["message"].is_string() && said["code"].is_string()) {
            self.complaints
                .push(format!("{method} {path}: {status} {said}"));
        }
        said
    }

    async fn get(&mut self, route: &str, ids: &[&str], query: &str) -> Value {
        self.ask("GET", route, ids, query, Value::Null).await
    }

    async fn delete(&mut self, route: &str, id: &str) {
        self.ask("DELETE", route, &[id], "", Value::Null).await;
        self.ask("DELETE", route, &[id], "", Value::Null).await;
    }
}

fn judge() -> Option<Judge> {
    let description = Description::read()?;
    let now = "2026-01-15T12:00:00Z".parse().unwrap();
    let mut world = World::new(7);
    let busy = Scenario::load("busy").unwrap();
    busy.build(&mut world, now).unwrap();
    let clock = Arc::new(FixedClock::at(now));
    Some(Judge {
        description,
        sandbox: Sandbox::new(SandboxOptions::new(clock, world)),
        seen: BTreeSet::new(),
        complaints: Vec::new(),
    })
}

fn ids(list: &Value) -> Vec<String> {
    let rows = list["data"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn organizations(judge: &mut Judge) {
    let (all, one) = ("/organizations", "/organizations/{id}");
    let list = judge.get(all, &[], "?limit=100").await;
    for id in ids(&list) {
        judge.get(one, &[&id], "").await;
        judge
            .get("/organizations/{id}/audit_log_configuration", &[&id], "")
            .await;
        judge
            .get("/organizations/{id}/audit_logs_retention", &[&id], "")
            .await;
        for query in ["&limit=1", "&statuses=active,pending,inactive"] {
            let query = format!("?organization_id={id}{query}");
            judge.get(MEMBERSHIPS, &[], &query).await;
        }
    }
    for query in [
        "",
        "?user_id=user_nobody",
        "?organization_id=org_nobody",
        "?user_id=u&limit=0",
    ] {
        judge.get(MEMBERSHIPS, &[], query).await;
    }
    for query in ["?limit=0", "?after=org_nobody", "?domains=acme.com&limit=1"] {
        judge.get(all, &[], query).await;
    }
    let external = "/organizations/external_id/{external_id}";
    judge.get(external, &["acme"], "").await;
    judge.get(external, &["nobody"], "").await;
    judge.get(one, &["org_nobody"], "").await;
    let acme = json!({ "name": "New", "external_id": "new", "metadata": { "a": "b" } });
    let made = judge.ask("POST", all, &[], "", acme.clone()).await;
    judge.ask("POST", all, &[], "", acme).await;
    let verified = json!([{ "domain": "acme.com", "state": "verified" }]);
    for body in [json!({}), json!({ "name": "x", "domain_data": verified })] {
        judge.ask("POST", all, &[], "", body).await;
    }
    let id = made["id"].as_str().unwrap().to_owned();
    for body in [
        json!({ "name": "Renamed", "stripe_customer_id": "cus_new" }),
        json!({ "allow_profiles_outside_organization": true }),
        json!({ "external_id": "acme" }),
        json!({ "name": "" }),
        json!({ "domain_data": verified }),
    ] {
        judge.ask("PUT", one, &[&id], "", body).await;
    }
    judge
        .ask("PUT", one, &["org_nobody"], "", json!({ "name": "x" }))
        .await;
    let retention = "/organizations/{id}/audit_logs_retention";
    for days in [30, 31] {
        let body = json!({ "retention_period_in_days": days });
        judge.ask("PUT", retention, &[&id], "", body).await;
    }
    judge.delete(one, &id).await;
}

async fn domains(judge: &mut Judge, organization: &str) {
    let (all, one) = ("/organization_domains", "/organization_domains/{id}");
    let body = json!({ "organization_id": organization, "domain": "new.example" });
    let made = judge.ask("POST", all, &[], "", body.clone()).await;
    judge.ask("POST", all, &[], "", body).await;
    let nobody = json!({ "organization_id": "org_nobody", "domain": "new.example" });
    judge.ask("POST", all, &[], "", nobody).await;
    let id = made["id"].as_str().unwrap().to_owned();
    judge.get(one, &[&id], "").await;
    let verify = "/organization_domains/{id}/verify";
    for published in [false, true, true] {
        let set = |world: &mut World, _| {
            let set = if published {
                World::publish_record
            } else {
                World::remove_record
            };
            set(world, &id).unwrap();
        };
        judge.sandbox.world(set);
        judge.ask("POST", verify, &[&id], "", Value::Null).await;
    }
    judge.delete(one, &id).await;
}

async fn objects(judge: &mut Judge) {
    for (all, one) in [
        ("/connections", "/connections/{id}"),
        ("/directories", "/directories/{id}"),
    ] {
        let list = judge.get(all, &[], "?limit=100").await;
        judge.get(all, &[], "?limit=101").await;
        for id in ids(&list) {
            judge.get(one, &[&id], "").await;
            judge.delete(one, &id).await;
        }
        judge.get(one, &["nobody"], "").await;
    }
}

async fn webhook_endpoints(judge: &mut Judge) {
    let (all, one) = ("/webhook_endpoints", "/webhook_endpoints/{id}");
    let url = "https://hooks.example.com/webhooks";
    let body = json!({ "endpoint_url": url, "events": ["organization.created"] });
    let made = judge.ask("POST", all, &[], "", body.clone()).await;
    judge.ask("POST", all, &[], "", body).await;
    for body in [
        json!({ "endpoint_url": "ftp://x", "events": [] }),
        json!({ "endpoint_url": "https://x.example.com", "events": ["vault.byok_key.deleted"] }),
    ] {
        judge.ask("POST", all, &[], "", body).await;
    }
    judge.get(all, &[], "?limit=100").await;
    let id = made["id"].as_str().unwrap().to_owned();
    let body = json!({ "status": "disabled", "events": ["connection.activated"] });
    let changed = judge.ask("PATCH", one, &[&id], "", body.clone()).await;
    assert_eq!(changed["status"], "disabled");
    judge.ask("PATCH", one, &["we_nobody"], "", body).await;
    judge.delete(one, &id).await;
}

async fn links(judge: &mut Judge, organization: &str) {
    let route = "/portal/generate_link";
    for body in [
        json!({ "organization": organization, "intent": "sso" }),
        json!({ "organization": organization, "intent": "world_peace" }),
        json!({ "organization": "org_nobody", "intent": "sso" }),
    ] {
        judge.ask("POST", route, &[], "", body).await;
    }
}

#[tokio::test]
async fn every_answer_is_as_the_api_description_says() {
    let Some(mut judge) = judge() else {
        return;
    };
    let list = judge.get("/organizations", &[], "?limit=1").await;
    let organization = ids(&list)[0].clone();
    organizations(&mut judge).await;
    domains(&mut judge, &organization).await;
    links(&mut judge, &organization).await;
    webhook_endpoints(&mut judge).await;
    objects(&mut judge).await;
    // Last, so that everything above has left its event.
    let mut after = String::new();
    loop {
        let query = format!("?events={EVERY_EVENT}&limit=100{after}");
        let page = judge.get("/events", &[], &query).await;
        match page["list_metadata"]["after"].as_str() {
            Some(id) => after = format!("&after={id}"),
            None => break,
        }
    }
    judge
        .get(
            "/events",
            &[],
            "?events=organization.created&after=event_nobody",
        )
        .await;

    assert!(
        judge.complaints.is_empty(),
        "{}",
        judge.complaints.join("\n")
    );
    for (method, route, status, why) in DEVIATIONS {
        let seen = (method.to_owned(), route.to_owned(), status);
        assert!(
            judge.seen.contains(&seen),
            "{method} {route} {status} ({why}) was not seen"
        );
        let described = judge.description.answer(method, route, status).is_some();
        assert!(
            !described,
            "{method} {route} {status} is described now: no deviation"
        );
    }
}
