//! The command line: a thin shell over the core.
//!
//! One file for each command; `args` holds what they share, `ui` is the only printer, `error` the
//! only place where errors get their exit code.

mod also;
mod apply;
mod apply_saved;
mod args;
pub mod breakdown;
mod browser;
mod completions;
mod connect;
mod convert;
mod credentials;
mod doctor;
mod duration;
mod endpoint;
mod error;
mod exit;
mod explain;
mod ids;
mod import;
mod import_files;
mod interrupt;
mod invite;
mod link;
mod link_problem;
mod logging;
mod man;
mod named;
#[cfg(feature = "operator")]
mod operator;
mod pause;
mod plan;
mod progress;
mod revoke_link;
mod sandbox;
pub mod schema;
mod serve;
mod session;
mod status;
mod suggestions;
mod ui;
mod validate;
mod verify_domain;
mod wait;
mod waiting;
mod waiting_show;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use args::{ConnectionArgs, OutputArgs};
use error::CliError;
use exit::Exit;
use ui::Ui;

use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Names;
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::{markdown, sarif};

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
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Environment:
  WORKOS_API_KEY    the API key (sk_test_… or sk_live_…)
  WORKOS_CLIENT_ID  checked against the manifest's client_id, if both are there
  WORKOS_API_URL    another endpoint, as --api-url; those of the official SDKs
                    (WORKOS_API_BASE_URL, WORKOS_API_HOSTNAME) count where they
                    name this machine
  PORTALCTL_ALLOW_PLAIN_HTTP
                    1 accepts plain http to another machine, as --allow-plain-http

Exit codes:
  0    done
  2    when asked for: changes pending, a domain not verified, a wait timed out,
       a check failed
  3    usage or manifest invalid, or no consent; no request was made
  4    credentials missing, refused, or of the wrong environment
  5    WorkOS unreachable, failing or limiting; nothing was done
  6    not everything that was asked for was done; the report says what to do
  7    stopped by a guard: a conflict, a limit, a set-up that went wrong
  130  interrupted, after the report
  1    internal error

