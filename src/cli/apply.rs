//! `portalctl apply`

use std::path::PathBuf;
use std::pin::pin;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::also::AlsoArgs;
use super::args::{ConnectionArgs, TargetArgs};
use super::connect::Connection;
use super::error::CliError;
use super::exit::Exit;
use super::plan::{PowerArgs, guard_exit, make_plan};
use super::progress::Applying;
use super::session::{self, Reality, Request};
use super::ui::Ui;
use super::{failure_json, failure_markdown, json};
use portalctl_core::identity::identify;
use portalctl_core::plan::Plan;
use portalctl_core::plan::digest::Digest;
use portalctl_model::codes::{cli as codes, plan as plan_codes};
use portalctl_model::text::escape;
use portalctl_report::json_v1;
use portalctl_report::text::Layout;
use portalctl_report::{ApplyReportView, PlanReport, markdown, text};
use portalctl_workos::apply::{Always, ApplyReport, Options, apply, nonce};

/// Do what the plan says, after asking.
///
/// Shows the plan and asks for consent on a terminal; elsewhere --yes is the consent. Ends with an
/// account of every change and how far every customer is. Running it again continues where it
/// stopped.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Apply a plan that `plan --out` saved; it is consent.
    #[arg(
        value_name = "PLAN",
        conflicts_with_all = [
            "file", "only", "intent", "expect_digest", "adopt", "adopt_owned", "allow_rekey",
            "allow_trusted_domains", "allow_domain_removal", "allow_data_loss", "prune",
            "prune_active", "allow_bulk",
        ]
    )]
    plan: Option<PathBuf>,

    /// Do what the plan with this digest says, and nothing else; it is consent.
    #[arg(long, value_name = "DIGEST")]
    expect_digest: Option<String>,

    /// Consent to the plan without being asked.
    #[arg(short, long)]
    yes: bool,

    /// How many organizations are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = parse_concurrency)]
    concurrency: usize,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ApplyFormat,

    #[command(flatten)]
    also: AlsoArgs<ApplyFormat>,

    #[command(flatten)]
    powers: PowerArgs,

    #[command(flatten)]
    target: TargetArgs,
}

/// The formats of `apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ApplyFormat {
    /// For people.
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// For a comment on a pull request, on failure too.
    Markdown,
}

impl ApplyFormat {
    fn render(
        self,
        view: &ApplyReportView<'_>,
        now: Timestamp,
        layout: &Layout,
    ) -> Result<String, CliError> {
        match self {
            Self::Text => Ok(text::apply(view, now, layout)),
            Self::Json => json(&json_v1::apply(view)),
            Self::Markdown => Ok(markdown::apply(view)),
        }
    }

    /// Why nothing was done; text has standard error for it.
    fn failure(self, error: &CliError, connection: &ConnectionArgs) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Json => failure_json(&error.items, json_v1::failed_apply),
            Self::Markdown => Some(failure_markdown("apply", error, connection)),
        }
    }
}

fn parse_concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=256) => Ok(count),
        _ => Err("a number from 1 to 256 is wanted".to_owned()),
    }
}

impl ApplyArgs {
    /// Whether nobody has to be asked: `--yes`, or a digest that somebody reviewed.
    fn has_consent(&self) -> bool {
        self.yes || self.expect_digest.is_some()
    }

    pub(super) fn connection(&self) -> &ConnectionArgs {
        &self.target.connection
    }

    pub(super) fn failure(&self, error: &CliError) -> Option<String> {
        self.output.failure(error, &self.target.connection)
    }

    pub(super) fn check_files(&self, ui: &Ui) -> Result<(), CliError> {
        self.also.check(&[ui.output_file(), self.plan.as_deref()])
    }

    pub(super) fn fail_files(&self, error: &CliError) -> Result<(), CliError> {
        let connection = &self.target.connection;
        self.also.fail(|format| format.failure(error, connection))
    }
}

pub(super) fn run(args: &ApplyArgs, ui: &Ui) -> Result<Exit, CliError> {
    if let Some(path) = &args.plan {
        return super::apply_saved::run(path, args, ui);
    }
    if !args.has_consent() && !ui.is_interactive() {
        let message = "there is no terminal to ask at";
        return Err(CliError::new(Exit::Usage, codes::NO_CONSENT, message));
    }
    let request = args.powers.request(&args.target, ui)?;
    run_on(&request, args, ui).map_err(|error| error.of(request.desired.names()))
}

