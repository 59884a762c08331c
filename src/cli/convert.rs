//! `portalctl convert`
//!
//! Takes a manifest of either form. Prints or writes the other form with the same meaning. Sends
//! nothing.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::FileArgs;
use super::error::CliError;
use super::exit::Exit;
use super::manifest;
use super::ui::Ui;
use portalctl_manifest::convert::{self, File, Form, WholeManifest};
use portalctl_manifest::has_files;
use portalctl_model::codes::cli as codes;
use portalctl_model::text::escape;
use portalctl_platform::files;

/// Turn a manifest into Kubernetes resources, or resources into a manifest.
///
/// The result means the same, and a plan of it is the same. It is written from what the manifest
/// means: comments, anchors, labels and annotations are not kept, and `defaults` are written out
/// in each organization.
#[derive(Debug, Args)]
pub(super) struct ConvertArgs {
    /// The form to convert to.
    #[arg(long, value_name = "FORM")]
    to: To,

    /// Write a folder with a file for each organization, instead of one text.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    files: FileArgs,
}

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// `version: 1`, `organizations: …`
    Manifest,
    /// A PortalEnvironment, and a PortalOrganization for each organization.
    Kubernetes,
}

pub(super) fn run(args: &ConvertArgs, ui: &Ui) -> Result<Exit, CliError> {
    let inputs = manifest::inputs(&args.files.request()?)?;
    let WholeManifest { checked, rest } = convert::read_whole(&inputs);
    let desired = manifest::sound(checked, ui)?.desired;
    let to = match args.to {
        To::Manifest => Form::Manifest,
        To::Kubernetes => Form::Kubernetes,
    };
    match &args.dir {
        None => ui.data(&convert::text(&desired, &rest, to))?,
        Some(dir) => {
            let files = convert::files(&desired, &rest, to);
            write(dir, &files)?;
            let plural = if files.len() == 1 { "" } else { "s" };
            let count = files.len();
            let dir = escape(&dir.to_string_lossy()).into_owned();
            ui.data(&format!("wrote {count} file{plural} to {dir}\n"))?;
        }
    }
    if args.to == To::Kubernetes {
        for (field, _) in convert::without_kubernetes_form(&desired) {
            ui.say(&format!(
                "note: `{field}` is left out: in Kubernetes, powers are the PortalEnvironment's only\n"
            ));
        }
    }
    if let (To::Kubernetes, Some((name, key))) = (args.to, convert::default_secret(&rest)) {
        ui.say(&format!(
            "The environment takes its API key from the Secret `{name}`, key `{key}`:\n  \
             kubectl create secret generic {name} --from-file={key}=FILE\n"
        ));
    }
    Ok(Exit::Done)
}

/// Writes the files to a folder that holds none yet: what is there could mean something else.
fn write(dir: &Path, files: &[File]) -> Result<(), CliError> {
    if has_files(dir) {
        let message = format!(
            "the folder {} holds YAML or JSON files already",
            escape(&dir.to_string_lossy())
        );
        let error = CliError::new(Exit::Usage, codes::FILE, message);
        return Err(error.help("name an empty folder, or one that is not there yet"));
    }
    for file in files {
        let path = dir.join(&file.path);
        let unwritable = |error| CliError::file(codes::FILE, "write", &path, &error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unwritable)?;
        }
        files::create(&path, file.text.as_bytes()).map_err(unwritable)?;
    }
    Ok(())
}
