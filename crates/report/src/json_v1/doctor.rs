//! The doctor's document.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorItem, FORMAT_VERSION};
use crate::DoctorReport;
use crate::doctor::{Check, Totals, Verdict};
use portalctl_model::codes::Code;

/// What `portalctl doctor -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl doctor")]
pub struct DoctorDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests to WorkOS the run used.
    pub requests_used: u64,
    /// How many checks ended in each way.
    pub summary: Totals,
    /// Every check, in order.
    pub checks: Vec<CheckItem>,
    /// Why there are no checks.
    pub errors: Vec<ErrorItem>,
}

/// One check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckItem {
    /// What was checked: stable.
    pub id: &'static str,
    /// The same, for people.
    pub title: &'static str,
    /// What was found.
    pub verdict: Verdict,
    /// What was found, in a sentence; why, when it was skipped.
    pub detail: String,
    /// What to do.
    pub advice: Option<String>,
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: Option<&'static str>,
}

/// Builds the doctor's document.
pub fn doctor(report: &DoctorReport<'_>) -> DoctorDocument {
    let DoctorReport { headline, checks } = *report;
    DoctorDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        summary: Totals::of(checks),
        checks: checks.iter().map(check).collect(),
        errors: Vec::new(),
    }
}

/// The document of a run that made no checks.
pub fn failed_doctor(errors: Vec<ErrorItem>) -> DoctorDocument {
    DoctorDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        summary: Totals::default(),
        checks: Vec::new(),
        errors,
    }
}

fn check(check: &Check) -> CheckItem {
    let Check {
        subject,
        verdict,
        detail,
        advice,
        code,
    } = check;
    CheckItem {
        id: subject.id(),
        title: subject.title(),
        verdict: *verdict,
        detail: detail.clone(),
        advice: advice.clone(),
        code: code.map(Code::as_str),
    }
}
