//! Panics: reported by their place in the source, without any value that the program held.
//!
//! The message of a panic may show any value: that of a slice shows the text that was to be cut,
//! which may be a key. So only a message that stands in the source is shown.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use super::error::CliError;
use super::ui::Ui;

/// Installs the hook: a panic of any thread becomes a line of the log where there is one, and a line
/// for people elsewhere.
pub(super) fn install() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        let place = place.as_deref().unwrap_or("an unknown place");
        let why = in_the_source(info);
        // Functions and lines; only where RUST_BACKTRACE asks for it.
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
        if tracing::enabled!(tracing::Level::ERROR) {
            let backtrace = backtrace.map(tracing::field::display);
            tracing::error!(place, why, backtrace, "portalctl broke down: a bug");
            return;
        }
        let mut told = format!("bug: {place}");
        if let Some(why) = why {
            told += &format!(": {why}");
        }
        if let Some(backtrace) = backtrace {
            told += &format!("\n{backtrace}");
        }
        Ui::insist(&told);
    }));
}

/// Returns the message of a panic that stands in the source; none for one that was formatted.
fn in_the_source(info: &PanicHookInfo<'_>) -> Option<&'static str> {
    info.payload().downcast_ref::<&'static str>().copied()
}

/// Runs a command; a panic becomes an internal error.
pub(super) fn catch<T>(run: impl FnOnce() -> Result<T, CliError>) -> Result<T, CliError> {
    // Nothing is used afterwards but what was there before.
    panic::catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(CliError::internal("portalctl broke down: this is a bug")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn a_panic_ends_with_the_code_of_an_internal_error() {
        let error = catch::<()>(|| panic!("on purpose")).unwrap_err();
        assert_eq!(error.exit, Exit::Internal);
        assert_eq!(error.items[0].code, "cli/internal");
    }
}
