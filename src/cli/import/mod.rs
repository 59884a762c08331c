//! `portalctl import`
//!
//! Takes a folder, what it declares already, and what is live. Writes one manifest file for each
//! organization that is not declared. Changes nothing at WorkOS and no file that exists.

mod files;
mod overlay;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::{ConnectionArgs, FileArgs, Format, selection};
use super::connect::{self, Connection};
use super::error::CliError;
use super::exit::Exit;
use super::manifest::{Manifest, inputs, sound};
use super::request::{ConnectionRequest, Files};
use super::session::{self, LiveState, Session};
use super::ui::Ui;
use files::{Folder, Overlay, Written, names_in};
use portalctl_core::import::{self, Import, Survey};
use portalctl_manifest::convert::Form;
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::Selection;
use portalctl_model::codes::cli as codes;
use portalctl_model::codes::manifest::MIXED_FORMS;
use portalctl_model::desired::{Desired, KeyKind};
use portalctl_model::observed::Listing;
use portalctl_model::text::escape;
use portalctl_report::json_v1;
use portalctl_report::{ImportReport, text};
use portalctl_workos::observe::{self, Extent};

/// Write manifest files for the organizations that exist already, ids pinned.
///
/// One file for each organization, named by its key: the external id, or what is left of it, the
/// name or the id as one. The files say what is live, so a plan of them has nothing to do. What
/// the manifest declares already is left alone, and no file is ever changed but the overlay of the
/// environment that was chosen, which gets the ids.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The folder to write to. What it holds already is read first; made if it is not there.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    /// Only these organizations, by key or external id; globs such as `acme-*` are allowed.
    #[arg(long = "match", value_name = "GLOB", value_delimiter = ',')]
    only: Vec<String>,

    /// Ask about each organization too, at one request each.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    with: Vec<More>,

    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,

    #[command(flatten)]
    files: FileArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Facts that WorkOS has no list of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum More {
    /// Audit logs and log streams.
    Logs,
    /// The e-mail addresses of IT contacts.
    Contacts,
}

impl ImportArgs {
    fn request(&self) -> Result<ImportRequest, CliError> {
        let connection = self.connection.request();
        Ok(ImportRequest {
            folder: self.dir.clone(),
            only: self.only.clone(),
            selection: selection(&self.only, &[])?,
            with: self.with.clone(),
            effect: if self.dry_run {
                Effect::Shown
            } else {
                Effect::Written
            },
            format: self.output,
            files: self.files.beside(&connection.http.key)?,
            connection,
        })
    }
}

/// Organizations to be imported.
struct ImportRequest {
    folder: PathBuf,
    /// Patterns of `--match`, kept for messages.
    only: Vec<String>,
    /// The same patterns, compiled.
    selection: Selection,
    with: Vec<More>,
    effect: Effect,
    format: Format,
    files: Files,
    connection: ConnectionRequest,
}

/// Effect of the command on the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Files are written.
    Written,
    /// The files that would be written are shown.
    Shown,
}

pub(super) fn run(args: &ImportArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request()?;
    let taken = names_in(&request.folder)?;
    let declared = declared(&request, ui)?;
    let is_new = declared.is_none();
    let overlay = overlay_of(&request, declared.as_ref())?;
    let manifest = Manifest {
        // Nothing is asked about what is declared already but whose it is.
        selection: Selection::default().without_intents(),
        extent: Extent::Everything,
        ..Manifest::of(declared.unwrap_or_default())
    };
    let connection = connect::open(&request.connection, &manifest.desired)?;
    session::run(&manifest, &connection, ui, async |session| {
        let desired = &manifest.desired;
        let mut live = session.observe().await?;
        let survey = Survey::new(desired, &live.observed, &live.identities);
        check_patterns(&request.only, &survey)?;
        let survey = survey.only(&request.selection);
        let survey = match &overlay {
            Some(overlay) => survey.for_overlay(desired, &overlay.keys()),
            None => survey,
        };
        read_more(session, &request.with, &survey, &mut live).await?;
        let import = survey.files(desired, &live.observed, &taken);
        let settings = is_new && !import.files.is_empty();
        let api_key = key_kind(&connection);
        let settings_key = api_key.filter(|_| overlay.is_none());
        let overlay = overlay.map(|found| found.with(&import.patches, api_key));
        let folder = Folder {
            path: &request.folder,
            settings: settings.then(|| import::settings(settings_key)),
            overlay: overlay.transpose()?.flatten(),
        };
        let written = match request.effect {
            Effect::Shown => folder.dry_run(&import),
            Effect::Written => folder.write(&import.files, &session.interrupted),
        };
        let account = Account {
            import: &import,
            written: &written,
            overlay: folder.overlay.as_ref(),
        };
        write(session, &request, &live, &account)
    })
}

/// Returns what the folder and the files of `-f` declare; none when there is no manifest yet.
fn declared(request: &ImportRequest, ui: &Ui) -> Result<Option<Desired>, CliError> {
    let mut files = request.files.clone();
    if manifest::has_files(&request.folder) {
        refuse_kubernetes_folder(&request.folder)?;
        files.paths.push(request.folder.clone());
    }
    if files.paths.is_empty() {
        return Ok(None);
    }
    let sound = sound(manifest::read_settings(&inputs(&files)?), ui)?;
    Ok(Some(sound.desired))
}

