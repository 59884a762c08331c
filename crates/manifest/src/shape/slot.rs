//! Presence of a field: optional, required, with a default, or a group of fields in its place.

use std::marker::PhantomData;

use schemars::{Schema, SchemaGenerator};

use super::field::{Absent, Entries, FieldInfo, Mapping, Slot, SlotValue};
use super::tree::Tree;
use super::value::{Defaulted, Kind, Value};
use crate::form::Form;
use crate::raw::{self, Field, Layered};
use crate::reader::{Fields, Reader};

/// A field that has to be there.
#[derive(Debug)]
pub struct Required<K>(PhantomData<K>);

/// A field that has a default, and is written only where it differs.
#[derive(Debug)]
pub struct OrDefault<K>(PhantomData<K>);

/// The fields of another mapping, in place of one field.
#[derive(Debug)]
pub struct Group<M>(PhantomData<M>);

impl<K: Kind> Slot for Option<K> {
    type Plain = Option<K::Plain>;
}

impl<K: Kind> Slot for Required<K> {
    type Plain = K::Plain;
}

impl<K: Kind> Slot for OrDefault<K> {
    type Plain = K::Plain;
}

impl<M> Slot for Group<M> {
    type Plain = M;
}

impl<K: Kind> Absent for Option<K> {
    fn absent() -> Self::Plain {
        None
    }
}

impl<K: Defaulted> Absent for OrDefault<K> {
    fn absent() -> Self::Plain {
        K::default()
    }
}

impl<M: Default> Absent for Group<M> {
    fn absent() -> Self::Plain {
        M::default()
    }
}

/// Implements reading, describing and writing for the slots of one field.
macro_rules! slots {
    ($($slot:ident<K: $kind:ident>, $is_required:literal, $default:expr, $written:expr;)+) => {$(
        impl<K: $kind> SlotValue for $slot<K> {
            type Raw = Option<Field<K::Raw>>;

            const IS_REQUIRED: bool = $is_required;

            fn schema(form: Form, generator: &mut SchemaGenerator) -> Schema {
                let mut schema = K::schema(form, generator);
                let default: fn(Form) -> Option<Tree> = $default;
                if let Some(default) = default(form) {
                    schema.insert("default".to_owned(), default.into());
                }
                schema
            }

            fn read(reader: &mut Reader<'_>, fields: Fields<'_>, name: &'static str) -> Self::Raw {
                reader.field(fields, name, K::decode)
            }

            fn lay_over(earlier: &mut Self::Raw, later: Self::Raw) {
                raw::lay_over(earlier, later);
            }

            fn is_null(raw: &Self::Raw) -> bool {
                raw.as_ref().is_some_and(|field| field.is_null)
            }

            fn write(plain: &Self::Plain, form: Form, name: &str, entries: &mut Entries) {
                let written: fn(&Self::Plain) -> Option<&K::Plain> = $written;
                let name = || form.field(name).into_owned();
                entries.extend(written(plain).map(|plain| (name(), K::write(plain, form))));
            }
        }
    )+};
}

slots! {
    Option<K: Value>, false, |_| None, |plain| plain.as_ref();
    Required<K: Value>, true, |_| None, |plain| Some(plain);
    OrDefault<K: Defaulted>, false,
        |form| K::IS_TOLD.then(|| K::write(&K::default(), form)),
        |plain| (*plain != K::default()).then_some(plain);
}

impl<M: Mapping> SlotValue for Group<M> {
    type Raw = M::Raw;

    const GROUP: Option<&'static [FieldInfo]> = Some(M::FIELDS);

    /// A group has no schema of its own: its fields have.
    fn schema(_: Form, _: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }

    fn read(reader: &mut Reader<'_>, fields: Fields<'_>, _: &'static str) -> Self::Raw {
        M::read(reader, fields)
    }

    fn lay_over(earlier: &mut Self::Raw, later: Self::Raw) {
        let before = std::mem::take(earlier);
        *earlier = later.over(Some(before));
    }

    /// A group is never null: its fields may be.
    fn is_null(_: &Self::Raw) -> bool {
        false
    }

    fn write(plain: &Self::Plain, form: Form, _: &str, entries: &mut Entries) {
        plain.write(form, entries);
    }
}
