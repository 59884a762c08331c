//! Fuzzes the answers of WorkOS: every request ends with an answer or an error, and no error
//! contains the key.
//!
//! The input is a script: a line for each answer, its status, a space, its body. The last is
//! repeated for ever.

#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use portalctl_model::observed::EventKind;
use portalctl_model::{Domain, Email, ExternalId, Intent, OrganizationId};
use portalctl_platform::clock::FixedClock;
use portalctl_workos::{
    ApiError, ApiKey, ApiResult, Client, Endpoint, EventFilter, LinkRequest, List, NewOrganization,
    Rate, ReadPortal, ReadProgress, Settings, SsoOptions, Transport, TransportError,
    TransportErrorKind, WritePortal,
};

const START: &str = "2026-01-15T12:00:00Z";
const KEY: &str = "sk_test_canary0123456789";
const EVENTS: [EventKind; 2] = [
    EventKind::ConnectionActivated,
    EventKind::DirectoryActivated,
];
/// A script that never ends a list is cut off here, as the network would.
const MAX_ANSWERS: usize = 100;

struct Script {
    answers: Vec<(u16, Bytes)>,
    given: AtomicUsize,
}

impl Script {
    fn of(input: &[u8]) -> Self {
        let answers = input.split(|byte| *byte == b'\n').map(|line| {
            let (status, body) = match line.iter().position(|byte| *byte == b' ') {
                Some(space) => (&line[..space], &line[space + 1..]),
                None => (&b"200"[..], line),
            };
            let status = std::str::from_utf8(status).ok();
            let status = status.and_then(|status| status.parse().ok()).unwrap_or(200);
            (status, Bytes::copy_from_slice(body))
        });
        Self {
            answers: answers.collect(),
            given: AtomicUsize::new(0),
        }
    }
}

impl Transport for Script {
    fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let scripted = self.answers.get(number).or(self.answers.last());
        let answer = match scripted {
            Some((status, body)) if number < MAX_ANSWERS => {
                let mut answer = Response::new(body.clone());
                *answer.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::OK);
                Ok(answer)
            }
            _ => Err(TransportError::new(TransportErrorKind::Broken, "cut off")),
        };
        Box::pin(std::future::ready(answer))
    }
}

struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _: List, _: usize) {}
}

fn told<T>(result: ApiResult<T>) -> Option<T> {
    result
        .map_err(|error: ApiError| holds_no_secret(&format!("{error} {error:?}")))
        .ok()
}

fn holds_no_secret(text: &str) {
    assert!(!text.contains(KEY), "{text}");
}

async fn read(client: &Client, id: &OrganizationId) {
    let external_id = ExternalId::parse("acme").unwrap();
    let domain = Domain::from_api("acme.com");
    let filter = EventFilter {
        kinds: &EVENTS,
        organization: Some(id),
        since: Some(START.parse().unwrap()),
    };
    told(client.organizations(&Silent, 1).await);
    told(client.organizations_within(&Silent, 3, 1).await);
    told(client.organizations_by_domain(&domain).await);
    told(client.organization(id).await);
    told(client.organization_by_external_id(&external_id).await);
    told(client.connections(&Silent).await);
    told(client.directories(&Silent).await);
    told(client.certificates("conn_1").await);
    told(client.audit_log_configuration(id).await);
    told(client.it_contacts(id).await);
    told(client.has_members(id).await);
    told(client.webhook_endpoints().await);
    told(client.events(&EventFilter::of(&EVENTS)).await);
    told(client.events(&filter).await);
}

async fn write(client: &Client, id: &OrganizationId) {
    let acme = NewOrganization {
        name: "Acme".to_owned(),
        external_id: ExternalId::parse("acme").unwrap(),
        domains: BTreeMap::new(),
        metadata: BTreeMap::new(),
        allow_profiles_outside_organization: None,
    };
    let link = LinkRequest {
        organization: id.clone(),
        intent: Intent::Sso,
        return_url: None,
        success_url: None,
        external_user_id: None,
        sso: SsoOptions::default(),
        it_contacts: Vec::new(),
    };
    let email = Email::parse("it@acme.com").unwrap();
    told(client.create_organization(&acme).await);
    told(client.add_domain(id, &Domain::from_api("acme.com")).await);
    told(client.verify_domain("org_domain_1").await);
    told(client.add_it_contact(id, &email).await);
    told(client.generate_link(&link).await);
}

fuzz_target!(|input: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = Client::new(Settings {
            endpoint: Endpoint::default(),
            key: Some(ApiKey::parse(KEY).unwrap()),
            transport: Arc::new(Script::of(input)),
            clock: Arc::new(FixedClock::from(START.parse().unwrap())),
            rate: Rate::default(),
            seed: 1,
        });
        let id = OrganizationId::from_api("org_1");
        read(&client, &id).await;
        write(&client, &id).await;
    });
});
