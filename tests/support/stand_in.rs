//! A raw stand-in for WorkOS: plain JSON objects, and answers that a test shapes freely.
//!
//! It shares no code and no belief with the sandbox: what it keeps is what was sent, and each
//! default follows the public record (metadata merges, `/events` is oldest first and knows no
//! `order`, names are trimmed). A test puts objects in with [`StandIn::with`], replaces single
//! answers with [`StandIn::answer`] and [`StandIn::reshape`], loses them with [`StandIn::lose`],
//! and reads what was asked with [`StandIn::requests`].

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Map, Value, json};

use super::http;

/// The time at which every object of the stand-in was made.
pub(crate) const EPOCH: &str = "2026-01-01T00:00:00.000Z";

/// The secret of every webhook endpoint of the stand-in.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_c4n4ry0123456789";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `GET`, `POST`, …
    pub(crate) method: String,
    /// The path without its query.
    pub(crate) path: String,
    /// The query's parameters, decoded; a repeated one keeps its last value.
    pub(crate) query: BTreeMap<String, String>,
    /// The body, null when there was none.
    pub(crate) body: Value,
    /// The key that it came with.
    pub(crate) key: Option<String>,
}

impl Request {
    /// `METHOD /path`, without the query.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// State of the stand-in, as plain JSON objects in WorkOS's shapes.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Organizations, oldest first.
    pub(crate) organizations: Vec<Value>,
    /// Connections, oldest first; each names its `organization_id`.
    pub(crate) connections: Vec<Value>,
    /// Directories, oldest first; each names its `organization_id`.
    pub(crate) directories: Vec<Value>,
    /// Organization memberships, oldest first; each names its `organization_id`.
    pub(crate) memberships: Vec<Value>,
    /// Events, oldest first.
    pub(crate) events: Vec<Value>,
    /// IT contacts by organization id.
    pub(crate) contacts: BTreeMap<String, Vec<Value>>,
    /// Audit-log configurations by organization id; an organization without one answers 404.
    pub(crate) audit_logs: BTreeMap<String, Value>,
    /// Days for which audit-log events are kept, by organization id; null where nothing is set.
    pub(crate) retention: BTreeMap<String, u64>,
    /// SAML signing certificates by connection id.
    pub(crate) certificates: BTreeMap<String, Vec<Value>>,
    /// Webhook endpoints of the account, oldest first.
    pub(crate) webhook_endpoints: Vec<Value>,
    /// Invitations sent: organization id and contact id of each e-mail.
    pub(crate) emails: Vec<(String, String)>,
    /// Lists ignore the parameter `order`.
    pub(crate) ignores_order: bool,
    /// A PUT replaces metadata as the official emulator does, null values included.
    pub(crate) replaces_metadata: bool,
    made: usize,
}

impl World {
    /// Adds an organization; `more` is merged over the usual fields. Returns its id.
    pub(crate) fn organization(&mut self, id: &str, name: &str, more: &Value) -> String {
        let mut object = json!({
            "object": "organization", "id": id, "name": name, "external_id": null,
            "stripe_customer_id": null, "metadata": {}, "domains": [],
            "allow_profiles_outside_organization": false,
            "created_at": EPOCH, "updated_at": EPOCH,
        });
        merge(&mut object, more);
        self.organizations.push(object);
        id.to_owned()
    }

    /// A domain in a state, in the shape in which organizations hold it.
    pub(crate) fn domain(organization: &str, domain: &str, state: &str) -> Value {
        json!({
            "object": "organization_domain", "id": format!("org_domain_{organization}_{domain}"),
            "organization_id": organization, "domain": domain, "state": state,
            "verification_strategy": "dns", "verification_prefix": "workos",
            "verification_token": "token", "created_at": EPOCH, "updated_at": EPOCH,
        })
    }

