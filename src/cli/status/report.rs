//! Parts of a status report that one reading and a watch share.
//!
//! Takes changes and states. Runs the command of `--on-change`, and returns the exit code that
//! `--fail-on` asks for.

use jiff::Timestamp;

use super::on_change::{Failure, OnChange, Output};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::json_line;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use portalctl_core::deliveries::Stamp;
use portalctl_core::readiness::Readiness;
use portalctl_core::readiness::compare::OrganizationChange;
use portalctl_core::readiness::fail_on::FailOn;
use portalctl_model::codes::cli as codes;
use portalctl_model::text::escape;
use portalctl_report::{json_v1, text};

/// Runs the command of `--on-change` with the changes and their place among all; returns a note about
/// it.
pub(super) async fn tell(
    session: &Session<'_>,
    on_change: &OnChange,
    (changes, stamp): (&[OrganizationChange], Option<Stamp>),
    output: Output,
) -> Result<String, CliError> {
    let Session {
        connection,
        interrupted,
        ..
    } = session;
    let headline = connection.headline();
    // One line: a command that appends it to a file gets a file of JSON lines.
    let document = json_line(&json_v1::changed_document(&headline, changes, stamp))?;
    let ended = on_change
        .run(&document, output, &connection.clock, interrupted)
        .await;
    let last = ended.output.trim_end().lines().next_back().map(escape);
    let said = last.map(|line| format!(": {line}")).unwrap_or_default();
    match ended.outcome {
        Ok(()) => Ok(format!(
            "--on-change: told of {}{said}",
            text::counted(changes.len(), "organization")
        )),
        Err(failure) => {
            let exit = match failure {
                Failure::Interrupted => Exit::Interrupted,
                Failure::NotStarted(_) | Failure::Failed(_) | Failure::TimedOut(_) => {
                    Exit::Incomplete
                }
            };
            let message = format!("the command {failure}{said}");
            Err(CliError::new(exit, codes::ON_CHANGE, message))
        }
    }
}

/// Says which conditions of `--fail-on` hold; returns the exit code.
pub(super) fn check(conditions: &[FailOn], readiness: &Readiness, now: Timestamp, ui: &Ui) -> Exit {
    let mut exit = Exit::Done;
    for condition in conditions {
        let found = condition.matches(readiness, now);
        let Some((key, intent)) = found.first() else {
            continue;
        };
        let others = match found.len() - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        ui.say(&format!(
            "--fail-on {condition}: {key} {}{others}",
            intent.intent
        ));
        exit = Exit::Asked;
    }
    exit
}
