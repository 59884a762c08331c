//! The execution of a plan: the same for a whole one and for the approved part of one.
//!
//! Takes a plan and a session. Returns the outcome of every change, and writes the account of the run
//! in the formats that were asked for.

use std::borrow::Cow;
use std::pin::pin;

use clap::ValueEnum;
use jiff::Timestamp;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::extra_outputs::ResultOutputs;
use crate::cli::planning::guard_exit;
use crate::cli::progress::Applying;
use crate::cli::session::Session;
use crate::cli::{json, yaml};
use portalctl_core::plan::Plan;
use portalctl_core::readiness::Readiness;
use portalctl_report::json_v1;
use portalctl_report::text::Layout;
use portalctl_report::{ApplyReportView, markdown, text};
use portalctl_workos::apply::{Always, ApplyReport, Options, apply, nonce};

/// The formats of `apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ApplyFormat {
    /// For people.
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// The same as JSON, in YAML.
    Yaml,
    /// For a comment on a pull request, on failure too.
    Markdown,
    /// For a job summary of GitHub: the same with a limit of 1 MB; on failure too.
    JobSummary,
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
            Self::Yaml => yaml(&json_v1::apply(view)),
            Self::Markdown => Ok(markdown::apply(view).comment()),
            Self::JobSummary => Ok(markdown::apply(view).job_summary()),
        }
    }
}

/// Manner in which a plan is executed and reported.
pub(super) struct Execution {
    /// The number of organizations that are worked on at once.
    pub(super) concurrency: usize,
    pub(super) outputs: ResultOutputs<ApplyFormat>,
}

/// Does what a plan says, and shows each change as it ends.
pub(super) async fn execute(
    session: &Session<'_>,
    plan: &Plan,
    execution: &Execution,
) -> ApplyReport {
    let connection = session.connection;
    let options = Options {
        concurrency: execution.concurrency,
        cancel: session.interrupted.clone(),
        clock: connection.clock.as_ref(),
        permit: &Always,
        nonce: nonce(connection.clock.as_ref()),
    };
    let progress = Applying::new(session.ui, plan.changes.len());
    let mut applying = pin!(apply(&connection.client, plan, &options, &progress));
    tokio::select! {
        biased;
        () = options.cancel.cancelled() => progress.interrupted(),
        report = &mut applying => return report,
    }
    applying.await
}

/// Writes the account of a run, with the readiness after it.
pub(super) fn report(
    session: &Session<'_>,
    plan: &Plan,
    outcome: &ApplyReport,
    readiness: &Readiness,
    execution: &Execution,
) -> Result<(), CliError> {
    let mut plan = Cow::Borrowed(plan);
    let warnings = outcome.warnings();
    if !warnings.is_empty() {
        let plan = plan.to_mut();
        plan.warnings.extend(warnings);
        plan.warnings.sort();
    }
    let view = ApplyReportView {
        headline: &session.headline(),
        plan: &plan,
        report: outcome,
        readiness,
    };
    let now = session.connection.clock.now();
    execution.outputs.write(session.ui, |format, layout| {
        format.render(&view, now, layout)
    })
}

/// Returns the exit code of a run.
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
