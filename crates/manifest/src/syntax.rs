//! Messages for the errors of the YAML parser.
//!
//! Goes in: one error. Comes out: a message and a hint in the terms of the file. Quotes no input but
//! single characters, so that no secret can pass.

use serde_saphyr::granit_parser::ErrorKind;

use portalctl_model::text::escape;

/// A message and its hint.
pub(super) struct Message {
    pub(super) message: String,
    pub(super) help: &'static str,
}

fn message(message: impl Into<String>, help: &'static str) -> Message {
    Message {
        message: message.into(),
        help,
    }
}

const INDENT: &str = "indent with spaces, and give the fields of one mapping the same indentation";

/// Describes an error; `None` when it is not about syntax.
pub(super) fn describe(kind: &ErrorKind) -> Option<Message> {
    if matches!(kind, ErrorKind::RecursionLimitExceeded) {
        return None;
    }
    let found = brackets(kind)
        .or_else(|| structure(kind))
        .or_else(|| scalars(kind))
        .unwrap_or_else(|| {
            message(
                format!("not valid YAML: {}", escape(&kind.to_string())),
                "check the indentation and the quotes around this place",
            )
        });
    Some(found)
}

/// Returns whether a tab stands where it may not.
pub(super) fn is_tab(kind: &ErrorKind) -> bool {
    use ErrorKind as K;
    matches!(
        kind,
        K::TabNotAllowed
            | K::TabInBlockIndentation
            | K::TabInIndentation
            | K::TabAtBlockScalarStart
            | K::TabInPlainScalar
    )
}

/// Describes errors about brackets and braces.
fn brackets(kind: &ErrorKind) -> Option<Message> {
    use ErrorKind as K;
    Some(match kind {
        K::UnclosedFlowCollection { open } => message(
            format!("`{open}` is never closed"),
            "add the closing bracket",
        ),
        K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping => {
            message("the file ends inside brackets", "add the closing bracket")
        }
        K::MismatchedFlowCollectionEnd { open, close } => message(
            format!("`{open}` is closed with `{close}`"),
            "close `[` with `]` and `{` with `}`",
        ),
        K::MisplacedFlowCollectionEnd => message(
            "a closing bracket without an opening one",
            "remove it, or quote the text it belongs to",
        ),
        K::ExpectedFlowSequenceSeparator | K::ExpectedFlowMappingSeparator => message(
            "a `,` or the closing bracket is missing here",
            "separate the items with `,`, and quote texts that hold brackets, `,` or `: `",
        ),
        _ => return None,
    })
}

/// Describes errors about lines and indentation.
fn structure(kind: &ErrorKind) -> Option<Message> {
    use ErrorKind as K;
    Some(match kind {
        kind if is_tab(kind) => message(
            "a tab stands where YAML allows only spaces",
            "replace the tab with spaces",
        ),
        K::MappingValueNotAllowed | K::InvalidColonPlacement | K::InvalidMappingValueWhitespace => {
            message(
                "`:` is not allowed here",
                "quote the text if the `:` belongs to it; else look for a wrong indentation, a missing \
             `:` or an unclosed bracket in the lines before",
            )
        }
        K::SimpleKeyExpected | K::InvalidSimpleKey => message(
            "expected `key: value` here",
            "add the `:` and a space after the key, or check the indentation",
        ),
        K::MappingKeyNotAllowed | K::ExpectedBlockMappingKey | K::UnexpectedEofBlockMapping => {
            message("this line does not fit the mapping it stands in", INDENT)
        }
        K::ExpectedBlockSequenceEntry
        | K::UnexpectedEofBlockSequence
        | K::BlockSequenceEntryNotAllowed
        | K::BlockEntryInFlowCollection
        | K::InvalidBlockEntryWhitespace => message(
            "this line does not fit the list it stands in",
            "start each item with `- ` at the same indentation",
        ),
        K::InvalidIndentation
        | K::InvalidBlockScalarIndent
        | K::InvalidQuotedScalarIndent
        | K::InvalidFlowScalarIndent => message("wrong indentation", INDENT),
        K::ExpectedNodeContent | K::UnexpectedEof | K::UnexpectedEndOfPlainScalar => message(
            "a value is missing here",
            "add the value, or remove the field",
        ),
        K::BomInsideDocument => message(
            "a byte-order mark stands inside the file",
            "remove it; two files may have been joined",
        ),
        _ => return None,
    })
}

/// Describes errors about texts, and about characters with a meaning at their beginning.
fn scalars(kind: &ErrorKind) -> Option<Message> {
    use ErrorKind as K;
    Some(match kind {
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => message(
            "this quoted text is never closed",
            "add the closing quote; inside double quotes write \\\" for a quote, inside single \
             quotes write it twice",
        ),
        K::UnexpectedCharacter { character } => message(
            format!(
                "no value can start with `{}`",
                escape(&character.to_string())
            ),
            "put the text in quotes",
        ),
        K::PlainScalarStartsWithDashFlowIndicator => {
            message("no value can start like this", "put the text in quotes")
        }
        K::UnknownQuotedScalarEscape
        | K::InvalidQuotedScalarHexEscape
        | K::InvalidUnicodeEscape
        | K::InvalidLowSurrogateHexEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate => message(
            "unknown escape in double quotes",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => message(
            "text follows a closing quote",
            "put the whole text in quotes; inside single quotes write a quote twice",
        ),
        K::CommentNotSeparated | K::CommentInterceptedScalar => message(
            "a comment cannot start here",
            "put a space before `#`, or quote the text if the `#` belongs to it",
        ),
        K::MissingAnchorOrAliasName => message(
            "`&` and `*` name an anchor or an alias, but no name follows",
            "put the text in quotes if the character belongs to it",
        ),
        K::UnknownAnchor => message(
            "`*` starts an alias, but no anchor of that name stands before it",
            "quote the text if the `*` belongs to it; else define the anchor (`&name`) earlier in \
             the same document",
        ),
        K::UndeclaredTagHandle
        | K::MissingTagUri
        | K::UnclosedVerbatimTag
        | K::InvalidTagTerminator => message(
            "`!` starts a YAML tag, but this is not one",
            "put the text in quotes if the `!` belongs to it; a manifest needs no tags",
        ),
        K::InvalidBlockScalarHeader | K::ZeroBlockScalarIndent => message(
            "the text after `|` or `>` must start on the next line",
            "start a new line, or quote the text if the character belongs to it",
        ),
        _ => return None,
    })
}
