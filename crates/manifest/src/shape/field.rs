//! Declarations of fields and mappings as data, and the traits of declared types.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::tree::Tree;
use crate::form::Form;
use crate::raw::Layered;
use crate::reader::{Fields, Reader};

/// A declared field: the type of its value once it is plain data.
pub trait Slot {
    /// The value as plain data.
    type Plain;
}

/// A field that may be absent.
pub(crate) trait Absent: Slot {
    /// Returns the value of a field that is not there.
    fn absent() -> Self::Plain;
}

/// Entries of a mapping while it is written.
pub(crate) type Entries = Vec<(String, Tree)>;

/// Reading, describing and writing one declared field.
pub(crate) trait SlotValue: Slot {
    /// The field as it is written, with its places.
    type Raw;

    const IS_REQUIRED: bool = false;
    const GROUP: Option<&'static [FieldInfo]> = None;

    fn schema(form: Form, generator: &mut SchemaGenerator) -> Schema;
    fn read(reader: &mut Reader<'_>, fields: Fields<'_>, name: &'static str) -> Self::Raw;

    /// Lays the field of a later layer over that of an earlier one.
    fn lay_over(earlier: &mut Self::Raw, later: Self::Raw);

    /// Returns whether a patch takes the field away.
    fn is_null(raw: &Self::Raw) -> bool;

    fn write(plain: &Self::Plain, form: Form, name: &str, entries: &mut Entries);
}

/// A mapping with declared fields.
pub(crate) trait Mapping: Sized {
    /// The mapping as it is written, each field with its place.
    type Raw: Layered + Default;

    const FIELDS: &'static [FieldInfo];
    const INFO: MappingInfo;

    /// Reads the fields; unknown ones have been reported.
    fn read(reader: &mut Reader<'_>, fields: Fields<'_>) -> Self::Raw;

    /// Returns the names of the fields that a patch takes away.
    fn nulls(raw: &Self::Raw) -> Vec<&'static str>;

    /// Adds the fields that say something to a mapping that is written.
    fn write(&self, form: Form, entries: &mut Entries);
}

/// Position of a mapping in one of the forms; some fields belong only to some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A manifest.
    Manifest,
    /// `defaults` of a manifest.
    Defaults,
    /// One of the `profiles` of a manifest.
    Profile,
    /// An entry of an overlay.
    Patch,
    /// A Kubernetes resource, or the `kubernetes` field of a manifest.
    Kubernetes,
}

impl Place {
    /// Returns the form whose spelling the position uses.
    pub(crate) const fn form(self) -> Form {
        match self {
            Self::Manifest | Self::Defaults | Self::Profile | Self::Patch => Form::Manifest,
            Self::Kubernetes => Form::Kubernetes,
        }
    }
}

impl From<Form> for Place {
    fn from(form: Form) -> Self {
        match form {
            Form::Manifest => Self::Manifest,
            Form::Kubernetes => Self::Kubernetes,
        }
    }
}

/// Hint for a field of `defaults` that only organizations have.
const PER_ORGANIZATION: &str = "declare it on each organization it is meant for";

/// Text of a profile in the schema.
const PROFILE: &str = "Fields that several organizations share: those that list it under `use`.";
/// Text of an entry of an overlay in the schema.
const PATCH: &str = "The fields of an organization that differ in this environment; null takes a \
                     field away. A key that is new adds an organization to this environment.";

/// Keywords that a schema has beside those of its kind.
type Keywords = fn() -> Value;

