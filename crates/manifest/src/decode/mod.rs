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
use super::raw::{Field, Text};
use super::reader::Reader;
use super::shape::{
    self, Manifest, Overlay, Place, RawManifest, RawOrganization, RawOverlay, RawOverlayContent,
};
use super::source::Spotted;

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

/// Decodes an overlay; `None` when it is none, or has no name, which is reported.
pub(super) fn overlay(
    reader: &mut Reader<'_>,
    root: &Node,
) -> Option<(Spotted<Text>, RawOverlayContent)> {
    let what = "an overlay";
    let RawOverlay { overlay, content } =
        reader.in_patch(|reader| shape::decode::<Overlay>(reader, root, what, Place::Manifest))?;
    let Field { spot, value, .. } = overlay?;
    Some((
        Spotted {
            value: value?,
            spot,
        },
        content,
    ))
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
