//! The JSON Schema of a manifest, from its raw shape.
//!
//! Comes out: `schema/portal.schema.json`, which editors complete and check against. It holds
//! what can be said of one file by itself; the rules that need more are `check`'s.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};

use super::shape::Manifest;

/// Where the schema can be found.
const ID: &str = "https://portalctl.dev/schema/portal.schema.json";

/// The JSON Schema (2020-12) of one file of a manifest.
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12()
        .with_transform(AsInYaml)
        .into_generator();
    let mut schema = generator.into_root_schema_for::<Manifest>();
    schema.insert("$id".to_owned(), json!(ID));
    schema.insert("title".to_owned(), json!("portalctl manifest"));
    Value::from(schema)
}

/// Takes out what is Rust's and not YAML's.
///
/// In Rust an absent field is an `Option`, but in YAML a field that is there has a value; Rust's
/// comments break lines where an editor should not; and YAML knows no `uint32`.
#[derive(Debug, Clone)]
struct AsInYaml;

impl Transform for AsInYaml {
    fn transform(&mut self, schema: &mut Schema) {
        schema.remove("format");
        if let Some(fields) = schema.as_object_mut() {
            // What only an API server heeds.
            fields.retain(|name, _| !name.starts_with("x-kubernetes-"));
        }
        if let Some(Value::String(text)) = schema.get_mut("description") {
            let paragraphs: Vec<String> =
                text.split("\n\n").map(|p| p.replace('\n', " ")).collect();
            *text = paragraphs.join("\n\n");
        }
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for field in fields.values_mut() {
                not_null(field);
            }
        }
        transform_subschemas(self, schema);
    }
}

fn not_null(field: &mut Value) {
    let Some(field) = field.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = field.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            field.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(choices)) = field.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({ "type": "null" }));
        if let [one] = choices.as_slice() {
            let one = one.clone();
            field.remove("anyOf");
            if let Value::Object(one) = one {
                field.extend(one);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::decode::{SHAPES, SPECS, Shape};
    use crate::kubernetes::definition;
    use crate::naming::Naming;

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
            "{FILE} differs from crates/manifest/src/shape.rs; run: UPDATE_SCHEMA=1 cargo test -p portalctl-manifest schema"
        );
    }

    /// The schema of an object, by its name.
    fn object<'s>(schema: &'s Value, name: &str) -> &'s Value {
        match name {
            "Manifest" => schema,
            _ => &schema["$defs"][name],
        }
    }

    fn fields(object: &Value) -> Vec<&str> {
        let fields = object["properties"].as_object().unwrap();
        let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    fn spelled(shape: &Shape, naming: Naming) -> Vec<String> {
        let fields = shape.fields.iter();
        let mut names: Vec<String> = fields.map(|name| naming.field(name).into_owned()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn decoding_and_the_schema_know_the_same_fields() {
        let schema = json_schema();
        for (name, shape, naming) in SHAPES {
            let object = object(&schema, name);
            assert_eq!(fields(object), spelled(shape, naming), "{name}");
            assert_eq!(object["additionalProperties"], false, "{name}");
        }
    }

    #[test]
    fn decoding_and_the_resource_definitions_know_the_same_fields() {
        for (kind, shape) in SPECS {
            let definition = definition(kind);
            let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let spec = &schema["properties"]["spec"];
            assert_eq!(fields(spec), spelled(shape, Naming::Camel), "{kind:?}");
        }
    }

    #[test]
    fn no_field_may_be_null_and_every_field_is_described() {
        let schema = json_schema();
        for (name, shape, naming) in SHAPES {
            for field in spelled(shape, naming) {
                let field_schema = &object(&schema, name)["properties"][&field];
                assert!(field_schema["description"].is_string(), "{name}.{field}");
                assert!(!field_schema["type"].is_array(), "{name}.{field}");
            }
        }
    }
}