    /// Adds a connection of an organization in a state.
    pub(crate) fn connection(&mut self, id: &str, organization: &str, state: &str) {
        self.connections.push(json!({
            "object": "connection", "id": id, "organization_id": organization, "name": id,
            "connection_type": "OktaSAML", "state": state, "domains": [],
            "created_at": EPOCH, "updated_at": EPOCH,
        }));
    }

    /// Adds a directory of an organization in a state.
    pub(crate) fn directory(&mut self, id: &str, organization: &str, state: &str) {
        self.directories.push(json!({
            "object": "directory", "id": id, "organization_id": organization, "name": id,
            "type": "okta scim v2.0", "state": state, "domain": null,
            "created_at": EPOCH, "updated_at": EPOCH,
        }));
    }

    /// Adds an active member of an organization.
    pub(crate) fn member(&mut self, id: &str, organization: &str) {
        self.memberships.push(json!({
            "object": "organization_membership", "id": id, "organization_id": organization,
            "user_id": format!("user_{id}"), "status": "active", "role": {"slug": "member"},
            "created_at": EPOCH, "updated_at": EPOCH,
        }));
    }

    /// Adds an event; later ones are newer.
    pub(crate) fn event(&mut self, kind: &str, at: &str, data: &Value) {
        let id = self.new_id("event");
        self.events.push(json!({
            "object": "event", "id": id, "event": kind, "created_at": at, "data": data,
        }));
    }

    /// The organization with an id or an external id.
    pub(crate) fn find(&self, id: &str) -> Option<&Value> {
        self.organizations
            .iter()
            .find(|one| one["id"] == id || one["external_id"] == id)
    }

    /// The same, to be changed.
    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.organizations
            .iter_mut()
            .find(|one| one["id"] == id || one["external_id"] == id)
    }

    fn new_id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_01MADE{:020}", self.made)
    }
}

/// An answer: its status and its body.
pub(crate) type Answer = (u16, Value);

type Reshape = Box<dyn FnMut(&Request, Answer) -> Answer + Send>;

/// Change to the answers of some requests.
enum Effect {
    /// The answer is this one; the request has no effect.
    Answer(u16, Value),
    /// The request has its effect, and its answer is lost.
    Lose,
    /// The request has its effect, and its answer is changed.
    Reshape(Reshape),
}

struct Rule {
    method: String,
    path: String,
    /// Number of requests that the rule still applies to.
    left: usize,
    effect: Effect,
}

#[derive(Default)]
struct State {
    world: World,
    rules: Vec<Rule>,
    requests: Vec<Request>,
    /// The only key that is accepted, where that matters.
    accepted: Option<String>,
}

