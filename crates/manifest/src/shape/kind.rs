//! Kinds of values that several mappings have; texts are in [`text`](super::text).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::field::{Mapping, Place};
use super::mapping::{self, InKubernetes, InManifest};
use super::text::{TextKind, Url, rules};
use super::tree::Tree;
use super::value::{Defaulted, Kind, Value};
use crate::form::Form;
use crate::node::{Node, Value as NodeValue};
use crate::quote::quote;
use crate::raw::{RawMap, Text, Texts};
use crate::reader::{Nulls, Reader};
use crate::source::Spotted;
use portalctl_model::codes::manifest as codes;
use portalctl_model::words::Word;
use portalctl_model::{Intent, mark};

kinds! {
    /// `true` or `false`.
    Flag: bool, bool,
        Reader::boolean,
        |_, generator: &mut SchemaGenerator| bool::json_schema(generator),
        |plain: &bool, _| Tree::Bool(*plain);
    /// Metadata: texts to set, and in a manifest nulls for keys to remove.
    Metadata: BTreeMap<String, Option<String>>, RawMap, metadata, |form, _: &mut _| metadata_schema(form),
        |plain: &BTreeMap<String, Option<String>>, _| {
            let value = |value: &Option<String>| value.as_deref().map_or(Tree::Null, Tree::from);
            Tree::Map(plain.iter().map(|(key, text)| (key.clone(), value(text))).collect())
        };
    /// A URL for each of some intents.
    UrlByIntent: BTreeMap<String, String>, RawMap,
        |reader: &mut Reader<'_>, node, what| reader.map(node, what, Nulls::Refused),
        |form, _: &mut _| url_by_intent_schema(form),
        |plain: &BTreeMap<String, String>, _| {
            let url = |(key, url): (&String, &String)| (key.clone(), url.as_str().into());
            Tree::Map(plain.iter().map(url).collect())
        };
}

impl Defaulted for Flag {
    fn default() -> bool {
        false
    }
}

/// One of a few words.
#[derive(Debug)]
pub struct OneOf<W>(PhantomData<W>);

impl<W> Kind for OneOf<W> {
    type Plain = W;
}

impl<W: Word + JsonSchema> Value for OneOf<W> {
    type Raw = Text;

    fn decode(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Text> {
        reader.text(node, what)
    }

    fn schema(_: Form, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<W>()
    }

    fn write(plain: &W, _: Form) -> Tree {
        plain.as_str().into()
    }
}

impl<W: Word + JsonSchema + Default + PartialEq> Defaulted for OneOf<W> {
    fn default() -> W {
        W::default()
    }
}

/// A list of words, each of them one of a few.
#[derive(Debug)]
pub struct SomeOf<W>(PhantomData<W>);

impl<W> Kind for SomeOf<W> {
    type Plain = Vec<W>;
}

impl<W: Word + JsonSchema> Value for SomeOf<W> {
    type Raw = Texts;

    fn decode(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Texts> {
        reader.texts(node, what)
    }

    fn schema(_: Form, generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<W>();
        json_schema!({ "type": "array", "items": items, "minItems": 1 })
    }

    fn write(plain: &Vec<W>, _: Form) -> Tree {
        Tree::List(plain.iter().map(|word| word.as_str().into()).collect())
    }
}

/// A list of texts, each of which stands there once: at least `MIN`, at most `MAX`.
#[derive(Debug)]
pub struct SetOf<K, const MAX: u32, const MIN: u32 = 0>(PhantomData<K>);

impl<K, const MAX: u32, const MIN: u32> Kind for SetOf<K, MAX, MIN> {
    type Plain = Vec<String>;
}

impl<K: TextKind, const MAX: u32, const MIN: u32> Value for SetOf<K, MAX, MIN> {
    type Raw = Texts;

    fn decode(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Texts> {
        reader.texts(node, what)
    }

    fn schema(form: Form, _: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "array", "items": K::text_schema(form) });
        if MIN > 0 {
            schema.insert("minItems".to_owned(), MIN.into());
        }
        if form == Form::Kubernetes {
            schema.insert("maxItems".to_owned(), MAX.into());
            schema.insert("x-kubernetes-list-type".to_owned(), "set".into());
        }
        schema
    }

    fn write(plain: &Vec<String>, _: Form) -> Tree {
        Tree::List(plain.iter().map(|text| text.as_str().into()).collect())
    }
}

impl<K: TextKind, const MAX: u32, const MIN: u32> Defaulted for SetOf<K, MAX, MIN> {
    const IS_TOLD: bool = false;

