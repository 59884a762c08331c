//! Log lines on standard error: `-v` shows each request, `-vv` also lines of the libraries.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::{LogFormat, OutputArgs};

/// Purpose of a command's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A service runs until it is stopped: its log is the account of what it does.
    Service,
    /// Any other command has a result of its own, and a log only where it is asked for.
    Command,
}

/// Sets up logging for the process.
///
/// Without `-v` only a service has a log: as JSON unless text is asked for, because a program reads
/// it.
///
/// Requests are told by [`portalctl_workos::client`], which never hands over a header, a body or a
/// query. Libraries' own lines are limited to warnings, because some trace headers.
pub(super) fn init(args: &OutputArgs, purpose: Purpose) {
    let is_service = purpose == Purpose::Service;
    if args.verbose == 0 && !is_service {
        return;
    }
    let registry = tracing_subscriber::registry().with(filter(args));
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false);
    let unless_given = if is_service {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    match args.log_format.unwrap_or(unless_given) {
        LogFormat::Text => registry.with(layer.with_target(false)).init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
}

fn filter(args: &OutputArgs) -> Targets {
    let ours = match args.verbose {
        0 if args.quiet => LevelFilter::WARN,
        0 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let libraries = if args.verbose > 1 {
        LevelFilter::WARN
    } else {
        LevelFilter::ERROR
    };
    Targets::new()
        .with_target("portalctl", ours)
        .with_target("workos_sandbox", ours)
        .with_default(libraries)
}
