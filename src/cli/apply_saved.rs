//! `portalctl apply PLAN`: does what a saved plan says, to the account it was made for.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::apply::{ApplyArgs, act, exit_of, write};
use super::connect;
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use portalctl_core::plan::saved::{self, InvalidPlan};
use portalctl_core::plan::{Plan, Target};
use portalctl_core::readiness::Readiness;
use portalctl_model::codes::{cli as codes, plan as plan_codes};
use portalctl_model::desired::{Desired, Environment, KeyKind};
use portalctl_model::text::escape;
use portalctl_report::{ApplyReportView, PlanReport, text};

/// The largest saved plan: some hundred thousand changes.
const MAX_PLAN: u64 = 512 * 1024 * 1024;

pub(super) fn run(path: &Path, args: &ApplyArgs, ui: &Ui) -> Result<Exit, CliError> {
    let plan = read(path)?;
    let desired = desired(&plan.target);
    run_on(&plan, &desired, args, ui).map_err(|error| error.of(desired.names()))
}

fn run_on(plan: &Plan, desired: &Desired, args: &ApplyArgs, ui: &Ui) -> Result<Exit, CliError> {
    let connection = connect::open(args.connection(), desired)?;
    check_target(&plan.target, &connection.target)?;
    let readiness = Readiness::default();
    let outcome = session::block_on(async |interrupted| {
        let headline = session::headline(&connection);
        let report = PlanReport {
            headline: &headline,
            plan,
            readiness: &readiness,
        };
        ui.say(&text::plan(&report, &ui.talk_layout()));
        // It may have been applied before, as a whole or in part.
        let report = act(plan, true, &connection, args, ui, interrupted).await;
        let headline = session::headline(&connection);
        let view = ApplyReportView {
            headline: &headline,
            plan,
            report: &report,
            readiness: &readiness,
        };
        write(&view, &connection, args, ui)?;
        Ok(exit_of(plan, &report))
    });
    connection.close()?;
    outcome
}

/// Refuses a folder and a file of a manifest: the argument of `apply` is a saved plan.
fn check_is_plan(path: &Path) -> Result<(), CliError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_yaml = extension.is_some_and(|it| ["yaml", "yml"].contains(&it.to_lowercase().as_str()));
    if !is_yaml && !path.is_dir() {
        return Ok(());
    }
    let path = escape(&path.to_string_lossy()).into_owned();
    let message = format!("{path} is a manifest, and `portalctl apply PLAN` takes a saved plan");
    let error = CliError::new(Exit::Usage, codes::USAGE, message);
    Err(error.help(format!(
        "run `portalctl apply -f {path}`: -f names the manifest"
    )))
}

fn read(path: &Path) -> Result<Plan, CliError> {
    check_is_plan(path)?;
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_PLAN).read_to_string(&mut text))
        .map_err(|error| CliError::file(codes::FILE, "read", path, &error))?;
    saved::parse(&text).map_err(|error| {
        let message = format!("{} {error}", path.display());
        let exit = match error {
            InvalidPlan::Malformed(_) | InvalidPlan::Version(_) => Exit::Usage,
            InvalidPlan::Tampered => Exit::Stopped,
        };
        CliError::new(exit, plan_codes::SAVED_PLAN, message)
    })
}

/// What opening a connection has to know: the environment that the plan was made for.
fn desired(target: &Target) -> Desired {
    let api_key = match target.key_kind.as_deref() {
        Some("test") => Some(KeyKind::Test),
        Some("live") => Some(KeyKind::Live),
        Some(_) | None => None,
    };
    let environment = Environment {
        name: target.environment.clone(),
        api_key,
        client_id: target.client_id.clone(),
    };
    Desired {
        environment,
        manifest: target.manifest.clone(),
        ..Desired::default()
    }
}

fn check_target(planned: &Target, here: &Target) -> Result<(), CliError> {
    if planned.endpoint == here.endpoint && planned.key_kind == here.key_kind {
        return Ok(());
    }
    let shown = |target: &Target| match &target.key_kind {
        Some(kind) => format!("{} with a {} key", escape(&target.endpoint), escape(kind)),
        None => escape(&target.endpoint).into_owned(),
    };
    let message = format!(
        "the plan was made for {}, and this is {}",
        shown(planned),
        shown(here)
    );
    Err(CliError::new(
        Exit::Stopped,
        plan_codes::OTHER_TARGET,
        message,
    ))
}
