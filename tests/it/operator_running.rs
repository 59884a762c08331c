//! Tests several operators in a real API server that are killed, stopped and cut off.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::cli::TestEnv;
use crate::support::http;
use crate::support::operator::{self, Operator, World, condition};
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait::{LONG, until};

fn is_ready(operator: &Operator) {
    until("the operator to be ready", || {
        (operator.text("/readyz").0 == 200).then_some(())
    });
}

/// Lets the environment take webhooks, signed by the Secret's own secret for them.
fn takes_webhooks(world: &World<'_>) {
    let secret = json!({ "name": "workos", "key": "webhook-secret" });
    world.environment(json!({ "webhook": { "secretRef": secret } }));
}

fn leads(operator: &Operator) -> bool {
    operator.metric("portalctl_leader") > 0.5
}

#[test]
fn a_webhook_is_heeded_whichever_process_takes_it() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    takes_webhooks(&world);
    world.organization("acme", json!({}));
    // The next poll would be in an hour.
    let _leader = world.operator_that_looks_every("1h", "");
    world.is_in_sync("acme");
    let other = world.operator_that_looks_every("1h", "");
    is_ready(&other);
    assert!(!leads(&other));
    let path = format!("/webhooks/{}/production", world.namespace);
    let url = format!("http://{}{path}", other.address);
    let endpoint = json!({ "url": url, "secret": "whsec_operator" });
    world.sandbox.send("POST", "/_sandbox/webhooks", &endpoint);
    world.finish("acme", "sso");
    world.waits_for("acme", "Onboarded", "True", "AllConfigured");
    for path in [&path, "/webhooks/nowhere/production"] {
        let refused = http::send(&other.address, "", "POST", path, Some(&json!({})));
        assert_eq!(refused.0, 401, "{path}");
    }
}

#[test]
fn webhooks_of_others_are_refused_before_they_are_read() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    takes_webhooks(&world);
    let operator = world.operator("");
    is_ready(&operator);
    for signature in ["", "t=1, v1=00", "v1=00", "t=1700000000000, v1=00"] {
        let mut stream = TcpStream::connect(&operator.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        // The body never comes.
        write!(
            stream,
            "POST /webhooks/{}/production HTTP/1.1\r\nHost: operator\r\nContent-Length: 1000000\r\n\
             WorkOS-Signature: {signature}\r\n\r\n",
            world.namespace
        )
        .unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 401", "{signature:?}");
    }
}

#[test]
fn two_thousand_webhooks_of_strangers_cost_a_handful_of_requests() {
    let Some(cluster) = operator::own_cluster() else {
        return;
    };
    let world = World::new(&cluster);
    takes_webhooks(&world);
    let operator = world.operator_that_looks_every("1h", "");
    is_ready(&operator);
    let reads = || {
        let metrics = world.kubectl("get --raw /metrics", "");
        let lines = metrics.lines();
        lines
            .filter(|line| line.starts_with("apiserver_request_total{"))
            .filter(|line| line.contains(r#"resource="secrets""#) && line.contains(r#"verb="GET""#))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>()
    };
    let path = format!("/webhooks/{}/production", world.namespace);
    let now = jiff_now_millis();
    let send = |number: usize| {
        let mut stream = TcpStream::connect(&operator.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: operator\r\nContent-Length: 2\r\nConnection: close\r\n\
             WorkOS-Signature: t={now}, v1={number:064x}\r\n\r\n{{}}"
        )
        .unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        // With too many at a time WorkOS would send it again.
        let refused = [b"HTTP/1.1 401", b"HTTP/1.1 503"];
        assert!(
            refused.contains(&&status),
            "{}",
            String::from_utf8_lossy(&status)
        );
    };
    let before = reads();
    std::thread::scope(|scope| {
        for part in 0..8 {
            scope.spawn(move || (0..250).for_each(|number| send(part * 250 + number)));
        }
    });
    let count = |outcome: &str| {
        operator.metric(&format!(
            "portalctl_webhooks_total{{outcome=\"{outcome}\"}}"
        ))
    };
    let refused = count("refused");
    assert!(refused > 1000.0, "{refused}");
    // One in ten seconds, however long this machine takes for it: in ten seconds at most five, with
    // those of the operator's own pass.
    let cost = reads() - before;
    let tens = u32::try_from((jiff_now_millis() - now) / 10_000).unwrap();
    assert!(
        cost <= 4.0 + f64::from(tens),
        "{cost} reads of Secrets in {tens} times ten seconds"
    );
    let log = operator.log();
    let lines = log.matches("a webhook was refused").count();
    assert!((1..20).contains(&lines), "{lines} lines");
}

/// The time in milliseconds, as signatures give it.
#[expect(
    clippy::disallowed_methods,
    reason = "another process reads the machine's clock too"
)]
fn jiff_now_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[test]
fn whoever_is_killed_in_the_middle_of_a_create_makes_nothing_twice() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let mut wanted = Vec::new();
    let mut leader = world.operator("--identity process-0");
    is_ready(&leader);
    until("a leader", || leads(&leader).then_some(()));
    for round in 1..=3 {
        let next = world.operator(&format!("--identity process-{round}"));
        is_ready(&next);
        assert!(!leads(&next));
        // The answer comes after the kill, the effect does not wait for it.
        let slow = json!({ "method": "POST", "path": "/organizations", "fault": "slow",
                           "milliseconds": 2000 });
        world.fault(&slow);
        for one in ["a", "b", "c"] {
            let name = format!("customer-{round}{one}");
            world.organization(&name, json!({}));
            wanted.push(name);
        }
        world.faults_fired(1);
        leader.kill();
        world
            .sandbox
            .send("DELETE", "/_sandbox/faults", &Value::Null);
        for name in &wanted {
            world.is_in_sync(name);
        }
        assert!(leads(&next));
        leader = next;
    }
    assert_eq!(world.sandbox.external_ids(), wanted);
    // An orderly stop releases the lease.
    assert_eq!(leader.stop(), Some(0));
    let lease = world.kubectl("get lease portalctl-operator -o json", "");
    let lease: Value = serde_json::from_str(&lease).unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], Value::Null);
}

