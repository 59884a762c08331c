//! Escaping of text from outside for GitHub's Markdown.
//!
//! Backslashes do not keep GitHub from linking `@team`, `#12`, a commit's hash or an address: it
//! looks for them in the rendered text, but never inside code. So a word that is not plain is shown
//! as code: readers see it as it is, nothing invisible is put into it, and it can be copied.

use std::borrow::Cow;

use portalctl_model::text::{escape, mask_addresses};

/// Most characters shown of one text: more than WorkOS keeps of a value.
const LONGEST: usize = 1_000;
/// Longest run of hexadecimal digits that GitHub does not take for a commit's hash.
const LONGEST_NO_HASH: usize = 6;

/// Piece of inline text.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// Markdown that is known to be harmless.
    Plain(String),
    /// Text to show as code.
    Code(String),
}

/// Renders a name, an id or a value as a code span.
pub(super) fn code(text: &str) -> String {
    let (shown, more) = shown(text);
    span(&shown) + &more
}

/// Renders a sentence: quoted and unsafe words as code, the rest as it is.
pub(super) fn prose(text: &str) -> String {
    let (shown, more) = shown(text);
    let mut out = String::with_capacity(shown.len() + 16);
    for piece in pieces(&shown) {
        match piece {
            Piece::Plain(markdown) => out.push_str(&markdown),
            Piece::Code(text) => out.push_str(&span(&text)),
        }
    }
    out + &more
}

/// Escapes Markdown of [`code`] and [`prose`] for the cell of a table.
///
/// A pipe stands inside code only, and GitHub removes the backslash before it; where the code
/// itself has a backslash there, the pipe is shown as an escape.
pub(super) fn cell(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut last = ' ';
    for c in markdown.chars() {
        match c {
            '|' if last == '\\' => out.extend(c.escape_unicode()),
            '|' => out.push_str("\\|"),
            _ => out.push(c),
        }
        last = c;
    }
    out
}

/// Renders text for the inside of a fence, on one line.
pub(super) fn verbatim(text: &str) -> String {
    let (shown, more) = shown(text);
    shown.into_owned() + &more
}

/// Renders a code element, for places without Markdown such as the summary of `<details>`.
pub(super) fn html_code(text: &str) -> String {
    let (shown, more) = shown(text);
    let mut out = String::from("<code>");
    for c in shown.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out + "</code>" + &more
}

/// Returns a fence that nothing in the text can close.
pub(super) fn fence(text: &str) -> String {
    "`".repeat((longest_backticks(text) + 1).max(3))
}

/// Returns text on one line with addresses masked, and a remark on what is cut off.
fn shown(text: &str) -> (Cow<'_, str>, String) {
    // Masked before the cut: half an address might not be recognized as one.
    let masked = mask_addresses(text);
    let Some((end, _)) = masked.char_indices().nth(LONGEST) else {
        let shown = match masked {
            Cow::Borrowed(text) => escape(text),
            Cow::Owned(masked) => Cow::Owned(escape(&masked).into_owned()),
        };
        return (shown, String::new());
    };
    let (start, rest) = masked.split_at(end);
    let more = format!(" … ({} more characters)", rest.chars().count());
    (Cow::Owned(escape(start).into_owned()), more)
}

/// Renders a code span: delimiters longer than any run inside, spaces where the text would touch
/// them.
fn span(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let ticks = "`".repeat(longest_backticks(text) + 1);
    let touches = text.starts_with('`') || text.ends_with('`');
    // A span loses one space at either end when both are there, unless it is all spaces.
    let is_stripped =
        text.starts_with(' ') && text.ends_with(' ') && text.contains(|c: char| c != ' ');
    let space = if touches || is_stripped { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

fn longest_backticks(text: &str) -> usize {
    let runs = text.split(|c: char| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

/// Splits a sentence into pieces; two of code never stand side by side, where their delimiters
/// would meet.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, (quoted, after))) = rest
        .split_once('`')
        .and_then(|(before, rest)| Some((before, rest.split_once('`')?)))
    {
        words(before, &mut pieces);
        push(&mut pieces, Piece::Code(quoted.to_owned()));
        rest = after;
    }
    words(rest, &mut pieces);
    pieces
}

fn words(text: &str, pieces: &mut Vec<Piece>) {
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 && !pieces.is_empty() {
            push(pieces, Piece::Plain(" ".to_owned()));
        }
        let start = word.trim_start_matches(['(', '[', '"', '\'']);
        let core = start.trim_end_matches([')', ']', '"', '\'', ',', '.', ';', ':', '!', '?']);
        let end = &start[core.len()..];
        punctuation(&word[..word.len() - start.len()], pieces);
        if is_plain_word(core) && !begins_a_list(core, end) {
            push(pieces, Piece::Plain(core.to_owned()));
        } else if !core.is_empty() {
            push(pieces, Piece::Code(core.to_owned()));
        }
        punctuation(end, pieces);
    }
}

/// Adds marks around a word: a bracket could begin a link, a footnote or a task, and `\[` a
/// formula.
fn punctuation(marks: &str, pieces: &mut Vec<Piece>) {
    if !marks.is_empty() {
        let marks = marks.replace('[', "&#91;").replace(']', "&#93;");
        push(pieces, Piece::Plain(marks));
    }
}

fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (Some(Piece::Plain(last)), Piece::Plain(next))
        | (Some(Piece::Code(last)), Piece::Code(next)) => last.push_str(&next),
        (_, piece) => pieces.push(piece),
    }
}

