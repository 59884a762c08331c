//! `portalctl snapshot`, and the snapshot of `portalctl plan --snapshot`
//!
//! Takes a manifest, and reads what plans of it and of changed versions need. Writes it to a file.
//! Changes nothing at WorkOS.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::TargetArgs;
use super::connect;
use super::error::CliError;
use super::exit::Exit;
use super::manifest::Manifest;
use super::progress::Reading;
use super::session::{self, Session};
use super::ui::Ui;
use portalctl_core::plan::Policy;
use portalctl_core::snapshot::Snapshot;
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Environment;
use portalctl_model::text::escape;
use portalctl_platform::files;
use portalctl_report::text::counted;
use portalctl_workos::observe::{Contacts, Extent, observe_lists};

/// The largest snapshot that is read. Ten thousand organizations take about 5 MiB.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Write what plans need of WorkOS to a file, for `plan --snapshot` without a key.
///
/// The file holds the organizations with their domains, the metadata that the manifest declares, and
/// the connections and directories. Other metadata and the addresses of IT contacts are in it as
/// hashes; a short value can be guessed from its hash. It holds no key and no portal link.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SnapshotArgs {
    /// The file; only its owner can read it.
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,

    /// Write the names of organizations as hashes too.
    ///
    /// A plan knows a name that the manifest declares; of a rename it hides what the name was.
    #[arg(long)]
    redact: bool,

    #[command(flatten)]
    pub(super) target: TargetArgs,
}

const EXAMPLES: &str = "\
Examples:
  portalctl snapshot --out snapshot.json           with the key, every night
  portalctl plan --snapshot snapshot.json          without a key, anywhere";

pub(super) fn run(args: &SnapshotArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.target.request()?;
    files::check_writable(&args.out)
        .map_err(|error| CliError::file(codes::FILE, "write", &args.out, &error))?;
    let mut manifest = Manifest::load(&request.manifest, ui)?;
    manifest.extent = Extent::Everything;
    manifest.contacts = Contacts::All;
    let connection = connect::open(&request.connection, &manifest.desired)?;
    session::run(&manifest, &connection, ui, async |session| {
        let mut snapshot = take(session).await?;
        if args.redact {
            snapshot = snapshot.redacted();
        }
        let text = snapshot.to_json().map_err(CliError::internal)?;
        files::replace(&args.out, text.as_bytes())
            .map_err(|error| CliError::file(codes::FILE, "write", &args.out, &error))?;
        let requests = usize::try_from(session.headline().requests);
        ui.data(&format!(
            "wrote a snapshot of {} to {}, {}\n",
            counted(snapshot.organizations(), "organization"),
            escape(&args.out.to_string_lossy()),
            counted(requests.unwrap_or(usize::MAX), "request")
        ))?;
        Ok(Exit::Done)
    })
}

/// Reads what plans need: also what a plan reads only under its greatest powers.
async fn take(session: &Session<'_>) -> Result<Snapshot, CliError> {
    let policy = Policy {
        prune: true,
        allow_bulk: true,
        ..Policy::default()
    };
    let mut live = session.observe_for_plan(policy).await?;
    let progress = Reading::new(session.ui);
    observe_lists(&session.connection.client, &mut live.observed, &progress)
        .await
        .map_err(|error| session.failed(error))?;
    session.check_interrupted()?;
    Ok(Snapshot::of(
        live.observed,
        &session.manifest.desired,
        session.connection.target.clone(),
        session.connection.clock.now(),
    ))
}

/// Reads a snapshot from a file.
pub(super) fn read(path: &Path) -> Result<Snapshot, CliError> {
    let unreadable = |error| CliError::file(codes::FILE, "read", path, &error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let read = file.take(MAX_BYTES).read_to_string(&mut text);
    read.map_err(unreadable)?;
    Snapshot::parse(&text).map_err(|error| unusable(path, &error.to_string()))
}

/// Refuses a snapshot of another environment than the manifest is meant for.
pub(super) fn check(
    snapshot: &Snapshot,
    path: &Path,
    environment: &Environment,
) -> Result<(), CliError> {
    let kind = environment.api_key.map(|kind| kind.to_string());
    if let (Some(declared), Some(read)) = (kind.as_deref(), snapshot.key_kind())
        && declared != read
    {
        let reason = format!("was read with a {read} key, and the manifest takes a {declared} key");
        return Err(unusable(path, &reason));
    }
    if snapshot.environment() != environment.name.as_deref() {
        let name = |name: Option<&str>| name.map_or("no name".to_owned(), |it| format!("`{it}`"));
        let reason = format!(
            "is of an environment with {}, and the manifest is for one with {}",
            name(snapshot.environment()),
            name(environment.name.as_deref())
        );
        return Err(unusable(path, &reason));
    }
    Ok(())
}

fn unusable(path: &Path, reason: &str) -> CliError {
    let path = path.to_string_lossy();
    let message = format!("{} {}", escape(&path), escape(reason));
    CliError::new(Exit::Usage, codes::SNAPSHOT, message)
}
