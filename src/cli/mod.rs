//! The command line: a thin shell over the crates.
//!
//! Each command turns its arguments into a typed request and goes one way: parse, load the manifest,
//! connect, observe, plan, show, confirm, apply, report. `args` and `request` hold what commands share,
//! `session` is one run against WorkOS, `ui` the only printer, and `error` the only place where errors
//! get their exit code.

mod apply;
mod args;
mod browser;
mod completions;
mod connect;
mod convert;
mod credentials;
mod diff;
mod doctor;
mod duration;
mod endpoint;
mod entry;
mod error;
mod exit;
mod explain;
mod extra_outputs;
mod failures;
mod ids;
mod import;
mod invite;
mod link;
mod link_errors;
mod logging;
mod man;
mod manifest;
mod named;
#[cfg(feature = "operator")]
mod operator;
mod panic_hook;
mod plan;
mod planning;
mod powers;
mod progress;
mod request;
mod review_key;
mod revoke_link;
mod sandbox;
pub mod schema;
mod serve;
mod session;
mod signals;
mod snapshot;
mod status;
mod suggestions;
mod ui;
mod validate;
mod verify_domain;
mod wait;
mod yaml;

use std::process::ExitCode;

use clap::error::ContextValue;
use clap::{CommandFactory, Parser, Subcommand};

use args::OutputArgs;
use error::CliError;
use exit::Exit;
use extra_outputs::ExtraOutput;
use failures::Failure;
use ui::Ui;

use portalctl_model::Intent;
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Names;
use portalctl_model::inert;
use portalctl_model::text::escape;

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
  7    stopped by a guard: a conflict, a limit, a refusal by WorkOS, a set-up that
       went wrong
  130  interrupted, after the report
  1    internal error

Try it without an account:
  portalctl plan -f examples/quickstart --sandbox=sandbox.json";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what apply would do
    Plan(plan::PlanArgs),
    /// Write what plans need of WorkOS to a file, for `plan --snapshot` without a key
    Snapshot(snapshot::SnapshotArgs),
    /// Compare a manifest with an earlier one, offline: what changes, for whom, and its dangers
    Diff(diff::DiffArgs),
    /// Apply the plan, after asking for consent
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
    /// Check key, endpoint, manifest and account, and say what to do about each problem
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
    /// Run the Kubernetes operator: it keeps WorkOS as the cluster's resources declare
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
    panic_hook::install();
    if let Some(exit) = browser::run_as_opener() {
        return exit;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(error).into(),
    };
    logging::init(&cli.output, purpose(&cli.command));
    let ui = Ui::new(&cli.output);
    let outputs = cli.command.outputs();
    let exit = match check_files(&cli.command, &outputs, &ui) {
        Ok(()) => panic_hook::catch(|| run(&cli.command, &ui)).unwrap_or_else(|error| {
            let exit = fail(&outputs, &ui, &error);
            fail_files(&outputs, &ui, &error);
            exit
        }),
        Err(error) => fail(&outputs, &ui, &error),
    };
    exit.into()
}

/// Outputs of a command, for the documents of a failure.
#[derive(Default)]
struct Outputs<'a> {
    command: &'static str,
    /// The format of the result; none for commands without formats.
    format: Option<String>,
    /// Files of `--write` with their formats.
    files: Vec<ExtraOutput<String>>,
    subject: Option<(&'a str, Intent)>,
    is_sandbox: bool,
}

impl Outputs<'_> {
    /// Returns the failure that an error is of this command.
    fn failure<'f>(&'f self, error: &'f CliError) -> Failure<'f> {
        Failure {
            command: self.command,
            subject: self.subject,
            names: &error.names,
            is_sandbox: self.is_sandbox,
            items: &error.items,
        }
    }
}

impl Command {
    fn outputs(&self) -> Outputs<'_> {
        fn of<'a>(command: &'static str, format: &impl clap::ValueEnum) -> Outputs<'a> {
            Outputs {
                command,
                format: format_name(format),
                ..Outputs::default()
            }
        }
        match self {
            Self::Plan(args) => Outputs {
                files: args.extra.named(),
                is_sandbox: args.target.connection().is_sandbox(),
                ..of("plan", &args.output)
            },
            Self::Diff(args) => Outputs {
                files: args.extra.named(),
                ..of("diff", &args.output)
            },
            Self::Apply(args) => Outputs {
                files: args.extra.named(),
                is_sandbox: args.target.connection().is_sandbox(),
                ..of("apply", &args.output)
            },
            Self::Status(args) => Outputs {
                files: args.extra.named(),
                is_sandbox: args.target.connection().is_sandbox(),
                ..of("status", &args.output)
            },
            Self::Invite(args) => of("invite", &args.output),
            Self::VerifyDomain(args) => of("verify-domain", &args.output),
            Self::Link(args) => Outputs {
                subject: Some(args.subject()),
                ..of("link", &args.output)
            },
            Self::RevokeLink(args) => of("revoke-link", &args.output),
            Self::Wait(args) => Outputs {
                subject: Some(args.subject()),
                ..of("wait", &args.output)
            },
            Self::Validate(args) => Outputs {
                files: args.extra.named(),
                ..of("validate", &args.output)
            },
            Self::Ids(args) => of("ids", &args.output),
            Self::Import(args) => of("import", &args.output),
            Self::Doctor(args) => of("doctor", &args.output),
            Self::Convert(_)
            | Self::Explain(_)
            | Self::Schema(_)
            | Self::Serve(_)
            | Self::Snapshot(_)
            | Self::Sandbox(_)
            | Self::Completions(_)
            | Self::Man(_) => Outputs::default(),
            #[cfg(feature = "operator")]
            Self::Operator(_) => Outputs::default(),
        }
    }
}

