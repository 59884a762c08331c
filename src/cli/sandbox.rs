//! `portalctl sandbox`
//!
//! Takes a scenario or a state. Serves an in-memory WorkOS until it is interrupted.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use super::connect::{seed, state_error};
use super::credentials::sandbox_key;
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::KeyKind;
use portalctl_platform::clock::{SharedClock, SystemClock};
use portalctl_workos::{ApiKey, Endpoint, PlainHttp};
use workos_sandbox::fault::{DEFAULT_PERCENT, Faults};
use workos_sandbox::scenario::{Scenario, ScenarioError};
use workos_sandbox::state::StateFile;
use workos_sandbox::webhook;
use workos_sandbox::world::{World, is_return_url};
use workos_sandbox::{Audience, HttpDeliver, RateLimit, Sandbox, SandboxOptions};

/// Serve an in-memory WorkOS, to try everything without an account.
///
/// Any well-formed test key is accepted. Point portalctl, an official SDK or the official CLI
/// at its address. It listens on loopback only, unless --allow-remote says otherwise.
#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4100", value_parser = parse_address)]
    listen: SocketAddr,

    /// Listen on an address that other machines reach, for compose and CI services.
    ///
    /// Whoever reaches it can play the customer without a key, and change everything with any test
    /// key. The parts without a key are reached by an address or a name without a dot.
    #[arg(long)]
    allow_remote: bool,

    /// Beginning of portal links, where a browser reaches the sandbox by another address than its
    /// callers.
    #[arg(long, value_name = "URL", value_parser = parse_public_url)]
    public_url: Option<String>,

    /// Keep the state in a file.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Begin with a scenario: empty, busy, large, or a file. A state file that exists goes first.
    #[arg(long, value_name = "SCENARIO", default_value = "empty")]
    load: String,

    /// Accept only the key in this file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Know only this client id at /sso/jwks; any other is not found there.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// Requests that a key may make: N a minute, N/s a second, or off.
    #[arg(long, value_name = "N|N/s|off", default_value = "6000", value_parser = parse_rate_limit)]
    rate_limit: RateLimit,

    /// Make every answer take at least this many milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=60_000))]
    latency_ms: u64,

    /// Let requests fail by a schedule: SEED, or SEED:PERCENT of them (10 unless said).
    #[arg(long, value_name = "SEED[:PERCENT]", value_parser = parse_faults)]
    faults: Option<(u64, u8)>,

    /// Target of the portal's logo when a link has no return URL; at WorkOS a setting of the
    /// dashboard.
    #[arg(long, value_name = "URL", value_parser = parse_return_url)]
    default_return_url: Option<String>,

    /// Let the customer finish what a link or an invitation is for by themselves, after so many
    /// seconds.
    #[arg(long, value_name = "SECONDS")]
    auto_finish: Option<u32>,

    /// Send every event to an address on this machine, signed as WorkOS signs; repeatable.
    #[arg(
        long = "webhook-url",
        value_name = "URL",
        requires = "webhook_secret_file"
    )]
    webhook_urls: Vec<String>,

    /// The file with the secret that webhooks are signed with.
    #[arg(long, value_name = "FILE", requires = "webhook_urls")]
    webhook_secret_file: Option<PathBuf>,
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an address such as 127.0.0.1:4100 is wanted".to_owned())
}

fn parse_public_url(text: &str) -> Result<String, String> {
    match Endpoint::parse_allowing(text, PlainHttp::Anywhere) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("the URL {error}")),
    }
}

/// Checks that an address which other machines reach was asked for, and takes only test keys.
fn check_reach(args: &SandboxArgs) -> Result<(), CliError> {
    if args.listen.ip().is_loopback() {
        return Ok(());
    }
    if !args.allow_remote {
        let message = format!(
            "{} is not on loopback (127.0.0.1, [::1]), and the sandbox accepts any test key",
            args.listen
        );
        let error = CliError::new(Exit::Usage, codes::USAGE, message);
        return Err(error.help("add --allow-remote where other machines are meant to reach it"));
    }
    Ui::insist(&format!(
        "warning: other machines may reach the sandbox at {}: with any test key they change \
         everything in it, and without a key they play its customers",
        args.listen
    ));
    Ok(())
}

