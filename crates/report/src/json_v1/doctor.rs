//! Document of `portalctl doctor`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;

use crate::doctor::{Check, Totals, Verdict};
use crate::{DoctorReport, ErrorItem};
use portalctl_model::codes::Code;

/// Output of `portalctl doctor -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl doctor")]
pub struct DoctorDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Number of checks by verdict.
    pub summary: Totals,
    /// Every check, in order.
    pub checks: Vec<CheckItem>,
    /// Reasons why there are no checks.
    pub errors: Vec<ErrorItem>,
}

/// One check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckItem {
    /// Stable id of the subject.
    pub id: &'static str,
    /// Title of the subject, for people.
    pub title: &'static str,
    /// Verdict.
    pub verdict: Verdict,
    /// Finding, in a sentence; the reason when the check was skipped.
    pub detail: String,
    /// Hint on what to do.
    pub advice: Option<String>,
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: Option<&'static str>,
}

/// Builds the doctor's document.
pub fn doctor(report: &DoctorReport<'_>) -> DoctorDocument {
    let DoctorReport { headline, checks } = *report;
    DoctorDocument {
        envelope: Envelope::new(headline),
        requests_used: headline.requests,
        summary: Totals::of(checks),
        checks: checks.iter().map(check).collect(),
        errors: Vec::new(),
    }
}

/// Builds the document of a run without checks.
pub fn failed_doctor(errors: Vec<ErrorItem>) -> DoctorDocument {
    DoctorDocument {
        errors,
        ..DoctorDocument::default()
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
