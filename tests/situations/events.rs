//! Tests that the log of events is read to its end, although it is always sorted by the oldest
//! first.

use serde_json::json;

use crate::support::cli::TestEnv;
use crate::support::stand_in::{StandIn, World};

/// So many customers that their events fill three pages.
const CUSTOMERS: usize = 250;

fn manifest() -> String {
    let mut text = "version: 1\norganizations:\n".to_owned();
    for number in 0..CUSTOMERS {
        text +=
            &format!("  c{number}: {{name: Customer {number}, intents: [bring_your_own_key]}}\n");
    }
    text
}

/// The time of an event of the last days, by this machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the built binary reads the same clock"
)]
fn hours_ago(hours: i64) -> String {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
    format!("{at:.3}")
}

/// Every customer's key was verified; the last one's was deleted later.
fn world(world: &mut World) {
    for number in 0..CUSTOMERS {
        let id = format!("org_{number:03}");
        let name = format!("Customer {number}");
        world.organization(&id, &name, &json!({"external_id": format!("c{number}")}));
        world.event(
            "vault.byok_key.verification_completed",
            &hours_ago(1_500 - i64::try_from(number).unwrap()),
            &json!({"organization_id": id, "verified": true}),
        );
    }
    world.event(
        "vault.byok_key.deleted",
        &hours_ago(2),
        &json!({"organization_id": "org_249"}),
    );
}

#[test]
fn every_event_counts_however_many_there_are() {
    let workos = StandIn::of(world);
    let env = TestEnv::with_manifest(&manifest());
    let status = env.run("status -o json").at_url(&workos.url()).exits(0);
    let summary = &status.json_of("status")["summary"];
    assert_eq!(summary["configured"], CUSTOMERS - 1, "{status}");
    assert_eq!(summary["attention"], 1, "{status}");
}

#[test]
fn the_log_is_asked_for_as_workos_takes_it() {
    let workos = StandIn::of(world);
    let env = TestEnv::with_manifest(&manifest());
    let _ = env.run("status -o json").at_url(&workos.url()).exits(0);
    let requests = workos.requests();
    let asked: Vec<_> = requests
        .iter()
        .filter(|one| one.path == "/events")
        .collect();
    assert!(asked.len() > 2);
    for one in &asked {
        assert!(one.query["events"].contains(','), "{one:?}");
        let has = |name: &str| one.query.contains_key(name);
        assert!(!(has("after") && has("range_start")), "{one:?}");
        assert!(!has("before"), "{one:?}");
        if let Some(start) = one.query.get("range_start") {
            assert!(start.ends_with('Z'), "{one:?}");
        }
    }
}

#[test]
fn one_customer_is_asked_about_by_the_organization() {
    let workos = StandIn::of(world);
    let env = TestEnv::with_manifest(&manifest());
    let status = env.run("status --only c249 -o json").at_url(&workos.url());
    let status = status.exits(0).json();
    let intent = &status["organizations"][0]["intents"][0];
    assert_eq!(intent["state"], "attention", "{status:#}");
    let requests = workos.requests();
    let asked: Vec<_> = requests
        .iter()
        .filter(|one| one.path == "/events")
        .collect();
    assert!(asked.len() <= 3, "{asked:#?}");
    for one in asked {
        assert_eq!(one.query["organization_id"], "org_249");
    }
}
