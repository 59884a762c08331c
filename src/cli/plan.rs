//! `portalctl plan`
//!
//! Takes a manifest, and reads what decides a change. Shows the plan in any of its formats, and saves
//! it where that is asked for. Never writes to WorkOS.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::TargetArgs;
use super::error::CliError;
use super::exit::Exit;
use super::extra_outputs::{ExtraOutputArgs, ResultOutputs};
use super::manifest::Manifest;
use super::planning::{guard_exit, make_plan};
use super::powers::{PowerArgs, Powers};
use super::request::TargetRequest;
use super::review_key::{ReviewKey, Seal, sealed};
use super::session::{self, LiveState};
use super::ui::Ui;
use super::{connect, json, snapshot, yaml};
use portalctl_core::plan::Plan;
use portalctl_core::readiness::readiness;
use portalctl_core::snapshot::{Asked, KnownContacts};
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Desired;
use portalctl_platform::files;
use portalctl_report::json_v1;
use portalctl_report::text::Layout;
use portalctl_report::{Headline, PlanReport, gitlab, html, markdown, sarif, text};
use portalctl_workos::observe::Contacts;

/// Show what apply would do.
///
/// Reads what decides a change, and nothing else: `portalctl status` shows the state of every
/// feature.
/// Makes no change, and could not: planning has no access to writes.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Exit with 2 when changes or held items are pending.
    #[arg(long)]
    detailed_exitcode: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: PlanFormat,

    /// Show one line for each change, the most dangerous first, on at most two screens.
    #[arg(long)]
    summary: bool,

    #[command(flatten)]
    pub(super) extra: ExtraOutputArgs<PlanFormat>,

    /// Also save the plan to a file, for the review that `portalctl apply FILE` is held to.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Plan against a file of `portalctl snapshot`: no key, no request, and nothing to apply.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["out", "sandbox", "api_key_file", "api_url", "requests_per_second"]
    )]
    snapshot: Option<PathBuf>,

    #[command(flatten)]
    powers: PowerArgs,

    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// The formats of `plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    /// For people.
    Text,
    /// One line without colour, for the title of a pull request or a message.
    Title,
    /// For machines: one document, on failure too.
    Json,
    /// The same as JSON, in YAML.
    Yaml,
    /// For a comment on a pull request, on failure too.
    Markdown,
    /// For a job summary of GitHub: the same with a limit of 1 MB; on failure too.
    JobSummary,
    /// A page in one file, to keep or to pass on.
    Html,
    /// For code scanning and annotations: what needs somebody, on its line; on failure too.
    Sarif,
    /// For a merge request of GitLab: the counts (`artifacts:reports:terraform`); on failure too.
    GitlabTerraform,
    /// For a merge request of GitLab: what needs somebody, on its line
    /// (`artifacts:reports:codequality`); on failure too.
    GitlabCodequality,
}

impl PlanFormat {
    fn render(
        self,
        report: &PlanReport<'_>,
        desired: &Desired,
        layout: &Layout,
        seal: Option<&Seal>,
    ) -> Result<String, CliError> {
        match self {
            Self::Text => Ok(text::plan(report, layout)),
            Self::Title => Ok(text::plan_title(report)),
            Self::Json => json(&json_v1::plan(report)),
            Self::Yaml => yaml(&json_v1::plan(report)),
            Self::Markdown => Ok(sealed(markdown::plan(report).comment(), seal)),
            Self::JobSummary => Ok(markdown::plan(report).job_summary()),
            Self::Html => html::plan(report).map_err(CliError::internal),
            Self::Sarif => sarif::plan(report.plan, desired, &report.headline.manifest_warnings)
                .map_err(CliError::internal),
            Self::GitlabTerraform => gitlab::counts(report.plan).map_err(CliError::internal),
            Self::GitlabCodequality => {
                gitlab::plan_issues(report.plan, desired, &report.headline.manifest_warnings)
                    .map_err(CliError::internal)
            }
        }
    }
}

impl PlanArgs {
    fn request(&self) -> Result<PlanRequest, CliError> {
        let outputs = self.extra.beside(self.output);
        let is_comment = outputs.formats().any(|it| *it == PlanFormat::Markdown);
        Ok(PlanRequest {
            target: self.target.request()?,
            powers: self.powers.request(),
            seal: if is_comment {
                ReviewKey::for_signing()?
            } else {
                None
            },
            outputs,
            extent: if self.summary {
                Extent::Summary
            } else {
                Extent::Full
            },
            save_to: self.out.clone(),
            snapshot: self.snapshot.clone(),
            pending: if self.detailed_exitcode {
                Exit::Asked
            } else {
                Exit::Done
            },
        })
    }
}

