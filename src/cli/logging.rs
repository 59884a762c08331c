//! Log lines on standard error: `-v` shows each request, `-vv` also what the libraries say.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::{LogFormat, OutputArgs};

/// Sets up logging for the process; without `-v` there is none.
///
/// Requests are told by [`crate::workos::client`], which never hands over a header, a body or a
/// query. Libraries' own lines are limited to warnings, because some trace headers.
pub(super) fn init(args: &OutputArgs) {
    if args.verbose == 0 {
        return;
    }
    let registry = tracing_subscriber::registry().with(filter(args, LevelFilter::DEBUG));
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false);
    match args.log_format {
        LogFormat::Text => registry.with(layer.with_target(false)).init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
}

/// Sets up logging for a server: always, and JSON, because a program reads it.
pub(super) fn init_server(args: &OutputArgs) {
    let ours = match args.verbose {
        0 if args.quiet => LevelFilter::WARN,
        0 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .json()
        .flatten_event(true);
    let registry = tracing_subscriber::registry().with(filter(args, ours));
    registry.with(layer).init();
}

fn filter(args: &OutputArgs, ours: LevelFilter) -> Targets {
    let libraries = if args.verbose > 1 {
        LevelFilter::WARN
    } else {
        LevelFilter::ERROR
    };
    Targets::new()
        .with_target("portalctl", ours)
        .with_default(libraries)
}
