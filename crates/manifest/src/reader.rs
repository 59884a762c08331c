//! Reading values of an expected type out of a tree, with a finding for every other type.

use crate::diagnostic::{Finding, Findings};
use crate::form::Form;
use crate::node::{Node, Value};
use crate::quote::{nearest, one_of, quote};
use crate::raw::{Field, RawMap, Text, Texts};
use crate::source::{FileId, Spot, Spotted};
use portalctl_model::codes::manifest as codes;

/// Reads the values of one file.
pub(crate) struct Reader<'a> {
    pub(crate) file: FileId,
    pub(crate) text: &'a str,
    pub(crate) findings: &'a mut Findings,
    /// Set within a patch, where an explicit null takes a field away.
    pub(crate) is_patch: bool,
}

/// The fields that a mapping may hold.
pub(crate) trait Known {
    /// Returns what the mapping is called in a message.
    fn called(&self) -> &str;

    /// Returns the names as a manifest spells them.
    fn names(&self) -> Vec<&'static str>;

    /// Returns whether a field is known, by its name in the form that is read.
    fn has(&self, name: &str) -> bool;

    /// Returns what to do instead of writing a field that is known elsewhere.
    fn hint_about(&self, name: &str) -> Option<&'static str>;
}

/// A field that has to be there.
pub(crate) struct Required<'a> {
    pub(crate) name: &'static str,
    /// Name of the mapping in a message.
    pub(crate) within: &'a str,
    /// Text for somebody who left it out.
    pub(crate) hint: &'a str,
}

/// Treatment of nulls as values of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// A null that is written out says something.
    Kept,
    /// A null is no text.
    Refused,
}

/// The entries of a mapping whose fields are known.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'n> {
    entries: &'n [(Node, Node)],
}

impl<'n> Fields<'n> {
    /// Returns the fields of a value that is known to be a mapping.
    pub(crate) fn of(node: &'n Node) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Self { entries }),
            _ => None,
        }
    }

    /// Returns the value of a field, the first where it stands twice.
    pub(crate) fn get(self, name: &str) -> Option<&'n Node> {
        let (_, node) = self
            .entries
            .iter()
            .find(|(key, _)| key.as_str() == Some(name))?;
        Some(node)
    }
}

impl<'a> Reader<'a> {
    /// Creates a reader of the values of one file.
    pub(crate) const fn new(file: FileId, text: &'a str, findings: &'a mut Findings) -> Self {
        Self {
            file,
            text,
            findings,
            is_patch: false,
        }
    }

