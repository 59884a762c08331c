//! Declarations of fields and mappings as data, and the traits of declared types.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::tree::Tree;
use crate::form::Form;
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
    fn write(plain: &Self::Plain, form: Form, name: &str, entries: &mut Entries);
}

/// A mapping with declared fields.
pub(crate) trait Mapping: Sized {
    /// The mapping as it is written, each field with its place.
    type Raw;

    const FIELDS: &'static [FieldInfo];
    const INFO: MappingInfo;

    /// Reads the fields; unknown ones have been reported.
    fn read(reader: &mut Reader<'_>, fields: Fields<'_>) -> Self::Raw;

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
    /// A Kubernetes resource, or the `kubernetes` field of a manifest.
    Kubernetes,
}

impl Place {
    /// Returns the form whose spelling the position uses.
    pub(crate) const fn form(self) -> Form {
        match self {
            Self::Manifest | Self::Defaults => Form::Manifest,
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

/// Forms in which a field exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forms {
    Both,
    /// Holds the hint for those who write it in the Kubernetes form.
    Manifest(Option<&'static str>),
    Kubernetes,
}

/// Example in the schema of a manifest.
#[derive(Debug, Clone, Copy)]
enum Example {
    Text(&'static str),
    Number(u32),
    List(&'static [&'static str]),
}

/// Keywords that a schema has beside those of its kind.
type Keywords = fn() -> Value;

/// One declared field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldInfo {
    /// Name in a manifest; the Kubernetes form spells it in camelCase.
    pub(crate) name: &'static str,
    /// Fields that stand in for this one, if it is a group of them.
    group: Option<&'static [FieldInfo]>,
    doc: &'static [&'static str],
    kubernetes_doc: Option<&'static str>,
    defaults_doc: Option<&'static str>,
    forms: Forms,
    is_required: bool,
    required_hint: &'static str,
    example: Option<Example>,
    schema: fn(Form, &mut SchemaGenerator) -> Schema,
    manifest_keywords: Option<Keywords>,
    kubernetes_keywords: Option<Keywords>,
}

/// The declaration of a field, step by step.
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
            defaults_doc: None,
            forms: Forms::Both,
            is_required: S::IS_REQUIRED,
            required_hint: "",
            example: None,
            schema: S::schema,
            manifest_keywords: None,
            kubernetes_keywords: None,
        }
    }

    /// Sets another text for the Kubernetes form.
    pub(crate) const fn kubernetes_doc(mut self, doc: &'static str) -> Self {
        self.kubernetes_doc = Some(doc);
        self
    }

    /// Allows the field in `defaults`, with its text there.
    pub(crate) const fn in_defaults(mut self, doc: &'static str) -> Self {
        self.defaults_doc = Some(doc);
        self
    }

    /// Restricts the field to manifests.
    pub(crate) const fn manifest_only(mut self) -> Self {
        self.forms = Forms::Manifest(None);
        self
    }

    /// Restricts the field to manifests, with a hint for the Kubernetes form.
    pub(crate) const fn not_in_kubernetes(mut self, hint: &'static str) -> Self {
        self.forms = Forms::Manifest(Some(hint));
        self
    }

    /// Restricts the field to the Kubernetes form.
    pub(crate) const fn kubernetes_only(mut self) -> Self {
        self.forms = Forms::Kubernetes;
        self
    }

    /// Describes a required field to somebody who left it out.
    pub(crate) const fn required(mut self, hint: &'static str) -> Self {
        self.required_hint = hint;
        self
    }

    pub(crate) const fn example(mut self, text: &'static str) -> Self {
        self.example = Some(Example::Text(text));
        self
    }

    pub(crate) const fn example_number(mut self, number: u32) -> Self {
        self.example = Some(Example::Number(number));
        self
    }

    pub(crate) const fn example_list(mut self, items: &'static [&'static str]) -> Self {
        self.example = Some(Example::List(items));
        self
    }

    /// Adds keywords to the schema of manifests.
    pub(crate) const fn in_schema(mut self, keywords: Keywords) -> Self {
        self.manifest_keywords = Some(keywords);
        self
    }

    /// Adds keywords to the resource definition.
    pub(crate) const fn in_definition(mut self, keywords: Keywords) -> Self {
        self.kubernetes_keywords = Some(keywords);
        self
    }
}

impl FieldInfo {
    /// Returns whether the field exists at a place.
    pub(crate) fn is_at(&self, place: Place) -> bool {
        match place {
            Place::Manifest => self.forms != Forms::Kubernetes,
            Place::Defaults => self.defaults_doc.is_some(),
            Place::Kubernetes => !matches!(self.forms, Forms::Manifest(_)),
        }
    }

