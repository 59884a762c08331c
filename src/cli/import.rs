//! `portalctl import`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::args::{ConnectionArgs, FileArgs, Format};
use super::connect::{self, Connection};
use super::error::CliError;
use super::exit::Exit;
use super::import_files::{Folder, Written, names_in};
use super::session::{self, Reality, Request};
use super::ui::Ui;
use super::{failure_json, json};
use portalctl_core::import::{Import, Survey, settings};
use portalctl_manifest::convert::Form;
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::Selection;
use portalctl_model::codes::cli as codes;
use portalctl_model::codes::manifest::MIXED_FORMS;
use portalctl_model::desired::{Desired, KeyKind};
use portalctl_model::observed::Listing;
use portalctl_model::text::escape;
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::{ImportReport, text};
use portalctl_workos::observe::{self, Contacts, Extent};

/// Write manifest files for the organizations that exist already, ids pinned.
///
/// One file for each organization, named by its key: the external id, or what is left of it, the
/// name or the id as one. The files say what is live, so a plan of them has nothing to do. What
/// the manifest declares already is left alone, and no file is ever changed.
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
    output: Format,

    #[command(flatten)]
    files: FileArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What WorkOS has no list of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum More {
    /// Audit logs and log streams.
    Logs,
    /// The e-mail addresses of IT contacts.
    Contacts,
}

impl ImportArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, json_v1::failed_import),
        }
    }
}

pub(super) fn run(args: &ImportArgs, ui: &Ui) -> Result<Exit, CliError> {
    let only = session::patterns(&args.only, &[])?;
    let taken = names_in(&args.dir)?;
    let declared = declared(args, ui)?;
    let is_new = declared.is_none();
    let request = Request {
        desired: declared.unwrap_or_default(),
        // Nothing is asked about what is declared already but who it is.
        selection: Selection::default().without_intents(),
        extent: Extent::Everything,
        contacts: Contacts::Unmarked,
        warnings: Vec::new(),
    };
    let connection = connect::open(&args.connection, &request.desired)?;
    session::block_on(async |interrupted| {
        let mut reality = session::look(&connection, &request, ui, &interrupted).await?;
        let survey = Survey::new(&request.desired, &reality.observed, &reality.identities);
        matches_something(&args.only, &survey)?;
        let survey = survey.only(&only);
        ask_more(args, &survey, &mut reality, &connection, &interrupted).await?;
        let import = survey.files(&request.desired, &reality.observed, &taken);
        let settings = is_new && !import.files.is_empty();
        let folder = Folder {
            path: &args.dir,
            settings: settings.then(|| settings_text(&connection)),
        };
        let outcome = if args.dry_run {
            Written::all(&import, settings)
        } else {
            folder.write(&import.files, &interrupted)
        };
        tell(args, &connection, &reality, &import, &outcome, ui)
    })
}

/// What the folder and the files of `-f` declare; `None` when there is no manifest yet.
fn declared(args: &ImportArgs, ui: &Ui) -> Result<Option<Desired>, CliError> {
    let mut files = args.files.file.clone();
    if manifest::has_files(&args.dir) {
        is_no_kubernetes_folder(&args.dir)?;
        files.push(args.dir.clone());
    }
    if files.is_empty() {
        return Ok(None);
    }
    let files = FileArgs { file: files };
    let inputs = session::inputs(&files, Some(&args.connection))?;
    let sound = session::sound(manifest::read_settings(&inputs), ui)?;
    Ok(Some(sound.desired))
}

/// Refuses a folder of Kubernetes resources, beside which no manifest file may stand.
fn is_no_kubernetes_folder(folder: &Path) -> Result<(), CliError> {
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
fn matches_something(patterns: &[String], survey: &Survey) -> Result<(), CliError> {
    for pattern in patterns {
        let only = session::patterns(std::slice::from_ref(pattern), &[])?;
        if !survey.has(&only) {
            let message = format!("--match {}: there is no such organization", escape(pattern));
            let error = CliError::new(Exit::Usage, codes::NOTHING_SELECTED, message);
            return Err(error.help(
                "it is held against keys and external ids; without --match, --dry-run lists the \
                 keys",
            ));
        }
    }
    Ok(())
}

/// Reads what was asked for of every organization that is imported.
async fn ask_more(
    args: &ImportArgs,
    survey: &Survey,
    reality: &mut Reality,
    connection: &Connection,
    interrupted: &CancellationToken,
) -> Result<(), CliError> {
    let asks = |more| args.with.contains(&more);
    let of = |wanted: bool| {
        if wanted {
            survey.organizations()
        } else {
            BTreeSet::new()
        }
    };
    let client = &connection.client;
    let asking = async {
        futures::try_join!(
            observe::audit_logs(client, of(asks(More::Logs))),
            observe::it_contacts(client, of(asks(More::Contacts))),
        )
    };
    let (logs, contacts) = tokio::select! {
        answers = asking => {
            answers.map_err(|error| CliError::reading(error, &connection.target.endpoint))?
        }
        () = interrupted.cancelled() => return Err(CliError::interrupted()),
    };
    reality.observed.audit_logs = logs;
    reality.observed.it_contacts = contacts;
    Ok(())
}

fn settings_text(connection: &Connection) -> String {
    settings(match connection.target.key_kind.as_deref() {
        Some("test") => Some(KeyKind::Test),
        Some("live") => Some(KeyKind::Live),
        Some(_) | None => None,
    })
}

/// Writes the account, also of what went wrong on the way.
fn tell(
    args: &ImportArgs,
    connection: &Connection,
    reality: &Reality,
    import: &Import,
    written: &Written,
    ui: &Ui,
) -> Result<Exit, CliError> {
    let headline = session::headline(connection);
    let notes = notes(args, reality, import);
    let folder = args.dir.to_string_lossy();
    let report = ImportReport {
        headline: &headline,
        import,
        folder: &folder,
        is_whole: args.files.file.is_empty(),
        settings: written.settings,
        written: written.files,
        is_dry_run: args.dry_run,
        notes: &notes,
    };
    let errors = written.error.as_ref().map(|error| error.items.clone());
    ui.data(&match args.output {
        Format::Text => text::import(&report, &ui.layout()),
        Format::Json => json(&json_v1::import(&report, errors.unwrap_or_default()))?,
    })?;
    let Some(error) = &written.error else {
        return Ok(Exit::Done);
    };
    ui.error(error);
    Ok(error.exit)
}

fn notes(args: &ImportArgs, reality: &Reality, import: &Import) -> Vec<String> {
    let mut notes = Vec::new();
    let observed = &reality.observed;
    for (what, message) in [
        ("connections", unread(&observed.connections)),
        ("directories", unread(&observed.directories)),
    ] {
        notes.extend(message.map(|message| format!("{what} cannot be read: {message}")));
    }
    if import.files.is_empty() {
        return notes;
    }
    if !args.with.contains(&More::Logs) {
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
