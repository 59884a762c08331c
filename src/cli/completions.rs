//! `portalctl completions`
//!
//! Takes a shell. Prints a script from the definition of the command line.

use clap::Args;
use clap_complete::Shell;

use super::error::CliError;
use super::exit::Exit;
use super::ui::Ui;
use portalctl_model::codes::cli as codes;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, ui: &Ui) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "portalctl", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| CliError::new(Exit::Internal, codes::INTERNAL, error.to_string()))?;
    ui.data(&script)?;
    Ok(Exit::Done)
}
