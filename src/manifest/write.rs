//! The raw shape → YAML, as a careful person would write it.
//!
//! Goes in: a [`Manifest`]. Comes out: block style, fields in the order of the shape, quotes only
//! where another reader of YAML could take a text for something else.

use super::shape::Manifest;

/// Writes a manifest, or a part of one.
///
/// A shape holds nothing that YAML cannot say; a text that could not be written all the same would
/// be empty, which no reader takes for a manifest.
pub fn to_yaml(manifest: &Manifest) -> String {
    let options = serde_saphyr::ser_options! {
        // Lists are indented below their field, as in the documentation.
        compact_list_indent: false,
        // One value, one line: folded texts are hard to read and to compare.
        prefer_block_scalars: false,
    };
    serde_saphyr::to_string_with_options(manifest, options).unwrap_or_default()
}