    /// Reads a part in which an explicit null takes a field away.
    pub(crate) fn in_patch<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.is_patch, true);
        let value = read(self);
        self.is_patch = before;
        value
    }

    /// Returns whether a value is a null of a patch; one that is not written out may be an accident.
    fn takes_away(&self, node: &Node) -> bool {
        self.is_patch && node.value == Value::Null && !self.is_blank(node)
    }

    /// Returns the form whose spelling the file uses here.
    pub(crate) fn form(&self) -> Form {
        self.findings.form()
    }

    /// Returns whether this is a Kubernetes resource, where items of lists are always mappings.
    pub(crate) fn is_resource(&self) -> bool {
        self.form() == Form::Kubernetes
    }

    /// Reads a part that spells its fields as Kubernetes resources do.
    pub(crate) fn in_camel_case<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.findings.set_form(Form::Kubernetes);
        let value = read(self);
        self.findings.set_form(before);
        value
    }

    pub(crate) fn spot(&self, node: &Node) -> Spot {
        node.spot(self.file)
    }

    /// Returns the fields of a mapping; reports those that are not known.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &impl Known,
    ) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            let example = known.names().first().map_or("field", |name| *name);
            let help = format!(
                "write fields below it, as in `{}: …`",
                self.form().field(example)
            );
            self.wrong_type(node, what, "a mapping", Some(help));
            return None;
        };
        for (key, _) in entries {
            match key.as_str() {
                None => self.wrong_type(key, "the name of a field", "text", None),
                Some(name) if known.has(name) => {}
                Some(_) if self.findings.is_full() => self.findings.count_dropped(),
                Some(name) => self.unknown_field(key, name, known),
            }
        }
        Some(Fields { entries })
    }

    fn unknown_field(&mut self, key: &Node, name: &str, known: &impl Known) {
        let form = self.form();
        let fields = known.names();
        let fields: Vec<_> = fields.iter().map(|field| form.field(field)).collect();
        let fields: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
        let within = form.spell(known.called());
        let unknown = || format!("unknown field {} in {within}", quote(name));
        let (message, help) = match (known.hint_about(name), nearest(name, &fields)) {
            (Some(hint), _) => (
                format!("`{name}` does not belong in {within}"),
                form.spell(hint).into_owned(),
            ),
            (None, Some(near)) => (unknown(), format!("did you mean `{near}`?")),
            (None, None) => {
                let fields = one_of(&fields).replace(" or ", " and ");
                (unknown(), format!("the fields are {fields}"))
            }
        };
        let spot = self.spot(key);
        self.findings
            .error(codes::UNKNOWN_FIELD, spot, message, help);
    }

    /// Reports a required field that is missing.
    pub(crate) fn require(&mut self, node: &Node, fields: Fields<'_>, required: &Required<'_>) {
        let form = self.form();
        let name = form.field(required.name);
        if fields.get(&name).is_some() {
            return;
        }
        let message = format!("{} needs `{name}`", form.spell(required.within));
        let help = format!("add `{name}:`, {}", form.spell(required.hint));
        self.findings
            .error(codes::MISSING_FIELD, node.spot(self.file), message, help);
    }

    /// Reads a field of a mapping with `read`.
    pub(crate) fn field<T>(
        &mut self,
        fields: Fields<'_>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Field<T>> {
        // Of a field that stands twice, which has been reported, the first counts.
        let name = self.form().field(name);
        let (key, node) = fields
            .entries
            .iter()
            .find(|(key, _)| key.as_str() == Some(&name))?;
        let is_null = self.takes_away(node);
        let value = if is_null {
            None
        } else {
            read(self, node, &format!("`{name}`"))
        };
        Some(Field {
            key: self.spot(key),
            spot: self.spot(node),
            value,
            is_null,
        })
    }

    pub(crate) fn text(&mut self, node: &Node, what: &str) -> Option<Text> {
        match &node.value {
            Value::Str(text) => Some(text.clone()),
            Value::Bool(_) | Value::Int(_) | Value::Float => {
                let help = node.written(self.text).map_or_else(
                    || "put it in quotes".to_owned(),
                    |written| format!("put it in quotes: \"{}\"", quote(written).trim_matches('`')),
                );
                self.wrong_type(node, what, "text", Some(help));
                None
            }
            Value::Null | Value::Seq(_) | Value::Map(_) => {
                self.wrong_type(node, what, "text", None);
                None
            }
        }
    }

    pub(crate) fn integer(&mut self, node: &Node, what: &str) -> Option<i64> {
        match &node.value {
            Value::Int(number) => Some(*number),
            Value::Str(text) if text.parse::<i64>().is_ok() => {
                self.wrong_type(
                    node,
                    what,
                    "a number",
                    Some(format!("remove the quotes: {text}")),
                );
                None
            }
            _ => {
                self.wrong_type(node, what, "a whole number", None);
                None
            }
        }
    }

    pub(crate) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match &node.value {
            Value::Bool(value) => Some(*value),
            Value::Str(text) => {
                let help = match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" => "write true, without quotes",
                    "no" | "off" | "n" | "false" => "write false, without quotes",
                    _ => "write true or false",
                };
                self.wrong_type(node, what, "true or false", Some(help.to_owned()));
                None
            }
            _ => {
                let help = "write true or false".to_owned();
                self.wrong_type(node, what, "true or false", Some(help));
                None
            }
        }
    }

    /// Reads a list, each item with `read`; refused items are left out.
    pub(crate) fn list<T>(
        &mut self,
        node: &Node,
        what: &str,
        mut read: impl FnMut(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Seq(items) = &node.value else {
            let help = node
                .as_str()
                .and_then(|_| node.written(self.text))
                .map(|written| format!("write a list: [{}]", quote(written).trim_matches('`')));
            self.wrong_type(node, what, "a list", help);
            return None;
        };
        let what = format!("an item of {what}");
        // A list replaces the one before it as a whole: its items are no patches.
        let before = std::mem::replace(&mut self.is_patch, false);
        let list = items
            .iter()
            .filter_map(|item| read(self, item, &what))
            .collect();
        self.is_patch = before;
        Some(list)
    }

    pub(crate) fn spotted_text(&mut self, node: &Node, what: &str) -> Option<Spotted<Text>> {
        let spot = self.spot(node);
        self.text(node, what).map(|value| Spotted { value, spot })
    }

    pub(crate) fn texts(&mut self, node: &Node, what: &str) -> Option<Texts> {
        self.list(node, what, Self::spotted_text)
    }

    /// Returns the entries of a mapping whose keys are the user's own.
    pub(crate) fn entries<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        example: &str,
    ) -> Option<&'n [(Node, Node)]> {
        if let Value::Map(entries) = &node.value {
            return Some(entries);
        }
        let help = format!("write entries below it, as in `{example}`");
        self.wrong_type(node, what, "a mapping", Some(help));
        None
    }

    /// Reads a mapping of the user's own names, each value with `read`; refused values are left out.
    pub(crate) fn named<T>(
        &mut self,
        node: &Node,
        what: &str,
        example: &str,
        mut read: impl FnMut(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Vec<(Spotted<Text>, T)>> {
        let mut values = Vec::new();
        for (key, value) in self.entries(node, what, example)? {
            let Some(key) = self.spotted_text(key, &format!("a key of {what}")) else {
                continue;
            };
            if let Some(value) = read(self, value, &quote(&key.value)) {
                values.push((key, value));
            }
        }
        Some(values)
    }

    /// Reads a mapping of the user's own keys to texts.
    pub(crate) fn map(&mut self, node: &Node, what: &str, nulls: Nulls) -> Option<RawMap> {
        let mut map = RawMap::default();
        for (key, value) in self.entries(node, what, "key: value")? {
            let Some(key) = self.spotted_text(key, &format!("a key of {what}")) else {
                continue;
            };
            let what = quote(&key.value);
            let spot = self.spot(value);
            let value = match &value.value {
                Value::Null if nulls == Nulls::Kept && !self.is_blank(value) => Some(None),
                Value::Null if self.takes_away(value) => Some(None),
                _ => self.text(value, &what).map(Some),
            };
            if let Some(value) = value {
                map.entries.push((key, Spotted { value, spot }));
            }
        }
        Some(map)
    }

    /// Returns whether a null is not written at all, perhaps by accident.
    fn is_blank(&self, node: &Node) -> bool {
        node.raw(self.text).is_none_or(|raw| {
            let raw = raw.trim();
            raw.is_empty() || raw == ":"
        })
    }

    pub(crate) fn wrong_type(
        &mut self,
        node: &Node,
        what: &str,
        wanted: &str,
        help: Option<String>,
    ) {
        let spot = self.spot(node);
        let finding = if node.value == Value::Null {
            Finding::error(codes::WRONG_TYPE, format!("{what} has no value"))
                .help(format!("write {wanted}, or remove it"))
        } else {
            let found = describe(&node.value);
            let finding = Finding::error(
                codes::WRONG_TYPE,
                format!("{what} must be {wanted}, not {found}"),
            );
            match help {
                Some(help) => finding.help(help),
                None => finding.help(format!("write {wanted}")),
            }
        };
        self.findings.push(finding.at(spot));
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Float => "a number",
        Value::Str(_) => "text",
        Value::Seq(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}
