//! A command that has no result: the errors take the place of what an earlier run said.

use super::budget::{Document, Rank, Section};
use super::escape::{code, prose};
use super::{JSON, item, marker, title};
use crate::Headline;
use crate::json_v1::ErrorItem;
use crate::text::counted;
use portalctl_model::desired::Names;

/// Renders the errors that kept a command from its result.
///
/// `names` are as much as was read of the manifest: the first line is the same as that of a run
/// that succeeds, so that its comment is found and written over.
pub fn failed(command: &str, names: &Names, sandbox: bool, errors: &[ErrorItem]) -> String {
    let mut document = Document::default();
    document.fixed(marker::key(command, names));
    document.fixed(title(command, sandbox, names, "failed"));
    document.fixed(format!(
        "There is no result: {}.\n\n",
        counted(errors.len(), "error")
    ));
    document.section(self::errors(errors));
    document.fixed("`portalctl explain CODE` tells more.\n");
    document.render()
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

/// Renders problems, each at its place in a file, or at `elsewhere`.
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

/// `portal.yaml:3:5`, as far as it is known.
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
