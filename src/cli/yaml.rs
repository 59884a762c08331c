//! YAML of a document, made from the lines of its JSON.
//!
//! Takes indented JSON, in which every value stands on a line of its own. Returns the same document
//! in the block style of YAML. The scalars stay as JSON writes them, with the escapes that make them
//! inert: a string in double quotes has the same value in both, and no text is taken for a number, a
//! truth value or a comment.

use std::borrow::Cow;

/// Renders indented JSON as YAML; every line ends with a newline.
pub(super) fn from_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    // The dashes of lists whose first line has not been written yet.
    let mut dashes = String::new();
    let mut lines = json.lines();
    let Some(first) = lines.next() else {
        return out;
    };
    if !is_opening(first) {
        return format!("{}\n", scalar(first));
    }
    let mut in_list = vec![first == "["];
    for line in lines {
        let text = line.trim_start();
        if text.starts_with(['}', ']']) {
            in_list.pop();
            continue;
        }
        // What the whole document is indented by is not needed.
        let indent = (line.len() - text.len()).saturating_sub(2);
        let is_item = in_list.last() == Some(&true);
        if is_item && dashes.is_empty() {
            out.push_str(&" ".repeat(indent));
        }
        if is_item {
            dashes.push_str("- ");
        } else if dashes.is_empty() {
            out.push_str(&" ".repeat(indent));
        }
        let text = text.strip_suffix(',').unwrap_or(text);
        let (key, value) = if is_item { (None, text) } else { split(text) };
        if is_opening(value) {
            in_list.push(value == "[");
            if let Some(key) = key {
                out.push_str(&format!("{dashes}{}:\n", plain(key)));
                dashes.clear();
            }
            continue;
        }
        let key = key.map_or_else(String::new, |key| format!("{}: ", plain(key)));
        out.push_str(&format!("{dashes}{key}{}\n", scalar(value)));
        dashes.clear();
    }
    out
}

fn is_opening(value: &str) -> bool {
    matches!(value, "{" | "[")
}

/// Splits a member of an object into its key, with its quotes, and its value.
fn split(text: &str) -> (Option<&str>, &str) {
    let quoted = text.strip_prefix('"');
    let mut is_escaped = false;
    let end = quoted.and_then(|quoted| {
        quoted.find(|c| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        })
    });
    match end {
        // Both quotes, a colon and a space.
        Some(end) => (
            Some(&text[..end + 2]),
            text[end + 2..].trim_start_matches(": "),
        ),
        None => (None, text),
    }
}

/// Returns a key without its quotes, where YAML reads it as the same text.
fn plain(key: &str) -> Cow<'_, str> {
    let text = key.trim_matches('"');
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_taken = matches!(
        text,
        "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
    );
    if text.is_empty() || is_taken || !text.chars().all(is_word) {
        scalar(key)
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns a scalar of JSON as one of YAML, which has no pairs of surrogates.
fn scalar(text: &str) -> Cow<'_, str> {
    if !text.contains("\\ud") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (written, length) = match surrogates(&rest[at..]) {
            Some(c) => (format!("\\U{:08x}", u32::from(c)), 12),
            // An escaped backslash begins no other escape.
            None => (rest[at..].chars().take(2).collect(), 2),
        };
        out.push_str(&written);
        rest = rest.get(at + length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Reads a pair of escaped surrogates at the beginning of a text.
fn surrogates(text: &str) -> Option<char> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    char::decode_utf16([unit(0)?, unit(6)?])
        .next()?
        .ok()
        .filter(|c| !c.is_ascii() && *c as u32 > 0xffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::from_json;
    use portalctl_model::inert;

    fn yaml(document: &Value) -> String {
        from_json(&inert::json(
            &serde_json::to_string_pretty(document).unwrap(),
        ))
    }

    #[test]
    fn a_document_is_in_block_style() {
        let document = json!({
            "format_version": "1",
            "changes": [
                { "key": "acme", "fields": [{ "path": "name", "after": null }], "on": [] },
                [1, [2, 3]],
            ],
            "empty": {},
            "a: b": "yes",
        });
        insta::assert_snapshot!(yaml(&document), @r#"
        "a: b": "yes"
        changes:
          - fields:
              - after: null
                path: "name"
            key: "acme"
            "on": []
          - - 1
            - - 2
              - 3
        empty: {}
        format_version: "1"
        "#);
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[-:#{}\\[\\]\"'\\\\ ,a\u{1f600}\u{e0061}\u{202e}\n]{0,9}",
            Just("null".to_owned()),
            Just("##[x]".to_owned()),
            Just("1.5".to_owned()),
        ];
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..5).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_document_means_the_same(document in value()) {
            let text = yaml(&document);
            let read: Value = serde_saphyr::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(read, document, "{}", text);
        }
    }
}
