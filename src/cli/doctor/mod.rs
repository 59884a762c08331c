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
mod request;

use clap::Args;

use super::args::{ConnectionArgs, FileArgs, Format};
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use portalctl_report::doctor::{Totals, examine};
use portalctl_report::json_v1;
use portalctl_report::{DoctorReport, text};
use request::{DoctorRequest, Pages};

/// Check key, endpoint, manifest and account, and say what to do about each problem.
///
/// One check that fails does not stop the others. Nothing is
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
    pub(super) output: Format,

    #[command(flatten)]
    files: FileArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl DoctorArgs {
    fn request(&self) -> Result<DoctorRequest, CliError> {
        let connection = self.connection.request();
        Ok(DoctorRequest {
            pages: if self.probe {
                Pages::Asked
            } else {
                Pages::Left
            },
            link_test: self.link_test.clone(),
            files: self.files.beside(&connection.http.key)?,
            connection,
        })
    }
}

pub(super) fn run(args: &DoctorArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (request, format) = (args.request()?, args.output);
    let mut visit = offline::gather(&request)?;
    session::block_on(async |interrupted| {
        let mut exit = Exit::Done;
        tokio::select! {
            () = ask::gather(&request, &mut visit) => {}
            // What was not found out is told as skipped.
            () = interrupted.cancelled() => exit = Exit::Interrupted,
        }
        let checks = examine(&visit.facts);
        let headline = visit.headline();
        let report = DoctorReport {
            headline: &headline,
            checks: &checks,
        };
        ui.data(&match format {
            Format::Text => text::doctor(&report, &ui.layout()),
            Format::Json | Format::Yaml => format.document(&json_v1::doctor(&report))?,
        })?;
        if Totals::of(&checks).fail > 0 {
            exit = exit.or_worse(Exit::Asked);
        }
        Ok(exit)
    })
}
