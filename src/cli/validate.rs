//! `portalctl validate`
//!
//! Takes a manifest. Prints every problem with its place and its fix. Sends nothing.

use clap::{Args, ValueEnum};

use super::args::ManifestArgs;
use super::error::CliError;
use super::exit::Exit;
use super::json;
use super::manifest;
use super::ui::Ui;
use portalctl_manifest::{Checked, Severity};
use portalctl_report::json_v1::ValidateDocument;
use portalctl_report::sarif;

/// Check a manifest, offline: every problem at once, each with its place and its fix.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: ValidateFormat,

    #[command(flatten)]
    manifest: ManifestArgs,
}

/// The formats of `validate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ValidateFormat {
    /// For people.
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// For code scanning and annotations: every problem on its line, on failure too.
    Sarif,
}

pub(super) fn run(args: &ValidateArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (request, format) = (args.manifest.request()?, args.output);
    let inputs = manifest::inputs(&request.files)?;
    let Checked {
        desired,
        names: _,
        diagnostics,
        sources,
    } = portalctl_manifest::read(&inputs);
    let Some(desired) = desired else {
        let error = manifest::invalid(&diagnostics, &sources, ui);
        return Err(manifest::hint_at_folder(error, &inputs));
    };
    manifest::check_patterns(&request, &desired)?;
    if !diagnostics.is_empty() {
        ui.say(&manifest::render(&diagnostics, &sources, ui));
    }
    let count = desired.organizations.len();
    let files = sources.iter().count();
    let warnings = manifest::items(&diagnostics, Severity::Warning);
    ui.data(&match format {
        ValidateFormat::Text => {
            let paint = ui.layout().paint;
            let plural = |n: usize| if n == 1 { "" } else { "s" };
            format!(
                "{} {count} organization{} in {files} file{}\n",
                paint.good("valid:"),
                plural(count),
                plural(files)
            )
        }
        ValidateFormat::Json => json(&ValidateDocument::valid(count, files, warnings))?,
        ValidateFormat::Sarif => sarif::problems(&[], &warnings).map_err(CliError::internal)?,
    })?;
    Ok(Exit::Done)
}
