//! `portalctl validate`

use clap::{Args, ValueEnum};

use super::args::ManifestArgs;
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use super::{failure_json, json};
use portalctl_manifest::{Checked, Severity};
use portalctl_report::json_v1::{self, ErrorItem, ValidateDocument};
use portalctl_report::sarif;

/// Check a manifest, offline: every problem at once, each with its place and its fix.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ValidateFormat,

    #[command(flatten)]
    manifest: ManifestArgs,
}

/// The formats of `validate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ValidateFormat {
    /// For people.
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// For code scanning and annotations: every problem on its line, on failure too.
    Sarif,
}

impl ValidateArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            ValidateFormat::Text => None,
            ValidateFormat::Json => failure_json(items, json_v1::failed_validate),
            ValidateFormat::Sarif => sarif::problems(items, &[]).ok(),
        }
    }
}

pub(super) fn run(args: &ValidateArgs, ui: &Ui) -> Result<Exit, CliError> {
    session::selection(&args.manifest)?;
    let inputs = session::inputs(&args.manifest.files, None)?;
    let Checked {
        desired,
        names: _,
        diagnostics,
        sources,
    } = portalctl_manifest::read(&inputs);
    let Some(desired) = desired else {
        let error = session::invalid_manifest(&diagnostics, &sources, ui);
        return Err(session::hint_at_folder(error, &inputs));
    };
    session::selects_something(&args.manifest, &desired)?;
    if !diagnostics.is_empty() {
        ui.say(&session::render(&diagnostics, &sources, ui));
    }
    let count = desired.organizations.len();
    let files = sources.iter().count();
    let warnings = session::items(&diagnostics, Severity::Warning);
    ui.data(&match args.output {
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
