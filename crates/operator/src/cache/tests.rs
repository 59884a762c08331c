//! Tests of the cache against a sandbox in this process. Time is virtual.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

use super::super::schedule::Intervals;
use super::*;
use portalctl_manifest::{Input, read};
use portalctl_model::desired::DeclaredDomainState;
use portalctl_model::observed::{Listing, Organization};
use portalctl_model::{Domain, Email, ExternalId};
use portalctl_platform::clock::{FixedClock, SharedClock};
use portalctl_workos::{
    ApiKey, Client, Endpoint, NewOrganization, OrganizationPatch, Rate, Settings, Transport,
    TransportError, WritePortal,
};
use workos_sandbox::world::World;
use workos_sandbox::{RateLimit, Sandbox, SandboxOptions};

const INTERVALS: Intervals = Intervals {
    poll: Duration::from_mins(1),
    resync: Duration::from_hours(1),
    sweep: Duration::from_hours(1),
    pace: 4,
};

/// The sandbox, with ends of paths that answer with a status instead.
struct InProcess(Sandbox, Arc<Mutex<Vec<(&'static str, u16)>>>);

impl Transport for InProcess {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let path = request.uri().path();
        let failing = self.1.lock().unwrap().clone();
        let mut failing = failing.into_iter();
        if let Some((_, status)) = failing.find(|(part, _)| path.ends_with(part)) {
            let body = Bytes::from_static(br#"{"code":"feature_not_enabled","message":"no"}"#);
            let answer = Response::builder().status(status).body(body).unwrap();
            return Box::pin(async move { Ok(answer) });
        }
        Box::pin(async move { Ok(self.0.call(request).await) })
    }
}

/// An environment and what is known of it.
struct Fixture {
    client: Client,
    clock: SharedClock,
    failing: Arc<Mutex<Vec<(&'static str, u16)>>>,
    desired: Desired,
    cache: Option<Cache>,
    schedule: Schedule,
}

impl Fixture {
    fn new(organizations: &str) -> Self {
        let start = "2026-01-15T12:00:00Z".parse().unwrap();
        let clock: SharedClock = Arc::new(FixedClock::from(start));
        let mut options = SandboxOptions::new(Arc::clone(&clock), World::new(7));
        options.rate_limit = RateLimit::Off;
        let failing = Arc::default();
        let client = Client::new(Settings {
            endpoint: Endpoint::default(),
            key: ApiKey::parse("sk_test_0123456789abcdef").ok(),
            transport: Arc::new(InProcess(Sandbox::new(options), Arc::clone(&failing))),
            clock: Arc::clone(&clock),
            rate: Rate::default(),
            seed: 1,
        });
        let text = format!("version: 1\norganizations:\n{organizations}");
        let desired = read(&[Input::Stdin(text.into_bytes())]).desired.unwrap();
        Self {
            client,
            clock,
            failing,
            desired,
            cache: None,
            schedule: Schedule::new(INTERVALS),
        }
    }

    /// Looks after some time; how many requests that took.
    async fn look_after(&mut self, time: Duration) -> u64 {
        tokio::time::advance(time).await;
        let before = self.client.requests_used();
        update(
            &mut self.cache,
            &mut self.schedule,
            &self.client,
            &self.desired,
            &*self.clock,
        )
        .await
        .unwrap();
        self.client.requests_used() - before
    }

    async fn create(&self, external_id: &str) -> Organization {
        let new = NewOrganization {
            allow_profiles_outside_organization: None,
            name: external_id.to_owned(),
            external_id: ExternalId::parse(external_id).unwrap(),
            domains: BTreeMap::from([(
                Domain::parse(&format!("{external_id}.example.com")).unwrap(),
                DeclaredDomainState::Pending,
            )]),
            metadata: BTreeMap::new(),
        };
        self.client.create_organization(&new).await.unwrap()
    }

    fn cache(&mut self) -> &mut Cache {
        self.cache.as_mut().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_is_tried_again_alone_and_the_others_stay_known() {
    // A refusal lasts until everything is listed again; an answer that is none may pass earlier.
    for (status, again) in [(200, RETRY_FAILED), (422, INTERVALS.resync)] {
        let mut watched = Fixture::new("  acme: { name: acme, intents: [sso, dsync] }\n");
        watched.create("acme").await;
        *watched.failing.lock().unwrap() = vec![("/connections", status)];
        watched.look_after(Duration::ZERO).await;
        let observed = &watched.cache().observed;
        assert_eq!(observed.organizations.len(), 1);
        assert!(matches!(observed.connections, Listing::Failed(_)));
        assert!(matches!(observed.directories, Listing::Read(_)));
        // A poll reads the events and does not ask for the list again.
        assert_eq!(watched.look_after(INTERVALS.poll).await, 1);
        watched.failing.lock().unwrap().clear();
        watched.look_after(again).await;
        let observed = &watched.cache().observed;
        assert!(matches!(observed.connections, Listing::Read(_)), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_objects_failing_read_is_tried_again_before_the_next_sweep() {
    let mut watched = Fixture::new("  acme: { name: acme, intents: [audit_logs] }\n");
    let id = watched.create("acme").await.id;
    *watched.failing.lock().unwrap() = vec![("/audit_log_configuration", 422)];
    watched.look_after(Duration::ZERO).await;
    let asked = |watched: &mut Fixture| watched.cache().observed.audit_logs.get(&id).cloned();
    assert!(matches!(asked(&mut watched), Some(Answer::Failed(_))));
    watched.failing.lock().unwrap().clear();
    watched.look_after(INTERVALS.poll).await;
    assert!(matches!(asked(&mut watched), Some(Answer::Failed(_))));
    watched.look_after(RETRY_FAILED).await;
    assert!(!matches!(
        asked(&mut watched),
        Some(Answer::Failed(_)) | None
    ));
}

#[tokio::test(start_paused = true)]
async fn events_that_fail_leave_the_lists_known() {
    let mut watched = Fixture::new("  acme: { name: acme, intents: [sso] }\n");
    watched.create("acme").await;
    watched.look_after(Duration::ZERO).await;
    *watched.failing.lock().unwrap() = vec![("/events", 422)];
    for _ in 0..3 {
        watched.look_after(INTERVALS.poll).await;
    }
    // Only a listing tells of it now, and it is at most so old.
    watched.create("globex").await;
    watched
        .look_after(MAX_AGE_WITHOUT_EVENTS.unsigned_abs())
        .await;
    assert_eq!(watched.cache().observed.organizations.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_nothing_happens_a_poll_is_one_request() {
    let mut watched = Fixture::new("  acme: { name: acme, intents: [sso, dsync] }\n");
    watched.create("acme").await;
    assert_eq!(watched.look_after(Duration::ZERO).await, 3);
    // The listing told what the events of shortly before tell.
    assert_eq!(watched.look_after(INTERVALS.poll).await, 1);
    assert_eq!(watched.look_after(INTERVALS.poll).await, 1);
    assert_eq!(watched.look_after(Duration::from_secs(1)).await, 0);
    assert_eq!(watched.look_after(INTERVALS.resync).await, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_here_is_not_read_again_and_what_others_write_is() {
    let mut watched = Fixture::new("  acme: { name: acme }\n");
    watched.look_after(Duration::ZERO).await;
    let created = watched.create("acme").await;
    let id = created.id.clone();
    let known = &mut watched.cache().observed.organizations;
    known.insert(id.clone(), created);
    assert_eq!(watched.look_after(INTERVALS.poll).await, 1);

    watched.clock.sleep(Duration::from_secs(1)).await;
    let patch = OrganizationPatch {
        name: Some("Theirs".to_owned()),
        ..OrganizationPatch::default()
    };
    watched
        .client
        .update_organization(&id, &patch)
        .await
        .unwrap();
    assert_eq!(watched.look_after(INTERVALS.poll).await, 4);
    assert_eq!(watched.cache().observed.organizations[&id].name, "Theirs");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_workos_does_not_know_any_more_means_one_listing() {
    let mut watched = Fixture::new("  acme: { name: acme }\n");
    watched.look_after(Duration::ZERO).await;
    watched.cache().since = Since::Event("event_gone".to_owned());
    assert_eq!(watched.look_after(INTERVALS.poll).await, 4);
    assert_eq!(watched.look_after(INTERVALS.poll).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_one_by_one_is_asked_once_an_interval_within_a_share_of_the_pace() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let entry = |name: &&str| format!("  {name}: {{ name: {name}, intents: [audit_logs] }}\n");
    let mut watched = Fixture::new(&names.iter().map(entry).collect::<String>());
    for name in names {
        watched.create(name).await;
    }
    // Three lists, and what fits into one second of the pace.
    assert_eq!(watched.look_after(Duration::ZERO).await, 3 + 4);
    assert_eq!(watched.look_after(Duration::from_secs(3)).await, 0);
    assert_eq!(watched.look_after(Duration::from_secs(1)).await, 2);
    assert_eq!(watched.look_after(INTERVALS.poll).await, 1);
    assert_eq!(watched.cache().observed.audit_logs.len(), 6);
    assert_eq!(watched.look_after(INTERVALS.sweep).await, 3 + 4);
}

/// The steady state of `docs/reference/performance.md`: an hour of nothing, counted.
#[tokio::test(start_paused = true)]
async fn a_steady_hour_costs_a_request_a_poll_and_each_list_and_question_once() {
    for count in [3_usize, 250] {
        let entry = |n: usize| format!("  c{n}: {{ name: c{n}, intents: [sso, audit_logs] }}\n");
        let mut watched = Fixture::new(&(0..count).map(entry).collect::<String>());
        for n in 0..count {
            watched.create(&format!("c{n}")).await;
        }
        let second = Duration::from_secs(1);
        for _ in 0..600 {
            watched.look_after(second).await;
        }
        assert_eq!(watched.cache().observed.audit_logs.len(), count);
        let mut requests = 0;
        for _ in 0..INTERVALS.resync.as_secs() {
            requests += watched.look_after(second).await;
        }
        let polls = 60;
        let list_of_organizations = count.div_ceil(100) + 2;
        let lists = list_of_organizations + 2;
        let most = u64::try_from(polls + lists + count).unwrap();
        assert!(requests <= most, "{count}: {requests} > {most}");
        assert!(requests > 50, "{count}: {requests}");
    }
}

#[tokio::test(start_paused = true)]
async fn contacts_that_were_added_are_asked_for_anew() {
    let mut watched = Fixture::new("  acme: { name: acme, it_contacts: [ada@acme.com] }\n");
    let id = watched.create("acme").await.id;
    watched.look_after(Duration::ZERO).await;
    let contacts = watched.cache().observed.it_contacts.get(&id).cloned();
    assert_eq!(contacts, Some(Answer::Found(Vec::new())));
    let ada = Email::parse("ada@acme.com").unwrap();
    watched.client.add_it_contact(&id, &ada).await.unwrap();
    watched.cache().forget_answers(&id);
    assert_eq!(watched.look_after(Duration::from_secs(1)).await, 1);
    let contacts = watched.cache().observed.it_contacts.get(&id).cloned();
    assert!(matches!(contacts, Some(Answer::Found(held)) if held.len() == 1));
}
