//! JSON Schema as Rust's types give it → the structural form that an API server takes.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value, json};

use crate::shape::unwrap_lines;

/// Turns a JSON Schema into the structural form that the API server takes.
#[derive(Debug, Clone)]
pub(super) struct Structural;

impl Transform for Structural {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(fields) = schema.as_object_mut() {
            without_null(fields);
            flatten_enum(fields);
            let text = unwrap_lines(description(fields));
            if !text.is_empty() {
                fields.insert("description".to_owned(), Value::from(text));
            }
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
        let name = value.as_str().expect("the values of an enum are words");
        text.push_str(&format!("\n\n`{name}`: {meaning}"));
        values.push(value.clone());
    }
    fields.insert("type".to_owned(), json!("string"));
    fields.insert("enum".to_owned(), Value::from(values));
    fields.insert("description".to_owned(), Value::from(text));
}

fn description(fields: &Map<String, Value>) -> &str {
    fields
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