/// Checks that every result can be written, each to a file of its own, before anything is done.
fn check_files(command: &Command, outputs: &Outputs<'_>, ui: &Ui) -> Result<(), CliError> {
    ui.check_output_file()?;
    let other = match command {
        Command::Plan(args) => args.out.as_deref(),
        Command::Apply(args) => args.plan.as_deref(),
        Command::Status(args) => args.changes.compare.as_deref(),
        _ => None,
    };
    extra_outputs::check(&outputs.files, &[ui.output_file(), other])
}

/// Returns the purpose of a command's log: a service has nothing else to be looked at.
const fn purpose(command: &Command) -> logging::Purpose {
    match command {
        Command::Serve(_) => logging::Purpose::Service,
        #[cfg(feature = "operator")]
        Command::Operator(_) => logging::Purpose::Service,
        _ => logging::Purpose::Command,
    }
}

fn run(command: &Command, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        Command::Plan(args) => plan::run(args, ui),
        Command::Diff(args) => diff::run(args, ui),
        Command::Snapshot(args) => snapshot::run(args, ui),
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

/// Tells an error: on standard error for people, and as the command's document for machines.
fn fail(outputs: &Outputs<'_>, ui: &Ui, error: &CliError) -> Exit {
    ui.error(error);
    if had_a_result(error) {
        return error.exit;
    }
    let format = outputs.format.as_deref();
    if let Some(document) = format.and_then(|format| outputs.failure(error).document(format)) {
        // There is an error to end with already, and it was told on standard error.
        let _ = ui.data(&document);
    }
    error.exit
}

/// Writes an error to the files of `--write`, in the place of an earlier run's result.
fn fail_files(outputs: &Outputs<'_>, ui: &Ui, error: &CliError) {
    if had_a_result(error) {
        return;
    }
    let failure = outputs.failure(error);
    let written = extra_outputs::write(&outputs.files, |format| Ok(failure.document(format)));
    if let Err(error) = written {
        ui.error(&error);
    }
}

/// Returns whether there was a result that could not be written: one document and nothing else.
fn had_a_result(error: &CliError) -> bool {
    let mut items = error.items.iter();
    items.any(|item| item.code == codes::OUTPUT.as_str())
}

/// Tells why a command line cannot be parsed; `--help` and `--version` come here too.
fn usage(error: clap::Error) -> Exit {
    if !error.use_stderr() {
        Ui::help(&error.render().ansi().to_string());
        return Exit::Done;
    }
    let error = &escaped(error);
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

/// Escapes what was typed, where it stands in an error of the parser.
fn escaped(mut error: clap::Error) -> clap::Error {
    let typed: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| {
            let value = match value {
                ContextValue::String(text) => ContextValue::String(escape(text).into_owned()),
                ContextValue::Strings(texts) => {
                    let texts = texts.iter().map(|text| escape(text).into_owned());
                    ContextValue::Strings(texts.collect())
                }
                _ => return None,
            };
            Some((kind, value))
        })
        .collect();
    for (kind, value) in typed {
        error.insert(kind, value);
    }
    error
}

/// Returns the document of a command line that asked for one and cannot be parsed.
fn usage_document(arguments: &[String], told: &str, hint: Option<String>) -> Option<String> {
    let mut words = arguments.iter();
    let command = words.find(|word| failures::has_formats(word))?;
    let by_default = if command == "ids" { "json" } else { "text" };
    let format = output_format(arguments).unwrap_or(by_default);
    let message = told.lines().next().unwrap_or(told);
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let error = CliError::new(Exit::Usage, codes::USAGE, message);
    let error = match hint {
        Some(hint) => error.help(hint),
        None => error,
    };
    let failure = Failure {
        command,
        subject: None,
        names: &Names::default(),
        is_sandbox: arguments.iter().any(|it| it.starts_with("--sandbox")),
        items: &error.items,
    };
    failure.document(format)
}

/// Returns the last `-o` of a command line, in any of its spellings.
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

/// Returns the definition of the command line, for completions and documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Writes a document as JSON, with a newline at the end.
fn json(document: &impl serde::Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(document).map_err(CliError::internal)?;
    let mut text = inert::json(&text).into_owned();
    text.push('\n');
    Ok(text)
}

/// Writes a document as YAML: the same as its JSON, in block style.
fn yaml(document: &impl serde::Serialize) -> Result<String, CliError> {
    json(document).map(|text| yaml::from_json(&text))
}

/// Writes a document as JSON on one line.
fn json_line(document: &impl serde::Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string(document).map_err(CliError::internal)?;
    let mut text = inert::json(&text).into_owned();
    text.push('\n');
    Ok(text)
}

/// Returns a format as the command line spells it.
fn format_name(format: &impl clap::ValueEnum) -> Option<String> {
    let value = format.to_possible_value()?;
    Some(value.get_name().to_owned())
}