/// Returns whether a word means nothing to Markdown or GitHub: letters, digits and joining marks,
/// but neither a commit's hash nor a ticket.
fn is_plain_word(word: &str) -> bool {
    word.starts_with(char::is_alphanumeric)
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '\'' | '/'))
        && !word
            .split(|c: char| !c.is_alphanumeric())
            .any(may_be_a_hash)
        && !may_be_a_ticket(word)
}

/// Returns whether a number and its punctuation could number the items of a list.
fn begins_a_list(word: &str, end: &str) -> bool {
    end.starts_with(['.', ')']) && word.bytes().all(|b| b.is_ascii_digit())
}

fn may_be_a_hash(word: &str) -> bool {
    word.len() > LONGEST_NO_HASH && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Returns whether a word could be a ticket: `GH-12` is an issue, and a repository can give other
/// prefixes a meaning.
fn may_be_a_ticket(word: &str) -> bool {
    let mut parts = word.split('-');
    let mut before = parts.next().unwrap_or_default();
    parts.any(|after| {
        let is_ticket = before.ends_with(|c: char| c.is_ascii_alphanumeric())
            && after.starts_with(|c: char| c.is_ascii_digit());
        before = after;
        is_ticket
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_is_longer_than_what_is_in_it() {
        for (text, shown) in [
            ("acme", "`acme`"),
            ("a`b", "``a`b``"),
            ("`a``b", "``` `a``b ```"),
            (" a ", "`  a  `"),
            (" ", "` `"),
            ("", "(empty)"),
            ("a\nb", "`a\\u{a}b`"),
            ("ada@acme.com", "`a***@acme.com`"),
        ] {
            assert_eq!(code(text), shown);
        }
    }

    #[test]
    fn plain_words_stay_and_all_others_are_code() {
        for (text, shown) in [
            ("no directory yet", "no directory yet"),
            ("株式会社 and شركة", "株式会社 and شركة"),
            ("(see --prune), twice.", "(see `--prune`), twice."),
            ("write `id: org_1` here", "write `id: org_1` here"),
            ("ask @org/team about #12!", "ask `@org/team` about `#12`!"),
            ("GH-12 or ABC-7", "`GH-12` or `ABC-7`"),
            ("at deadbee or 1234567", "at `deadbee` or `1234567`"),
            ("1234567-x", "`1234567-x`"),
            ("[x](javascript:1)", "&#91;`x](javascript:1`)"),
            ("[ ] done", "&#91; &#93; done"),
            ("[^1]: note", "&#91;`^1`&#93;: note"),
            (":+1: www.evil.com", "`:+1`: `www.evil.com`"),
            ("a`b", "``a`b``"),
            ("x_y`z`", "`x_yz`"),
            ("1. # > =", "`1`. `#` `>` `=`"),
        ] {
            assert_eq!(prose(text), shown, "{text}");
        }
    }

    #[test]
    fn a_pipe_does_not_end_a_cell() {
        assert_eq!(cell(&code("a|b")), "`a\\|b`");
        assert_eq!(cell(&code("a\\|b")), "`a\\\\u{7c}b`");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let long = "x".repeat(LONGEST + 5);
        let shown = code(&long);
        assert!(shown.ends_with("x` … (5 more characters)"), "{shown}");
        assert_eq!(code(&"x".repeat(LONGEST)).len(), LONGEST + 2);
    }

    #[test]
    fn an_address_across_the_cut_is_masked() {
        // Cut first, `ada@acm` would be no address.
        for before in LONGEST - 12..=LONGEST {
            let text = format!("{} ada@acme.example and more", "x".repeat(before));
            for shown in [code(&text), verbatim(&text), html_code(&text)] {
                assert!(!shown.contains("ada"), "{before}: {shown}");
            }
        }
    }

    #[test]
    fn a_summary_has_no_elements_of_others() {
        assert_eq!(
            html_code("</summary><b a=\"1\">&\n"),
            "<code>&lt;/summary&gt;&lt;b a=&quot;1&quot;&gt;&amp;\\u{a}</code>"
        );
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert_eq!(fence("a ``` b"), "````");
        assert_eq!(fence("none"), "```");
    }
}
