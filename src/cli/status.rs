//! `portalctl status`

use clap::Args;
use jiff::Timestamp;

use super::args::{Format, TargetArgs};
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use super::{failure_json, json};
use crate::readiness::Readiness;
use crate::readiness::fail_on::FailOn;
use crate::report::json_v1::{self, ErrorItem};
use crate::report::text::Listing;
use crate::report::{StatusReport, text};

/// Show which features each customer still has to configure, and what to do next.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Exit with 2 when an intent is in this state, or stalled for longer than a time
    /// (stalled:14d); several may be given.
    #[arg(long, value_name = "CONDITION", value_delimiter = ',')]
    fail_on: Vec<FailOn>,

    /// List every organization, also those with nothing to do.
    #[arg(long)]
    all: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    target: TargetArgs,
}

impl StatusArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, json_v1::failed_status),
        }
    }
}

pub(super) fn run(args: &StatusArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = session::manifest(&args.target, ui)?;
    let connection = session::connect(&args.target, &request)?;
    session::block_on(async |interrupted| {
        let reality = session::look(&connection, &request, ui, &interrupted).await?;
        let readiness = reality.readiness(&request, &connection);
        let headline = session::headline(&connection);
        let now = connection.clock.now();
        let listing = if args.all {
            Listing::All
        } else {
            Listing::Pending
        };
        let report = StatusReport {
            headline: &headline,
            readiness: &readiness,
            now,
        };
        ui.data(&match args.output {
            Format::Text => text::status(&report, listing, &ui.layout()),
            Format::Json => json(&json_v1::status(&report))?,
        })?;
        Ok(watch(&args.fail_on, &readiness, now, ui))
    })
}

/// Says which conditions of `--fail-on` hold.
fn watch(conditions: &[FailOn], readiness: &Readiness, now: Timestamp, ui: &Ui) -> Exit {
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
