//! Document of `portalctl status`.

use schemars::JsonSchema;
use serde::Serialize;

use super::changed::ChangedOrganizationItem;
use super::envelope::Envelope;
use super::readiness::{OrganizationItem, organizations};
use crate::{ErrorItem, StatusReport};
use portalctl_core::readiness::{self, Totals};

/// Output of `portalctl status -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl status")]
pub struct StatusDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Number of intents by state.
    pub summary: Totals,
    /// Reads that failed; what rests on them is `unknown`.
    pub warnings: Vec<ReadWarningItem>,
    /// Warnings about the manifest itself, skipped files among them.
    pub manifest_warnings: Vec<ErrorItem>,
    /// Organizations of the manifest, by key.
    pub organizations: Vec<OrganizationItem>,
    /// Changes since the report of `--compare`, by key; absent without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<ChangedOrganizationItem>>,
    /// Reasons why there is no report, or errors of the command of `--on-change`.
    pub errors: Vec<ErrorItem>,
}

/// Read that failed, without consequences for other reads.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReadWarningItem {
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Description of the read, with WorkOS's answer.
    pub message: String,
    /// Keys of the organizations that it leaves unknown.
    pub keys: Vec<String>,
}

/// Builds the status document.
pub fn status(report: &StatusReport<'_>) -> StatusDocument {
    let StatusReport {
        headline,
        readiness,
        now: _,
    } = *report;
    StatusDocument {
        envelope: Envelope::new(headline),
        requests_used: headline.requests,
        summary: readiness.totals(),
        warnings: readiness.warnings.iter().map(read_warning).collect(),
        manifest_warnings: headline.manifest_warnings.clone(),
        organizations: organizations(readiness),
        changed: None,
        errors: Vec::new(),
    }
}

/// Builds the status document of a run without a readiness.
pub fn failed_status(errors: Vec<ErrorItem>) -> StatusDocument {
    StatusDocument {
        errors,
        ..StatusDocument::default()
    }
}

fn read_warning(warning: &readiness::Warning) -> ReadWarningItem {
    ReadWarningItem {
        code: warning.code.as_str(),
        message: warning.message.clone(),
        keys: warning.keys.iter().map(ToString::to_string).collect(),
    }
}
