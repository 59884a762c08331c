//! Log lines on standard error: `-v` shows each request, `-vv` also lines of the libraries.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::{LogFormat, OutputArgs};
use portalctl_model::inert;

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
    let unless_given = if is_service {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    let format = args.log_format.unwrap_or(unless_given);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(move || InertLog(format))
        .with_ansi(false);
    match format {
        LogFormat::Text => registry.with(layer.with_target(false)).init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
}

/// Standard error, for lines of the log that are inert for terminals and for the logs of CI systems.
struct InertLog(LogFormat);

impl Write for InertLog {
    /// Writes whole lines: the subscriber hands over each event at once.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(lines);
        let text = match self.0 {
            LogFormat::Text => inert::output(&text),
            LogFormat::Json => inert::json(&text),
        };
        io::stderr().lock().write_all(text.as_bytes())?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
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
