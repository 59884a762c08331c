//! The way of reading changes the cost, never the plan.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use proptest::prelude::*;

use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{Plan, PlanInput, Policy, Target, plan};
use portalctl_core::readiness::{Readiness, readiness};
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::Selection;
use portalctl_model::desired::Desired;
use portalctl_model::observed::{Coverage, Observed};
use portalctl_platform::clock::FixedClock;
use portalctl_workos::observe::{Contacts, Entries, Extent, observe, observe_contacts};
use portalctl_workos::{
    ApiKey, Client, Endpoint, List, Rate, ReadPortal, ReadProgress, Settings, Transport,
    TransportError,
};
use workos_sandbox::scenario::{
    Scenario, ScenarioConnection, ScenarioContact, ScenarioDomain, ScenarioOrganization,
};
use workos_sandbox::world::{ConnectionState, DomainState, World};
use workos_sandbox::{RateLimit, Sandbox, SandboxOptions};

/// Carries requests to a sandbox in this process.
pub(crate) struct InProcess(pub(crate) Sandbox);

impl Transport for InProcess {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move { Ok(self.0.call(request).await) })
    }
}

struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _: List, _: usize) {}
}

fn now() -> jiff::Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

/// An account with more organizations than one page holds, and whatever else is asked for.
fn account(others: usize, interesting: Vec<ScenarioOrganization>) -> Sandbox {
    let filler = (0..others).map(|n| ScenarioOrganization {
        name: format!("Filler {n}"),
        external_id: Some(format!("filler-{n}")),
        ..ScenarioOrganization::default()
    });
    let mut organizations: Vec<ScenarioOrganization> = filler.collect();
    // In the middle, where neither end shows them.
    let middle = organizations.len() / 2;
    organizations.splice(middle..middle, interesting);
    let scenario = Scenario {
        organizations,
        rules: None,
    };
    let mut world = World::new(11);
    scenario.build(&mut world, now()).unwrap();
    let mut options = SandboxOptions::new(Arc::new(FixedClock::at(now())), world);
    options.rate_limit = RateLimit::Off;
    Sandbox::new(options)
}

fn client(sandbox: &Sandbox) -> Client {
    client_over(InProcess(sandbox.clone()))
}

fn client_over(transport: impl Transport + 'static) -> Client {
    Client::new(Settings {
        endpoint: Endpoint::default(),
        key: Some(ApiKey::parse("sk_test_reading").unwrap()),
        transport: Arc::new(transport),
        clock: Arc::new(FixedClock::from(now())),
        rate: Rate::default(),
        seed: 1,
    })
}

fn desired(yaml: &str) -> Desired {
    let checked = manifest::read(&[Input::Stdin(yaml.as_bytes().to_vec())]);
    checked
        .desired
        .unwrap_or_else(|| panic!("{:?}\n{yaml}", checked.diagnostics))
}

struct View {
    observed: Observed,
    plan: Plan,
    readiness: Readiness,
    requests: u64,
}

async fn look(sandbox: &Sandbox, desired: &Desired, extent: Extent) -> View {
    look_by(client(sandbox), desired, extent).await
}

async fn look_by(client: Client, desired: &Desired, extent: Extent) -> View {
    let everything = Selection::default();
    let (mut observed, identities) = observe(&client, desired, &everything, extent, &Silent)
        .await
        .unwrap();
    let contacts = observe_contacts(
        &client,
        Entries {
            desired,
            selection: &everything,
            observed: &observed,
            identities: &identities,
        },
        Contacts::Unmarked,
    );
    observed.it_contacts = contacts.await.unwrap();
    let readiness = readiness(desired, &observed, &identities, &everything, now());
    let mut plan = plan(
        PlanInput {
            desired,
            observed: &observed,
            identities: &identities,
            unconfigured: &readiness.unconfigured(),
            policy: Policy::default(),
            selection: &everything,
        },
        Target::default(),
    );
    // The number of undeclared organizations is a note, and only a list shows it.
    plan.unmanaged = portalctl_core::plan::Unmanaged::default();
    View {
        observed,
        plan,
        readiness,
        requests: client.requests_used(),
    }
}