/// A server on a free port of the loopback interface; it ends when it is dropped.
pub(crate) struct StandIn {
    address: String,
    state: Arc<Mutex<State>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Starts an empty stand-in.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (shared, over) = (Arc::clone(&state), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(&stream.unwrap(), &shared));
            }
        });
        Self {
            address,
            state,
            is_over,
            thread: Some(thread),
        }
    }

    /// Starts a stand-in with a world that the function fills.
    pub(crate) fn of(fill: impl FnOnce(&mut World)) -> Self {
        let server = Self::start();
        server.with(fill);
        server
    }

    /// The base address, for `WORKOS_API_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Reads or changes what the stand-in keeps.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.state.lock().unwrap().world)
    }

    /// Answers matching requests with this, without any effect. In a path `*` stands for any one
    /// segment; the newest matching rule counts.
    pub(crate) fn answer(&self, method: &str, path: &str, status: u16, body: Value) {
        self.rule(method, path, usize::MAX, Effect::Answer(status, body));
    }

    /// The same for the next `times` matching requests only.
    pub(crate) fn answer_times(
        &self,
        times: usize,
        method: &str,
        path: &str,
        status: u16,
        body: Value,
    ) {
        self.rule(method, path, times, Effect::Answer(status, body));
    }

    /// Carries the next `times` matching requests out, and closes the connection without an answer.
    pub(crate) fn lose(&self, times: usize, method: &str, path: &str) {
        self.rule(method, path, times, Effect::Lose);
    }

    /// Carries matching requests out, and changes their answers.
    pub(crate) fn reshape(
        &self,
        method: &str,
        path: &str,
        change: impl FnMut(&Request, Answer) -> Answer + Send + 'static,
    ) {
        self.rule(method, path, usize::MAX, Effect::Reshape(Box::new(change)));
    }

    /// Lists everything newest first from now on, whatever `order` says.
    pub(crate) fn ignore_order(&self) {
        self.with(|world| world.ignores_order = true);
    }

    /// Forgets all rules: from now on every answer is the usual one.
    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().rules.clear();
    }

    /// Refuses every key but this one from now on, with 401.
    pub(crate) fn accept_only(&self, key: &str) {
        self.state.lock().unwrap().accepted = Some(key.to_owned());
    }

    /// Every request so far, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The `METHOD /path` of every request that was no `GET`.
    pub(crate) fn writes(&self) -> Vec<String> {
        let requests = self.requests();
        let writes = requests.iter().filter(|request| request.method != "GET");
        writes.map(Request::line).collect()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget_requests(&self) {
        self.state.lock().unwrap().requests.clear();
    }

    fn rule(&self, method: &str, path: &str, left: usize, effect: Effect) {
        self.state.lock().unwrap().rules.push(Rule {
            method: method.to_owned(),
            path: path.to_owned(),
            left,
            effect,
        });
    }
}

impl Drop for StandIn {
    /// A last connection wakes the thread, which ends.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(&self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let Some(request) = read_request(stream) else {
        return;
    };
    let answer = answer(&mut state.lock().unwrap(), &request);
    let Some((status, body)) = answer else {
        return;
    };
    let body = if status == 204 {
        String::new()
    } else {
        body.as_str()
            .map_or_else(|| body.to_string(), str::to_owned)
    };
    let mut stream = stream;
    // A client that has gone does not concern the next one.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
}

/// The answer to a request, and its effect; nothing where the answer is lost.
fn answer(state: &mut State, request: &Request) -> Option<Answer> {
    state.requests.push(request.clone());
    if state.accepted.is_some() && state.accepted != request.key {
        let refusal =
            json!({"message": "Could not authorize the request.", "code": "unauthorized"});
        return Some((401, refusal));
    }
    let rule = state.rules.iter_mut().rev().find(|rule| {
        rule.left > 0 && rule.method == request.method && matches(&rule.path, &request.path)
    });
    let Some(rule) = rule else {
        return Some(usual(&mut state.world, request));
    };
    rule.left = rule.left.saturating_sub(1);
    match &mut rule.effect {
        Effect::Answer(status, body) => Some((*status, body.clone())),
        Effect::Lose => {
            usual(&mut state.world, request);
            None
        }
        Effect::Reshape(change) => Some(change(request, usual(&mut state.world, request))),
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == "*" || wanted == given => {}
            _ => return false,
        }
    }
}

