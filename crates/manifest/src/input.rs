//! Inputs that a user names.

use std::path::PathBuf;

/// A part of a manifest, as the user named it.
#[derive(Debug, Clone)]
pub enum Input {
    /// A file, or a folder that is read recursively.
    Path(PathBuf),
    /// What came on standard input; the caller has read it.
    Stdin(Vec<u8>),
}
