//! `portalctl diff`
//!
//! Takes two manifests: one from files, the other from files or from a revision of their repository.
//! Prints what the second one changes, and for whom. Sends nothing, and needs no key.

mod base;

use clap::{Args, ValueEnum};

use super::args::ManifestArgs;
use super::error::CliError;
use super::exit::Exit;
use super::extra_outputs::{ExtraOutputArgs, ResultOutputs};
use super::manifest::{self, Inputs, Sound, check_patterns};
use super::request::{Files, ManifestRequest};
use super::ui::Ui;
use super::{json, yaml};
use base::{Base, Found};
use portalctl_core::diff::{Side, diff};
use portalctl_manifest::convert::{WholeManifest, read_whole};
use portalctl_manifest::{Input, KubernetesFields};
use portalctl_model::desired::Desired;
use portalctl_report::text::Layout;
use portalctl_report::{DiffReport, json_v1, markdown, sarif, text};

/// Compare a manifest with an earlier one, offline: what changes, for whom, and its dangers.
///
/// Both are compared as what they mean: formatting, comments, order and the files that entries stand
/// in make no difference. No key is needed and nothing is sent; what is live at WorkOS is not looked
/// at, which `portalctl plan` does.
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

/// A checked manifest with the fields that only the Kubernetes form has.
struct Read {
    sound: Sound,
    kubernetes: KubernetesFields,
}

impl Read {
    fn side(&self) -> Side<'_> {
        Side {
            desired: &self.sound.desired,
            kubernetes: &self.kubernetes,
        }
    }
}

pub(super) fn run(args: &DiffArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request()?;
    let inputs = manifest::inputs(&request.manifest.files)?;
    let new = read(&inputs, ui).map_err(|error| manifest::hint_at_folder(error, &inputs.list))?;
    let names = new.sound.desired.names();
    let found = request.base.find(&request.manifest.files)?;
    let (base, notes) = read_base(&found, inputs.environment.as_deref(), ui)?;
    check_patterns(
        &request.manifest,
        &[&new.sound.desired, &base.sound.desired],
    )?;
    let difference = diff(base.side(), new.side(), &request.manifest.selection);
    let warnings = base.sound.warnings.iter().chain(&new.sound.warnings);
    let warnings: Vec<_> = warnings.cloned().collect();
    let name = name_of(&request.manifest.files, &inputs.list);
    let report = DiffReport {
        names: &names,
        base: &found.name,
        manifest: &name,
        diff: &difference,
        manifest_warnings: &warnings,
        notes: &notes,
    };
    let outputs = &request.outputs;
    outputs.write(ui, |format, layout| format.render(&report, layout))?;
    Ok(if difference.is_empty() {
        Exit::Done
    } else {
        request.different
    })
}

/// Reads the base; where it has nothing to compare with, an empty one and the remark that says so.
fn read_base(
    found: &Found,
    environment: Option<&str>,
    ui: &Ui,
) -> Result<(Read, Vec<String>), CliError> {
    let name = &found.name;
    let missing = match (&found.inputs, environment) {
        (None, _) => format!(
            "{name} has no manifest at this path, so that everything counts as added; name its \
             old place with --base REV:PATH"
        ),
        (Some(list), environment) => {
            let known = environment.map(|_| portalctl_manifest::environments(list));
            let known = known.unwrap_or_default();
            let chosen = environment.filter(|name| known.iter().any(|it| it == name));
            // A base without overlays is compared as it is.
            if known.is_empty() || chosen.is_some() {
                let inputs = Inputs {
                    list: list.clone(),
                    environment: chosen.map(ToOwned::to_owned),
                };
                let base = read(&inputs, ui).map_err(|error| of_base(error, name))?;
                return Ok((base, Vec::new()));
            }
            let environment = environment.unwrap_or_default();
            format!("{name} has no environment {environment}, so that everything counts as added")
        }
    };
    let nothing = Read {
        sound: Sound {
            desired: Desired::default(),
            warnings: Vec::new(),
        },
        kubernetes: KubernetesFields::default(),
    };
    Ok((nothing, vec![missing]))
}

fn read(inputs: &Inputs, ui: &Ui) -> Result<Read, CliError> {
    let WholeManifest { checked, rest } = read_whole(inputs);
    Ok(Read {
        sound: manifest::sound(checked, ui)?,
        kubernetes: rest,
    })
}

/// Says that the problems of a manifest are those of the base.
fn of_base(mut error: CliError, name: &str) -> CliError {
    if let Some(rendered) = &mut error.rendered {
        rendered.push_str(&format!(
            "hint: these are problems of the base {name}; `portalctl validate` checks the manifest \
             alone\n"
        ));
    }
    error
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