/// Length of the text of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Every field.
    Full,
    /// One line for each of the most dangerous changes.
    Summary,
}

/// A plan to be made and shown.
struct PlanRequest {
    target: TargetRequest,
    powers: Powers,
    outputs: ResultOutputs<PlanFormat>,
    extent: Extent,
    /// Signs the hidden lines of a comment.
    seal: Option<Seal>,
    save_to: Option<PathBuf>,
    /// The snapshot to plan against, in the place of WorkOS.
    snapshot: Option<PathBuf>,
    /// The exit code while changes or held items are pending.
    pending: Exit,
}

impl PlanRequest {
    /// Returns the arguments that an apply of this plan takes too.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = self.target.manifest.arguments();
        arguments.extend(self.powers.flags().map(str::to_owned));
        arguments
    }
}

pub(super) fn run(args: &PlanArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request()?;
    let manifest = request.powers.load(&request.target.manifest, ui)?;
    if let Some(path) = &request.snapshot {
        let planned = plan_from_snapshot(&request, path, &manifest, ui);
        return planned.map_err(|error| error.of(manifest.desired.names()));
    }
    let connection = connect::open(&request.target.connection, &manifest.desired)?;
    session::run(&manifest, &connection, ui, async |session| {
        let policy = request.powers.policy;
        let live = session.observe_for_plan(policy).await?;
        let readiness = session.readiness(&live);
        let plan = make_plan(&manifest, &connection.target, &live, &readiness, policy);
        let headline = Headline {
            arguments: request.arguments(),
            ..session.headline()
        };
        let report = PlanReport {
            headline: &headline,
            plan: &plan,
            readiness: &readiness,
        };
        write(&request, (&manifest, session.ui), &report)?;
        Ok(exit_of(&plan, request.pending))
    })
}

/// Plans against a snapshot: the same plan as of WorkOS, if nothing has changed there since.
fn plan_from_snapshot(
    request: &PlanRequest,
    path: &Path,
    manifest: &Manifest,
    ui: &Ui,
) -> Result<Exit, CliError> {
    let snapshot = snapshot::read(path)?;
    let (desired, selection) = (&manifest.desired, &manifest.selection);
    snapshot::check(&snapshot, path, &desired.environment)?;
    let policy = request.powers.policy;
    let asked = Asked {
        desired,
        selection,
        policy,
    };
    let contacts = match manifest.contacts {
        Contacts::Unmarked => KnownContacts::Unmarked,
        Contacts::All => KnownContacts::All,
    };
    let (observed, identities) = snapshot.live(asked, contacts);
    let now = snapshot.taken_at;
    let readiness = readiness(desired, &observed, &identities, selection, now);
    let live = LiveState {
        observed,
        identities,
    };
    let target = snapshot.target(desired);
    let plan = make_plan(manifest, &target, &live, &readiness, policy);
    let headline = Headline {
        target,
        manifest_warnings: manifest.warnings.clone(),
        snapshot: Some(now),
        arguments: request.arguments(),
        ..Headline::default()
    };
    let report = PlanReport {
        headline: &headline,
        plan: &plan,
        readiness: &readiness,
    };
    write(request, (manifest, ui), &report)?;
    Ok(exit_of(&plan, request.pending))
}

/// Saves the plan where that was asked for, and writes it in every format.
fn write(
    request: &PlanRequest,
    (manifest, ui): (&Manifest, &Ui),
    report: &PlanReport<'_>,
) -> Result<(), CliError> {
    if let Some(path) = &request.save_to {
        files::replace(path, json(&json_v1::plan(report))?.as_bytes())
            .map_err(|error| CliError::file(codes::FILE, "write", path, &error))?;
    }
    let desired = &manifest.desired;
    request
        .outputs
        .write(ui, |format, layout| match (format, request.extent) {
            (PlanFormat::Text, Extent::Summary) => Ok(text::plan_summary(report, layout)),
            _ => format.render(report, desired, layout, request.seal.as_ref()),
        })
}

/// Returns the exit code of a plan, with that of pending changes.
fn exit_of(plan: &Plan, pending: Exit) -> Exit {
    let is_pending = plan.reviewed().next().is_some() || !plan.held.is_empty();
    let asked = if is_pending { pending } else { Exit::Done };
    asked.or_worse(guard_exit(plan))
}