fn run_on(request: &Request, args: &ApplyArgs, ui: &Ui) -> Result<Exit, CliError> {
    let connection = session::connect(&args.target, request)?;
    let outcome = session::block_on(async |interrupted| {
        plan_and_apply(request, &connection, args, ui, interrupted).await
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
    let policy = args.powers.policy();
    let reality = session::look_to_plan(connection, request, policy, ui, &interrupted).await?;
    let readiness = reality.readiness(request, connection);
    let plan = make_plan(request, &reality, &readiness, connection, policy);
    if let Some(expected) = &args.expect_digest {
        ui.say(&shown(&plan, &reality, request, connection, ui));
        hold_to(expected, &plan)?;
    } else {
        agree(&plan, &reality, request, connection, args, ui, &interrupted).await?;
    }
    if interrupted.is_cancelled() {
        return Err(CliError::interrupted());
    }
    let report = act(&plan, false, connection, args, ui, interrupted).await;
    tell(request, connection, reality, &plan, &report, args, ui)?;
    if connection.is_throwaway() {
        ui.say(
            "note: this sandbox ends with the command; --sandbox=FILE keeps it for the next one",
        );
    }
    Ok(exit_of(&plan, &report))
}

/// Does what a plan says, under the eyes of whoever watches; `replay` when it may have been done
/// before.
pub(super) async fn act(
    plan: &Plan,
    replay: bool,
    connection: &Connection,
    args: &ApplyArgs,
    ui: &Ui,
    interrupted: CancellationToken,
) -> ApplyReport {
    let options = Options {
        concurrency: args.concurrency,
        cancel: interrupted,
        replay,
        clock: connection.clock.as_ref(),
        permit: &Always,
        nonce: nonce(connection.clock.as_ref()),
    };
    let progress = Applying::new(ui, plan.changes.len());
    let mut applying = pin!(apply(&connection.client, plan, &options, &progress));
    tokio::select! {
        biased;
        () = options.cancel.cancelled() => progress.interrupted(),
        report = &mut applying => return report,
    }
    applying.await
}

/// Nothing but the plan that was reviewed.
fn hold_to(expected: &str, plan: &Plan) -> Result<(), CliError> {
    let digest = Digest::of(plan).to_string();
    if digest == expected {
        return Ok(());
    }
    let message = format!(
        "the plan's digest is {digest}, and {} was expected; nothing was done",
        escape(expected)
    );
    Err(CliError::new(
        Exit::Stopped,
        plan_codes::DIGEST_DIFFERS,
        message,
    ))
}

/// Shows the plan, and has it agreed to unless it was beforehand.
async fn agree(
    plan: &Plan,
    reality: &Reality,
    request: &Request,
    connection: &Connection,
    args: &ApplyArgs,
    ui: &Ui,
    interrupted: &CancellationToken,
) -> Result<(), CliError> {
    let shown = shown(plan, reality, request, connection, ui);
    if plan.reviewed().next().is_none() || args.yes {
        ui.say(&shown);
        return Ok(());
    }
    // Also with -q: nobody consents to what was not shown.
    Ui::insist(&shown);
    ask(plan, connection, interrupted).await
}

/// The plan, for standard error: the result of the command is what became of it.
fn shown(
    plan: &Plan,
    reality: &Reality,
    request: &Request,
    connection: &Connection,
    ui: &Ui,
) -> String {
    let readiness = reality.readiness(request, connection);
    let headline = request.headline(connection);
    let report = PlanReport {
        headline: &headline,
        plan,
        readiness: &readiness,
    };
    text::plan(&report, &ui.talk_layout())
}

async fn ask(
    plan: &Plan,
    connection: &Connection,
    interrupted: &CancellationToken,
) -> Result<(), CliError> {
    let environment = connection
        .target
        .environment
        .as_deref()
        .unwrap_or("this environment");
    let count = plan.reviewed().count();
    let changes = if count == 1 {
        "this change".to_owned()
    } else {
        format!("these {count} changes")
    };
    let question = format!(
        "\nApply {changes} to {}? Only `yes` is taken as consent: ",
        escape(environment)
    );
    session::consent(question, interrupted).await
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
    let headline = request.headline(connection);
    let view = ApplyReportView {
        headline: &headline,
        plan,
        report,
        readiness: &readiness,
    };
    write(&view, connection, args, ui)
}

/// Writes the account of a run in the formats that were asked for.
pub(super) fn write(
    view: &ApplyReportView<'_>,
    connection: &Connection,
    args: &ApplyArgs,
    ui: &Ui,
) -> Result<(), CliError> {
    let now = connection.clock.now();
    let warnings = view.report.warnings();
    let mut plan = view.plan;
    let warned;
    if !warnings.is_empty() {
        let mut more = plan.clone();
        more.warnings.extend(warnings);
        more.warnings.sort();
        warned = more;
        plan = &warned;
    }
    let view = &ApplyReportView { plan, ..*view };
    args.also.tell(&args.output, ui, |format, layout| {
        format.render(view, now, layout)
    })
}

pub(super) fn exit_of(plan: &Plan, report: &ApplyReport) -> Exit {
    let mut exit = guard_exit(plan);
    if !report.is_complete() {
        exit = exit.or_worse(Exit::Incomplete);
    }
    if report.interrupted {
        exit = exit.or_worse(Exit::Interrupted);
    }
    exit
}
