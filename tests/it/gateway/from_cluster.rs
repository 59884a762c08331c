//! Tests the gateway beside the operator: its customers are the resources of a real API server.

use serde_json::{Value, json};

use crate::support::chart;
use crate::support::gateway::{Answer, CONFIG, GatewayServer, SECRET, claims, signed};
use crate::support::operator::{self, Access, World};
use crate::support::wait;

/// Starts a gateway of a world's environment, with the rights that the chart grants it.
#[track_caller]
fn gateway(world: &World<'_>) -> GatewayServer {
    let World { namespace, env, .. } = world;
    let account = "portalctl-operator-gateway";
    let values = format!(
        "fullnameOverride: portalctl-operator\noperator: {{enabled: false}}\ngateway:\n  enabled: true\n  \
         publicUrl: https://portal.example.com\n  customers: {namespace}/production\n  \
         apiKey: {{secretName: workos}}\n  config: {{version: 1}}\n"
    );
    world.grant(&Access {
        rules: chart::access(namespace, &values),
        account: account.to_owned(),
        namespace: namespace.clone(),
    });
    let limits = "limits: { per_subject: 10000, per_organization: 10000 }\n";
    env.write("gateway.yaml", &format!("{CONFIG}{limits}"));
    env.write("handoff.secret", SECRET);
    let line = format!(
        "serve --listen 127.0.0.1:0 --config gateway.yaml --customers {namespace}/production"
    );
    let kubeconfig = env.path("kubeconfig");
    let run = env.run(&line).at(&world.sandbox);
    GatewayServer::of(run.env("KUBECONFIG", kubeconfig.to_str().unwrap()))
}

/// Presses the button of a customer.
#[track_caller]
fn press(gateway: &GatewayServer, key: &str) -> Answer {
    let mut claims = claims(&gateway.url());
    claims["organization"] = json!(key);
    let path = format!("/portal/{key}/sso?token={}", signed(&claims));
    gateway.get(&path, &[])
}

/// Waits until a customer's button is answered so.
#[track_caller]
fn waits_for(gateway: &GatewayServer, key: &str, status: u16) {
    wait::until(format!("{key} to be answered {status}"), || {
        (press(gateway, key).status == status).then_some(())
    });
}

#[test]
fn what_is_declared_for_the_operator_is_declared_for_the_gateway() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    let operator = world.operator("");
    world.organization("acme", json!({}));
    let _ = world.is_in_sync("acme");
    let gateway = gateway(&world);
    assert_eq!(press(&gateway, "acme").status, 303);
    assert_eq!(press(&gateway, "globex").status, 403);

    // A resource of later is a customer as soon as the operator has created its organization.
    world.organization("globex", json!({}));
    waits_for(&gateway, "globex", 303);

    // A resource can name any organization; without the operator's mark it is not its own.
    let id = world.sandbox.id_of("acme");
    world.organization("thief", json!({ "id": id }));
    waits_for(&gateway, "thief", 409);
    let _ = world.waits_for("thief", "Ready", "False", "Conflict");
    assert_eq!(press(&gateway, "thief").status, 409);
    // The one whose organization was named notices nothing.
    assert_eq!(press(&gateway, "acme").status, 303);
    let of_the_thief: Vec<Value> = gateway
        .log()
        .into_iter()
        .filter(|line| line["organization"] == "thief" && line["outcome"] == "linked")
        .collect();
    assert_eq!(of_the_thief, Vec::<Value>::new());

    // A resource that is gone is no customer, though its organization is there.
    world.delete("globex");
    waits_for(&gateway, "globex", 403);
    assert_eq!(press(&gateway, "acme").status, 303);
    drop(operator);
}

#[test]
fn an_environment_that_is_not_there_keeps_the_gateway_from_starting() {
    let Some(cluster) = operator::cluster() else {
        return;
    };
    let world = World::new(cluster);
    world.env.write("gateway.yaml", CONFIG);
    world.env.write("handoff.secret", SECRET);
    let kubeconfig = world.env.path("kubeconfig");
    let line = "serve --config gateway.yaml --customers nowhere/production";
    let run = world.env.run(line).at(&world.sandbox);
    let refused = run.env("KUBECONFIG", kubeconfig.to_str().unwrap()).exits(3);
    assert!(
        refused
            .stderr
            .contains("there is no PortalEnvironment nowhere/production"),
        "{refused}"
    );
    let _ = world
        .env
        .run("serve --config gateway.yaml --customers production")
        .at(&world.sandbox)
        .exits(3);
    let both = "serve --config gateway.yaml --customers a/b -f portal.yaml";
    let _ = world.env.run(both).at(&world.sandbox).exits(3);
}
