//! Tests the gateway as a library inside another program, which provides the customers.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use portalctl_gateway::{Config, Customers, Gateway, Options, PublicUrl};
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::desired::Desired;
use portalctl_platform::clock::{SharedClock, SystemClock};
use portalctl_workos::{ApiKey, Client, Endpoint, Rate, Settings};
use workos_sandbox::scenario::{Scenario, ScenarioOrganization};
use workos_sandbox::world::World;
use workos_sandbox::{Sandbox, SandboxOptions};

use crate::reading::InProcess;
use crate::support::cli::TestEnv;
use crate::support::gateway::{CONFIG, MANIFEST, SECRET, ask, claims, signed};
use crate::support::wait;

pub(super) fn desired(env: &TestEnv, manifest: &str) -> Arc<Desired> {
    env.write("portal.yaml", manifest);
    let checked = manifest::read(&[Input::Path(env.path("portal.yaml"))]);
    Arc::new(checked.desired.unwrap())
}

/// Returns a client of an account that has all customers.
fn client(clock: &SharedClock, keys: &[&str]) -> Client {
    let organizations = keys.iter().map(|key| ScenarioOrganization {
        name: (*key).to_owned(),
        external_id: Some((*key).to_owned()),
        ..ScenarioOrganization::default()
    });
    let scenario = Scenario {
        organizations: organizations.collect(),
        rules: None,
    };
    let mut world = World::new(7);
    scenario.build(&mut world, clock.now()).unwrap();
    let sandbox = Sandbox::new(SandboxOptions::new(Arc::clone(clock), world));
    Client::new(Settings {
        endpoint: Endpoint::in_process(),
        key: Some(ApiKey::parse("sk_test_watched").unwrap()),
        transport: Arc::new(InProcess(sandbox)),
        clock: Arc::clone(clock),
        rate: Rate::default(),
        seed: 1,
    })
}

pub(super) fn gateway(
    env: &TestEnv,
    config: &str,
    url: &str,
    customers: watch::Receiver<Arc<Desired>>,
) -> Gateway {
    env.write("handoff.secret", SECRET);
    let clock: SharedClock = Arc::new(SystemClock);
    Gateway::open(Options {
        client: client(&clock, &["acme", "umbrella"]),
        clock,
        config: Config::read(config, Path::new(&env.path(""))).unwrap(),
        config_file: None,
        public_url: PublicUrl::parse(url).unwrap(),
        customers: Customers::Watched(customers),
    })
    .unwrap()
}

/// Hands over an admin of an organization, and returns the status.
fn hand_over(address: &str, organization: &str) -> u16 {
    let mut claims = claims(&format!("http://{address}"));
    claims["organization"] = json!(organization);
    let path = format!("/portal/{organization}/sso?token={}", signed(&claims));
    ask(address, "GET", &path, &[], "").status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_the_customers_are_may_be_told_by_somebody_else() {
    let env = TestEnv::new();
    let more = "  umbrella: { name: Umbrella, intents: [sso] }\n";
    let (tell, customers) = watch::channel(desired(&env, MANIFEST));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let gateway = gateway(&env, CONFIG, &format!("http://{address}"), customers);
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(gateway.serve(listener, shutdown.clone()));
    let more = desired(&env, &format!("{MANIFEST}{more}"));
    let asking = tokio::task::spawn_blocking(move || {
        wait::until("readiness", || {
            (ask(&address, "GET", "/readyz", &[], "").status == 200).then_some(())
        });
        let before = [hand_over(&address, "acme"), hand_over(&address, "umbrella")];
        tell.send(more).unwrap();
        (before, hand_over(&address, "umbrella"))
    });
    assert_eq!(asking.await.unwrap(), ([303, 403], 303));
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}
