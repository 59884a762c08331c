//! Files that are no manifests, by accident or on purpose: refused, quickly and in little memory.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::{Checked, Input, Layout, read, render};

fn check(bytes: impl Into<Vec<u8>>) -> Checked {
    read(&[Input::Stdin(bytes.into())])
}

/// Returns the findings about a file, without the source lines.
fn said(bytes: impl Into<Vec<u8>>) -> String {
    let checked = check(bytes);
    assert!(checked.desired.is_none());
    let mut said = String::new();
    for finding in &checked.diagnostics {
        let at = finding
            .location
            .as_ref()
            .map(|at| format!(" at {}:{}", at.line, at.column));
        let at = at.unwrap_or_default();
        writeln!(said, "{}{at}: {}", finding.code, finding.message).unwrap();
    }
    said
}

#[test]
fn text_that_is_no_text_is_refused() {
    insta::assert_snapshot!(said(b"version: 1\nname: \xff\n"), @"manifest/wrong-encoding at 2:7: the text is not valid UTF-8 from here on");
    insta::assert_snapshot!(said(b"version: 1\n# \0\n"), @"manifest/control-character at 2:3: the file holds a NUL character");
    insta::assert_snapshot!(said("version: 1 # \u{1b}[2J\n"), @r"manifest/control-character at 1:14: the file holds the control character \u{1b}");
    let utf16: Vec<u8> = "\u{feff}version: 1"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    insta::assert_snapshot!(said(utf16), @"manifest/wrong-encoding at 0:0: the file is UTF-16, not UTF-8");
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let checked = check("\u{feff}version: 1\norganizations: { acme: { name: Acme } }\n");
    assert!(checked.desired.is_some(), "{:?}", checked.diagnostics);
}

#[test]
fn alias_bombs_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let alias = format!("*a{}", level - 1);
        let list = [alias.as_str(); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{list}]").unwrap();
    }
    assert!(said(bomb).starts_with("manifest/too-complex"));

    let fields = "f: 1, ".repeat(2_000);
    let mut merges = format!("base: &b [{{ {fields} }}]\n");
    for n in 0..1_000 {
        writeln!(merges, "k{n}: {{ <<: *b }}").unwrap();
    }
    assert!(said(merges).starts_with("manifest/too-complex"));
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["[", "{a: ", "- ", "? "] {
        let said = said(open.repeat(20_000));
        assert!(said.starts_with("manifest/too-complex"), "{open}: {said}");
    }
    let mut block = String::new();
    for depth in 0..3_000 {
        writeln!(block, "{}a:", " ".repeat(depth)).unwrap();
    }
    assert!(said(block).starts_with("manifest/too-complex"));
}

#[test]
fn huge_files_are_refused() {
    let huge = format!("version: \"{}\"\n", "x".repeat(40 << 20));
    insta::assert_snapshot!(said(huge), @"manifest/too-large at 0:0: the file is larger than 32 MiB");
}

#[test]
fn a_long_scalar_is_shown_in_part() {
    let long = "x".repeat(10 << 20);
    let checked = check(format!(
        "version: 1\n{long}: 1\norganizations: {{}}\n{long}\n"
    ));
    let text = render(&checked.diagnostics, &checked.sources, Layout::plain(80));
    assert!(text.len() < 4_000, "{}", text.len());
}

#[test]
fn no_message_and_no_line_shows_a_key() {
    let key = concat!("sk_", "live_", "aB3dE5fG7hJ9");
    for text in [
        format!("name: {key}"),
        format!("{key}: 1"),
        format!("version: {key}"),
        format!("a: [{key}"),
        format!("a: \"{key}"),
        format!("a: !{key} x"),
        format!("a: *{key}"),
        format!("version: 1\norganizations:\n  {key}:\n    intents: [{key}]\n"),
        format!("return_urls: {{ default: \"https://{key}/\" }}"),
        format!("a: \"\\x73{}\"", &key[1..]),
        format!("manifest: {key}\n# {key} {key}"),
    ] {
        let checked = check(text.clone());
        assert!(checked.desired.is_none());
        let shown = render(
            &checked.diagnostics,
            &checked.sources,
            Layout {
                width: 100,
                colour: true,
            },
        );
        let json = serde_json::to_string(&checked.diagnostics).unwrap();
        for output in [shown, json] {
            assert!(!output.contains("aB3dE5fG7hJ9"), "{text}\n{output}");
            assert!(output.contains("manifest/secret"), "{text}\n{output}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let checked = check(bytes);
        let _ = render(&checked.diagnostics, &checked.sources, Layout { width: 60, colour: true });
    }

    #[test]
    fn arbitrary_yaml_is_read_or_refused(text in "([-?:,\\[\\]{}#&*!|>'\"%@` \n\ta-z0-9é]|version: 1\n|organizations:\n  acme:\n|    (name|intents|domains|metadata): ){0,40}") {
        let checked = check(text);
        let shown = render(&checked.diagnostics, &checked.sources, Layout::plain(60));
        prop_assert_eq!(checked.desired.is_none(), checked.diagnostics.has_errors());
        prop_assert_eq!(shown.is_empty(), checked.diagnostics.is_empty());
    }
}
