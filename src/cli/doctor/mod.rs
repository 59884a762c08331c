//! `portalctl doctor`
//!
//! ```text
//! files, variables ─▶ offline ─┐
//! WorkOS ─▶ ask ───────────────┼─▶ Facts ─▶ doctor::examine (pure) ─▶ report
//! return URLs ─▶ probe ────────┘
//! ```

mod ask;
mod offline;
mod probe;

use clap::Args;

use super::args::{ConnectionArgs, FileArgs, Format};
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use super::{failure_json, json};
use portalctl_report::doctor::{Totals, examine};
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::{DoctorReport, text};

/// Check everything that portalctl rests on, and say what to do about what is wrong.
///
/// All checks are made as far as they can be, one failing does not stop the others. Nothing is
/// changed. Ends with 2 when a check failed.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Ask every return URL whether it answers: a plain GET, without any credential.
    #[arg(long)]
    probe: bool,

    /// Make a portal link for this organization and throw it away, to see that links can be made.
    #[arg(long, value_name = "KEY")]
    link_test: Option<String>,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    files: FileArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl DoctorArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, json_v1::failed_doctor),
        }
    }
}

pub(super) fn run(args: &DoctorArgs, ui: &Ui) -> Result<Exit, CliError> {
    let mut visit = offline::gather(args)?;
    session::block_on(async |interrupted| {
        let mut exit = Exit::Done;
        tokio::select! {
            () = ask::gather(args, &mut visit) => {}
            // What was not found out is told as skipped.
            () = interrupted.cancelled() => exit = Exit::Interrupted,
        }
        let checks = examine(&visit.facts);
        let headline = visit.headline();
        let report = DoctorReport {
            headline: &headline,
            checks: &checks,
        };
        ui.data(&match args.output {
            Format::Text => text::doctor(&report, &ui.layout()),
            Format::Json => json(&json_v1::doctor(&report))?,
        })?;
        if Totals::of(&checks).fail > 0 {
            exit = exit.or_worse(Exit::Asked);
        }
        Ok(exit)
    })
}
