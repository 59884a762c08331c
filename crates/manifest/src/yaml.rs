//! Parsing of YAML, within bounded memory and time.
//!
//! Goes in: the text of one file. Comes out: its documents as [`Node`] trees, or the one error
//! at which the parser gave up. Knows YAML, not manifests.

use std::collections::BTreeSet;

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::granit_parser::ErrorKind;
use serde_saphyr::{
    DuplicateKeyPolicy, Error, ExternalMessageSource, MergeKeyPolicy, NonFiniteFloatPolicy, Options,
};

use super::diagnostic::Finding;
use super::node::{Node, TOO_MANY_ENTRIES};
use super::source::{FileId, Spot, pick_lines};
use super::syntax;
use portalctl_model::codes::{Code, manifest as codes};
use portalctl_model::text::escape;

/// The deepest nesting of collections. A manifest needs seven levels.
const MAX_DEPTH: usize = 32;
/// The most anchors and aliases in one file.
const MAX_ALIASES: usize = 400_000;
/// The most values that all aliases of a file may expand to.
const MAX_ALIASED_VALUES: usize = 2_000_000;
/// The most documents in one file.
const MAX_DOCUMENTS: usize = 10_000;

/// Parses the documents of one file; `max_nodes` bounds how many values they may hold.
pub(super) fn parse(text: &str, file: FileId, max_nodes: usize) -> Result<Vec<Node>, Finding> {
    serde_saphyr::from_multiple_with_options(text, options(text.len(), max_nodes))
        .map_err(|error| explain(&error, text, file))
}

fn options(bytes: usize, max_nodes: usize) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            // Every collection ends once, and so does every document.
            max_events: max_nodes.saturating_mul(2).saturating_add(2 * MAX_DOCUMENTS + 2),
            max_nodes: max_nodes,
            max_depth: MAX_DEPTH,
            // Above `max_depth`, so that both kinds of nesting are refused for the same reason.
            flow_nesting_limit: MAX_DEPTH * 2,
            max_documents: MAX_DOCUMENTS,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_recorded_anchor_events: MAX_ALIASES,
            max_recorded_anchor_bytes: 16 * 1024 * 1024,
            max_total_scalar_bytes: bytes,
            max_merge_keys: MAX_ALIASES,
            // One anchor used by thousands of organizations is what merge keys are for; what
            // aliases expand to is bounded instead.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIASED_VALUES,
            max_replay_stack_depth: 8,
        },
        // Duplicates are reported by us: all of them, with both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Merge,
        // YAML 1.2: `no` is a country, not a boolean.
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

/// Explains the error of the parser.
fn explain(error: &Error, text: &str, file: FileId) -> Finding {
    let (code, message, help) = describe(error.without_snippet());
    let finding = Finding::error(code, message)
        .at(spot_of(error, text, file))
        .help(help);
    match error.locations() {
        // An alias fails where it is used because of what stands where it is defined.
        Some(both) if both.defined_location != both.reference_location => {
            let defined = both.defined_location;
            finding.related(to_spot(defined, file), "the anchored value")
        }
        _ => finding,
    }
}

fn spot_of(error: &Error, text: &str, file: FileId) -> Spot {
    let spot = error
        .location()
        .map_or(Spot::start_of(file), |at| to_spot(at, file));
    let is_tab = matches!(
        error.without_snippet(),
        Error::ExternalMessage { source, .. }
            if matches!(source.as_ref(), ExternalMessageSource::Parser(scan) if syntax::is_tab(scan.kind()))
    );
    if is_tab { tab_near(text, spot) } else { spot }
}

/// Returns the place of the tab that an error is about: the parser tells where it stopped, which is
/// behind the tab, or at the end of the line before it.
fn tab_near(text: &str, spot: Spot) -> Spot {
    let lines = pick_lines(text, &BTreeSet::from([spot.line, spot.line + 1]));
    let tabs = |line: u32| {
        let line = lines.get(&line).copied().unwrap_or_default();
        line.chars().zip(1..).filter(|(c, _)| *c == '\t')
    };
    let before = tabs(spot.line).filter(|(_, column)| *column <= spot.column);
    let after = tabs(spot.line).filter(|(_, column)| *column > spot.column);
    let here = before
        .last()
        .or_else(|| after.min_by_key(|(_, column)| *column));
    let next = || tabs(spot.line + 1).next().map(|tab| (tab, spot.line + 1));
    let found = here.map(|tab| (tab, spot.line)).or_else(next);
    found.map_or(spot, |((_, column), line)| Spot {
        line,
        column,
        length: 1,
        ..spot
    })
}

fn to_spot(at: serde_saphyr::Location, file: FileId) -> Spot {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Spot {
        file,
        line: small(at.line()).max(1),
        column: small(at.column()).max(1),
        length: small(at.span().len()),
    }
}

