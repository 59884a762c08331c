//! Formats of `status`.
//!
//! Takes a report with its changes and errors. Returns it as text, JSON, Markdown, HTML, CSV or a message
//! for a chat. Pure.

use clap::ValueEnum;

use crate::cli::error::CliError;
use crate::cli::{json, yaml};
use portalctl_core::readiness::compare::OrganizationChange;
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::text::{Layout, Listing};
use portalctl_report::{StatusReport, chat, csv, html, markdown, text};

/// The formats of `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum StatusFormat {
    /// For people.
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// The same as JSON, in YAML.
    Yaml,
    /// For a comment or a job's summary on GitHub, on failure too.
    Markdown,
    /// For a job summary of GitHub: the same with a limit of 1 MB; on failure too.
    JobSummary,
    /// A page in one file: search, filters and everything behind each state.
    Html,
    /// For spreadsheets: a row for each organization and intent.
    Csv,
    /// For an incoming webhook of Slack: what changed since --compare; nothing where nothing did.
    Slack,
    /// For a workflow webhook of Teams: what changed since --compare; nothing where nothing did.
    Teams,
}

/// A report and everything that is shown with it.
pub(super) struct Shown<'a> {
    pub(super) report: &'a StatusReport<'a>,
    pub(super) listing: Listing,
    /// Changes since an earlier report, if there is one.
    pub(super) changes: Option<&'a [OrganizationChange]>,
    /// The name of the earlier report.
    pub(super) since: &'a str,
    /// The part of a table to write.
    pub(super) choice: &'a csv::Choice,
    /// Errors of the command of `--on-change`.
    pub(super) errors: &'a [ErrorItem],
}

impl StatusFormat {
    pub(super) fn render(self, shown: &Shown<'_>, layout: &Layout) -> Result<String, CliError> {
        let Shown {
            report,
            listing,
            changes,
            since,
            choice,
            errors,
        } = *shown;
        match self {
            Self::Text => {
                let preface = changes.map(|it| text::changed(it, since, layout) + "\n");
                Ok(preface.unwrap_or_default() + &text::status(report, listing, layout))
            }
            Self::Json | Self::Yaml => {
                let mut document = json_v1::status(report);
                document.changed = changes.map(json_v1::changed);
                document.errors.extend_from_slice(errors);
                if self == Self::Yaml {
                    yaml(&document)
                } else {
                    json(&document)
                }
            }
            Self::Markdown => Ok(markdown::status(report, changes, listing, errors).comment()),
            Self::JobSummary => {
                Ok(markdown::status(report, changes, listing, errors).job_summary())
            }
            Self::Html => html::status(report, changes).map_err(CliError::internal),
            Self::Csv => csv::status(report, choice).map_err(CliError::internal),
            Self::Slack => message(chat::slack(report, changes.unwrap_or_default())),
            Self::Teams => message(chat::teams(report, changes.unwrap_or_default())),
        }
    }

    /// Returns whether warnings are a part of it.
    pub(super) fn shows_warnings(self) -> bool {
        match self {
            Self::Text
            | Self::Json
            | Self::Yaml
            | Self::Markdown
            | Self::JobSummary
            | Self::Html => true,
            Self::Csv | Self::Slack | Self::Teams => false,
        }
    }

    /// Returns whether changes are a part of it.
    pub(super) fn shows_changes(self) -> bool {
        match self {
            Self::Csv => false,
            Self::Text
            | Self::Json
            | Self::Yaml
            | Self::Markdown
            | Self::JobSummary
            | Self::Html
            | Self::Slack
            | Self::Teams => true,
        }
    }

    /// Returns whether it is about changes alone.
    pub(super) fn is_message(self) -> bool {
        matches!(self, Self::Slack | Self::Teams)
    }
}

/// Writes a message as JSON; no message is no text.
fn message(message: Option<serde_json::Value>) -> Result<String, CliError> {
    message.map_or_else(|| Ok(String::new()), |message| json(&message))
}
