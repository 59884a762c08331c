//! Inputs that a user names.

use std::path::PathBuf;

/// A part of a manifest, as the user named it.
#[derive(Debug, Clone)]
pub enum Input {
    /// A file, or a folder that is read recursively.
    Path(PathBuf),
    /// The content of standard input, which the caller has read.
    Stdin(Vec<u8>),
}
