//! `portalctl status`
//!
//! Takes a manifest. Reads what is live and shows the state of every intent, once or again and again;
//! compares with an earlier report, and tells a command or a webhook of changes. Writes nothing to
//! WorkOS.

mod baseline;
mod format;
mod on_change;
mod position;
mod report;
mod watch;
mod webhook;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args};

use super::args::TargetArgs;
use super::connect;
use super::duration;
use super::error::CliError;
use super::exit::Exit;
use super::extra_outputs::{ExtraOutputArgs, ResultOutputs};
use super::manifest::Manifest;
use super::progress::Reading;
use super::request::TargetRequest;
use super::session::{self, Session};
use super::ui::Ui;
use format::{Shown, StatusFormat};
use on_change::{OnChange, Output};
use portalctl_core::readiness::compare::{Picture, compare};
use portalctl_core::readiness::fail_on::FailOn;
use portalctl_model::codes::cli as codes;
use portalctl_report::text::Listing;
use portalctl_report::{StatusReport, csv};
use position::PositionFile;
use watch::{Receiver, WatchRequest};
use webhook::WebhookRequest;

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
    pub(super) output: StatusFormat,

    #[command(flatten)]
    pub(super) extra: ExtraOutputArgs<StatusFormat>,

    #[command(flatten)]
    table: TableArgs,

    #[command(flatten)]
    pub(super) changes: ChangesArgs,

    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// Arguments about the table of -o csv.
#[derive(Debug, Args)]
struct TableArgs {
    /// Columns of -o csv, in this order; all of them unless given.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',',
          value_parser = PossibleValuesParser::new(csv::STATUS_COLUMNS))]
    columns: Vec<String>,

    /// Leave the first row of -o csv out, which names the columns.
    #[arg(long)]
    no_headers: bool,
}

/// Arguments about changes, and the command or the app that gets them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Changes")]
#[command(group(ArgGroup::new("since").args(["compare", "watch"]).multiple(true)))]
pub(super) struct ChangesArgs {
    /// Show what changed since an earlier `status -o json`, kept in a file.
    #[arg(long, value_name = "OLD.json")]
    pub(super) compare: Option<PathBuf>,

    /// Read again and again, and show what changes, until Ctrl-C.
    #[arg(long)]
    watch: bool,

    /// Time between two readings of --watch; at least 1s.
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "watch",
          value_parser = duration::parse)]
    interval: Duration,

    /// Time after which --watch ends; by default it goes on until Ctrl-C.
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = duration::parse)]
    timeout: Option<Duration>,

    /// Run a command through the shell whenever something changed.
    ///
    /// What changed is one JSON document on its standard input (portalctl schema on-change). Its
    /// output goes to standard error; WORKOS_API_KEY is not in its environment.
    #[arg(long, value_name = "COMMAND", requires = "since")]
    on_change: Option<String>,

    /// Longest time that the command of --on-change may take.
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "on_change",
          value_parser = duration::parse)]
    on_change_timeout: Duration,

    /// Keep in a file what was reported by --on-change or --webhook, so that a restart loses nothing.
    ///
    /// A watch begins with the difference to the file. Where there is no file yet, it begins with a
    /// report of all states, which has `"initial": true`. A file is for one environment, one manifest
    /// and one watch.
    #[arg(
        long,
        value_name = "FILE",
        requires = "watch",
        conflicts_with = "compare"
    )]
    position: Option<PathBuf>,

    /// POST what changed to your app: one request for each organization and change, in order.
    ///
    /// The body is the document of --on-change, signed as in Standard Webhooks. A request that is not
    /// answered with 2xx is sent again, with the same `webhook-id`, until it is. Needs --position.
    /// Plain http is for this machine only.
    #[arg(long, value_name = "URL", conflicts_with = "on_change",
          requires_all = ["watch", "position", "webhook_secret_file"])]
    webhook: Option<String>,

    /// File with the secret of --webhook: `whsec_` and base64, or a text of at least 32 bytes.
    ///
    /// With a second secret on a second line every request is signed with both, so that a secret can
    /// be replaced. The file is read again while the watch runs.
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_secret_file: Option<PathBuf>,
}

impl ChangesArgs {
    fn webhook(&self) -> Option<WebhookRequest> {
        Some(WebhookRequest {
            url: self.webhook.clone()?,
            secret_file: self.webhook_secret_file.clone()?,
        })
    }
}

impl StatusArgs {
    fn request(&self) -> Result<StatusRequest, CliError> {
        let changes = &self.changes;
        Ok(StatusRequest {
            target: self.target.request()?,
            fail_on: self.fail_on.clone(),
            listing: if self.all {
                Listing::All
            } else {
                Listing::Pending
            },
            outputs: self.extra.beside(self.output),
            choice: csv::Choice {
                columns: self.table.columns.clone(),
                without_header: self.table.no_headers,
            },
            baseline: changes.compare.clone(),
            on_change: changes.on_change.clone().map(|command| OnChange {
                command,
                timeout: changes.on_change_timeout,
            }),
            watch: changes.watch.then_some(Schedule {
                interval: changes.interval,
                timeout: changes.timeout,
            }),
            position: changes.position.clone(),
            webhook: changes.webhook(),
        })
    }
}

