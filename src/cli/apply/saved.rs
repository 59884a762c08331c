//! `portalctl apply PLAN`: does what a saved plan says, to the account it was made for.
//!
//! Takes the file that `plan --out` wrote. A saved plan is consent, and may have been executed before:
//! a change that is already in its planned state counts as done. No manifest is read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::execute::{Execution, execute_again, exit_of, report};
use crate::cli::connect;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::manifest::Manifest;
use crate::cli::request::ConnectionRequest;
use crate::cli::session;
use crate::cli::ui::Ui;
use portalctl_core::plan::saved::{self, InvalidPlan};
use portalctl_core::plan::{Plan, Target};
use portalctl_core::readiness::Readiness;
use portalctl_model::codes::{cli as codes, plan as plan_codes};
use portalctl_model::desired::{Desired, Environment, KeyKind};
use portalctl_model::text::escape;
use portalctl_report::{PlanReport, text};

/// The largest saved plan: some hundred thousand changes.
const MAX_PLAN: u64 = 512 * 1024 * 1024;

pub(super) fn run(
    path: &Path,
    connection: &ConnectionRequest,
    execution: &Execution,
    ui: &Ui,
) -> Result<Exit, CliError> {
    let plan = read(path)?;
    let manifest = Manifest::of(desired(&plan.target));
    let connection = connect::open(connection, &manifest.desired)?;
    check_target(&plan.target, &connection.target)
        .map_err(|error| error.of(manifest.desired.names()))?;
    session::run_writing(&manifest, &connection, ui, async |session| {
        let nothing_read = Readiness::default();
        let shown = PlanReport {
            headline: &session.headline(),
            plan: &plan,
            readiness: &nothing_read,
        };
        ui.say(&text::plan(&shown, &ui.talk_layout()));
        let outcome = execute_again(session, &plan, execution).await;
        report(session, &plan, &outcome, &nothing_read, execution)?;
        Ok(exit_of(&plan, &outcome))
    })
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

/// Returns the desired state of a saved plan: the environment that it was made for, and nothing else.
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

/// Refuses an account other than the one that the plan was made for.
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
