//! Tests the Helm chart with kubeconform against the schemas that an API server publishes: nothing
//! is downloaded, and every schema is of the right version.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::chart::{self, objects, render};
use crate::support::chart_cases::{CASES, values};
use crate::support::kube::Cluster;

/// Writes the schemas of some kinds, `GROUP_VERSION_KIND.json`, in a folder.
fn write_schemas(cluster: &Cluster, kinds: &BTreeSet<(String, String)>, folder: &Path) {
    let published = cluster.kubectl("get --raw /openapi/v2", "");
    let published: Value = serde_json::from_str(&published).unwrap();
    let mut definitions = published["definitions"].as_object().unwrap().clone();
    for definition in definitions.values_mut() {
        tighten(definition);
    }
    for (name, definition) in &definitions {
        let known = definition["x-kubernetes-group-version-kind"].as_array();
        for known in known.into_iter().flatten() {
            let [group, version, kind] = ["group", "version", "kind"].map(|it| text(&known[it]));
            let api = [group, version.clone()].join("/");
            let api = api.trim_start_matches('/');
            if kinds.contains(&(api.to_owned(), kind.clone())) {
                // As kubeconform has it: the core's group is its version.
                let group = api.split('/').next().unwrap();
                let file = format!("{group}_{version}_{}.json", kind.to_lowercase());
                let schema = closed_over(name, &definitions);
                std::fs::write(folder.join(file), schema.to_string()).unwrap();
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Tightens a documentation schema to the API server's rules: unknown fields are refused, and
/// numbers are accepted where they are read as text.
fn tighten(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    let format = fields.get("format").and_then(Value::as_str);
    let is_quantity = fields.get("description").and_then(Value::as_str);
    let is_quantity = is_quantity.is_some_and(|text| text.starts_with("Quantity is a"));
    if format == Some("int-or-string") || is_quantity {
        fields.insert("type".to_owned(), json!(["string", "number"]));
    }
    if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
        fields.insert("additionalProperties".to_owned(), json!(false));
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(tighten);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(inner) {
            tighten(inner);
        }
    }
}

/// Returns a definition with all that it refers to.
fn closed_over(name: &str, definitions: &Map<String, Value>) -> Value {
    let mut needed = Map::new();
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        let definition = &definitions[&name];
        if needed.insert(name, definition.clone()).is_none() {
            references(definition, &mut waiting);
        }
    }
    json!({ "$ref": format!("#/definitions/{name}"), "definitions": needed })
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.push(reference.trim_start_matches("#/definitions/").to_owned());
            }
            fields.values().for_each(|it| references(it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| references(it, found)),
        _ => {}
    }
}

/// Validates a YAML text with kubeconform.
fn judge(rendered: &str, folder: &Path) -> chart::CommandOutput {
    let name = "{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json";
    let location = folder.join(name);
    let location = location.to_str().unwrap();
    let arguments = ["-strict", "-summary", "-schema-location", location, "-"];
    chart::run("kubeconform", &arguments, rendered)
}

#[test]
fn kubeconform_finds_nothing_wrong() {
    let has_tools = || chart::has("helm") && chart::has("kubeconform");
    let Some(cluster) = Cluster::shared().filter(|_| has_tools()) else {
        return;
    };
    cluster.knows_service_monitors();
    let rendered =
        CASES.map(|(name, case)| (name, render("customers", &values(case, "customers"))));
    let kinds = rendered.iter().flat_map(|(_, rendered)| objects(rendered));
    let kinds = kinds.map(|it| (text(&it["apiVersion"]), text(&it["kind"])));
    let kinds: BTreeSet<_> = kinds.collect();
    let folder = tempfile::tempdir().unwrap();
    write_schemas(cluster, &kinds, folder.path());
    for (name, rendered) in &rendered {
        let said = judge(rendered, folder.path());
        assert!(said.done, "{name}: {}{}", said.stdout, said.stderr);
        let valid = format!(
            "Valid: {}, Invalid: 0, Errors: 0, Skipped: 0",
            objects(rendered).len()
        );
        assert!(said.stdout.contains(&valid), "{name}: {}", said.stdout);
    }
    // And it would.
    let (_, rendered) = &rendered[0];
    for (right, wrong) in [
        ("seccompProfile:", "seccompProfil:"),
        ("replicas: 2", "replicas: two"),
    ] {
        assert!(rendered.contains(right));
        let said = judge(&rendered.replace(right, wrong), folder.path());
        assert!(!said.done, "{wrong}: {}", said.stdout);
    }
}
