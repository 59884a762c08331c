//! `portalctl status`

mod earlier;
mod format;
mod on_change;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::also::AlsoArgs;
use super::args::TargetArgs;
use super::connect::Connection;
use super::duration;
use super::error::CliError;
use super::exit::Exit;
use super::json_line;
use super::progress::Reading;
use super::session::{self, Request};
use super::ui::Ui;
use portalctl_core::readiness::Readiness;
use portalctl_core::readiness::compare::{OrganizationChange, Picture, compare};
use portalctl_core::readiness::fail_on::FailOn;
use portalctl_model::codes::cli as codes;
use portalctl_model::text::escape;
use portalctl_report::json_v1;
use portalctl_report::text::Listing;
use portalctl_report::{StatusReport, text};

use format::{StatusFormat, Told};
use on_change::{Failure, OnChange, Output};

/// Show which features each customer still has to configure, and what to do next.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Exit with 2 when an intent is in this state, or stalled for longer than a time
    /// (stalled:14d); several may be given.
    ///
    /// `unknown` includes what could not be read, which ends with 0 otherwise.
    #[arg(long, value_name = "CONDITION", value_delimiter = ',')]
    fail_on: Vec<FailOn>,

    /// List every organization, also those with nothing to do.
    #[arg(long)]
    all: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: StatusFormat,

    #[command(flatten)]
    also: AlsoArgs<StatusFormat>,

    #[command(flatten)]
    changes: ChangesArgs,

    #[command(flatten)]
    target: TargetArgs,
}

/// What changes, and who is told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Changes")]
#[command(group(ArgGroup::new("since").args(["compare", "watch"]).multiple(true)))]
struct ChangesArgs {
    /// Show what changed since an earlier `status -o json`, kept in a file.
    #[arg(long, value_name = "OLD.json")]
    compare: Option<PathBuf>,

    /// Read again and again, and show what changes, until Ctrl-C.
    #[arg(long)]
    watch: bool,

    /// How long --watch waits between two readings; at least 1s.
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "watch",
          value_parser = duration::parse)]
    interval: Duration,

    /// How long --watch goes on; without it, until it is interrupted.
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = duration::parse)]
    timeout: Option<Duration>,

    /// Run a command through the shell whenever something changed.
    ///
    /// What changed is one JSON document on its standard input (portalctl schema on-change). Its
    /// output goes to standard error; WORKOS_API_KEY is not in its environment.
    #[arg(long, value_name = "COMMAND", requires = "since")]
    on_change: Option<String>,

    /// How long the command of --on-change may take.
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "on_change",
          value_parser = duration::parse)]
    on_change_timeout: Duration,
}

impl StatusArgs {
    pub(super) fn failure(&self, error: &CliError) -> Option<String> {
        self.output.failure(error, &self.target.connection)
    }

    pub(super) fn check_files(&self, ui: &Ui) -> Result<(), CliError> {
        let compared = self.changes.compare.as_deref();
        self.also.check(&[ui.output_file(), compared])
    }

    pub(super) fn fail_files(&self, error: &CliError) -> Result<(), CliError> {
        let connection = &self.target.connection;
        self.also.fail(|format| format.failure(error, connection))
    }

    /// Whether what changed is asked for, and neither shown nor told.
    fn drops_changes(&self) -> bool {
        let ChangesArgs {
            compare, on_change, ..
        } = &self.changes;
        let mut formats = self.also.formats().chain([&self.output]);
        let shows_changes = formats.any(|format| format.shows_changes());
        compare.is_some() && on_change.is_none() && !shows_changes
    }

    fn on_change(&self) -> Option<OnChange> {
        let command = self.changes.on_change.clone()?;
        let timeout = self.changes.on_change_timeout;
        Some(OnChange { command, timeout })
    }
}

pub(super) fn run(args: &StatusArgs, ui: &Ui) -> Result<Exit, CliError> {
    if args.changes.watch {
        watch::check_usage(args, ui)?;
    }
    if args.drops_changes() {
        let why = "--compare needs -o or --write with text, json or markdown to show what changed, \
                   or --on-change to tell it";
        return Err(CliError::new(Exit::Usage, codes::USAGE, why));
    }
    let mut request = session::manifest(&args.target, ui)?;
    request.narrow();
    run_on(&request, args, ui).map_err(|error| error.of(request.desired.names()))
}

fn run_on(request: &Request, args: &StatusArgs, ui: &Ui) -> Result<Exit, CliError> {
    let compared = args.changes.compare.as_deref();
    let earlier = compared
        .map(|path| earlier::read(path, request))
        .transpose()?;
    let connection = session::connect(&args.target, request)?;
    session::block_on(async |interrupted| {
        if args.changes.watch {
            watch::run(args, request, &connection, earlier, ui, interrupted).await
        } else {
            once(args, request, &connection, earlier, ui, &interrupted).await
        }
    })
}

async fn once(
    args: &StatusArgs,
    request: &Request,
    connection: &Connection,
    earlier: Option<Picture>,
    ui: &Ui,
    interrupted: &CancellationToken,
) -> Result<Exit, CliError> {
    let reality =
        session::look_with_invitations(&Reading::new(ui), connection, request, interrupted).await?;
    let readiness = reality.readiness(request, connection);
    let changes = earlier.map(|earlier| compare(&earlier, &Picture::after(&earlier, &readiness)));
    // Before the report: what goes wrong with the command is told in it.
    let told = match (args.on_change(), &changes) {
        (Some(on_change), Some(changes)) if !changes.is_empty() => {
            tell(
                &on_change,
                changes,
                Output::Inherited,
                connection,
                interrupted,
            )
            .await
        }
        _ => Ok(String::new()),
    };
    let headline = request.headline(connection);
    let now = connection.clock.now();
    let report = StatusReport {
        headline: &headline,
        readiness: &readiness,
        now,
    };
    let since = args.changes.compare.as_deref();
    let result = Told {
        report: &report,
        listing: listing(args),
        changes: changes.as_deref(),
        since: &since.map_or_else(String::new, |path| path.display().to_string()),
        errors: told.as_ref().err().map_or(&[], |error| &error.items),
    };
    args.also.tell(&args.output, ui, |format, layout| {
        format.render(&result, layout)
    })?;
    if !shows_warnings(args) {
        for warning in &readiness.warnings {
            ui.say(&format!("warning[{}]: {}", warning.code, warning.message));
        }
    }
    let asked = check(&args.fail_on, &readiness, now, ui);
    Ok(match told {
        Ok(_) => asked,
        Err(error) => {
            ui.error(&error);
            error.exit.or_worse(asked)
        }
    })
}

/// Tells the command of `--on-change` what changed; what is worth saying of it.
async fn tell(
    on_change: &OnChange,
    changes: &[OrganizationChange],
    output: Output,
    connection: &Connection,
    interrupted: &CancellationToken,
) -> Result<String, CliError> {
    let headline = session::headline(connection);
    // One line: a command that appends it to a file gets a file of JSON lines.
    let document = json_line(&json_v1::changed_document(&headline, changes))?;
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

/// Whether some format of the result has a place for warnings.
fn shows_warnings(args: &StatusArgs) -> bool {
    let mut formats = args.also.formats().chain([&args.output]);
    formats.any(|format| format.shows_warnings())
}

fn listing(args: &StatusArgs) -> Listing {
    if args.all {
        Listing::All
    } else {
        Listing::Pending
    }
}

/// Says which conditions of `--fail-on` hold.
fn check(conditions: &[FailOn], readiness: &Readiness, now: Timestamp, ui: &Ui) -> Exit {
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
