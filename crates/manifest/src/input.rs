//! Inputs that a user names.

use std::path::PathBuf;

use super::tree::Tree;

/// A request to read a manifest: its parts, and the environment that it is read for.
///
/// An environment is named where the manifest has several: its overlay is laid over the rest.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The parts.
    pub inputs: &'a [Input],
    /// Name of the environment.
    pub environment: Option<&'a str>,
}

impl<'a> From<&'a [Input]> for Request<'a> {
    fn from(inputs: &'a [Input]) -> Self {
        Self {
            inputs,
            environment: None,
        }
    }
}

impl<'a> From<&'a Vec<Input>> for Request<'a> {
    fn from(inputs: &'a Vec<Input>) -> Self {
        inputs.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [Input; N]> for Request<'a> {
    fn from(inputs: &'a [Input; N]) -> Self {
        inputs.as_slice().into()
    }
}

/// A part of a manifest, as the user named it.
#[derive(Debug, Clone)]
pub enum Input {
    /// A file, or a folder that is read recursively.
    Path(PathBuf),
    /// The content of standard input, which the caller has read.
    Stdin(Vec<u8>),
    /// A file or folder that is not on the disk.
    Tree(Tree),
}
