//! What `portalctl import -o json` prints.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorItem, FORMAT_VERSION};
use crate::ImportReport;
use portalctl_core::import::{Import, LeftOut, NewFile, SETTINGS_FILE, Skipped};

/// What `portalctl import -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl import")]
pub struct ImportDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest, if there is one already.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// Whether this only says what would be written.
    pub dry_run: bool,
    /// How many requests the run used.
    pub requests_used: u64,
    /// How many organizations went each way.
    pub summary: ImportSummary,
    /// The file with the settings, where one was needed.
    pub settings_file: Option<String>,
    /// The files of organizations, by key.
    pub files: Vec<FileItem>,
    /// The organizations that nothing is written for.
    pub skipped: Vec<SkippedItem>,
    /// Remarks without consequence.
    pub notes: Vec<String>,
    /// Why nothing, or not everything, was written.
    pub errors: Vec<ErrorItem>,
}

/// How many organizations went each way.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ImportSummary {
    /// A file was written for them, or would be.
    pub written: usize,
    /// The manifest declares them already.
    pub already_declared: usize,
    /// Nothing is written for them.
    pub skipped: usize,
}

/// A file for one organization.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileItem {
    /// Where it is.
    pub path: String,
    /// The organization's key.
    pub key: String,
    /// The organization.
    pub organization_id: String,
    /// What is live and not in the file.
    pub left_out: Vec<LeftOutItem>,
}

/// Something of an organization that its file does not say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeftOutItem {
    /// The field, as in `domains.gmail.com`.
    pub path: String,
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Why.
    pub reason: String,
}

/// An organization that nothing is written for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SkippedItem {
    /// The organization.
    pub organization_id: String,
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Why.
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
        notes,
    } = *report;
    let Import {
        files: _,
        already_declared,
        skipped,
    } = import;
    ImportDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        dry_run: is_dry_run,
        requests_used: headline.requests,
        summary: ImportSummary {
            written,
            already_declared: *already_declared,
            skipped: skipped.len(),
        },
        settings_file: settings.then(|| report.path(SETTINGS_FILE)),
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

/// The document of a run that wrote nothing.
pub fn failed_import(errors: Vec<ErrorItem>) -> ImportDocument {
    ImportDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        dry_run: false,
        requests_used: 0,
        summary: ImportSummary::default(),
        settings_file: None,
        files: Vec::new(),
        skipped: Vec::new(),
        notes: Vec::new(),
        errors,
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
