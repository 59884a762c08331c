//! Markdown of a command without a result: its errors, in place of an earlier report.

use super::budget::{Document, Rank, Section};
use super::escape::{code, prose};
use super::{JSON, item, marker, title};
use crate::ErrorItem;
use crate::Headline;
use crate::view::counted;
use portalctl_core::plan::Target;
use portalctl_model::desired::Names;

/// Command that ended without a result.
#[derive(Debug, Clone, Copy)]
pub struct FailedRun<'a> {
    /// Name of the command.
    pub command: &'a str,
    /// Names of the environment and the manifest, as far as they were read.
    pub names: &'a Names,
    /// True when the run was against the in-memory WorkOS.
    pub sandbox: bool,
    /// Errors of the run.
    pub errors: &'a [ErrorItem],
}

/// Renders the errors that kept a command from its result.
///
/// The first line is the same as that of a successful run, so that its comment is found and
/// replaced.
pub fn failed(run: &FailedRun<'_>) -> Document {
    let FailedRun {
        command,
        names,
        sandbox,
        errors,
    } = *run;
    let headline = Headline {
        sandbox,
        target: Target {
            environment: names.environment.clone(),
            ..Target::default()
        },
        ..Headline::default()
    };
    let mut document = Document::default();
    document.fixed(marker::key(command, names));
    document.fixed(title(&headline, command, "failed"));
    document.fixed(format!(
        "There is no result: {}.\n\n",
        counted(errors.len(), "error")
    ));
    document.section(self::errors(errors));
    document.fixed("`portalctl explain CODE` tells more.\n");
    document
}

/// Renders errors as a list.
pub(super) fn errors(errors: &[ErrorItem]) -> Section {
    list("errors", "error", errors)
}

/// Renders the warnings about the manifest itself as a list.
pub(super) fn manifest_warnings(headline: &Headline) -> Section {
    list(
        "warnings about the manifest",
        "manifest",
        &headline.manifest_warnings,
    )
    .open("#### Warnings about the manifest\n\n")
}

/// Renders problems, each with its place in a file, or with `elsewhere`.
fn list(things: &'static str, elsewhere: &str, problems: &[ErrorItem]) -> Section {
    let mut section = Section::new(Rank::List, things, JSON);
    for problem in problems {
        section.item(|| told(problem, elsewhere));
    }
    section
}

fn told(error: &ErrorItem, elsewhere: &str) -> String {
    let said = format!(
        "{} ({}): {}",
        place(error).map_or_else(|| elsewhere.to_owned(), |place| code(&place)),
        code(error.code),
        prose(&error.message)
    );
    item(&said, error.help.as_deref())
}

/// Returns the place of a problem, such as `portal.yaml:3:5`, as far as it is known.
fn place(error: &ErrorItem) -> Option<String> {
    let mut place = error.file.clone()?;
    for part in [error.line, error.column]
        .into_iter()
        .map_while(|part| part)
    {
        place.push_str(&format!(":{part}"));
    }
    Some(place)
}