/// A status report to be made, once or again and again.
struct StatusRequest {
    target: TargetRequest,
    fail_on: Vec<FailOn>,
    listing: Listing,
    outputs: ResultOutputs<StatusFormat>,
    /// The part of the table of -o csv.
    choice: csv::Choice,
    /// The earlier report to compare with.
    baseline: Option<PathBuf>,
    on_change: Option<OnChange>,
    watch: Option<Schedule>,
    /// The file of the states that were reported to the command or the webhook.
    position: Option<PathBuf>,
    webhook: Option<WebhookRequest>,
}

/// Times of a watch.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    interval: Duration,
    /// The longest time that the watch goes on.
    timeout: Option<Duration>,
}

impl StatusRequest {
    /// Refuses options that do not go together.
    fn check(&self, ui: &Ui) -> Result<(), CliError> {
        let why = if let Some(schedule) = &self.watch {
            if *self.outputs.output() != StatusFormat::Text {
                "--watch has no single result to write in another format than text; --on-change \
                 is given JSON"
            } else if ui.output_file().is_some() || self.outputs.has_files() {
                "--watch has no single result to write to --output-file or --write"
            } else if schedule.interval < watch::MIN_INTERVAL {
                "--interval is at least 1s"
            } else if self.position.is_some() && self.on_change.is_none() && self.webhook.is_none()
            {
                "--position keeps what is reported by --on-change or --webhook: add one of them"
            } else {
                return Ok(());
            }
        } else if self.drops_changes() {
            "--compare needs another format than csv, as -o or --write, to show what changed, or \
             --on-change to tell it"
        } else if self.baseline.is_none() && self.outputs.formats().any(|it| it.is_message()) {
            "slack and teams tell what changed since an earlier report: add --compare OLD.json"
        } else {
            return Ok(());
        };
        Err(CliError::new(Exit::Usage, codes::USAGE, why))
    }

    /// Opens the receiver of changes of a watch, and its position file. Sends nothing.
    fn receiver(&self, manifest: &Manifest) -> Result<Receiver<'_>, CliError> {
        let webhook = self
            .webhook
            .as_ref()
            .map(WebhookRequest::open)
            .transpose()?;
        let position = self.position.as_deref();
        let position = position
            .map(|path| PositionFile::open(path, manifest.desired.names()))
            .transpose()?;
        Ok(match (webhook, position, &self.on_change) {
            (Some(webhook), Some(position), _) => {
                Receiver::Webhook(Box::new(webhook), Box::new(position))
            }
            (_, position, Some(on_change)) => Receiver::Command(on_change, position.map(Box::new)),
            (_, _, None) => Receiver::Nobody,
        })
    }

    /// Returns whether changes are asked for, and neither shown nor told.
    fn drops_changes(&self) -> bool {
        let shows_changes = self.outputs.formats().any(|format| format.shows_changes());
        self.baseline.is_some() && self.on_change.is_none() && !shows_changes
    }
}

pub(super) fn run(args: &StatusArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request()?;
    request.check(ui)?;
    let mut manifest = Manifest::load(&request.target.manifest, ui)?;
    manifest.narrow();
    let baseline = request.baseline.as_deref();
    let earlier = baseline
        .map(|path| baseline::read(path, &manifest))
        .transpose()
        .map_err(|error| error.of(manifest.desired.names()))?;
    let receiver = request
        .receiver(&manifest)
        .map_err(|error| error.of(manifest.desired.names()))?;
    let connection = connect::open(&request.target.connection, &manifest.desired)?;
    session::run(&manifest, &connection, ui, async |session| {
        match request.watch {
            Some(schedule) => {
                let watch = WatchRequest {
                    interval: schedule.interval,
                    timeout: schedule.timeout,
                    listing: request.listing,
                    fail_on: &request.fail_on,
                };
                watch::run(session, watch, (receiver, earlier)).await
            }
            None => once(session, &request, earlier).await,
        }
    })
}

async fn once(
    session: &Session<'_>,
    request: &StatusRequest,
    earlier: Option<Picture>,
) -> Result<Exit, CliError> {
    let ui = session.ui;
    let live = session.observe_with_invitations(&Reading::new(ui)).await?;
    let readiness = session.readiness(&live);
    let changes = earlier.map(|earlier| compare(&earlier, &Picture::after(&earlier, &readiness)));
    // Before the report, which also says how the command failed.
    let told = match (&request.on_change, &changes) {
        (Some(on_change), Some(changes)) if !changes.is_empty() => {
            report::tell(session, on_change, (changes, None), Output::Inherited).await
        }
        _ => Ok(String::new()),
    };
    let now = session.connection.clock.now();
    let report = StatusReport {
        headline: &session.headline(),
        readiness: &readiness,
        now,
    };
    let since = request.baseline.as_deref();
    let shown = Shown {
        report: &report,
        listing: request.listing,
        changes: changes.as_deref(),
        since: &since.map_or_else(String::new, |path| path.display().to_string()),
        choice: &request.choice,
        errors: told.as_ref().err().map_or(&[], |error| &error.items),
    };
    request
        .outputs
        .write(ui, |format, layout| format.render(&shown, layout))?;
    if !request
        .outputs
        .formats()
        .any(|format| format.shows_warnings())
    {
        for warning in &readiness.warnings {
            ui.say(&format!("warning[{}]: {}", warning.code, warning.message));
        }
    }
    let asked = report::check(&request.fail_on, &readiness, now, ui);
    Ok(match told {
        Ok(_) => asked,
        Err(error) => {
            ui.error(&error);
            error.exit.or_worse(asked)
        }
    })
}
