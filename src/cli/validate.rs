//! `portalctl validate`
//!
//! Takes a manifest. Prints every problem with its place and its fix. Sends nothing.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};

use super::args::ManifestArgs;
use super::error::CliError;
use super::exit::Exit;
use super::extra_outputs::ExtraOutputArgs;
use super::manifest;
use super::ui::Ui;
use super::{json, yaml};
use portalctl_manifest::{Every, Severity};
use portalctl_model::OrgKey;
use portalctl_report::json_v1::ValidateDocument;
use portalctl_report::{gitlab, sarif};

/// Check a manifest, offline: every problem at once, each with its place and its fix.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: ValidateFormat,

    #[command(flatten)]
    pub(super) extra: ExtraOutputArgs<ValidateFormat>,

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
    /// The same as JSON, in YAML.
    Yaml,
    /// For code scanning and annotations: every problem on its line, on failure too.
    Sarif,
    /// For a merge request of GitLab: every problem on its line (`artifacts:reports:codequality`), on
    /// failure too.
    GitlabCodequality,
}

pub(super) fn run(args: &ValidateArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (request, outputs) = (args.manifest.request()?, args.extra.beside(args.output));
    let inputs = manifest::inputs(&request.files)?;
    let Every {
        environments,
        desired,
        diagnostics,
        sources,
    } = match inputs.environment {
        Some(_) => Every::of(portalctl_manifest::read(&inputs)),
        None => portalctl_manifest::read_every(&inputs.list),
    };
    let Some(desired) = desired else {
        let error = manifest::invalid(&diagnostics, &sources, ui);
        return Err(manifest::hint_at_folder(error, &inputs.list));
    };
    // A pattern may be about one environment only.
    let patterns = desired
        .iter()
        .map(|one| manifest::check_patterns(&request, &[one]));
    let results: Vec<Result<(), CliError>> = patterns.collect();
    if results.iter().all(Result::is_err) {
        results.into_iter().collect::<Result<(), _>>()?;
    }
    if !diagnostics.is_empty() {
        ui.say(&manifest::render(&diagnostics, &sources, ui));
    }
    let keys: BTreeSet<&OrgKey> = desired
        .iter()
        .flat_map(|one| one.organizations.keys())
        .collect();
    let count = keys.len();
    let files = sources.iter().count();
    let warnings = manifest::items(&diagnostics, Severity::Warning);
    let document = || ValidateDocument {
        environments: environments.clone(),
        ..ValidateDocument::valid(count, files, warnings.clone())
    };
    outputs.write(ui, |format, layout| match format {
        ValidateFormat::Text => {
            let paint = layout.paint;
            let plural = |n: usize| if n == 1 { "" } else { "s" };
            Ok(format!(
                "{} {count} organization{} in {files} file{}{}\n",
                paint.good("valid:"),
                plural(count),
                plural(files),
                for_environments(&environments)
            ))
        }
        ValidateFormat::Json => json(&document()),
        ValidateFormat::Yaml => yaml(&document()),
        ValidateFormat::Sarif => sarif::problems(&[], &warnings).map_err(CliError::internal),
        ValidateFormat::GitlabCodequality => {
            gitlab::problem_issues(&[], &warnings).map_err(CliError::internal)
        }
    })?;
    Ok(Exit::Done)
}

/// Returns the environments that were checked, as the end of a sentence.
fn for_environments(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!(", for {}", names.join(", ")),
    }
}
