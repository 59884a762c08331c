//! Reads values of a wanted type out of a tree, and says what is there instead if it is not.

use super::Shape;
use crate::diagnostic::{Finding, Findings, Severity};
use crate::naming::Naming;
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
}

/// The entries of a mapping whose fields are known.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    entries: &'n [(Node, Node)],
}

impl<'n> Fields<'n> {
    /// The fields of a mapping that is known to be one.
    pub(super) fn of(node: &'n Node) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Self { entries }),
            _ => None,
        }
    }

    /// The value of a field, the first where it stands twice.
    pub(super) fn get(self, name: &str) -> Option<&'n Node> {
        let (_, node) = self
            .entries
            .iter()
            .find(|(key, _)| key.as_str() == Some(name))?;
        Some(node)
    }
}

impl Reader<'_> {
    /// Whether this is a Kubernetes resource, where items of lists are always mappings.
    pub(super) fn is_resource(&self) -> bool {
        self.findings.naming() == Naming::Camel
    }

    /// Reads a part that spells its fields as Kubernetes resources do.
    pub(super) fn in_camel_case<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.findings.speak(Naming::Camel);
        let value = read(self);
        self.findings.speak(before);
        value
    }

    pub(super) fn spot(&self, node: &Node) -> Spot {
        node.spot(self.file)
    }

    /// A mapping with known fields; every other field is reported.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        shape: &Shape,
    ) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            let example = shape.fields.first().copied().unwrap_or("field");
            let example = self.findings.naming().field(example).into_owned();
            self.wrong_type(
                node,
                what,
                "a mapping",
                Some(format!("write fields below it, as in `{example}: …`")),
            );
            return None;
        };
        for (key, _) in entries {
            self.known_field(key, shape);
        }
        Some(Fields { entries })
    }

    fn known_field(&mut self, key: &Node, shape: &Shape) {
        let Some(name) = key.as_str() else {
            self.wrong_type(key, "the name of a field", "text", None);
            return;
        };
        let naming = self.findings.naming();
        if shape.fields.iter().any(|field| naming.field(field) == name) {
            return;
        }
        if self.findings.are_full() {
            self.findings.drop_one();
            return;
        }
        let fields: Vec<_> = shape
            .fields
            .iter()
            .map(|field| naming.field(field))
            .collect();
        let fields: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
        let elsewhere = shape
            .elsewhere
            .iter()
            .find(|(field, _)| naming.field(field) == name);
        let (message, help) = match (elsewhere, nearest(name, &fields)) {
            (Some((_, help)), _) => (
                format!("`{name}` does not belong in {}", shape.name),
                naming.words(help).into_owned(),
            ),
            (None, Some(near)) => (
                format!("unknown field {} in {}", quote(name), shape.name),
                format!("did you mean `{near}`?"),
            ),
            (None, None) => (
                format!("unknown field {} in {}", quote(name), shape.name),
                format!(
                    "the fields are {}",
                    one_of(&fields).replace(" or ", " and ")
                ),
            ),
        };
        let spot = self.spot(key);
        self.findings
            .error(codes::UNKNOWN_FIELD, spot, message, help);
    }

    /// Reports a field that has to be there and is not.
    pub(super) fn has(
        &mut self,
        node: &Node,
        fields: Fields<'_>,
        name: &'static str,
        within: &str,
        what: &str,
    ) {
        let name = self.findings.naming().field(name);
        if fields
            .entries
            .iter()
            .any(|(key, _)| key.as_str() == Some(&name))
        {
            return;
        }
        let spot = self.spot(node);
        let message = format!("{within} needs `{name}`");
        let help = format!("add `{name}:`, {what}");
        self.findings
            .error(codes::MISSING_FIELD, spot, message, help);
    }

    /// A field of a mapping, read by `read`.
    pub(super) fn field<T>(
        &mut self,
        fields: Fields<'_>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Field<T>> {
        // Of a field that stands twice, which has been reported, the first counts.
        let name = self.findings.naming().field(name);
        let (key, node) = fields
            .entries
            .iter()
            .find(|(key, _)| key.as_str() == Some(&name))?;
        let value = read(self, node, &format!("`{name}`"));
        Some(Field {
            key: self.spot(key),
            spot: self.spot(node),
            value,
        })
    }

    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<Text> {
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

    pub(super) fn integer(&mut self, node: &Node, what: &str) -> Option<i64> {
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

    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
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

    /// A list whose items are read by `read`; those that are refused are left out.
    pub(super) fn list<T>(
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
        Some(
            items
                .iter()
                .filter_map(|item| read(self, item, &what))
                .collect(),
        )
    }

    pub(crate) fn spotted_text(&mut self, node: &Node, what: &str) -> Option<Spotted<Text>> {
        let spot = self.spot(node);
        self.text(node, what).map(|value| Spotted { value, spot })
    }

    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Option<Texts> {
        self.list(node, what, Self::spotted_text)
    }

    /// The entries of a mapping with keys of the user's own.
    pub(super) fn entries<'n>(
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

    /// A mapping of the user's own keys to texts; `nullable` where null means something.
    pub(super) fn map(&mut self, node: &Node, what: &str, nullable: bool) -> Option<RawMap> {
        let mut map = RawMap::default();
        for (key, value) in self.entries(node, what, "key: value")? {
            let Some(key) = self.spotted_text(key, &format!("a key of {what}")) else {
                continue;
            };
            let what = quote(&key.value);
            let spot = self.spot(value);
            let value = match &value.value {
                Value::Null if nullable && !self.is_blank(value) => Some(None),
                _ => self.text(value, &what).map(Some),
            };
            if let Some(value) = value {
                map.entries.push((key, Spotted { value, spot }));
            }
        }
        Some(map)
    }

    /// Whether nothing at all is written: null, but perhaps by accident.
    fn is_blank(&self, node: &Node) -> bool {
        node.raw(self.text).is_none_or(|raw| {
            let raw = raw.trim();
            raw.is_empty() || raw == ":"
        })
    }

    pub(super) fn wrong_type(
        &mut self,
        node: &Node,
        what: &str,
        wanted: &str,
        help: Option<String>,
    ) {
        let spot = self.spot(node);
        let finding = if node.value == Value::Null {
            Finding::new(
                codes::WRONG_TYPE,
                Severity::Error,
                format!("{what} has no value"),
            )
            .help(format!("write {wanted}, or remove it"))
        } else {
            let found = describe(&node.value);
            let finding = Finding::new(
                codes::WRONG_TYPE,
                Severity::Error,
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
