//! YAML values with places.
//!
//! Goes in: one YAML document, through serde. Comes out: a tree that keeps duplicate keys, the
//! order of keys, and the difference between `2024` and `"2024"`, so that decoding can report
//! every problem at its place. Knows nothing about manifests.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::source::{FileId, Spot};

/// The most entries of one mapping. The parser remembers the keys of the mapping it is in, which
/// takes several times the room of the keys themselves.
const MAX_ENTRIES: usize = 400_000;
/// Message with which the parser fails at the limit.
pub(super) const TOO_MANY_ENTRIES: &str = "too many entries";

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: Span,
}

/// Place of a value in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    line: u32,
    column: u32,
    /// In characters.
    length: u32,
    /// In bytes, from the beginning of the text.
    offset: u32,
}

/// Content of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is not a 64-bit integer.
    Float,
    Str(Box<str>),
    Seq(Vec<Node>),
    /// Entries as written, duplicates included.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// Creates a value that no file holds.
    fn of(value: Value) -> Self {
        Self {
            value,
            span: NOWHERE,
        }
    }

    /// Returns the place within a file.
    pub(super) fn spot(&self, file: FileId) -> Spot {
        let Span {
            line,
            column,
            length,
            offset: _,
        } = self.span;
        // The span of a collection covers many lines; its first character is enough to find it.
        let length = match self.value {
            Value::Seq(_) | Value::Map(_) => 1,
            _ => length,
        };
        Spot {
            file,
            line,
            column,
            length,
        }
    }

    /// Returns the characters that the value covers in the text.
    pub(super) fn raw<'t>(&self, text: &'t str) -> Option<&'t str> {
        let tail = text.get(self.span.offset as usize..)?;
        let end = tail
            .char_indices()
            .nth(self.span.length as usize)
            .map_or(tail.len(), |(end, _)| end);
        tail.get(..end)
    }

    /// Returns a scalar as it is written, if it is written on one line.
    pub(super) fn written<'t>(&self, text: &'t str) -> Option<&'t str> {
        let written = self.raw(text)?.trim();
        // An alias (`*name`) stands for a scalar that is written elsewhere.
        (!written.is_empty() && !written.contains('\n') && !written.starts_with('*'))
            .then_some(written)
    }

    /// Returns the text, if the value is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }
}

/// Place of a value that no file holds.
const NOWHERE: Span = Span {
    line: 0,
    column: 0,
    length: 0,
    offset: 0,
};

impl From<&serde_json::Value> for Node {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => number.as_i64().map_or(Value::Float, Value::Int),
            Json::String(text) => Value::Str(text.as_str().into()),
            Json::Array(items) => Value::Seq(items.iter().map(Self::from).collect()),
            Json::Object(fields) => Value::Map(
                fields
                    .iter()
                    .map(|(name, value)| (Self::of(Value::Str(name.as_str().into())), value.into()))
                    .collect(),
            ),
        };
        Self::of(value)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned {
            value,
            referenced: at,
            defined: _,
        } = Spanned::<Value>::deserialize(deserializer)?;
        // Files are bounded far below 2³² bytes, so nothing is lost.
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Self {
            value,
            span: Span {
                line: small(at.line()),
                column: small(at.column()),
                length: small(at.span().len()),
                offset: small(at.span().byte_offset().unwrap_or(u64::MAX)),
            },
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float, Value::Int))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float, Value::Int))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float, Value::Int))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Float)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Str(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Str(value.into_boxed_str()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        // Only `!!binary` comes as bytes; the text it holds is shown, never used as such.
        Ok(Value::Str(String::from_utf8_lossy(value).into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(Value::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            if entries.len() == MAX_ENTRIES {
                return Err(A::Error::custom(TOO_MANY_ENTRIES));
            }
            entries.push(entry);
        }
        entries.shrink_to_fit();
        Ok(Value::Map(entries))
    }
}
