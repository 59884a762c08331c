//! Renders Markdown as GitHub would, with every extension it has and more, so that active content
//! is found.

use comrak::nodes::{NodeCode, NodeHtmlBlock, NodeValue};
use comrak::{Arena, Node, Options, parse_document};

use portalctl_model::text::is_plain;

/// Words that reports emphasize themselves.
const STRONG: [&str; 10] = [
    "delete",
    "refused",
    "unknown",
    "not tried",
    "Intents before this plan",
    "Readiness after it",
    "run apply again: it goes on where it stopped",
    "interrupted; run apply again to go on",
    "Cut: not everything fits here. What is left out is less dangerous than the changes that are shown; the full report of the run has all of it.",
    "Cut: not even all dangerous changes fit here. Look at the full report of the run before you approve.",
];

/// Every extension of GitHub's, and those of others that use the same signs.
fn options() -> Options<'static> {
    let mut options = Options::default();
    let on = &mut options.extension;
    on.strikethrough = true;
    on.table = true;
    on.autolink = true;
    on.tasklist = true;
    on.superscript = true;
    on.subscript = true;
    on.footnotes = true;
    on.inline_footnotes = true;
    on.description_lists = true;
    on.multiline_block_quotes = true;
    on.alerts = true;
    on.math_dollars = true;
    on.math_latex = true;
    on.math_code = true;
    on.wikilinks_title_after_pipe = true;
    on.underline = true;
    on.spoiler = true;
    on.highlight = true;
    options.parse.relaxed_autolinks = true;
    options.parse.relaxed_tasklist_matching = true;
    options.render.r#unsafe = true;
    options
}

/// Looks at a report's tree: nothing in it but what reports are made of, and no text that GitHub
/// would turn into a link, a mention, a picture or a formula.
#[track_caller]
pub(crate) fn assert_inert(markdown: &str) {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    let mut folds = 0;
    for node in root.descendants() {
        match &node.data().value {
            NodeValue::Document
            | NodeValue::Paragraph
            | NodeValue::List(_)
            | NodeValue::Item(_)
            | NodeValue::Code(_)
            | NodeValue::Table(_)
            | NodeValue::TableRow(_)
            | NodeValue::TableCell => {}
            NodeValue::Heading(heading) => assert!(matches!(heading.level, 3 | 4), "{markdown}"),
            NodeValue::Text(text) => assert_dead(text, markdown),
            NodeValue::CodeBlock(block) => {
                assert!(block.fenced && block.closed, "{markdown}");
                assert_eq!(block.info, "diff", "{markdown}");
                let is_diff = |line: &str| line.starts_with(['+', '-']);
                assert!(block.literal.lines().all(is_diff), "{markdown}");
            }
            NodeValue::HtmlBlock(block) => folds += fold(block, markdown),
            NodeValue::Strong => {
                let text = node.collect_text();
                assert!(STRONG.contains(&text.as_str()), "{text:?}: {markdown}");
            }
            NodeValue::Emph => {
                let text = node.collect_text();
                assert!(text.ends_with(" has them all."), "{text:?}: {markdown}");
            }
            other => panic!("{other:?} in {markdown}"),
        }
    }
    assert_eq!(folds, 0, "every <details> has its end: {markdown}");
    assert_rows_are_whole(markdown);
    for line in markdown.lines() {
        assert!(line.chars().all(is_plain), "{line:?}");
    }
}

/// An HTML block is a hidden line, the beginning of a fold (1) or its end (-1).
#[track_caller]
fn fold(block: &NodeHtmlBlock, markdown: &str) -> i32 {
    let html = block.literal.as_str();
    if let Some(hidden) = html.strip_prefix("<!-- portalctl:") {
        let inside = hidden.trim_end().strip_suffix(" -->").unwrap_or("--");
        assert!(
            !inside.contains("--") && !inside.contains(['<', '>']),
            "{markdown}"
        );
        return 0;
    }
    if html.trim_end() == "</details>" {
        return -1;
    }
    let summary = html
        .strip_prefix("<details>\n<summary>")
        .or_else(|| html.strip_prefix("<details open>\n<summary>"))
        .and_then(|rest| rest.strip_suffix("</summary>\n"));
    let Some(summary) = summary else {
        panic!("{html:?} in {markdown}");
    };
    // Text outside code is the report's own.
    let (code, own) = match summary.split_once("</code>") {
        Some((code, own)) => (code.strip_prefix("<code>").unwrap_or("<"), own),
        None => ("", summary),
    };
    assert!(
        !code.contains(['<', '>']) && !own.contains(['<', '>', '&']),
        "{summary}"
    );
    assert_dead(own, markdown);
    1
}

/// Text outside code in which GitHub finds nothing.
#[track_caller]
fn assert_dead(text: &str, markdown: &str) {
    let fail = |what: &str| panic!("{what} in {text:?}: {markdown}");
    if text.contains(['@', '#', '$', '<', '>', '&', '`', '|', '~', '^']) {
        fail("a sign");
    }
    let lower = text.to_lowercase();
    for start in ["://", "www.", "mailto:", "gh-"] {
        if lower.contains(start) {
            fail(start);
        }
    }
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        if word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
            fail("a hash");
        }
    }
    let mut colons = text.split(':');
    colons.next();
    let is_name = |name: &str| {
        let mut characters = name.chars();
        !name.is_empty()
            && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-'))
    };
    // Words between two colons, without a space.
    let between = text.matches(':').count().saturating_sub(1);
    if colons.take(between).any(is_name) {
        fail("an emoji");
    }
}

/// Excess cells are dropped by the parser: counted in the source.
#[track_caller]
fn assert_rows_are_whole(markdown: &str) {
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut columns = None;
    for line in markdown.lines() {
        if !line.starts_with("| ") {
            assert!(
                !line.starts_with('|') || line.starts_with("|---|"),
                "{line}"
            );
            columns = columns.filter(|_| line.starts_with("|-"));
            continue;
        }
        assert_eq!(
            *columns.get_or_insert_with(|| bars(line)),
            bars(line),
            "{line}"
        );
        assert!(!line.contains("|  |"), "an empty cell: {line}");
    }
}

/// The code of every first cell that holds code, in the order of the rows, of one column.
pub(crate) fn codes_in_column(markdown: &str, column: usize) -> Vec<String> {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    let cell = |row: Node<'_>| -> Option<String> {
        let cell = row.children().nth(column)?;
        let code = cell.children().next()?;
        match &code.data().value {
            NodeValue::Code(NodeCode { literal, .. }) => Some(literal.clone()),
            _ => None,
        }
    };
    root.descendants()
        .filter(|node| matches!(node.data().value, NodeValue::TableRow(false)))
        .filter_map(cell)
        .collect()
}

/// The contents of every fence.
pub(crate) fn diffs(markdown: &str) -> Vec<String> {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    root.descendants()
        .filter_map(|node| match &node.data().value {
            NodeValue::CodeBlock(block) => Some(block.literal.clone()),
            _ => None,
        })
        .collect()
}
