//! Writing of YAML.
//!
//! Goes in: a [`Manifest`](super::shape::Manifest) or a resource. Comes out: block style, fields in the
//! order of their declaration, quotes only where a YAML reader could take a text for something else.

use serde::Serialize;

/// Writes a manifest, a part of one, or a resource.
///
/// # Panics
///
/// Never: a shape holds nothing that YAML cannot express.
pub fn to_yaml(shape: &impl Serialize) -> String {
    let options = serde_saphyr::ser_options! {
        // Lists are indented below their field, as in the documentation.
        compact_list_indent: false,
        // One value, one line: folded texts are hard to read and to compare.
        prefer_block_scalars: false,
    };
    serde_saphyr::to_string_with_options(shape, options)
        .expect("a shape holds nothing that YAML cannot express")
}