/// One declared field. A declaration sets the fields of this type that are options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldInfo {
    /// Name in a manifest; the Kubernetes form spells it in camelCase.
    pub(crate) name: &'static str,
    /// Fields that stand in for this one, if it is a group of them.
    pub(super) group: Option<&'static [FieldInfo]>,
    pub(super) doc: &'static [&'static str],
    /// Another text for the Kubernetes form.
    pub(crate) kubernetes_doc: Option<&'static str>,
    /// Text of a field that `defaults` may hold, too.
    pub(crate) in_defaults: Option<&'static str>,
    /// The form that has the field, if it is only one.
    pub(crate) only: Option<Form>,
    /// Hint for those who write a field of organizations in a profile.
    pub(crate) not_in_profiles: Option<&'static str>,
    /// Hint for those who write a field of manifests in the Kubernetes form.
    pub(crate) not_in_kubernetes: Option<&'static str>,
    pub(super) is_required: bool,
    /// Hint for somebody who left a required field out.
    pub(crate) required: Option<&'static str>,
    /// Example in the schema of manifests.
    pub(crate) example: Option<&'static str>,
    pub(crate) example_number: Option<u32>,
    pub(crate) example_list: Option<&'static [&'static str]>,
    pub(super) schema: fn(Form, &mut SchemaGenerator) -> Schema,
    /// More keywords for the schema of manifests.
    pub(crate) in_schema: Option<Keywords>,
    /// More keywords for the resource definition.
    pub(crate) in_definition: Option<Keywords>,
}

impl FieldInfo {
    pub(crate) const fn new<S: SlotValue>(
        name: &'static str,
        doc: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            group: S::GROUP,
            doc,
            kubernetes_doc: None,
            in_defaults: None,
            only: None,
            not_in_profiles: None,
            not_in_kubernetes: None,
            is_required: S::IS_REQUIRED,
            required: None,
            example: None,
            example_number: None,
            example_list: None,
            schema: S::schema,
            in_schema: None,
            in_definition: None,
        }
    }

    /// Returns whether the field exists at a place.
    pub(crate) fn is_at(&self, place: Place) -> bool {
        match place {
            Place::Manifest | Place::Patch => self.only != Some(Form::Kubernetes),
            Place::Profile => self.only != Some(Form::Kubernetes) && self.not_in_profiles.is_none(),
            Place::Defaults => self.in_defaults.is_some(),
            Place::Kubernetes => {
                self.only != Some(Form::Manifest) && self.not_in_kubernetes.is_none()
            }
        }
    }

    /// Returns the hint about a required field, if it is one.
    pub(crate) fn required_hint(&self) -> Option<&'static str> {
        self.required.filter(|_| self.is_required)
    }

    /// Returns the schema at a place.
    pub(crate) fn schema_at(&self, place: Place, generator: &mut SchemaGenerator) -> Schema {
        let mut schema = (self.schema)(place.form(), generator);
        let fields = schema.ensure_object();
        fields.insert("description".to_owned(), self.doc_at(place).into());
        let example = self.example.map(Value::from);
        let example = example.or_else(|| self.example_number.map(Value::from));
        let example = example.or_else(|| self.example_list.map(Value::from));
        if let (Place::Manifest, Some(example)) = (place, example) {
            fields.insert("examples".to_owned(), vec![example].into());
        }
        let keywords = match place {
            Place::Manifest | Place::Defaults | Place::Profile | Place::Patch => self.in_schema,
            Place::Kubernetes => self.in_definition,
        };
        extend(&mut schema, keywords);
        schema
    }

    fn doc_at(&self, place: Place) -> String {
        match (place, self.kubernetes_doc, self.in_defaults) {
            (Place::Kubernetes, Some(doc), _) | (Place::Defaults, _, Some(doc)) => doc.to_owned(),
            _ => place.form().spell(&text_of(self.doc)).into_owned(),
        }
    }
}

/// One declared mapping. A declaration sets the fields of this type that are options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MappingInfo {
    /// Name of the type, by which schemas refer to it.
    pub(crate) title: &'static str,
    pub(super) called: &'static str,
    pub(super) doc: &'static [&'static str],
    pub(super) declared: &'static [FieldInfo],
    /// The form that has the mapping, if it is only one; a manifest spells it as that form does.
    pub(crate) only: Option<Form>,
    /// Name and text of the mapping as `defaults`.
    pub(crate) as_defaults: Option<(&'static str, &'static str)>,
    /// Beginning of the names of fields that are not read.
    pub(crate) ignores: Option<&'static str>,
    /// Fields that are known elsewhere, with what to do instead.
    pub(crate) instead: Option<&'static [(&'static str, &'static str)]>,
    /// More keywords for the schema of manifests.
    pub(crate) in_schema: Option<Keywords>,
    /// More keywords for the resource definition.
    pub(crate) in_definition: Option<Keywords>,
}

