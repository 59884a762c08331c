//! `portalctl validate`

use clap::Args;

use super::args::{Format, ManifestArgs};
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use super::{failure_json, json};
use crate::manifest::{Checked, Severity};
use crate::report::json_v1::{self, ErrorItem, ValidateDocument};

/// Check a manifest, offline: every problem at once, each with its place and its fix.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    manifest: ManifestArgs,
}

impl ValidateArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, json_v1::failed_validate),
        }
    }
}

pub(super) fn run(args: &ValidateArgs, ui: &Ui) -> Result<Exit, CliError> {
    session::selection(&args.manifest)?;
    let Checked {
        desired,
        names: _,
        diagnostics,
        sources,
    } = session::read_manifest(&args.manifest.files, None)?;
    let Some(desired) = desired else {
        return Err(session::invalid_manifest(&diagnostics, &sources, ui));
    };
    session::selects_something(&args.manifest, &desired)?;
    if !diagnostics.is_empty() {
        ui.say(&session::render(&diagnostics, &sources, ui));
    }
    let count = desired.organizations.len();
    let files = sources.iter().count();
    ui.data(&match args.output {
        Format::Text => {
            let paint = ui.layout().paint;
            let plural = |n: usize| if n == 1 { "" } else { "s" };
            format!(
                "{} {count} organization{} in {files} file{}\n",
                paint.good("valid:"),
                plural(count),
                plural(files)
            )
        }
        Format::Json => {
            let warnings = session::items(&diagnostics, Severity::Warning);
            json(&ValidateDocument::valid(count, files, warnings))?
        }
    })?;
    Ok(Exit::Done)
}
