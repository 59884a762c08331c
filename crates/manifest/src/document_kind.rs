//! Kinds of YAML documents: parts of a manifest, our Kubernetes resources, and documents of others.
//!
//! Goes in: YAML documents. Comes out: a manifest, or resources; both together are an error, because
//! they could contradict each other. Documents of others are skipped with a note.

use std::collections::BTreeSet;

use super::diagnostic::{Finding, Findings};
use super::kubernetes::{API_VERSION, GROUP, Kind};
use super::load::Document;
use super::node::{Node, Value};
use super::quote::{nearest, quote};
use super::source::{FileId, Spot};
use portalctl_model::codes::manifest as codes;

/// The documents of a manifest, by form.
pub(super) enum Documents {
    /// A manifest.
    Manifest(Vec<Document>),
    /// Kubernetes resources, and whether all that were meant for us could be read.
    Resources(Vec<Resource>, bool),
}

/// A document of one of our kinds.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    pub(super) file: FileId,
    pub(super) root: Node,
}

/// Sorts documents by kind. A wrong one is reported, and taken for the kind that it resembles.
pub(super) fn sort(documents: Vec<Document>, findings: &mut Findings) -> Documents {
    let mut sorted = Sorted::default();
    for document in documents {
        sorted.add(document, findings);
    }
    let Sorted {
        mut plain,
        resources,
        mut foreign,
        refused,
    } = sorted;
    let has_manifest = plain.iter().any(|document| is_manifest(&document.root));
    let is_kubernetes = !resources.is_empty() || refused || (!has_manifest && !foreign.is_empty());
    if is_kubernetes {
        for Document { file, root, .. } in plain.drain(..) {
            let spot = root.spot(file);
            if is_manifest(&root) {
                refuse_mixed(spot, resources.first(), findings);
            } else {
                foreign.push((spot, "a document without `kind`".to_owned()));
            }
        }
    }
    note_skipped(&foreign, findings);
    if is_kubernetes {
        Documents::Resources(resources, !refused)
    } else {
        Documents::Manifest(plain)
    }
}

#[derive(Default)]
struct Sorted {
    /// Documents that are not Kubernetes objects.
    plain: Vec<Document>,
    resources: Vec<Resource>,
    /// Documents of others: place and kind.
    foreign: Vec<(Spot, String)>,
    /// Set when a document was meant for us, but cannot be read.
    refused: bool,
}

impl Sorted {
    fn add(&mut self, document: Document, findings: &mut Findings) {
        let Document { file, shelf, root } = document;
        let (Some(version), Some(kind)) = (text_of(&root, "apiVersion"), text_of(&root, "kind"))
        else {
            self.plain.push(Document { file, shelf, root });
            return;
        };
        let is_ours = version.split('/').next() == Some(GROUP);
        if kind.ends_with("List") && (is_ours || version == "v1") {
            for item in items(root) {
                let root = item;
                self.add(Document { file, shelf, root }, findings);
            }
            return;
        }
        let known = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        match known {
            Some(kind) if version == API_VERSION => {
                self.resources.push(Resource { kind, file, root });
            }
            None if !is_ours => {
                self.foreign.push((root.spot(file), quote(kind)));
            }
            _ => {
                self.refused = true;
                refuse(version, kind, &root, file, findings);
            }
        }
    }
}

/// Returns the items of a list of objects.
fn items(root: Node) -> Vec<Node> {
    let Value::Map(fields) = root.value else {
        return Vec::new();
    };
    let items = fields
        .into_iter()
        .find(|(key, _)| key.as_str() == Some("items"));
    match items {
        Some((
            _,
            Node {
                value: Value::Seq(items),
                ..
            },
        )) => items,
        _ => Vec::new(),
    }
}

pub(super) fn field<'n>(root: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Map(fields) = &root.value else {
        return None;
    };
    let (_, value) = fields.iter().find(|(key, _)| key.as_str() == Some(name))?;
    Some(value)
}

fn text_of<'n>(root: &'n Node, name: &str) -> Option<&'n str> {
    field(root, name)?.as_str()
}

/// Kinds of skipped documents that the note names.
const MAX_NAMED: usize = 5;

/// Reports all skipped documents in one note.
fn note_skipped(foreign: &[(Spot, String)], findings: &mut Findings) {
    let Some((first, _)) = foreign.first() else {
        return;
    };
    let kinds: BTreeSet<&str> = foreign.iter().map(|(_, kind)| kind.as_str()).collect();
    let named: Vec<&str> = kinds.iter().copied().take(MAX_NAMED).collect();
    let more = if kinds.len() > MAX_NAMED {
        " and others"
    } else {
        ""
    };
    let message = match foreign.len() {
        1 => format!("skipped {}", named.join(", ")),
        count => format!("skipped {count} documents: {}{more}", named.join(", ")),
    };
    findings.push(
        Finding::note(codes::SKIPPED_DOCUMENT, message)
            .at(*first)
            .help("of Kubernetes, portalctl reads PortalEnvironment and PortalOrganization only"),
    );
}

/// Refuses an object whose group or kind is ours, but not both, or whose version is unknown.
fn refuse(version: &str, kind: &str, root: &Node, file: FileId, findings: &mut Findings) {
    let known = Kind::ALL.map(Kind::as_str);
    let (name, message, help) = if known.contains(&kind) {
        (
            "apiVersion",
            format!(
                "{} is not the version of a {kind} that this portalctl knows",
                quote(version)
            ),
            format!("write `apiVersion: {API_VERSION}`"),
        )
    } else {
        let help = match nearest(kind, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the kinds are `{}` and `{}`", known[0], known[1]),
        };
        (
            "kind",
            format!("there is no kind {} in {GROUP}", quote(kind)),
            help,
        )
    };
    let spot = field(root, name).map_or_else(|| root.spot(file), |node| node.spot(file));
    findings.error(codes::UNSUPPORTED_KIND, spot, message, help);
}

/// Returns whether a document is a manifest, or a part of one. Files of others have versions, too, but of
/// several parts.
fn is_manifest(root: &Node) -> bool {
    field(root, "organizations").is_some()
        || is_overlay(root)
        || field(root, "version").is_some_and(|node| matches!(node.value, Value::Int(_)))
}

/// Returns whether a document says that it is an overlay.
pub(super) fn is_overlay(root: &Node) -> bool {
    field(root, "overlay").is_some()
}

fn refuse_mixed(spot: Spot, resource: Option<&Resource>, findings: &mut Findings) {
    let finding = Finding::error(
        codes::MIXED_FORMS,
        "a manifest stands beside Kubernetes resources",
    )
    .at(spot)
    .help("keep one of the two forms; `portalctl convert` turns one into the other");
    findings.push(match resource {
        Some(resource) => finding.related(resource.root.spot(resource.file), "a resource"),
        None => finding,
    });
}