#[test]
fn whoever_is_told_to_stop_in_the_middle_of_a_create_finishes_it() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let slow = json!({ "method": "POST", "path": "/organizations", "fault": "slow",
                       "milliseconds": 1500 });
    world.fault(&slow);
    world.organization("acme", json!({}));
    let operator = world.operator("");
    world.faults_fired(1);
    assert_eq!(operator.stop(), Some(0));
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
    let _operator = world.operator("");
    world.is_in_sync("acme");
    assert_eq!(world.sandbox.external_ids(), ["acme"]);
}

#[test]
fn whoever_says_half_a_word_does_not_keep_it_from_ending() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let operator = world.operator("");
    is_ready(&operator);
    let mut silent = TcpStream::connect(&operator.address).unwrap();
    silent.write_all(b"GET /health").unwrap();
    // The connection has been accepted by now.
    is_ready(&operator);
    assert_eq!(operator.stop(), Some(0));
}

#[test]
fn what_is_asked_one_by_one_stands_while_another_process_takes_over() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let intents = json!([{ "intent": "audit_logs" }]);
    let names = ["acme", "globex", "initech"];
    for name in names {
        world.organization(name, json!({ "intents": intents }));
    }
    let first = world.operator("");
    for name in names {
        world.is_in_sync(name);
    }
    assert_eq!(first.stop(), Some(0));
    for name in names {
        world.finish(name, "audit_logs");
    }
    let second = world.operator("");
    for name in names {
        world.waits_for(name, "Onboarded", "True", "AllConfigured");
    }
    assert_eq!(second.stop(), Some(0));
    let before = names.map(|name| world.get(name)["status"].clone());

    // So slow that it asks for one of them at first, and for the others later.
    world.environment(json!({ "requestsPerSecond": 1 }));
    let third = world.operator("");
    let count = |state: &str| {
        third.metric(&format!(
            "portalctl_intents{{environment=\"{}/production\",intent=\"audit_logs\",state=\"{state}\"}}",
            world.namespace
        ))
    };
    let (configured, unknown) = until("the first look", || {
        let (configured, unknown) = (count("configured"), count("unknown"));
        (configured + unknown > 2.5).then_some((configured, unknown))
    });
    assert!(unknown < 0.5 && configured > 2.5, "{unknown} are unknown");
    assert_eq!(names.map(|name| world.get(name)["status"].clone()), before);
}

#[test]
fn what_was_known_stands_while_workos_is_down() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let mut world = World::with(cluster, "--rate-limit off --state state.json");
    world.organization("acme", json!({}));
    let operator = world.operator("");
    world.is_in_sync("acme");
    let address = world.sandbox.address().to_owned();
    let other = SandboxServer::start(&TestEnv::new());
    let down = std::mem::replace(&mut world.sandbox, other);
    assert_eq!(down.stop(), Some(0));
    let object = world.waits_for("acme", "Synced", "False", "Unreachable");
    assert_eq!(condition(&object, "Ready").unwrap()["status"], "True");
    assert_eq!(condition(&object, "Reconciling").unwrap()["status"], "True");
    assert_eq!(condition(&object, "Stalled"), None);
    assert!(operator.metric("portalctl_reconcile_errors_total{reason=\"Unreachable\"}") > 0.5);
    world.sandbox =
        SandboxServer::listening(&world.env, &address, "--rate-limit off --state state.json");
    world.is_in_sync("acme");
}

#[test]
fn it_goes_on_when_the_api_server_is_back() {
    let Some(cluster) = operator::own_cluster() else {
        return;
    };
    let world = World::new(&cluster);
    world.organization("acme", json!({}));
    let _operator = world.operator("");
    world.is_in_sync("acme");
    cluster.stop_server();
    cluster.start_server();
    world.organization("globex", json!({}));
    world.is_in_sync("globex");
}
