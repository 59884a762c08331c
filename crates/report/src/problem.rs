//! Error or warning with its place, as every format shows it.

use portalctl_model::codes::Code;
use schemars::JsonSchema;
use serde::Serialize;

/// Error or warning with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorItem {
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Description of the problem.
    pub message: String,
    /// Hint on what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Manifest file of the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// HTTP status of WorkOS's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Error code of WorkOS's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_code: Option<String>,
    /// WorkOS's id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl ErrorItem {
    /// Creates an error with nothing but its code, its message and a hint.
    pub fn new(code: Code, message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            code: code.as_str(),
            message: message.into(),
            help,
            file: None,
            line: None,
            column: None,
            http_status: None,
            upstream_code: None,
            request_id: None,
        }
    }
}
