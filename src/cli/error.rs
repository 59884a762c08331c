//! Errors of the command line.
//!
//! Takes errors of libraries. Returns errors with a code, a hint and an exit code; no other module
//! gives one.

use std::path::Path;

use super::exit::Exit;
use portalctl_model::codes::{Code, cli as codes};
use portalctl_model::desired::Names;
use portalctl_report::json_v1::ErrorItem;
use portalctl_workos::{ApiError, ApiErrorKind};

/// Returns the known name that a mistyped one probably stands for.
pub(super) fn most_alike<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(name, typed), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Error that kept a command from its result.
#[derive(Debug)]
pub(super) struct CliError {
    /// The exit code of the process.
    pub exit: Exit,
    /// The errors, for `-o json`.
    pub items: Vec<ErrorItem>,
    /// The errors as text, when they are told better than one line each (manifest diagnostics).
    pub rendered: Option<String>,
    /// The names of the manifest and of its environment, as far as it was read: by them the
    /// comment of an earlier run is found, which says something else.
    pub names: Names,
}

impl CliError {
    /// Creates an error with the general hint of its code.
    pub(super) fn new(exit: Exit, code: Code, message: impl Into<String>) -> Self {
        let help = code.entry().fix.to_owned();
        Self::several(exit, vec![ErrorItem::new(code, message, Some(help))])
    }

    /// Creates an error of several items.
    pub(super) fn several(exit: Exit, items: Vec<ErrorItem>) -> Self {
        Self {
            exit,
            items,
            rendered: None,
            names: Names::default(),
        }
    }

    /// Creates the error of a broken invariant.
    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        Self::new(Exit::Internal, codes::INTERNAL, error.to_string())
    }

    /// Replaces the hint of the first item by one for this very case.
    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        if let Some(item) = self.items.first_mut() {
            item.help = Some(help.into());
        }
        self
    }

    /// Adds the names of the manifest that the error is about.
    #[must_use]
    pub(super) fn of(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Creates the error of a file that cannot be read or written.
    pub(super) fn file(code: Code, doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(
            Exit::Usage,
            code,
            format!("cannot {doing} {}: {error}", path.display()),
        )
    }

    /// Creates the error of a result that cannot be written, after the command did its work.
    pub(super) fn output(to: &dyn std::fmt::Display, error: &std::io::Error) -> Self {
        let message = format!("cannot write to {to}: {error}");
        Self::new(Exit::Internal, codes::OUTPUT, message)
    }

    /// Creates the error of a run that was interrupted before it had anything to report.
    pub(super) fn interrupted() -> Self {
        Self::new(
            Exit::Interrupted,
            codes::INTERRUPTED,
            "interrupted; nothing was changed",
        )
    }

    /// Creates the error of a run that was interrupted while it wrote files, which stay.
    pub(super) fn interrupted_between_files() -> Self {
        Self::new(
            Exit::Interrupted,
            codes::INTERRUPTED,
            "interrupted; the files that were written stay",
        )
    }
}

impl CliError {
    /// Returns the error of a failed request while reading from an endpoint: nothing was done yet.
    ///
    /// A refusal by WorkOS never ends as if WorkOS could not be reached: a repeat cannot help.
    pub(super) fn reading(error: ApiError, endpoint: &str) -> Self {
        let exit = match error.kind {
            ApiErrorKind::Unauthorized | ApiErrorKind::Forbidden => Exit::Credentials,
            ApiErrorKind::NotFound | ApiErrorKind::ExternalIdTaken | ApiErrorKind::Rejected => {
                Exit::Stopped
            }
            ApiErrorKind::RateLimited
            | ApiErrorKind::Concurrent
            | ApiErrorKind::Server
            | ApiErrorKind::Unreachable
            | ApiErrorKind::Broken
            | ApiErrorKind::Timeout
            | ApiErrorKind::InvalidAnswer
            | ApiErrorKind::InvalidLink
            | ApiErrorKind::Redirected
            | ApiErrorKind::UnstableList
            | ApiErrorKind::Withheld => Exit::Unreachable,
        };
        let mut item = ErrorItem::new(
            error.code(),
            format!("{endpoint}: {error}"),
            Some(error.code().entry().fix.to_owned()),
        );
        item.http_status = error.status;
        item.upstream_code = error.upstream_code;
        item.request_id = error.request_id;
        Self::several(exit, vec![item])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_never_ends_with_the_exit_code_of_an_unreachable_workos() {
        let exit = |kind| {
            let error = ApiError {
                method: http::Method::GET,
                path: "/organizations".to_owned(),
                kind,
                status: None,
                upstream_code: None,
                message: String::new(),
                request_id: None,
                attempts: 1,
                retry_after: None,
            };
            CliError::reading(error, "api.workos.com").exit
        };
        for kind in [
            ApiErrorKind::NotFound,
            ApiErrorKind::ExternalIdTaken,
            ApiErrorKind::Rejected,
        ] {
            assert_eq!(exit(kind), Exit::Stopped, "{kind:?}");
        }
        assert_eq!(exit(ApiErrorKind::Forbidden), Exit::Credentials);
        assert_eq!(exit(ApiErrorKind::Server), Exit::Unreachable);
    }
}
