//! Arguments that several commands share.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

/// Which manifest.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Manifest")]
pub(super) struct FileArgs {
    /// Manifest file or folder; `-` is standard input. May be given more than once.
    ///
    /// Without it: portal.yaml, else the folder portal.
    #[arg(short, long = "file", value_name = "FILE|DIR")]
    pub file: Vec<PathBuf>,
}

/// Which manifest, and which part of it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Manifest")]
pub(super) struct ManifestArgs {
    #[command(flatten)]
    pub files: FileArgs,

    /// Only these organizations, by key; globs such as `acme-*` are allowed.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Only these intents; globs are allowed.
    #[arg(long, value_name = "INTENT", value_delimiter = ',')]
    pub intent: Vec<String>,
}

/// What commands about one organization share; its key is an argument of their own.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct EntryArgs {
    #[command(flatten)]
    pub files: FileArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What commands that ask WorkOS share.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TargetArgs {
    #[command(flatten)]
    pub manifest: ManifestArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// How WorkOS is reached.
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
    pub sandbox: Option<Option<PathBuf>>,

    /// Read the API key from a file instead of WORKOS_API_KEY; `-` is standard input. A file is read
    /// again when it changes and when WorkOS refuses the key.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub api_key_file: Option<PathBuf>,

    /// Another endpoint; also WORKOS_API_URL. Plain http is for loopback only.
    #[arg(long, value_name = "URL", conflicts_with = "sandbox")]
    pub api_url: Option<String>,

    /// Accept an endpoint with plain http on another machine, for a sandbox in compose or a CI
    /// service. Only test keys are sent there: everything is readable on the way.
    #[arg(
        long,
        env = "PORTALCTL_ALLOW_PLAIN_HTTP",
        hide_env = true,
        value_parser = FalseyValueParser::new()
    )]
    pub allow_plain_http: bool,

    /// Never send more requests a second than this; default 50, slower when WorkOS asks for it.
    #[arg(long, value_name = "N")]
    pub requests_per_second: Option<NonZeroU32>,
}

/// Where output goes and how it looks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Write the result to a file, whole or not at all.
    #[arg(long, value_name = "FILE", global = true)]
    pub output_file: Option<PathBuf>,

    /// When to use colour. NO_COLOR and CLICOLOR_FORCE are heeded.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Colour,

    /// Print the result and errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Show each request and its time on standard error.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,

    /// How log lines are written: text unless given, and JSON of what serves.
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
}

/// When colour is used.
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

/// How log lines are written.
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
}