#[tokio::test(start_paused = true)]
async fn three_of_ten_thousand_are_looked_up() {
    let customer = |n: usize| ScenarioOrganization {
        name: format!("Customer {n}"),
        external_id: Some(format!("customer-{n}")),
        domains: vec![ScenarioDomain {
            domain: format!("customer{n}.com"),
            state: DomainState::Verified,
        }],
        ..ScenarioOrganization::default()
    };
    let sandbox = account(10_000, (1..=3).map(customer).collect());
    let mut yaml = String::from("version: 1\norganizations:\n");
    for n in 1..=3 {
        yaml.push_str(&format!(
            "  customer-{n}:\n    name: Customer {n}\n    domains: [customer{n}.com]\n    \
             intents: [sso, dsync, domain_verification]\n"
        ));
    }
    let view = look(&sandbox, &desired(&yaml), Extent::Cheapest).await;
    assert_eq!(view.observed.coverage, Coverage::LookedUp);
    assert!(view.requests <= 16, "{} requests", view.requests);
    assert!(view.plan.is_settled(), "{:?}", view.plan);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_not_found_makes_the_whole_list_be_read() {
    let twin = ScenarioOrganization {
        name: "Acme".to_owned(),
        domains: vec![ScenarioDomain {
            domain: "acme.com".to_owned(),
            state: DomainState::Verified,
        }],
        ..ScenarioOrganization::default()
    };
    let sandbox = account(300, vec![twin]);
    let yaml = "version: 1\norganizations:\n  acme: { name: Acme, domains: [acme.com] }\n";
    let view = look(&sandbox, &desired(yaml), Extent::Cheapest).await;
    assert_eq!(view.observed.coverage, Coverage::Listed);
    assert_eq!(
        view.plan.held.len(),
        1,
        "the organization without external id is adoptable"
    );
}

/// Carries requests to a sandbox whose list of organizations omits one, from either end.
struct Omitting(Sandbox, String);

impl Transport for Omitting {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let is_list = request.uri().path() == "/organizations";
            let answer = self.0.call(request).await;
            if !is_list {
                return Ok(answer);
            }
            let (parts, body) = answer.into_parts();
            let mut page: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let items = page["data"].as_array_mut().unwrap();
            items.retain(|item| item["external_id"] != self.1.as_str());
            Ok(Response::from_parts(parts, page.to_string().into()))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_was_looked_up_is_not_created_again_where_the_list_omits_it() {
    let acme = ScenarioOrganization {
        name: "Acme".to_owned(),
        external_id: Some("acme".to_owned()),
        ..ScenarioOrganization::default()
    };
    let sandbox = account(450, vec![acme]);
    let client = client_over(Omitting(sandbox, "acme".to_owned()));
    let desired = desired(
        "version: 1\norganizations:\n  acme: {name: Acme, intents: [sso]}\n  zeta: {name: Zeta, \
         intents: [sso]}\n",
    );
    let view = look_by(client, &desired, Extent::Cheapest).await;
    assert_eq!(view.observed.coverage, Coverage::Listed);
    let changes = view.plan.changes.iter();
    let created: Vec<_> = changes.map(|change| change.key.as_str()).collect();
    assert_eq!(created, ["zeta"]);
}

#[tokio::test(start_paused = true)]
async fn serving_one_customer_never_lists_the_environment() {
    let acme = ScenarioOrganization {
        name: "Acme".to_owned(),
        external_id: Some("acme".to_owned()),
        connections: vec![ScenarioConnection {
            state: ConnectionState::Active,
            kind: None,
            certificates: Vec::new(),
        }],
        ..ScenarioOrganization::default()
    };
    let sandbox = account(1_000, vec![acme]);
    let yaml = "version: 1\ndefaults: { intents: [sso] }\norganizations:\n  \
                acme: { name: Acme }\n  gone: { name: Gone }\n";
    let view = look(&sandbox, &desired(yaml), Extent::Named).await;
    assert_eq!(view.observed.coverage, Coverage::LookedUp);
    // Two organizations, the connections of the one that is there, and the name of the other.
    assert_eq!(view.requests, 4);
    assert_eq!(view.readiness.totals().configured, 1);
}

#[tokio::test(start_paused = true)]
async fn all_of_a_bulk_import_is_listed() {
    // All made in the same second, as an import makes them: nothing but reading on tells how many.
    let connected = |n: usize| ScenarioOrganization {
        name: format!("Customer {n}"),
        external_id: Some(format!("customer-{n}")),
        connections: vec![ScenarioConnection {
            state: ConnectionState::Active,
            kind: None,
            certificates: Vec::new(),
        }],
        ..ScenarioOrganization::default()
    };
    let sandbox = account(0, (0..1_000).map(connected).collect());
    let mut yaml = String::from("version: 1\ndefaults: { intents: [sso] }\norganizations:\n");
    for n in 0..1_000 {
        yaml.push_str(&format!("  customer-{n}: {{ name: Customer {n} }}\n"));
    }
    let view = look(&sandbox, &desired(&yaml), Extent::Cheapest).await;
    assert_eq!(view.observed.coverage, Coverage::Listed);
    let a_list = 1_000 / 100 + 2;
    assert!(view.requests <= 2 * a_list, "{} requests", view.requests);
    assert_eq!(view.readiness.totals().configured, 1_000);
}

#[derive(Debug, Clone)]
struct Case {
    live: Vec<ScenarioOrganization>,
    yaml: String,
}

/// A handful of live organizations and entries over the same few ids, names and domains, so that
/// they meet in every way.
fn cases() -> impl Strategy<Value = Case> {
    let live = prop::collection::vec(
        (
            0..4_usize,
            prop::bool::ANY,
            prop::collection::vec((0..4_usize, 0..3_usize), 0..3),
        ),
        0..5,
    );
    let entries = prop::collection::btree_map(
        0..4_usize,
        (
            0..4_usize,
            prop::option::of(4..6_usize),
            prop::collection::btree_set(0..4_usize, 0..2),
        ),
        1..4,
    );
    (live, entries).prop_map(|(live, entries)| Case {
        live: live_organizations(live),
        yaml: manifest_of(&entries),
    })
}

type LiveRow = (usize, bool, Vec<(usize, usize)>);

fn live_organizations(rows: Vec<LiveRow>) -> Vec<ScenarioOrganization> {
    let mut taken = std::collections::BTreeSet::new();
    rows.into_iter()
        .enumerate()
        .map(|(index, (name, has_id, domains))| {
            let id = format!("key-{index}");
            let mut held = std::collections::BTreeSet::new();
            let domains = domains
                .into_iter()
                .filter(|(domain, _)| held.insert(*domain))
                .map(|(domain, state)| {
                    // WorkOS lets one organization only have a domain verified.
                    let state = match state {
                        0 if taken.insert(domain) => DomainState::Verified,
                        _ => DomainState::Pending,
                    };
                    ScenarioDomain {
                        domain: format!("domain{domain}.com"),
                        state,
                    }
                })
                .collect();
            ScenarioOrganization {
                name: format!("Name {name}"),
                external_id: has_id.then_some(id),
                domains,
                it_contacts: vec![ScenarioContact {
                    email: "Ada@acme.com".to_owned(),
                    invited: std::collections::BTreeSet::new(),
                }],
                ..ScenarioOrganization::default()
            }
        })
        .collect()
}

type EntryRow = (usize, Option<usize>, std::collections::BTreeSet<usize>);

fn manifest_of(entries: &std::collections::BTreeMap<usize, EntryRow>) -> String {
    let mut yaml = String::from("version: 1\norganizations:\n");
    for (key, (name, previous, domains)) in entries {
        yaml.push_str(&format!("  key-{key}:\n    name: Name {name}\n"));
        if let Some(previous) = previous {
            yaml.push_str(&format!("    previous_keys: [key-{previous}-{key}]\n"));
        }
        // A domain twice in a manifest needs this; and without conflicts there is more to compare.
        yaml.push_str("    allow_shared_domain: ");
        yaml.push_str(if key % 2 == 0 { "true\n" } else { "false\n" });
        let own: Vec<String> = domains
            .iter()
            .filter(|domain| *domain % 2 == key % 2)
            .map(|domain| format!("domain{domain}.com"))
            .collect();
        if !own.is_empty() && (key % 2 == 0 || entries.len() == 1) {
            yaml.push_str(&format!("    domains: [{}]\n", own.join(", ")));
        }
        yaml.push_str("    intents: [sso, dsync, domain_verification, audit_logs]\n");
        yaml.push_str("    it_contacts: [ada@acme.com, bob@acme.com]\n    invite: once\n");
    }
    yaml
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn looking_up_and_listing_give_the_same_plan(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let sandbox = account(220, case.live.clone());
            let desired = desired(&case.yaml);
            let listed = look(&sandbox, &desired, Extent::Everything).await;
            let cheapest = look(&sandbox, &desired, Extent::Cheapest).await;
            assert_eq!(Digest::of(&cheapest.plan), Digest::of(&listed.plan));
            assert_eq!(cheapest.plan, listed.plan);
            assert_eq!(cheapest.readiness, listed.readiness);
            // One customer read alone is as far as among all.
            for one in &listed.readiness.organizations {
                let only = Selection::new(&[one.key.to_string()], &[]).unwrap();
                let client = client(&sandbox);
                let named = observe(&client, &desired, &only, Extent::Named, &Silent).await;
                let (observed, identities) = named.unwrap();
                let alone = readiness(&desired, &observed, &identities, &only, now());
                assert_eq!(alone.organizations, std::slice::from_ref(one));
            }
        });
    }
}
