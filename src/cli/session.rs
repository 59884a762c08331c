//! What every command that talks to WorkOS begins with: the manifest, checked, and what is live.

use std::io::Read;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::args::{ConnectionArgs, EntryArgs, FileArgs, ManifestArgs, TargetArgs};
use super::connect::{self, Connection};
use super::error::{CliError, most_alike};
use super::exit::Exit;
use super::interrupt;
use super::named::{self, Found};
use super::progress::Reading;
use super::ui::Ui;
use portalctl_core::identity::ownership::{Declarant, Ownership, Rival, Standing};
use portalctl_core::identity::{Identities, Identity};
use portalctl_core::plan::{Policy, candidates};
use portalctl_core::readiness::{Readiness, readiness};
use portalctl_manifest::{self as manifest, Checked, Diagnostics, Input, Severity, Sources};
use portalctl_model::codes::{Code, cli as codes, manifest as manifest_codes, plan as plan_codes};
use portalctl_model::desired::Desired;
use portalctl_model::observed::{Observed, Organization};
use portalctl_model::text::escape;
use portalctl_model::{Allow, Intent, OrgKey, OrganizationId, Selection};
use portalctl_report::Headline;
use portalctl_report::json_v1::ErrorItem;
use portalctl_workos::observe::{
    Contacts, Extent, invited_contacts, observe, observe_contacts, observe_for_plan,
    observe_retention, usage,
};
use portalctl_workos::{ApiResult, ReadPortal};

/// The longest manifest that is read from standard input.
const MAX_STDIN: u64 = 64 * 1024 * 1024;

/// A checked manifest and the part of it that the command is about.
pub(super) struct Request {
    pub(super) desired: Desired,
    pub(super) selection: Selection,
    pub(super) extent: Extent,
    /// Which organizations a plan asks about their IT contacts.
    pub(super) contacts: Contacts,
    /// Warnings about the manifest, which every report repeats.
    pub(super) warnings: Vec<ErrorItem>,
}

/// A manifest without errors.
pub(super) struct SoundManifest {
    pub(super) desired: Desired,
    pub(super) warnings: Vec<ErrorItem>,
}

impl Request {
    /// Reads a single selected customer by itself: for commands that create nothing.
    pub(super) fn narrow(&mut self) {
        let keys = self.desired.organizations.keys();
        if keys.filter(|key| self.selection.has_key(key)).count() == 1 {
            self.extent = Extent::Named;
        }
    }

    /// Returns the head of a report about the manifest: [`headline`] with the manifest's warnings.
    pub(super) fn headline(&self, connection: &Connection) -> Headline {
        Headline {
            manifest_warnings: self.warnings.clone(),
            ..headline(connection)
        }
    }
}

/// What was read in one pass.
pub(super) struct Reality {
    pub(super) observed: Observed,
    pub(super) identities: Identities,
}

/// Reads and checks the manifest; every problem is told at once.
pub(super) fn manifest(args: &TargetArgs, ui: &Ui) -> Result<Request, CliError> {
    let selection = selection(&args.manifest)?;
    let SoundManifest { desired, warnings } =
        sound_manifest(&args.manifest.files, &args.connection, ui)?;
    selects_something(&args.manifest, &desired).map_err(|error| error.of(desired.names()))?;
    Ok(Request {
        desired,
        selection,
        extent: Extent::Cheapest,
        contacts: Contacts::Unmarked,
        warnings,
    })
}

/// Confirmation that a command asks for when its organization is named by a domain or a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirm {
    /// None: the command only reads.
    Nothing,
    /// The command sends or makes something.
    NameOrDomain,
}

/// The entry that a command is about.
pub(super) struct Entry {
    pub(super) key: OrgKey,
    pub(super) request: Request,
    /// Opened already, where WorkOS had to be asked which entry is meant.
    opened: Option<Connection>,
}

impl Entry {
    /// Opens the connection; makes no request.
    pub(super) fn connect(&mut self, args: &EntryArgs) -> Result<Connection, CliError> {
        match self.opened.take() {
            Some(connection) => Ok(connection),
            None => connect::open(&args.connection, &self.request.desired),
        }
    }
}