    fn default() -> Vec<String> {
        Vec::new()
    }
}

/// A mapping with declared fields.
#[derive(Debug)]
pub struct Nested<M>(PhantomData<M>);

impl<M> Kind for Nested<M> {
    type Plain = M;
}

impl<M: Mapping> Value for Nested<M> {
    type Raw = M::Raw;

    fn decode(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<M::Raw> {
        mapping::decode::<M>(reader, node, what, reader.form().into())
    }

    fn schema(form: Form, generator: &mut SchemaGenerator) -> Schema {
        if form == Form::Kubernetes || M::INFO.is_kubernetes() {
            generator.subschema_for::<InKubernetes<M>>()
        } else {
            generator.subschema_for::<InManifest<M>>()
        }
    }

    fn write(plain: &M, form: Form) -> Tree {
        mapping::tree(plain, form)
    }
}

impl<M: Mapping + Default + PartialEq> Defaulted for Nested<M> {
    fn default() -> M {
        M::default()
    }
}

/// A list of mappings that only the Kubernetes form has.
#[derive(Debug)]
pub struct ListOf<M>(PhantomData<M>);

impl<M> Kind for ListOf<M> {
    type Plain = Vec<M>;
}

impl<M: Mapping> Value for ListOf<M> {
    type Raw = Vec<M::Raw>;

    fn decode(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Vec<M::Raw>> {
        reader.list(node, what, Nested::<M>::decode)
    }

    fn schema(_: Form, generator: &mut SchemaGenerator) -> Schema {
        let items = mapping::object::<M>(Place::Kubernetes, generator);
        json_schema!({ "type": "array", "maxItems": 100, "items": items })
    }

    fn write(plain: &Vec<M>, form: Form) -> Tree {
        Tree::List(plain.iter().map(|item| mapping::tree(item, form)).collect())
    }
}

impl<M: Mapping + PartialEq> Defaulted for ListOf<M> {
    const IS_TOLD: bool = false;

    fn default() -> Vec<M> {
        Vec::new()
    }
}

/// A mapping that a manifest may shorten to one of its texts: `acme.com`, `sso`.
pub(crate) trait Item: Mapping {
    /// Name and text of the schema that allows both.
    const EITHER: (&'static str, &'static str);
    /// Text of the short form in that schema.
    const SHORT: &'static str;
    /// Text of the mapping in that schema.
    const LONG: &'static str;

    /// Makes an item of the text that stands for it.
    fn from_text(text: Spotted<Text>) -> Self::Raw;

    /// Returns the text that stands for the item, where it says nothing else.
    fn as_text(&self) -> Option<&str>;

    /// Returns the schema of the text.
    fn short(generator: &mut SchemaGenerator) -> Schema;
}

/// A list of mappings that a manifest may shorten to one of their texts.
#[derive(Debug)]
pub struct ItemsOf<M>(PhantomData<M>);

impl<M> Kind for ItemsOf<M> {
    type Plain = Vec<M>;
}

impl<M: Item> Value for ItemsOf<M> {
    type Raw = Vec<M::Raw>;