/// Refuses a folder of Kubernetes resources, beside which no manifest file may stand.
fn refuse_kubernetes_folder(folder: &Path) -> Result<(), CliError> {
    let form = manifest::convert::form_of(&[Input::Path(folder.to_owned())]);
    if form == Form::Manifest {
        return Ok(());
    }
    let message = format!(
        "the folder {} holds Kubernetes resources, and import writes manifest files",
        escape(&folder.to_string_lossy())
    );
    let error = CliError::new(Exit::Usage, MIXED_FORMS, message);
    Err(error.help(
        "import to another folder, naming this one with -f, and turn what is written into \
         resources with `portalctl convert --to kubernetes`",
    ))
}

/// Refuses a pattern that matches nothing: a mistyped one must not look like nothing to import.
fn check_patterns(patterns: &[String], survey: &Survey) -> Result<(), CliError> {
    for pattern in patterns {
        let only = selection(std::slice::from_ref(pattern), &[])?;
        if !survey.has(&only) {
            let message = format!("--match {}: there is no such organization", escape(pattern));
            let error = CliError::new(Exit::Usage, codes::NOTHING_SELECTED, message);
            return Err(error.help(
                "it is compared with keys and external ids; without --match, --dry-run lists the \
                 keys",
            ));
        }
    }
    Ok(())
}

/// Reads what was asked for besides of every organization that is imported.
async fn read_more(
    session: &Session<'_>,
    with: &[More],
    survey: &Survey,
    live: &mut LiveState,
) -> Result<(), CliError> {
    let organizations = |more| {
        if with.contains(&more) {
            survey.organizations()
        } else {
            BTreeSet::new()
        }
    };
    let client = &session.connection.client;
    let reading = async {
        futures::try_join!(
            observe::audit_logs(client, organizations(More::Logs)),
            observe::it_contacts(client, organizations(More::Contacts)),
        )
    };
    let (logs, contacts) = tokio::select! {
        answers = reading => answers.map_err(|error| session.failed(error))?,
        () = session.interrupted.cancelled() => return Err(CliError::interrupted()),
    };
    live.observed.audit_logs = logs;
    live.observed.it_contacts = contacts;
    Ok(())
}

/// Returns the overlay of the environment, where one was chosen and the manifest has overlays.
fn overlay_of(
    request: &ImportRequest,
    declared: Option<&Desired>,
) -> Result<Option<overlay::Found>, CliError> {
    let Some(environment) = &request.files.environment else {
        return Ok(None);
    };
    if declared.is_none() {
        return overlay::Found::new(&request.folder, environment).map(Some);
    }
    let mut folders = request.files.paths.clone();
    folders.push(request.folder.clone());
    let inputs: Vec<Input> = folders.iter().cloned().map(Input::Path).collect();
    if manifest::environments(&inputs).is_empty() {
        return Ok(None);
    }
    overlay::Found::in_folders(&folders, environment).map(Some)
}

fn key_kind(connection: &Connection) -> Option<KeyKind> {
    match connection.target.key_kind.as_deref() {
        Some("test") => Some(KeyKind::Test),
        Some("live") => Some(KeyKind::Live),
        Some(_) | None => None,
    }
}

/// Result of an import, and the overlay that got the ids.
struct Account<'a> {
    import: &'a Import,
    written: &'a Written,
    overlay: Option<&'a Overlay>,
}

/// Writes the account, also where writing files ended early.
fn write(
    session: &Session<'_>,
    request: &ImportRequest,
    live: &LiveState,
    account: &Account<'_>,
) -> Result<Exit, CliError> {
    let ui = session.ui;
    let Account {
        import,
        written,
        overlay,
    } = account;
    let overlay = overlay.map(|overlay| overlay.path.to_string_lossy().into_owned());
    let report = ImportReport {
        headline: &session.connection.headline(),
        import,
        folder: &request.folder.to_string_lossy(),
        is_whole: request.files.paths.is_empty(),
        settings: written.settings,
        written: written.files,
        is_dry_run: request.effect == Effect::Shown,
        overlay: overlay.as_deref(),
        notes: &notes(request, live, import, overlay.as_deref()),
    };
    let errors = written.error.as_ref();
    let errors = errors.map_or_else(Vec::new, |error| error.items.clone());
    ui.data(&match request.format {
        Format::Text => text::import(&report, &ui.layout()),
        Format::Json | Format::Yaml => {
            request.format.document(&json_v1::import(&report, errors))?
        }
    })?;
    let Some(error) = &written.error else {
        return Ok(Exit::Done);
    };
    ui.error(error);
    Ok(error.exit)
}

fn notes(
    request: &ImportRequest,
    live: &LiveState,
    import: &Import,
    overlay: Option<&str>,
) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(overlay.map(|path| {
        let count = import.patches.len();
        let entries = if count == 1 { "entry" } else { "entries" };
        let verb = match request.effect {
            Effect::Written => "got",
            Effect::Shown => "would get",
        };
        format!(
            "{path} {verb} {count} {entries}, with ids; in other environments these organizations \
             are `state: excluded`"
        )
    }));
    for (what, message) in [
        ("connections", unread(&live.observed.connections)),
        ("directories", unread(&live.observed.directories)),
    ] {
        notes.extend(message.map(|message| format!("{what} cannot be read: {message}")));
    }
    if import.files.is_empty() {
        return notes;
    }
    if !request.with.contains(&More::Logs) {
        notes.push(
            "audit logs and log streams were not asked about; --with logs does, at one request \
             for each organization"
                .to_owned(),
        );
    }
    notes
}

/// Returns why a whole list could not be read.
fn unread<T>(list: &Listing<T>) -> Option<String> {
    match list {
        Listing::NotEntitled(message) => Some(message.clone()),
        Listing::Failed(why) => Some(why.to_string()),
        Listing::Read(_) | Listing::ReadOf(_) | Listing::NotRead => None,
    }
}