Try it without an account:
  portalctl plan -f examples/quickstart --sandbox=sandbox.json";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what apply would do, and how far every customer is
    Plan(plan::PlanArgs),
    /// Do what the plan says, after asking
    Apply(apply::ApplyArgs),
    /// Show which features each customer still has to configure, and what to do next
    Status(status::StatusArgs),
    /// Let WorkOS e-mail an IT contact a link to set up what is left
    Invite(invite::InviteArgs),
    /// Show the DNS record of a customer's domains, look it up, and ask WorkOS to verify them
    VerifyDomain(verify_domain::VerifyDomainArgs),
    /// Make a portal link for a customer, now: one feature, five minutes, one use
    Link(link::LinkArgs),
    /// End the portal links and open portal sessions of one person at a customer
    RevokeLink(revoke_link::RevokeLinkArgs),
    /// Wait until a customer has configured a feature
    Wait(wait::WaitArgs),
    /// Check a manifest, offline
    Validate(validate::ValidateArgs),
    /// Print the WorkOS organization id of every key, for the app that must store it
    Ids(ids::IdsArgs),
    /// Write manifest files for the organizations that exist already
    Import(import::ImportArgs),
    /// Check everything that portalctl rests on, and say what to do about what is wrong
    Doctor(doctor::DoctorArgs),
    /// Turn a manifest into Kubernetes resources, or back
    Convert(convert::ConvertArgs),
    /// Explain an error code, or list all of them
    Explain(explain::ExplainArgs),
    /// Print the JSON Schema of the manifest or of a command's JSON
    Schema(schema::SchemaArgs),
    /// Serve the gateway: hands your app's IT admins over to the Admin Portal
    Serve(serve::ServeArgs),
    /// Serve an in-memory WorkOS, to try everything without an account
    Sandbox(sandbox::SandboxArgs),
    /// Keep WorkOS as the resources of a Kubernetes cluster say
    ///
    /// The cluster is the one that the process runs in, or the one of KUBECONFIG. Several may run: one
    /// holds the Lease and writes, the others take over when it is gone. Only in builds with the cargo
    /// feature `operator`; docs/guides/operator.md is its guide.
    #[cfg(feature = "operator")]
    Operator(operator::OperatorArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual's pages into a folder
    Man(man::ManArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    breakdown::tell();
    if let Some(exit) = browser::run_as_opener() {
        return exit;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    logging::init(&cli.output, is_service(&cli.command));
    let ui = Ui::new(&cli.output);
    let exit = match check_files(&cli, &ui) {
        Ok(()) => breakdown::catch(|| run(&cli, &ui)).unwrap_or_else(|error| {
            let exit = fail(&cli, &ui, &error);
            fail_files(&cli, &ui, &error);
            exit
        }),
        Err(error) => fail(&cli, &ui, &error),
    };
    exit.into()
}

/// Whether everything can be written where it is wanted: asked before anything is done.
fn check_files(cli: &Cli, ui: &Ui) -> Result<(), CliError> {
    ui.check_output_file()?;
    match &cli.command {
        Command::Plan(args) => args.check_files(ui),
        Command::Apply(args) => args.check_files(ui),
        Command::Status(args) => args.check_files(ui),
        _ => Ok(()),
    }
}

/// Whether a command runs until it is stopped, with its log as the only thing to be looked at.
const fn is_service(command: &Command) -> bool {
    match command {
        Command::Serve(_) => true,
        #[cfg(feature = "operator")]
        Command::Operator(_) => true,
        _ => false,
    }
}

fn run(cli: &Cli, ui: &Ui) -> Result<Exit, CliError> {
    match &cli.command {
        Command::Plan(args) => plan::run(args, ui),
        Command::Apply(args) => apply::run(args, ui),
        Command::Status(args) => status::run(args, ui),
        Command::Invite(args) => invite::run(args, ui),
        Command::VerifyDomain(args) => verify_domain::run(args, ui),
        Command::Link(args) => link::run(args, ui),
        Command::RevokeLink(args) => revoke_link::run(args, ui),
        Command::Wait(args) => wait::run(args, ui),
        Command::Validate(args) => validate::run(args, ui),
        Command::Ids(args) => ids::run(args, ui),
        Command::Import(args) => import::run(args, ui),
        Command::Doctor(args) => doctor::run(args, ui),
        Command::Convert(args) => convert::run(args, ui),
        Command::Explain(args) => explain::run(args, ui),
        Command::Schema(args) => schema::run(args, ui),
        Command::Serve(args) => serve::run(args, ui),
        Command::Sandbox(args) => sandbox::run(args, ui),
        #[cfg(feature = "operator")]
        Command::Operator(args) => operator::run(args, ui),
        Command::Completions(args) => completions::run(args, ui),
        Command::Man(args) => man::run(args, ui),
    }
}

/// Tells an error: on standard error for people, and as the command's JSON document for machines.
fn fail(cli: &Cli, ui: &Ui, error: &CliError) -> Exit {
    ui.error(error);
    if had_a_result(error) {
        return error.exit;
    }
    let document = match &cli.command {
        Command::Plan(args) => args.failure(error),
        Command::Apply(args) => args.failure(error),
        Command::Status(args) => args.failure(error),
        Command::Invite(args) => args.failure(&error.items),
        Command::VerifyDomain(args) => args.failure(&error.items),
        Command::Link(args) => args.failure(&error.items),
        Command::RevokeLink(args) => args.failure(&error.items),
        Command::Wait(args) => args.failure(&error.items),
        Command::Validate(args) => args.failure(&error.items),
        Command::Ids(args) => args.failure(&error.items),
        Command::Import(args) => args.failure(&error.items),
        Command::Doctor(args) => args.failure(&error.items),
        Command::Convert(_)
        | Command::Explain(_)
        | Command::Schema(_)
        | Command::Serve(_)
        | Command::Sandbox(_)
        | Command::Completions(_)
        | Command::Man(_) => None,
        #[cfg(feature = "operator")]
        Command::Operator(_) => None,
    };
    if let Some(document) = document {
        // There is an error to end with already, and it was told on standard error.
        let _ = ui.data(&document);
    }
    error.exit
}

/// Writes an error to the files of `--write`, in the place of what an earlier run said.
fn fail_files(cli: &Cli, ui: &Ui, error: &CliError) {
    if had_a_result(error) {
        return;
    }
    let written = match &cli.command {
        Command::Plan(args) => args.fail_files(error),
        Command::Apply(args) => args.fail_files(error),
        Command::Status(args) => args.fail_files(error),
        _ => Ok(()),
    };
    if let Err(error) = written {
        ui.error(&error);
    }
}

/// Whether there was a result that could not be written: one document and nothing else.
fn had_a_result(error: &CliError) -> bool {
    let mut items = error.items.iter();
    items.any(|item| item.code == codes::OUTPUT.as_str())
}

/// Tells why a command line cannot be parsed; `--help` and `--version` come here too.
fn usage(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // A closed standard output has nobody to tell.
        let _ = error.print();
        return Exit::Done;
    }
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let exists = |name: &str| std::path::Path::new(name).exists();
    let hint = suggestions::for_usage(error, &arguments, exists);
    Ui::usage(&error.render().ansi().to_string(), hint.as_deref());
    Ui::insist(&format!("more: portalctl explain {}", codes::USAGE));
    if let Some(document) = usage_document(&arguments, &error.to_string(), hint) {
        // As above: what can still be said was said on standard error.
        let _ = Ui::new(&OutputArgs::default()).data(&document);
    }
    Exit::Usage
}

/// The document of a command line that asked for one and cannot be parsed.
fn usage_document(arguments: &[String], told: &str, hint: Option<String>) -> Option<String> {
    let command = arguments.iter().find_map(|argument| {
        let name = argument.as_str();
        [
            "plan",
            "apply",
            "status",
            "invite",
            "verify-domain",
            "link",
            "revoke-link",
            "wait",
            "validate",
            "ids",
            "import",
            "doctor",
        ]
        .into_iter()
        .find(|command| *command == name)
    })?;
    let by_default = if command == "ids" { "json" } else { "text" };
    let format = output_format(arguments).unwrap_or(by_default);
    let message = told.lines().next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let error = CliError::new(Exit::Usage, codes::USAGE, message);
    let CliError { items, .. } = match hint {
        Some(hint) => error.help(hint),
        None => error,
    };
    match (format, command) {
        ("markdown", "plan" | "apply" | "status") => {
            let sandbox = arguments.iter().any(|it| it.starts_with("--sandbox"));
            Some(markdown::failed(
                command,
                &Names::default(),
                sandbox,
                &items,
            ))
        }
        ("sarif", "plan" | "validate") => sarif::problems(&items, &[]).ok(),
        ("json", "plan") => failure_json(&items, json_v1::failed_plan),
        ("json", "apply") => failure_json(&items, json_v1::failed_apply),
        ("json", "status") => failure_json(&items, json_v1::failed_status),
        ("json", "invite") => failure_json(&items, json_v1::failed_invite),
        ("json", "verify-domain") => failure_json(&items, json_v1::failed_domains),
        ("json", "link") => failure_json(&items, |items| json_v1::failed_link(None, items)),
        ("json", "revoke-link") => failure_json(&items, json_v1::failed_revoke_link),
        ("json", "wait") => failure_json(&items, |items| json_v1::failed_wait(None, items)),
        ("json", "validate") => failure_json(&items, json_v1::failed_validate),
        ("json", "import") => failure_json(&items, json_v1::failed_import),
        ("json", "doctor") => failure_json(&items, json_v1::failed_doctor),
        ("json", _) => failure_json(&items, json_v1::failed_ids),
        _ => None,
    }
}

/// The last `-o` of a command line, in any of its spellings.
fn output_format(arguments: &[String]) -> Option<&str> {
    let mut found = None;
    for (index, argument) in arguments.iter().enumerate() {
        if argument == "-o" || argument == "--output" {
            found = arguments.get(index + 1).map(String::as_str);
        } else if let Some(format) = argument.strip_prefix("--output=") {
            found = Some(format);
        } else if let Some(format) = argument.strip_prefix("-o") {
            found = Some(format.strip_prefix('=').unwrap_or(format));
        }
    }
    found
}

/// The command line's own definition, for completions and documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Writes a document as JSON, with a newline at the end.
fn json(document: &impl serde::Serialize) -> Result<String, CliError> {
    let mut text = serde_json::to_string_pretty(document).map_err(CliError::internal)?;
    text.push('\n');
    Ok(text)
}

/// Writes a document as JSON on one line.
fn json_line(document: &impl serde::Serialize) -> Result<String, CliError> {
    let mut text = serde_json::to_string(document)
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

/// A failed command's Markdown, in the place of what an earlier run said.
fn failure_markdown(command: &str, error: &CliError, connection: &ConnectionArgs) -> String {
    let sandbox = connection.sandbox.is_some();
    markdown::failed(command, &error.names, sandbox, &error.items)
}
