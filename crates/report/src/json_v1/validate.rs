//! Document of `portalctl validate`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::FORMAT_VERSION;
use crate::ErrorItem;

/// Output of `portalctl validate -o json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl validate")]
pub struct ValidateDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// True when there are no errors.
    pub valid: bool,
    /// Number of organizations that the manifest declares.
    pub organizations: usize,
    /// Number of files of the manifest.
    pub files: usize,
    /// Names of the environments that were checked, of a manifest that has several.
    pub environments: Vec<String>,
    /// Errors that keep the manifest from being used.
    pub errors: Vec<ErrorItem>,
    /// Warnings.
    pub warnings: Vec<ErrorItem>,
}

impl ValidateDocument {
    /// Builds the document of a manifest without errors.
    pub fn valid(organizations: usize, files: usize, warnings: Vec<ErrorItem>) -> Self {
        let errors = Vec::new();
        Self {
            format_version: FORMAT_VERSION,
            valid: true,
            organizations,
            files,
            environments: Vec::new(),
            errors,
            warnings,
        }
    }
}

/// Builds the document of an invalid manifest.
pub fn failed_validate(errors: Vec<ErrorItem>) -> ValidateDocument {
    ValidateDocument {
        format_version: FORMAT_VERSION,
        valid: false,
        organizations: 0,
        files: 0,
        environments: Vec::new(),
        errors,
        warnings: Vec::new(),
    }
}
