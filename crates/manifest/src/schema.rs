//! JSON Schema of a manifest, generated from the declared fields.
//!
//! Comes out: `schema/portal.schema.json`, by which editors complete and check. It has the rules that
//! need one file only; the others are `check`'s.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::shape::{
    InManifest, Manifest, Overlay, OverlayContent, definition_in_overlay, in_overlay, unwrap_lines,
};

/// Address of the schema.
const ID: &str = "https://portalctl.dev/schema/portal.schema.json";

/// Returns the JSON Schema (2020-12) of one file of a manifest: a part of the base, or an overlay.
pub fn json_schema() -> Value {
    let mut base = generator();
    let manifest = base.subschema_for::<InManifest<Manifest>>();
    let mut definitions = base.take_definitions(true);
    definitions.extend(overlay_definitions());
    let overlay = definition_in_overlay::<InManifest<Overlay>>();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "portalctl manifest",
        "description": "A file of a manifest: a part of it, or with `overlay` the fields of one environment.",
        "if": { "type": "object", "required": ["overlay"] },
        "then": { "$ref": format!("#/$defs/{overlay}") },
        "else": manifest,
        "$defs": definitions,
    })
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with_transform(AsInYaml)
        .into_generator()
}

/// Items of lists: a list replaces another as a whole, so null takes nothing away within them.
const ITEMS: [&str; 2] = ["DomainSettings", "IntentSettings"];

/// Returns the definitions of an overlay, where null takes a field away. Each has a name of its own
/// beside those of the base.
fn overlay_definitions() -> Map<String, Value> {
    let mut generator = generator();
    generator.subschema_for::<InManifest<Overlay>>();
    generator.subschema_for::<InManifest<OverlayContent>>();
    let definitions = generator.take_definitions(true);
    let definitions = definitions.into_iter().map(|(name, mut schema)| {
        rename_references(&mut schema);
        if !ITEMS.contains(&name.as_str())
            && let Some(Value::Object(fields)) = schema.get_mut("properties")
        {
            for (field, value) in fields.iter_mut().filter(|(field, _)| *field != "overlay") {
                allow_null(field, value);
            }
        }
        (in_overlay(&name), schema)
    });
    definitions.collect()
}

/// Allows null beside the value of a field, and of the entries of `success`.
fn allow_null(field: &str, schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else {
        return;
    };
    if let ("success", Some(values)) = (field, keywords.get_mut("additionalProperties")) {
        *values = json!({ "anyOf": [values, { "type": "null" }] });
    }
    let description = keywords.remove("description");
    let examples = keywords.remove("examples");
    let mut nullable = json!({ "anyOf": [schema, { "type": "null" }] });
    for (keyword, value) in [("description", description), ("examples", examples)] {
        if let Some(value) = value {
            nullable[keyword] = value;
        }
    }
    *schema = nullable;
}

/// Makes every reference one to the definition of the same name in an overlay.
fn rename_references(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(target) if name == "$ref" => *target = in_overlay(target),
                    other => rename_references(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename_references),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Removes the keywords that only a Rust type or an API server has.
#[derive(Debug, Clone)]
struct AsInYaml;

impl Transform for AsInYaml {
    fn transform(&mut self, schema: &mut Schema) {
        schema.remove("format");
        if let Some(fields) = schema.as_object_mut() {
            fields.retain(|name, _| !name.starts_with("x-kubernetes-"));
        }
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = unwrap_lines(text);
        }
        transform_subschemas(self, schema);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::kubernetes::{Kind, definition};
    use portalctl_model::codes::manifest as codes;

    const FILE: &str = "schema/portal.schema.json";

    #[test]
    fn the_published_schema_is_current() {
        let schema = format!("{:#}\n", json_schema());
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(FILE);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == schema,
            "{FILE} differs from crates/manifest/src/shape; run: UPDATE_SCHEMA=1 cargo test -p portalctl-manifest published"
        );
    }

    /// Returns the fields of an object in a file, each of them null, and one that is not known.
    fn nulls(object: &Value) -> Value {
        let fields = object["properties"].as_object().unwrap();
        let known = fields.keys().map(String::as_str);
        known
            .chain(["unheard_of"])
            .map(|name| (name, Value::Null))
            .collect()
    }

    /// Returns how often reading a file reports an unknown field.
    fn unknown_fields(file: &Value) -> usize {
        let checked = crate::read(&[crate::Input::Stdin(file.to_string().into_bytes())]);
        let findings = checked.diagnostics.iter();
        findings
            .filter(|finding| finding.code == codes::UNKNOWN_FIELD)
            .count()
    }

    #[test]
    fn decoding_and_the_schema_know_the_same_fields() {
        let schema = json_schema();
        let in_entry =
            |field: &str, value: Value| json!({ "organizations": { "a": { field: value } } });
        let in_object = |field: &str, value: Value| json!({ "kubernetes": { field: value } });
        let of = |name: &str| nulls(&schema["$defs"][name]);
        let in_environment = |value: Value| json!({ "environments": { "a": value } });
        for (name, file) in [
            ("Manifest", of("Manifest")),
            ("Profile", json!({ "profiles": { "a": of("Profile") } })),
            (
                "OverlayContent",
                in_environment(of("OverlayContentInOverlay")),
            ),
            (
                "OrganizationPatch",
                in_environment(
                    json!({ "organizations": { "a": of("OrganizationPatchInOverlay") } }),
                ),
            ),
            ("Environment", json!({ "environment": of("Environment") })),
            ("ReturnUrls", json!({ "return_urls": of("ReturnUrls") })),
            ("Limits", json!({ "limits": of("Limits") })),
            ("Defaults", json!({ "defaults": of("Defaults") })),
            (
                "Organization",
                json!({ "organizations": { "a": of("Organization") } }),
            ),
            (
                "DomainSettings",
                in_entry("domains", json!([of("DomainSettings")])),
            ),
            (
                "IntentSettings",
                in_entry("intents", json!([of("IntentSettings")])),
            ),
            ("AuditLogs", in_entry("audit_logs", of("AuditLogs"))),
            (
                "OrganizationObject",
                in_entry("kubernetes", of("OrganizationObject")),
            ),
            (
                "EnvironmentObject",
                json!({ "kubernetes": of("EnvironmentObject") }),
            ),
            ("Intervals", in_object("intervals", of("Intervals"))),
            ("KeyRef", in_object("secretRef", of("KeyRef"))),
            ("Webhook", in_object("webhook", of("Webhook"))),
        ] {
            assert_eq!(unknown_fields(&file), 1, "{name}: {file}");
        }
    }

    #[test]
    fn decoding_and_the_resource_definitions_know_the_same_fields() {
        for kind in Kind::ALL {
            let definition = definition(kind);
            let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let file = json!({
                "apiVersion": crate::kubernetes::API_VERSION,
                "kind": kind.as_str(),
                "metadata": { "name": "a" },
                "spec": nulls(&schema["properties"]["spec"]),
            });
            assert_eq!(unknown_fields(&file), 1, "{kind:?}");
        }
    }

    #[test]
    fn no_field_may_be_null_and_every_field_is_described() {
        let schema = json_schema();
        let types = schema["$defs"].as_object().unwrap();
        for (name, object) in types {
            let Some(fields) = object["properties"].as_object() else {
                continue;
            };
            assert_eq!(object["additionalProperties"], false, "{name}");
            for (field, schema) in fields {
                assert!(schema["description"].is_string(), "{name}.{field}");
                assert!(!schema["type"].is_array(), "{name}.{field}");
            }
        }
    }
}
