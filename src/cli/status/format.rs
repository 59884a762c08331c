//! The formats of `status`, and what each makes of a result.

use clap::ValueEnum;

use crate::cli::args::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::{failure_json, failure_markdown, json};
use portalctl_core::readiness::compare::OrganizationChange;
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::text::{Layout, Listing};
use portalctl_report::{StatusReport, csv, html, markdown, text};

/// The formats of `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusFormat {
    /// For people.
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// For a comment or a job's summary on GitHub, on failure too.
    Markdown,
    /// A page in one file: search, filters and everything behind each state.
    Html,
    /// For spreadsheets: a row for each organization and intent.
    Csv,
}

/// A result.
pub(super) struct Told<'a> {
    pub(super) report: &'a StatusReport<'a>,
    pub(super) listing: Listing,
    /// What changed, if something earlier was compared with.
    pub(super) changes: Option<&'a [OrganizationChange]>,
    /// The name of that.
    pub(super) since: &'a str,
    /// What went wrong with telling the changes.
    pub(super) errors: &'a [ErrorItem],
}

impl StatusFormat {
    pub(super) fn render(self, told: &Told<'_>, layout: &Layout) -> Result<String, CliError> {
        let Told {
            report,
            listing,
            changes,
            since,
            errors,
        } = *told;
        match self {
            Self::Text => {
                let preface = changes.map(|it| text::changed(it, since, layout) + "\n");
                Ok(preface.unwrap_or_default() + &text::status(report, listing, layout))
            }
            Self::Json => {
                let mut document = json_v1::status(report);
                document.changed = changes.map(json_v1::changed);
                document.errors.extend_from_slice(errors);
                json(&document)
            }
            Self::Markdown => Ok(markdown::status(report, changes, listing, errors)),
            Self::Html => html::status(report).map_err(CliError::internal),
            Self::Csv => csv::status(report).map_err(CliError::internal),
        }
    }

    /// Why there is no result; text has standard error for it, and a table has no place.
    pub(super) fn failure(self, error: &CliError, connection: &ConnectionArgs) -> Option<String> {
        match self {
            Self::Text | Self::Csv => None,
            Self::Json => failure_json(&error.items, json_v1::failed_status),
            Self::Markdown => Some(failure_markdown("status", error, connection)),
            Self::Html => html::failure("status", &error.items).ok(),
        }
    }

    /// Returns whether warnings are a part of it.
    pub(super) fn shows_warnings(self) -> bool {
        match self {
            Self::Text | Self::Json | Self::Markdown | Self::Html => true,
            Self::Csv => false,
        }
    }

    /// Whether what changed is a part of it.
    pub(super) fn shows_changes(self) -> bool {
        match self {
            Self::Text | Self::Json | Self::Markdown => true,
            Self::Html | Self::Csv => false,
        }
    }
}
