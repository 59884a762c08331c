//! The resource definitions that a cluster needs, from the types.
//!
//! Comes out: `schema/crds/*.yaml`: structural schemas with bounds, CEL rules and printer columns.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::fields::rules;
use super::{
    GROUP, PortalEnvironmentSpec, PortalEnvironmentStatus, PortalOrganizationSpec,
    PortalOrganizationStatus, VERSION,
};

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Everything but organizations.
    PortalEnvironment,
    /// One organization.
    PortalOrganization,
}

impl Kind {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::PortalEnvironment, Self::PortalOrganization];

    /// The name of the kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PortalEnvironment => "PortalEnvironment",
            Self::PortalOrganization => "PortalOrganization",
        }
    }

    /// The name in URLs and for kubectl.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::PortalEnvironment => "portalenvironments",
            Self::PortalOrganization => "portalorganizations",
        }
    }

    const fn singular(self) -> &'static str {
        match self {
            Self::PortalEnvironment => "portalenvironment",
            Self::PortalOrganization => "portalorganization",
        }
    }

    const fn short(self) -> &'static str {
        match self {
            Self::PortalEnvironment => "penv",
            Self::PortalOrganization => "porg",
        }
    }
}

/// The CustomResourceDefinition of a kind.
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

/// The schema of a whole object.
fn schema(kind: Kind) -> Value {
    let (spec, status) = match kind {
        Kind::PortalEnvironment => (
            part::<PortalEnvironmentSpec>(),
            part::<PortalEnvironmentStatus>(),
        ),
        Kind::PortalOrganization => (
            part::<PortalOrganizationSpec>(),
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

/// What takes the object's name along: the key, and the external id that it stands for.
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

/// Turns a JSON Schema into the structural form that the API server takes.
#[derive(Debug, Clone)]
struct Structural;

impl Transform for Structural {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(fields) = schema.as_object_mut() {
            without_null(fields);
            flatten_enum(fields);
            unwrap_lines(fields);
            // The API server refuses unknown fields by itself, and knows the formats of signed
            // numbers only.
            fields.retain(|name, value| {
                if name == "additionalProperties" {
                    return value.is_object();
                }
                name != "format"
                    || ["date-time", "int32", "int64"]
                        .map(Value::from)
                        .contains(value)
            });
        }
        transform_subschemas(self, schema);
    }
}

/// An `Option` of Rust is a field that may be absent, not one that may be null.
fn without_null(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            fields.insert("type".to_owned(), one);
        }
    }
    let Some(Value::Array(choices)) = fields.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| *choice != json!({ "type": "null" }));
    if let [Value::Object(one)] = choices.as_slice() {
        let one = one.clone();
        fields.remove("anyOf");
        for (name, value) in one {
            fields.entry(name).or_insert(value);
        }
    }
}

/// An enum with a comment on each value becomes a list of values, explained in the description.
fn flatten_enum(fields: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = fields.remove("oneOf") else {
        return;
    };
    let mut text = description(fields).to_owned();
    let mut values = Vec::new();
    for variant in &variants {
        let Some(value) = variant.get("const") else {
            continue;
        };
        let meaning = variant.as_object().map(description).unwrap_or_default();
        let name = value.as_str().unwrap_or_default();
        text.push_str(&format!("\n\n`{name}`: {meaning}"));
        values.push(value.clone());
    }
    fields.insert("type".to_owned(), json!("string"));
    fields.insert("enum".to_owned(), Value::from(values));
    fields.insert("description".to_owned(), Value::from(text));
}

/// Rust's comments break lines where a reader's terminal should not.
fn unwrap_lines(fields: &mut Map<String, Value>) {
    let text = description(fields);
    if text.is_empty() {
        return;
    }
    let paragraphs: Vec<String> = text.split("\n\n").map(|p| p.replace('\n', " ")).collect();
    let text = paragraphs.join("\n\n");
    fields.insert("description".to_owned(), Value::from(text));
}

fn description(fields: &Map<String, Value>) -> &str {
    fields
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What `kubectl get` shows; columns of priority 1 with `-o wide` only.
fn columns(kind: Kind) -> Value {
    let condition = |name: &str, kind: &str, what: &str| {
        column(
            name,
            0,
            &format!(".status.conditions[?(@.type==\"{kind}\")].status"),
            what,
        )
    };
    let paused = column(
        "Paused",
        0,
        ".metadata.annotations.portalctl\\.dev/paused",
        "Whether the operator leaves it alone",
    );
    let mut columns = vec![
        condition("Ready", "Ready", "Whether it is as declared"),
        condition(
            "Synced",
            "Synced",
            "Whether WorkOS was reached and nothing is left to write",
        ),
    ];
    match kind {
        Kind::PortalEnvironment => {
            let total = |name: &str, path: &str, what: &str| {
                column(name, 0, &format!(".status.organizations.{path}"), what)
            };
            columns.extend([
                total("Organizations", "declared", "Declared organizations"),
                total(
                    "Onboarded",
                    "onboarded",
                    "Those whose intents are all configured",
                ),
                paused,
                column("Key", 1, ".spec.apiKey", "The kind of API key"),
                column("Owner", 1, ".spec.manifest", "The owner mark"),
                column(
                    "Last-Sync",
                    1,
                    ".status.lastSyncTime",
                    "When everything was last listed",
                ),
            ]);
        }
        Kind::PortalOrganization => {
            let intent = |name: &str, intent: &str| {
                let path = format!(".status.intents[?(@.intent==\"{intent}\")].state");
                column(name, 1, &path, "How far this intent is")
            };
            columns.extend([
                condition(
                    "Onboarded",
                    "Onboarded",
                    "Whether every declared intent is configured",
                ),
                column(
                    "Configured",
                    0,
                    ".status.configured",
                    "Configured of declared intents",
                ),
                paused,
                column(
                    "Environment",
                    1,
                    ".spec.environmentRef.name",
                    "The PortalEnvironment",
                ),
                column(
                    "Organization",
                    1,
                    ".status.organizationId",
                    "The id at WorkOS",
                ),
                intent("SSO", "sso"),
                intent("Dsync", "dsync"),
                intent("Domains", "domain_verification"),
                column(
                    "Reason",
                    1,
                    ".status.conditions[?(@.type==\"Ready\")].reason",
                    "Why it is ready or not",
                ),
            ]);
        }
    }
    let mut age = column(
        "Age",
        0,
        ".metadata.creationTimestamp",
        "Since when it exists",
    );
    age["type"] = json!("date");
    columns.push(age);
    Value::from(columns)
}

fn column(name: &str, priority: u8, path: &str, description: &str) -> Value {
    let kind = match name {
        "Organizations" | "Onboarded" if path.contains("organizations") => "integer",
        "Last-Sync" => "date",
        _ => "string",
    };
    json!({
        "name": name,
        "type": kind,
        "jsonPath": path,
        "priority": priority,
        "description": description,
    })
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