impl MappingInfo {
    pub(crate) const fn new(
        title: &'static str,
        called: &'static str,
        doc: &'static [&'static str],
        declared: &'static [FieldInfo],
    ) -> Self {
        Self {
            title,
            called,
            doc,
            declared,
            only: None,
            as_defaults: None,
            ignores: None,
            instead: None,
            in_schema: None,
            in_definition: None,
        }
    }

    /// Returns whether only the Kubernetes form has the mapping.
    pub(crate) fn is_kubernetes(&self) -> bool {
        self.only == Some(Form::Kubernetes)
    }

    /// Returns the fields at a place, those of groups included.
    pub(crate) fn fields(&self, place: Place) -> impl Iterator<Item = &'static FieldInfo> + use<> {
        self.all().filter(move |field| field.is_at(place))
    }

    /// Returns the fields of all places.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static FieldInfo> + use<> {
        self.declared
            .iter()
            .flat_map(|field| field.group.unwrap_or(std::slice::from_ref(field)))
    }

    /// Returns what to do instead of writing a field that does not belong at a place.
    pub(crate) fn hint_about(&self, name: &str, place: Place) -> Option<&'static str> {
        let form = place.form();
        let mut listed = self.instead.into_iter().flatten();
        let listed = listed.find(|(known, _)| form.field(known) == name);
        listed.map(|(_, hint)| *hint).or_else(|| {
            let field = self.all().find(|field| form.field(field.name) == name)?;
            match place {
                Place::Defaults => Some(PER_ORGANIZATION),
                Place::Profile => field.not_in_profiles,
                Place::Kubernetes => field.not_in_kubernetes,
                Place::Manifest | Place::Patch => None,
            }
        })
    }

    /// Returns the name of the mapping in a message.
    pub(crate) fn called(&self, place: Place) -> &'static str {
        match (place, self.as_defaults) {
            (Place::Defaults, Some((called, _))) => called,
            (Place::Profile, _) => "a profile",
            _ => self.called,
        }
    }

    /// Returns the text of the mapping in a schema.
    pub(crate) fn text(&self, place: Place) -> String {
        match (place, self.as_defaults) {
            (Place::Defaults, Some((_, doc))) => doc.to_owned(),
            (Place::Profile, _) => PROFILE.to_owned(),
            (Place::Patch, _) => PATCH.to_owned(),
            _ => place.form().spell(&text_of(self.doc)).into_owned(),
        }
    }

    pub(crate) fn add_keywords(&self, schema: &mut Schema, place: Place) {
        let keywords = match place {
            Place::Manifest => self.in_schema,
            Place::Defaults | Place::Profile | Place::Patch => None,
            Place::Kubernetes => self.in_definition,
        };
        extend(schema, keywords);
    }
}

fn extend(schema: &mut Schema, keywords: Option<Keywords>) {
    if let Some(Value::Object(keywords)) = keywords.map(|keywords| keywords()) {
        schema.ensure_object().extend(keywords);
    }
}

/// Returns the name of a field that is spelled as a Rust identifier, perhaps a raw one: `r#use`.
pub(crate) const fn name_of(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

/// Joins the lines of a comment: a paragraph is one line.
fn text_of(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    unwrap_lines(&lines.join("\n"))
}

/// Removes the line breaks within paragraphs, which are those of a source file.
pub(crate) fn unwrap_lines(text: &str) -> String {
    let paragraphs: Vec<String> = text.split("\n\n").map(|p| p.replace('\n', " ")).collect();
    paragraphs.join("\n\n")
}
