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
    let libraries = if args.verbose > 1 {
        LevelFilter::WARN
    } else {
        LevelFilter::ERROR
    };
    let filter = Targets::new()
        .with_target("portalctl", LevelFilter::DEBUG)
        .with_default(libraries);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false);
    match args.log_format {
        LogFormat::Text => registry.with(layer.with_target(false)).init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
}
