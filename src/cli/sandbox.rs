//! `portalctl sandbox`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::connect::{seed, state_error};
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use crate::clock::{SharedClock, SystemClock};
use crate::codes::cli as codes;
use crate::sandbox::scenario::{Scenario, ScenarioError};
use crate::sandbox::state::StateFile;
use crate::sandbox::world::World;
use crate::sandbox::{RateLimit, Sandbox, SandboxOptions};

/// Serve an in-memory WorkOS, to try everything without an account.
///
/// Any well-formed test key is accepted. Point portalctl, an official SDK or the official CLI
/// at its address. It is meant for this machine and listens on loopback only.
#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4100", value_parser = parse_loopback)]
    listen: SocketAddr,

    /// Keep the state in a file.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Begin with a scenario: empty, busy, large, or a file. A state file that exists goes first.
    #[arg(long, value_name = "SCENARIO", default_value = "empty")]
    load: String,

    /// Requests that a key may make: N a minute, N/s a second, or off.
    #[arg(long, value_name = "N|N/s|off", default_value = "6000", value_parser = parse_rate_limit)]
    rate_limit: RateLimit,

    /// Make every answer take at least this many milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=60_000))]
    latency_ms: u64,
}

fn parse_loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "an address such as 127.0.0.1:4100 is wanted".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("the sandbox accepts any key, so it listens on loopback (127.0.0.1, [::1]) only".to_owned())
}

fn parse_rate_limit(text: &str) -> Result<RateLimit, String> {
    let wanted = || "a number a minute (6000), a second (100/s), or off is wanted".to_owned();
    if text == "off" {
        return Ok(RateLimit::Off);
    }
    let (number, per) = match text.strip_suffix("/s") {
        Some(number) => (number, Duration::from_secs(1)),
        None => (text, Duration::from_mins(1)),
    };
    match number.parse() {
        Ok(requests) if requests > 0 => Ok(RateLimit::Requests { requests, per }),
        _ => Err(wanted()),
    }
}

pub(super) fn run(args: &SandboxArgs, ui: &Ui) -> Result<Exit, CliError> {
    let clock: SharedClock = Arc::new(SystemClock);
    let sandbox = build(args, &clock)?;
    session::block_on(async |interrupted| {
        let listener = TcpListener::bind(args.listen).await.map_err(|error| {
            let message = format!("cannot listen on {}: {error}", args.listen);
            CliError::new(Exit::Usage, codes::ADDRESS, message)
        })?;
        let address = listener.local_addr().unwrap_or(args.listen);
        greet(address, ui)?;
        sandbox
            .serve(listener, interrupted.cancelled_owned())
            .await
            .map_err(|error| CliError::new(Exit::Usage, codes::SANDBOX_STATE, error.to_string()))?;
        Ok(Exit::Done)
    })
}

fn build(args: &SandboxArgs, clock: &SharedClock) -> Result<Sandbox, CliError> {
    let (state, kept) = match &args.state {
        Some(path) => {
            let (state, world) = StateFile::open(path).map_err(|error| state_error(&error))?;
            (Some(state), world)
        }
        None => (None, None),
    };
    let world = match kept {
        Some(world) => world,
        None => scenario(&args.load, clock)?,
    };
    let mut options = SandboxOptions::new(Arc::clone(clock), world);
    options.state = state;
    options.rate_limit = args.rate_limit;
    options.latency = Duration::from_millis(args.latency_ms);
    Ok(Sandbox::new(options))
}

fn scenario(name: &str, clock: &SharedClock) -> Result<World, CliError> {
    let failed = |error: ScenarioError| {
        CliError::new(Exit::Usage, codes::SANDBOX_STATE, error.to_string())
            .help("--load takes empty, busy, large, or the path of a scenario file")
    };
    let mut world = World::new(seed(clock));
    Scenario::load(name)
        .and_then(|scenario| scenario.build(&mut world, clock.now()))
        .map_err(failed)?;
    Ok(world)
}

/// Says where it is: the address alone on standard output, for scripts; the rest beside it.
fn greet(address: SocketAddr, ui: &Ui) -> Result<(), CliError> {
    ui.data(&format!("http://{address}\n"))?;
    ui.say(&format!(
        "The sandbox is up; Ctrl-C ends it. In another terminal:\n\
         \n  export WORKOS_API_URL=http://{address} WORKOS_API_KEY=sk_test_sandbox\n  \
         portalctl plan\n"
    ));
    Ok(())
}
