//! Results of commands that failed: one document in the format that was asked for.
//!
//! Takes the command, its formats and the errors. Returns the text in the place of the result, in the
//! formats that have a place for errors. Writes nothing itself.

use portalctl_model::Intent;
use portalctl_model::desired::Names;
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::markdown::{self, FailedRun};
use portalctl_report::{gitlab, html, sarif};

use super::error::CliError;
use super::{json, yaml};

/// A command that failed.
pub(super) struct Failure<'a> {
    /// The command's name.
    pub(super) command: &'a str,
    /// The organization and the intent that it is about, as far as they were named.
    pub(super) subject: Subject<'a>,
    /// The name of the manifest and of its environment, as far as they were read.
    pub(super) names: &'a Names,
    /// True where an in-memory WorkOS answered.
    pub(super) is_sandbox: bool,
    pub(super) items: &'a [ErrorItem],
}

/// The organization and the intent that a failure is about.
type Subject<'a> = Option<(&'a str, Intent)>;

/// Writer of the JSON of a failed command.
type Document = fn(Subject<'_>, Vec<ErrorItem>) -> Result<String, CliError>;

/// Returns the writer of the JSON of a command; nothing for one whose results have no formats.
fn document_of(command: &str) -> Option<Document> {
    Some(match command {
        "plan" => |_, items| json(&json_v1::failed_plan(items)),
        "diff" => |_, items| json(&json_v1::failed_diff(items)),
        "apply" => |_, items| json(&json_v1::failed_apply(items)),
        "status" => |_, items| json(&json_v1::failed_status(items)),
        "invite" => |_, items| json(&json_v1::failed_invite(items)),
        "verify-domain" => |_, items| json(&json_v1::failed_domains(items)),
        "link" => |subject, items| json(&json_v1::failed_link(subject, items)),
        "revoke-link" => |_, items| json(&json_v1::failed_revoke_link(items)),
        "wait" => |subject, items| json(&json_v1::failed_wait(subject, items)),
        "validate" => |_, items| json(&json_v1::failed_validate(items)),
        "ids" => |_, items| json(&json_v1::failed_ids(items)),
        "import" => |_, items| json(&json_v1::failed_import(items)),
        "doctor" => |_, items| json(&json_v1::failed_doctor(items)),
        _ => return None,
    })
}

/// Returns whether a command has results in several formats.
pub(super) fn has_formats(command: &str) -> bool {
    document_of(command).is_some()
}

impl Failure<'_> {
    /// Returns the document in a format; text and tables have no place for errors.
    pub(super) fn document(&self, format: &str) -> Option<String> {
        let Self { command, items, .. } = *self;
        match (format, command) {
            ("json", _) => self.json(),
            ("yaml", _) => self.json().map(|text| yaml::from_json(&text)),
            ("markdown" | "job-summary", "plan" | "diff" | "apply" | "status") => Some(
                markdown::failed(&FailedRun {
                    command,
                    names: self.names,
                    sandbox: self.is_sandbox,
                    errors: items,
                })
                .comment(),
            ),
            ("html", "plan" | "status") => html::failure(command, items).ok(),
            ("sarif", "plan" | "diff" | "validate") => sarif::problems(items, &[]).ok(),
            ("gitlab-terraform", "plan") => Some(gitlab::no_counts()),
            ("gitlab-codequality", "plan" | "diff" | "validate") => {
                gitlab::problem_issues(items, &[]).ok()
            }
            _ => None,
        }
    }

    fn json(&self) -> Option<String> {
        let document = document_of(self.command)?;
        // The errors were told on standard error already.
        document(self.subject, self.items.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_with_an_output_format_has_a_document_of_its_failure() {
        for command in crate::cli::command().get_subcommands() {
            let is_result = command.get_arguments().any(|argument| {
                let formats = argument.get_possible_values();
                argument.get_id() == "output" && formats.iter().any(|it| it.get_name() == "json")
            });
            assert_eq!(has_formats(command.get_name()), is_result, "{command}");
        }
    }
}
