//! Values of a manifest, by the paths of their fields.

use std::collections::BTreeMap;
use std::fmt;

/// Value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Text that somebody wrote.
    Text(String),
    /// Number, URL or word of portalctl.
    Word(String),
}

impl Value {
    /// Creates a word.
    pub(super) fn word(value: impl fmt::Display) -> Self {
        Self::Word(value.to_string())
    }

    /// Returns the value without quotes.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Word(text) => text,
        }
    }
}

/// Field before and after; `None` is not declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Path, as the manifest nests it: `metadata.tier`.
    pub path: String,
    /// Value in the base.
    pub before: Option<Value>,
    /// Value in the manifest.
    pub after: Option<Value>,
}

/// Declared values by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values(BTreeMap<String, Value>);

impl Values {
    /// Sets the value of a path.
    pub(super) fn set(&mut self, path: impl Into<String>, value: Value) {
        self.0.insert(path.into(), value);
    }

    /// Sets a word, where there is one.
    pub(super) fn word(&mut self, path: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.set(path, Value::word(value));
        }
    }

    /// Sets a text, where there is one.
    pub(super) fn text(&mut self, path: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(path, Value::Text(value.to_owned()));
        }
    }

    /// Sets `declared` for each item of a list or set.
    pub(super) fn items(&mut self, path: &str, items: impl IntoIterator<Item = impl fmt::Display>) {
        for item in items {
            self.set(format!("{path}.{item}"), Value::word("declared"));
        }
    }

    /// Sets the values of a JSON object, each behind a prefix.
    pub(super) fn json(&mut self, path: &str, value: &serde_json::Value) {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    self.json(&format!("{path}.{name}"), value);
                }
            }
            serde_json::Value::Array(items) => {
                for item in items {
                    let item = match item {
                        serde_json::Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    self.set(format!("{path}.{item}"), Value::word("declared"));
                }
            }
            serde_json::Value::String(text) => self.set(path, Value::Text(text.clone())),
            other => self.set(path, Value::word(other)),
        }
    }

    /// Returns the fields that differ, by path.
    pub(super) fn changes(&self, after: &Self) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for (path, before) in &self.0 {
            let after = after.0.get(path);
            if after != Some(before) {
                fields.push(Field {
                    path: path.clone(),
                    before: Some(before.clone()),
                    after: after.cloned(),
                });
            }
        }
        let added = after
            .0
            .iter()
            .filter(|(path, _)| !self.0.contains_key(*path));
        fields.extend(added.map(|(path, after)| Field {
            path: path.clone(),
            before: None,
            after: Some(after.clone()),
        }));
        fields.sort();
        fields
    }
}