/// Returns the answer of the stand-in if no rule matches.
fn usual(world: &mut World, request: &Request) -> Answer {
    let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let (query, body) = (&request.query, &request.body);
    match (request.method.as_str(), path.as_slice()) {
        ("GET", ["organizations"]) => organizations(world, query),
        ("POST", ["organizations"]) => create(world, body),
        ("GET", ["organizations", "external_id", id]) => world
            .organizations
            .iter()
            .find(|one| one["external_id"] == **id)
            .map_or_else(not_found, |one| (200, one.clone())),
        ("GET", ["organizations", id]) => world
            .organizations
            .iter()
            .find(|one| one["id"] == **id)
            .map_or_else(not_found, |one| (200, one.clone())),
        ("PUT", ["organizations", id]) => update(world, id, body),
        ("DELETE", ["organizations", id]) => {
            let before = world.organizations.len();
            world.organizations.retain(|one| one["id"] != **id);
            if world.organizations.len() == before {
                return not_found();
            }
            world
                .connections
                .retain(|one| one["organization_id"] != **id);
            world
                .directories
                .retain(|one| one["organization_id"] != **id);
            world
                .memberships
                .retain(|one| one["organization_id"] != **id);
            (204, Value::Null)
        }
        ("GET", ["connections"]) => page(of_organization(&world.connections, query), query),
        ("GET", ["directories"]) => page(of_organization(&world.directories, query), query),
        ("GET", ["user_management", "organization_memberships"]) => {
            page(of_organization(&world.memberships, query), query)
        }
        ("GET", ["organizations", id, "audit_log_configuration"]) => world
            .audit_logs
            .get(*id)
            .map_or_else(not_found, |one| (200, one.clone())),
        ("GET", ["organizations", id, "audit_logs_retention"]) => {
            let days = world.retention.get(*id);
            (200, json!({"retention_period_in_days": days}))
        }
        ("PUT", ["organizations", id, "audit_logs_retention"]) => {
            let days = body["retention_period_in_days"]
                .as_u64()
                .unwrap_or_default();
            world.retention.insert((*id).to_owned(), days);
            (200, json!({"retention_period_in_days": days}))
        }
        ("GET", ["connections", id, "saml_idp_signing_certs"]) => {
            let certificates = world.certificates.get(*id);
            (200, list(certificates.map_or(&[], Vec::as_slice)))
        }
        ("GET", ["organizations", id, "it_contacts"]) => {
            let contacts = world.contacts.get(*id);
            page(contacts.into_iter().flatten(), query)
        }
        ("POST", ["organizations", id, "it_contacts"]) => {
            let contact = json!({
                "object": "it_contact", "id": world.new_id("it_contact"),
                "organization_id": id, "email": body["email"], "created_at": EPOCH,
            });
            let contacts = world.contacts.entry((*id).to_owned()).or_default();
            contacts.push(contact.clone());
            (201, contact)
        }
        ("POST", ["organizations", id, "it_contacts", contact, "invite"]) => {
            world.emails.push(((*id).to_owned(), (*contact).to_owned()));
            (204, Value::Null)
        }
        ("POST", ["organizations", _, "it_contacts", _, "revoke"] | ["portal", "revoke_link"]) => {
            (204, Value::Null)
        }
        ("POST", ["organization_domains"]) => add_domain(world, body),
        ("GET", ["organization_domains", id])
        | ("POST", ["organization_domains", id, "verify"]) => find_domain(world, id),
        ("DELETE", ["organization_domains", id]) => {
            for one in &mut world.organizations {
                if let Some(domains) = one["domains"].as_array_mut() {
                    domains.retain(|domain| domain["id"] != **id);
                }
            }
            (204, Value::Null)
        }
        ("GET", ["events"]) => events(world, query),
        ("POST", ["portal", "generate_link"]) => {
            (201, json!({"link": "https://setup.workos.com?token=one"}))
        }
        (method, ["webhook_endpoints", rest @ ..]) => {
            webhook_endpoints(world, method, rest, request)
        }
        _ => not_found(),
    }
}

/// Answers the routes of webhook endpoints.
fn webhook_endpoints(world: &mut World, method: &str, rest: &[&str], request: &Request) -> Answer {
    match (method, rest) {
        ("GET", []) => page(world.webhook_endpoints.iter(), &request.query),
        ("POST", []) => {
            let mut endpoint = json!({
                "object": "webhook_endpoint", "id": world.new_id("we"), "status": "enabled",
                "secret": WEBHOOK_SECRET, "events": [], "created_at": EPOCH, "updated_at": EPOCH,
            });
            merge(&mut endpoint, &request.body);
            world.webhook_endpoints.push(endpoint.clone());
            (201, endpoint)
        }
        ("PATCH", [id]) => {
            let mut endpoints = world.webhook_endpoints.iter_mut();
            match endpoints.find(|one| one["id"] == **id) {
                Some(endpoint) => {
                    merge(endpoint, &request.body);
                    (200, endpoint.clone())
                }
                None => not_found(),
            }
        }
        ("DELETE", [id]) => {
            world.webhook_endpoints.retain(|one| one["id"] != **id);
            (204, Value::Null)
        }
        _ => not_found(),
    }
}

