//! Tests customers whom the app hands over before the manifest declares them.

use serde_json::{Value, json};

use super::way;
use crate::support::gateway::{Answer, CONFIG, MANIFEST, Stage, claims, signed};
use crate::support::wait;

const PROVISION: &str = "provision: { intents: [sso, domain_verification], per_hour: 2 }\n";

/// A gateway whose app may hand new customers over, and a manifest that has a name.
#[track_caller]
fn stage(config: &str) -> Stage {
    Stage::prepared(&format!("{CONFIG}{config}"), |env| {
        let named = MANIFEST.replace("version: 1\n", "version: 1\nmanifest: customers\n");
        env.write("portal.yaml", &named);
    })
}

/// Presses the button as a customer who has just signed up.
#[track_caller]
fn press(stage: &Stage, key: &str, more: &Value) -> Answer {
    let mut claims = claims(&stage.gateway.url());
    claims["organization"] = json!(key);
    claims["jti"] = json!(format!("press-{}", stage.gateway.audited() + 1000));
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let before = stage.gateway.audited();
    let path = format!("/portal/{key}/sso?token={}", signed(&claims));
    let answer = stage.gateway.get(&path, &[]);
    stage.gateway.audit(before);
    answer
}

fn umbrella() -> Value {
    json!({ "provision": true, "name": "Umbrella", "domains": ["umbrella.com"] })
}

/// The notes of a plan that has nothing to do.
#[track_caller]
fn plan_notes(stage: &Stage, options: &str) -> String {
    let line = format!("plan -o json {options}");
    let plan = stage.env.run(&line).at(&stage.sandbox).exits(0).json();
    assert_eq!(plan["changes"], json!([]), "{plan:#}");
    plan["notes"].to_string()
}

#[test]
fn whoever_signed_up_five_minutes_ago_presses_and_the_manifest_learns_of_it() {
    let stage = stage(PROVISION);
    let linked = press(&stage, "umbrella", &umbrella());
    assert_eq!(linked.status, 303, "{:#?}", stage.gateway.log());
    // The way back and the state know the customer as well.
    let back = stage
        .gateway
        .get("/return/umbrella/sso", &[("Cookie", &linked.cookie())]);
    assert!(
        back.body.contains("Not finished"),
        "{:#?}",
        stage.gateway.log()
    );
    let now = claims(&stage.gateway.url());
    let asked = json!({ "iss": now["iss"], "aud": now["aud"], "use": "state",
        "organization": "umbrella", "iat": now["iat"], "exp": now["exp"] });
    let bearer = format!("Bearer {}", signed(&asked));
    let seen = stage
        .gateway
        .get("/state/umbrella", &[("Authorization", &bearer)]);
    assert!(seen.body.contains(r#""organization_id":"org_"#), "{seen:?}");

    // A second press finds the organization.
    let linked = press(&stage, "umbrella", &umbrella());
    assert_eq!(linked.status, 303);

    // Once it is set up, a question leads on as for any other customer.
    let _ = way::finish(&stage, &linked.headers["location"]);
    let asked = press(&stage, "umbrella", &umbrella());
    let yes = way::consent(&asked);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let path = "/portal/umbrella/sso";
    let changed = stage.gateway.send("POST", path, &form, &yes);
    assert_eq!(changed.status, 303, "{changed:?}");

    // A plan notes it, and no run deletes it.
    let notes = plan_notes(&stage, "--prune");
    let wanted = "1 organization was created by the gateway and not declared yet";
    assert!(
        notes.contains(wanted) && notes.contains("`umbrella` Umbrella"),
        "{notes}"
    );

    // Declared, it is the entry's: nothing is created again, and the note is gone.
    stage.env.edit(
        "portal.yaml",
        "  globex:",
        "  umbrella: { name: Umbrella, domains: [umbrella.com], intents: [sso] }\n  globex:",
    );
    assert!(!plan_notes(&stage, "").contains("created by the gateway"));
    wait::until("the manifest to be read again", || {
        let name = r#"portalctl_gateway_reloads_total{what="manifest",outcome="read"}"#;
        stage.gateway.metric(name)
    });
    let declared = press(&stage, "umbrella", &json!({ "again": true }));
    assert_eq!(declared.status, 303, "{declared:?}");
}

#[test]
fn a_new_customer_is_refused_where_a_run_would_refuse_the_entry() {
    let stage = stage(PROVISION);
    let refused = |key: &str, more: &Value, code: &str, detail: &str| {
        let before = stage.gateway.audited();
        let answer = press(&stage, key, more);
        assert!(matches!(answer.status, 403 | 409 | 503), "{answer:?}");
        let line = stage.gateway.audit(before);
        assert_eq!(line["code"], code, "{line}");
        let said = line["detail"].as_str().unwrap_or_default();
        assert!(said.contains(detail), "{line}");
    };
    let with = |name: &str, value: Value| {
        let mut claims = umbrella();
        claims[name] = value;
        claims
    };
    refused("umbrella", &json!({}), "gateway/undeclared", "");
    refused(
        "umbrella",
        &json!({ "provision": true }),
        "gateway/token-claims",
        "needs the claim name",
    );
    refused(
        "umbrella",
        &with("name", json!(" ")),
        "gateway/provision",
        "name",
    );
    let taken = with("domains", json!(["acme.com"]));
    refused(
        "umbrella",
        &taken,
        "gateway/provision",
        "declares the domain acme.com",
    );
    let bad = with("domains", json!(["no domain"]));
    refused("umbrella", &bad, "gateway/provision", "");
    // Nothing of these was created.
    assert!(!plan_notes(&stage, "").contains("created by the gateway"));

    // As many as the configuration allows, and no more.
    for (key, name) in [("one", "One"), ("two", "Two")] {
        let pressed = press(&stage, key, &json!({ "provision": true, "name": name }));
        assert_eq!(pressed.status, 303, "{:#?}", stage.gateway.log());
    }
    let third = press(
        &stage,
        "three",
        &json!({ "provision": true, "name": "Three" }),
    );
    assert_eq!(third.status, 503);
    assert!(third.headers.contains_key("retry-after"), "{third:?}");
    assert!(plan_notes(&stage, "").contains("2 organizations were created by the gateway"));
}

#[test]
fn an_organization_of_somebody_else_is_nobodys_new_customer() {
    let stage = stage(PROVISION);
    stage.env.write(
        "other.yaml",
        "version: 1\nmanifest: others\norganizations: { umbrella: { name: Umbrella } }\n",
    );
    let _ = stage
        .env
        .run("apply --yes -f other.yaml")
        .at(&stage.sandbox)
        .exits(0);
    let refused = press(&stage, "umbrella", &umbrella());
    assert_eq!(refused.status, 409, "{refused:?}");
    let line = stage.gateway.audit(stage.gateway.audited() - 1);
    assert!(
        line["detail"]
            .to_string()
            .contains("no mark of this manifest"),
        "{line}"
    );
}

#[test]
fn without_a_word_in_the_configuration_a_token_creates_nothing() {
    let stage = stage("");
    assert_eq!(press(&stage, "umbrella", &umbrella()).status, 403);
}
