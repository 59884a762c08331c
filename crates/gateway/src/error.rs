//! Error of opening a gateway.

use portalctl_model::codes::Code;

/// Reason why a gateway cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct OpenError {
    /// Code that `portalctl explain` describes.
    pub code: Code,
    /// Description of the problem.
    pub message: String,
}

impl OpenError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