/// A page of organizations, filtered by `domains` and `search`.
fn organizations(world: &World, query: &BTreeMap<String, String>) -> Answer {
    let wanted = query.get("domains").or_else(|| query.get("domains[]"));
    let has = |one: &&Value| {
        wanted.is_none_or(|wanted| {
            let domains = one["domains"].as_array().into_iter().flatten();
            domains.into_iter().any(|held| held["domain"] == *wanted)
        })
    };
    let search = query.get("search").map(|text| text.to_lowercase());
    let is_called = |one: &&Value| {
        let name = one["name"].as_str().unwrap_or_default().to_lowercase();
        search.as_ref().is_none_or(|text| name.contains(text))
    };
    let mut query = query.clone();
    if world.ignores_order {
        query.remove("order");
    }
    let found = world.organizations.iter().filter(has).filter(is_called);
    page(found, &query)
}

fn create(world: &mut World, body: &Value) -> Answer {
    let external_id = body["external_id"].as_str();
    let is_taken = external_id.is_some_and(|id| {
        let others = world.organizations.iter();
        others.filter(|one| one["external_id"] == id).count() > 0
    });
    if is_taken {
        return (
            400,
            json!({"code": "external_id_already_used", "message": "The external id is in use."}),
        );
    }
    let id = world.new_id("org");
    let name = body["name"].as_str().unwrap_or_default().trim().to_owned();
    let domains = body["domain_data"].as_array().into_iter().flatten();
    let domains: Vec<Value> = domains
        .map(|one| {
            let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
            World::domain(&id, &text("domain"), &text("state"))
        })
        .collect();
    let mut more = json!({"domains": domains});
    for field in [
        "external_id",
        "stripe_customer_id",
        "allow_profiles_outside_organization",
        "metadata",
    ] {
        if !body[field].is_null() {
            more[field] = body[field].clone();
        }
    }
    world.organization(&id, &name, &more);
    (201, world.find(&id).cloned().unwrap_or_default())
}

fn update(world: &mut World, id: &str, body: &Value) -> Answer {
    let Some(organization) = world.organizations.iter_mut().find(|one| one["id"] == id) else {
        return not_found();
    };
    if let Some(name) = body["name"].as_str() {
        organization["name"] = json!(name.trim());
    }
    for field in [
        "external_id",
        "stripe_customer_id",
        "allow_profiles_outside_organization",
    ] {
        if let Some(value) = body.get(field) {
            organization[field] = value.clone();
        }
    }
    if let Some(metadata) = body["metadata"].as_object() {
        if world.replaces_metadata {
            organization["metadata"] = json!(metadata);
            return (200, organization.clone());
        }
        if metadata.is_empty() {
            organization["metadata"] = json!({});
        }
        let kept = organization["metadata"].as_object_mut();
        let kept = kept.expect("every organization of the stand-in has metadata");
        for (key, value) in metadata {
            if value.is_null() {
                kept.remove(key);
            } else {
                kept.insert(key.clone(), value.clone());
            }
        }
    }
    (200, organization.clone())
}

fn add_domain(world: &mut World, body: &Value) -> Answer {
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let (id, domain) = (text("organization_id"), text("domain"));
    let Some(organization) = world.organizations.iter_mut().find(|one| one["id"] == *id) else {
        return not_found();
    };
    let domain = World::domain(&id, &domain, "pending");
    if let Some(domains) = organization["domains"].as_array_mut() {
        domains.push(domain.clone());
    }
    (201, domain)
}

