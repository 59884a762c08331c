//! YAML trees → manifests and resources as they are written.
//!
//! Goes in: a [`Node`] tree. Comes out: its declared fields, and a finding for every field that is
//! unknown and every value of the wrong type. Never stops at the first; applies no rule that
//! needs more than the value itself.

mod resource;

pub(super) use resource::{
    Object, RawPortalEnvironment, RawPortalOrganization, portal_environment, portal_organization,
};

use super::node::{Node, Value};
use super::reader::Reader;
use super::shape::{self, Manifest, Place, RawManifest, RawOrganization};

/// Decodes a document; `None` when it is no manifest at all, which is reported.
pub(super) fn document(reader: &mut Reader<'_>, root: Node) -> Option<RawManifest> {
    let mut manifest = shape::decode::<Manifest>(reader, &root, "a manifest", Place::Manifest)?;
    if let Some(field) = &mut manifest.organizations
        && field.value.is_some()
    {
        field.value = take_organizations(root);
    }
    Some(manifest)
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

/// Decodes one organization.
pub(super) fn organization(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
) -> Option<RawOrganization> {
    shape::decode::<shape::Organization>(reader, node, what, Place::Manifest)
}
