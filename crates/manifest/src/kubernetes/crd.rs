//! Custom resource definitions, generated from the declared fields.
//!
//! Comes out: `schema/crds/*.yaml`, structural schemas with bounds, CEL rules and printer columns.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::columns::columns;
use super::kind::Kind;
use super::status::{PortalEnvironmentStatus, PortalOrganizationStatus};
use super::structural::Structural;
use super::{GROUP, VERSION};
use crate::shape::{InKubernetes, PortalEnvironmentSpec, PortalOrganizationSpec, rules};

/// Returns the CustomResourceDefinition of a kind.
pub fn definition(kind: Kind) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{}.{GROUP}", kind.plural()),
            "labels": { "app.kubernetes.io/part-of": "portalctl" },
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.as_str(),
                "listKind": format!("{}List", kind.as_str()),
                "plural": kind.plural(),
                "singular": kind.singular(),
                "shortNames": [kind.short()],
                "categories": ["portalctl"],
            },
            "scope": "Namespaced",
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "additionalPrinterColumns": columns(kind),
                "schema": { "openAPIV3Schema": schema(kind) },
            }],
        },
    })
}

/// Returns the schema of a whole object.
fn schema(kind: Kind) -> Value {
    let (spec, status) = match kind {
        Kind::PortalEnvironment => (
            part::<InKubernetes<PortalEnvironmentSpec>>(),
            part::<PortalEnvironmentStatus>(),
        ),
        Kind::PortalOrganization => (
            part::<InKubernetes<PortalOrganizationSpec>>(),
            part::<PortalOrganizationStatus>(),
        ),
    };
    let mut schema = json!({
        "type": "object",
        "description": spec.get("description"),
        "required": ["spec"],
        "properties": {
            "apiVersion": { "type": "string" },
            "kind": { "type": "string" },
            "metadata": { "type": "object" },
            "spec": spec,
            "status": status,
        },
    });
    if kind == Kind::PortalOrganization {
        schema["x-kubernetes-validations"] = identity_rules();
    }
    schema
}

/// Returns the rules that need the object's name: those of the key and of the external id.
fn identity_rules() -> Value {
    const KEY: &str = "(has(self.spec.key) ? self.spec.key : self.metadata.name)";
    const EXTERNAL: &str = "(has(self.spec.externalId) ? self.spec.externalId : has(self.spec.key) \
                            ? self.spec.key : self.metadata.name)";
    let old = |expression: &str| expression.replace("self.", "oldSelf.");
    let same_key = format!("{KEY} == {}", old(KEY));
    let same_external_id = format!(
        "has(self.spec.id) || {EXTERNAL} == {0} || (has(self.spec.previousKeys) && {0} in \
         self.spec.previousKeys)",
        old(EXTERNAL)
    );
    rules([
        (
            "has(self.spec.key) || size(self.metadata.name) <= 63",
            "the name of this object is too long for a key: set spec.key",
        ),
        (
            &same_key,
            "spec.key cannot be changed: write another PortalOrganization, with the former key in \
             previousKeys",
        ),
        (
            &same_external_id,
            "spec.externalId cannot be changed unless the former one is listed in previousKeys",
        ),
    ])
}

fn part<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let generator = settings.with_transform(Structural).into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.remove("title");
    Value::from(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `look` with every schema below a field, and the field's path.
    fn walk(path: &str, schema: &Value, look: &mut impl FnMut(&str, &Value)) {
        look(path, schema);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), field, look);
        }
        for inner in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get(inner) {
                walk(&format!("{path}[]"), inner, look);
            }
        }
    }

    fn every_field(mut look: impl FnMut(&str, &Value)) {
        for kind in Kind::ALL {
            let definition = definition(kind);
            let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            for part in ["spec", "status"] {
                walk(part, &schema["properties"][part], &mut look);
            }
        }
    }

    #[test]
    fn the_published_definitions_are_current() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/crds");
        for kind in Kind::ALL {
            let path = folder.join(format!("{}.yaml", kind.plural()));
            let definition = crate::to_yaml(&definition(kind));
            if std::env::var_os("UPDATE_SCHEMA").is_some() {
                std::fs::write(&path, &definition).unwrap();
            }
            assert!(
                std::fs::read_to_string(&path).unwrap() == definition,
                "{kind:?} differs; run: UPDATE_SCHEMA=1 cargo test -p portalctl-manifest published"
            );
        }
    }

    #[test]
    fn everything_is_bounded() {
        every_field(|path, schema| {
            let bounded = match schema["type"].as_str() {
                Some("string") => ["maxLength", "enum", "format"]
                    .iter()
                    .any(|bound| schema.get(bound).is_some()),
                Some("array") => schema.get("maxItems").is_some(),
                Some("object") => {
                    schema.get("properties").is_some() || schema.get("maxProperties").is_some()
                }
                Some("integer" | "boolean") => true,
                None => schema["x-kubernetes-int-or-string"] == true,
                Some(_) => false,
            };
            assert!(bounded, "{path}: {schema}");
        });
    }

    #[test]
    fn everything_is_explained() {
        every_field(|path, schema| {
            let text = schema["description"].as_str().unwrap_or_default();
            assert!(path.ends_with("[]") || !text.is_empty(), "{path}: {schema}");
        });
    }

    #[test]
    fn every_rule_says_what_to_do() {
        every_field(|path, schema| {
            for rule in schema["x-kubernetes-validations"]
                .as_array()
                .into_iter()
                .flatten()
            {
                assert!(
                    rule["message"].as_str().is_some_and(|m| m.len() > 10),
                    "{path}: {rule}"
                );
            }
        });
    }

    #[test]
    fn lists_say_how_they_are_merged() {
        every_field(|path, schema| {
            if schema["type"] == "array" {
                assert!(
                    schema["x-kubernetes-list-type"].is_string(),
                    "{path}: {schema}"
                );
            }
        });
    }

    #[test]
    fn a_definition_is_small_enough_to_be_applied_from_a_client() {
        for kind in Kind::ALL {
            // An annotation holds 256 KiB, and `kubectl apply` keeps the whole object in one.
            assert!(definition(kind).to_string().len() < 200_000);
        }
    }
}