fn find_domain(world: &World, id: &str) -> Answer {
    let domains = world
        .organizations
        .iter()
        .filter_map(|one| one["domains"].as_array());
    let found = domains.flatten().find(|domain| domain["id"] == id);
    found.map_or_else(not_found, |domain| (200, domain.clone()))
}

/// Oldest first, whatever `order` says, read on by `after` alone.
fn events(world: &World, query: &BTreeMap<String, String>) -> Answer {
    let Some(kinds) = query.get("events") else {
        return (
            422,
            json!({"code": "invalid_request", "message": "events is required"}),
        );
    };
    if query.contains_key("after") && query.contains_key("range_start") {
        return (
            400,
            json!({"code": "invalid_request", "message": "after and range_start exclude each other"}),
        );
    }
    let organization = query.get("organization_id");
    let wanted = world.events.iter().filter(|event| {
        let is_of =
            |id: &String| event["data"]["organization_id"] == **id || event["data"]["id"] == **id;
        kinds.split(',').any(|kind| event["event"] == kind) && organization.is_none_or(is_of)
    });
    let start = query.get("range_start");
    let wanted = wanted.filter(|event| {
        let at = event["created_at"].as_str().unwrap_or_default();
        start.is_none_or(|start| at >= start.as_str())
    });
    let mut forward = query.clone();
    forward.insert("order".to_owned(), "asc".to_owned());
    forward.remove("before");
    page(wanted, &forward)
}

fn of_organization<'a>(
    objects: &'a [Value],
    query: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = &'a Value> {
    let wanted = query.get("organization_id");
    objects
        .iter()
        .filter(move |one| wanted.is_none_or(|wanted| one["organization_id"] == *wanted))
}

/// One page of a list that is kept oldest first, by `limit`, `order`, `after` and `before`.
fn page<'a>(objects: impl Iterator<Item = &'a Value>, query: &BTreeMap<String, String>) -> Answer {
    let mut objects: Vec<Value> = objects.cloned().collect();
    if query.get("order").is_none_or(|order| order == "desc") {
        objects.reverse();
    }
    let limit = query.get("limit").and_then(|limit| limit.parse().ok());
    let limit: usize = limit.unwrap_or(10);
    let place = |id: &String| objects.iter().position(|one| one["id"] == **id);
    let (start, end) = match (query.get("after"), query.get("before")) {
        (Some(after), _) => {
            let start = place(after).map_or(objects.len(), |at| at + 1);
            (start, (start + limit).min(objects.len()))
        }
        (None, Some(before)) => {
            let end = place(before).unwrap_or(0);
            (end.saturating_sub(limit), end)
        }
        (None, None) => (0, limit.min(objects.len())),
    };
    let id = |at: usize| objects.get(at).map(|one| one["id"].clone());
    let after = (end < objects.len() && end > start).then(|| id(end - 1));
    let before = (start > 0 && end > start).then(|| id(start));
    (
        200,
        json!({
            "object": "list", "data": objects[start..end],
            "list_metadata": {"before": before.flatten(), "after": after.flatten()},
        }),
    )
}

fn list(objects: &[Value]) -> Value {
    json!({"object": "list", "data": objects, "list_metadata": {"before": null, "after": null}})
}

fn not_found() -> Answer {
    (404, json!({"code": "not_found", "message": "Not found."}))
}

fn merge(object: &mut Value, more: &Value) {
    let none = Map::new();
    for (field, value) in more.as_object().unwrap_or(&none) {
        object[field] = value.clone();
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let (method, target, body, key) = http::read_request_with_key(stream)?;
    let url = url::Url::parse(&format!("http://stand-in{target}")).ok()?;
    Some(Request {
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        body: serde_json::from_str(&body).unwrap_or(Value::Null),
        key,
    })
}
