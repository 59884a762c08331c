//! The command line: a thin shell over the core.
//!
//! One file for each command; [`args`] holds what they share, `ui` is the only printer, `error` the
//! only place where errors get their exit code.

mod apply;
mod args;
mod completions;
mod connect;
mod credentials;
mod error;
mod exit;
mod explain;
mod ids;
mod interrupt;
mod logging;
mod plan;
mod progress;
mod sandbox;
pub mod schema;
mod session;
mod status;
mod ui;
mod validate;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use args::{ConnectionArgs, ManifestArgs, OutputArgs};
use error::CliError;
use exit::Exit;
use ui::Ui;

use crate::codes::cli as codes;
use crate::report::json_v1::ErrorItem;

/// Declares customer organizations and their Admin Portal features in YAML; plans the difference
/// to WorkOS, applies it, and reports what each customer still has to configure.
#[derive(Debug, Parser)]
#[command(
    name = "portalctl",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = AFTER_HELP
)]
struct Cli {
    #[command(flatten)]
    manifest: ManifestArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Environment:
  WORKOS_API_KEY    the API key (sk_test_… or sk_live_…)
  WORKOS_CLIENT_ID  checked against the manifest's client_id when both are there
  WORKOS_API_URL    another endpoint, as --api-url

Try it without an account:
  portalctl plan -f examples/quickstart --sandbox=sandbox.json

Exit codes: 0 done, 2 changes pending (when asked for), 3 usage or manifest invalid, 4 credentials,
5 WorkOS unreachable, 6 apply incomplete, 7 stopped by a guard, 130 interrupted, 1 internal error.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what apply would do, and how far every customer is
    Plan(plan::PlanArgs),
    /// Do what the plan says, after asking
    Apply(apply::ApplyArgs),
    /// Show which features each customer still has to configure, and what to do next
    Status(status::StatusArgs),
    /// Check a manifest, offline
    Validate(validate::ValidateArgs),
    /// Print the WorkOS organization id of every key, for the app that must store it
    Ids(ids::IdsArgs),
    /// Explain an error code, or list all of them
    Explain(explain::ExplainArgs),
    /// Print the JSON Schema of the manifest or of a command's JSON
    Schema(schema::SchemaArgs),
    /// Serve an in-memory WorkOS, to try everything without an account
    Sandbox(sandbox::SandboxArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    logging::init(&cli.output);
    let ui = Ui::new(&cli.output);
    let outcome = run(&cli, &ui).or_else(|error| fail(&cli, &ui, &error));
    let exit = outcome.unwrap_or_else(|error| {
        ui.error(&error);
        error.exit
    });
    exit.into()
}

fn run(cli: &Cli, ui: &Ui) -> Result<Exit, CliError> {
    match &cli.command {
        Command::Plan(args) => plan::run(cli, args, ui),
        Command::Apply(args) => apply::run(cli, args, ui),
        Command::Status(args) => status::run(cli, args, ui),
        Command::Validate(args) => validate::run(cli, args, ui),
        Command::Ids(args) => ids::run(cli, args, ui),
        Command::Explain(args) => explain::run(args, ui),
        Command::Schema(args) => schema::run(args, ui),
        Command::Sandbox(args) => sandbox::run(args, ui),
        Command::Completions(args) => completions::run(args, ui),
    }
}

/// Tells an error: on standard error for people, and as the command's JSON document for machines.
fn fail(cli: &Cli, ui: &Ui, error: &CliError) -> Result<Exit, CliError> {
    ui.error(error);
    let document = match &cli.command {
        Command::Plan(args) => args.failure(&error.items),
        Command::Apply(args) => args.failure(&error.items),
        Command::Status(args) => args.failure(&error.items),
        Command::Validate(args) => args.failure(&error.items),
        Command::Ids(args) => args.failure(&error.items),
        Command::Explain(_)
        | Command::Schema(_)
        | Command::Sandbox(_)
        | Command::Completions(_) => None,
    };
    if let Some(document) = document {
        ui.data(&document)?;
    }
    Ok(error.exit)
}

/// A command line that cannot be parsed; `--help` and `--version` come here too.
fn usage(error: &clap::Error) -> Exit {
    // Nobody is left to be told that the terminal is gone.
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    }
}

/// The command line's own definition, for completions and documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Writes a document as JSON, with a newline at the end.
fn json(document: &impl serde::Serialize) -> Result<String, CliError> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| CliError::new(Exit::Internal, codes::INTERNAL, error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// A failed command's JSON document; a document that cannot be written leaves the text.
fn failure_json<T: serde::Serialize>(
    items: &[ErrorItem],
    document: impl FnOnce(Vec<ErrorItem>) -> T,
) -> Option<String> {
    json(&document(items.to_vec())).ok()
}
