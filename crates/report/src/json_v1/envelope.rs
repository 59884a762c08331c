//! Envelope of the documents: the fields that all of them begin with.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Headline;

/// Format version of every document.
pub(super) const FORMAT_VERSION: &str = "1";

/// First fields of a document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Envelope {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// Name of the environment in the manifest.
    pub environment: Option<String>,
    /// True when portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
}

impl Envelope {
    /// Creates the envelope of a run with a result.
    pub(super) fn new(headline: &Headline) -> Self {
        Self {
            environment: headline.target.environment.clone(),
            sandbox: headline.sandbox,
            ..Self::default()
        }
    }
}

impl Default for Envelope {
    /// Returns the envelope of a run without a result.
    fn default() -> Self {
        Self {
            format_version: FORMAT_VERSION,
            environment: None,
            sandbox: false,
        }
    }
}
