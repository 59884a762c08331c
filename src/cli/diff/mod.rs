//! `portalctl diff`
//!
//! Takes two manifests: one from files, the other from files or from a revision of their repository.
//! Prints what the second one changes, and for whom. Sends nothing, and needs no key.

mod base;
mod sides;

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};

use super::args::ManifestArgs;
use super::error::CliError;
use super::exit::Exit;
use super::extra_outputs::{ExtraOutputArgs, ResultOutputs};
use super::manifest::{self, check_patterns};
use super::request::{Files, ManifestRequest};
use super::ui::Ui;
use super::{json, yaml};
use base::Base;
use portalctl_core::diff::diff;
use portalctl_manifest::Input;
use portalctl_model::Selection;
use portalctl_model::desired::{Desired, Names};
use portalctl_report::json_v1::ErrorItem;
use portalctl_report::text::Layout;
use portalctl_report::{DiffPart, DiffReport, gitlab, json_v1, markdown, sarif, text};
use sides::{Pair, Pairs};

/// Compare a manifest with an earlier one, offline: what changes, for whom, and its dangers.
///
/// Both are compared as what they mean: formatting, comments, order and the files that entries stand
/// in make no difference. A manifest with several environments is compared for each of them, unless
/// one is chosen. No key is needed and nothing is sent; what is live at WorkOS is not looked at, which
/// `portalctl plan` does.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DiffArgs {
    /// Earlier manifest: a file or folder, `-` for standard input, or a revision of git.
    ///
    /// A path that exists comes first; `git:REV` is always a revision. `REV...` is the commit where
    /// HEAD branched off from REV, `REV:PATH` another path than that of -f. The revision is read from
    /// the clone around the manifest: nothing is fetched, checked out or executed.
    #[arg(long, value_name = "DIR|FILE|REV", default_value = "git:HEAD")]
    base: String,

    /// Exit with 2 when the manifests differ.
    #[arg(long)]
    detailed_exitcode: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: DiffFormat,

    #[command(flatten)]
    pub(super) extra: ExtraOutputArgs<DiffFormat>,

    #[command(flatten)]
    manifest: ManifestArgs,
}

const EXAMPLES: &str = "\
Examples:
  portalctl diff                         what is not committed yet
  portalctl diff --base origin/main...   what this branch changes
  portalctl diff --base main:old/portal -f portal
  git show v1:portal.yaml | portalctl diff --base - -f portal.yaml";

/// The formats of `diff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    /// For people.
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// The same as JSON, in YAML.
    Yaml,
    /// For a comment on a pull request, on failure too.
    Markdown,
    /// For a job summary of GitHub: the same with a limit of 1 MB; on failure too.
    JobSummary,
    /// For code scanning and annotations: every danger on its line; on failure too.
    Sarif,
    /// For a merge request of GitLab: every danger on its line (`artifacts:reports:codequality`), on
    /// failure too.
    GitlabCodequality,
}

impl DiffFormat {
    fn render(self, report: &DiffReport<'_>, layout: &Layout) -> Result<String, CliError> {
        match self {
            Self::Text => Ok(text::diff(report, layout)),
            Self::Json => json(&json_v1::diff(report)),
            Self::Yaml => yaml(&json_v1::diff(report)),
            Self::Markdown => Ok(markdown::diff(report).comment()),
            Self::JobSummary => Ok(markdown::diff(report).job_summary()),
            Self::Sarif => sarif::diff(report).map_err(CliError::internal),
            Self::GitlabCodequality => gitlab::diff_issues(report).map_err(CliError::internal),
        }
    }
}

/// A comparison to be made and shown.
struct DiffRequest {
    base: Base,
    manifest: ManifestRequest,
    outputs: ResultOutputs<DiffFormat>,
    /// The exit code of manifests that differ.
    different: Exit,
}

impl DiffArgs {
    fn request(&self) -> Result<DiffRequest, CliError> {
        let manifest = self.manifest.request()?;
        let base = Base::parse(&self.base);
        base.check_stdin(&manifest.files)?;
        Ok(DiffRequest {
            base,
            manifest,
            outputs: self.extra.beside(self.output),
            different: if self.detailed_exitcode {
                Exit::Asked
            } else {
                Exit::Done
            },
        })
    }
}

pub(super) fn run(args: &DiffArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request()?;
    let inputs = manifest::inputs(&request.manifest.files)?;
    let found = request.base.find(&request.manifest.files)?;
    let Pairs { pairs, notes } = sides::read(&inputs, &found, ui)?;
    let all = pairs.iter().flat_map(|pair| [&pair.new, &pair.base]);
    let all: Vec<&Desired> = all.map(|read| &read.sound.desired).collect();
    check_patterns(&request.manifest, &all)?;
    let parts = compare(&pairs, &request.manifest.selection);
    let name = name_of(&request.manifest.files, &inputs.list);
    let report = DiffReport {
        names: &names(&pairs),
        base: &found.name,
        manifest: &name,
        parts: &parts,
        manifest_warnings: &warnings(&pairs),
        notes: &notes,
    };
    let outputs = &request.outputs;
    outputs.write(ui, |format, layout| format.render(&report, layout))?;
    Ok(if parts.iter().all(|part| part.diff.is_empty()) {
        Exit::Done
    } else {
        request.different
    })
}

/// Compares each pair; environments with the same difference share a part.
fn compare(pairs: &[Pair], selection: &Selection) -> Vec<DiffPart> {
    let mut parts: Vec<DiffPart> = Vec::new();
    for pair in pairs {
        let diff = diff(pair.base.side(), pair.new.side(), selection);
        let environment = pair.environment.iter().filter(|_| pairs.len() > 1);
        match parts.iter_mut().find(|part| part.diff == diff) {
            Some(part) => part.environments.extend(environment.cloned()),
            None => parts.push(DiffPart {
                environments: environment.cloned().collect(),
                diff,
            }),
        }
    }
    parts
}

/// Returns the names of the manifest, and of its environment where there is one only.
fn names(pairs: &[Pair]) -> Names {
    match pairs {
        [] => Names::default(),
        [one] => one.new.sound.desired.names(),
        [first, ..] => Names {
            environment: None,
            ..first.new.sound.desired.names()
        },
    }
}

/// Returns the warnings of both sides, each once.
fn warnings(pairs: &[Pair]) -> Vec<ErrorItem> {
    let (mut warnings, mut seen) = (Vec::new(), BTreeSet::new());
    let sides = pairs.iter().map(|pair| &pair.base);
    for read in sides.chain(pairs.iter().map(|pair| &pair.new)) {
        for warning in &read.sound.warnings {
            if seen.insert(format!("{warning:?}")) {
                warnings.push(warning.clone());
            }
        }
    }
    warnings
}

/// Returns the name of the manifest in the report.
fn name_of(files: &Files, inputs: &[Input]) -> String {
    let given = files.paths.iter().map(|path| path.display().to_string());
    let usual = inputs.iter().filter_map(|input| match input {
        Input::Path(path) => Some(path.display().to_string()),
        Input::Stdin(_) | Input::Tree(_) => None,
    });
    let names: Vec<String> = if files.paths.is_empty() {
        usual.collect()
    } else {
        given.collect()
    };
    names.join(", ")
}
