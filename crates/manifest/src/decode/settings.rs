//! The top level of a document, and everything but organizations.

use super::{Reader, Shape, operator, organization};
use crate::node::{Node, Value};
use crate::raw::{Field, RawDocument, RawEnvironment, RawLimits, RawReturnUrls, RawUpdateLimit};

pub(super) const DOCUMENT: Shape = Shape {
    name: "a manifest",
    fields: &[
        "version",
        "manifest",
        "previous_manifests",
        "environment",
        "return_urls",
        "limits",
        "defaults",
        "kubernetes",
        "organizations",
    ],
    elsewhere: &[
        (
            "name",
            "the environment's name is `environment.name`, an organization's is `organizations.KEY.name`",
        ),
        (
            "intents",
            "intents belong to an organization, or to `defaults` for all of them",
        ),
        ("allowed_hosts", "it belongs under `return_urls`"),
        (
            "api_key",
            "the kind of key belongs under `environment`; the key itself comes from WORKOS_API_KEY",
        ),
    ],
};
pub(super) const ENVIRONMENT: Shape =
    Shape::new("`environment`", &["name", "api_key", "client_id"]);
pub(super) const RETURN_URLS: Shape =
    Shape::new("`return_urls`", &["default", "allowed_hosts", "success"]);
pub(super) const LIMITS: Shape = Shape::new("`limits`", &["create", "update", "delete"]);

/// Decodes a document; `None` when it is no manifest at all, which is reported.
pub(crate) fn document(reader: &mut Reader<'_>, root: Node) -> Option<RawDocument> {
    let fields = reader.fields(&root, "a manifest", &DOCUMENT)?;
    let version = reader.field(fields, "version", Reader::integer);
    let manifest = reader.field(fields, "manifest", Reader::text);
    let previous_manifests = reader.field(fields, "previous_manifests", Reader::texts);
    let environment = reader.field(fields, "environment", environment);
    let return_urls = reader.field(fields, "return_urls", return_urls);
    let limits = reader.field(fields, "limits", limits);
    let defaults = reader.field(fields, "defaults", organization::defaults);
    let kubernetes = reader.field(fields, "kubernetes", operator::environment_object);
    let organizations = reader
        .field(fields, "organizations", |reader, node, what| {
            let example = "acme: { name: Acme Corp }";
            reader.entries(node, what, example).map(|_| ())
        })
        .map(|Field { key, spot, value }| Field {
            key,
            spot,
            value: value.and_then(|()| take_organizations(root)),
        });
    Some(RawDocument {
        version,
        manifest,
        previous_manifests,
        environment,
        return_urls,
        limits,
        defaults,
        kubernetes,
        organizations,
    })
}

/// Takes the organizations out of the tree without copying them.
fn take_organizations(root: Node) -> Option<Vec<(Node, Node)>> {
    let Value::Map(fields) = root.value else {
        return None;
    };
    let (_, node) = fields
        .into_iter()
        .find(|(key, _)| key.as_str() == Some("organizations"))?;
    match node.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    }
}

fn environment(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawEnvironment> {
    let fields = reader.fields(node, what, &ENVIRONMENT)?;
    Some(RawEnvironment {
        name: reader.field(fields, "name", Reader::text),
        api_key: reader.field(fields, "api_key", Reader::text),
        client_id: reader.field(fields, "client_id", Reader::text),
    })
}

pub(super) fn return_urls(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
) -> Option<RawReturnUrls> {
    let fields = reader.fields(node, what, &RETURN_URLS)?;
    Some(RawReturnUrls {
        default: reader.field(fields, "default", Reader::text),
        allowed_hosts: reader.field(fields, "allowed_hosts", Reader::texts),
        success: reader.field(fields, "success", |reader, node, what| {
            reader.map(node, what, false)
        }),
    })
}

pub(super) fn limits(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawLimits> {
    let fields = reader.fields(node, what, &LIMITS)?;
    Some(RawLimits {
        create: reader.field(fields, "create", Reader::integer),
        update: reader.field(fields, "update", update_limit),
        delete: reader.field(fields, "delete", Reader::integer),
    })
}

fn update_limit(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawUpdateLimit> {
    match &node.value {
        Value::Int(number) => Some(RawUpdateLimit::Count(*number)),
        Value::Str(text) => Some(RawUpdateLimit::Text(text.clone())),
        _ => {
            let help = "write a whole number, or a percentage as in 30%".to_owned();
            reader.wrong_type(node, what, "a number or a percentage", Some(help));
            None
        }
    }
}