type Description = (Code, String, String);

fn describe(error: &Error) -> Description {
    match error {
        Error::AliasError { error, .. } => describe(error),
        Error::Budget { breach, .. } => describe_breach(breach),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::RecursiveReferencesRequireWeakTypes { .. } => (
            codes::TOO_COMPLEX,
            "the aliases of this file expand to too much".to_owned(),
            "write the values out, or use fewer and smaller anchors".to_owned(),
        ),
        Error::Message { msg, .. } if msg == TOO_MANY_ENTRIES => (
            codes::TOO_LARGE,
            "this mapping holds more entries than portalctl reads".to_owned(),
            "split it: all files of a folder make one manifest".to_owned(),
        ),
        Error::UnsupportedTag { tag, .. } => (
            codes::UNKNOWN_TAG,
            format!("unknown YAML tag `{}`", escape(tag)),
            "remove the tag; a manifest needs none".to_owned(),
        ),
        Error::UnknownAnchor { .. } => match syntax::describe(&ErrorKind::UnknownAnchor) {
            Some(words) => syntax_error(&words.message, words.help),
            None => unreadable(error),
        },
        Error::InvalidScalar { .. } | Error::InvalidBinaryBase64 { .. } => syntax_error(
            "this value is not of the type that its tag says",
            "remove the tag; a manifest needs none",
        ),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => syntax_error(
            "`<<` can only merge mappings",
            "let the alias after `<<:` name a mapping, or a list of mappings",
        ),
        Error::ExternalMessage { source, .. } => match source.as_ref() {
            ExternalMessageSource::Parser(scan) => match syntax::describe(scan.kind()) {
                Some(words) => syntax_error(&words.message, words.help),
                None => too_deep(),
            },
            _ => unreadable(error),
        },
        _ => unreadable(error),
    }
}

/// Describes a rare error in the parser's own words, without their position.
fn unreadable(error: &Error) -> Description {
    let words = error.to_string();
    let words = words
        .split_once(" at line ")
        .map_or(&*words, |(words, _)| words);
    syntax_error(
        &format!("not valid YAML: {}", escape(words)),
        "check the indentation and the quotes around this place",
    )
}

fn syntax_error(message: &str, help: &str) -> Description {
    (codes::SYNTAX, message.to_owned(), help.to_owned())
}

fn too_deep() -> Description {
    (
        codes::TOO_COMPLEX,
        format!("nested more than {MAX_DEPTH} levels deep"),
        "a manifest nests less than ten levels; look for an unclosed bracket or a wrong \
         indentation"
            .to_owned(),
    )
}

fn describe_breach(breach: &BudgetBreach) -> Description {
    let refused =
        |message: &str, help: &str| (codes::TOO_COMPLEX, message.to_owned(), help.to_owned());
    match breach {
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => (
            codes::TOO_LARGE,
            "this manifest holds more values than portalctl reads".to_owned(),
            "declare fewer organizations in one manifest".to_owned(),
        ),
        BudgetBreach::Documents { .. } => refused(
            &format!("more than {MAX_DOCUMENTS} documents in one file"),
            "put several organizations into one document",
        ),
        _ => refused(
            "the anchors and aliases of this file expand to too much",
            "write the values out, or use fewer and smaller anchors",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Findings;
    use crate::source::Sources;

    #[test]
    fn an_error_about_a_tab_points_at_it() {
        let mut sources = Sources::default();
        let file = sources.reserve(Arc::from("a.yaml"));
        for (text, place) in [
            ("a:\n  b:\n\t  c: d\n", (3, 1)),
            ("a:\n  b: c\n\td: e\n", (3, 1)),
            ("a:\n  b:\n\t- c\n", (3, 1)),
            ("a:\n  b:\tc\n  d: [e,\n\tf]\n", (4, 1)),
            ("a:\n  b:\n  \tc: d\n", (3, 3)),
        ] {
            let mut findings = Findings::default();
            findings.push(parse(text, file, 100).unwrap_err());
            let findings = findings.finish(&sources);
            let finding = findings.iter().next().unwrap();
            assert!(finding.message.contains("a tab"), "{text}: {finding:?}");
            let at = finding.location.as_ref().unwrap();
            assert_eq!(
                (at.line, at.column, at.length),
                (place.0, place.1, 1),
                "{text}"
            );
        }
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let mut sources = Sources::default();
        let file = sources.reserve(Arc::from("a.yaml"));
        assert!(parse("[1, 2, 3]", file, 4).is_ok());
        let mut findings = Findings::default();
        findings.push(parse("[1, 2, 3]", file, 3).unwrap_err());
        let findings = findings.finish(&sources);
        assert_eq!(findings.iter().next().unwrap().code, codes::TOO_LARGE);
    }
}