/// Reads the manifest for a command about one organization, and about some of its intents or all of
/// them.
///
/// `text` is the KEY argument: a key, an external id, an organization id, a domain or a name. WorkOS
/// is asked only for an organization id that no entry pins.
pub(super) fn entry(
    args: &EntryArgs,
    text: &str,
    intents: &[Intent],
    confirm: Confirm,
    ui: &Ui,
) -> Result<Entry, CliError> {
    let SoundManifest { desired, warnings } = sound_manifest(&args.files, &args.connection, ui)?;
    let (key, opened) = match named::find(&desired, "KEY", text)? {
        Found::Entry(named) => {
            if confirm == Confirm::NameOrDomain {
                named::confirm(&desired, &named, text, ui)?;
            }
            (named.key, None)
        }
        Found::Live(id) => {
            let connection = connect::open(&args.connection, &desired)?;
            let key = key_of_live(&desired, &id, &connection)?;
            (key, Some(connection))
        }
    };
    let intents: Vec<String> = intents.iter().map(ToString::to_string).collect();
    let selection = patterns(&[key.to_string()], &intents)?;
    let request = Request {
        desired,
        selection,
        extent: Extent::Named,
        contacts: Contacts::Unmarked,
        warnings,
    };
    Ok(Entry {
        key,
        request,
        opened,
    })
}

/// Asks WorkOS for an organization, and finds the entry that has its external id.
fn key_of_live(
    desired: &Desired,
    id: &OrganizationId,
    connection: &Connection,
) -> Result<OrgKey, CliError> {
    let live = block_on(async |interrupted| {
        tokio::select! {
            live = connection.client.organization(id) => {
                live.map_err(|error| CliError::reading(error, &connection.target.endpoint))
            }
            () = interrupted.cancelled() => Err(CliError::interrupted()),
        }
    })?;
    let other = |message: String| CliError::new(Exit::Stopped, codes::OTHER_ORGANIZATION, message);
    let Some(live) = live else {
        return Err(other(format!("{id}: WorkOS has no such organization")));
    };
    let name = escape(&live.name);
    let Some(external_id) = live.external_id.as_deref() else {
        return Err(other(format!(
            "{id} ({name}) has no external id, and no entry pins it"
        )));
    };
    let mut entries = desired.organizations.iter();
    let found = entries.find(|(_, entry)| {
        entry
            .external_ids()
            .any(|declared| declared.as_str() == external_id)
    });
    found.map(|(key, _)| key.clone()).ok_or_else(|| {
        let external_id = escape(external_id);
        other(format!(
            "{id} ({name}) has the external id `{external_id}`, which no entry declares"
        ))
    })
}

/// Finds the key of an entry that an option names, without asking WorkOS or anybody: a key, an
/// external id or a pinned id.
pub(super) fn declared(desired: &Desired, argument: &str, text: &str) -> Result<OrgKey, CliError> {
    match named::find(desired, argument, text)? {
        Found::Entry(named) if !named.by.is_inexact() => Ok(named.key),
        Found::Entry(named) => {
            let message = format!("{argument} takes a key, an external id or a pinned id");
            let error = CliError::new(Exit::Usage, codes::USAGE, message);
            Err(error.help(format!("did you mean `{}`?", named.key)))
        }
        Found::Live(id) => {
            let message = format!("{argument} {id}: no entry pins it");
            Err(CliError::new(Exit::Usage, codes::NOTHING_SELECTED, message))
        }
    }
}

/// Reads and checks the manifest, and tells its warnings.
fn sound_manifest(
    files: &FileArgs,
    connection: &ConnectionArgs,
    ui: &Ui,
) -> Result<SoundManifest, CliError> {
    read_sound(&inputs(files, Some(connection))?, ui)
}

