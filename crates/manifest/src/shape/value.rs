//! Kinds of values: what each of them can do.

use schemars::{Schema, SchemaGenerator};

use super::tree::Tree;
use crate::form::Form;
use crate::node::Node;
use crate::raw::Layered;
use crate::reader::Reader;

/// A kind of value.
pub trait Kind {
    /// The value as plain data.
    type Plain;
}

/// Reading, describing and writing the values of a kind.
pub(crate) trait Value: Kind {
    /// The value as it is written; its rules have not been applied.
    type Raw: Layered;

    /// Reads a value; `None` where it is of another type, which is reported.
    fn decode(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self::Raw>;

    /// Returns the keywords of the value in a schema.
    fn schema(form: Form, generator: &mut SchemaGenerator) -> Schema;

    fn write(plain: &Self::Plain, form: Form) -> Tree;
}

/// A kind of value that has a default.
pub(crate) trait Defaulted: Value<Plain: PartialEq> {
    /// Set when schemas tell the default.
    const IS_TOLD: bool = true;

    fn default() -> Self::Plain;
}

/// Declares kinds: the plain type and the type as written, and functions that read, describe and write.
macro_rules! kinds {
    ($(
        $(#[$doc:meta])*
        $name:ident: $plain:ty, $raw:ty, $decode:expr, $schema:expr, $write:expr;
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl $crate::shape::value::Kind for $name {
            type Plain = $plain;
        }

        impl $crate::shape::value::Value for $name {
            type Raw = $raw;

            fn decode(
                reader: &mut $crate::reader::Reader<'_>,
                node: &$crate::node::Node,
                what: &str,
            ) -> Option<$raw> {
                $decode(reader, node, what)
            }

            fn schema(
                form: $crate::form::Form,
                generator: &mut schemars::SchemaGenerator,
            ) -> schemars::Schema {
                $schema(form, generator)
            }

            fn write(plain: &$plain, form: $crate::form::Form) -> $crate::shape::tree::Tree {
                $write(plain, form)
            }
        }
    )+};
}
