//! Results of commands that failed: one document in the format that was asked for.
//!
//! Takes the command, its formats and the errors. Returns the text in the place of the result, in the
//! formats that have a place for errors. Writes nothing itself.

use portalctl_model::Intent;
use portalctl_model::desired::Names;
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::markdown::{self, FailedRun};
use portalctl_report::{gitlab, html, sarif};

use super::json;

/// Commands with a result in several formats.
pub(super) const COMMANDS: [&str; 12] = [
    "plan",
    "apply",
    "status",
    "invite",
    "verify-domain",
    "link",
    "revoke-link",
    "wait",
    "validate",
    "ids",
    "import",
    "doctor",
];

/// A command that failed.
pub(super) struct Failure<'a> {
    /// The command's name.
    pub(super) command: &'a str,
    /// The organization and the intent that it is about, as far as they were named.
    pub(super) subject: Option<(&'a str, Intent)>,
    /// The name of the manifest and of its environment, as far as they were read.
    pub(super) names: &'a Names,
    /// True where an in-memory WorkOS answered.
    pub(super) is_sandbox: bool,
    pub(super) items: &'a [ErrorItem],
}

impl Failure<'_> {
    /// Returns the document in a format; text and tables have no place for errors.
    pub(super) fn document(&self, format: &str) -> Option<String> {
        let Self { command, items, .. } = *self;
        match (format, command) {
            ("json", _) => self.json(),
            ("markdown", "plan" | "apply" | "status") => Some(markdown::failed(&FailedRun {
                command,
                names: self.names,
                sandbox: self.is_sandbox,
                errors: items,
            })),
            ("html", "plan" | "status") => html::failure(command, items).ok(),
            ("sarif", "plan" | "validate") => sarif::problems(items, &[]).ok(),
            ("gitlab-terraform", "plan") => Some(gitlab::no_counts()),
            ("gitlab-codequality", "plan" | "validate") => gitlab::problem_issues(items, &[]).ok(),
            _ => None,
        }
    }

    fn json(&self) -> Option<String> {
        let items = self.items.to_vec();
        let subject = self.subject;
        let text = match self.command {
            "plan" => json(&json_v1::failed_plan(items)),
            "apply" => json(&json_v1::failed_apply(items)),
            "status" => json(&json_v1::failed_status(items)),
            "invite" => json(&json_v1::failed_invite(items)),
            "verify-domain" => json(&json_v1::failed_domains(items)),
            "link" => json(&json_v1::failed_link(subject, items)),
            "revoke-link" => json(&json_v1::failed_revoke_link(items)),
            "wait" => json(&json_v1::failed_wait(subject, items)),
            "validate" => json(&json_v1::failed_validate(items)),
            "ids" => json(&json_v1::failed_ids(items)),
            "import" => json(&json_v1::failed_import(items)),
            "doctor" => json(&json_v1::failed_doctor(items)),
            _ => return None,
        };
        // The errors were told on standard error already.
        text.ok()
    }
}
