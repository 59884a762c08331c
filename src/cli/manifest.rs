//! The manifest of a run: read, checked, and narrowed to what the command is about.
//!
//! Takes a typed request. Returns a [`Manifest`] without errors, or every problem at once; warnings
//! go to standard error. Asks WorkOS nothing.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::selection;
use super::connect::Connection;
use super::error::{CliError, most_alike};
use super::exit::Exit;
use super::request::{Files, ManifestRequest, is_stdin};
use super::ui::Ui;
use portalctl_manifest::{self as manifest, Checked, Diagnostics, Input, Severity, Sources};
use portalctl_model::codes::{cli as codes, manifest as manifest_codes};
use portalctl_model::desired::Desired;
use portalctl_model::text::escape;
use portalctl_model::{Intent, OrgKey, Selection};
use portalctl_report::Headline;
use portalctl_report::json_v1::ErrorItem;
use portalctl_workos::observe::{Contacts, Extent};

/// The longest manifest that is read from standard input.
const MAX_STDIN: u64 = 64 * 1024 * 1024;

/// A checked manifest and the part of it that the command is about.
pub(super) struct Manifest {
    pub(super) desired: Desired,
    pub(super) selection: Selection,
    pub(super) extent: Extent,
    /// Organizations that a plan asks about their IT contacts.
    pub(super) contacts: Contacts,
    /// Warnings about the manifest, which every report repeats.
    pub(super) warnings: Vec<ErrorItem>,
}

impl Manifest {
    /// Returns the manifest of a desired state, all of it selected.
    pub(super) fn of(desired: Desired) -> Self {
        Self {
            desired,
            selection: Selection::default(),
            extent: Extent::Cheapest,
            contacts: Contacts::Unmarked,
            warnings: Vec::new(),
        }
    }

    /// Reads and checks the manifest of a request.
    pub(super) fn load(request: &ManifestRequest, ui: &Ui) -> Result<Self, CliError> {
        let Sound { desired, warnings } = read(&inputs(&request.files)?, ui)?;
        check_patterns(request, &[&desired]).map_err(|error| error.of(desired.names()))?;
        Ok(Self {
            selection: request.selection.clone(),
            warnings,
            ..Self::of(desired)
        })
    }

    /// Reads a single selected organization by itself: for commands that create nothing.
    pub(super) fn narrow(&mut self) {
        let keys = self.desired.organizations.keys();
        if keys.filter(|key| self.selection.has_key(key)).count() == 1 {
            self.extent = Extent::Named;
        }
    }

    /// Returns the head of a report about the manifest.
    pub(super) fn headline(&self, connection: &Connection) -> Headline {
        Headline {
            manifest_warnings: self.warnings.clone(),
            ..connection.headline()
        }
    }
}

/// A manifest without errors.
pub(super) struct Sound {
    pub(super) desired: Desired,
    pub(super) warnings: Vec<ErrorItem>,
}

/// Parts of a manifest, as they are read.
pub(super) struct Inputs {
    pub(super) list: Vec<Input>,
    pub(super) environment: Option<String>,
}

impl<'a> From<&'a Inputs> for manifest::Request<'a> {
    fn from(inputs: &'a Inputs) -> Self {
        Self {
            inputs: &inputs.list,
            environment: inputs.environment.as_deref(),
        }
    }
}

/// Reads and checks a manifest; writes its warnings to standard error.
pub(super) fn read(inputs: &Inputs, ui: &Ui) -> Result<Sound, CliError> {
    sound(manifest::read(inputs), ui).map_err(|error| hint_at_folder(error, &inputs.list))
}

/// Returns the meaning of a manifest without errors, and writes its warnings to standard error.
pub(super) fn sound(checked: Checked, ui: &Ui) -> Result<Sound, CliError> {
    let (sound, said) = quietly_sound(checked, ui)?;
    if !said.is_empty() {
        ui.say(&said);
    }
    Ok(sound)
}

/// Returns the meaning of a manifest without errors, and its warnings as text.
pub(super) fn quietly_sound(checked: Checked, ui: &Ui) -> Result<(Sound, String), CliError> {
    let Checked {
        desired,
        names,
        diagnostics,
        sources,
    } = checked;
    let Some(desired) = desired else {
        return Err(invalid(&diagnostics, &sources, ui).of(names));
    };
    let said = if diagnostics.is_empty() {
        String::new()
    } else {
        render(&diagnostics, &sources, ui)
    };
    let warnings = items(&diagnostics, Severity::Warning);
    Ok((Sound { desired, warnings }, said))
}

/// Adds a hint where a manifest lacks what may stand in other files: it is one file of a folder.
pub(super) fn hint_at_folder(mut error: CliError, inputs: &[Input]) -> CliError {
    let lacks = |item: &&mut ErrorItem| {
        let codes = [manifest_codes::MISSING_FIELD, manifest_codes::EMPTY];
        item.line.is_none_or(|line| line == 0)
            && codes.iter().any(|code| item.code == code.as_str())
    };
    let Some(item) = error.items.iter_mut().find(lacks) else {
        return error;
    };
    let Some(folder) = folder_of(inputs) else {
        return error;
    };
    let folder = escape(&folder.to_string_lossy()).into_owned();
    let hint = format!("this is one file of the folder {folder}; name the folder with -f {folder}");
    let help = item.help.replace(hint.clone());
    if let Some(rendered) = &mut error.rendered {
        let told = help.map(|help| rendered.replace(&help, &hint));
        match told.filter(|told| told != rendered) {
            Some(told) => *rendered = told,
            None => rendered.push_str(&format!("hint: {hint}\n")),
        }
    }
    error
}

