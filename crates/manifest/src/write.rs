//! Writing of YAML.
//!
//! Goes in: a [`Manifest`](super::shape::Manifest) or a resource. Comes out: block style, fields in the
//! order of their declaration, quotes only where a YAML reader could take a text for something else.

use std::borrow::Cow;

use portalctl_model::inert;
use serde::Serialize;

/// Writes a manifest, a part of one, or a resource.
///
/// # Panics
///
/// Never: a shape holds nothing that YAML cannot express.
pub fn to_yaml(shape: &impl Serialize) -> String {
    let options = serde_saphyr::ser_options! {
        // Lists are indented below their field, as in the documentation.
        compact_list_indent: false,
        // One value, one line: folded texts are hard to read and to compare.
        prefer_block_scalars: false,
    };
    let text = serde_saphyr::to_string_with_options(shape, options)
        .expect("a shape holds nothing that YAML cannot express");
    match inert::output(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(_) => text.lines().map(|line| inert_line(line) + "\n").collect(),
    }
}

/// Writes a line so that the log of a CI system does not obey it: the scalars that it would obey are
/// quoted, with an escape in them.
fn inert_line(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ' ' | ':' => 1,
            '-' if rest.starts_with("- ") => 2,
            '"' => quoted_length(rest),
            _ => rest.find(": ").unwrap_or(rest.trim_end_matches(':').len()),
        };
        let (scalar, behind) = rest.split_at(length.max(1));
        rest = behind;
        if matches!(inert::output(scalar), Cow::Borrowed(_)) {
            shown.push_str(scalar);
        } else if first == '"' {
            shown.push_str(&inert::json(scalar));
        } else {
            // A string of JSON is one of YAML.
            shown.push_str(&inert::json(&serde_json::Value::from(scalar).to_string()));
        }
    }
    shown
}

/// Returns the length of the quoted scalar at the beginning of a text, with its quotes.
fn quoted_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text[1..].find(|c| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn no_line_is_a_command_and_no_value_is_lost() {
        let texts = [
            "::error::x",
            "##[add-path]/tmp",
            "a##[b]: c",
            "a##[b]",
            "a\"b\\##vso[c]",
            "\"##teamcity[x",
            "- a##[b]",
            "a##[b]:",
            "'a##[b]'",
            "a: \"##[b]\" c##[d]",
        ];
        let map: BTreeMap<&str, Vec<&str>> =
            texts.iter().map(|text| (*text, texts.to_vec())).collect();
        let value: BTreeMap<&str, &str> = texts.iter().map(|text| (*text, *text)).collect();
        let written = to_yaml(&(&map, &value));
        assert!(
            matches!(inert::output(&written), Cow::Borrowed(_)),
            "{written}"
        );
        let read: (BTreeMap<String, Vec<String>>, BTreeMap<String, String>) =
            serde_saphyr::from_str(&written).unwrap();
        let own = |text: &str| text.to_owned();
        assert_eq!(read.1.len(), texts.len());
        for text in texts {
            assert_eq!(read.0[text], texts.map(own), "{written}");
            assert_eq!(read.1[text], text, "{written}");
        }
    }
}