/// Reads and checks a manifest without errors.
pub(super) fn read_sound(inputs: &[Input], ui: &Ui) -> Result<SoundManifest, CliError> {
    sound(manifest::read(inputs), ui).map_err(|error| hint_at_folder(error, inputs))
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

/// Returns the meaning of a manifest without errors, and writes its warnings to standard error.
pub(super) fn sound(checked: Checked, ui: &Ui) -> Result<SoundManifest, CliError> {
    let Checked {
        desired,
        names,
        diagnostics,
        sources,
    } = checked;
    let Some(desired) = desired else {
        return Err(invalid_manifest(&diagnostics, &sources, ui).of(names));
    };
    if !diagnostics.is_empty() {
        ui.say(&render(&diagnostics, &sources, ui));
    }
    let warnings = items(&diagnostics, Severity::Warning);
    Ok(SoundManifest { desired, warnings })
}

/// The files that were named, else the usual ones.
pub(super) fn inputs(
    args: &FileArgs,
    connection: Option<&ConnectionArgs>,
) -> Result<Vec<Input>, CliError> {
    let mut files = args.file.clone();
    if files.is_empty() {
        files.push(default_manifest()?);
    }
    let is_stdin = |path: &PathBuf| path == Path::new("-");
    let key_file = connection.and_then(|connection| connection.api_key_file.as_ref());
    let key_from_stdin = key_file.is_some_and(is_stdin);
    if files.iter().filter(|path| is_stdin(path)).count() + usize::from(key_from_stdin) > 1 {
        let message = "standard input can be read once only";
        return Err(CliError::new(Exit::Usage, codes::USAGE, message));
    }
    files
        .into_iter()
        .map(|path| {
            if is_stdin(&path) {
                stdin()
            } else {
                Ok(Input::Path(path))
            }
        })
        .collect()
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

pub(super) fn selection(args: &ManifestArgs) -> Result<Selection, CliError> {
    patterns(&args.only, &args.intent)
}

/// Refuses a pattern that matches nothing: a mistyped key must not look like nothing to do.
pub(super) fn selects_something(args: &ManifestArgs, desired: &Desired) -> Result<(), CliError> {
    for pattern in &args.only {
        let only = patterns(std::slice::from_ref(pattern), &[])?;
        let mut keys = desired.organizations.keys().chain(desired.absent.keys());
        if !keys.any(|key| only.has_key(key)) {
            let keys = desired.organizations.keys().map(OrgKey::as_str);
            return Err(nothing("--only", pattern, "organization", keys));
        }
    }
    for pattern in &args.intent {
        let only = patterns(&[], std::slice::from_ref(pattern))?;
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

pub(super) fn patterns(keys: &[String], intents: &[String]) -> Result<Selection, CliError> {
    Selection::new(keys, intents)
        .map_err(|error| CliError::new(Exit::Usage, codes::USAGE, error.to_string()))
}

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

pub(super) fn render(diagnostics: &Diagnostics, sources: &Sources, ui: &Ui) -> String {
    let layout = ui.talk_layout();
    manifest::render(diagnostics, sources, layout.paint.colour, layout.width)
}

/// The problems of a manifest, as an error.
pub(super) fn invalid_manifest(diagnostics: &Diagnostics, sources: &Sources, ui: &Ui) -> CliError {
    let rendered = Some(render(diagnostics, sources, ui));
    CliError {
        rendered,
        ..CliError::several(Exit::Usage, items(diagnostics, Severity::Error))
    }
}

/// The diagnostics of a severity, for JSON.
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

/// Runs a command's asynchronous part, which is handed the token that a signal cancels.
pub(super) fn block_on<T, F>(run: impl FnOnce(CancellationToken) -> F) -> Result<T, CliError>
where
    F: Future<Output = Result<T, CliError>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::new(Exit::Internal, codes::INTERNAL, error.to_string()))?;
    let outcome = runtime.block_on(async { run(interrupt::watch()).await });
    runtime.shutdown_background();
    outcome
}

/// Opens the connection; makes no request.
pub(super) fn connect(args: &TargetArgs, input: &Request) -> Result<Connection, CliError> {
    connect::open(&args.connection, &input.desired)
}

/// Reads what is live; a signal ends it at once, because nothing is being changed.
pub(super) async fn look(
    connection: &Connection,
    input: &Request,
    ui: &Ui,
    interrupted: &CancellationToken,
) -> Result<Reality, CliError> {
    look_showing(&Reading::new(ui), connection, input, interrupted).await
}

/// The same, where the caller says how it is shown.
pub(super) async fn look_showing(
    progress: &Reading,
    connection: &Connection,
    input: &Request,
    interrupted: &CancellationToken,
) -> Result<Reality, CliError> {
    let read = observe(
        &connection.client,
        &input.desired,
        &input.selection,
        input.extent,
        progress,
    );
    reality(read, connection, interrupted).await
}

/// Reads what a plan under a policy needs, and nothing that decides no change.
pub(super) async fn look_to_plan(
    connection: &Connection,
    input: &Request,
    policy: Policy,
    ui: &Ui,
    interrupted: &CancellationToken,
) -> Result<Reality, CliError> {
    let progress = Reading::new(ui);
    let client = &connection.client;
    let Request {
        desired, selection, ..
    } = input;
    let read = async {
        let (mut observed, identities) =
            observe_for_plan(client, desired, selection, input.extent, &progress).await?;
        let candidates = candidates(desired, &observed, &identities, policy, selection);
        let contacts = observe_contacts(
            client,
            desired,
            selection,
            &observed,
            &identities,
            input.contacts,
        );
        let retention = observe_retention(client, desired, selection, &identities);
        let (contacts, usage, retention) =
            futures::try_join!(contacts, usage(client, candidates), retention)?;
        observed.it_contacts = contacts;
        observed.usage = usage;
        observed.retention = retention;
        Ok((observed, identities))
    };
    reality(read, connection, interrupted).await
}

/// Reads what is live, and whom invitations went to.
pub(super) async fn look_with_invitations(
    progress: &Reading,
    connection: &Connection,
    input: &Request,
    interrupted: &CancellationToken,
) -> Result<Reality, CliError> {
    let client = &connection.client;
    let Request {
        desired, selection, ..
    } = input;
    let read = async {
        let read = observe(client, desired, selection, input.extent, progress).await?;
        let (mut observed, identities) = read;
        let contacts = invited_contacts(client, &observed, &identities, selection).await?;
        observed.it_contacts.extend(contacts);
        Ok((observed, identities))
    };
    reality(read, connection, interrupted).await
}

async fn reality(
    read: impl Future<Output = ApiResult<(Observed, Identities)>>,
    connection: &Connection,
    interrupted: &CancellationToken,
) -> Result<Reality, CliError> {
    let (observed, identities) = tokio::select! {
        read = read => {
            read.map_err(|error| CliError::reading(error, &connection.target.endpoint))?
        }
        () = interrupted.cancelled() => return Err(CliError::interrupted()),
    };
    Ok(Reality {
        observed,
        identities,
    })
}

/// Asks a question, to which only `yes` is consent.
pub(super) async fn consent(
    question: String,
    interrupted: &CancellationToken,
) -> Result<(), CliError> {
    // A read from the terminal does not end by itself: the process ends without it.
    let answer = tokio::task::spawn_blocking(move || Ui::confirm(&question));
    let agreed = tokio::select! {
        agreed = answer => agreed.unwrap_or(false),
        () = interrupted.cancelled() => {
            Ui::insist("");
            return Err(CliError::interrupted());
        }
    };
    if agreed {
        return Ok(());
    }
    let message = "the answer was not `yes`; nothing was changed";
    Err(CliError::new(Exit::Usage, codes::NO_CONSENT, message))
}

/// Another that holds an entry's organization, unless the entry says that it may be changed.
pub(super) fn rival(key: &OrgKey, input: &Request, live: &Organization) -> Option<Rival> {
    let entry = input.desired.organizations.get(key)?;
    if entry.allow.contains(&Allow::OtherOwner) {
        return None;
    }
    let declarant = Declarant {
        manifest: input.desired.manifest.as_ref(),
        previous: &input.desired.previous_manifests,
        resource: entry.resource.as_ref(),
    };
    match Ownership::of(live).for_manifest(&declarant) {
        Standing::Theirs(rival) => Some(rival),
        Standing::Free | Standing::Ours | Standing::FormerlyOurs(_) | Standing::OwnResource(_) => {
            None
        }
    }
}

impl Reality {
    /// The live organization of an entry; without one, an error with the command's own code.
    pub(super) fn organization(
        &self,
        key: &OrgKey,
        no_organization: Code,
    ) -> Result<&Organization, CliError> {
        if let Some(Identity::Conflicted(conflicts)) = self.identities.entries.get(key) {
            let told = conflicts.iter().map(|conflict| {
                let help = Some(conflict.help.clone());
                ErrorItem::new(conflict.code, conflict.message.clone(), help)
            });
            return Err(CliError::several(Exit::Stopped, told.collect()));
        }
        let live = self.identities.organization_of(key);
        live.and_then(|id| self.observed.organizations.get(id))
            .ok_or_else(|| {
                let message = format!("`{key}` has no organization at WorkOS yet");
                CliError::new(Exit::Stopped, no_organization, message)
            })
    }

    /// The same, for a command that writes: refused where another manifest or an operator holds the
    /// organization, unless `takes_over`. The marks stay as they are.
    pub(super) fn organization_to_write(
        &self,
        key: &OrgKey,
        input: &Request,
        takes_over: bool,
        no_organization: Code,
    ) -> Result<&Organization, CliError> {
        let live = self.organization(key, no_organization)?;
        match rival(key, input, live).filter(|_| !takes_over) {
            None => Ok(live),
            Some(rival) => {
                let message = format!("{rival} has the organization of `{key}`");
                let error = CliError::new(Exit::Stopped, plan_codes::HELD_BY_ANOTHER, message);
                Err(error.help(
                    "leave it to them, run it with --adopt-owned, or write `allow: [other_owner]` \
                     on the entry",
                ))
            }
        }
    }

    /// How far every selected customer is.
    pub(super) fn readiness(&self, input: &Request, connection: &Connection) -> Readiness {
        let now = connection.clock.now();
        readiness(
            &input.desired,
            &self.observed,
            &self.identities,
            &input.selection,
            now,
        )
    }
}

/// Where the run was made, and what it has cost so far.
pub(super) fn headline(connection: &Connection) -> Headline {
    Headline {
        target: connection.target.clone(),
        sandbox: connection.is_sandbox(),
        requests: connection.client.requests_used(),
        manifest_warnings: Vec::new(),
    }
}
