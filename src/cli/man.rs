//! `portalctl man`
//!
//! Takes a folder. Writes a page for each command from the definition of the command line.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::error::CliError;
use super::exit::Exit;
use super::ui::Ui;

/// Write the manual's pages into a folder, one for each command.
///
/// A package manager, or you, puts them where `man` looks: ~/.local/share/man/man1, for instance.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder; it is made when it is not there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn run(args: &ManArgs, ui: &Ui) -> Result<Exit, CliError> {
    let folder = &args.folder;
    let failed = |error: std::io::Error| CliError::output(&folder.display(), &error);
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(super::command(), folder).map_err(failed)?;
    let page = folder.join("portalctl.1");
    ui.say(&format!("Read them by: man -l {}", page.display()));
    Ok(Exit::Done)
}
