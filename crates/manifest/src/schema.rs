//! JSON Schema of a manifest, generated from the declared fields.
//!
//! Comes out: `schema/portal.schema.json`, by which editors complete and check. It has the rules that
//! need one file only; the others are `check`'s.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};

use super::shape::{InManifest, Manifest, unwrap_lines};

/// Address of the schema.
const ID: &str = "https://portalctl.dev/schema/portal.schema.json";

/// Returns the JSON Schema (2020-12) of one file of a manifest.
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12()
        .with_transform(AsInYaml)
        .into_generator();
    let mut schema = generator.into_root_schema_for::<InManifest<Manifest>>();
    schema.insert("$id".to_owned(), json!(ID));
    schema.insert("title".to_owned(), json!("portalctl manifest"));
    Value::from(schema)
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

    #[test]
    fn no_field_may_be_null_and_every_field_is_described() {
        let schema = json_schema();
        let types = schema["$defs"].as_object().unwrap();
        for (name, object) in types.iter().chain([(&"Manifest".to_owned(), &schema)]) {
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
