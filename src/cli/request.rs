//! Typed requests that several commands share.
//!
//! Takes what the command line said, checked as far as it can be checked by itself. Returns values
//! that the stages of a run take: which manifest, which part of it, and how WorkOS is reached. Reads
//! no file and sends nothing.

use std::path::{Path, PathBuf};

use super::error::CliError;
use super::exit::Exit;
use portalctl_model::Selection;
use portalctl_model::codes::cli as codes;
use portalctl_workos::{PlainHttp, Rate};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// Files and folders of a manifest, and the environment whose overlay is laid over it.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    /// Files and folders; none for the usual ones.
    pub(super) paths: Vec<PathBuf>,
    /// Name of the environment, where the manifest has several.
    pub(super) environment: Option<String>,
}

impl Files {
    /// Returns the number of times that standard input is named.
    fn stdin_count(&self) -> usize {
        self.paths.iter().filter(|path| is_stdin(path)).count()
    }

    /// Refuses standard input where it would have to be read twice.
    pub(super) fn check_stdin(&self, key: &KeyOrigin) -> Result<(), CliError> {
        if self.stdin_count() + usize::from(*key == KeyOrigin::Stdin) > 1 {
            let message = "standard input can be read once only";
            return Err(CliError::new(Exit::Usage, codes::USAGE, message));
        }
        Ok(())
    }

    /// Returns whether the files are one whole manifest, as far as their names tell.
    pub(super) fn are_whole(&self) -> bool {
        self.paths.len() <= 1 && self.stdin_count() == 0
    }
}

/// A manifest and the part of it that a command is about.
#[derive(Debug, Clone)]
pub(super) struct ManifestRequest {
    pub(super) files: Files,
    /// Patterns of `--only`, kept for messages.
    pub(super) only: Vec<String>,
    /// Patterns of `--except`, kept for messages.
    pub(super) except: Vec<String>,
    /// Patterns of `--intent`, kept for messages.
    pub(super) intents: Vec<String>,
    /// Both kinds of patterns, compiled.
    pub(super) selection: Selection,
}

impl ManifestRequest {
    /// Returns the arguments that name the same manifest and the same part of it, quoted for a shell.
    pub(super) fn arguments(&self) -> Vec<String> {
        let Self {
            files: Files { paths, environment },
            only,
            except,
            intents,
            selection: _,
        } = self;
        let paths = paths.iter().map(|path| path.to_string_lossy());
        let options = paths
            .map(|path| ("-f", path))
            .chain(environment.iter().map(|it| ("--environment", it.into())))
            .chain(only.iter().map(|it| ("--only", it.into())))
            .chain(except.iter().map(|it| ("--except", it.into())))
            .chain(intents.iter().map(|it| ("--intent", it.into())));
        // A word with a NUL byte cannot be an argument at all.
        let quoted = options.filter_map(|(name, value)| {
            let value = shlex::try_quote(&value).ok()?;
            Some(format!("{name} {value}"))
        });
        quoted.collect()
    }
}

/// A manifest and the WorkOS environment that it is compared with.
#[derive(Debug, Clone)]
pub(super) struct TargetRequest {
    pub(super) manifest: ManifestRequest,
    pub(super) connection: ConnectionRequest,
}

/// One organization, named by the KEY argument, and how WorkOS is reached.
#[derive(Debug, Clone)]
pub(super) struct EntryRequest {
    /// A key, an external id, an organization id, a domain or a name.
    pub(super) name: String,
    pub(super) files: Files,
    pub(super) connection: ConnectionRequest,
}

/// The way to WorkOS.
#[derive(Debug, Clone)]
pub(super) struct ConnectionRequest {
    pub(super) portal: Portal,
    pub(super) http: HttpRequest,
    pub(super) rate: Rate,
}

impl ConnectionRequest {
    /// Returns whether an in-memory WorkOS was asked for.
    pub(super) const fn is_sandbox(&self) -> bool {
        matches!(self.portal, Portal::Sandbox { .. })
    }
}

/// The WorkOS that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Portal {
    /// An in-memory WorkOS inside the command; its state is kept in the file, if there is one.
    Sandbox {
        /// The file of the state.
        state: Option<PathBuf>,
    },
    /// An endpoint over HTTP.
    Http,
}

/// Key and address of an endpoint.
#[derive(Debug, Clone)]
pub(super) struct HttpRequest {
    pub(super) key: KeyOrigin,
    /// The address of `--api-url`; without it variables decide.
    pub(super) url: Option<String>,
    pub(super) plain_http: PlainHttp,
}

/// Place from which the API key is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyOrigin {
    /// The variable `WORKOS_API_KEY`.
    Variable,
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl KeyOrigin {
    /// Returns the place that `--api-key-file` names.
    pub(super) fn of(file: Option<&Path>) -> Self {
        match file {
            None => Self::Variable,
            Some(path) if is_stdin(path) => Self::Stdin,
            Some(path) => Self::File(path.to_owned()),
        }
    }
}

/// Returns whether a path stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN)
}
