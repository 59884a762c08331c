//! Runs the health check for Argo CD by the Lua interpreter that Argo CD itself embeds.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::chart;

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(lua).collect();
            format!("{{{}}}", items.join(", "))
        }
        Value::Object(fields) => {
            let mut text = String::from("{");
            for (name, value) in fields {
                let _ = write!(text, "[{name:?}] = {}, ", lua(value));
            }
            text + "}"
        }
        scalar => scalar.to_string(),
    }
}

/// Returns the health and the message that Argo CD shows for a resource.
#[track_caller]
pub(crate) fn health(object: &Value) -> (String, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let script = format!(
        "obj = {}\nlocal hs = dofile('charts/portalctl/argocd-health.lua')\n\
         print(hs.status)\nprint(hs.message)\n",
        lua(object)
    );
    std::fs::write(file.path(), script).unwrap();
    let said = chart::run("glua", &[file.path().to_str().unwrap()], "");
    assert!(said.done, "{}{}", said.stdout, said.stderr);
    let (status, message) = said.stdout.trim_end().split_once('\n').unwrap();
    (status.to_owned(), message.to_owned())
}

/// A resource of generation 2 with conditions, each with a message of its own.
fn resource(conditions: &[(&str, &str)]) -> Value {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status)| json!({ "type": kind, "status": status, "message": format!("{kind}: {status}") }))
        .collect();
    json!({
        "metadata": { "generation": 2 },
        "status": { "observedGeneration": 2, "conditions": conditions },
    })
}

#[test]
fn a_customer_who_has_not_finished_is_healthy() {
    if !chart::has("glua") {
        return;
    }
    for (conditions, wanted) in [
        // Conditions of an organization, in the order of its life.
        (
            &[][..],
            ("Progressing", "the operator has not looked at it yet"),
        ),
        (
            &[
                ("Synced", "False"),
                ("Ready", "False"),
                ("Reconciling", "True"),
            ],
            ("Progressing", "Reconciling: True"),
        ),
        (
            &[
                ("Synced", "True"),
                ("Ready", "True"),
                ("Onboarded", "False"),
            ],
            ("Healthy", "Onboarded: False"),
        ),
        (
            &[("Synced", "True"), ("Ready", "True"), ("Onboarded", "True")],
            ("Healthy", "Onboarded: True"),
        ),
        // WorkOS is away for a while.
        (
            &[
                ("Synced", "False"),
                ("Ready", "True"),
                ("Reconciling", "True"),
            ],
            ("Progressing", "Reconciling: True"),
        ),
        // A person has to decide.
        (
            &[("Synced", "False"), ("Ready", "True"), ("Stalled", "True")],
            ("Degraded", "Stalled: True"),
        ),
        (
            &[("Synced", "False"), ("Ready", "False"), ("Stalled", "True")],
            ("Degraded", "Stalled: True"),
        ),
        // Only observed, and not there.
        (
            &[
                ("Synced", "False"),
                ("Ready", "False"),
                ("Onboarded", "False"),
            ],
            ("Degraded", "Ready: False"),
        ),
        // An environment.
        (
            &[("Synced", "True"), ("Ready", "True")],
            ("Healthy", "Ready: True"),
        ),
    ] {
        let (status, message) = health(&resource(conditions));
        assert_eq!((&*status, &*message), wanted, "{conditions:?}");
    }
}

#[test]
fn what_is_paused_new_or_not_yet_seen_is_told() {
    if !chart::has("glua") {
        return;
    }
    let ready = resource(&[("Synced", "True"), ("Ready", "True")]);
    let mut edited = ready.clone();
    edited["metadata"]["generation"] = json!(3);
    assert_eq!(health(&edited).0, "Progressing");
    let mut paused = ready.clone();
    paused["metadata"]["annotations"] = json!({ "portalctl.dev/paused": "true" });
    assert_eq!(health(&paused).0, "Suspended");
    paused["metadata"]["annotations"] = json!({ "portalctl.dev/paused": "false" });
    assert_eq!(health(&paused).0, "Healthy");
    paused["metadata"]["annotations"] = json!({ "portalctl.dev/paused": "since Monday" });
    assert_eq!(health(&paused).0, "Suspended");
    let mut suspended = ready.clone();
    suspended["spec"]["suspend"] = json!(true);
    assert_eq!(health(&suspended).0, "Suspended");
    suspended["spec"]["suspend"] = json!(false);
    assert_eq!(health(&suspended).0, "Healthy");
    let mut new = ready;
    new["status"] = Value::Null;
    assert_eq!(health(&new).0, "Progressing");
}