/// Returns the folder of the only file that was named, if it holds other files of a manifest.
fn folder_of(inputs: &[Input]) -> Option<&Path> {
    let [Input::Path(file)] = inputs else {
        return None;
    };
    if !file.is_file() {
        return None;
    }
    let folder = match file.parent()? {
        folder if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    let is_other = |path: &Path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_manifest = extension.is_some_and(|it| ["yaml", "yml", "json"].contains(&it));
        is_manifest && path.file_name() != file.file_name()
    };
    let mut files = std::fs::read_dir(folder).ok()?.flatten();
    files.any(|other| is_other(&other.path())).then_some(folder)
}

/// Reads the files that were named, else the usual ones.
pub(super) fn inputs(files: &Files) -> Result<Inputs, CliError> {
    let environment = files.environment.clone();
    if files.paths.is_empty() {
        let list = vec![Input::Path(default_manifest()?)];
        return Ok(Inputs { list, environment });
    }
    let list = files.paths.iter().map(|path| {
        if is_stdin(path) {
            stdin()
        } else {
            Ok(Input::Path(path.clone()))
        }
    });
    let list = list.collect::<Result<_, _>>()?;
    Ok(Inputs { list, environment })
}

fn default_manifest() -> Result<PathBuf, CliError> {
    let candidates = [PathBuf::from("portal.yaml"), PathBuf::from("portal")];
    candidates
        .into_iter()
        .find(|path| path.exists())
        .ok_or_else(|| {
            let message = "no -f was given, and there is no portal.yaml and no folder portal here";
            CliError::new(Exit::Usage, codes::NO_MANIFEST, message)
        })
}

fn stdin() -> Result<Input, CliError> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_STDIN)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            CliError::file(codes::FILE, "read", Path::new("standard input"), &error)
        })?;
    Ok(Input::Stdin(bytes))
}

/// Refuses a pattern that matches nothing of any of these manifests: a mistyped key must not look like
/// nothing to do.
pub(super) fn check_patterns(
    request: &ManifestRequest,
    sides: &[&Desired],
) -> Result<(), CliError> {
    let only = request.only.iter().map(|pattern| ("--only", pattern));
    let except = request.except.iter().map(|pattern| ("--except", pattern));
    for (flag, pattern) in only.chain(except) {
        let only = selection(std::slice::from_ref(pattern), &[])?;
        let mut keys = sides
            .iter()
            .flat_map(|it| it.organizations.keys().chain(it.absent.keys()));
        if !keys.any(|key| only.has_key(key)) {
            let mut excluded = sides.iter().flat_map(|it| it.excluded.keys());
            if let Some(key) = excluded.find(|key| only.has_key(key)) {
                return Err(is_excluded(flag, key.as_str()));
            }
            let keys = sides.iter().flat_map(|it| it.organizations.keys());
            let keys = keys.map(OrgKey::as_str);
            return Err(nothing(flag, pattern, "organization", keys));
        }
    }
    for pattern in &request.intents {
        let only = selection(&[], std::slice::from_ref(pattern))?;
        if !Intent::ALL
            .into_iter()
            .any(|intent| only.has_intent(intent))
        {
            let names = Intent::ALL.iter().map(|intent| intent.as_str());
            return Err(nothing("--intent", pattern, "intent", names));
        }
    }
    Ok(())
}

/// Returns the error of an organization that is not managed in this environment.
pub(super) fn is_excluded(argument: &str, key: &str) -> CliError {
    let message = format!(
        "{argument} {}: it is declared `state: excluded`",
        escape(key)
    );
    let error = CliError::new(Exit::Usage, codes::NOTHING_SELECTED, message);
    error.help("it is not managed in this environment; choose another with --environment")
}

/// Returns the error of a pattern that matches nothing, with the name that is most alike.
fn nothing<'a>(
    flag: &str,
    pattern: &str,
    what: &str,
    known: impl Iterator<Item = &'a str>,
) -> CliError {
    let message = format!("{flag} {}: there is no such {what}", escape(pattern));
    let error = CliError::new(Exit::Usage, codes::NOTHING_SELECTED, message);
    let named = Intent::known_as(pattern).map(Intent::as_str);
    let intent = named.filter(|_| flag == "--intent");
    match intent.or_else(|| most_alike(pattern, known)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// Renders findings for standard error.
pub(super) fn render(diagnostics: &Diagnostics, sources: &Sources, ui: &Ui) -> String {
    let layout = ui.talk_layout();
    let layout = manifest::Layout {
        width: layout.width,
        colour: layout.paint.colour,
    };
    manifest::render(diagnostics, sources, layout)
}

/// Returns the problems of a manifest as an error.
pub(super) fn invalid(diagnostics: &Diagnostics, sources: &Sources, ui: &Ui) -> CliError {
    let rendered = Some(render(diagnostics, sources, ui));
    CliError {
        rendered,
        ..CliError::several(Exit::Usage, items(diagnostics, Severity::Error))
    }
}

/// Returns the diagnostics of a severity, for JSON.
pub(super) fn items(diagnostics: &Diagnostics, severity: Severity) -> Vec<ErrorItem> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == severity)
        .map(|diagnostic| {
            let message = diagnostic.message.clone();
            let mut item = ErrorItem::new(diagnostic.code, message, diagnostic.help.clone());
            if let Some(location) = &diagnostic.location {
                item.file = Some(location.file.to_string());
                item.line = Some(location.line);
                item.column = Some(location.column);
            }
            item
        })
        .collect()
}
