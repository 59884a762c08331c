//! `portalctl status`

use clap::Args;

use super::args::Format;
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use super::{Cli, failure_json, json};
use crate::report::json_v1::{self, ErrorItem};
use crate::report::text::Listing;
use crate::report::{StatusReport, text};

/// Show which features each customer still has to configure, and what to do next.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// List every organization, also those with nothing to do.
    #[arg(long)]
    all: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl StatusArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, json_v1::failed_status),
        }
    }
}

pub(super) fn run(cli: &Cli, args: &StatusArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = session::manifest(cli, ui)?;
    let connection = session::connect(cli, &request)?;
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
        Ok(Exit::Done)
    })
}
