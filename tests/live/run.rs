//! Plays the conformance cases on a real WorkOS account: `scripts/live --help`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "a program of the tests"
)]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../it/conformance/api_client.rs"]
mod api_client;
#[path = "../it/conformance/cases.rs"]
mod cases;
#[path = "../it/conformance/live/mod.rs"]
mod live;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use live::{BUDGET, Settings, play, refuse_key};

/// Exit code of a run that was refused before it sent anything.
const REFUSED: u8 = 3;

/// Plays the conformance cases on a real WorkOS account, and answers what no documentation does.
///
/// It takes the key of a test environment only (`sk_test_…`), from the variable WORKOS_API_KEY or from
/// a file. Everything that it makes has a name that begins with `portalctl-live-`, and is removed at
/// the end. It exits with 0 when everything is as portalctl assumes, with 2 when something differs,
/// with 1 when it ended early, and with 3 when nothing was sent.
#[derive(Debug, Parser)]
#[command(name = "scripts/live")]
struct Args {
    /// File that holds the key.
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,

    /// Address of the API.
    #[arg(long, value_name = "URL", default_value = "https://api.workos.com")]
    api_url: String,

    /// Address that may be sent two e-mails; without it nobody is sent any.
    #[arg(long, value_name = "ADDRESS")]
    invite_to: Option<String>,

    /// File for the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Most requests that are sent; never more than 300.
    #[arg(long, value_name = "N", default_value_t = BUDGET,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=300))]
    requests: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let settings = match settings(&args) {
        Ok(settings) => settings,
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::from(REFUSED);
        }
    };
    // A case that cannot read an answer is part of the report.
    std::panic::set_hook(Box::new(|_| {}));
    let interrupted = CancellationToken::new();
    let token = interrupted.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("interrupted: removing what was made");
            token.cancel();
        }
    });
    let report = play(&settings, &interrupted).await;
    print!("{report}");
    if let Some(path) = &args.json {
        let written = serde_json::to_vec_pretty(&report).map_err(std::io::Error::other);
        if let Err(error) = written.and_then(|json| std::fs::write(path, json)) {
            eprintln!("error: cannot write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::from(report.exit_code())
}

/// Checks the arguments and reads the key; sends nothing.
fn settings(args: &Args) -> Result<Settings, String> {
    let key = match &args.api_key_file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?,
        None => std::env::var("WORKOS_API_KEY")
            .map_err(|_| "set WORKOS_API_KEY, or name a file with --api-key-file".to_owned())?,
    };
    let key = key.trim().to_owned();
    if let Some(why) = refuse_key(&key) {
        return Err(why.to_owned());
    }
    let url = url::Url::parse(&args.api_url).map_err(|error| format!("--api-url: {error}"))?;
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
        return Err("--api-url: https is wanted, or http on this machine".to_owned());
    }
    Ok(Settings {
        url: url.as_str().trim_end_matches('/').to_owned(),
        key,
        budget: args.requests,
        invite_to: args.invite_to.clone(),
        leftover_age: SignedDuration::from_mins(15),
    })
}