    fn decode(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Vec<M::Raw>> {
        reader.list(node, what, |reader, node, what| {
            if matches!(node.value, NodeValue::Map(_)) || reader.is_resource() {
                Nested::<M>::decode(reader, node, what)
            } else {
                reader.spotted_text(node, what).map(M::from_text)
            }
        })
    }

    fn schema(form: Form, generator: &mut SchemaGenerator) -> Schema {
        let items = match form {
            Form::Manifest => generator.subschema_for::<Either<M>>(),
            Form::Kubernetes => mapping::object::<M>(Place::Kubernetes, generator),
        };
        json_schema!({ "type": "array", "items": items })
    }

    fn write(plain: &Vec<M>, form: Form) -> Tree {
        let write = |item: &M| match item.as_text() {
            Some(text) if form == Form::Manifest => text.into(),
            _ => mapping::tree(item, form),
        };
        Tree::List(plain.iter().map(write).collect())
    }
}

/// Schema of an item in a manifest.
struct Either<M>(PhantomData<M>);

impl<M: Item> JsonSchema for Either<M> {
    fn schema_name() -> Cow<'static, str> {
        M::EITHER.0.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut short = M::short(generator);
        short.insert("description".to_owned(), M::SHORT.into());
        let mut long = generator.subschema_for::<InManifest<M>>();
        long.insert("description".to_owned(), M::LONG.into());
        json_schema!({ "description": M::EITHER.1, "anyOf": [short, long] })
    }
}

/// Days before a certificate's end at which it may need attention.
pub(crate) const WARN_DAYS: RangeInclusive<u16> = 1..=365;
/// Days for which WorkOS keeps audit-log events.
///
/// Source: `UpdateAuditLogsRetentionDto.retention_period_in_days` of the API description.
pub(crate) const RETENTION_DAYS: [u16; 2] = [30, 365];
/// Requests that the operator may send in a second.
pub(crate) const MAX_PACE: u32 = 100;
/// Deletions that the operator may make in an hour.
pub(crate) const MAX_DELETES: u32 = 100;

/// Returns the schema of an integer type with more keywords.
fn number<N: JsonSchema>(generator: &mut SchemaGenerator, keywords: Json) -> Schema {
    let mut schema = N::json_schema(generator);
    let more: Schema = keywords.try_into().expect("keywords are a mapping");
    for (keyword, value) in more.as_object().into_iter().flatten() {
        schema.insert(keyword.clone(), value.clone());
    }
    schema
}

/// Declares kinds of whole numbers, with their keywords beside those of the integer type.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $int:ty, |$form:pat_param| $keywords:expr;)+) => {
        kinds! {$(
            $(#[$doc])*
            $name: $int, i64,
                Reader::integer,
                |$form, generator: &mut SchemaGenerator| number::<$int>(generator, $keywords),
                |plain: &$int, _| Tree::Number((*plain).into());
        )+}
    };
}

numbers! {
    /// The version of the manifest format.
    Version: u32, |_| json!({ "const": 1 });
    /// A number of organizations.
    Count: u32, |form| match form {
        Form::Manifest => json!({}),
        Form::Kubernetes => json!({ "maximum": 1_000_000 }),
    };
    /// Requests a second.
    Pace: u32, |_| json!({ "minimum": 1, "maximum": MAX_PACE });
    /// Deletions an hour.
    Deletes: u32, |_| json!({ "maximum": MAX_DELETES });
    /// Days before the end of a certificate.
    WarnDays: u16, |_| json!({ "minimum": WARN_DAYS.start(), "maximum": WARN_DAYS.end() });
    /// Days for which audit-log events are kept.
    RetentionDays: u16, |_| json!({ "enum": RETENTION_DAYS });
}

impl Defaulted for Pace {
    /// A fifth of what WorkOS allows.
    fn default() -> u32 {
        20
    }
}

impl Defaulted for Deletes {
    fn default() -> u32 {
        3
    }
}

/// Reads metadata. In a resource null says nothing: tools drop it on the way.
fn metadata(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawMap> {
    let mut map = reader.map(node, what, Nulls::Kept)?;
    if reader.is_resource() {
        map.entries.retain(|(key, value)| {
            if value.value.is_none() {
                reader.findings.error(
                    codes::WRONG_TYPE,
                    value.spot,
                    format!("{} has no value", quote(&key.value)),
                    "write text; to remove a key at WorkOS, list it under `removeMetadata`",
                );
            }
            value.value.is_some()
        });
    }
    Some(map)
}

fn metadata_schema(form: Form) -> Schema {
    match form {
        Form::Manifest => json_schema!({
            "type": "object",
            "propertyNames": {
                "minLength": 1,
                "maxLength": 40,
                "pattern": "^[ -~]+$",
                "not": { "pattern": "^portalctl_" }
            },
            "additionalProperties": { "type": ["string", "null"], "maxLength": 600 },
        }),
        Form::Kubernetes => json_schema!({
            "type": "object",
            "maxProperties": mark::MAX_DECLARED_KEYS,
            "additionalProperties": { "type": "string", "maxLength": 600 },
            "x-kubernetes-validations": rules([
                (
                    "self.all(key, key.matches('^[ -~]{1,40}$'))",
                    "WorkOS allows keys of at most 40 printable ASCII characters",
                ),
                (
                    "!self.exists(key, key.startsWith('portalctl_'))",
                    "keys that begin with portalctl_ are portalctl's own: choose another",
                ),
                (
                    "!self.exists(key, self[key].matches('(^|[^A-Za-z0-9])sk_(test|live)_[A-Za-z0-9]{8}'))",
                    "an API key does not belong here: remove it, and rotate it at WorkOS",
                ),
            ]),
        }),
    }
}

fn url_by_intent_schema(form: Form) -> Schema {
    let mut schema = json_schema!({
        "type": "object",
        "additionalProperties": Url::text_schema(form),
    });
    let names = Intent::ALL.map(Intent::as_str);
    let keywords = match form {
        Form::Manifest => json!({ "propertyNames": { "enum": names } }),
        Form::Kubernetes => {
            let known = names.map(|name| format!("'{name}'")).join(",");
            json!({
                "maxProperties": names.len(),
                "x-kubernetes-validations": rules([(
                    &format!("self.all(intent, intent in [{known}])"),
                    &format!("must name intents: {}", names.join(", ")),
                )]),
            })
        }
    };
    if let Json::Object(keywords) = keywords {
        schema.ensure_object().extend(keywords);
    }
    schema
}