    /// Returns the hint about a required field, if it is one.
    pub(crate) fn required_hint(&self) -> Option<&'static str> {
        self.is_required.then_some(self.required_hint)
    }

    /// Returns the schema at a place.
    pub(crate) fn schema_at(&self, place: Place, generator: &mut SchemaGenerator) -> Schema {
        let mut schema = (self.schema)(place.form(), generator);
        let fields = schema.ensure_object();
        fields.insert("description".to_owned(), self.doc_at(place).into());
        if let (Place::Manifest, Some(example)) = (place, self.example) {
            let example: Value = match example {
                Example::Text(text) => text.into(),
                Example::Number(number) => number.into(),
                Example::List(items) => items.into(),
            };
            fields.insert("examples".to_owned(), Value::from(vec![example]));
        }
        let keywords = match place {
            Place::Manifest | Place::Defaults => self.manifest_keywords,
            Place::Kubernetes => self.kubernetes_keywords,
        };
        extend(&mut schema, keywords);
        schema
    }

    fn doc_at(&self, place: Place) -> String {
        match (place, self.kubernetes_doc, self.defaults_doc) {
            (Place::Kubernetes, Some(doc), _) | (Place::Defaults, _, Some(doc)) => doc.to_owned(),
            _ => place.form().spell(&text_of(self.doc)).into_owned(),
        }
    }
}

/// One declared mapping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MappingInfo {
    /// Name of the type, by which schemas refer to it.
    pub(crate) title: &'static str,
    called: &'static str,
    doc: &'static [&'static str],
    /// Name and text of `defaults`, where the mapping is one of organizations.
    defaults: Option<(&'static str, &'static str)>,
    declared: &'static [FieldInfo],
    /// Set for a mapping that is spelled in camelCase in a manifest, too.
    pub(crate) is_kubernetes: bool,
    instead: &'static [(&'static str, &'static str)],
    schema_keywords: Option<Keywords>,
    definition_keywords: Option<Keywords>,
}

/// The declaration of a mapping, step by step.
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
            defaults: None,
            declared,
            is_kubernetes: false,
            instead: &[],
            schema_keywords: None,
            definition_keywords: None,
        }
    }

    /// Marks a mapping that only the Kubernetes form has.
    pub(crate) const fn kubernetes(mut self) -> Self {
        self.is_kubernetes = true;
        self
    }

    /// Sets the name in messages and the text of the mapping as `defaults`.
    pub(crate) const fn as_defaults(mut self, called: &'static str, doc: &'static str) -> Self {
        self.defaults = Some((called, doc));
        self
    }

    /// Names fields that are known elsewhere, with what to do instead.
    pub(crate) const fn instead(mut self, list: &'static [(&'static str, &'static str)]) -> Self {
        self.instead = list;
        self
    }

    /// Adds keywords to the schema of manifests.
    pub(crate) const fn in_schema(mut self, keywords: Keywords) -> Self {
        self.schema_keywords = Some(keywords);
        self
    }

    /// Adds keywords to the resource definition.
    pub(crate) const fn in_definition(mut self, keywords: Keywords) -> Self {
        self.definition_keywords = Some(keywords);
        self
    }
}

impl MappingInfo {
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
        let listed = self
            .instead
            .iter()
            .find(|(known, _)| form.field(known) == name);
        listed.map(|(_, hint)| *hint).or_else(|| {
            let field = self.all().find(|field| form.field(field.name) == name)?;
            match (place, field.forms) {
                (Place::Defaults, _) => Some(PER_ORGANIZATION),
                (Place::Kubernetes, Forms::Manifest(hint)) => hint,
                _ => None,
            }
        })
    }

    /// Returns the name of the mapping in a message.
    pub(crate) fn called(&self, place: Place) -> &'static str {
        match (place, self.defaults) {
            (Place::Defaults, Some((called, _))) => called,
            _ => self.called,
        }
    }

    /// Returns the text of the mapping in a schema.
    pub(crate) fn text(&self, place: Place) -> String {
        match (place, self.defaults) {
            (Place::Defaults, Some((_, doc))) => doc.to_owned(),
            _ => place.form().spell(&text_of(self.doc)).into_owned(),
        }
    }

    pub(crate) fn add_keywords(&self, schema: &mut Schema, place: Place) {
        let keywords = match place {
            Place::Manifest => self.schema_keywords,
            Place::Defaults => None,
            Place::Kubernetes => self.definition_keywords,
        };
        extend(schema, keywords);
    }
}

fn extend(schema: &mut Schema, keywords: Option<Keywords>) {
    if let Some(Value::Object(keywords)) = keywords.map(|keywords| keywords()) {
        schema.ensure_object().extend(keywords);
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
