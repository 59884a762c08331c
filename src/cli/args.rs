//! Arguments that several commands share, as the parser reads them.
//!
//! Takes the command line. Returns typed requests ([`super::request`]): no stage below a command sees
//! arguments.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::error::CliError;
use super::exit::Exit;
use super::request::{
    ConnectionRequest, EntryRequest, Files, HttpRequest, KeyOrigin, ManifestRequest, Portal,
    TargetRequest,
};
use super::{json, yaml};
use portalctl_model::codes::cli as codes;
use portalctl_model::selection::InvalidPattern;
use portalctl_model::{Intent, Selection};
use portalctl_workos::{PlainHttp, Rate};

/// Files of the manifest.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Manifest")]
pub(super) struct FileArgs {
    /// Manifest file or folder; `-` is standard input. May be given more than once.
    ///
    /// Without it: portal.yaml, else the folder portal.
    #[arg(short, long = "file", value_name = "FILE|DIR")]
    file: Vec<PathBuf>,

    /// The environment whose overlay is laid over the manifest, where it has several; also
    /// `PORTALCTL_ENVIRONMENT`. `validate` without it checks all of them.
    #[arg(
        long,
        value_name = "NAME",
        env = "PORTALCTL_ENVIRONMENT",
        hide_env = true
    )]
    environment: Option<String>,
}

impl FileArgs {
    /// Returns the files, of which one at most may be standard input.
    pub(super) fn request(&self) -> Result<Files, CliError> {
        self.beside(&KeyOrigin::Variable)
    }

    /// Returns the files of a command that also reads an API key, perhaps from standard input.
    pub(super) fn beside(&self, key: &KeyOrigin) -> Result<Files, CliError> {
        // A pipeline may set the variable to nothing.
        let environment = self.environment.clone().filter(|name| !name.is_empty());
        let files = Files {
            paths: self.file.clone(),
            environment,
        };
        files.check_stdin(key)?;
        Ok(files)
    }
}

/// Files of the manifest, and the part of it that the command is about.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Manifest")]
pub(super) struct ManifestArgs {
    #[command(flatten)]
    files: FileArgs,

    /// Only these organizations, by key; globs such as `acme-*` are allowed.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    only: Vec<String>,

    /// All but these organizations, by key; globs are allowed.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    except: Vec<String>,

    /// Only these intents; globs are allowed.
    #[arg(long, value_name = "INTENT", value_delimiter = ',')]
    intent: Vec<String>,
}

impl ManifestArgs {
    /// Returns the request, its patterns compiled.
    pub(super) fn request(&self) -> Result<ManifestRequest, CliError> {
        self.beside(&KeyOrigin::Variable)
    }

    fn beside(&self, key: &KeyOrigin) -> Result<ManifestRequest, CliError> {
        Ok(ManifestRequest {
            files: self.files.beside(key)?,
            only: self.only.clone(),
            intents: self.intent.clone(),
            selection: selection(&self.only, &self.intent)?
                .without(&self.except)
                .map_err(|error| invalid_pattern(&error))?,
            except: self.except.clone(),
        })
    }
}

/// Arguments of commands about one organization; its key is an argument of their own.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct EntryArgs {
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl EntryArgs {
    /// Returns the request about the organization that the KEY argument names.
    pub(super) fn request(&self, name: &str) -> Result<EntryRequest, CliError> {
        let connection = self.connection.request();
        Ok(EntryRequest {
            name: name.to_owned(),
            files: self.files.beside(&connection.http.key)?,
            connection,
        })
    }
}

/// Arguments of commands that hold a manifest against WorkOS.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TargetArgs {
    #[command(flatten)]
    manifest: ManifestArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl TargetArgs {
    /// Returns the request, its patterns compiled.
    pub(super) fn request(&self) -> Result<TargetRequest, CliError> {
        let connection = self.connection.request();
        Ok(TargetRequest {
            manifest: self.manifest.beside(&connection.http.key)?,
            connection,
        })
    }

    /// Returns the way to WorkOS alone.
    pub(super) fn connection(&self) -> ConnectionRequest {
        self.connection.request()
    }
}

/// Arguments that say how WorkOS is reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "WorkOS")]
pub(super) struct ConnectionArgs {
    #[expect(
        clippy::option_option,
        reason = "absent, without a file, with one: clap's own shape"
    )]
    /// Run against an in-memory WorkOS, without account or key; =FILE keeps its state there.
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true
    )]
    sandbox: Option<Option<PathBuf>>,

    /// Read the API key from a file instead of WORKOS_API_KEY; `-` is standard input. A file is read
    /// again when it changes and when WorkOS refuses the key.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    api_key_file: Option<PathBuf>,

    /// Another endpoint; also WORKOS_API_URL. Plain http is for loopback only.
    #[arg(long, value_name = "URL", conflicts_with = "sandbox")]
    api_url: Option<String>,

    /// Accept an endpoint with plain http on another machine, for a sandbox in compose or a CI
    /// service. Only test keys are sent there: everything is readable on the way.
    #[arg(
        long,
        env = "PORTALCTL_ALLOW_PLAIN_HTTP",
        hide_env = true,
        value_parser = FalseyValueParser::new()
    )]
    allow_plain_http: bool,

    /// Never send more requests a second than this; default 50, slower when WorkOS asks for it.
    #[arg(long, value_name = "N")]
    requests_per_second: Option<NonZeroU32>,
}

impl ConnectionArgs {
    /// Returns the request.
    pub(super) fn request(&self) -> ConnectionRequest {
        ConnectionRequest {
            portal: match &self.sandbox {
                Some(state) => Portal::Sandbox {
                    state: state.clone(),
                },
                None => Portal::Http,
            },
            http: HttpRequest {
                key: KeyOrigin::of(self.api_key_file.as_deref()),
                url: self.api_url.clone(),
                plain_http: if self.allow_plain_http {
                    PlainHttp::Anywhere
                } else {
                    PlainHttp::ThisMachine
                },
            },
            rate: self
                .requests_per_second
                .map_or_else(Rate::default, Rate::ceiling),
        }
    }
}

/// Compiles patterns of keys and intents.
pub(super) fn selection(keys: &[String], intents: &[String]) -> Result<Selection, CliError> {
    Selection::new(keys, intents).map_err(|error| invalid_pattern(&error))
}

fn invalid_pattern(error: &InvalidPattern) -> CliError {
    CliError::new(Exit::Usage, codes::USAGE, error.to_string())
}

/// Parses the name of an intent.
pub(super) fn parse_intent() -> impl TypedValueParser<Value = Intent> {
    let names = Intent::ALL.map(Intent::as_str);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Intent>())
}

/// Arguments about where output goes and how it looks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Write the result to a file, whole or not at all.
    #[arg(long, value_name = "FILE", global = true)]
    pub output_file: Option<PathBuf>,

    /// Use of colour; NO_COLOR and CLICOLOR_FORCE are respected.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Colour,

    /// Print the result and errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Show each request and its time on standard error.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,

    /// Form of log lines: text by default, JSON for `serve` and `operator`.
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
}

/// Use of colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The formats that most commands have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// The same as JSON, in YAML.
    Yaml,
}

impl Format {
    /// Returns the document of a result in this format; the text of people is made by other means.
    pub(super) fn document(self, document: &impl serde::Serialize) -> Result<String, CliError> {
        match self {
            Self::Text | Self::Json => json(document),
            Self::Yaml => yaml(document),
        }
    }
}
