//! The macro that declares a mapping, and what is done with any declared mapping.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json};

use super::field::{Mapping, MappingInfo, Place};
use super::tree::Tree;
use crate::form::Form;
use crate::node::Node;
use crate::reader::{Known, Reader, Required};

/// Declares a mapping.
///
/// ```text
/// mapping! {
///     /// Text of the mapping, for people.
///     struct Webhook / RawWebhook, "`webhook`", only(Form::Kubernetes) {
///         /// Text of the field, for people.
///         secret_ref: Required<Nested<KeyRef>>, required("the Secret that holds the secret");
///     }
/// }
/// ```
///
/// Gives `Webhook` with plain values, `RawWebhook` with places, and everything of [`Mapping`]. Behind
/// the names stands how messages call the mapping; behind that, and behind a field's kind, stand the
/// options of [`MappingInfo`] and [`FieldInfo`] that apply. `default struct` is for mappings that may
/// be empty; `@flatten` is written before a [`Group`](super::slot::Group) of fields.
macro_rules! mapping {
    ($(#[doc = $doc:literal])* struct $($rest:tt)*) => {
        mapping! { @struct [] $(#[doc = $doc])* $($rest)* }
    };
    ($(#[doc = $doc:literal])* default struct $($rest:tt)*) => {
        mapping! { @struct [#[serde(default)]] $(#[doc = $doc])* $($rest)* }
        mapping! { @default $($rest)* }
    };
    (
        @default $name:ident / $raw:ident, $called:literal $(, $set:ident($($value:tt)*))* {
            $(
                $(#[doc = $field_doc:literal])*
                $(@$flatten:ident)? $field:ident: $slot:ty
                $(, $field_set:ident($($field_value:tt)*))*;
            )*
        }
    ) => {
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: <$slot as $crate::shape::field::Absent>::absent(),)* }
            }
        }
    };
    (
        @struct [$($attribute:tt)*] $(#[doc = $doc:literal])*
        $name:ident / $raw:ident, $called:literal $(, $set:ident($($value:tt)*))* {
            $(
                $(#[doc = $field_doc:literal])*
                $(@$flatten:ident)? $field:ident: $slot:ty
                $(, $field_set:ident($($field_value:tt)*))*;
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(clippy::struct_excessive_bools, reason = "each of them is a field of a file")]
        $($attribute)*
        pub struct $name {
            $(
                $(#[doc = $field_doc])*
                $(#[serde($flatten)])?
                pub $field: <$slot as $crate::shape::field::Slot>::Plain,
            )*
        }

        #[doc = concat!("[`", stringify!($name), "`] as it is written, each field with its place.")]
        #[derive(Debug, Default)]
        pub(crate) struct $raw {
            $(pub(crate) $field: <$slot as $crate::shape::field::SlotValue>::Raw,)*
        }

        impl $crate::shape::field::Mapping for $name {
            type Raw = $raw;

            const FIELDS: &'static [$crate::shape::field::FieldInfo] = &[$(
                $crate::shape::field::FieldInfo {
                    $($field_set: Some($($field_value)*),)*
                    ..$crate::shape::field::FieldInfo::new::<$slot>(
                        $crate::shape::field::name_of(stringify!($field)), &[$($field_doc),*],
                    )
                },
            )*];
            const INFO: $crate::shape::field::MappingInfo = $crate::shape::field::MappingInfo {
                $($set: Some($($value)*),)*
                ..$crate::shape::field::MappingInfo::new(
                    stringify!($name), $called, &[$($doc),*], Self::FIELDS,
                )
            };

            fn read(
                reader: &mut $crate::reader::Reader<'_>,
                fields: $crate::reader::Fields<'_>,
            ) -> Self::Raw {
                $raw {
                    $($field: <$slot as $crate::shape::field::SlotValue>::read(
                        reader, fields, $crate::shape::field::name_of(stringify!($field)),
                    ),)*
                }
            }

            fn nulls(raw: &Self::Raw) -> Vec<&'static str> {
                let mut nulls = Vec::new();
                $(if <$slot as $crate::shape::field::SlotValue>::is_null(&raw.$field) {
                    nulls.push($crate::shape::field::name_of(stringify!($field)));
                })*
                nulls
            }

            fn write(
                &self,
                form: $crate::form::Form,
                entries: &mut $crate::shape::field::Entries,
            ) {
                $(<$slot as $crate::shape::field::SlotValue>::write(
                    &self.$field,
                    form,
                    $crate::shape::field::name_of(stringify!($field)),
                    entries,
                );)*
            }
        }

        impl $crate::raw::Layered for $raw {
            fn over(self, earlier: Option<Self>) -> Self {
                let mut whole = earlier.unwrap_or_default();
                $(<$slot as $crate::shape::field::SlotValue>::lay_over(
                    &mut whole.$field, self.$field,
                );)*
                whole
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let tree = $crate::shape::mapping::tree(self, $crate::form::Form::Manifest);
                serde::Serialize::serialize(&tree, serializer)
            }
        }
    };
}

/// Reads a mapping at a place; `None` where there is none, which is reported.
pub(crate) fn decode<M: Mapping>(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    place: Place,
) -> Option<M::Raw> {
    if M::INFO.is_kubernetes() && !reader.is_resource() {
        return reader.in_camel_case(|reader| decode::<M>(reader, node, what, Place::Kubernetes));
    }
    let known = At {
        mapping: &M::INFO,
        place,
    };
    let fields = reader.fields(node, what, &known)?;
    for field in M::INFO.fields(place) {
        if let Some(hint) = field.required_hint() {
            let required = Required {
                name: field.name,
                within: M::INFO.called(place),
                hint,
            };
            reader.require(node, fields, &required);
        }
    }
    Some(M::read(reader, fields))
}

/// The fields of a mapping at a place.
struct At<'m> {
    mapping: &'m MappingInfo,
    place: Place,
}

impl Known for At<'_> {
    fn called(&self) -> &str {
        self.mapping.called(self.place)
    }

    fn names(&self) -> Vec<&'static str> {
        let fields = self.mapping.fields(self.place);
        fields.map(|field| field.name).collect()
    }

    fn has(&self, name: &str) -> bool {
        let form = self.place.form();
        let mut fields = self.mapping.fields(self.place);
        let ignored = self.mapping.ignores;
        fields.any(|field| form.field(field.name) == name)
            || ignored.is_some_and(|beginning| name.starts_with(beginning))
    }

    fn hint_about(&self, name: &str) -> Option<&'static str> {
        self.mapping.hint_about(name, self.place)
    }
}

/// Returns a mapping as it is written in a form.
pub(crate) fn tree<M: Mapping>(mapping: &M, form: Form) -> Tree {
    let form = if M::INFO.is_kubernetes() {
        Form::Kubernetes
    } else {
        form
    };
    let mut entries = Vec::new();
    mapping.write(form, &mut entries);
    Tree::Map(entries)
}

/// Returns the schema of a mapping at a place.
pub(crate) fn object<M: Mapping>(place: Place, generator: &mut SchemaGenerator) -> Schema {
    let mut properties = Map::new();
    let mut required: Vec<Json> = Vec::new();
    for field in M::INFO.fields(place) {
        let name = place.form().field(field.name).into_owned();
        if field.required_hint().is_some() {
            required.push(name.as_str().into());
        }
        properties.insert(name, field.schema_at(place, generator).into());
    }
    let mut schema = json_schema!({
        "type": "object",
        "description": M::INFO.text(place),
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    M::INFO.add_keywords(&mut schema, place);
    schema
}

/// Schema of a mapping in a manifest.
pub(crate) struct InManifest<M>(PhantomData<M>);

/// Schema of a mapping in the Kubernetes form.
pub(crate) struct InKubernetes<M>(PhantomData<M>);

impl<M: Mapping> JsonSchema for InManifest<M> {
    fn schema_name() -> Cow<'static, str> {
        M::INFO.title.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        object::<M>(Place::Manifest, generator)
    }
}

impl<M: Mapping> JsonSchema for InKubernetes<M> {
    fn schema_name() -> Cow<'static, str> {
        M::INFO.title.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        object::<M>(Place::Kubernetes, generator)
    }
}
