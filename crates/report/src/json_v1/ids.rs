//! Document of `portalctl ids`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use crate::{ErrorItem, Headline};

/// Output of `portalctl ids -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl ids")]
pub struct IdsDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Organization id of every key; `null` while it does not exist.
    pub ids: BTreeMap<String, Option<String>>,
    /// Warnings about the manifest itself, skipped files among them, whose keys are missing here.
    pub manifest_warnings: Vec<ErrorItem>,
    /// Reasons why there are no ids.
    pub errors: Vec<ErrorItem>,
}

/// Builds the document of ids.
pub fn ids(headline: &Headline, ids: BTreeMap<String, Option<String>>) -> IdsDocument {
    IdsDocument {
        envelope: Envelope::new(headline),
        requests_used: headline.requests,
        ids,
        manifest_warnings: headline.manifest_warnings.clone(),
        errors: Vec::new(),
    }
}

/// Builds the document of a run without ids.
pub fn failed_ids(errors: Vec<ErrorItem>) -> IdsDocument {
    IdsDocument {
        errors,
        ..IdsDocument::default()
    }
}
