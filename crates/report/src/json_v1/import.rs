//! Document of `portalctl import`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;

use crate::{ErrorItem, ImportReport};
use portalctl_core::import::{Import, LeftOut, NewFile, SETTINGS_FILE, Skipped};

/// Output of `portalctl import -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl import")]
pub struct ImportDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// True when nothing was to be written.
    pub dry_run: bool,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Number of organizations by result.
    pub summary: ImportSummary,
    /// Path of the file with the settings, where one was needed.
    pub settings_file: Option<String>,
    /// Path of the overlay that has the ids, where an environment was chosen.
    pub overlay_file: Option<String>,
    /// Files of organizations, by key.
    pub files: Vec<FileItem>,
    /// Organizations for which nothing is written.
    pub skipped: Vec<SkippedItem>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Reasons why nothing, or not everything, was written.
    pub errors: Vec<ErrorItem>,
}

/// Number of organizations by result.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ImportSummary {
    /// Organizations whose file was written, or would be.
    pub written: usize,
    /// Organizations that the manifest declares already.
    pub already_declared: usize,
    /// Organizations for which nothing is written.
    pub skipped: usize,
}

/// File of one organization.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileItem {
    /// Path of the file.
    pub path: String,
    /// Key of the organization.
    pub key: String,
    /// Id of the organization.
    pub organization_id: String,
    /// Live values that the file leaves out.
    pub left_out: Vec<LeftOutItem>,
}

/// Live value that a file leaves out.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeftOutItem {
    /// Field, as in `domains.gmail.com`.
    pub path: String,
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Reason.
    pub reason: String,
}

/// Organization for which nothing is written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SkippedItem {
    /// Id of the organization.
    pub organization_id: String,
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Reason.
    pub reason: String,
}

/// Builds the document of an import.
pub fn import(report: &ImportReport<'_>, errors: Vec<ErrorItem>) -> ImportDocument {
    let ImportReport {
        headline,
        import,
        folder: _,
        is_whole: _,
        settings,
        written,
        is_dry_run,
        overlay,
        notes,
    } = *report;
    let Import {
        files: _,
        patches: _,
        already_declared,
        skipped,
    } = import;
    ImportDocument {
        envelope: Envelope::new(headline),
        dry_run: is_dry_run,
        requests_used: headline.requests,
        summary: ImportSummary {
            written,
            already_declared: *already_declared,
            skipped: skipped.len(),
        },
        settings_file: settings.then(|| report.path(SETTINGS_FILE)),
        overlay_file: overlay.map(str::to_owned),
        files: report
            .files()
            .iter()
            .map(|file| file_item(file, report))
            .collect(),
        skipped: skipped.iter().map(skipped_item).collect(),
        notes: notes.to_vec(),
        errors,
    }
}

/// Builds the document of a run that wrote nothing.
pub fn failed_import(errors: Vec<ErrorItem>) -> ImportDocument {
    ImportDocument {
        errors,
        ..ImportDocument::default()
    }
}

fn file_item(file: &NewFile, report: &ImportReport<'_>) -> FileItem {
    FileItem {
        path: report.path(&file.name),
        key: file.key.to_string(),
        organization_id: file.organization.to_string(),
        left_out: file.left_out.iter().map(left_out).collect(),
    }
}

fn left_out(left_out: &LeftOut) -> LeftOutItem {
    LeftOutItem {
        path: left_out.field.clone(),
        code: left_out.code.as_str(),
        reason: left_out.reason.clone(),
    }
}

fn skipped_item(skipped: &Skipped) -> SkippedItem {
    SkippedItem {
        organization_id: skipped.organization.to_string(),
        code: skipped.code.as_str(),
        reason: skipped.reason.clone(),
    }
}