fn parse_return_url(text: &str) -> Result<String, String> {
    if is_return_url(text) {
        return Ok(text.to_owned());
    }
    Err("an https URL, or an http one of this machine, is wanted".to_owned())
}

fn parse_faults(text: &str) -> Result<(u64, u8), String> {
    let (seed, percent) = text.split_once(':').unzip();
    let seed = seed.unwrap_or(text).parse();
    let percent = percent.map_or(Ok(DEFAULT_PERCENT), str::parse);
    match (seed, percent) {
        (Ok(seed), Ok(percent @ 0..=100)) => Ok((seed, percent)),
        _ => Err("a seed (7), or a seed and a percentage (7:20), is wanted".to_owned()),
    }
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
    check_reach(args)?;
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
    let mut world = match kept {
        Some(world) => world,
        None => scenario(&args.load, clock)?,
    };
    if args.auto_finish.is_some() {
        world.rules_mut().auto_finish_seconds = args.auto_finish;
    }
    let mut options = SandboxOptions::new(Arc::clone(clock), world);
    options.state = state;
    options.key = args.key_file.as_deref().map(sandbox_key).transpose()?;
    let is_live = options.key.as_ref().is_some_and(is_no_test_key);
    if args.allow_remote && is_live {
        let message = "with --allow-remote only the key of a test environment is taken";
        return Err(CliError::new(Exit::Usage, codes::USAGE, message));
    }
    options.base_url.clone_from(&args.public_url);
    if args.allow_remote {
        options.audience = Audience::Network;
    }
    options
        .default_return_url
        .clone_from(&args.default_return_url);
    options.client_id.clone_from(&args.client_id);
    options.rate_limit = args.rate_limit;
    options.latency = Duration::from_millis(args.latency_ms);
    if let Some((seed, percent)) = args.faults {
        options.faults = Faults::seeded(seed, percent);
    }
    options.webhooks = endpoints(args)?;
    let deliver = HttpDeliver::new()
        .map_err(|error| CliError::new(Exit::Internal, codes::INTERNAL, error.to_string()))?;
    options.deliver = Some(Arc::new(deliver));
    Ok(Sandbox::new(options))
}

/// Returns whether a key is not of the kind that test environments have.
fn is_no_test_key(key: &SecretString) -> bool {
    let key = ApiKey::parse(key.expose_secret());
    key.is_ok_and(|key| key.kind() != Some(KeyKind::Test))
}

/// Returns the addresses that events are sent to, with the secret that signs them.
fn endpoints(args: &SandboxArgs) -> Result<Vec<webhook::Endpoint>, CliError> {
    let Some(file) = &args.webhook_secret_file else {
        return Ok(Vec::new());
    };
    let secret = std::fs::read_to_string(file).map_err(|error| {
        let message = format!("cannot read the webhook secret {}: {error}", file.display());
        CliError::new(Exit::Usage, codes::FILE, message)
    })?;
    let secret = SecretString::from(secret.trim_end_matches(['\r', '\n']).to_owned());
    let urls = args.webhook_urls.iter();
    urls.map(|url| {
        webhook::Endpoint::new(url, &secret).map_err(|error| {
            CliError::new(
                Exit::Usage,
                codes::USAGE,
                format!("the webhook endpoint {url} cannot be used: {error}"),
            )
        })
    })
    .collect()
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

/// Prints the address: alone on standard output, for scripts; with instructions on standard error.
fn greet(address: SocketAddr, ui: &Ui) -> Result<(), CliError> {
    ui.data(&format!("http://{address}\n"))?;
    if !address.ip().is_loopback() {
        ui.say(&format!(
            "The sandbox is up; Ctrl-C ends it. Where it is called HOST:\n\
             \n  export WORKOS_API_URL=http://HOST:{} WORKOS_API_KEY=sk_test_sandbox\n  \
             export PORTALCTL_ALLOW_PLAIN_HTTP=1\n  portalctl plan\n",
            address.port()
        ));
        return Ok(());
    }
    ui.say(&format!(
        "The sandbox is up; Ctrl-C ends it. In another terminal:\n\
         \n  export WORKOS_API_URL=http://{address} WORKOS_API_KEY=sk_test_sandbox\n  \
         portalctl plan\n"
    ));
    Ok(())
}
