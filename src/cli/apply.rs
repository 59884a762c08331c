//! `portalctl apply`

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::args::{Format, TargetArgs};
use super::connect::Connection;
use super::error::CliError;
use super::exit::Exit;
use super::plan::{PowerArgs, guard_exit, make_plan};
use super::progress::Applying;
use super::session::{self, Reality, Request};
use super::ui::Ui;
use super::{failure_json, json};
use crate::apply::{ApplyReport, Options, apply};
use crate::codes::cli as codes;
use crate::identity::identify;
use crate::plan::Plan;
use crate::report::json_v1::{self, ErrorItem};
use crate::report::{ApplyReportView, PlanReport, text};

/// Do what the plan says, after asking.
///
/// Shows the plan and asks for consent on a terminal; elsewhere --yes is the consent. Ends with an
/// account of every change and how far every customer is. Running it again continues where it
/// stopped.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Consent to the plan without being asked.
    #[arg(short, long)]
    yes: bool,

    /// How many organizations are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = parse_concurrency)]
    concurrency: usize,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    powers: PowerArgs,

    #[command(flatten)]
    target: TargetArgs,
}

fn parse_concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=256) => Ok(count),
        _ => Err("a number from 1 to 256 is wanted".to_owned()),
    }
}

impl ApplyArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, json_v1::failed_apply),
        }
    }
}

pub(super) fn run(args: &ApplyArgs, ui: &Ui) -> Result<Exit, CliError> {
    if !args.yes && !ui.is_interactive() {
        let message = "there is no terminal to ask at";
        return Err(CliError::new(Exit::Usage, codes::NO_CONSENT, message));
    }
    let request = session::manifest(&args.target, ui)?;
    let connection = session::connect(&args.target, &request)?;
    let outcome = session::block_on(async |interrupted| {
        plan_and_apply(&request, &connection, args, ui, interrupted).await
    });
    // Also after a failure: what was done in the sandbox stays done.
    connection.close()?;
    outcome
}

async fn plan_and_apply(
    request: &Request,
    connection: &Connection,
    args: &ApplyArgs,
    ui: &Ui,
    interrupted: CancellationToken,
) -> Result<Exit, CliError> {
    let reality = session::look(connection, request, ui, &interrupted).await?;
    let plan = make_plan(request, &reality, connection, args.powers.policy());
    show(&plan, &reality, request, connection, ui);
    if !plan.changes.is_empty() && !args.yes {
        ask(&plan, connection)?;
    }
    if interrupted.is_cancelled() {
        return Err(CliError::interrupted());
    }
    let options = Options {
        concurrency: args.concurrency,
        cancel: interrupted,
        clock: connection.clock.as_ref(),
    };
    let progress = Applying::new(ui, plan.changes.len());
    let report = apply(&connection.client, &plan, &options, &progress).await;
    drop(progress);
    tell(request, connection, reality, &plan, &report, args, ui)?;
    if connection.is_throwaway() {
        ui.say(
            "note: this sandbox ends with the command; --sandbox=FILE keeps it for the next one",
        );
    }
    Ok(exit_of(&plan, &report))
}

/// Shows the plan on standard error: the result of the command is what became of it.
fn show(plan: &Plan, reality: &Reality, request: &Request, connection: &Connection, ui: &Ui) {
    let readiness = reality.readiness(request, connection);
    let headline = session::headline(connection);
    let report = PlanReport {
        headline: &headline,
        plan,
        readiness: &readiness,
    };
    ui.say(&text::plan(&report, &ui.talk_layout()));
}

fn ask(plan: &Plan, connection: &Connection) -> Result<(), CliError> {
    let environment = connection
        .target
        .environment
        .as_deref()
        .unwrap_or("this environment");
    let count = plan.changes.len();
    let changes = if count == 1 {
        "this change".to_owned()
    } else {
        format!("these {count} changes")
    };
    let question = format!(
        "\nApply {changes} to {}? Only `yes` is taken as consent: ",
        crate::model::text::escape(environment)
    );
    if Ui::confirm(&question) {
        return Ok(());
    }
    let message = "the answer was not `yes`; nothing was changed";
    Err(CliError::new(Exit::Usage, codes::NO_CONSENT, message))
}

/// Writes the account of the run, with the readiness after it.
fn tell(
    request: &Request,
    connection: &Connection,
    mut reality: Reality,
    plan: &Plan,
    report: &ApplyReport,
    args: &ApplyArgs,
    ui: &Ui,
) -> Result<(), CliError> {
    report.update(&mut reality.observed);
    reality.identities = identify(&request.desired, &reality.observed);
    let readiness = reality.readiness(request, connection);
    let headline = session::headline(connection);
    let view = ApplyReportView {
        headline: &headline,
        plan,
        report,
        readiness: &readiness,
    };
    ui.data(&match args.output {
        Format::Text => text::apply(&view, connection.clock.now(), &ui.layout()),
        Format::Json => json(&json_v1::apply(&view))?,
    })
}

fn exit_of(plan: &Plan, report: &ApplyReport) -> Exit {
    let mut exit = guard_exit(plan);
    if !report.is_complete() {
        exit = exit.or_worse(Exit::Incomplete);
    }
    if report.interrupted {
        exit = exit.or_worse(Exit::Interrupted);
    }
    exit
}
